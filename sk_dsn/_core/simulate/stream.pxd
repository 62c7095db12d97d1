from libc.stdint cimport int32_t, int64_t, uint32_t

from ..network cimport Network
from ..stream cimport Stream, Values
from .stepper cimport Stepper


# An input unit whose potential follows from the sum of its input: of signed networks without leak.
cdef struct InputUnit:
    float sum
    float net_count
    uint32_t call               # the last one that touched it


# The input units, and what those were at the start of the call that it has touched.
cdef struct InputUnits:
    Py_ssize_t n
    InputUnit *unit             # (n,)
    InputUnit *before           # (n,)
    int32_t *touched            # (n,): the numbers of those in `before`
    Py_ssize_t n_touched
    uint32_t call


cdef class SteppedStream(Stream):
    cdef Network network
    cdef Stepper stepper
    cdef bint from_sum          # whether the input's potentials follow from sums
    cdef bint biased
    cdef bint silent            # no layer has spiked in the last step, and none will without input
    cdef InputUnits units       # from_sum
    # Input units that are active in the next step whether they have input or not: from_sum, those
    # past threshold; else all whose potential is not 0, and their potentials.
    cdef Values awake
    cdef Values awake_before
    cdef float *vector          # input of the active units
    cdef Py_ssize_t n_hidden    # numbers in the state of the layers above the input
    cdef float *hidden_before
    cdef float *hidden_marked
    cdef int64_t operations_marked
    cdef int64_t *n_spikes_before

    cdef const float *input_gather(self) noexcept nogil
    cdef void input_scatter(self, const float *x) noexcept nogil
    cdef void spikes_count(self) noexcept nogil
    cdef void answer_add(self, const float *sums) noexcept nogil


cdef class CountingStream(Stream):
    cdef Network network
    cdef InputUnits units
    cdef float *input_sums
    cdef int64_t answered       # the number of complete steps that the last answer was for
    cdef float *last_answer

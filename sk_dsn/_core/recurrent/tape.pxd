"""The tape: a sequence's spikes, traces and gates at each time step, for the backward pass, and that pass's error spikes.

It has room for one sequence. Time steps count from 1; row 0 of the traces is the state before.
"""
from libc.stdint cimport uint16_t

from ..kernels.arena cimport Arena
from ..kernels.kernels cimport SpikeCounts
from .network cimport RecurrentNet


# A list of spikes for each time step, one behind the other in one pool.
cdef struct StepSpikes:
    SpikeCounts *step           # (n_steps + 2,); the first and the last are empty
    SpikeCounts pool


cdef struct LayerTape:
    # Layers that spike.
    float *trace                # (n_steps + 1, width)
    float *sent_trace           # the same times the mask of dropout; the same array without dropout
    uint16_t *gate              # (n_steps + 1, width / ROW_PADDING); NULL for the input
    StepSpikes spikes
    StepSpikes sent             # times the mask of dropout; the same lists without dropout
    # Layers with weights.
    float *error                # (n_steps + 2, width)
    StepSpikes errors


cdef struct Tape:
    LayerTape *layers
    Py_ssize_t n_steps          # room
    float *leaky_steps          # (n_steps + 1,): c_t
    float *output_error         # (n_steps + 1, width of the output): the error, in error spikes
    bint *has_output_error      # (n_steps + 1,)


cdef void tape_layout(Tape *tape, const RecurrentNet *net, bint dropout, Arena *arena) noexcept nogil
cdef void tape_step(Tape *tape, RecurrentNet *net, int t) noexcept nogil
cdef void tape_record(Tape *tape, RecurrentNet *net, int t) noexcept nogil

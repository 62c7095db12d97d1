"""A sample that is still coming in: what all live streams share.

A stream holds the state of one sample between calls. Its open step collects events; it is complete
once a later event, or `advance`, says so, and then the network runs it. A call that fails leaves
the stream as it was: `remember` saves the state at the start of a call, `roll_back` brings it back.

Each network has a subclass, which says how it runs a step and what its state is. Functions that
can fail return -1, or the number of the layer that failed, or INTERRUPTED (see network.pxd).
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from .kernels.arena cimport Arena


# The events of a step, by feature.
cdef struct OpenStep:
    float *value                # (n_features,): the sum of the events of each feature
    uint64_t *bits              # a bit for each feature that has events
    uint64_t *words             # a bit for each word of `bits` that is not 0
    Py_ssize_t n_words


# Features, ascending, and a value of each.
cdef struct Values:
    Py_ssize_t n
    int32_t *unit
    float *value


# The grid that the input of a quantised network is rounded to.
cdef struct InputGrid:
    bint rounds
    float step
    float lowest
    float highest


cdef class Stream:
    cdef Py_ssize_t n_features
    cdef Py_ssize_t n_outputs
    cdef int64_t n_steps        # that are complete: the number of the open step
    cdef int64_t operations     # additions so far: spikes times the units that each reaches
    cdef bint mean              # whether the answer is the mean of the answers so far
    cdef float *answer_sum      # (n_outputs,): of the answers so far, for the mean
    cdef InputGrid grid
    cdef OpenStep open_step
    cdef Values input           # of the step that runs
    # At the start of the call.
    cdef Values open_before
    cdef int64_t n_steps_before
    cdef int64_t operations_before
    cdef float *answer_sum_before
    cdef Arena arena
    cdef bint busy

    cdef int prepare(self, Py_ssize_t n_features, Py_ssize_t n_outputs, bint mean) except -1
    cdef void shared_layout(self) noexcept nogil
    cdef int occupy(self) except -1
    cdef int call_begin(self) except -1
    cdef int call_end(self, int failed) except -2
    cdef void steps_forget(self) noexcept nogil
    cdef int events_take(self, Py_ssize_t n, const int64_t *step, const int32_t *feature, const float *value) noexcept nogil
    cdef int frames_take(self, Py_ssize_t n, const float *x) noexcept nogil
    cdef int steps_complete(self, int64_t n) noexcept nogil
    cdef int step_complete(self) noexcept nogil
    cdef int rest(self, int64_t n) noexcept nogil
    cdef int repeat(self, int64_t n, int64_t period, int64_t operations) noexcept nogil
    cdef int answers_repeat(self, float *sums, int64_t repeats, int64_t period) noexcept nogil
    cdef int steps_run(self, int64_t n) noexcept nogil

    # What a subclass must provide.

    # Hands out its arrays, after those of this class.
    cdef void layout(self) noexcept nogil
    # Runs a time step with `input`; `n_steps` is its number.
    cdef int run(self) noexcept nogil
    # The state of the network: forgets it, saves it at the start of a call, brings that back.
    cdef void begin(self) noexcept nogil
    cdef void remember(self) noexcept nogil
    cdef void roll_back(self) noexcept nogil
    # Marks the present state, and says whether the state is the marked one again.
    cdef void mark(self) noexcept nogil
    cdef bint is_marked(self) noexcept nogil
    # Goes on by n steps that leave the state as it is.
    cdef void skip(self, int64_t n) noexcept nogil
    # The output sums, which divided by the leaky number of steps are the answer.
    cdef const float *sums(self) noexcept nogil
    # The answer of the last complete step.
    cdef int answer(self, float *out) noexcept nogil
    # Adds to the sum of the answers that of a step that is skipped, whose output sums are given.
    cdef int answer_again(self, const float *sums) noexcept nogil


cdef Values values_take(Arena *arena, Py_ssize_t n) noexcept nogil
cdef void values_copy(Values *to, const Values *values) noexcept nogil


cdef inline void values_append(Values *values, Py_ssize_t unit, float value) noexcept nogil:
    values.unit[values.n] = <int32_t> unit
    values.value[values.n] = value
    values.n += 1

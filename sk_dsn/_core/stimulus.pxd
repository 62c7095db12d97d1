"""What the input units are shown: a static vector at every time step, or a stream of one vector a step."""
from libc.stdint cimport int32_t, int64_t, uint64_t

from .network cimport Network


cdef struct Stimulus:
    Py_ssize_t n                # values of a vector
    const float *x              # the first vector
    const int32_t *unit         # whom its values are for, ascending; NULL: units 0 … n - 1
    Py_ssize_t step             # floats from one time step's vector to the next; 0 for a static vector


cdef class Samples:
    """Input as the core takes it: a dense array or a sparse matrix."""
    cdef readonly Py_ssize_t n_samples
    cdef readonly Py_ssize_t n_steps        # 1: static
    cdef readonly Py_ssize_t n_features
    cdef bint sparse
    cdef const float[:, :, ::1] dense
    cdef const float[::1] data              # of a CSR matrix
    cdef const int32_t[::1] indices
    cdef const int64_t[::1] indptr
    cdef float[:, ::1] changed              # room for a sample with noise, or (a stream) without features; None until needed
    cdef void fetch(self, Py_ssize_t sample) noexcept nogil
    cdef void show(self, Network network, Py_ssize_t sample, bint condense, Stimulus *stimulus) noexcept nogil
    cdef void blur(self, Network network, double deviation, uint64_t key, Stimulus *stimulus) noexcept nogil
    cdef void drop(self, Network network, double dropout, uint64_t key, Stimulus *stimulus) noexcept nogil


cdef inline const float *stimulus_at(const Stimulus *stimulus, int t) noexcept nogil:
    """The vector of time step t = 1, 2, …"""
    return stimulus.x + (t - 1) * stimulus.step


cdef inline void stimulus_sum(const Stimulus *stimulus, int t, float *total) noexcept nogil:
    """The sum of the vectors of time steps 1 … t; of a stream, given that of t - 1."""
    cdef const float *x = stimulus_at(stimulus, t)
    cdef Py_ssize_t i
    if stimulus.step == 0:
        for i in range(stimulus.n):
            total[i] = t * x[i]
    else:
        for i in range(stimulus.n):
            total[i] = (total[i] if t > 1 else <float> 0.0) + x[i]

"""What the input units are shown: a static vector at every time step, or a stream of one vector a step."""
from .network cimport Network


cdef struct Stimulus:
    const float *x              # the first vector
    Py_ssize_t step             # floats from one time step's vector to the next; 0 for a static vector


cdef inline const float *stimulus_at(const Stimulus *stimulus, int t) noexcept nogil:
    """The vector of time step t = 1, 2, …"""
    return stimulus.x + (t - 1) * stimulus.step


cdef inline void stimulus_sum(const Stimulus *stimulus, Py_ssize_t n, int t, float *total) noexcept nogil:
    """The sum of the vectors of time steps 1 … t; of a stream, given that of t - 1."""
    cdef const float *x = stimulus_at(stimulus, t)
    cdef Py_ssize_t i
    if stimulus.step == 0:
        for i in range(n):
            total[i] = t * x[i]
    else:
        for i in range(n):
            total[i] = (total[i] if t > 1 else <float> 0.0) + x[i]

from libc.stdint cimport int32_t

from ..encoder cimport Stimulus
from ..network cimport Net


cdef int breadth_step(Net *net, const Stimulus *stimulus, int t) noexcept nogil
cdef int depth_step(Net *net, const Stimulus *stimulus, int t) noexcept nogil

# For learning depth-first, which has a sweep of its own.
cdef int layer_integrate(Net *net, int l, const float *weights, Py_ssize_t stride, const int32_t *unit, const float *sign,
                         Py_ssize_t n) noexcept nogil
cdef int step_begin(Net *net, const Stimulus *stimulus, int t) noexcept nogil
cdef int step_end(Net *net) noexcept nogil

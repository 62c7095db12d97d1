from libc.stdint cimport int32_t

from ..encoder cimport Stimulus
from .learner cimport Learning


ctypedef int (*ErrorsDown)(Learning *learning, double eta) noexcept nogil

cdef int breadth_learn_step(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil
cdef int breadth_feedback(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil
cdef void events_end(Learning *learning, double eta) noexcept nogil

# For learning depth-first.
cdef void traces_outdate(Learning *learning) noexcept nogil
cdef int penalties_learn(Learning *learning, int l, Py_ssize_t first, Py_ssize_t end, double eta) noexcept nogil
cdef bint gate_passes(const Learning *learning, int l, int32_t j) noexcept nogil
cdef int errors_integrate(Learning *learning, int l, const int32_t *unit, const float *sign, Py_ssize_t n) noexcept nogil
cdef int linear_error_send(Learning *learning, ErrorsDown errors_down, double eta) noexcept nogil
cdef int held_errors_send(Learning *learning, ErrorsDown errors_down, double eta) noexcept nogil
cdef int target_spikes_send(Learning *learning, ErrorsDown errors_down, double eta) noexcept nogil

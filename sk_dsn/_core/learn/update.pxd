from libc.stdint cimport int32_t

from .learner cimport Learning


cdef double layer_rate(const Learning *learning, int l, double eta) noexcept nogil
cdef void trace_refresh(Learning *learning, int l) noexcept nogil
cdef void weights_learn(Learning *learning, int l, const float *error, double eta) noexcept nogil
cdef void totals_learn(Learning *learning, double eta) noexcept nogil
cdef void gradients_add(Learning *learning) noexcept nogil
cdef void gradients_learn(Learning *learning, double eta) noexcept nogil
cdef int error_learn(Learning *learning, int l, int32_t j, float error, double eta) noexcept nogil
cdef void pending_learn(Learning *learning, int l) noexcept nogil
cdef void norms_limit(Learning *learning) noexcept nogil
cdef bint learning_is_finite(const Learning *learning) noexcept nogil

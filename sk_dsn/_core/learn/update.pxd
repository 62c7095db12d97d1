from libc.stdint cimport int32_t

from .learner cimport Learning


cdef double layer_rate(const Learning *learning, int l, double eta) noexcept nogil
cdef void trace_refresh(Learning *learning, int l) noexcept nogil
cdef void weights_learn(Learning *learning, int l, const float *error, double eta) noexcept nogil
cdef void totals_learn(Learning *learning, double eta) noexcept nogil
cdef void gradients_add(Learning *learning) noexcept nogil
cdef void gradients_learn(Learning *learning, double eta) noexcept nogil
cdef int column_learn(Learning *learning, int l, int32_t j, float error, double eta) noexcept nogil
cdef int pending_learn(Learning *learning, int l) noexcept nogil
cdef void norms_limit(Learning *learning) noexcept nogil
cdef bint learning_is_finite(const Learning *learning) noexcept nogil


cdef inline int error_learn(Learning *learning, int l, int32_t j, float error, double eta) noexcept nogil:
    """An error spike of unit j in layer l, past the gate, changes the weights that lead to j: with
    sgd at the end of the sample; with fractional updates now. Returns -1, or l where there is no
    memory."""
    if learning.update_rule.fractional:
        return column_learn(learning, l, j, error, eta)
    learning.layers[l].error_total[j] += error
    return -1

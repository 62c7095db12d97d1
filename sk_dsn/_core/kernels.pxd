from libc.stdint cimport int32_t

from .spike_train cimport SpikeTrain

cdef extern from "kernels.h" nogil:
    const int ROW_PADDING

    ctypedef enum FiringRule:
        FIRE_UP
        FIRE_BACK
        FIRE_BOTH

    ctypedef struct Kernels:
        const char *name
        void (*rows_add)(float *sum, Py_ssize_t width, const float *weights, Py_ssize_t stride,
                         const int32_t *unit, const float *count, Py_ssize_t n) noexcept nogil
        void (*rows_subtract)(float *weights, Py_ssize_t stride, Py_ssize_t width, const float *delta,
                              const int32_t *unit, const float *count, Py_ssize_t n) noexcept nogil
        int (*input_quantize)(const float *x, Py_ssize_t n, float scale, float *count) noexcept nogil
        int (*sum_rectify)(const float *sum, Py_ssize_t n, float *count) noexcept nogil
        int (*potential_fire)(float *potential, float *net_count, Py_ssize_t n, FiringRule rule,
                              float *count) noexcept nogil
        int (*train_fire)(float *potential, float *net_count, Py_ssize_t width, FiringRule rule,
                          SpikeTrain *out) noexcept nogil
        int (*train_integrate)(float *potential, float *net_count, Py_ssize_t width, FiringRule rule, const float *weights,
                               Py_ssize_t stride, const int32_t *unit, const float *sign, Py_ssize_t n,
                               SpikeTrain *out) noexcept nogil
        Py_ssize_t (*spikes_list)(const float *count, Py_ssize_t n, int32_t *unit, float *nonzero) noexcept nogil
        double (*softmax)(const float *sum, Py_ssize_t n, float t, float *p) noexcept nogil
        double (*logistic)(const float *sum, Py_ssize_t n, float t, float *p) noexcept nogil

    const Kernels *const *kernels_available() noexcept

from libc.stdint cimport int32_t

cdef extern from "kernels.h" nogil:
    const float SPIKE_LIMIT
    const int ROW_PADDING

    ctypedef enum FiringRule:
        FIRE_UP
        FIRE_BACK
        FIRE_BOTH

    ctypedef struct SpikeTrain:
        Py_ssize_t n
        Py_ssize_t room
        int32_t *unit
        float *sign
        float *key
        int32_t *arrival

    ctypedef struct Kernels:
        const char *name
        Py_ssize_t block_width
        void (*rows_add)(float *sum, Py_ssize_t width, const float *weights, Py_ssize_t stride,
                         const int32_t *unit, const float *count, Py_ssize_t n) noexcept nogil
        void (*rows_subtract)(float *weights, Py_ssize_t stride, Py_ssize_t width, const float *delta,
                              const int32_t *unit, const float *count, Py_ssize_t n) noexcept nogil
        int (*input_quantize)(const float *x, Py_ssize_t n, float scale, float *count) noexcept nogil
        int (*sum_rectify)(const float *sum, Py_ssize_t n, float *count) noexcept nogil
        int (*potential_fire)(float *potential, float *net_count, Py_ssize_t n, FiringRule rule,
                              float *count) noexcept nogil
        Py_ssize_t (*train_integrate)(float *potential, float *net_count, Py_ssize_t width, FiringRule rule, int32_t base,
                                      const float *weights, Py_ssize_t stride, const int32_t *unit, const float *sign,
                                      Py_ssize_t first, Py_ssize_t n, int pending, SpikeTrain *out) noexcept nogil
        Py_ssize_t (*spikes_list)(const float *count, Py_ssize_t n, int32_t *unit, float *nonzero) noexcept nogil
        double (*softmax)(const float *sum, Py_ssize_t n, float t, float *p) noexcept nogil
        double (*logistic)(const float *sum, Py_ssize_t n, float t, float *p) noexcept nogil

    const Kernels *const *kernels_available() noexcept

from libc.stdint cimport int32_t, uint16_t, uint64_t

from .spike_train cimport SpikeTrain

cdef extern from "kernels.h" nogil:
    const int ROW_PADDING
    const int MOST_TOGETHER

    int lowest_bit(uint64_t mask) noexcept
    void prefetch(const void *start, size_t size) noexcept

    ctypedef enum FiringRule:
        FIRE_UP
        FIRE_BACK
        FIRE_BOTH
        FIRE_NEVER

    ctypedef struct SpikeCounts:
        Py_ssize_t n
        int32_t *unit
        float *count
        double total

    ctypedef struct FiringLayer:
        Py_ssize_t width
        FiringRule rule
        bint drops
        float decay
        const float *weights
        Py_ssize_t stride
        const float *bias
        float *potential
        float *net_count
        float *count

    ctypedef struct LeakyLayer:
        Py_ssize_t width
        FiringRule rule
        float keep
        const float *weights
        Py_ssize_t stride
        const float *recurrent
        Py_ssize_t recurrent_stride
        const float *bias
        float *sum

    ctypedef struct LeakyStep:
        const SpikeCounts *below
        const SpikeCounts *own
        const float *before
        float *after
        uint16_t *gate
        SpikeCounts *fired

    ctypedef struct AdamRates:
        float beta_1
        float rest_1
        float beta_2
        float rest_2
        float rate
        float correction
        float epsilon

    ctypedef struct Kernels:
        const char *name
        void (*rows_add)(float *sum, Py_ssize_t width, const float *weights, Py_ssize_t stride,
                         const SpikeCounts *spikes) noexcept nogil
        void (*rows_share)(float *sum, Py_ssize_t sum_stride, Py_ssize_t width, const float *weights, Py_ssize_t stride,
                           Py_ssize_t n_rows, const SpikeCounts *spikes, Py_ssize_t n_samples) noexcept nogil
        void (*rows_subtract)(float *weights, Py_ssize_t stride, Py_ssize_t width, const float *delta,
                              const int32_t *unit, const float *count, Py_ssize_t n) noexcept nogil
        int (*sums_count)(const float *sum, Py_ssize_t n, float scale, FiringRule rule, const float *keep, float *count,
                          SpikeCounts *out) noexcept nogil
        int (*potential_fire)(float *potential, float *net_count, Py_ssize_t n, FiringRule rule, float *count,
                              SpikeCounts *out) noexcept nogil
        void (*state_decay)(float *state, Py_ssize_t n, float decay) noexcept nogil
        int (*train_fire)(float *potential, float *net_count, Py_ssize_t width, FiringRule rule,
                          SpikeTrain *out) noexcept nogil
        int (*train_integrate)(float *potential, float *net_count, Py_ssize_t width, FiringRule rule, const float *weights,
                               Py_ssize_t stride, const int32_t *unit, const float *sign, Py_ssize_t n,
                               SpikeTrain *out) noexcept nogil
        int (*all_finite)(const float *values, Py_ssize_t n) noexcept nogil
        void (*spikes_list)(const float *count, Py_ssize_t n, SpikeCounts *out) noexcept nogil
        double (*softmax)(const float *sum, Py_ssize_t n, float t, float *p) noexcept nogil
        double (*logistic)(const float *sum, Py_ssize_t n, float t, float *p) noexcept nogil
        int (*layer_fire)(const FiringLayer *layer, const SpikeCounts *below, SpikeCounts *out) noexcept nogil
        int (*leaky_step)(const LeakyLayer *layer, const LeakyStep *step) noexcept nogil
        int (*error_fire)(float *potential, const float *sum, Py_ssize_t n, const uint16_t *gate, float *count,
                          SpikeCounts *out) noexcept nogil
        void (*transpose)(float *to, Py_ssize_t to_stride, const float *start, Py_ssize_t from_stride, Py_ssize_t n_rows,
                          Py_ssize_t n_columns) noexcept nogil
        void (*transpose_move)(float *to, Py_ssize_t to_stride, float *start, Py_ssize_t from_stride,
                               Py_ssize_t n_rows, Py_ssize_t n_columns) noexcept nogil
        double (*squares_sum)(const float *values, Py_ssize_t n) noexcept nogil
        void (*adam_step)(float *weight, float *first, float *second, float *gradient, Py_ssize_t n, float scale,
                          const AdamRates *rates) noexcept nogil
        void (*momentum_step)(float *weight, float *velocity, float *gradient, Py_ssize_t n, float scale, float rate,
                              float momentum) noexcept nogil

    const Kernels *const *kernels_available() noexcept

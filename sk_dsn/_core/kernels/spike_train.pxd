from libc.stdint cimport int32_t

cdef extern from "spike_train.h" nogil:
    const float SPIKE_LIMIT

    ctypedef struct SpikeTrain:
        Py_ssize_t n
        int32_t *unit
        float *sign
        int starved

    int train_reserve(SpikeTrain *train, Py_ssize_t more) noexcept
    int train_append(SpikeTrain *train, int32_t unit, float sign) noexcept
    void train_clear(SpikeTrain *train) noexcept
    void train_free(SpikeTrain *train) noexcept

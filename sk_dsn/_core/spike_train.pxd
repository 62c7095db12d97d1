"""Spike trains: spikes in the order in which they were fired (the struct is in kernels.h)."""
from .kernels cimport SpikeTrain

cdef int train_reserve(SpikeTrain *train, Py_ssize_t more) noexcept nogil
cdef int train_append(SpikeTrain *train, int unit, float sign) noexcept nogil
cdef int train_sort(SpikeTrain *train, SpikeTrain *scratch, Py_ssize_t first, Py_ssize_t n_arrivals) noexcept nogil
cdef void train_free(SpikeTrain *train) noexcept nogil

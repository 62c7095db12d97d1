"""Spiking backpropagation as every simulation uses it: output error, error spikes down the layers, weight updates."""
from libc.stdint cimport uint64_t

from .network cimport Network


cpdef enum Loss:
    LOG_LOSS
    SQUARED_ERROR


cdef struct Learning:
    Loss loss
    float n_time_steps
    float error_resolution
    float spike_penalty
    float dropout
    bint normalized_step
    uint64_t seed
    uint64_t epoch


cdef void dropout_draw(Network network, const Learning *learning, uint64_t sample) noexcept nogil
cdef double output_error_join(Network network, const Learning *learning, Py_ssize_t label) noexcept nogil
cdef int errors_send(Network network, const Learning *learning, double eta) noexcept nogil

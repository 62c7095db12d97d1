from libc.stdint cimport uint64_t

from .network cimport Network
from .settings cimport Settings


cdef void dropout_clear(Network network) noexcept nogil
cdef void dropout_draw(Network network, const Settings *settings, uint64_t key) noexcept nogil
cdef void norms_limit(Network network, double max_norm) noexcept nogil
cdef double output_error(Network network, const Settings *settings, int t) noexcept nogil
cdef double output_error_join(Network network, const Settings *settings, int t, float weight) noexcept nogil
cdef void rectifying_error_take(Network network, const Settings *settings) noexcept nogil
cdef int output_error_fire(Network network) noexcept nogil
cdef double layer_rate(Network network, const Settings *settings, int l, double eta) noexcept nogil
cdef void trace_refresh(Network network, const Settings *settings, int l) noexcept nogil
cdef int errors_send(Network network, const Settings *settings, double eta, int t) noexcept nogil
cdef void totals_learn(Network network, const Settings *settings, double eta) noexcept nogil

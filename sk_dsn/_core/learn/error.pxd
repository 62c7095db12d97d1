from libc.stdint cimport uint64_t

from ..encoder cimport Stimulus
from .learner cimport Learning


cdef void learning_begin(Learning *learning) noexcept nogil
cdef void backward_reset(Learning *learning, uint64_t key) noexcept nogil
cdef void input_sum_step(Learning *learning, const Stimulus *stimulus, int t) noexcept nogil
cdef void error_integrate(Learning *learning, float weight) noexcept nogil
cdef void target_fire(Learning *learning) noexcept nogil
cdef void spikes_total(Learning *learning) noexcept nogil
cdef bint target_is_countable(const Learning *learning) noexcept nogil


cdef inline bint gate_is_open(const Learning *learning, int l) noexcept nogil:
    """Whether error spikes of layer l pass without a gate: linear outputs have no threshold."""
    return l == learning.net.n_layers - 1 and not learning.error_rule.rectifying_output

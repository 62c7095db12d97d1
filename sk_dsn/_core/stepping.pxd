from libc.stdint cimport uint64_t

from .kernels cimport FiringRule
from .network cimport Layer, Network
from .settings cimport Settings
from .stimulus cimport Stimulus


# Potential of a unit that dropout has left out: no input lifts it to threshold.
cdef extern from *:
    """
    #define DROPPED (-1e30f)
    """
    const float DROPPED


cdef FiringRule neuron_rule(const Settings *settings) noexcept nogil
cdef void sample_begin(Network network, const Settings *settings) noexcept nogil
cdef void backward_reset(Network network, const Settings *settings, uint64_t key) noexcept nogil
cdef void input_integrate(Network network, const Settings *settings, const Stimulus *stimulus, int t) noexcept nogil
cdef void input_sum_step(Network network, const Settings *settings, const Stimulus *stimulus, int t) noexcept nogil
cdef void input_sum_refresh(Layer *layer) noexcept nogil
cdef int layer_not_finite(Network network, int first) noexcept nogil

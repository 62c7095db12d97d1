"""What the two time-stepped simulations share: the start of a sample, and the input units."""
from libc.float cimport FLT_MAX
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from .kernels cimport FIRE_BACK, FIRE_UP, FiringRule
from .network cimport Layer, Network, padded
from .rng cimport uniform
from .settings cimport RECTIFYING, RESET_KEEP, RESET_RANDOM, SIGNED, Settings
from .spike_train cimport train_clear
from .stimulus cimport Stimulus, stimulus_at, stimulus_sum

cdef FiringRule neuron_rule(const Settings *settings) noexcept nogil:
    return FIRE_BACK if settings.neuron == SIGNED else FIRE_UP


cdef void sample_begin(Network network, const Settings *settings) noexcept nogil:
    """Forgets the last sample, all but kept potentials."""
    cdef Layer *layer
    cdef Py_ssize_t j, width
    cdef int l
    for l in range(network.n_layers):
        layer = &network.layers[l]
        width = padded(layer.n_active)
        layer.n_spikes = layer.n_error_spikes = layer.n_passed = 0
        train_clear(&layer.train)
        train_clear(&layer.error_train)
        train_clear(&layer.pending)
        memset(layer.net_count, 0, width * sizeof(float))
        memset(layer.input_sum, 0, width * sizeof(float))
        if l > 0 and network.training and settings.forward_reset == RESET_KEEP:
            memcpy(layer.start, layer.potential, width * sizeof(float))
        else:
            memset(layer.potential, 0, width * sizeof(float))
        if not network.training:
            continue
        memset(layer.counted, 0, width * sizeof(float))
        memset(layer.trace, 0, width * sizeof(float))
        if l > 0:
            memset(layer.error_total, 0, width * sizeof(float))
        if layer.keep != NULL:
            for j in range(layer.n_units):
                if layer.keep[j] == 0.0:
                    layer.potential[j] = DROPPED
    network.n_target_spikes = 0
    memset(network.target_potential, 0, network.layers[network.n_layers - 1].width * sizeof(float))


cdef void backward_reset(Network network, const Settings *settings, uint64_t key) noexcept nogil:
    """The error potentials at the start of a sample: kept, zero, or uniform in [-1/2, 1/2)."""
    cdef Layer *layer
    cdef Py_ssize_t j
    cdef int l
    if settings.backward_reset == RESET_KEEP:
        return
    for l in range(1, network.n_layers):
        layer = &network.layers[l]
        for j in range(layer.n_units):
            layer.error_potential[j] = 0.0
            if settings.backward_reset == RESET_RANDOM:
                layer.error_potential[j] = <float> (uniform(key, network.n_layers + l, j) - 0.5)


cdef void input_integrate(Network network, const Settings *settings, const Stimulus *stimulus, int t) noexcept nogil:
    """Brings the potentials of the input units to time step t, before they fire.

    With signed neurons they follow from the sum of the input so far, so that all simulations see the same counts; with
    rectifying ones each step's vector is added, as the paper's program does.
    """
    cdef Layer *layer = network.layers
    cdef const float *x = stimulus_at(stimulus, t)
    cdef Py_ssize_t i
    if settings.neuron == SIGNED:
        stimulus_sum(stimulus, t, layer.input_sum)
        for i in range(stimulus.n):
            layer.potential[i] = layer.input_sum[i] - layer.net_count[i]
    else:
        for i in range(stimulus.n):
            layer.potential[i] += x[i]


cdef void input_sum_step(Network network, const Settings *settings, const Stimulus *stimulus, int t) noexcept nogil:
    """At the end of time step t of rectifying neurons, what was shown joins the input's sum (the smooth trace)."""
    cdef Layer *layer = network.layers
    cdef const float *x = stimulus_at(stimulus, t)
    cdef Py_ssize_t i
    if settings.smooth_gradient and settings.neuron == RECTIFYING:
        layer.stale = True
        for i in range(stimulus.n):
            layer.input_sum[i] += x[i]


cdef void input_sum_refresh(Layer *layer) noexcept nogil:
    """All that the units have received in this sample: what their potentials hold and what they have fired."""
    cdef Py_ssize_t j
    for j in range(layer.n_units):
        layer.input_sum[j] = layer.potential[j] + layer.net_count[j]
    if layer.start != NULL:
        for j in range(layer.n_units):
            layer.input_sum[j] -= layer.start[j]


cdef int layer_not_finite(Network network, int first) noexcept nogil:
    """-1, or the first layer, from `first` on, in which a potential is not finite."""
    cdef Layer *layer
    cdef Py_ssize_t j
    cdef int l, outside
    for l in range(first, network.n_layers):
        layer = &network.layers[l]
        outside = 0
        for j in range(layer.n_units):
            outside |= not (layer.potential[j] <= FLT_MAX and layer.potential[j] >= -FLT_MAX)
        if outside:
            return l
    return -1

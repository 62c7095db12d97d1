"""The clock-driven simulation: all spikes that reach a layer within a time step are integrated, then its units fire."""
from .kernels cimport FIRE_BOTH, FiringRule
from .learning cimport errors_send, output_error_fire, output_error_join, rectifying_error_take
from .network cimport Layer, Network, units_name
from .settings cimport Settings
from .spike_train cimport SPIKE_LIMIT
from .stepping cimport input_integrate, input_sum_refresh, input_sum_step, neuron_rule, layer_not_finite
from .stimulus cimport Stimulus


cdef int layer_fire(Network network, Layer *layer, FiringRule rule) noexcept nogil:
    """Fires the units once and lists what they send. Returns -1 where that is out of range."""
    cdef Py_ssize_t k
    if network.kernels.potential_fire(layer.potential, layer.net_count, layer.n_active, rule, layer.fired):
        return -1
    network.kernels.spikes_list(layer.fired, layer.n_active, layer.spikes)
    units_name(layer.shown, layer.spikes.unit, layer.spikes.n)
    layer.n_spikes += <long long> layer.spikes.total
    if layer.keep != NULL:
        for k in range(layer.spikes.n):
            layer.spikes.count[k] *= layer.keep[layer.spikes.unit[k]]
    return 0 if layer.n_spikes < SPIKE_LIMIT else -1


cdef int clock_step(Network network, const Settings *settings, const Stimulus *stimulus, int t) noexcept nogil:
    """One time step of the network. Leaves the output so far in the last layer's input_sum.

    Returns -1, or the layer whose potentials left the range in which spikes can be counted.
    """
    cdef Layer *layer = network.layers
    cdef Layer *below
    cdef Py_ssize_t j
    cdef int l, last = network.n_layers - 1
    input_integrate(network, settings, stimulus, t)
    if layer_fire(network, layer, FIRE_BOTH):
        return 0
    for l in range(1, last + 1):
        below = layer
        layer += 1
        network.kernels.rows_add(layer.potential, layer.width, layer.weights, layer.stride, below.spikes)
        if layer.intercepts != NULL:
            for j in range(layer.n_units):
                layer.potential[j] += layer.intercepts[j]
        if ((l < last or (settings.rectifying_output and network.training))
                and layer_fire(network, layer, neuron_rule(settings))):
            return l
    input_sum_refresh(layer)
    return layer_not_finite(network, last)


cdef int clock_feedback(Network network, const Settings *settings, const Stimulus *stimulus, double eta,
                        int t) noexcept nogil:
    """Sends the error down: that of time step t, or with feedback once a sample that of all, after the last.

    Returns as `clock_step`.
    """
    cdef int l, last = network.n_layers - 1
    cdef float weight = 1.0 if settings.step_feedback else settings.n_time_steps
    if settings.step_feedback:
        input_sum_step(network, settings, stimulus, t)
    for l in range(1, last):
        input_sum_refresh(&network.layers[l])
    if settings.rectifying_output:
        rectifying_error_take(network, settings)
    else:
        output_error_join(network, settings, t, weight)
        if output_error_fire(network):
            return last
    return errors_send(network, settings, eta, t)

"""The clock-driven simulation: a layer integrates all spikes that reach it within a time step, then
its units fire."""
from ..encoder cimport Stimulus, input_integrate
from ..kernels.kernels cimport FiringLayer, SpikeCounts
from ..kernels.spike_train cimport SPIKE_LIMIT
from ..network cimport Layer, Net, units_number
from ..signals cimport work_done
from .decay cimport bias_trace_step, layer_decay
from .sample cimport input_sum_refresh


cdef int input_fire(Net *net, const Stimulus *stimulus, int t) noexcept nogil:
    cdef Layer *layer = net.layers
    layer_decay(net, layer)
    input_integrate(net, stimulus, t)
    if net.kernels.potential_fire(layer.potential, layer.net_count, layer.n_active, layer.rule, layer.fired, layer.spikes):
        return 0
    units_number(layer.active, layer.spikes.unit, layer.spikes.n)
    return spikes_send(layer, 0)


cdef int layer_fire(Net *net, int l, const SpikeCounts *below) noexcept nogil:
    cdef Layer *layer = &net.layers[l]
    cdef bint drops = layer.keep != NULL
    cdef FiringLayer firing
    if drops:
        layer_decay(net, layer)     # it keeps dropped units down, which a decay by 0 in the kernel would not
    firing = FiringLayer(layer.width, layer.rule, drops, <float> 1.0 if drops else layer.decay, layer.weights, layer.stride,
                         layer.intercepts, layer.potential, layer.net_count, layer.fired)
    if net.kernels.layer_fire(&firing, below, layer.spikes):
        return l
    return spikes_send(layer, l)


cdef int spikes_send(Layer *layer, int l) noexcept nogil:
    """Counts the spikes of layer l. With dropout they are then scaled, those of dropped units by 0."""
    cdef Py_ssize_t k
    layer.n_spikes += <long long> layer.spikes.total
    if layer.keep != NULL:
        for k in range(layer.spikes.n):
            layer.spikes.count[k] *= layer.keep[layer.spikes.unit[k]]
    return -1 if layer.n_spikes < SPIKE_LIMIT else l


cdef int clock_step(Net *net, const Stimulus *stimulus, int t) noexcept nogil:
    """Time step t. Leaves the output so far in the last layer's input_sum."""
    cdef const SpikeCounts *below
    cdef int l, failed
    bias_trace_step(net)
    if input_fire(net, stimulus, t) >= 0:
        return 0
    for l in range(1, net.n_layers):
        below = net.layers[l - 1].spikes
        if layer_fire(net, l, below) >= 0:
            return l
        failed = work_done(net, (1.0 + below.n) * net.layers[l].width)
        if failed >= 0:
            return failed
    input_sum_refresh(&net.layers[net.n_layers - 1])
    return -1

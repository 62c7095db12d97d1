"""The clock-driven simulation: a layer integrates all spikes that reach it within a time step, then
its units fire."""
from ..encoder cimport Stimulus, input_integrate
from ..kernels.kernels cimport FIRE_NEVER
from ..kernels.spike_train cimport SPIKE_LIMIT
from ..network cimport Layer, Net, units_number
from ..signals cimport work_done
from .decay cimport layers_decay
from .sample cimport input_sum_refresh, layer_not_finite


cdef int layer_fire(Net *net, int l) noexcept nogil:
    """Fires the units of layer l once and lists their spikes."""
    cdef Layer *layer = &net.layers[l]
    cdef Py_ssize_t k
    if net.kernels.potential_fire(layer.potential, layer.net_count, layer.n_active, layer.rule, layer.fired, layer.spikes):
        return l
    units_number(layer.active, layer.spikes.unit, layer.spikes.n)
    layer.n_spikes += <long long> layer.spikes.total
    if layer.keep != NULL:
        for k in range(layer.spikes.n):
            layer.spikes.count[k] *= layer.keep[layer.spikes.unit[k]]
    return -1 if layer.n_spikes < SPIKE_LIMIT else l


cdef int clock_step(Net *net, const Stimulus *stimulus, int t) noexcept nogil:
    """Time step t. Leaves the output so far in the last layer's input_sum."""
    cdef Layer *layer = net.layers
    cdef Layer *below
    cdef int l, failed
    layers_decay(net)
    input_integrate(net, stimulus, t)
    if layer_fire(net, 0) >= 0:
        return 0
    for l in range(1, net.n_layers):
        below = layer
        layer += 1
        net.kernels.rows_add(layer.potential, layer.width, layer.weights, layer.stride, below.spikes)
        if layer.intercepts != NULL:
            net.kernels.values_add(layer.potential, layer.intercepts, layer.width)
        if layer.rule != FIRE_NEVER and layer_fire(net, l) >= 0:
            return l
        failed = work_done(net, (1.0 + below.spikes.n) * layer.width)
        if failed >= 0:
            return failed
    input_sum_refresh(layer)
    return layer_not_finite(net)

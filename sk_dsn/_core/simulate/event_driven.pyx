"""The event-driven simulation: spike by spike. A layer's thresholds are checked after every
incoming spike, and several units past threshold fire in order of decreasing potential.

With rectifying neurons and feedback at each time step it is the program of the paper's authors.
Breadth-first, a layer integrates all spikes of the layer below before the layer above receives its
own; depth-first, each spike goes all the way up before the next.
"""
from libc.stdint cimport int32_t
from libc.string cimport memset

from ..encoder cimport Stimulus, input_integrate
from ..kernels.kernels cimport FIRE_NEVER, SpikeCounts
from ..kernels.spike_train cimport SPIKE_LIMIT
from ..network cimport Layer, Net, output_layer, padded, units_number
from ..signals cimport rows_between_looks, work_done
from .decay cimport layers_decay
from .sample cimport input_sum_refresh, layer_not_finite


cdef int train_count(Layer *layer, int l, Py_ssize_t first) noexcept nogil:
    """Counts the spikes in the layer's train from `first` on, and scales them by dropout."""
    cdef Py_ssize_t k
    layer.n_spikes += layer.train.n - first
    if layer.tally != NULL:
        for k in range(first, layer.train.n):
            layer.tally[layer.train.unit[k]] += 1.0
    if layer.keep != NULL:
        for k in range(first, layer.train.n):
            layer.train.sign[k] *= layer.keep[layer.train.unit[k]]
    return -1 if layer.n_spikes < SPIKE_LIMIT else l


cdef int layer_integrate(Net *net, int l, const float *weights, Py_ssize_t stride, const int32_t *unit, const float *sign,
                         Py_ssize_t n) noexcept nogil:
    """Layer l integrates n spikes through `weights`; its own spikes are appended to its train."""
    cdef Layer *layer = &net.layers[l]
    cdef Py_ssize_t k, part, first = 0, before = layer.train.n
    cdef SpikeCounts spikes
    cdef int failed
    while first < n:
        part = rows_between_looks(n - first, layer.width)
        if layer.rule == FIRE_NEVER:
            spikes = SpikeCounts(part, <int32_t *> unit + first, <float *> sign + first, part)
            net.kernels.rows_add(layer.potential, layer.width, weights, stride, &spikes)
        elif net.kernels.train_integrate(layer.potential, layer.net_count, layer.width, layer.rule, weights, stride,
                                         unit + first, sign + first, part, &layer.train):
            return l
        failed = work_done(net, <double> part * layer.width)
        if failed >= 0:
            return failed
        first += part
    if layer.rule == FIRE_NEVER:
        return -1
    if l == net.n_layers - 1:
        for k in range(before, layer.train.n):
            layer.fired[layer.train.unit[k]] += layer.train.sign[k]
    return train_count(layer, l, before)


cdef int step_begin(Net *net, const Stimulus *stimulus, int t) noexcept nogil:
    """The input units receive the stimulus of time step t and fire. Their train holds places among
    the active units."""
    cdef Layer *layer = net.layers
    cdef Layer *output = output_layer(net)
    cdef Py_ssize_t i
    cdef int l, outside = 0
    memset(output.fired, 0, output.width * sizeof(float))
    for l in range(net.n_layers):
        if net.layers[l].tally != NULL:
            memset(net.layers[l].tally, 0, net.layers[l].width * sizeof(float))
    layers_decay(net)
    input_integrate(net, stimulus, t)
    layer.train.n = 0
    if t == 1 or stimulus.step != 0:
        for i in range(layer.n_active):
            outside |= not abs(layer.potential[i]) < SPIKE_LIMIT
    if outside:
        return 0
    if net.kernels.train_fire(layer.potential, layer.net_count, padded(layer.n_active), layer.rule, &layer.train):
        return 0
    return train_count(layer, 0, 0)


cdef int step_end(Net *net) noexcept nogil:
    """Leaves the output so far in the last layer's input_sum."""
    input_sum_refresh(output_layer(net))
    return layer_not_finite(net)


cdef int breadth_step(Net *net, const Stimulus *stimulus, int t) noexcept nogil:
    """Time step t, layer by layer."""
    cdef Layer *layer = net.layers
    cdef Layer *below
    cdef int l, failed = step_begin(net, stimulus, t)
    if failed >= 0:
        return failed
    units_number(layer.active, layer.train.unit, layer.train.n)
    for l in range(1, net.n_layers):
        below = layer
        layer += 1
        layer.train.n = 0
        failed = layer_integrate(net, l, layer.weights, layer.stride, below.train.unit, below.train.sign, below.train.n)
        if failed < 0 and layer.intercepts != NULL:
            failed = layer_integrate(net, l, layer.intercepts, 0, net.one_spike.unit, net.one_spike.sign, 1)
        if failed >= 0:
            return failed
    return step_end(net)


cdef int spike_up(Net *net, int l, const float *weights, Py_ssize_t stride, int32_t unit, float sign) noexcept nogil:
    """A spike enters layer l, and all spikes that it sets off above run their course."""
    cdef Layer *layer = &net.layers[l]
    cdef Py_ssize_t k = 0
    cdef int failed
    layer.train.n = 0
    failed = layer_integrate(net, l, weights, stride, &unit, &sign, 1)
    while failed < 0 and k < layer.train.n and l < net.n_layers - 1:
        failed = spike_up(net, l + 1, layer[1].weights, layer[1].stride, layer.train.unit[k], layer.train.sign[k])
        k += 1
    return failed


cdef int depth_step(Net *net, const Stimulus *stimulus, int t) noexcept nogil:
    """Time step t, spike by spike."""
    cdef Layer *layer = net.layers
    cdef Py_ssize_t k
    cdef int32_t unit
    cdef int l, failed = step_begin(net, stimulus, t)
    for k in range(layer.train.n):
        if failed >= 0:
            return failed
        unit = layer.train.unit[k]
        units_number(layer.active, &unit, 1)
        failed = spike_up(net, 1, layer[1].weights, layer[1].stride, unit, layer.train.sign[k])
    for l in range(1, net.n_layers):
        layer = &net.layers[l]
        if failed < 0 and layer.intercepts != NULL:
            failed = spike_up(net, l, layer.intercepts, 0, 0, 1.0)
    return failed if failed >= 0 else step_end(net)

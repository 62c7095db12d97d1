"""The forward pass of a recurrent network: one time step of a sequence."""
from libc.math cimport isfinite
from libc.string cimport memset

from ..kernels.kernels cimport SpikeCounts


cdef void sequence_begin(RecurrentNet *net) noexcept nogil:
    """Forgets the last sequence."""
    cdef RecurrentLayer *layer
    cdef int l
    for l in range(net.n_layers):
        layer = &net.layers[l]
        memset(layer.sum, 0, layer.width * sizeof(float))
        if layer.trace != NULL:
            memset(layer.trace, 0, layer.width * sizeof(float))
        layer.spikes.n = layer.sent.n = 0
    net.n_steps = 0.0
    memset(net.answer_sum, 0, last_layer_size(net))


cdef size_t last_layer_size(const RecurrentNet *net) noexcept nogil:
    return net.layers[net.n_layers - 1].width * sizeof(float)


cdef void spikes_mask(RecurrentLayer *layer) noexcept nogil:
    """What the layer above receives: spikes times the scale of dropout, without those of dropped units."""
    cdef SpikeCounts *sent = &layer.sent
    cdef Py_ssize_t k, n = 0
    cdef float scale
    if layer.keep == NULL:
        layer.sent = layer.spikes
        return
    layer.sent = layer.masked
    for k in range(layer.spikes.n):
        scale = layer.keep[layer.spikes.unit[k]]
        sent.unit[n] = layer.spikes.unit[k]
        sent.count[n] = scale * layer.spikes.count[k]
        n += scale != 0.0
    sent.n = n


cdef int layer_step(RecurrentNet *net, int l) noexcept nogil:
    """The thresholds of a layer that has its input. Returns 0, or -1 out of range."""
    cdef RecurrentLayer *layer = &net.layers[l]
    cdef int failed = net.kernels.leak_fire(layer.sum, layer.bias, layer.before, layer.after, layer.width, net.keep,
                                            layer.rule, layer.gate, &layer.fired)
    layer.spikes = layer.fired
    spikes_mask(layer)
    return failed


cdef bint output_answer(RecurrentNet *net, int t) noexcept nogil:
    """The answer at time step t. Returns whether it is finite."""
    cdef RecurrentLayer *output = &net.layers[net.n_layers - 1]
    cdef float divisor = net.n_steps / net.dynamics.threshold
    cdef bint finite = True
    cdef Py_ssize_t j
    for j in range(output.n_units):
        if output.bias != NULL:
            output.sum[j] += output.bias[j]
        net.answer[j] = output.sum[j] / divisor
        finite &= isfinite(net.answer[j])
    for j in range(output.n_units if net.dynamics.mean_readout else 0):
        net.answer_sum[j] += net.answer[j]
        net.answer[j] = net.answer_sum[j] / <float> t
    return finite


cdef void output_decay(const RecurrentNet *net) noexcept nogil:
    """As the kernels do it for layers that fire."""
    cdef RecurrentLayer *output = &net.layers[net.n_layers - 1]
    cdef float kept
    cdef Py_ssize_t j
    for j in range(output.n_units):
        kept = net.keep * output.sum[j]
        output.sum[j] = <float> 0.0 if abs(kept) < <float> 2.0**-100 else kept


cdef int sequence_step(RecurrentNet *net, const float *x, int t) noexcept nogil:
    """Time step t = 1, 2, … with the features x, after which `net.answer` is the answer. Returns -1, or the layer that
    failed."""
    cdef RecurrentLayer *layer = net.layers
    cdef RecurrentLayer *below
    cdef float scale = <float> 1.0 / net.dynamics.threshold
    cdef Py_ssize_t i
    cdef int l
    for i in range(layer.n_units):
        layer.sum[i] += scale * x[i]
    if layer_step(net, 0):
        return 0
    for l in range(1, net.n_layers):
        below = layer
        layer += 1
        if layer.recurrent == NULL and t > 1:
            output_decay(net)
        if below.sent.n:
            net.kernels.rows_add(layer.sum, layer.width, layer.weights, layer.stride, &below.sent)
        if layer.recurrent != NULL:
            if layer.spikes.n:
                net.kernels.rows_add(layer.sum, layer.width, layer.recurrent, layer.recurrent_stride, &layer.spikes)
            if layer_step(net, l):
                return l
    net.n_steps = net.keep * net.n_steps + 1
    return -1 if output_answer(net, t) else net.n_layers - 1


cdef double step_work(const RecurrentNet *net) noexcept nogil:
    """Additions of a time step in which every unit spikes."""
    cdef double work = 0.0
    cdef int l
    for l in range(1, net.n_layers):
        work += <double> net.layers[l].width * (net.layers[l - 1].n_units + net.layers[l].n_units)
    return work

"""The forward pass of a recurrent network."""
from libc.math cimport isfinite
from libc.string cimport memset

from ..kernels.kernels cimport SpikeCounts
from .recurrent_network cimport RecurrentLayer, step_done
from .tape cimport layer_record, layer_rewind


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
    """What the layer above receives: spikes times the scale of dropout, without those of dropped
    units."""
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


cdef int layer_step(RecurrentNet *net, Tape *tape, int l, int k) noexcept nogil:
    """The thresholds of a layer that has its input, at step k of the tape. Returns 0, or -1 out of
    range."""
    cdef RecurrentLayer *layer = &net.layers[l]
    cdef int failed
    layer_rewind(tape, net, l, k)
    failed = net.kernels.leak_fire(layer.sum, layer.bias, layer.before, layer.after, layer.width, net.keep, layer.rule,
                                   layer.gate, &layer.fired)
    layer.spikes = layer.fired
    spikes_mask(layer)
    layer_record(tape, net, l, k)
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


cdef int input_run(RecurrentNet *net, Tape *tape, const float *x, int n) noexcept nogil:
    """The input's spikes at n time steps with the features x. Returns -1, 0 (the input) out of
    range, or INTERRUPTED."""
    cdef RecurrentLayer *layer = net.layers
    cdef float scale = <float> 1.0 / net.dynamics.threshold
    cdef Py_ssize_t i
    cdef int k, interrupted
    for k in range(1, n + 1):
        for i in range(layer.n_units):
            layer.sum[i] += scale * x[i]
        if layer_step(net, tape, 0, k):
            return 0
        x += layer.n_units
        interrupted = step_done(net, layer.width)
        if interrupted >= 0:
            return interrupted
    return -1


cdef int hidden_run(RecurrentNet *net, Tape *tape, int l, int n) noexcept nogil:
    """A hidden layer's spikes at n time steps, with the layer below's on tape. Returns -1, l out of
    range, or INTERRUPTED."""
    cdef RecurrentLayer *layer = &net.layers[l]
    cdef const SpikeCounts *below = tape.layers[l - 1].sent.step
    cdef int k, interrupted
    for k in range(1, n + 1):
        interrupted = step_done(net, <double> (below[k].n + layer.spikes.n) * layer.width)
        if interrupted >= 0:
            return interrupted
        if below[k].n:
            net.kernels.rows_add(layer.sum, layer.width, layer.weights, layer.stride, &below[k])
        if layer.spikes.n:
            net.kernels.rows_add(layer.sum, layer.width, layer.recurrent, layer.recurrent_stride, &layer.spikes)
        if layer_step(net, tape, l, k):
            return l
    return -1


cdef int sequence_run(RecurrentNet *net, Tape *tape, const float *x, int n) noexcept nogil:
    """The next n time steps, with the features x, of all layers but the output, one layer after the
    other: rows of weights that are needed at several steps stay in the cache. Returns -1, the layer
    that failed, or INTERRUPTED."""
    cdef int l, failed = input_run(net, tape, x, n)
    for l in range(1, net.n_layers - 1):
        if failed < 0:
            failed = hidden_run(net, tape, l, n)
    return failed


cdef bint output_is_forgotten(const RecurrentNet *net) noexcept nogil:
    """Whether no output depends on those of the steps before, so that only those need computing
    that are read."""
    return net.keep == 0.0 and not net.dynamics.mean_readout


cdef int output_step(RecurrentNet *net, const Tape *tape, int k, int t) noexcept nogil:
    """The output at time step t = 1, 2, …, step k of the tape, after which `net.answer` is the
    answer. Returns -1, or the output's layer where the answer is not finite."""
    cdef int top = net.n_layers - 1
    cdef RecurrentLayer *output = &net.layers[top]
    cdef const SpikeCounts *spikes = &tape.layers[top - 1].sent.step[k]
    if t > 1:
        output_decay(net)
    if spikes.n:
        net.kernels.rows_add(output.sum, output.width, output.weights, output.stride, spikes)
    net.n_steps = net.keep * net.n_steps + 1
    return -1 if output_answer(net, t) else top

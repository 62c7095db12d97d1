"""The forward pass of a recurrent network."""
from libc.math cimport isfinite
from libc.stdint cimport int32_t
from libc.string cimport memcpy, memset

from ..kernels.kernels cimport ROW_PADDING, LeakyLayer, LeakyStep, SpikeCounts
from .recurrent_network cimport LayerTape, RecurrentLayer, step_done
from .tape cimport list_continue, spikes_mask


cdef void sequence_begin(RecurrentNet *net) noexcept nogil:
    """Forgets the last sequence."""
    cdef RecurrentLayer *layer
    cdef int l
    for l in range(net.n_layers):
        layer = &net.layers[l]
        memset(layer.sum, 0, layer.width * sizeof(float))
        if layer.trace != NULL:
            memset(layer.trace, 0, layer.width * sizeof(float))
        layer.spikes.n = 0
    net.n_steps = 0.0
    memset(net.answer_sum, 0, last_layer_size(net))


cdef size_t last_layer_size(const RecurrentNet *net) noexcept nogil:
    return net.layers[net.n_layers - 1].width * sizeof(float)


cdef LeakyLayer leaky_layer(const RecurrentNet *net, int l) noexcept nogil:
    """The layer as the kernels take it."""
    cdef const RecurrentLayer *layer = &net.layers[l]
    return LeakyLayer(layer.width, layer.rule, net.keep, layer.weights, layer.stride, layer.recurrent,
                      layer.recurrent_stride, layer.bias, layer.sum)


cdef int layer_step(const RecurrentNet *net, LayerTape *recorded, const LeakyLayer *leaky, int l, int k,
                    const SpikeCounts *below) noexcept nogil:
    """A layer's step k of the tape, with the spikes below. Returns 0, or -1 out of range."""
    cdef const RecurrentLayer *layer = &net.layers[l]
    cdef LeakyStep step
    cdef int failed
    list_continue(&recorded.spikes, k)
    step.below = below
    step.own = &layer.spikes if k == 1 else &recorded.spikes.step[k - 1]
    step.fired = &recorded.spikes.step[k]
    step.before = step.after = layer.trace
    step.gate = NULL
    if recorded.trace != NULL:
        step.before = recorded.trace + (k - 1) * layer.width
        step.after = recorded.trace + k * layer.width
    if recorded.gate != NULL:
        step.gate = recorded.gate + k * (layer.width // ROW_PADDING)
    failed = net.kernels.leaky_step(leaky, &step)
    if layer.keep != NULL:
        spikes_mask(layer, recorded, k)
    return failed


cdef void spikes_keep(RecurrentLayer *layer, const SpikeCounts *spikes) noexcept nogil:
    """Keeps the spikes of a step for the next one."""
    layer.spikes.n = spikes.n
    memcpy(layer.spikes.unit, spikes.unit, spikes.n * sizeof(int32_t))
    memcpy(layer.spikes.count, spikes.count, spikes.n * sizeof(float))


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
    cdef LeakyLayer leaky = leaky_layer(net, 0)
    cdef float scale = <float> 1.0 / net.dynamics.threshold
    cdef Py_ssize_t i
    cdef int k, interrupted
    for k in range(1, n + 1):
        for i in range(layer.n_units):
            layer.sum[i] += scale * x[i]
        if layer_step(net, &tape.layers[0], &leaky, 0, k, NULL):
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
    cdef LayerTape *recorded = &tape.layers[l]
    cdef LeakyLayer leaky = leaky_layer(net, l)
    cdef const SpikeCounts *below = tape.layers[l - 1].sent.step
    cdef int k, interrupted
    for k in range(1, n + 1):
        if layer_step(net, recorded, &leaky, l, k, &below[k]):
            return l
        interrupted = step_done(net, <double> (below[k].n + recorded.spikes.step[k].n) * layer.width)
        if interrupted >= 0:
            return interrupted
    spikes_keep(layer, &recorded.spikes.step[n])
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

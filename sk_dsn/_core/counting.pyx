"""The counting simulation: the state of a network of signed neurons at time t, directly.

After input with sum s, in any order, a signed neuron's net count is max(0, ceil(s - 1/2)). So the counts of every layer
at time t follow from the input counts at t alone, one sparse pass per layer; of a static input T costs nothing.
"""
from libc.math cimport isfinite
from libc.string cimport memset

from .network cimport Layer, Network, layer_emit
from .settings cimport Settings
from .stimulus cimport Stimulus, stimulus_sum


cdef int counting_run(Network network, const Settings *settings, const Stimulus *stimulus, int t) noexcept nogil:
    """The network's state after t time steps; of a stream, t - 1 must have been run before unless t is 1.

    Leaves the output in the last layer's input_sum. Returns -1, or the layer whose potentials left the range in which
    spikes can be counted.
    """
    cdef Layer *layer = network.layers
    cdef Layer *below
    cdef Py_ssize_t j
    cdef int l, failed
    if stimulus.step != 0 or settings.smooth_gradient:
        stimulus_sum(stimulus, t, layer.input_sum)
    if stimulus.step == 0:
        failed = network.kernels.input_quantize(stimulus.x, stimulus.n, t, layer.net_count)
    else:
        failed = network.kernels.input_quantize(layer.input_sum, stimulus.n, 1.0, layer.net_count)
    if failed or layer_emit(network.kernels, layer):
        return 0
    for l in range(1, network.n_layers):
        below = layer
        layer += 1
        memset(layer.input_sum, 0, layer.width * sizeof(float))
        network.kernels.rows_add(layer.input_sum, layer.width, layer.weights, layer.stride,
                                 below.spikes.unit, below.spikes.count, below.spikes.n)
        if layer.intercepts != NULL:
            for j in range(layer.n_units):
                layer.input_sum[j] += t * layer.intercepts[j]
        if l < network.n_layers - 1 and (network.kernels.sum_rectify(layer.input_sum, layer.n_units, layer.net_count)
                                         or layer_emit(network.kernels, layer)):
            return l
    for j in range(layer.n_units):
        if not isfinite(layer.input_sum[j]):
            return network.n_layers - 1
    return -1

"""Spiking backpropagation: what the output's error does to the network, once the forward pass has run.

Error spikes are counted, not simulated one by one: a signed quantiser's net count does not depend on the order of its
input. All of it is written for counts of one sample (feedback once, after the last time step).
"""
from libc.stdint cimport uint64_t
from libc.string cimport memset

from .kernels cimport SPIKE_LIMIT
from .network cimport Layer, Network
from .rng cimport sample_key, uniform


cdef void dropout_draw(Network network, const Learning *learning, uint64_t sample) noexcept nogil:
    """Draws one mask of the hidden units for the sample: 0, or the scale 1 / (1 - p) of those kept."""
    cdef uint64_t key = sample_key(learning.seed, learning.epoch, sample)
    cdef float scale = <float> (1.0 / (1.0 - learning.dropout))
    cdef Layer *layer
    cdef Py_ssize_t j
    cdef int l
    for l in range(1, network.n_layers - 1):
        layer = &network.layers[l]
        for j in range(layer.n_units):
            layer.keep[j] = scale if uniform(key, l, j) >= learning.dropout else 0.0


cdef double output_error_join(Network network, const Learning *learning, Py_ssize_t label) noexcept nogil:
    """Adds the error of the output against the one-hot target `label`, times T and the error resolution, to the output's
    error potentials. Returns the loss."""
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef float *error = output.error
    cdef float t = learning.n_time_steps
    cdef double loss = 0.0
    cdef Py_ssize_t j
    if learning.loss == LOG_LOSS:
        loss = network.kernels.softmax(output.input_sum, output.n_units, t, error) - output.input_sum[label] / <double> t
        error[label] -= 1.0
    else:
        for j in range(output.n_units):
            error[j] = output.input_sum[j] / t
        error[label] -= 1.0
        for j in range(output.n_units):
            loss += 0.5 * error[j] * error[j]
    for j in range(output.n_units):
        output.error_potential[j] += (t * learning.error_resolution) * error[j]
    return loss


cdef double layer_rate(const Learning *learning, const Layer *below, double eta) noexcept nogil:
    """The rate in units of spike counts: eta / (g T^2), and for the normalised step / (1 + |c / T|^2)."""
    cdef double t2 = <double> learning.n_time_steps * learning.n_time_steps
    cdef double norm = 0.0
    cdef Py_ssize_t k
    if learning.normalized_step:
        for k in range(below.spikes.n):
            norm += below.net_count[below.spikes.unit[k]] * <double> below.net_count[below.spikes.unit[k]]
    return eta / (learning.error_resolution * (t2 + norm))


cdef void layer_update(Network network, Layer *layer, const Layer *below, const Learning *learning) noexcept nogil:
    """weights -= outer(presynaptic counts, delta), in both copies; the biases' presynaptic count is T."""
    cdef Py_ssize_t j, n
    network.kernels.rows_subtract(layer.weights, layer.stride, layer.width, layer.delta,
                                  below.spikes.unit, below.spikes.count, below.spikes.n)
    if layer.intercepts != NULL:
        for j in range(layer.n_units):
            layer.intercepts[j] -= learning.n_time_steps * layer.delta[j]
    if layer.transposed != NULL:
        n = network.kernels.spikes_list(layer.delta, layer.n_units, layer.errors.unit, layer.errors.count)
        network.kernels.rows_subtract(layer.transposed, layer.transposed_stride, below.width, below.sent,
                                      layer.errors.unit, layer.errors.count, n)


cdef int errors_send(Network network, const Learning *learning, double eta) noexcept nogil:
    """Fires the output's error potentials and sends the error spikes down, layer by layer: through the gate, to the error
    potentials of the layer below, into the weights.

    Returns -1, or the layer whose error potentials left the range in which spikes can be counted.
    """
    cdef int l
    cdef Py_ssize_t j, k
    cdef Layer *layer
    cdef Layer *below
    cdef float rate, scale
    cdef double total
    cdef bint output
    for l in range(network.n_layers - 1, 0, -1):
        layer = &network.layers[l]
        below = layer - 1
        output = l == network.n_layers - 1
        if network.kernels.potential_fire(layer.error_potential, layer.width, layer.error):
            return l
        if not output:
            for j in range(layer.n_units):
                if layer.input_sum[j] < 0.0 or (layer.keep != NULL and layer.keep[j] == 0.0):
                    layer.error[j] = 0.0
        layer.errors.n = network.kernels.spikes_list(layer.error, layer.n_units, layer.errors.unit, layer.errors.count)
        if layer.errors.n == 0 and learning.spike_penalty == 0.0:
            break
        total = 0.0
        scale = <float> (1.0 / (1.0 - learning.dropout)) if below.keep != NULL else 1.0
        for k in range(layer.errors.n):
            total += abs(layer.errors.count[k])
            layer.errors.count[k] *= scale
        if not total < SPIKE_LIMIT:
            return l
        if l > 1:
            network.kernels.rows_add(below.error_potential, below.width, layer.transposed, layer.transposed_stride,
                                     layer.errors.unit, layer.errors.count, layer.errors.n)
        rate = <float> layer_rate(learning, below, eta)
        if learning.spike_penalty != 0.0 and not output:
            for j in range(layer.n_units):
                layer.delta[j] = (layer.error[j]
                                  + learning.error_resolution * learning.spike_penalty * layer.net_count[j]) * rate
        else:
            for j in range(layer.n_units):
                layer.delta[j] = layer.error[j] * rate
        layer_update(network, layer, below, learning)
    return -1

"""The counting simulation: the state of a network of signed neurons at time t, directly.

After input with sum s, in any order, a signed neuron's net count is max(0, ceil(s - 1/2)). So the counts of every layer
at time t follow from the input counts at t alone, one sparse pass per layer; of a static input T costs nothing.
"""
from libc.math cimport isfinite
from libc.string cimport memset

from .kernels cimport FIRE_BOTH, FIRE_UP, FiringRule, Kernels, SpikeCounts
from .network cimport Layer, Network, padded, units_name
from .settings cimport Settings
from .stimulus cimport Stimulus, stimulus_sum

# How many times a row must be added, on the average, for samples to share it.
cdef Py_ssize_t ROWS_SHARED = 4


cdef float *sample_sums(const Layer *layer, Py_ssize_t sample) noexcept nogil:
    return layer.input_sum + sample * padded(layer.n_units)


cdef int layer_emit(const Kernels *kernels, Layer *layer, Py_ssize_t sample, const float *sums, Py_ssize_t n, float scale,
                    FiringRule rule) noexcept nogil:
    """Counts what n units with these sums send, scaled, and lists it behind what the sample before sent. Returns 0, or -1
    where it is out of range."""
    cdef SpikeCounts *spikes = &layer.spikes[sample]
    if sample > 0:
        spikes.unit = layer.spikes[sample - 1].unit + layer.spikes[sample - 1].n
        spikes.count = layer.spikes[sample - 1].count + layer.spikes[sample - 1].n
    return kernels.sums_count(sums, n, scale, rule, layer.keep, layer.net_count, spikes)


cdef void layer_take(const Kernels *kernels, Layer *layer, const Layer *below, Py_ssize_t n_samples) noexcept nogil:
    """Adds what the layer below sends to the sums. Samples share the weights where most rows serve several of them."""
    cdef Py_ssize_t s, n_rows = 0
    for s in range(n_samples):
        n_rows += below.spikes[s].n
    if n_rows >= ROWS_SHARED * below.n_units:
        kernels.rows_share(layer.input_sum, padded(layer.n_units), layer.n_units, layer.weights, layer.stride,
                           below.n_units, below.spikes, n_samples)
    else:
        for s in range(n_samples):
            kernels.rows_add(sample_sums(layer, s), layer.width, layer.weights, layer.stride, &below.spikes[s])


cdef int counting_run(Network network, const Settings *settings, const Stimulus *stimuli, Py_ssize_t n_samples,
                      int t) noexcept nogil:
    """The network's state after t time steps, of n_samples samples side by side. A stream is run alone, and t - 1 must have
    been run before unless t is 1.

    Leaves the outputs in the last layer's input_sum; of a single sample also each layer's input_sum, net_count and
    spikes. Returns -1, or the layer whose potentials left the range in which spikes can be counted.
    """
    cdef Layer *layer = network.layers
    cdef Layer *below
    cdef const Stimulus *stimulus
    cdef float *sums
    cdef Py_ssize_t s, j
    cdef int l, failed
    for s in range(n_samples):
        stimulus = &stimuli[s]
        if stimulus.step != 0 or settings.smooth_gradient:
            stimulus_sum(stimulus, t, layer.input_sum)
        if stimulus.step != 0:
            failed = layer_emit(network.kernels, layer, s, layer.input_sum, stimulus.n, 1.0, FIRE_BOTH)
        else:
            failed = layer_emit(network.kernels, layer, s, stimulus.x, stimulus.n, t, FIRE_BOTH)
        if failed:
            return 0
        units_name(stimulus.unit, layer.spikes[s].unit, layer.spikes[s].n)
    for l in range(1, network.n_layers):
        below = layer
        layer += 1
        memset(layer.input_sum, 0, n_samples * padded(layer.n_units) * sizeof(float))
        layer_take(network.kernels, layer, below, n_samples)
        for s in range(n_samples):
            sums = sample_sums(layer, s)
            if layer.intercepts != NULL:
                for j in range(layer.n_units):
                    sums[j] += t * layer.intercepts[j]
            if l < network.n_layers - 1:
                if layer_emit(network.kernels, layer, s, sums, layer.n_units, 1.0, FIRE_UP):
                    return l
            else:
                for j in range(layer.n_units):
                    if not isfinite(sums[j]):
                        return l
    return -1

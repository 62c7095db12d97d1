"""The counting simulation: the state of a network of signed neurons at time t, directly.

After input with sum s, in any order, a signed neuron's net count is max(0, ceil(s - 1/2)). So the
counts of every layer at time t follow from the input counts at t alone, in one sparse pass per
layer; of a static input T costs nothing.
"""
from libc.math cimport isfinite
from libc.string cimport memset

from ..encoder cimport Stimulus, input_count
from ..kernels.kernels cimport Kernels
from ..network cimport Layer, Net, padded, spikes_place
from ..signals cimport work_done

# Samples share rows of weights where a row is added this often, on average.
cdef Py_ssize_t ROWS_SHARED = 4


cdef float *sample_sums(const Layer *layer, Py_ssize_t sample) noexcept nogil:
    return layer.input_sum + sample * padded(layer.n_units)


cdef double layer_integrate(const Kernels *kernels, Layer *layer, const Layer *below, Py_ssize_t n_samples) noexcept nogil:
    """Adds the spikes of the layer below to the sums. Samples share the weights where most rows
    serve several of them. Returns how many additions it took."""
    cdef Py_ssize_t s, n_rows = 0
    for s in range(n_samples):
        n_rows += below.spikes[s].n
    if n_rows >= ROWS_SHARED * below.n_units:
        kernels.rows_share(layer.input_sum, padded(layer.n_units), layer.n_units, layer.weights, layer.stride,
                           below.n_units, below.spikes, n_samples)
    else:
        for s in range(n_samples):
            kernels.rows_add(sample_sums(layer, s), layer.width, layer.weights, layer.stride, &below.spikes[s])
    return <double> n_rows * layer.width


cdef int counting_run(Net *net, const Stimulus *stimuli, Py_ssize_t n_samples, int t) noexcept nogil:
    """The state after t time steps of n_samples samples side by side. A stream is run alone, and
    the step t - 1 before it.

    Leaves the outputs in the last layer's input_sum; of a single sample also each layer's
    input_sum, net_count and spikes.
    """
    cdef Py_ssize_t s
    for s in range(n_samples):
        if input_count(net, &stimuli[s], s, t) >= 0:
            return 0
    return layers_count(net, n_samples, t, n_samples * <double> stimuli.n)


cdef int layers_count(Net *net, Py_ssize_t n_samples, int t, double work) noexcept nogil:
    """The same for the layers above the input, whose spikes are listed; `work` are the additions
    that they took."""
    cdef Layer *layer = net.layers
    cdef Layer *below
    cdef float *sums
    cdef Py_ssize_t s, j
    cdef int l, failed
    net.bias_trace = t
    for l in range(1, net.n_layers):
        below = layer
        layer += 1
        memset(layer.input_sum, 0, n_samples * padded(layer.n_units) * sizeof(float))
        work += layer_integrate(net.kernels, layer, below, n_samples)
        failed = work_done(net, work)
        if failed >= 0:
            return failed
        work = 0.0
        for s in range(n_samples):
            sums = sample_sums(layer, s)
            if layer.intercepts != NULL:
                for j in range(layer.n_units):
                    sums[j] += t * layer.intercepts[j]
            if l < net.n_layers - 1:
                if net.kernels.sums_count(sums, layer.n_units, 1.0, layer.rule, layer.keep, layer.net_count,
                                          spikes_place(layer, s)):
                    return l
            else:
                for j in range(layer.n_units):
                    if not isfinite(sums[j]):
                        return l
    return -1

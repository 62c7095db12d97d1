"""Shared by the simulations: the check of input, the start of a sample, the gate's sum, and the
check of potentials."""
from libc.float cimport FLT_MAX
from libc.math cimport fabsf
from libc.string cimport memcpy, memset

from ..encoder cimport SampleArrays
from ..kernels.spike_train cimport train_clear
from ..network cimport Layer, Net, padded
from .decay cimport decay_begin, dropped_sink


cdef int input_check(const Net *net, const SampleArrays *samples) except -1:
    """Raises ValueError where samples do not fit the network."""
    cdef Py_ssize_t n_features = net.layers[0].n_units
    cdef int n_time_steps = net.dynamics.n_time_steps
    if samples.n_features != n_features:
        raise ValueError(f"X has {samples.n_features} features, the network {n_features}")
    if samples.n_steps != 1 and samples.n_steps != n_time_steps:
        raise ValueError(f"X has {samples.n_steps} time steps, which do not go with n_time_steps={n_time_steps}")
    return 0


cdef void sample_begin(Net *net) noexcept nogil:
    """Forgets the last sample, except potentials that are kept."""
    cdef Layer *layer
    cdef Py_ssize_t size
    cdef int l
    decay_begin(net)
    for l in range(net.n_layers):
        layer = &net.layers[l]
        size = padded(layer.n_active) * sizeof(float)
        layer.n_spikes = 0
        train_clear(&layer.train)
        memset(layer.net_count, 0, size)
        memset(layer.input_sum, 0, size)
        if layer.start != NULL:
            memcpy(layer.start, layer.potential, size)
        else:
            memset(layer.potential, 0, size)
        dropped_sink(layer)


cdef void input_sum_refresh(Layer *layer) noexcept nogil:
    """The input of each unit in this sample: its potential plus its net count, from where the
    sample started."""
    cdef Py_ssize_t j
    for j in range(layer.n_units):
        layer.input_sum[j] = layer.potential[j] + layer.net_count[j]
    if layer.start != NULL:
        for j in range(layer.n_units):
            layer.input_sum[j] -= layer.start[j]


cdef int layer_not_finite(const Net *net) noexcept nogil:
    """-1, or the first layer above the input with a potential that is not finite. Dropped units do
    not count."""
    cdef const Layer *layer
    cdef Py_ssize_t j
    cdef int l, outside
    for l in range(1, net.n_layers):
        layer = &net.layers[l]
        if layer.keep == NULL:
            outside = not net.kernels.all_finite(layer.potential, padded(layer.n_units))
        else:
            outside = 0
            for j in range(layer.n_units):
                outside |= (layer.keep[j] != 0.0) & (not fabsf(layer.potential[j]) <= FLT_MAX)
        if outside:
            return l
    return -1

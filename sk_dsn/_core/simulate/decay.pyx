"""The leak: what a time step leaves of a layer's state.

At the start of a time step each potential v and each trace n becomes a v and a n, with a = 1 -
leak. Without leak, a = 1, nothing is touched. Biases come in at every time step, so their trace is
c_t = a c_(t-1) + 1: t without leak.
"""
from libc.math cimport INFINITY

from ..network cimport Layer, Net, padded


cdef void decay_begin(Net *net) noexcept nogil:
    """At the start of a sample: the bias trace before the first time step, and that of the last."""
    cdef float decay = <float> 1.0 - net.dynamics.leak
    cdef float last = 0.0
    cdef int _
    net.bias_trace = 0.0
    if net.dynamics.leak == 0.0:
        last = net.n_steps
    else:
        for _ in range(net.n_steps):
            last = decay * last + <float> 1.0
    net.last_bias_trace = last


cdef void bias_trace_step(Net *net) noexcept nogil:
    net.bias_trace = (<float> 1.0 - net.dynamics.leak) * net.bias_trace + <float> 1.0


cdef void layer_decay(const Net *net, Layer *layer) noexcept nogil:
    cdef Py_ssize_t width = padded(layer.n_active)
    if layer.decay == 1.0:
        return
    net.kernels.state_decay(layer.potential, width, layer.decay)
    net.kernels.state_decay(layer.net_count, width, layer.decay)
    dropped_sink(layer)


cdef void layers_decay(Net *net) noexcept nogil:
    """At the start of a time step, before anything arrives."""
    cdef int l
    bias_trace_step(net)
    for l in range(net.n_layers):
        layer_decay(net, &net.layers[l])


cdef void dropped_sink(Layer *layer) noexcept nogil:
    """A dropped unit is infinitely far below threshold: no input brings it back. A decay by 0
    would."""
    cdef Py_ssize_t j
    for j in range(layer.n_units if layer.keep != NULL else 0):
        if layer.keep[j] == 0.0:
            layer.potential[j] = -INFINITY

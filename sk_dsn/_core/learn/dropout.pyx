"""Dropout: the mask of hidden units that holds for a training sample."""
from libc.stdint cimport uint64_t

from ..network cimport Layer
from ..random cimport uniform
from .learner cimport Learning


cdef void dropout_draw(Learning *learning, uint64_t key) noexcept nogil:
    """Draws one mask for the sample: 0, or the scale 1 / (1 - p) of the units that are kept."""
    cdef double dropout = learning.dropping.dropout
    cdef float scale = <float> (1.0 / (1.0 - dropout))
    cdef Layer *layer
    cdef Py_ssize_t j
    cdef int l
    for l in range(1, learning.net.n_layers - 1):
        layer = &learning.net.layers[l]
        for j in range(layer.n_units if layer.keep != NULL else 0):
            layer.keep[j] = scale if uniform(key, l, j) >= dropout else 0.0

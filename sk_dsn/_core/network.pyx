"""The owner of the core's buffers, and the choice of instruction set."""
import os

import numpy as np

from libc.stdint cimport int32_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from .kernels cimport Kernels, ROW_PADDING, SPIKE_LIMIT, kernels_available


def instruction_sets():
    """Names of the instruction sets that this machine can run, best first; all give the same bits."""
    names = []
    cdef const Kernels *const *available = kernels_available()
    while available[0] != NULL:
        names.append(available[0].name.decode())
        available += 1
    return names


DEFAULT_INSTRUCTION_SET = os.environ.get("SK_DSN_INSTRUCTION_SET") or instruction_sets()[0]


cdef const Kernels *kernels_find(str name) except NULL:
    cdef const Kernels *const *available = kernels_available()
    while available[0] != NULL:
        if available[0].name.decode() == name:
            return available[0]
        available += 1
    raise ValueError(f"instruction set {name!r} is not available here; choose from {instruction_sets()}")


cdef inline Py_ssize_t padded(Py_ssize_t n) noexcept nogil:
    return (n + ROW_PADDING - 1) // ROW_PADDING * ROW_PADDING


def padded_zeros(Py_ssize_t n_rows, Py_ssize_t n_columns):
    """Zeros of shape (n_rows, n_columns) whose rows start at cache lines and are padded with zeros: what training takes.

    The result is a view on the first columns of its `base`.
    """
    line = ROW_PADDING * sizeof(float)
    stride = padded(n_columns)
    memory = np.zeros(n_rows * stride + ROW_PADDING, dtype=np.float32)
    skip = -memory.ctypes.data % line // sizeof(float)
    return memory[skip:skip + n_rows * stride].reshape(n_rows, stride)[:, :n_columns]


cdef bint is_padded(array):
    """Whether `array` looks at the first columns of memory laid out by padded_zeros, so that its padding is its own."""
    base = array.base
    if base is None or base.ndim != 1 or not array.flags.writeable:
        return False
    rows, columns = array.shape
    end = array.ctypes.data + rows * padded(columns) * sizeof(float)
    return (array.strides[0] == padded(columns) * sizeof(float) and array.ctypes.data >= base.ctypes.data
            and end <= base.ctypes.data + base.nbytes)


cdef float *take(float **room, Py_ssize_t n) noexcept nogil:
    """The next n floats, rounded up to whole cache lines, of zeroed memory."""
    cdef float *taken = room[0]
    room[0] += padded(n)
    return taken


cdef void weights_transpose(Layer *layer, Py_ssize_t n_below) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(n_below):
        for j in range(layer.n_units):
            layer.transposed[j * layer.transposed_stride + i] = layer.weights[i * layer.stride + j]


cdef class Network:
    """A network ready to run: views of its weights and the state of one sample.

    Parameters
    ----------
    coefs : list of ndarray of float32, shape (n_in, n_out)
        Rows may have any stride. For training they must come from `padded_zeros` and are changed in place.
    intercepts : list of ndarray of float32, shape (n_out,), or None
        Changed in place by training.
    error_potentials : list of ndarray of float32, shape (n_out,), or None
        Given: the network can be trained, starting from these (copied).
    dropout : bool
        Whether to make room for dropout masks.
    instruction_set : str or None
        One of `instruction_sets()`; None takes the best, or what SK_DSN_INSTRUCTION_SET said at import.
    """

    def __cinit__(self, list coefs, intercepts=None, error_potentials=None, *, bint dropout=False, instruction_set=None):
        cdef int n_layers = len(coefs) + 1, l
        cdef Py_ssize_t need = ROW_PADDING, n_below = 0
        cdef const float[:, :] weights
        cdef const float[::1] vector
        cdef float *room
        cdef Layer *layer
        cdef bint hidden
        self.kernels = kernels_find(instruction_set or DEFAULT_INSTRUCTION_SET)
        self.n_layers = n_layers
        self.training = error_potentials is not None
        self.borrowed = [coefs, intercepts]
        self.layers = <Layer *> calloc(n_layers, sizeof(Layer))
        if self.layers == NULL:
            raise MemoryError

        for l in range(n_layers):
            weights = coefs[max(l - 1, 0)]
            layer = &self.layers[l]
            layer.n_units = weights.shape[1] if l else weights.shape[0]
            layer.width = padded(layer.n_units) if self.training else layer.n_units
            need += 11 * padded(layer.n_units)
            if self.training and l > 1:
                need += layer.n_units * self.layers[l - 1].width
        self.block = calloc(need, sizeof(float))
        if self.block == NULL:
            raise MemoryError
        room = <float *> ((<uintptr_t> self.block + 63) & ~<uintptr_t> 63)

        for l in range(n_layers):
            layer = &self.layers[l]
            hidden = 0 < l < n_layers - 1
            layer.net_count = layer.sent = take(&room, layer.n_units)
            layer.spikes.unit = <int32_t *> take(&room, layer.n_units)
            layer.spikes.count = take(&room, layer.n_units)
            if l > 0:
                weights = coefs[l - 1]
                if weights.shape[0] != n_below or weights.strides[1] != sizeof(float):
                    raise ValueError(f"coefs[{l - 1}] must have shape ({n_below}, {layer.n_units}) and C-ordered rows")
                layer.weights = <float *> &weights[0, 0]
                layer.stride = weights.strides[0] // <Py_ssize_t> sizeof(float)
                layer.input_sum = take(&room, layer.n_units)
                if intercepts is not None:
                    vector = intercepts[l - 1]
                    if vector.shape[0] != layer.n_units:
                        raise ValueError(f"intercepts[{l - 1}] must have shape ({layer.n_units},)")
                    layer.intercepts = <float *> &vector[0]
            if l > 0 and self.training:
                if not is_padded(coefs[l - 1]):
                    raise ValueError("weights to train must come from padded_zeros")
                vector = error_potentials[l - 1]
                if vector.shape[0] != layer.n_units:
                    raise ValueError(f"error_potentials[{l - 1}] must have shape ({layer.n_units},)")
                layer.error_potential = take(&room, layer.n_units)
                memcpy(layer.error_potential, &vector[0], layer.n_units * sizeof(float))
                layer.error = take(&room, layer.n_units)
                layer.errors.unit = <int32_t *> take(&room, layer.n_units)
                layer.errors.count = take(&room, layer.n_units)
                layer.delta = take(&room, layer.n_units)
                if dropout and hidden:
                    layer.keep = take(&room, layer.n_units)
                    layer.sent = take(&room, layer.n_units)
                if l > 1:
                    layer.transposed_stride = self.layers[l - 1].width
                    layer.transposed = take(&room, layer.n_units * layer.transposed_stride)
                    weights_transpose(layer, n_below)
            n_below = layer.n_units

    def __dealloc__(self):
        free(self.block)
        free(self.layers)

    @property
    def n_units(self):
        """Units of each layer, input first."""
        return [self.layers[l].n_units for l in range(self.n_layers)]

    def error_potentials(self):
        """The kept error potentials of the layers above the input, as new arrays of shape (n_out,)."""
        return [np.array(<float[:self.layers[l].n_units]> self.layers[l].error_potential) for l in range(1, self.n_layers)]

    @property
    def instruction_set(self):
        return self.kernels.name.decode()


cdef int layer_emit(const Kernels *kernels, Layer *layer) noexcept nogil:
    """Lists what the units send, given their net counts. Returns 0, or -1 where a layer has too many spikes to count."""
    cdef Py_ssize_t j
    cdef double total = 0.0
    cdef float *sent = layer.net_count
    if layer.keep != NULL:
        sent = layer.sent
        for j in range(layer.width):
            sent[j] = layer.net_count[j] * layer.keep[j]
    layer.spikes.n = kernels.spikes_list(sent, layer.n_units, layer.spikes.unit, layer.spikes.count)
    for j in range(layer.spikes.n):
        total += abs(layer.spikes.count[j])
    return 0 if total < SPIKE_LIMIT else -1

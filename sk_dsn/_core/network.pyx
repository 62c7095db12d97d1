"""The owner of the core's buffers, and the choice of instruction set."""
import os

import numpy as np

from libc.stdint cimport int32_t, int64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from .kernels cimport Kernels, MOST_TOGETHER, ROW_PADDING, SpikeCounts, kernels_available
from .settings cimport COUNTING
from .spike_train cimport train_append, train_free


# Units of all samples side by side, at most: a few MB of state.
cdef Py_ssize_t STATE_TOGETHER = 2**20


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


def padded_zeros(Py_ssize_t n_rows, Py_ssize_t n_columns):
    """Zeros of shape (n_rows, n_columns) whose rows start at cache lines and are padded with zeros: what training takes.

    The result is a view on memory of its own.
    """
    cdef Py_ssize_t stride = row_stride(n_columns)
    memory = np.zeros(n_rows * stride + ROW_PADDING, dtype=np.float32)
    cdef float[::1] floats = memory
    cdef Py_ssize_t skip = -(<uintptr_t> &floats[0] // sizeof(float)) % ROW_PADDING
    return memory[skip:skip + n_rows * stride].reshape(n_rows, stride)[:, :n_columns]


def is_padded(array):
    """Whether `array` (n_rows, n_columns) looks at the first columns of memory that padded_zeros laid out."""
    base = array.base
    if (type(base) is not np.ndarray or base.ndim != 1 or base.dtype != np.float32 or array.dtype != np.float32
            or array.size == 0):
        return False
    cdef const float[:, :] weights = array
    cdef const float[:] memory = base
    cdef Py_ssize_t rows = weights.shape[0], columns = weights.shape[1], stride = row_stride(columns), i, j
    cdef const float *first = &weights[0, 0]
    cdef bint something = False
    if (weights.strides[1] != sizeof(float) or (rows > 1 and weights.strides[0] != stride * <Py_ssize_t> sizeof(float))
            or memory.strides[0] != sizeof(float) or first < &memory[0]
            or first + rows * stride > &memory[0] + memory.shape[0]):
        return False
    # A user's array may look the same.
    for i in range(rows):
        for j in range(columns, stride):
            something |= first[i * stride + j] != 0.0
    return not something


def padded_copy(values):
    """A copy of a two-dimensional array in the layout of padded_zeros."""
    copy = padded_zeros(*values.shape)
    copy[:] = values
    return copy


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
        Rows may have any stride. Weights to train must come from `padded_zeros` and are changed in place.
    intercepts : list of ndarray of float32, shape (n_out,), or None
        Rows of arrays from `padded_zeros` where weights are to be trained; changed in place.
    error_potentials : list of ndarray of float32, shape (n_out,), or None
        Given: the network can be trained, starting from these (copied).
    potentials : list of ndarray of float32, shape (n_out,), or None
        Given: potentials at the start of the first sample, kept from sample to sample.
    stepped : bool
        Whether to make room for the time-stepped simulations. They need padded weights and copy others.
    dropout : bool
        Whether to make room for dropout masks.
    tallied : bool
        Whether the event-driven simulation is to count the spikes of each unit.
    n_together : int
        How many samples the counting simulation is to predict side by side, sharing what is read of the weights; of large
        numbers and wide layers fewer are.
    instruction_set : str or None
        One of `instruction_sets()`; None takes the best, or what SK_DSN_INSTRUCTION_SET said at import.
    """

    def __cinit__(self, list coefs, list intercepts=None, list error_potentials=None, *, list potentials=None,
                  bint stepped=False, bint dropout=False, bint tallied=False, Py_ssize_t n_together=1,
                  instruction_set=None):
        cdef int n_layers = len(coefs) + 1, l
        cdef Py_ssize_t need = ROW_PADDING, n_below = 0, widest = 0, j
        cdef const float[:, :] weights
        cdef const float[::1] vector
        cdef float *room
        cdef Layer *layer
        self.kernels = kernels_find(instruction_set or DEFAULT_INSTRUCTION_SET)
        self.n_layers = n_layers
        self.training = error_potentials is not None
        self.padded = self.training or stepped
        for name, arrays in [("intercepts", intercepts), ("error_potentials", error_potentials),
                             ("potentials", potentials)]:
            if arrays is not None and len(arrays) != len(coefs):
                raise ValueError(f"{name} must hold {len(coefs)} arrays, got {len(arrays)}")
        if not coefs or any(w.ndim != 2 or w.size == 0 for w in coefs):
            raise ValueError("coefs must hold at least one array, each of two dimensions that are not empty")
        if n_together < 1 or (n_together > 1 and self.padded):
            raise ValueError("n_together must be at least 1, and 1 but for predictions of the counting simulation")
        if potentials is not None and not self.training:
            raise ValueError("potentials are kept in training only")
        if self.training and not all(is_padded(a) and a.flags.writeable
                                     for a in [*coefs, *(b[np.newaxis] for b in intercepts or [])]):
            raise ValueError("weights and biases to train must come from padded_zeros, and not be read-only")
        if stepped and not self.training:
            coefs = [w if is_padded(w) else padded_copy(w) for w in coefs]
            intercepts = intercepts and [padded_copy(b[np.newaxis])[0] for b in intercepts]
        self.borrowed = [coefs, intercepts]
        n_together = min(n_together, MOST_TOGETHER, max(1, STATE_TOGETHER // sum(map(max, (w.shape for w in coefs)))))
        self.n_together = n_together
        self.layers = <Layer *> calloc(n_layers, sizeof(Layer))
        if self.layers == NULL:
            raise MemoryError

        for l in range(n_layers):
            weights = coefs[max(l - 1, 0)]
            layer = &self.layers[l]
            layer.n_units = weights.shape[1] if l else weights.shape[0]
            layer.width = padded(layer.n_units) if self.padded else layer.n_units
            layer.n_active = layer.n_units
            widest = max(widest, padded(layer.n_units))
            need += ((16 if self.padded else 1) + tallied + 3 * n_together) * padded(layer.n_units)
            need += padded(n_together * sizeof(SpikeCounts) // sizeof(float))
            if self.training and l > 1:
                need += layer.n_units * row_stride(self.layers[l - 1].n_units)
        need += 5 * widest
        self.block = calloc(need, sizeof(float))
        if self.block == NULL:
            raise MemoryError
        room = <float *> ((<uintptr_t> self.block + 63) & ~<uintptr_t> 63)
        self.scratch = take(&room, widest)
        if train_append(&self.one_spike, 0, 1.0):
            raise MemoryError
        self.shown_unit = <int32_t *> take(&room, self.layers[0].n_units)
        self.shown_value = take(&room, self.layers[0].n_units)
        self.target = take(&room, self.layers[n_layers - 1].n_units)
        self.target_potential = take(&room, self.layers[n_layers - 1].n_units)

        for l in range(n_layers):
            layer = &self.layers[l]
            layer.net_count = take(&room, layer.n_units)
            layer.input_sum = take(&room, n_together * padded(layer.n_units))
            layer.spikes = <SpikeCounts *> take(&room, n_together * sizeof(SpikeCounts) // sizeof(float))
            layer.spikes.unit = <int32_t *> take(&room, n_together * padded(layer.n_units))
            layer.spikes.count = take(&room, n_together * padded(layer.n_units))
            if l > 0:
                weights = coefs[l - 1]
                if weights.shape[0] != n_below or weights.strides[1] != sizeof(float):
                    raise ValueError(f"coefs[{l - 1}] must have shape ({n_below}, {layer.n_units}) and C-ordered rows")
                layer.weights = <float *> &weights[0, 0]
                layer.stride = weights.strides[0] // <Py_ssize_t> sizeof(float)
                if intercepts is not None:
                    vector = checked_vector(intercepts[l - 1], layer.n_units, "intercepts", l)
                    layer.intercepts = <float *> &vector[0]
            if self.padded:
                layer.potential = take(&room, layer.n_units)
                layer.fired = take(&room, layer.n_units)
            if tallied:
                layer.tally = take(&room, layer.n_units)
            if potentials is not None and l > 0:
                vector = checked_vector(potentials[l - 1], layer.n_units, "potentials", l)
                memcpy(layer.potential, &vector[0], layer.n_units * sizeof(float))
                layer.start = take(&room, layer.n_units)
            if self.training:
                layer.trace = take(&room, layer.n_units)
                layer.traced.unit = <int32_t *> take(&room, layer.n_units)
                layer.traced.count = take(&room, layer.n_units)
                layer.counted = take(&room, layer.n_units)
            if self.training and l > 0:
                vector = checked_vector(error_potentials[l - 1], layer.n_units, "error_potentials", l)
                layer.error_potential = take(&room, layer.n_units)
                memcpy(layer.error_potential, &vector[0], layer.n_units * sizeof(float))
                layer.error = take(&room, layer.n_units)
                layer.errors.unit = <int32_t *> take(&room, layer.n_units)
                layer.errors.count = take(&room, layer.n_units)
                layer.error_total = take(&room, layer.n_units)
                layer.delta = take(&room, layer.n_units)
                if dropout and l < n_layers - 1:
                    layer.keep = take(&room, layer.n_units)
                    for j in range(layer.n_units):
                        layer.keep[j] = 1.0
                if l > 1:
                    layer.transposed_stride = row_stride(self.layers[l - 1].n_units)
                    layer.transposed = take(&room, layer.n_units * layer.transposed_stride)
                    weights_transpose(layer, n_below)
            n_below = layer.n_units

    def __dealloc__(self):
        cdef int l
        if self.layers != NULL:
            for l in range(self.n_layers):
                train_free(&self.layers[l].train)
                train_free(&self.layers[l].error_train)
                train_free(&self.layers[l].pending)
        train_free(&self.one_spike)
        train_free(&self.scaled_errors)
        free(self.block)
        free(self.layers)

    @property
    def n_units(self):
        """Units of each layer, input first."""
        return [self.layers[l].n_units for l in range(self.n_layers)]

    def error_potentials(self):
        """The kept error potentials of the layers above the input, as new arrays of shape (n_out,)."""
        return [np.array(<float[:self.layers[l].n_units]> self.layers[l].error_potential) for l in range(1, self.n_layers)]

    def potentials(self):
        """The potentials of the layers above the input after the last sample, as new arrays of shape (n_out,)."""
        return [np.array(<float[:self.layers[l].n_units]> self.layers[l].potential) for l in range(1, self.n_layers)]

    @property
    def instruction_set(self):
        return self.kernels.name.decode()


def checked_vector(vector, Py_ssize_t n, name, int l):
    if vector.shape != (n,):
        raise ValueError(f"{name}[{l - 1}] must have shape ({n},), got {vector.shape}")
    return vector


cdef bint within(indices, Py_ssize_t n) except -1:
    """Whether all of an array of indices, int32 or int64, are from 0 to n - 1."""
    cdef const int32_t[:] short_indices
    cdef const int64_t[:] long_indices
    cdef Py_ssize_t k
    cdef bint outside = False
    if isinstance(indices, np.ndarray) and not indices.flags.aligned:
        indices = indices.copy()
    if indices.itemsize == sizeof(int32_t):
        short_indices = indices
        for k in range(short_indices.shape[0]):
            outside |= not 0 <= short_indices[k] < n
    else:
        long_indices = indices
        for k in range(long_indices.shape[0]):
            outside |= not 0 <= long_indices[k] < n
    return not outside


cdef int run_check(Network network, const Settings *settings, Py_ssize_t n_steps, Py_ssize_t n_features) except -1:
    """Raises ValueError where settings or input of n_steps time steps (1: static) do not fit the network."""
    if n_features != network.layers[0].n_units:
        raise ValueError(f"X has {n_features} features, the network {network.layers[0].n_units}")
    if settings.n_time_steps < 1 or (n_steps != 1 and n_steps != settings.n_time_steps):
        raise ValueError(f"X has {n_steps} time steps, which do not go with n_time_steps={settings.n_time_steps}")
    if settings.simulation != COUNTING and not network.padded:
        raise ValueError("the network was not made for time steps")
    return 0


cdef void units_name(const int32_t *shown, int32_t *unit, Py_ssize_t n) noexcept nogil:
    """Turns places among the units `shown` (NULL: all) into their numbers."""
    cdef Py_ssize_t k
    if shown != NULL:
        for k in range(n):
            unit[k] = shown[unit[k]]

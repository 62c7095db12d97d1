"""The owner of a network's buffers, and the layout of weights."""
import numpy as np

from libc.stdint cimport int32_t, int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

from .kernels.arena cimport Arena, arena_begin, arena_end, arena_free, arena_take
from .kernels.dispatch cimport kernels_find
from .kernels.kernels cimport FIRE_BACK, FIRE_BOTH, FIRE_NEVER, FIRE_UP, MOST_TOGETHER, SpikeCounts
from .kernels.spike_train cimport train_append, train_free
from .settings cimport COUNTING, EVENT_DRIVEN_DEPTH_FIRST, SIGNED

# The most units of all samples side by side: a few MB of state.
cdef Py_ssize_t STATE_TOGETHER = 2**20
# The most layers of a network that runs depth-first: it needs a frame of the stack for each.
MOST_LAYERS_DEPTH_FIRST = 1000


def padded_zeros(Py_ssize_t n_rows, Py_ssize_t n_columns):
    """Zeros of shape (n_rows, n_columns) in the layout that training takes: rows start at cache
    lines and are padded with zeros.

    The result is a view on memory of its own.
    """
    cdef Py_ssize_t stride = row_stride(n_columns)
    memory = np.zeros(n_rows * stride + ROW_PADDING, dtype=np.float32)
    cdef float[::1] floats = memory
    cdef Py_ssize_t skip = -(<uintptr_t> &floats[0] // sizeof(float)) % ROW_PADDING
    return memory[skip:skip + n_rows * stride].reshape(n_rows, stride)[:, :n_columns]


def is_padded(array):
    """Whether `array` (n_rows, n_columns) looks at the first columns of memory as padded_zeros lays
    it out."""
    base = array.base
    if (type(base) is not np.ndarray or base.ndim != 1 or base.dtype != np.float32 or array.dtype != np.float32
            or array.size == 0):
        return False
    cdef const float[:, :] weights = array
    cdef const float[:] memory = base
    cdef Py_ssize_t rows = weights.shape[0], columns = weights.shape[1], stride = row_stride(columns), i, j
    cdef const float *first = &weights[0, 0]
    cdef bint something = False
    if (<uintptr_t> first % (ROW_PADDING * sizeof(float)) != 0 or weights.strides[1] != sizeof(float)
            or (rows > 1 and weights.strides[0] != stride * <Py_ssize_t> sizeof(float))
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


# The arrays that a network has beside those that every network has.
cdef struct Extras:
    bint training
    bint dropout
    bint tallied
    bint kept               # potentials, from sample to sample


cdef void network_layout(Net *net, Arena *arena, Extras extras) noexcept nogil:
    """Hands out all arrays of a network; the numbers of units are known."""
    cdef Layer *layer
    cdef Py_ssize_t width, state
    cdef int32_t *units
    cdef float *counts
    cdef int l
    net.active_unit = <int32_t *> arena_take(arena, padded(net.layers[0].n_units) * sizeof(int32_t))
    net.active_value = <float *> arena_take(arena, padded(net.layers[0].n_units) * sizeof(float))
    net.active_place = <int32_t *> arena_take(arena, padded(net.layers[0].n_units) * sizeof(int32_t))
    net.unit_bits = <uint64_t *> arena_take(arena, (net.layers[0].n_units + 63) // 64 * sizeof(uint64_t))
    for l in range(net.n_layers):
        layer = &net.layers[l]
        width = padded(layer.n_units)
        state = width * sizeof(float)
        layer.net_count = <float *> arena_take(arena, state)
        layer.input_sum = <float *> arena_take(arena, net.n_together * state)
        layer.spikes = <SpikeCounts *> arena_take(arena, net.n_together * sizeof(SpikeCounts))
        units = <int32_t *> arena_take(arena, net.n_together * state)
        counts = <float *> arena_take(arena, net.n_together * state)
        if layer.spikes != NULL:
            layer.spikes.unit = units
            layer.spikes.count = counts
        if net.padded:
            layer.potential = <float *> arena_take(arena, state)
            layer.fired = <float *> arena_take(arena, state)
        if extras.tallied:
            layer.tally = <float *> arena_take(arena, state)
        if l > 0 and extras.kept:
            layer.start = <float *> arena_take(arena, state)
        if 0 < l < net.n_layers - 1 and extras.dropout:
            layer.keep = <float *> arena_take(arena, state)


cdef int weights_borrow(Net *net, list coefs, list intercepts) except -1:
    cdef Layer *layer = net.layers
    cdef const float[:, :] weights
    cdef Py_ssize_t n_below
    cdef int l
    layer.n_units = layer.n_active = coefs[0].shape[0]
    layer.width = padded(layer.n_units) if net.padded else layer.n_units
    for l in range(1, net.n_layers):
        n_below = layer.n_units
        layer += 1
        weights = coefs[l - 1]
        layer.n_units = layer.n_active = weights.shape[1]
        layer.width = padded(layer.n_units) if net.padded else layer.n_units
        if weights.shape[0] != n_below or weights.strides[1] != sizeof(float):
            raise ValueError(f"coefs[{l - 1}] must have shape ({n_below}, {layer.n_units}) and C-ordered rows")
        layer.weights = <float *> &weights[0, 0]
        layer.stride = weights.strides[0] // <Py_ssize_t> sizeof(float)
        if intercepts is not None:
            layer.intercepts = <float *> vector_data(intercepts[l - 1], layer.n_units, "intercepts", l)
    return 0


cdef void rules_choose(Net *net, bint output_fires) noexcept nogil:
    """How units fire, and what a time step leaves of their state.

    Input units are signed quantisers. The output only adds up, unless it rectifies in training."""
    cdef FiringRule rule = FIRE_BACK if net.dynamics.neuron == SIGNED else FIRE_UP
    cdef int l
    for l in range(net.n_layers):
        net.layers[l].rule = rule
        net.layers[l].decay = <float> 1.0 - net.dynamics.leak
    if not output_fires:
        output_layer(net).rule = FIRE_NEVER
    net.layers[0].rule = FIRE_BOTH


cdef int potentials_set(Net *net, list potentials) except -1:
    cdef Layer *layer
    cdef int l
    for l in range(1, net.n_layers):
        layer = &net.layers[l]
        memcpy(layer.potential, vector_data(potentials[l - 1], layer.n_units, "potentials", l),
               layer.n_units * sizeof(float))
    return 0


cdef void masks_clear(Net *net) noexcept nogil:
    """No unit is dropped or scaled."""
    cdef Layer *layer
    cdef Py_ssize_t j
    cdef int l
    for l in range(net.n_layers):
        layer = &net.layers[l]
        for j in range(layer.n_units if layer.keep != NULL else 0):
            layer.keep[j] = 1.0


cdef int memory_check(const Net *net) except -1:
    """Raises MemoryError where a layer failed as there was no memory for its spikes."""
    cdef int l
    for l in range(net.n_layers):
        if net.layers[l].train.starved:
            raise MemoryError("no memory for the spikes of a sample")
    return 0


cdef class Network:
    """A network ready to run: views of its weights and the state of one sample.

    Parameters
    ----------
    dynamics : dict
        The fields of `settings.Dynamics`.
    coefs : list of ndarray of float32, shape (n_in, n_out)
        Rows may have any stride: the time-stepped simulations copy weights that did not come from
        `padded_zeros`. Weights to train must come from there and are changed in place.
    intercepts : list of ndarray of float32, shape (n_out,), or None
        Rows of arrays from `padded_zeros` where weights are to be trained; changed in place.
    n_together : int
        How many samples the counting simulation is to predict side by side, sharing every row of
        weights that it reads. Of large numbers and wide layers it predicts fewer; the other
        simulations predict one.
    tallied : bool
        Whether the event-driven simulation is to count the spikes of each unit.
    instruction_set : str or None
        One of `instruction_sets()`; None takes the best, or the one that SK_DSN_INSTRUCTION_SET
        named at import.
    training : bool
        Whether a `Learner` is to train the weights.
    rectifying_output, dropout : bool
        Of a Learner: whether the output fires, and whether hidden units can be left out.
    potentials : list of ndarray of float32, shape (n_out,), or None
        Of a Learner: potentials at the start of the first sample, which are then kept from sample
        to sample.
    """

    def __cinit__(self, dynamics, list coefs, list intercepts=None, *, Py_ssize_t n_together=1, bint tallied=False,
                  instruction_set=None, bint training=False, bint rectifying_output=False, bint dropout=False,
                  list potentials=None):
        cdef Net *net = &self.net
        cdef Extras extras = Extras(training, dropout, tallied, potentials is not None)
        net.kernels = kernels_find(instruction_set)
        net.dynamics = dynamics
        if net.dynamics.n_time_steps < 1:
            raise ValueError(f"n_time_steps must be at least 1, got {net.dynamics.n_time_steps}")
        if not 0.0 <= net.dynamics.leak <= 1.0:
            raise ValueError(f"leak must be from 0 to 1, got {net.dynamics.leak}")
        if net.dynamics.leak > 0.0 and (net.dynamics.simulation == COUNTING or potentials is not None):
            raise ValueError("with a leak, counts do not follow from sums, and potentials are not kept")
        check_shapes(coefs, intercepts, potentials)
        if net.dynamics.simulation == EVENT_DRIVEN_DEPTH_FIRST and len(coefs) >= MOST_LAYERS_DEPTH_FIRST:
            raise ValueError(
                f"simulation='event-driven-depth-first' takes at most {MOST_LAYERS_DEPTH_FIRST} layers, as a spike goes "
                f"through all of them before the next, got {len(coefs) + 1}; set simulation='event-driven'.")
        cdef bint stepped = net.dynamics.simulation != COUNTING
        net.padded = training or stepped
        if n_together < 1:
            raise ValueError(f"n_together must be at least 1, got {n_together}")
        net.n_together = 1 if net.padded else min(n_together, MOST_TOGETHER, samples_together(coefs))
        if training:
            check_trainable(coefs, intercepts)
        elif stepped:
            coefs = [w if is_padded(w) else padded_copy(w) for w in coefs]
            intercepts = intercepts and [padded_copy(b[np.newaxis])[0] for b in intercepts]
        self.borrowed = [coefs, intercepts]
        net.n_layers = len(coefs) + 1
        net.layers = <Layer *> calloc(net.n_layers, sizeof(Layer))
        if net.layers == NULL or train_append(&net.one_spike, 0, 1.0):
            raise MemoryError
        weights_borrow(net, coefs, intercepts)
        rules_choose(net, training and rectifying_output)
        network_layout(net, &self.arena, extras)
        if arena_begin(&self.arena):
            raise MemoryError
        network_layout(net, &self.arena, extras)
        arena_end(&self.arena)
        if potentials is not None:
            potentials_set(net, potentials)
        masks_clear(net)

    def __dealloc__(self):
        cdef int l
        if self.net.layers != NULL:
            for l in range(self.net.n_layers):
                train_free(&self.net.layers[l].train)
        train_free(&self.net.one_spike)
        free(self.net.frames)
        arena_free(&self.arena)
        free(self.net.layers)

    @property
    def n_layers(self):
        """Layers, input and output included."""
        return self.net.n_layers

    @property
    def n_units(self):
        """Units of each layer, input first."""
        return [self.net.layers[l].n_units for l in range(self.net.n_layers)]

    @property
    def n_together(self):
        """Samples that the counting simulation predicts side by side."""
        return self.net.n_together

    @property
    def arrays(self):
        """The arrays of weights and biases that the network reads, the caller's or copies."""
        return [array for arrays in self.borrowed for array in arrays or ()]

    @property
    def instruction_set(self):
        return self.net.kernels.name.decode()

    def stop(self):
        """Ends what the network computes in another thread, within milliseconds, by a
        KeyboardInterrupt there."""
        self.net.stopped = True

    def potentials(self):
        """The potentials of the layers above the input after the last sample, as new arrays of
        shape (n_out,)."""
        return [floats_copy(self.net.layers[l].potential, self.net.layers[l].n_units) for l in range(1, self.net.n_layers)]


def samples_together(coefs):
    return max(1, STATE_TOGETHER // sum(max(w.shape) for w in coefs))


def check_shapes(coefs, intercepts, potentials):
    if not coefs or any(w.ndim != 2 or w.size == 0 for w in coefs):
        raise ValueError("coefs must hold at least one array, each of two dimensions that are not empty")
    for name, arrays in [("intercepts", intercepts), ("potentials", potentials)]:
        if arrays is not None and len(arrays) != len(coefs):
            raise ValueError(f"{name} must hold {len(coefs)} arrays, got {len(arrays)}")


def check_trainable(coefs, intercepts):
    if not all(is_padded(a) and a.flags.writeable for a in [*coefs, *(b[np.newaxis] for b in intercepts or [])]):
        raise ValueError("weights and biases to train must come from padded_zeros, and not be read-only")


cdef const float *vector_data(vector, Py_ssize_t n, name, int l) except NULL:
    """The numbers of a vector for layer l, which the caller must keep alive. Raises ValueError for
    another shape or type."""
    cdef const float[::1] numbers = vector
    if vector.shape != (n,):
        raise ValueError(f"{name}[{l - 1}] must have shape ({n},), got {vector.shape}")
    return &numbers[0]


cdef int frames_reserve(Net *net, Py_ssize_t n_floats) except -1:
    """Makes room for the frames of the samples to come."""
    cdef float *frames
    if n_floats > net.frames_room:
        frames = <float *> realloc(net.frames, n_floats * sizeof(float))
        if frames == NULL:
            raise MemoryError
        net.frames, net.frames_room = frames, n_floats
    return 0


cdef floats_copy(const float *values, Py_ssize_t n):
    """A new array of n numbers, at least one."""
    copy = np.empty(n, dtype=np.float32)
    cdef float[::1] room = copy
    memcpy(&room[0], values, n * sizeof(float))
    return copy


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

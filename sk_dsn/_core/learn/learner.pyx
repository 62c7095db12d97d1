"""The owner of a network in training."""
from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from ..kernels.arena cimport arena_begin, arena_end, arena_free, arena_take
from ..kernels.spike_train cimport train_free
from ..network cimport Layer, Net, floats_copy, memory_check, padded, row_stride, vector_data
from ..settings cimport CLOCK_DRIVEN


cdef SpikeCounts counts_layout(Arena *arena, Py_ssize_t n_units) noexcept nogil:
    """Room for the units of a layer that spiked, and how often."""
    cdef int32_t *unit = <int32_t *> arena_take(arena, padded(n_units) * sizeof(int32_t))
    cdef float *count = <float *> arena_take(arena, padded(n_units) * sizeof(float))
    return SpikeCounts(0, unit, count, 0.0)


cdef void learning_layout(Learning *learning, Arena *arena) noexcept nogil:
    """Hands out all arrays of learning; the numbers of units are known."""
    cdef Net *net = learning.net
    cdef LearningLayer *layer
    cdef Py_ssize_t n_units, state, n_below = 0
    cdef int l
    for l in range(net.n_layers):
        layer = &learning.layers[l]
        n_units = net.layers[l].n_units
        state = padded(n_units) * sizeof(float)
        layer.trace = <float *> arena_take(arena, state)
        layer.traced = counts_layout(arena, n_units)
        layer.counted = <float *> arena_take(arena, state)
        if l > 0:
            layer.error_potential = <float *> arena_take(arena, state)
            layer.error = <float *> arena_take(arena, state)
            layer.errors = counts_layout(arena, n_units)
            layer.error_total = <float *> arena_take(arena, state)
            layer.delta = <float *> arena_take(arena, state)
            if keeps_gradients(learning):
                layer.gradient = <float *> arena_take(arena, n_below * net.layers[l].stride * sizeof(float))
                layer.bias_gradient = <float *> arena_take(arena, state)
                layer.traced_once = <float *> arena_take(arena, padded(n_below) * sizeof(float))
                layer.erred_once = <float *> arena_take(arena, state)
            if (net.dynamics.leak > 0.0 and net.dynamics.simulation == CLOCK_DRIVEN
                    and learning.update_rule.spike_penalty != 0.0):
                layer.fired_total = <float *> arena_take(arena, state)
        if l > 1:
            layer.transposed_stride = row_stride(n_below)
            layer.transposed = <float *> arena_take(arena, n_units * layer.transposed_stride * sizeof(float))
        n_below = n_units
    learning.target = <float *> arena_take(arena, padded(n_below) * sizeof(float))
    learning.target_potential = <float *> arena_take(arena, padded(n_below) * sizeof(float))
    learning.output_spikes = <float *> arena_take(arena, padded(n_below) * sizeof(float))
    learning.target_spikes = <float *> arena_take(arena, padded(n_below) * sizeof(float))


cdef void weights_transpose(const Layer *layer, Py_ssize_t n_below, LearningLayer *learned) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(n_below):
        for j in range(layer.n_units):
            learned.transposed[j * learned.transposed_stride + i] = layer.weights[i * layer.stride + j]


cdef int error_potentials_set(Learning *learning, list error_potentials) except -1:
    cdef Py_ssize_t n_units
    cdef int l
    for l in range(1, learning.net.n_layers):
        n_units = learning.net.layers[l].n_units
        memcpy(learning.layers[l].error_potential, vector_data(error_potentials[l - 1], n_units, "error_potentials", l),
               n_units * sizeof(float))
    return 0


cdef int learning_memory_check(const Learning *learning) except -1:
    """As memory_check, of error spikes too."""
    cdef bint starved = learning.scaled_errors.starved
    cdef int l
    memory_check(learning.net)
    for l in range(learning.net.n_layers):
        starved |= learning.layers[l].error_train.starved or learning.layers[l].pending.starved
    if starved:
        raise MemoryError("no memory for the error spikes of a sample")
    return 0


cdef class Learner:
    """A network that learns: views of its weights, which change in place, and the state of spiking
    backpropagation.

    Parameters
    ----------
    settings : dict of dict
        "dynamics", "error_rule", "update_rule" and "dropping": the fields of the structs in
        `settings`.
    coefs : list of ndarray of float32, shape (n_in, n_out)
        Weights from `padded_zeros`.
    intercepts : list of ndarray of float32, shape (n_out,), or None
        Rows of arrays from `padded_zeros`.
    error_potentials : list of ndarray of float32, shape (n_out,)
        Error potentials at the start (copied).
    potentials : list of ndarray of float32, shape (n_out,), or None
        Given: potentials at the start of the first sample, kept from sample to sample.
    instruction_set : str or None
        As of `Network`.
    """

    def __cinit__(self, settings, list coefs, list intercepts, list error_potentials, *, list potentials=None,
                  instruction_set=None):
        cdef Learning *learning = &self.learning
        cdef Py_ssize_t n_below
        cdef int l
        learning.error_rule = settings["error_rule"]
        learning.update_rule = settings["update_rule"]
        learning.dropping = settings["dropping"]
        self.network = Network(
            settings["dynamics"], coefs, intercepts, training=True, instruction_set=instruction_set,
            rectifying_output=learning.error_rule.rectifying_output, dropout=learning.dropping.dropout > 0.0,
            potentials=potentials,
        )
        cdef Net *net = &self.network.net
        learning.net = net
        if len(error_potentials) != net.n_layers - 1:
            raise ValueError(f"error_potentials must hold {net.n_layers - 1} arrays, got {len(error_potentials)}")
        learning.layers = <LearningLayer *> calloc(net.n_layers, sizeof(LearningLayer))
        if learning.layers == NULL:
            raise MemoryError
        learning_layout(learning, &self.arena)
        if arena_begin(&self.arena):
            raise MemoryError
        learning_layout(learning, &self.arena)
        arena_end(&self.arena)
        error_potentials_set(learning, error_potentials)
        n_below = net.layers[0].n_units
        for l in range(1, net.n_layers):
            if learning.layers[l].transposed != NULL:
                weights_transpose(&net.layers[l], n_below, &learning.layers[l])
            n_below = net.layers[l].n_units

    def __dealloc__(self):
        cdef LearningLayer *layer
        cdef int l
        if self.learning.layers != NULL:
            for l in range(self.learning.net.n_layers):
                layer = &self.learning.layers[l]
                train_free(&layer.error_train)
                train_free(&layer.pending)
        train_free(&self.learning.scaled_errors)
        arena_free(&self.arena)
        free(self.learning.layers)

    def error_potentials(self):
        """The kept error potentials of the layers above the input, as new arrays of shape
        (n_out,)."""
        return [floats_copy(self.learning.layers[l].error_potential, self.learning.net.layers[l].n_units)
                for l in range(1, self.network.n_layers)]

    def potentials(self):
        """The potentials of the layers above the input after the last sample, as new arrays of
        shape (n_out,)."""
        return self.network.potentials()

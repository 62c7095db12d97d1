"""The owner of a recurrent network in training."""
import numpy as np

from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from ..kernels.arena cimport arena_begin, arena_end, arena_free, arena_take
from ..network cimport padded, row_stride, vector_data
from ..network import is_padded
from .recurrent_network cimport LayerTape, RecurrentLayer, counts_take, last_layer
from .optimizer cimport parameters_transpose
from .tape cimport tape_layout

# Bytes that the tape of a sequence may take.
TAPE_LIMIT = 2**30


cdef void parameter_layout(Parameter *parameter, bint with_transposed, Arena *arena) noexcept nogil:
    parameter.gradient = <float *> arena_take(arena, parameter.n_rows * parameter.stride * sizeof(float))
    if parameter.transposed_stride > 0:
        parameter.gradient_transposed = <float *> arena_take(
            arena, parameter.n_columns * parameter.transposed_stride * sizeof(float))
        if with_transposed:
            parameter.transposed = <float *> arena_take(
                arena, parameter.n_columns * parameter.transposed_stride * sizeof(float))


cdef void learning_layout(RecurrentLearning *learning, Arena *arena) noexcept nogil:
    """Hands out all arrays of learning but the tape's; the shapes are known."""
    cdef RecurrentNet *net = learning.net
    cdef LayerParameters *learned
    cdef Py_ssize_t widest = 0
    cdef int l
    for l in range(net.n_layers):
        widest = max(widest, net.layers[l].width)
    for l in range(1, net.n_layers):
        learned = &learning.layers[l]
        learned.error_potential = <float *> arena_take(arena, net.layers[l].width * sizeof(float))
        learned.error_sum = <float *> arena_take(arena, net.layers[l].width * sizeof(float))
        parameter_layout(&learned.weights, l > 1, arena)
        if net.layers[l].recurrent != NULL:
            parameter_layout(&learned.recurrent, True, arena)
        if net.layers[l].intercepts != NULL:
            parameter_layout(&learned.intercepts, False, arena)
    learning.target = <float *> arena_take(arena, last_layer(net).width * sizeof(float))
    learning.error = <float *> arena_take(arena, last_layer(net).width * sizeof(float))
    learning.unit_spikes.first = <Py_ssize_t *> arena_take(arena, (widest + 2) * sizeof(Py_ssize_t))
    learning.unit_errors.first = <Py_ssize_t *> arena_take(arena, (widest + 2) * sizeof(Py_ssize_t))


cdef void whole_tape_layout(RecurrentLearning *learning, Arena *arena) noexcept nogil:
    """Hands out everything whose size grows with the number of time steps."""
    cdef RecurrentNet *net = learning.net
    cdef Py_ssize_t n = learning.tape.n_steps, widest = 0
    cdef int l
    for l in range(net.n_layers):
        widest = max(widest, net.layers[l].width)
    tape_layout(&learning.tape, net, learning.dropping.dropout > 0.0, arena)
    learning.unit_spikes.pool = counts_take(arena, n * widest)
    learning.unit_errors.pool = counts_take(arena, n * widest)
    learning.scanned = <SpikeCounts *> arena_take(arena, (n + 2) * sizeof(SpikeCounts))
    learning.scanned_pool = counts_take(arena, n * widest)


cdef Parameter parameter_borrow(float *weights, Py_ssize_t n_rows, Py_ssize_t n_columns, Py_ssize_t stride, float worth,
                                list moments) except *:
    """A parameter, with the next of the moments."""
    cdef Parameter parameter = Parameter(
        weights, n_rows, n_columns, stride, NULL, 0, NULL, NULL, False, worth, NULL, NULL)
    cdef float[:, :] moment
    for which, array in enumerate(moments.pop(0)):
        if array.shape != (n_rows, n_columns) or not is_padded(array):
            raise ValueError(f"moments must be arrays of shape {(n_rows, n_columns)} here, from padded_zeros")
        moment = array
        if which == 0:
            parameter.first = &moment[0, 0]
        else:
            parameter.second = &moment[0, 0]
    return parameter


cdef int parameters_borrow(RecurrentLearning *learning, list moments) except -1:
    cdef RecurrentNet *net = learning.net
    cdef RecurrentLayer *layer
    cdef LayerParameters *learned
    cdef float worth = net.dynamics.threshold
    cdef int l
    for l in range(1, net.n_layers):
        layer = &net.layers[l]
        learned = &learning.layers[l]
        learned.weights = parameter_borrow(layer.weights, net.layers[l - 1].n_units, layer.n_units, layer.stride, worth,
                                           moments)
        learned.weights.transposed_stride = row_stride(learned.weights.n_rows)
    for l in range(1, net.n_layers - 1):
        layer = &net.layers[l]
        learned = &learning.layers[l]
        learned.recurrent = parameter_borrow(layer.recurrent, layer.n_units, layer.n_units, layer.recurrent_stride, worth,
                                             moments)
        learned.recurrent.transposed_stride = row_stride(layer.n_units)
    for l in range(1, net.n_layers if net.layers[1].intercepts != NULL else 0):
        layer = &net.layers[l]
        learned = &learning.layers[l]
        learned.intercepts = parameter_borrow(layer.intercepts, 1, layer.n_units, padded(layer.n_units), 1.0, moments)
    return 0


cdef class RecurrentLearner:
    """A recurrent network that learns: views of its weights, which change in place, and the state
    of learning.

    Parameters
    ----------
    settings : dict of dict
        "dynamics", "error_rule", "optimizer_rule" and "dropping": the fields of the structs.
    coefs, recurrent_coefs, intercepts : list of ndarray of float32
        As of `RecurrentNetwork`, from `padded_zeros`.
    error_potentials : list of ndarray of float32, shape (n_out,)
        Error potentials at the start (copied).
    moments : list of list of ndarray of float32
        For each array of coefs, recurrent_coefs and intercepts its two moments (with gradient
        descent the velocity and anything), of the same shape (biases: one row) and from
        `padded_zeros`; changed in place.
    n_updates : int
        Updates that the moments have seen.
    n_time_steps : int
        Of the longest sequence.
    tape_limit : int
        Bytes that its tape may take.
    instruction_set : str or None
        As of `Network`.
    """

    def __cinit__(self, settings, list coefs, list recurrent_coefs, list intercepts, list error_potentials, *, list moments,
                  n_updates=0, Py_ssize_t n_time_steps, tape_limit=None, instruction_set=None):
        cdef RecurrentLearning *learning = &self.learning
        cdef int l
        learning.error_rule = settings["error_rule"]
        learning.optimizer_rule = settings["optimizer_rule"]
        learning.dropping = settings["dropping"]
        learning.n_updates = n_updates
        self.network = RecurrentNetwork(
            settings["dynamics"], coefs, recurrent_coefs, intercepts, training=True, instruction_set=instruction_set,
            dropout=learning.dropping.dropout > 0.0)
        cdef RecurrentNet *net = &self.network.net
        learning.net = net
        n_arrays = len(coefs) + len(recurrent_coefs) + len(intercepts or [])
        if len(moments) != n_arrays or len(error_potentials) != len(coefs):
            raise ValueError(f"moments must hold {n_arrays} pairs and error_potentials {len(coefs)} arrays")
        if n_time_steps < 1:
            raise ValueError(f"n_time_steps must be at least 1, got {n_time_steps}")
        self.borrowed = [moments]
        learning.layers = <LayerParameters *> calloc(net.n_layers, sizeof(LayerParameters))
        learning.tape.layers = <LayerTape *> calloc(net.n_layers, sizeof(LayerTape))
        if learning.layers == NULL or learning.tape.layers == NULL:
            raise MemoryError
        parameters_borrow(learning, list(moments))
        learning_layout(learning, &self.arena)
        if arena_begin(&self.arena):
            raise MemoryError
        learning_layout(learning, &self.arena)
        arena_end(&self.arena)
        learning.tape.n_steps = n_time_steps
        learning.tape.records = True
        whole_tape_layout(learning, &self.tape_arena)
        limit = TAPE_LIMIT if tape_limit is None else tape_limit
        if self.tape_arena.used > limit:
            raise ValueError(
                f"The tape of a sequence of {n_time_steps} time steps would take {self.tape_arena.used / 2**20:.1f} MB, "
                f"more than the {limit / 2**20:.1f} MB allowed. Cut X into shorter sequences, or make the layers smaller "
                "(hidden_layer_sizes).")
        if arena_begin(&self.tape_arena):
            raise MemoryError
        whole_tape_layout(learning, &self.tape_arena)
        arena_end(&self.tape_arena)
        for l in range(1, net.n_layers):
            memcpy(learning.layers[l].error_potential,
                   vector_data(error_potentials[l - 1], net.layers[l].n_units, "error_potentials", l),
                   net.layers[l].n_units * sizeof(float))
        parameters_transpose(learning)

    def __dealloc__(self):
        arena_free(&self.arena)
        arena_free(&self.tape_arena)
        free(self.learning.layers)
        free(self.learning.tape.layers)

    @property
    def n_updates(self):
        """Updates that the moments have seen."""
        return int(self.learning.n_updates)

    @property
    def tape_size(self):
        """Bytes of the tape."""
        return self.tape_arena.used

    def error_potentials(self):
        """The kept error potentials of the layers above the input, as new arrays of shape
        (n_out,)."""
        return [np.array(<float[:self.learning.net.layers[l].n_units]> self.learning.layers[l].error_potential)
                for l in range(1, self.network.n_layers)]

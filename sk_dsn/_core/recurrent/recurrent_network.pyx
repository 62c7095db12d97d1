"""The owner of a recurrent network's buffers."""
import math

import numpy as np

from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free

from ..kernels.arena cimport arena_begin, arena_end, arena_free, arena_take
from ..kernels.dispatch cimport kernels_find
from ..kernels.kernels cimport FIRE_BACK, FIRE_BOTH, FIRE_NEVER, FIRE_UP, ROW_PADDING
from ..network cimport padded, vector_data
from ..network import is_padded, padded_copy
from ..settings cimport SIGNED
from .tape cimport tape_layout


cdef RecurrentLayer *last_layer(const RecurrentNet *net) noexcept nogil:
    return &net.layers[net.n_layers - 1]


cdef SpikeCounts counts_take(Arena *arena, Py_ssize_t n) noexcept nogil:
    """Room for lists of n spikes in all, and what kernels write behind them."""
    cdef int32_t *unit = <int32_t *> arena_take(arena, (n + ROW_PADDING) * sizeof(int32_t))
    cdef float *count = <float *> arena_take(arena, (n + ROW_PADDING) * sizeof(float))
    return SpikeCounts(0, unit, count, 0.0)


cdef void network_layout(RecurrentNet *net, Tape *tape, Arena *arena, bint dropout) noexcept nogil:
    state_layout(net, arena, dropout)
    if tape.layers != NULL:
        tape_layout(tape, net, False, arena)


cdef void state_layout(RecurrentNet *net, Arena *arena, bint dropout) noexcept nogil:
    """Hands out all arrays of a network; the numbers of units are known."""
    cdef RecurrentLayer *layer
    cdef Py_ssize_t size
    cdef int l
    for l in range(net.n_layers):
        layer = &net.layers[l]
        size = layer.width * sizeof(float)
        layer.sum = <float *> arena_take(arena, size)
        if layer.intercepts != NULL:
            layer.bias = <float *> arena_take(arena, size)
        if l == net.n_layers - 1:
            net.answer = <float *> arena_take(arena, size)
            net.answer_sum = <float *> arena_take(arena, size)
            return
        layer.trace = <float *> arena_take(arena, size)
        if l > 0:
            layer.spikes = counts_take(arena, layer.width)
        if l > 0 and dropout:
            layer.keep = <float *> arena_take(arena, size)


cdef int weights_borrow(RecurrentNet *net, list coefs, list recurrent_coefs, list intercepts) except -1:
    cdef RecurrentLayer *layer = net.layers
    cdef const float[:, :] weights
    cdef Py_ssize_t n_below
    cdef int l
    layer.n_units = coefs[0].shape[0]
    layer.width = padded(layer.n_units)
    for l in range(1, net.n_layers):
        n_below = layer.n_units
        layer += 1
        weights = coefs[l - 1]
        if weights.shape[0] != n_below:
            raise ValueError(f"coefs[{l - 1}] must have {n_below} rows, got {weights.shape[0]}")
        layer.n_units = weights.shape[1]
        layer.width = padded(layer.n_units)
        layer.weights = <float *> &weights[0, 0]
        layer.stride = weights.strides[0] // <Py_ssize_t> sizeof(float)
        if intercepts is not None:
            layer.intercepts = <float *> vector_data(intercepts[l - 1], layer.n_units, "intercepts", l)
        if l < net.n_layers - 1:
            weights = recurrent_coefs[l - 1]
            if weights.shape[0] != layer.n_units or weights.shape[1] != layer.n_units:
                raise ValueError(f"recurrent_coefs[{l - 1}] must have shape ({layer.n_units}, {layer.n_units})")
            layer.recurrent = <float *> &weights[0, 0]
            layer.recurrent_stride = weights.strides[0] // <Py_ssize_t> sizeof(float)
    return 0


cdef void biases_scale(RecurrentNet *net) noexcept nogil:
    """Brings the biases to units of the threshold."""
    cdef RecurrentLayer *layer
    cdef float scale = <float> 1.0 / net.dynamics.threshold
    cdef Py_ssize_t j
    cdef int l
    for l in range(1, net.n_layers):
        layer = &net.layers[l]
        for j in range(layer.n_units if layer.intercepts != NULL else 0):
            layer.bias[j] = scale * layer.intercepts[j]


cdef class RecurrentNetwork:
    """A recurrent network ready to run: views of its weights and the state of one sequence.

    It serves one thread: threads share weights, never a network.

    Parameters
    ----------
    dynamics : dict
        The fields of `RecurrentDynamics`.
    coefs : list of ndarray of float32, shape (n_in, n_out)
        Weights that are not in the layout of `padded_zeros` are copied. Weights to train must be,
        and change in place.
    recurrent_coefs : list of ndarray of float32, shape (n, n)
        Of each hidden layer, likewise.
    intercepts : list of ndarray of float32, shape (n_out,), or None
        Rows of arrays from `padded_zeros` where weights are to be trained; changed in place.
    instruction_set : str or None
        As of `Network`.
    training, dropout : bool
        Whether a `RecurrentLearner` is to train the weights, and whether it can leave hidden units
        out.
    """

    def __cinit__(self, dynamics, list coefs, list recurrent_coefs, list intercepts=None, *, instruction_set=None,
                  bint training=False, bint dropout=False):
        cdef RecurrentNet *net = &self.net
        cdef FiringRule rule
        cdef int l
        net.kernels = kernels_find(instruction_set)
        net.dynamics = dynamics
        check_dynamics(dynamics["leak"], dynamics["threshold"])
        check_shapes(coefs, recurrent_coefs, intercepts)
        net.keep = <float> (1.0 - <double> dynamics["leak"])
        if not training:
            coefs, recurrent_coefs = ([w if is_padded(w) else padded_copy(w) for w in ws] for ws in (coefs, recurrent_coefs))
        elif not all(is_padded(a) and a.flags.writeable
                     for a in [*coefs, *recurrent_coefs, *(b[np.newaxis] for b in intercepts or [])]):
            raise ValueError("weights and biases to train must come from padded_zeros, and not be read-only")
        self.borrowed = [coefs, recurrent_coefs, intercepts]
        net.n_layers = len(coefs) + 1
        net.layers = <RecurrentLayer *> calloc(net.n_layers, sizeof(RecurrentLayer))
        if net.layers == NULL:
            raise MemoryError
        weights_borrow(net, coefs, recurrent_coefs, intercepts)
        rule = FIRE_BACK if net.dynamics.neuron == SIGNED else FIRE_UP
        for l in range(net.n_layers):
            net.layers[l].rule = FIRE_BOTH if l == 0 else rule
        last_layer(net).rule = FIRE_NEVER
        if not training:
            self.tape.n_steps = STEPS_TOGETHER
            self.tape.layers = <LayerTape *> calloc(net.n_layers, sizeof(LayerTape))
            if self.tape.layers == NULL:
                raise MemoryError
        network_layout(net, &self.tape, &self.arena, dropout)
        if arena_begin(&self.arena):
            raise MemoryError
        network_layout(net, &self.tape, &self.arena, dropout)
        arena_end(&self.arena)
        biases_scale(net)

    def __dealloc__(self):
        arena_free(&self.arena)
        free(self.net.layers)
        free(self.tape.layers)

    @property
    def n_layers(self):
        """Layers, input and output included."""
        return self.net.n_layers

    @property
    def n_units(self):
        """Units of each layer, input first."""
        return [self.net.layers[l].n_units for l in range(self.net.n_layers)]

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


def check_dynamics(leak, threshold):
    if not 0 <= leak <= 1:
        raise ValueError(f"leak must be from 0 to 1, got {leak}")
    if not 2.0**-100 <= threshold <= 2.0**100 or math.frexp(threshold)[0] != 0.5:
        raise ValueError(f"threshold must be a power of two from 2**-100 to 2**100, got {threshold}")


def check_shapes(coefs, recurrent_coefs, intercepts):
    if not coefs or any(w.ndim != 2 or w.size == 0 for w in [*coefs, *recurrent_coefs]):
        raise ValueError("coefs must hold at least one array; all arrays must have two dimensions that are not empty")
    if len(recurrent_coefs) != len(coefs) - 1:
        raise ValueError(
            f"recurrent_coefs must hold {len(coefs) - 1} arrays, one a hidden layer, got {len(recurrent_coefs)}")
    if intercepts is not None and len(intercepts) != len(coefs):
        raise ValueError(f"intercepts must hold {len(coefs)} arrays, got {len(intercepts)}")

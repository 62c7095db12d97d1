"""The integer engine (engine.c) for Python: predicts and learns rows of integers without the GIL."""
import numpy as np

from libc.stdint cimport int8_t, int32_t
from libc.stdlib cimport calloc, free

from ..signals cimport interruption_raise, signals_check

cdef extern from "engine.h":
    enum:
        DSN_LIMIT
        DSN_DONE
        DSN_OVERFLOW
        DSN_FULL
        DSN_STOPPED

    ctypedef struct DsnSettings:
        int32_t n_layers
        const int32_t *n_units
        int32_t scale
        int8_t depth_first
        int8_t fractional
        int8_t hold_error
        int32_t room

    ctypedef struct DsnQuantizer:
        int32_t *potential

    ctypedef struct DsnLayer:
        DsnQuantizer neurons
        unsigned int n_spikes
        unsigned int n_error_spikes
        unsigned int n_passed

    ctypedef struct DsnNetwork:
        unsigned int n_target_spikes
        unsigned int n_additions
        int (*poll)() noexcept nogil

    size_t dsn_begin(DsnNetwork *net, const DsnSettings *settings, DsnLayer *layers, int32_t *memory,
                     size_t *n_kept) noexcept nogil
    int dsn_predict(DsnNetwork *net, const int32_t *x, size_t stride, int32_t n_steps) noexcept nogil
    int dsn_learn(DsnNetwork *net, const int32_t *x, size_t stride, int32_t n_steps, const int32_t *target) noexcept nogil
    int32_t dsn_output(const DsnNetwork *net, int32_t unit) noexcept nogil

LIMIT = DSN_LIMIT
FULL = DSN_FULL


class TrainIsFull(Exception):
    """Breadth-first, more error spikes travel together than there is room for."""


cdef int poll() noexcept nogil:
    return signals_check(False) >= 0


cdef class IntegerEngine:
    """A network in memory of its own, which starts with all weights 0.

    Parameters
    ----------
    n_units : ndarray of int32
        Of each layer, input first.
    scale : int
    depth_first, fractional, hold_error : bool
    room : int
        Breadth-first: spikes that travel together at most.

    Raises
    ------
    MemoryError
        Where the network does not fit the address space or the memory.
    """

    cdef DsnSettings settings
    cdef DsnNetwork net
    cdef DsnLayer *layers
    cdef const int32_t[::1] n_units
    cdef int32_t[::1] memory
    cdef size_t n_kept

    def __cinit__(self, const int32_t[::1] n_units, *, int32_t scale, bint depth_first, bint fractional, bint hold_error,
                  int32_t room):
        cdef size_t n_words
        if n_units.shape[0] < 2 or min(n_units) < 1:
            raise ValueError("n_units must hold at least two layers, none empty")
        if not 1 <= scale <= DSN_LIMIT or room < 1:
            raise ValueError(f"scale must be from 1 to {LIMIT} and room at least 1, got {scale} and {room}")
        self.n_units = n_units
        self.layers = <DsnLayer *> calloc(n_units.shape[0], sizeof(DsnLayer))
        if self.layers == NULL:
            raise MemoryError
        self.settings.n_layers = <int32_t> n_units.shape[0]
        self.settings.n_units = &n_units[0]
        self.settings.scale = scale
        self.settings.depth_first = depth_first
        self.settings.fractional = fractional
        self.settings.hold_error = hold_error
        self.settings.room = room
        n_words = dsn_begin(&self.net, &self.settings, self.layers, NULL, &self.n_kept)
        self.memory = np.zeros(n_words, dtype=np.int32)
        dsn_begin(&self.net, &self.settings, self.layers, &self.memory[0], &self.n_kept)
        self.net.poll = poll

    def __dealloc__(self):
        free(self.layers)

    @property
    def n_words(self):
        """int32 of memory, all in all."""
        return self.memory.shape[0]

    @property
    def room(self):
        return self.settings.room

    @property
    def kept(self):
        """The weights, layer by layer, then the error potentials of the hidden layers; a view, to
        be changed within ±`LIMIT`."""
        return np.asarray(self.memory[:self.n_kept])

    @property
    def potentials(self):
        """Of each layer above the input, after the last sample."""
        return [np.array(<int32_t[:self.n_units[l]]> self.layers[l].neurons.potential)
                for l in range(1, self.settings.n_layers)]

    def predict(self, const int32_t[:, :, ::1] X, int32_t n_steps, int32_t[:, ::1] outputs):
        """Fills `outputs` (n, n_outputs) with the sums of input to the output units.

        X has shape (n, n_steps, n_features), or (n, 1, n_features) for static samples. Returns -1,
        or the row that would overflow.
        """
        cdef Py_ssize_t k = 0, n = X.shape[0]
        cdef int32_t j, n_outputs = self.n_units[self.n_units.shape[0] - 1]
        cdef size_t stride = self.check(X, n_steps)
        cdef int status = DSN_DONE
        if outputs.shape[0] != n or outputs.shape[1] != n_outputs:
            raise ValueError(f"outputs must have shape ({n}, {n_outputs})")
        with nogil:
            for k in range(n):
                status = dsn_predict(&self.net, &X[k, 0, 0], stride, n_steps)
                if status != DSN_DONE:
                    break
                for j in range(n_outputs):
                    outputs[k, j] = dsn_output(&self.net, j)
        return failed_row(k, status)

    def learn(self, const int32_t[:, :, ::1] X, int32_t n_steps, const int32_t[:, ::1] Y, int32_t[:, ::1] counts=None):
        """Learns the rows of X in order, with targets Y (n, n_outputs). Returns as `predict`.

        `counts` (n, 3·n_layers), or None, is filled with each sample's spikes of each layer,
        error spikes of each layer above the input, those past the gate, target spikes, additions.

        Raises TrainIsFull where `room` does not do.
        """
        cdef Py_ssize_t k = 0, n = X.shape[0]
        cdef size_t stride = self.check(X, n_steps)
        cdef int status = DSN_DONE
        if Y.shape[0] != n or Y.shape[1] != self.n_units[self.n_units.shape[0] - 1]:
            raise ValueError(f"Y must have shape ({n}, {self.n_units[self.n_units.shape[0] - 1]})")
        if counts is not None and (counts.shape[0] != n or counts.shape[1] != 3 * self.settings.n_layers):
            raise ValueError(f"counts must have shape ({n}, {3 * self.settings.n_layers})")
        with nogil:
            for k in range(n):
                status = dsn_learn(&self.net, &X[k, 0, 0], stride, n_steps, &Y[k, 0])
                if status != DSN_DONE:
                    break
                if counts is not None:
                    self.record(&counts[k, 0])
        return failed_row(k, status)

    cdef void record(self, int32_t *counts) noexcept nogil:
        cdef int32_t l, n = self.settings.n_layers
        for l in range(n):
            counts[l] = <int32_t> self.layers[l].n_spikes
            if l > 0:
                counts[n + l - 1] = <int32_t> self.layers[l].n_error_spikes
                counts[2 * n + l - 2] = <int32_t> self.layers[l].n_passed
        counts[3 * n - 2] = <int32_t> self.net.n_target_spikes
        counts[3 * n - 1] = <int32_t> self.net.n_additions

    cdef size_t check(self, const int32_t[:, :, ::1] X, int32_t n_steps) except? 0:
        """How far the vectors of two time steps are apart: 0 for static samples."""
        if X.shape[0] < 1 or X.shape[2] != self.n_units[0] or n_steps < 1 or X.shape[1] not in (1, n_steps):
            raise ValueError(f"X must have shape (n, {n_steps} or 1, {self.n_units[0]}), and n and n_steps be at least 1")
        return 0 if X.shape[1] == 1 else <size_t> X.shape[2]


def failed_row(Py_ssize_t k, int status):
    """-1, or the row that would overflow."""
    if status == DSN_STOPPED:
        interruption_raise()
    if status == DSN_FULL:
        raise TrainIsFull
    return k if status == DSN_OVERFLOW else -1

"""Samples, dense or sparse, as the core's loops take them."""
import numpy as np

from libc.stdint cimport int32_t, uint64_t

from .kernels cimport SpikeCounts, prefetch
from .network cimport Network, within
from .rng cimport normal, uniform

# The most values of a sample that are fetched ahead: more would push out of the cache what is in use.
cdef Py_ssize_t PREFETCHED = 4096


cdef class Samples:
    """The samples of X.

    Parameters
    ----------
    X : ndarray of float32, shape (n_samples, 1, n_features), or (n_samples, n_time_steps, n_features) for streams; or a \
sparse matrix of float32 in CSR format, shape (n_samples, n_features)
        Of a sparse matrix each row's indices must ascend (`sort_indices`), none twice (`sum_duplicates`).
    """

    def __cinit__(self, X):
        self.sparse = not isinstance(X, np.ndarray)
        if not self.sparse:
            self.dense = X
            self.n_samples, self.n_steps, self.n_features = X.shape
        else:
            # One entry at least: the first one's address is taken. A user's arrays may be columns of others.
            self.data = np.require(X.data if len(X.data) else np.zeros(1), np.float32, "CA")
            self.indices = np.require(X.indices if len(X.data) else np.zeros(1), np.int32, "CA")
            self.indptr = np.require(X.indptr, np.int64, "CA")
            self.n_samples, self.n_features = X.shape
            self.n_steps = 1
            n_stored = np.diff(self.indptr)
            if not (self.indptr.shape[0] == self.n_samples + 1 and self.data.shape[0] == self.indices.shape[0]
                    and np.all((n_stored >= 0) & (n_stored <= self.n_features)) and self.indptr[0] == 0
                    and self.indptr[self.n_samples] <= self.data.shape[0] and within(X.indices, self.n_features)):
                raise ValueError(
                    "X is no valid CSR matrix. If its arrays were changed in place, make a new one of them: "
                    "csr_matrix((X.data, X.indices, X.indptr), X.shape).")

    cdef void fetch(self, Py_ssize_t sample) noexcept nogil:
        """Asks for what `show` reads of a sample, of a stream for its first time step."""
        cdef Py_ssize_t first, n
        if self.sparse:
            first = self.indptr[sample]
            n = min(self.indptr[sample + 1] - first, PREFETCHED)
            prefetch(&self.data[0] + first, n * sizeof(float))
            prefetch(&self.indices[0] + first, n * sizeof(int32_t))
        else:
            prefetch(&self.dense[sample, 0, 0], min(self.n_features, PREFETCHED) * sizeof(float))

    cdef void show(self, Network network, Py_ssize_t sample, bint condense, Stimulus *stimulus) noexcept nogil:
        """Makes `sample` what the network is shown. Condensed, a static vector has a state only where it is not zero: the
        time-stepped simulations look at it again at each step."""
        cdef SpikeCounts shown
        stimulus.step = 0
        stimulus.unit = NULL
        if self.sparse:
            stimulus.n = self.indptr[sample + 1] - self.indptr[sample]
            stimulus.x = &self.data[0] + self.indptr[sample]
            stimulus.unit = &self.indices[0] + self.indptr[sample]
        else:
            stimulus.n = self.n_features
            stimulus.x = &self.dense[sample, 0, 0]
            if self.n_steps > 1:
                stimulus.step = self.n_features
            elif condense:
                shown.unit, shown.count = network.shown_unit, network.shown_value
                network.kernels.spikes_list(stimulus.x, self.n_features, &shown)
                stimulus.n = shown.n
                stimulus.x = network.shown_value
                stimulus.unit = network.shown_unit
        network.layers[0].n_active = stimulus.n
        network.layers[0].shown = stimulus.unit

    cdef void blur(self, Network network, double deviation, uint64_t key, Stimulus *stimulus) noexcept nogil:
        """Adds noise to every feature of the sample that is shown, the same at all its time steps."""
        cdef float noise
        cdef Py_ssize_t i, t
        for i in range(self.n_features):
            # Layers, from 0 on, draw their dropout under the same key.
            noise = <float> (deviation * normal(key, network.n_layers, i))
            if stimulus.step == 0:
                self.changed[0, i] = noise
            for t in range(self.n_steps if stimulus.step else 0):
                self.changed[t, i] = stimulus.x[t * stimulus.step + i] + noise
        for i in range(stimulus.n if stimulus.step == 0 else 0):
            self.changed[0, stimulus.unit[i] if stimulus.unit != NULL else i] += stimulus.x[i]
        stimulus.n = network.layers[0].n_active = self.n_features
        stimulus.x = &self.changed[0, 0]
        stimulus.unit = network.layers[0].shown = NULL

    cdef void drop(self, Network network, double dropout, uint64_t key, Stimulus *stimulus) noexcept nogil:
        """Leaves features out of the sample that is shown, each with probability `dropout`, for all its time steps; those
        kept are shown 1 / (1 - dropout) times as large."""
        cdef float scale = <float> (1.0 / (1.0 - dropout))
        cdef float factor
        cdef Py_ssize_t i, t, n = 0
        cdef int32_t unit
        if stimulus.step == 0:
            for i in range(stimulus.n):
                unit = stimulus.unit[i] if stimulus.unit != NULL else <int32_t> i
                if uniform(key, 0, unit) >= dropout:
                    network.shown_unit[n] = unit
                    network.shown_value[n] = scale * stimulus.x[i]
                    n += 1
            stimulus.n = network.layers[0].n_active = n
            stimulus.x = network.shown_value
            stimulus.unit = network.layers[0].shown = network.shown_unit
            return
        for i in range(stimulus.n):
            factor = scale if uniform(key, 0, i) >= dropout else 0.0
            for t in range(self.n_steps):
                self.changed[t, i] = factor * stimulus.x[t * stimulus.step + i]
        stimulus.x = &self.changed[0, 0]

"""Running a trained network: its outputs, and its spikes."""
import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport fabs
from libc.stdint cimport int64_t
from libc.string cimport memset

from .counting cimport counting_run
from .network cimport Layer, Network

# Samples between two looks at pending signals, per unit of the input and weight of the network: a few milliseconds.
cdef double WORK_BETWEEN_SIGNALS = 1e7


cdef double network_size(Network network) noexcept nogil:
    cdef double size = network.layers[0].n_units
    cdef int l
    for l in range(1, network.n_layers):
        size += network.layers[l - 1].n_units * <double> network.layers[l].n_units
    return size


def outputs(Network network, const float[:, ::1] X, float[:, :, ::1] out, *, int first_step, rows=None):
    """The network's output after each of the time steps first_step, first_step + 1, …

    Parameters
    ----------
    network : Network
    X : ndarray of float32, shape (n_samples, n_features)
    out : ndarray of float32, shape (n_steps, n_rows, n_outputs)
        Filled with accumulated output / t.
    first_step : int
    rows : ndarray of intp, shape (n_rows,), or None
        Which rows of X; None is all.

    Returns
    -------
    failed_row : int
        -1, or the first row for which the network could not be computed (input not finite, or too many spikes).
    """
    cdef Py_ssize_t step, k, j, row, n = out.shape[1]
    cdef const Py_ssize_t[::1] chosen = rows
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef double size = network_size(network), work = 0.0
    cdef float t
    if X.shape[1] != network.layers[0].n_units or out.shape[2] != output.n_units:
        raise ValueError("X, out and network do not fit each other")
    if (X.shape[0] if chosen is None else chosen.shape[0]) != n:
        raise ValueError("out has the wrong number of rows")
    with nogil:
        for k in range(n):
            row = k if chosen is None else chosen[k]
            for step in range(out.shape[0]):
                t = first_step + step
                if counting_run(network, &X[row, 0], t) >= 0:
                    with gil:
                        return row
                for j in range(output.n_units):
                    out[step, k, j] = output.input_sum[j] / t
                work += size
                if work > WORK_BETWEEN_SIGNALS:
                    work = 0.0
                    with gil:
                        PyErr_CheckSignals()
    return -1


def spike_counts(Network network, const float[:, ::1] X, int64_t[:, :, ::1] out):
    """Spikes and take-backs of each layer in each of the time steps 1 … T, of a clock-driven network: |N_t - N_(t-1)|.

    Parameters
    ----------
    network : Network
    X : ndarray of float32, shape (n_samples, n_features)
    out : ndarray of int64, shape (n_samples, T, n_layers - 1)
        Filled with the spikes of the input and of each hidden layer.

    Returns
    -------
    failed_row : int
        As `outputs`.
    """
    cdef Py_ssize_t row, step, j, total_units = 0
    cdef Layer *layer
    cdef int l
    cdef double spikes, size = network_size(network), work = 0.0
    if X.shape[1] != network.layers[0].n_units or out.shape[0] != X.shape[0] or out.shape[2] != network.n_layers - 1:
        raise ValueError("X, out and network do not fit each other")
    for l in range(network.n_layers - 1):
        total_units += network.layers[l].n_units
    cdef float[::1] previous = np.empty(total_units, dtype=np.float32)
    cdef float *before
    with nogil:
        for row in range(X.shape[0]):
            memset(&previous[0], 0, total_units * sizeof(float))
            for step in range(out.shape[1]):
                if counting_run(network, &X[row, 0], step + 1) >= 0:
                    with gil:
                        return row
                before = &previous[0]
                for l in range(network.n_layers - 1):
                    layer = &network.layers[l]
                    spikes = 0.0
                    for j in range(layer.n_units):
                        spikes += fabs(layer.net_count[j] - before[j])
                        before[j] = layer.net_count[j]
                    before += layer.n_units
                    out[row, step, l] = <int64_t> spikes
                work += size
                if work > WORK_BETWEEN_SIGNALS:
                    work = 0.0
                    with gil:
                        PyErr_CheckSignals()
    return -1

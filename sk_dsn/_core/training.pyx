"""One epoch of training."""
from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport isfinite
from libc.stdint cimport int32_t, uint64_t

from .counting cimport counting_run
from .learning cimport Learning, Loss, dropout_draw, errors_send, output_error_join
from .network cimport Layer, Network

# Additions between two looks at pending signals: a few milliseconds.
cdef double WORK_BETWEEN_SIGNALS = 1e7


cdef double sample_work(Network network) noexcept nogil:
    """Additions of one forward pass, at least; updates cost as much again."""
    cdef double work = network.layers[0].n_units
    cdef int l
    for l in range(1, network.n_layers):
        work += (1.0 + network.layers[l - 1].spikes.n) * network.layers[l].width
    return work


cdef bint weights_are_finite(Network network) noexcept nogil:
    cdef Layer *layer
    cdef Py_ssize_t i, j
    cdef int l
    for l in range(1, network.n_layers):
        layer = &network.layers[l]
        for i in range(network.layers[l - 1].n_units):
            for j in range(layer.n_units):
                if not isfinite(layer.weights[i * layer.stride + j]):
                    return False
    return True


def train_epoch(Network network, const float[:, ::1] X, const int32_t[::1] labels, const Py_ssize_t[::1] order, *,
                Loss loss, float n_time_steps, float error_resolution, bint normalized_step, float spike_penalty,
                float dropout, double rate_first, double rate_last, uint64_t seed, uint64_t epoch):
    """Trains on the rows `order` of X, once each, in that order.

    Parameters
    ----------
    network : Network
        Made for training; its weights change in place.
    X : ndarray of float32, shape (n_samples, n_features)
    labels : ndarray of int32, shape (n_samples,)
        Index of each sample's class.
    order : ndarray of intp
    loss, n_time_steps, error_resolution, normalized_step, spike_penalty, dropout
        As the estimators' parameters of these names.
    rate_first, rate_last : float
        The learning rate at the first sample, and where a further sample after the last would stand; linear between.
    seed, epoch : int
        Key of what is drawn at random, with the position in `order`.

    Returns
    -------
    mean_loss : float
        Of the outputs as seen in training.
    failed_layer : int
        -1, or the layer (0 the input) whose potentials left the range of float32 or of exact counting. The weights are
        then of no use.
    """
    cdef Learning learning
    cdef Py_ssize_t k, n = order.shape[0], sample
    cdef double total = 0.0, work = 0.0
    cdef int failed = -1
    if not network.training:
        raise ValueError("the network was not made for training")
    if X.shape[1] != network.layers[0].n_units or X.shape[0] != labels.shape[0]:
        raise ValueError("X, labels and network do not fit each other")
    learning.loss = loss
    learning.n_time_steps = n_time_steps
    learning.error_resolution = error_resolution
    learning.normalized_step = normalized_step
    learning.spike_penalty = spike_penalty
    learning.dropout = dropout
    learning.seed = seed
    learning.epoch = epoch
    with nogil:
        for k in range(n):
            sample = order[k]
            if dropout > 0.0:
                dropout_draw(network, &learning, k)
            failed = counting_run(network, &X[sample, 0], n_time_steps)
            if failed >= 0:
                break
            total += output_error_join(network, &learning, labels[sample])
            failed = errors_send(network, &learning, rate_first + (rate_last - rate_first) * k / n)
            if failed >= 0:
                break
            work += sample_work(network)
            if work > WORK_BETWEEN_SIGNALS:
                work = 0.0
                with gil:
                    PyErr_CheckSignals()
        if failed < 0 and not weights_are_finite(network):
            failed = network.n_layers - 1
    return total / max(n, 1), failed

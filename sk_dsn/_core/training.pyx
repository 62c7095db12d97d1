"""One epoch of training."""
import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.float cimport FLT_MAX
from libc.math cimport fabsf
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy, memset

from .clock_driven cimport clock_feedback, clock_step
from .counting cimport counting_run
from .event_driven cimport event_feedback, event_step
from .kernels cimport FIRE_UP, prefetch
from .learning cimport (dropout_clear, dropout_draw, errors_send, norms_limit, output_error, output_error_fire,
                        output_error_join, rectifying_error_take, totals_learn)
from .network cimport Layer, Network, run_check, within
from .rng cimport sample_key, uniform
from .settings cimport COUNTING, EVENT_DRIVEN, RESET_KEEP, Settings
from .spike_train cimport SPIKE_LIMIT
from .stepping cimport backward_reset, input_sum_refresh, input_sum_step, sample_begin
from .stimulus cimport Samples, Stimulus

# Additions between two looks at pending signals: a few milliseconds.
cdef double WORK_BETWEEN_SIGNALS = 1e7


cdef int counting_learn(Network network, const Settings *settings, const Stimulus *stimulus, double eta,
                        double *loss) noexcept nogil:
    """A training sample of the counting simulation. Returns -1, or the layer that left the range."""
    cdef int failed = -1, t, l, last = network.n_layers - 1
    cdef Layer *output = &network.layers[last]
    for l in range(network.n_layers):
        network.layers[l].n_error_spikes = network.layers[l].n_passed = 0
    for t in range(1 if stimulus.step else settings.n_time_steps, settings.n_time_steps + 1):
        failed = counting_run(network, settings, stimulus, 1, t)
        if failed >= 0:
            return failed
    if settings.rectifying_output:
        loss[0] += output_error(network, settings, settings.n_time_steps)
        if network.kernels.sums_count(output.input_sum, output.n_units, 1.0, FIRE_UP, NULL, output.net_count,
                                      output.spikes):
            return last
        memset(network.target_potential, 0, output.width * sizeof(float))
        rectifying_error_take(network, settings)
    else:
        loss[0] += output_error_join(network, settings, settings.n_time_steps, settings.n_time_steps)
        if output_error_fire(network):
            return last
    return errors_send(network, settings, eta, settings.n_time_steps)


cdef int stepped_learn(Network network, const Settings *settings, const Stimulus *stimulus, double eta,
                       double *loss) noexcept nogil:
    """A training sample of the clock-driven or the event-driven simulation. Returns -1, or the layer that left the
    range."""
    cdef bint events = settings.simulation == EVENT_DRIVEN
    cdef int failed, t, l, n = settings.n_time_steps
    sample_begin(network, settings)
    for t in range(1, n + 1):
        if events:
            failed = -1 - event_step(network, settings, stimulus, eta, t)
        else:
            failed = clock_step(network, settings, stimulus, t)
        if failed >= 0:
            return failed
        if not settings.step_feedback:
            input_sum_step(network, settings, stimulus, t)
        if t == n:
            loss[0] += output_error(network, settings, t)
        if settings.step_feedback or t == n:
            if events:
                failed = -1 - event_feedback(network, settings, stimulus, eta, t)
            else:
                failed = clock_feedback(network, settings, stimulus, eta, t)
            if failed >= 0:
                return failed
    if not settings.fractional and (events or settings.step_feedback):
        for l in range(1, network.n_layers - 1):
            input_sum_refresh(&network.layers[l])
        totals_learn(network, settings, eta)
    return -1


cdef double sample_work(Network network, const Settings *settings) noexcept nogil:
    """Additions of one forward pass, at least; updates cost as much again."""
    cdef double work = network.layers[0].n_active, spikes
    cdef int l
    for l in range(1, network.n_layers):
        spikes = network.layers[l - 1].spikes.n if settings.simulation == COUNTING else network.layers[l - 1].n_spikes
        work += (settings.n_time_steps + spikes) * network.layers[l].width
    return work


cdef bint floats_are_finite(const float *values, Py_ssize_t n) noexcept nogil:
    cdef bint outside = False
    cdef Py_ssize_t j
    for j in range(n):
        outside |= not fabsf(values[j]) <= FLT_MAX
    return not outside


cdef bint network_is_finite(Network network) noexcept nogil:
    """Whether weights, biases and error potentials are."""
    cdef Layer *layer
    cdef bint finite = True
    cdef Py_ssize_t i
    cdef int l
    for l in range(1, network.n_layers):
        layer = &network.layers[l]
        for i in range(network.layers[l - 1].n_units):
            finite &= floats_are_finite(layer.weights + i * layer.stride, layer.n_units)
        finite &= floats_are_finite(layer.error_potential, layer.n_units)
        if layer.intercepts != NULL:
            finite &= floats_are_finite(layer.intercepts, layer.n_units)
    return finite


cdef bint target_is_countable(Network network, const Settings *settings) noexcept nogil:
    """Whether the target's spikes, where outputs rectify, and the error spikes that they are, can be counted."""
    cdef double total = 0.0
    cdef Py_ssize_t j
    if settings.rectifying_output:
        for j in range(network.layers[network.n_layers - 1].n_units):
            total += abs(network.target[j])
    return total * settings.n_time_steps * max(<double> 1.0, settings.error_resolution) < SPIKE_LIMIT


cdef void counts_record(Network network, int64_t *record) noexcept nogil:
    """Spikes, error spikes and error spikes past the gate of each layer, then target spikes."""
    cdef int l
    for l in range(network.n_layers):
        record[l] = network.layers[l].n_spikes
        record[network.n_layers + l] = network.layers[l].n_error_spikes
        record[2 * network.n_layers + l] = network.layers[l].n_passed
    record[3 * network.n_layers] = network.n_target_spikes


def epoch_order(const Py_ssize_t[::1] rows, uint64_t seed, uint64_t epoch):
    """The rows in an order drawn at random: a function of seed and epoch alone.

    Parameters
    ----------
    rows : ndarray of intp
    seed, epoch : int
        As `train_epoch` takes them.

    Returns
    -------
    order : ndarray of intp
    """
    order = np.array(rows)
    cdef Py_ssize_t[::1] shuffled = order
    cdef Py_ssize_t k, other
    for k in range(shuffled.shape[0] - 1, 0, -1):
        # Layers, from 0 on, draw under the same key.
        other = <Py_ssize_t> (uniform(sample_key(seed, epoch, k), -1, 0) * (k + 1))
        shuffled[k], shuffled[other] = shuffled[other], shuffled[k]
    return order


def train_epoch(Network network not None, settings, X, labels, Y, const Py_ssize_t[::1] order, *,
                double rate_first, double rate_last, uint64_t seed, uint64_t epoch, double noise_first=0.0,
                double noise_last=0.0, const float[::1] weights=None, int64_t[:, ::1] counts=None):
    """Trains on the samples `order` of X, once each, in that order.

    Parameters
    ----------
    network : Network
        Made for training; its weights change in place.
    settings : dict
        The fields of `settings.Settings`.
    X : Samples, or ndarray or CSR matrix as `Samples` takes it
    labels : ndarray of int32, shape (n_samples,), or None
        Index of the output whose target is 1 where all others are 0.
    Y : ndarray of float32, shape (n_samples, n_outputs), or None
        Targets, where `labels` is None.
    order : ndarray of intp
    rate_first, rate_last : float
        The learning rate at the first sample, and where a further sample after the last would stand; linear between,
        and rounded to float32.
    seed, epoch : int
        Key of what is drawn at random, with the position in `order`.
    noise_first, noise_last : float
        Standard deviation of the noise on each feature, at the same samples as the rates.
    weights : ndarray of float32, shape (n_samples,), or None
        Multiply the rate of each sample; those of the samples in `order` are above 0. None is 1 for all.
    counts : ndarray of int64, shape (len(order), 3 * n_layers + 1), or None
        Filled, by the time-stepped simulations, with each sample's spikes, error spikes and error spikes past the gate
        of each layer, and with the target's spikes.

    Returns
    -------
    mean_loss : float
        Of the outputs as seen in training, weighted.
    failed_layer : int
        -1, or the layer (0 the input) whose potentials left the range of float32 or of exact counting. The weights are
        then of no use.
    """
    cdef Settings s = settings
    cdef Samples samples = X if isinstance(X, Samples) else Samples(X)
    cdef Stimulus stimulus
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef const int32_t[::1] label_of = labels
    cdef const float[:, ::1] target_of = Y
    cdef Py_ssize_t k, n = order.shape[0], sample
    cdef double total = 0.0, total_weight = 0.0, weight = 1.0, work = 0.0, eta, loss
    cdef uint64_t key
    cdef int failed = -1, label = 0
    cdef bint noisy = noise_first > 0.0 or noise_last > 0.0
    if not network.training:
        raise ValueError("the network was not made for training")
    run_check(network, &s, samples.n_steps, samples.n_features)
    if s.dropout > 0.0 and network.n_layers > 2 and network.layers[1].keep == NULL:
        raise ValueError("the network was not made for dropout")
    if s.forward_reset == RESET_KEEP and output.start == NULL:
        raise ValueError("the network was made without potentials to keep")
    if label_of is None:
        if target_of.shape[0] != samples.n_samples or target_of.shape[1] != output.n_units:
            raise ValueError("Y does not fit X and the network")
    elif label_of.shape[0] != samples.n_samples or not within(labels, output.n_units):
        raise ValueError("labels do not fit X and the network")
    if not within(order, samples.n_samples):
        raise ValueError("order does not fit X")
    if weights is not None and weights.shape[0] != samples.n_samples:
        raise ValueError("weights do not fit X")
    if counts is not None and (counts.shape[0] != n or counts.shape[1] != 3 * network.n_layers + 1):
        raise ValueError("counts has the wrong shape")
    if noisy or (s.input_dropout > 0.0 and samples.n_steps > 1):
        samples.changed = np.empty((samples.n_steps, samples.n_features), np.float32)
    memset(network.target, 0, output.n_units * sizeof(float))
    with nogil:
        for k in range(n):
            sample = order[k]
            key = sample_key(seed, epoch, k)
            samples.show(network, sample, not noisy and (s.simulation != COUNTING or s.input_dropout > 0.0), &stimulus)
            # Samples in random order are in no cache, and nothing else tells the processor which is next.
            if k + 1 < n:
                samples.fetch(order[k + 1])
                if label_of is not None:
                    prefetch(&label_of[order[k + 1]], sizeof(int32_t))
            if noisy:
                samples.blur(network, noise_first + (noise_last - noise_first) * k / n, key, &stimulus)
            if s.input_dropout > 0.0:
                samples.drop(network, s.input_dropout, key, &stimulus)
            if label_of is None:
                memcpy(network.target, &target_of[sample, 0], output.n_units * sizeof(float))
            else:
                network.target[label] = 0.0
                label = label_of[sample]
                network.target[label] = 1.0
            if network.n_layers > 2 and network.layers[1].keep != NULL:
                dropout_draw(network, &s, key)
            backward_reset(network, &s, key)
            if weights is not None:
                weight = weights[sample]
            eta = weight * <float> (rate_first + (rate_last - rate_first) * k / n)
            loss = 0.0
            if not target_is_countable(network, &s):
                failed = network.n_layers - 1
            elif s.simulation == COUNTING:
                failed = counting_learn(network, &s, &stimulus, eta, &loss)
            else:
                failed = stepped_learn(network, &s, &stimulus, eta, &loss)
            if counts is not None:
                counts_record(network, &counts[k, 0])
            if failed >= 0:
                break
            total += weight * loss
            total_weight += weight
            work += sample_work(network, &s)
            if work > WORK_BETWEEN_SIGNALS:
                work = 0.0
                with gil:
                    PyErr_CheckSignals()
        dropout_clear(network)
        if failed < 0 and not network_is_finite(network):
            failed = network.n_layers - 1
        if failed < 0 and s.max_norm > 0.0:
            norms_limit(network, s.max_norm)
    return total / total_weight if total_weight > 0.0 else 0.0, failed

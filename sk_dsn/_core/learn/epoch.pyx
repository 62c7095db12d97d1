"""One epoch of training: check the arguments, then for each sample prepare it, learn it, and look
at pending signals."""
import numpy as np

from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy, memset

from ..encoder cimport SampleArrays, Stimulus, sample_fetch, sample_present, stimulus_blur, stimulus_drop
from ..kernels.kernels cimport prefetch
from ..network cimport Layer, Net, frames_reserve, masks_clear, output_layer, within
from ..random cimport sample_key, uniform
from ..samples cimport Samples
from ..settings cimport COUNTING, SQUARED_ERROR
from ..signals cimport INTERRUPTED, LEAST_WORK, interruption_raise, work_done
from ..simulate.sample cimport input_check
from .counting cimport counting_learn
from .dropout cimport dropout_draw
from .error cimport backward_reset, target_is_countable
from .learner cimport Learner, Learning, learning_memory_check
from .step_learner cimport StepLearner, step_learner_of, stepped_learn
from .update cimport learning_is_finite, norms_limit


# The samples of an epoch and its rates. The pointers are borrowed from the arguments of
# `train_epoch`.
cdef struct Epoch:
    const SampleArrays *samples
    Py_ssize_t n                    # samples in the epoch
    const Py_ssize_t *order
    const int32_t *labels           # NULL: targets are values
    const float *values             # (n_samples, n_outputs)
    const float *weights            # NULL: all 1
    float *room                     # for a stimulus with noise or, of a stream, without features
    double rate_first, rate_last
    double noise_first, noise_last
    uint64_t seed, epoch
    int64_t *counts                 # (n, 3 n_layers + 1); NULL: not wanted
    int64_t *totals                 # (2, n_layers); NULL: not wanted
    double weighted_rate_most       # the rate of a sample of weight above 1, at most
    bint noisy
    bint stepped
    StepLearner step_learner


# A sample of the epoch, ready to be learned.
cdef struct Lesson:
    Stimulus stimulus
    double weight
    double eta
    double loss


cdef double between(double first, double last, Py_ssize_t k, Py_ssize_t n) noexcept nogil:
    return first + (last - first) * k / n


cdef void target_set(Learning *learning, const Epoch *epoch, Py_ssize_t sample) noexcept nogil:
    cdef Py_ssize_t n_outputs = output_layer(learning.net).n_units
    if epoch.labels == NULL:
        memcpy(learning.target, epoch.values + sample * n_outputs, n_outputs * sizeof(float))
    else:
        memset(learning.target, 0, n_outputs * sizeof(float))
        learning.target[epoch.labels[sample]] = 1.0


cdef double weighted_rate_limit(const Learning *learning) noexcept nogil:
    """The rate up to which a weight can raise that of a sample.

    Of the squared error, a normalised step at a rate of 1, shared among the layers, takes back the
    whole error of a sample. A larger one overshoots, and from 2 on it diverges.
    """
    if learning.update_rule.normalized_step and learning.error_rule.loss == SQUARED_ERROR:
        return 1.0 / (learning.net.n_layers - 1)
    return INFINITY


cdef double weighted_rate(double rate, double weight, double most) noexcept nogil:
    cdef double weighted = weight * rate
    return weighted if weighted <= most or weight <= 1.0 else max(rate, most)


cdef void lesson_prepare(Learning *learning, const Epoch *epoch, Py_ssize_t k, Lesson *lesson) noexcept nogil:
    """Sample k of the epoch: its stimulus with noise and dropped features, its target, its mask,
    its rate."""
    cdef Net *net = learning.net
    cdef Py_ssize_t sample = epoch.order[k]
    cdef uint64_t key = sample_key(epoch.seed, epoch.epoch, k)
    cdef double input_dropout = learning.dropping.input_dropout
    cdef bint condense = not epoch.noisy and (epoch.stepped or input_dropout > 0.0)
    sample_present(epoch.samples, sample, net, condense, &lesson.stimulus)
    # Samples in random order are in no cache, and nothing else tells the processor which is next.
    if k + 1 < epoch.n:
        sample_fetch(epoch.samples, epoch.order[k + 1])
        if epoch.labels != NULL:
            prefetch(&epoch.labels[epoch.order[k + 1]], sizeof(int32_t))
    if epoch.noisy:
        stimulus_blur(&lesson.stimulus, epoch.samples, epoch.room, net,
                      between(epoch.noise_first, epoch.noise_last, k, epoch.n), key)
    if input_dropout > 0.0:
        stimulus_drop(&lesson.stimulus, epoch.samples, epoch.room, net, input_dropout, key)
    target_set(learning, epoch, sample)
    dropout_draw(learning, key)
    backward_reset(learning, key)
    lesson.weight = 1.0 if epoch.weights == NULL else epoch.weights[sample]
    lesson.eta = weighted_rate(<float> between(epoch.rate_first, epoch.rate_last, k, epoch.n), lesson.weight,
                               epoch.weighted_rate_most)
    lesson.loss = 0.0


cdef int lesson_learn(Learning *learning, const Epoch *epoch, Lesson *lesson) noexcept nogil:
    """Returns -1, or the layer that failed."""
    if not target_is_countable(learning):
        return learning.net.n_layers - 1
    if epoch.stepped:
        return stepped_learn(learning, &epoch.step_learner, &lesson.stimulus, lesson.eta, &lesson.loss)
    return counting_learn(learning, &lesson.stimulus, lesson.eta, &lesson.loss)


cdef void counts_record(const Learning *learning, int64_t *record) noexcept nogil:
    """Spikes, error spikes and error spikes past the gate of each layer, then target spikes."""
    cdef int l, n = learning.net.n_layers
    for l in range(n):
        record[l] = learning.net.layers[l].n_spikes
        record[n + l] = learning.layers[l].n_error_spikes
        record[2 * n + l] = learning.layers[l].n_passed
    record[3 * n] = learning.n_target_spikes


cdef double layer_spikes(const Layer *layer, bint stepped) noexcept nogil:
    """Spikes of a layer in the sample; counting has the net ones."""
    return layer.n_spikes if stepped else layer.spikes.total


cdef void totals_add(const Learning *learning, bint stepped, int64_t *totals) noexcept nogil:
    """Spikes of each layer below the output, then error spikes of each layer."""
    cdef int l, n = learning.net.n_layers
    for l in range(n):
        if l < n - 1:
            totals[l] += <int64_t> layer_spikes(&learning.net.layers[l], stepped)
        totals[n + l] += learning.layers[l].n_error_spikes


cdef int epoch_learn(Learning *learning, const Epoch *epoch, double *mean_loss) noexcept nogil:
    """Returns -1, or the layer that failed, or INTERRUPTED: then the weights hold the samples
    learned so far."""
    cdef Lesson lesson
    cdef double total = 0.0, total_weight = 0.0
    cdef Py_ssize_t k
    cdef int failed = -1
    for k in range(epoch.n):
        lesson_prepare(learning, epoch, k, &lesson)
        failed = lesson_learn(learning, epoch, &lesson)
        if failed < 0:
            failed = work_done(learning.net, LEAST_WORK)
        if epoch.counts != NULL:
            counts_record(learning, epoch.counts + k * (3 * learning.net.n_layers + 1))
        if failed >= 0:
            break
        if epoch.totals != NULL:
            totals_add(learning, epoch.stepped, epoch.totals)
        total += lesson.weight * lesson.loss
        total_weight += lesson.weight
    masks_clear(learning.net)
    mean_loss[0] = total / total_weight if total_weight > 0.0 else 0.0
    if failed < 0 and not learning_is_finite(learning):
        failed = learning.net.n_layers - 1
    if (failed < 0 or failed == INTERRUPTED) and learning.update_rule.max_norm > 0.0:
        norms_limit(learning)
    return failed


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


def check_epoch(n_samples, n_outputs, n_layers, labels, Y, order, weights, counts, totals):
    """Raises ValueError where the arguments of `train_epoch` do not fit each other."""
    if labels is None:
        if Y.shape != (n_samples, n_outputs):
            raise ValueError("Y does not fit X and the network")
    elif labels.shape[0] != n_samples or not within(labels, n_outputs):
        raise ValueError("labels do not fit X and the network")
    if not within(order, n_samples):
        raise ValueError("order does not fit X")
    if weights is not None and weights.shape[0] != n_samples:
        raise ValueError("weights do not fit X")
    if counts is not None and counts.shape != (order.shape[0], 3 * n_layers + 1):
        raise ValueError("counts has the wrong shape")
    if totals is not None and totals.shape != (2, n_layers):
        raise ValueError("totals has the wrong shape")


def train_epoch(Learner learner not None, X, labels, Y, order, *, double rate_first, double rate_last, uint64_t seed,
                uint64_t epoch, double noise_first=0.0, double noise_last=0.0, weights=None, counts=None,
                totals=None):
    """Trains on the samples `order` of X, once each, in that order.

    Parameters
    ----------
    learner : Learner
        Its weights change in place.
    X : Samples, or ndarray or CSR matrix as `Samples` takes it
    labels : ndarray of int32, shape (n_samples,), or None
        Index of the output whose target is 1 where all others are 0.
    Y : ndarray of float32, shape (n_samples, n_outputs), or None
        Targets, where `labels` is None.
    order : ndarray of intp
    rate_first, rate_last : float
        The learning rate at the first sample, and where a further sample after the last would
        stand; linear between, and rounded to float32.
    seed, epoch : int
        Key of all random draws, with the position in `order`.
    noise_first, noise_last : float
        Standard deviation of the noise on each feature, at the same samples as the rates.
    weights : ndarray of float32, shape (n_samples,), or None
        Multiply the rate of each sample; those of the samples in `order` are above 0. None is 1 for
        all. With the normalised step and the squared error a weight above 1 raises the rate to 1 /
        (number of weight layers) at most.
    counts : ndarray of int64, shape (len(order), 3 * n_layers + 1), or None
        Filled, by the time-stepped simulations, with each sample's spikes, error spikes and error
        spikes past the gate of each layer, and with the target's spikes.
    totals : ndarray of int64, shape (2, n_layers), or None
        Raised by the epoch's spikes of each layer below the output (counting: the net ones), and by
        its error spikes of each layer above the input.

    Returns
    -------
    mean_loss : float
        Of the outputs as seen in training, weighted.
    failed_layer : int
        -1, or the layer (0 the input) whose potentials left the range of float32 or of exact
        counting. The weights are then of no use.
    """
    cdef Samples samples = X if isinstance(X, Samples) else Samples(X)
    cdef Learning *learning = &learner.learning
    cdef Net *net = learning.net
    cdef const Py_ssize_t[::1] order_view = order
    cdef const int32_t[::1] label_view = labels
    cdef const float[:, ::1] value_view = Y
    cdef const float[::1] weight_view = weights
    cdef int64_t[:, ::1] count_view = counts
    cdef int64_t[:, ::1] total_view = totals
    cdef float[::1] room
    cdef Epoch e
    cdef double mean_loss = 0.0
    cdef int failed
    input_check(net, &samples.arrays)
    frames_reserve(net, samples.arrays.most_frames)
    check_epoch(samples.arrays.n_samples, output_layer(net).n_units, net.n_layers, labels, Y, order, weights, counts, totals)
    if order_view.shape[0] == 0:
        return 0.0, -1
    memset(&e, 0, sizeof(e))
    e.samples = &samples.arrays
    e.n = order_view.shape[0]
    e.order = &order_view[0]
    if labels is not None:
        e.labels = &label_view[0]
    else:
        e.values = &value_view[0, 0]
    if weights is not None:
        e.weights = &weight_view[0]
    if counts is not None:
        e.counts = &count_view[0, 0]
    if totals is not None:
        e.totals = &total_view[0, 0]
    e.weighted_rate_most = weighted_rate_limit(learning)
    e.rate_first, e.rate_last, e.noise_first, e.noise_last = rate_first, rate_last, noise_first, noise_last
    e.seed, e.epoch = seed, epoch
    e.noisy = noise_first > 0.0 or noise_last > 0.0
    if e.noisy or (learning.dropping.input_dropout > 0.0 and samples.arrays.n_steps > 1):
        room = np.empty(samples.arrays.n_steps * samples.arrays.n_features, np.float32)
        e.room = &room[0]
    e.stepped = net.dynamics.simulation != COUNTING
    if e.stepped:
        e.step_learner = step_learner_of(net.dynamics.simulation)
    with nogil:
        failed = epoch_learn(learning, &e, &mean_loss)
    if failed == INTERRUPTED:
        interruption_raise()
    if failed >= 0:
        learning_memory_check(learning)
    return mean_loss, failed

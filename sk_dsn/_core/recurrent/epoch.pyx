"""One epoch of training a recurrent network: for each batch the gradients of its samples, then one
update."""
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy, memset

from ..encoder cimport SampleArrays, sample_frames, sample_length
from ..kernels.kernels cimport prefetch
from ..learn.epoch import check_epoch
from ..loss cimport loss_gradient
from ..random cimport normal, sample_key, uniform
from ..samples cimport Samples
from ..signals cimport INTERRUPTED, interruption_raise
from .backward cimport errors_go_back, gradients_add
from .forward cimport output_is_forgotten, output_step, sequence_begin, sequence_run
from .learner cimport RecurrentLearner, RecurrentLearning
from .recurrent_network cimport RecurrentLayer, RecurrentNet, Tape, last_layer, step_done
from .optimizer cimport batch_apply, weights_are_finite
from .sequences cimport check_sequences, sequence_frames
from .sequences import sequence_room


# What an epoch learns and how. The pointers are borrowed from the arguments of `train_epoch`.
cdef struct Epoch:
    const SampleArrays *samples
    Py_ssize_t n                    # samples in the epoch
    Py_ssize_t batch_size
    const Py_ssize_t *order
    const int32_t *labels           # NULL: targets are values
    const float *values             # (n_samples, n_outputs)
    const float *weights            # NULL: all 1
    float *room                     # for a sequence that is sparse, or blurred; NULL: none is
    bint blurs                      # noise is added, or features are left out
    double rate_first, rate_last
    double noise_first, noise_last
    uint64_t seed, epoch
    int64_t *counts                 # (n, 2 n_layers); NULL: not wanted


# A sample of the epoch.
cdef struct Lesson:
    const float *x
    int n_steps
    double weight
    double loss


cdef double between(double first, double last, Py_ssize_t k, Py_ssize_t n) noexcept nogil:
    return first + (last - first) * k / n


cdef void sequence_blur(const RecurrentLearning *learning, const Epoch *epoch, double noise, uint64_t key,
                        Lesson *lesson) noexcept nogil:
    """Adds noise to every feature, and leaves out some, each the same at all time steps."""
    cdef Py_ssize_t i, t, n = epoch.samples.n_features
    cdef double dropout = learning.dropping.input_dropout
    cdef float scale, shift
    for i in range(n):
        shift = <float> (noise * normal(key, learning.net.n_layers, i))
        scale = <float> (1.0 / (1.0 - dropout)) if uniform(key, 0, i) >= dropout else 0.0
        for t in range(lesson.n_steps):
            epoch.room[t * n + i] = scale * (lesson.x[t * n + i] + shift)
    lesson.x = epoch.room


cdef void masks_draw(RecurrentLearning *learning, uint64_t key) noexcept nogil:
    """Draws one mask of hidden units for the sequence: 0, or the scale 1 / (1 - p) of the units
    that are kept."""
    cdef double dropout = learning.dropping.dropout
    cdef float scale = <float> (1.0 / (1.0 - dropout))
    cdef RecurrentLayer *layer
    cdef Py_ssize_t j
    cdef int l
    for l in range(1, learning.net.n_layers - 1):
        layer = &learning.net.layers[l]
        for j in range(layer.n_units if layer.keep != NULL else 0):
            layer.keep[j] = scale if uniform(key, l, j) >= dropout else 0.0


cdef void target_set(RecurrentLearning *learning, const Epoch *epoch, Py_ssize_t sample) noexcept nogil:
    cdef Py_ssize_t n_outputs = last_layer(learning.net).n_units
    if epoch.labels == NULL:
        memcpy(learning.target, epoch.values + sample * n_outputs, n_outputs * sizeof(float))
    else:
        memset(learning.target, 0, n_outputs * sizeof(float))
        learning.target[epoch.labels[sample]] = 1.0


cdef void lesson_prepare(RecurrentLearning *learning, const Epoch *epoch, Py_ssize_t k, Lesson *lesson) noexcept nogil:
    """Sample k of the epoch: its sequence with noise and dropped features, its target, its
    masks."""
    cdef const SampleArrays *samples = epoch.samples
    cdef Py_ssize_t sample = epoch.order[k], next_sample, size
    cdef uint64_t key = sample_key(epoch.seed, epoch.epoch, k)
    lesson.x = sequence_frames(samples, sample, epoch.room)
    lesson.n_steps = <int> sample_length(samples, sample)
    lesson.weight = 1.0 if epoch.weights == NULL else epoch.weights[sample]
    # Samples in random order are in no cache, and nothing else tells the processor which is next.
    if k + 1 < epoch.n and samples.dense != NULL:
        next_sample = epoch.order[k + 1]
        size = min(sample_length(samples, next_sample) * samples.n_features, <Py_ssize_t> 4096)
        prefetch(sample_frames(samples, next_sample), size * sizeof(float))
    if epoch.blurs:
        sequence_blur(learning, epoch, between(epoch.noise_first, epoch.noise_last, k, epoch.n), key, lesson)
    target_set(learning, epoch, sample)
    if learning.dropping.dropout > 0.0:
        masks_draw(learning, key)


cdef double answer_error(RecurrentLearning *learning) noexcept nogil:
    """The loss of the present answer; its gradient is in `learning.error`."""
    cdef RecurrentNet *net = learning.net
    return loss_gradient(net.kernels, learning.error_rule.loss, net.answer, last_layer(net).n_units, 1.0, learning.target,
                         learning.error)


cdef void output_error_record(RecurrentLearning *learning, int t, double share) noexcept nogil:
    """The error of the output sum o at time step t, of which the answer is o / c_t, in error
    spikes."""
    cdef Tape *tape = &learning.tape
    cdef Py_ssize_t j, n = last_layer(learning.net).n_units
    cdef float *row = tape.output_error + t * last_layer(learning.net).width
    cdef float scale = <float> (share * learning.error_rule.error_resolution / tape.leaky_steps[t])
    for j in range(n):
        row[j] = scale * learning.error[j]
    tape.has_output_error[t] = True


cdef int lesson_run(RecurrentLearning *learning, Lesson *lesson) noexcept nogil:
    """The forward pass, on tape, with the loss and its gradient. Returns -1, or the layer that
    failed."""
    cdef RecurrentNet *net = learning.net
    cdef Tape *tape = &learning.tape
    cdef int t, failed, n_steps = lesson.n_steps
    lesson.loss = 0.0
    sequence_begin(net)
    failed = sequence_run(net, tape, lesson.x, n_steps)
    for t in range(1, n_steps + 1):
        if failed < 0 and (t == n_steps or learning.error_rule.step_feedback or not output_is_forgotten(net)):
            failed = output_step(net, tape, t, t)
        if failed >= 0:
            return failed
        tape.leaky_steps[t] = 1.0 if net.keep == 0.0 else net.n_steps
        tape.has_output_error[t] = False
        if learning.error_rule.step_feedback:
            # The loss is the mean of those of the steps' own answers, whichever is read out.
            lesson.loss += step_error(learning, t) / n_steps
            output_error_record(learning, t, lesson.weight / n_steps)
    if learning.error_rule.step_feedback:
        return -1
    lesson.loss = answer_error(learning)
    if net.dynamics.mean_readout:
        for t in range(1, n_steps + 1):
            output_error_record(learning, t, lesson.weight / n_steps)
    else:
        output_error_record(learning, n_steps, lesson.weight)
    return -1


cdef double step_error(RecurrentLearning *learning, int t) noexcept nogil:
    """As `answer_error`, of the answer o / c_t of time step t alone."""
    cdef RecurrentNet *net = learning.net
    cdef RecurrentLayer *output = last_layer(net)
    return loss_gradient(net.kernels, learning.error_rule.loss, output.sum, output.n_units,
                         net.n_steps / net.dynamics.threshold, learning.target, learning.error)


cdef void counts_record(const RecurrentLearning *learning, int n_steps, int64_t *record) noexcept nogil:
    """Spikes, then error spikes of each layer."""
    cdef int l, t, n = learning.net.n_layers
    cdef double spikes, errors
    for l in range(n):
        spikes = errors = 0.0
        for t in range(1, n_steps + 1):
            spikes += learning.tape.layers[l].spikes.step[t].total if l < n - 1 else 0.0
            errors += learning.tape.layers[l].errors.step[t].total if l > 0 else 0.0
        record[l] = <int64_t> spikes
        record[n + l] = <int64_t> errors


cdef int lesson_learn(RecurrentLearning *learning, Lesson *lesson) noexcept nogil:
    """Returns -1, the layer that failed, or INTERRUPTED."""
    cdef int failed = lesson_run(learning, lesson)
    if failed < 0:
        failed = errors_go_back(learning, lesson.n_steps)
    if failed < 0:
        gradients_add(learning, lesson.n_steps)
    return failed


cdef int epoch_learn(RecurrentLearning *learning, const Epoch *epoch, double *mean_loss) noexcept nogil:
    """Returns -1, the layer that failed, or INTERRUPTED: then the weights hold the batches learned
    so far."""
    cdef Lesson lesson
    cdef double total = 0.0, total_weight = 0.0, rate = 0.0
    cdef Py_ssize_t k, in_batch = 0
    cdef int failed = -1, n_layers = learning.net.n_layers
    for k in range(epoch.n):
        if in_batch == 0:
            rate = between(epoch.rate_first, epoch.rate_last, k, epoch.n)
        lesson_prepare(learning, epoch, k, &lesson)
        failed = lesson_learn(learning, &lesson)
        if failed >= 0:
            return failed
        if epoch.counts != NULL:
            counts_record(learning, lesson.n_steps, epoch.counts + k * 2 * n_layers)
        total += lesson.weight * lesson.loss
        total_weight += lesson.weight
        in_batch += 1
        if in_batch == epoch.batch_size or k + 1 == epoch.n:
            if not batch_apply(learning, in_batch, rate):
                return n_layers - 1
            in_batch = 0
            failed = step_done(learning.net, batch_work(learning))
            if failed >= 0:
                return failed
    mean_loss[0] = total / total_weight if total_weight > 0.0 else 0.0
    return -1 if weights_are_finite(learning) else n_layers - 1


cdef double batch_work(const RecurrentLearning *learning) noexcept nogil:
    """Additions that an update is worth: some for each weight."""
    cdef const RecurrentLayer *layers = learning.net.layers
    cdef double n_weights = 0.0
    cdef int l
    for l in range(1, learning.net.n_layers):
        n_weights += <double> layers[l].width * (layers[l - 1].n_units + layers[l].n_units)
    return 4 * n_weights


def train_epoch(RecurrentLearner learner not None, X, labels, Y, order, *, double rate_first, double rate_last,
                uint64_t seed, uint64_t epoch, Py_ssize_t batch_size, double noise_first=0.0, double noise_last=0.0,
                weights=None, counts=None):
    """Trains on the samples `order` of X, once each, in that order, in batches.

    Parameters
    ----------
    learner : RecurrentLearner
        Its weights and moments change in place.
    X : Samples, or what `Samples` takes
    labels, Y, order, seed, epoch, noise_first, noise_last
        As of `learn.epoch.train_epoch`.
    rate_first, rate_last : float
        The learning rate at the first sample, and where a further sample after the last would
        stand; linear between. A batch has that of its first sample.
    batch_size : int
        Samples of an update; the last batch may be smaller.
    weights : ndarray of float32, shape (n_samples,), or None
        Multiply the error of each sample; those of the samples in `order` are above 0. None is 1
        for all.
    counts : ndarray of int64, shape (len(order), 2 * n_layers), or None
        Filled with each sample's spikes of each layer, then its error spikes.

    Returns
    -------
    mean_loss : float
        Of the outputs as seen in training, weighted.
    failed_layer : int
        -1, or the layer (0 the input) whose potentials left the range of float32 or of exact
        counting. The weights are then of no use.
    """
    cdef Samples samples = X if isinstance(X, Samples) else Samples(X)
    cdef RecurrentLearning *learning = &learner.learning
    cdef RecurrentNet *net = learning.net
    cdef const Py_ssize_t[::1] order_view = order
    cdef const int32_t[::1] label_view = labels
    cdef const float[:, ::1] value_view = Y
    cdef const float[::1] weight_view = weights
    cdef int64_t[:, ::1] count_view = counts
    cdef float[::1] room
    cdef Epoch e
    cdef double mean_loss = 0.0
    cdef int failed
    check_sequences(net, &samples.arrays)
    if samples.arrays.n_steps > learning.tape.n_steps:
        raise ValueError(f"the learner has room for {learning.tape.n_steps} time steps, X has {samples.arrays.n_steps}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    check_epoch(samples.arrays.n_samples, last_layer(net).n_units, net.n_layers, labels, Y, order, weights, None, None)
    if counts is not None and counts.shape != (order.shape[0], 2 * net.n_layers):
        raise ValueError("counts has the wrong shape")
    if order_view.shape[0] == 0:
        return 0.0, -1
    memset(&e, 0, sizeof(e))
    e.samples = &samples.arrays
    e.n = order_view.shape[0]
    e.batch_size = batch_size
    e.order = &order_view[0]
    if labels is not None:
        e.labels = &label_view[0]
    else:
        e.values = &value_view[0, 0]
    if weights is not None:
        e.weights = &weight_view[0]
    if counts is not None:
        e.counts = &count_view[0, 0]
    e.rate_first, e.rate_last, e.noise_first, e.noise_last = rate_first, rate_last, noise_first, noise_last
    e.seed, e.epoch = seed, epoch
    e.blurs = noise_first > 0.0 or noise_last > 0.0 or learning.dropping.input_dropout > 0.0
    if e.blurs or samples.arrays.dense == NULL:
        room = sequence_room(samples.arrays.n_steps, samples.arrays.n_features)
        e.room = &room[0]
    with nogil:
        failed = epoch_learn(learning, &e, &mean_loss)
    if failed == INTERRUPTED:
        interruption_raise()
    return mean_loss, failed

"""Learning by the event-driven simulation: error spikes go down in order. Breadth-first, a layer
integrates all error spikes of the layer above, one by one, before the layer below receives its own.

Where outputs rectify, their errors are spikes from the start. Held, the difference of output and
target spikes goes down at the end of the time step, each spike before the next; not held, all
output spikes go down, then all target spikes.
"""
from libc.stdint cimport int32_t

from ..encoder cimport Stimulus
from ..kernels.kernels cimport FIRE_BOTH
from ..kernels.spike_train cimport SPIKE_LIMIT, SpikeTrain, train_append, train_reserve
from ..network cimport Layer, output_layer
from ..signals cimport LEAST_WORK, rows_between_looks, work_done
from ..simulate.event_driven cimport breadth_step
from .error cimport error_integrate, gate_is_open, input_sum_step, target_fire
from .learner cimport LearningLayer, Learning, output_learning
from .update cimport error_learn, pending_learn, totals_learn


cdef void traces_outdate(Learning *learning) noexcept nogil:
    cdef int l
    for l in range(learning.net.n_layers):
        learning.layers[l].stale = True


cdef int penalties_learn(Learning *learning, int l, Py_ssize_t first, Py_ssize_t end, double eta) noexcept nogil:
    """The spikes first … end-1 in the train of layer l each act as an error of their unit that has
    passed the gate and is not sent down."""
    cdef Layer *layer = &learning.net.layers[l]
    cdef float penalty = learning.error_rule.error_resolution * learning.update_rule.spike_penalty
    cdef Py_ssize_t k
    cdef int failed
    if penalty == 0.0:
        return -1
    for k in range(first, end):
        failed = error_learn(learning, l, layer.train.unit[k], penalty if layer.train.sign[k] > 0.0 else -penalty, eta)
        if failed >= 0:
            return failed
    return pending_learn(learning, l)


cdef int breadth_learn_step(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil:
    cdef int l, failed
    traces_outdate(learning)
    failed = breadth_step(learning.net, stimulus, t)
    for l in range(1, learning.net.n_layers):
        if failed < 0:
            failed = penalties_learn(learning, l, 0, learning.net.layers[l].train.n, eta)
    return failed


cdef bint gate_passes(const Learning *learning, int l, int32_t j) noexcept nogil:
    """Whether an error spike of unit j may act: unless the sum of j's input in this sample is
    negative, or j is dropped."""
    cdef const Layer *layer = &learning.net.layers[l]
    if gate_is_open(learning, l):
        return True
    if layer.keep != NULL and layer.keep[j] == 0.0:
        return False
    return not (layer.potential[j] + layer.net_count[j]) - (layer.start[j] if layer.start != NULL else 0.0) < 0.0


cdef int errors_integrate(Learning *learning, int l, const int32_t *unit, const float *sign, Py_ssize_t n) noexcept nogil:
    """Layer l integrates n error spikes of the layer above, one by one; its own are left in its
    error train."""
    cdef Layer *layer = &learning.net.layers[l]
    cdef LearningLayer *learned = &learning.layers[l]
    cdef LearningLayer *above = learned + 1
    cdef SpikeTrain *scaled = &learning.scaled_errors
    cdef float scale
    cdef Py_ssize_t k, part, first = 0
    cdef int failed
    learned.error_train.n = 0
    if layer.keep != NULL:
        scaled.n = 0
        if train_reserve(scaled, n):
            return l
        scale = <float> (1.0 / (1.0 - learning.dropping.dropout))
        for k in range(n):
            scaled.sign[k] = sign[k] * scale
        sign = scaled.sign
    while first < n:
        part = rows_between_looks(n - first, layer.width)
        if learning.net.kernels.train_integrate(learned.error_potential, NULL, layer.width, FIRE_BOTH, above.transposed,
                                                above.transposed_stride, unit + first, sign + first, part,
                                                &learned.error_train):
            return l
        failed = work_done(learning.net, <double> part * layer.width)
        if failed >= 0:
            return failed
        first += part
    learned.n_error_spikes += learned.error_train.n
    return -1 if learned.n_error_spikes < SPIKE_LIMIT else l


cdef int errors_down(Learning *learning, double eta) noexcept nogil:
    """The output's error train goes down, layer by layer, all spikes of a layer together."""
    cdef LearningLayer *learned
    cdef SpikeTrain *errors
    cdef Py_ssize_t k, n
    cdef int l, failed = work_done(learning.net, LEAST_WORK)
    if failed >= 0:
        return failed
    output_learning(learning).n_error_spikes += output_learning(learning).error_train.n
    for l in range(learning.net.n_layers - 1, 0, -1):
        learned = &learning.layers[l]
        errors = &learned.error_train
        n = 0
        for k in range(errors.n):
            if gate_passes(learning, l, errors.unit[k]):
                errors.unit[n] = errors.unit[k]
                errors.sign[n] = errors.sign[k]
                n += 1
        learned.n_passed += n
        if l > 1:
            failed = errors_integrate(learning, l - 1, errors.unit, errors.sign, n)
            if failed >= 0:
                return failed
        for k in range(n):
            failed = error_learn(learning, l, errors.unit[k], errors.sign[k], eta)
            if failed >= 0:
                return failed
        if n == 0:
            break
    return -1


cdef int linear_error_send(Learning *learning, ErrorsDown errors_down, double eta) noexcept nogil:
    """Linear outputs: their error joins their error potentials, which fire."""
    cdef LearningLayer *output = output_learning(learning)
    cdef int last = learning.net.n_layers - 1
    error_integrate(learning, 1.0 if learning.error_rule.step_feedback else learning.net.n_steps)
    output.error_train.n = 0
    if learning.net.kernels.train_fire(output.error_potential, NULL, learning.net.layers[last].width, FIRE_BOTH,
                                       &output.error_train):
        return last
    return errors_down(learning, eta)


cdef int held_errors_send(Learning *learning, ErrorsDown errors_down, double eta) noexcept nogil:
    """Rectifying outputs: the difference of output and target spikes, each error spike on its own
    before the next."""
    cdef LearningLayer *output = output_learning(learning)
    cdef double total = output.n_error_spikes
    cdef Py_ssize_t j, n_outputs = output_layer(learning.net).n_units
    cdef int failed, _, last = learning.net.n_layers - 1
    target_fire(learning)
    for j in range(n_outputs):
        total += abs(output.error[j])
    if not total < SPIKE_LIMIT:
        return last
    for j in range(n_outputs):
        for _ in range(<int> abs(output.error[j])):
            output.error_train.n = 0
            if train_append(&output.error_train, <int> j, 1.0 if output.error[j] > 0.0 else -1.0):
                return last
            failed = errors_down(learning, eta)
            if failed >= 0:
                return failed
    return -1


cdef int output_spikes_send(Learning *learning, double eta) noexcept nogil:
    """Rectifying outputs without held error: all output spikes of the time step go down as
    errors."""
    cdef const SpikeTrain *train = &output_layer(learning.net).train
    cdef LearningLayer *output = output_learning(learning)
    cdef Py_ssize_t k
    cdef int failed
    output.error_train.n = 0
    for k in range(train.n):
        if train_append(&output.error_train, train.unit[k], train.sign[k]):
            return learning.net.n_layers - 1
    failed = errors_down(learning, eta)
    return failed if failed >= 0 else layers_pending_learn(learning)


cdef int target_spikes_send(Learning *learning, ErrorsDown errors_down, double eta) noexcept nogil:
    """Rectifying outputs without held error: the spikes of a signed quantiser of the target go down
    as negative errors."""
    cdef LearningLayer *output = output_learning(learning)
    cdef const Layer *layer = output_layer(learning.net)
    cdef Py_ssize_t j
    output.error_train.n = 0
    for j in range(layer.n_units):
        learning.target_potential[j] -= learning.target[j]
    if learning.net.kernels.train_fire(learning.target_potential, NULL, layer.width, FIRE_BOTH, &output.error_train):
        return learning.net.n_layers - 1
    learning.n_target_spikes += output.error_train.n
    return errors_down(learning, eta)


cdef int layers_pending_learn(Learning *learning) noexcept nogil:
    cdef int l, failed = -1
    for l in range(1, learning.net.n_layers):
        if failed < 0:
            failed = pending_learn(learning, l)
    return failed


cdef int breadth_feedback(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil:
    cdef bint rectifying = learning.error_rule.rectifying_output
    cdef bint held = learning.error_rule.hold_error
    cdef int failed = output_spikes_send(learning, eta) if rectifying and not held else -1
    if learning.error_rule.step_feedback:
        input_sum_step(learning, stimulus, t)
    if failed >= 0:
        return failed
    if not rectifying:
        failed = linear_error_send(learning, errors_down, eta)
    elif held:
        failed = held_errors_send(learning, errors_down, eta)
    else:
        failed = target_spikes_send(learning, errors_down, eta)
    return failed if failed >= 0 else layers_pending_learn(learning)


cdef void events_end(Learning *learning, double eta) noexcept nogil:
    if not learning.update_rule.fractional:
        totals_learn(learning, eta)

"""Learning by the event-driven simulation, depth-first: a spike goes all the way up, and an error
spike all the way down, before the next.

Here learning runs a forward sweep of its own. The authors' depth-first order demands it: without
held error an output spike goes down as an error at once, in the midst of the sweep, and a spike
enters the trace only after all that it set off.
"""
from libc.stdint cimport int32_t

from ..encoder cimport Stimulus
from ..network cimport Layer, Net, padded, units_number
from ..signals cimport LEAST_WORK, work_done
from ..simulate.event_driven cimport layer_integrate, step_begin, step_end
from .error cimport input_sum_step
from .event_driven cimport (errors_integrate, gate_passes, held_errors_send, linear_error_send, penalties_learn,
                            target_spikes_send, traces_outdate)
from .learner cimport LearningLayer, Learning, output_learning
from ..kernels.spike_train cimport SpikeTrain
from .update cimport error_learn


cdef int spike_up(Learning *learning, int l, const float *weights, Py_ssize_t stride, int32_t unit, float sign,
                  double eta) noexcept nogil:
    """A spike enters layer l, and all that it sets off runs its course."""
    cdef Layer *layer = &learning.net.layers[l]
    cdef LearningLayer *learned = &learning.layers[l]
    cdef Py_ssize_t k = 0
    cdef int failed, last = learning.net.n_layers - 1
    layer.train.n = 0
    failed = layer_integrate(learning.net, l, weights, stride, &unit, &sign, 1)
    while failed < 0 and k < layer.train.n:
        failed = penalties_learn(learning, l, k, k + 1, eta)
        if failed < 0 and l < last:
            failed = spike_up(learning, l + 1, layer[1].weights, layer[1].stride, layer.train.unit[k],
                              layer.train.sign[k], eta)
        elif failed < 0 and not learning.error_rule.hold_error and learning.error_rule.step_feedback:
            learned.n_error_spikes += 1
            failed = error_down(learning, l, layer.train.unit[k], layer.train.sign[k], eta)
        learned.counted[layer.train.unit[k]] += 1.0 if layer.train.sign[k] > 0.0 else -1.0
        k += 1
    return failed


cdef void counted_decay(Learning *learning) noexcept nogil:
    cdef const Layer *layer
    cdef int l
    for l in range(learning.net.n_layers):
        layer = &learning.net.layers[l]
        if layer.decay != 1.0:
            learning.net.kernels.state_decay(learning.layers[l].counted, padded(layer.n_active), layer.decay)


cdef int depth_learn_step(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil:
    cdef Net *net = learning.net
    cdef Layer *layer = net.layers
    cdef Py_ssize_t k
    cdef int32_t unit
    cdef int l, failed
    traces_outdate(learning)
    counted_decay(learning)
    failed = step_begin(net, stimulus, t)
    for k in range(layer.train.n):
        if failed >= 0:
            return failed
        unit = layer.train.unit[k]
        units_number(layer.active, &unit, 1)
        failed = spike_up(learning, 1, layer[1].weights, layer[1].stride, unit, layer.train.sign[k], eta)
        learning.layers.counted[layer.train.unit[k]] += layer.train.sign[k]
    for l in range(1, net.n_layers):
        layer = &net.layers[l]
        if failed < 0 and layer.intercepts != NULL:
            failed = spike_up(learning, l, layer.intercepts, 0, 0, 1.0, eta)
    return failed if failed >= 0 else step_end(net)


cdef int error_down(Learning *learning, int l, int32_t j, float sign, double eta) noexcept nogil:
    """An error spike of unit j in layer l goes all the way down."""
    cdef LearningLayer *learned = &learning.layers[l]
    cdef const SpikeTrain *errors
    cdef Py_ssize_t k = 0
    cdef int failed
    if not gate_passes(learning, l, j):
        return -1
    learned.n_passed += 1
    failed = error_learn(learning, l, j, sign, eta)
    if l == 1 or failed >= 0:
        return failed
    failed = errors_integrate(learning, l - 1, &j, &sign, 1)
    errors = &learning.layers[l - 1].error_train
    while failed < 0 and k < errors.n:
        failed = error_down(learning, l - 1, errors.unit[k], errors.sign[k], eta)
        k += 1
    return failed


cdef int errors_down(Learning *learning, double eta) noexcept nogil:
    """The output's error train goes down, spike by spike."""
    cdef LearningLayer *output = output_learning(learning)
    cdef Py_ssize_t k
    cdef int failed = -1
    output.n_error_spikes += output.error_train.n
    for k in range(output.error_train.n):
        if failed < 0:
            failed = work_done(learning.net, LEAST_WORK)
        if failed < 0:
            failed = error_down(learning, learning.net.n_layers - 1, output.error_train.unit[k],
                                output.error_train.sign[k], eta)
    return failed


cdef int depth_feedback(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil:
    if learning.error_rule.step_feedback:
        input_sum_step(learning, stimulus, t)
    if not learning.error_rule.rectifying_output:
        return linear_error_send(learning, errors_down, eta)
    if learning.error_rule.hold_error:
        return held_errors_send(learning, errors_down, eta)
    return target_spikes_send(learning, errors_down, eta)

"""Spiking backpropagation with counted error spikes: those of one time step, or of the whole
sample, at once."""
from ..kernels.kernels cimport FIRE_BOTH
from ..kernels.spike_train cimport SPIKE_LIMIT
from ..network cimport Layer
from .error cimport gate_is_open
from .learner cimport LearningLayer, Learning, output_learning
from .update cimport weights_learn


cdef int errors_fire(Learning *learning) noexcept nogil:
    """Fires the output's error potentials into its error spikes."""
    cdef LearningLayer *output = output_learning(learning)
    cdef int last = learning.net.n_layers - 1
    if learning.net.kernels.potential_fire(output.error_potential, NULL, learning.net.layers[last].width, FIRE_BOTH,
                                           output.error, NULL):
        return last
    return -1


cdef void gate_apply(Learning *learning, int l) noexcept nogil:
    """Error spikes of a unit pass its gate unless the sum of its input in this sample is negative,
    or it is dropped."""
    cdef const Layer *layer = &learning.net.layers[l]
    cdef float *error = learning.layers[l].error
    cdef Py_ssize_t j
    for j in range(layer.n_units):
        error[j] = <float> 0.0 if layer.input_sum[j] < 0.0 else error[j]
    for j in range(layer.n_units if layer.keep != NULL else 0):
        error[j] = <float> 0.0 if layer.keep[j] == 0.0 else error[j]


cdef int errors_send(Learning *learning, double eta) noexcept nogil:
    """Sends the output's error spikes (its `error`) down, layer by layer: through the gate, to the
    error potentials of the layer below, into the weights; with sgd and feedback at each time step,
    into the totals that `totals_learn` takes.

    Returns -1, or the layer whose error potentials left the range in which spikes can be counted.
    """
    cdef int l, last = learning.net.n_layers - 1
    cdef Py_ssize_t j, k
    cdef Layer *layer
    cdef Layer *below
    cdef LearningLayer *learned
    cdef bint gated, step_feedback = learning.error_rule.step_feedback
    cdef bint deferred = step_feedback and not learning.update_rule.fractional
    cdef float penalty = learning.error_rule.error_resolution * learning.update_rule.spike_penalty
    cdef float scale
    cdef const float *penalized
    for l in range(last, 0, -1):
        layer = &learning.net.layers[l]
        below = layer - 1
        learned = &learning.layers[l]
        gated = not gate_is_open(learning, l)
        if l == last:
            learning.net.kernels.spikes_list(learned.error, layer.n_units, &learned.errors)
        elif learning.net.kernels.potential_fire(learned.error_potential, NULL, layer.width, FIRE_BOTH, learned.error,
                                                 &learned.errors):
            return l
        learned.n_error_spikes += <long long> learned.errors.total
        if gated:
            gate_apply(learning, l)
            learning.net.kernels.spikes_list(learned.error, layer.n_units, &learned.errors)
        if learned.errors.n == 0 and penalty == 0.0:
            break
        if not learned.errors.total < SPIKE_LIMIT:
            return l
        learned.n_passed += <long long> learned.errors.total
        if below.keep != NULL:
            scale = <float> (1.0 / (1.0 - learning.dropping.dropout))
            for k in range(learned.errors.n):
                learned.errors.count[k] *= scale
        if l > 1:
            learning.net.kernels.rows_add(learning.layers[l - 1].error_potential, below.width, learned.transposed,
                                          learned.transposed_stride, &learned.errors)
        if penalty != 0.0 and gated:
            penalized = layer.fired if step_feedback else learned.fired_total if layer.decay != 1.0 else layer.net_count
            for j in range(layer.n_units):
                learned.error[j] += penalty * penalized[j]
        if deferred:
            for j in range(layer.n_units):
                learned.error_total[j] += learned.error[j]
        else:
            weights_learn(learning, l, learned.error, eta)
    return -1

"""The output's error on its way to error spikes, and the error potentials that it meets."""
from libc.stdint cimport uint64_t
from libc.string cimport memset

from ..encoder cimport Stimulus, stimulus_at
from ..kernels.kernels cimport FIRE_BOTH
from ..kernels.spike_train cimport SPIKE_LIMIT, train_clear
from ..network cimport Layer, output_layer, padded
from ..random cimport uniform
from ..settings cimport RECTIFYING, RESET_KEEP, RESET_RANDOM
from .learner cimport LearningLayer, Learning, output_learning


cdef void gradient_clear(LearningLayer *learned, const Layer *layer) noexcept nogil:
    """Makes the gradient of the last sample zero again, in the rows that are not."""
    cdef Py_ssize_t i, n_below = (layer - 1).n_units
    for i in range(n_below):
        if learned.traced_once[i] != 0.0:
            memset(learned.gradient + i * layer.stride, 0, layer.stride * sizeof(float))
    memset(learned.traced_once, 0, n_below * sizeof(float))
    memset(learned.bias_gradient, 0, layer.width * sizeof(float))
    memset(learned.erred_once, 0, layer.width * sizeof(float))


cdef void learning_begin(Learning *learning) noexcept nogil:
    """Forgets the last sample, except error potentials."""
    cdef LearningLayer *learned
    cdef Py_ssize_t size
    cdef int l
    for l in range(learning.net.n_layers):
        learned = &learning.layers[l]
        size = padded(learning.net.layers[l].n_active) * sizeof(float)
        learned.n_error_spikes = learned.n_passed = 0
        train_clear(&learned.error_train)
        train_clear(&learned.pending)
        memset(learned.counted, 0, size)
        memset(learned.trace, 0, size)
        if l > 0:
            memset(learned.error_total, 0, size)
        if learned.fired_total != NULL:
            memset(learned.fired_total, 0, size)
        if learned.gradient != NULL:
            gradient_clear(learned, &learning.net.layers[l])
    learning.n_target_spikes = 0
    memset(learning.output_spikes, 0, output_layer(learning.net).width * sizeof(float))
    memset(learning.target_potential, 0, output_layer(learning.net).width * sizeof(float))


cdef void backward_reset(Learning *learning, uint64_t key) noexcept nogil:
    """The error potentials at the start of a sample: kept, zero, or uniform in [-1/2, 1/2)."""
    cdef LearningLayer *learned
    cdef Py_ssize_t j
    cdef int l
    if learning.error_rule.backward_reset == RESET_KEEP:
        return
    for l in range(1, learning.net.n_layers):
        learned = &learning.layers[l]
        for j in range(learning.net.layers[l].n_units):
            learned.error_potential[j] = 0.0
            if learning.error_rule.backward_reset == RESET_RANDOM:
                learned.error_potential[j] = <float> (uniform(key, learning.net.n_layers + l, j) - 0.5)


cdef void input_sum_step(Learning *learning, const Stimulus *stimulus, int t) noexcept nogil:
    """At the end of time step t of rectifying neurons, or with a leak, its vector joins the smooth
    trace of the input."""
    cdef Layer *layer = learning.net.layers
    cdef const float *x = stimulus_at(stimulus, t)
    cdef Py_ssize_t i
    if learning.update_rule.smooth_gradient and (learning.net.dynamics.neuron == RECTIFYING or layer.decay != 1.0):
        learning.layers.stale = True
        if layer.decay != 1.0:
            learning.net.kernels.state_decay(layer.input_sum, padded(layer.n_active), layer.decay)
        for i in range(stimulus.n):
            layer.input_sum[i] += x[i]


cdef void error_integrate(Learning *learning, float weight) noexcept nogil:
    """Linear outputs: adds `weight` times the output's error to its error potentials, in units of
    error spikes."""
    cdef LearningLayer *output = output_learning(learning)
    cdef float scale = weight * learning.error_rule.error_resolution
    cdef Py_ssize_t j
    for j in range(output_layer(learning.net).n_units):
        output.error_potential[j] += scale * output.error[j]


cdef void target_fire(Learning *learning) noexcept nogil:
    """Rectifying outputs: their error spikes are output spikes minus those of a signed quantiser of
    the target, of the time step or, with feedback once a sample, of the sample."""
    cdef const Layer *layer = output_layer(learning.net)
    cdef LearningLayer *output = output_learning(learning)
    cdef bint step_feedback = learning.error_rule.step_feedback
    cdef const float *fired = layer.fired if step_feedback else learning.output_spikes
    cdef float n_steps = 1.0 if step_feedback else learning.net.n_steps
    cdef Py_ssize_t j
    for j in range(layer.n_units):
        learning.target_potential[j] -= n_steps * learning.target[j]
    learning.net.kernels.potential_fire(learning.target_potential, NULL, layer.n_units, FIRE_BOTH, learning.target_spikes,
                                        NULL)
    for j in range(layer.n_units):
        learning.n_target_spikes += <long long> abs(learning.target_spikes[j])
        output.error[j] = learning.error_rule.error_resolution * (fired[j] + learning.target_spikes[j])


cdef void spikes_total(Learning *learning) noexcept nogil:
    """Feedback once a sample: adds up the spikes of the time step that errors count at the end,
    which no leak reduces: the output's, where it rectifies, and those of hidden units that are
    penalised at the end."""
    cdef const Layer *layer = output_layer(learning.net)
    cdef LearningLayer *learned
    cdef Py_ssize_t j
    cdef int l
    for j in range(layer.n_units if learning.error_rule.rectifying_output else 0):
        learning.output_spikes[j] += layer.fired[j]
    for l in range(1, learning.net.n_layers):
        layer = &learning.net.layers[l]
        learned = &learning.layers[l]
        for j in range(layer.n_units if learned.fired_total != NULL else 0):
            learned.fired_total[j] += layer.fired[j]


cdef bint target_is_countable(const Learning *learning) noexcept nogil:
    """Whether the target's spikes, where outputs rectify, and the error spikes that they are, can
    be counted."""
    cdef double total = 0.0
    cdef Py_ssize_t j
    if learning.error_rule.rectifying_output:
        for j in range(output_layer(learning.net).n_units):
            total += abs(learning.target[j])
    return (total * learning.net.n_steps * max(<double> 1.0, learning.error_rule.error_resolution)
            < SPIKE_LIMIT)

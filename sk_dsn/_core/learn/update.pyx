"""Weight updates: W -= rate * outer(presynaptic trace, error spikes), in both copies of the
weights.

The trace is a layer's spike counts (the paper's algorithm), or with `smooth_gradient` the sums of
input behind them. With counted errors both copies learn at once. With error spikes that go down one
by one, `transposed` learns at each of them, since the next one reads it, and `weights` at the end
of the time step.
"""
from libc.float cimport FLT_MAX
from libc.math cimport fabsf, sqrt
from libc.stdint cimport int32_t
from libc.string cimport memset

from ..kernels.kernels cimport SpikeCounts
from ..kernels.spike_train cimport train_append
from ..network cimport Layer, units_number
from ..settings cimport COUNTING, EVENT_DRIVEN_DEPTH_FIRST
from ..signals cimport INTERRUPTED, WORK_BETWEEN_SIGNALS, work_done
from ..simulate.sample cimport input_sum_refresh
from .learner cimport LearningLayer, Learning


cdef double layer_rate(const Learning *learning, int l, double eta) noexcept nogil:
    """The rate of the weights that lead to layer l, in units of spike counts n: eta / (g T c_T),
    and for the normalised step eta / (g (T c_T + T/c_T |n|^2)). The bias trace c_T at the end of
    the sample is T without leak."""
    cdef const Layer *below = &learning.net.layers[l - 1]
    cdef double n_steps = learning.net.n_steps, last = learning.net.last_bias_trace
    cdef double norm = 0.0
    cdef Py_ssize_t j
    if learning.update_rule.normalized_step:
        for j in range(below.n_active):
            norm += below.net_count[j] * <double> below.net_count[j]
        norm *= n_steps / last
    return eta / (learning.error_rule.error_resolution * (n_steps * last + norm))


cdef void trace_refresh(Learning *learning, int l) noexcept nogil:
    """Brings the presynaptic trace of layer l up to date. Sums behind spike counts are zero where a
    neuron's input is below zero."""
    cdef const Layer *layer = &learning.net.layers[l]
    cdef LearningLayer *learned = &learning.layers[l]
    cdef const float *source = layer.net_count
    cdef Py_ssize_t j
    if learning.update_rule.smooth_gradient:
        source = layer.input_sum
    elif learning.net.dynamics.simulation == EVENT_DRIVEN_DEPTH_FIRST:
        source = learned.counted
    for j in range(layer.n_active):
        learned.trace[j] = source[j]
    if learning.update_rule.mask_negative_inputs or (learning.update_rule.smooth_gradient and l > 0):
        for j in range(layer.n_active):
            learned.trace[j] = learned.trace[j] if learned.trace[j] > 0.0 else 0.0
    if layer.keep != NULL:
        for j in range(layer.n_active):
            learned.trace[j] *= layer.keep[j]
    learning.net.kernels.spikes_list(learned.trace, layer.n_active, &learned.traced)
    units_number(layer.active, learned.traced.unit, learned.traced.n)


cdef void weights_learn(Learning *learning, int l, const float *error, double eta) noexcept nogil:
    """Layer l learns from counted errors at rate eta."""
    cdef Layer *layer = &learning.net.layers[l]
    cdef Layer *below = layer - 1
    cdef LearningLayer *learned = &learning.layers[l]
    cdef LearningLayer *learned_below = learned - 1
    cdef const SpikeCounts *presynaptic = &learned_below.traced
    cdef const float *trace = learned_below.trace
    cdef float rate = <float> layer_rate(learning, l, eta)
    cdef Py_ssize_t j
    for j in range(layer.n_units):
        learned.delta[j] = error[j] * rate
    if (learning.net.dynamics.simulation == COUNTING and below.keep == NULL
            and not (learning.update_rule.mask_negative_inputs or learning.update_rule.smooth_gradient)):
        presynaptic, trace = below.spikes, below.net_count      # the same, and already listed
    else:
        trace_refresh(learning, l - 1)
    learning.net.kernels.rows_subtract(layer.weights, layer.stride, layer.width, learned.delta,
                                       presynaptic.unit, presynaptic.count, presynaptic.n)
    learning.net.work += presynaptic.n * <double> layer.width
    if layer.intercepts != NULL:
        for j in range(layer.n_units):
            layer.intercepts[j] -= learning.net.bias_trace * learned.delta[j]
    if learned.transposed != NULL:
        learning.net.kernels.spikes_list(learned.delta, layer.n_units, &learned.errors)
        learning.net.kernels.rows_subtract(learned.transposed, learned.transposed_stride, below.width, trace,
                                           learned.errors.unit, learned.errors.count, learned.errors.n)
        learning.net.work += learned.errors.n * <double> below.width


cdef void totals_learn(Learning *learning, double eta) noexcept nogil:
    """sgd with errors at several times: all layers learn from the error spikes of the whole sample,
    at its end."""
    cdef int l
    for l in range(1, learning.net.n_layers - 1):
        input_sum_refresh(&learning.net.layers[l])
    for l in range(1, learning.net.n_layers):
        weights_learn(learning, l, learning.layers[l].error_total, eta)


cdef void gradients_add(Learning *learning) noexcept nogil:
    """sgd with a leak and errors at several times: at the end of a time step the products of the
    traces and the step's errors join the gradients."""
    cdef Layer *layer
    cdef LearningLayer *learned
    cdef const SpikeCounts *traced
    cdef Py_ssize_t j, k
    cdef int l
    for l in range(1, learning.net.n_layers - 1):
        input_sum_refresh(&learning.net.layers[l])
    for l in range(1, learning.net.n_layers):
        layer = &learning.net.layers[l]
        learned = &learning.layers[l]
        learning.net.kernels.spikes_list(learned.error_total, layer.n_units, &learned.errors)
        if learned.errors.n == 0:
            continue
        trace_refresh(learning, l - 1)
        traced = &learning.layers[l - 1].traced
        for k in range(traced.n):
            learned.traced_once[traced.unit[k]] = 1.0
        for j in range(layer.n_units):
            learned.delta[j] = -learned.error_total[j]
            learned.bias_gradient[j] += learning.net.bias_trace * learned.error_total[j]
            if learned.error_total[j] != 0.0:
                learned.erred_once[j] = 1.0
        learning.net.kernels.rows_subtract(learned.gradient, layer.stride, layer.width, learned.delta, traced.unit,
                                           traced.count, traced.n)
        memset(learned.error_total, 0, layer.width * sizeof(float))


cdef void gradients_learn(Learning *learning, double eta) noexcept nogil:
    """At the end of the sample all layers learn from the gradients."""
    cdef Layer *layer
    cdef LearningLayer *learned
    cdef float *gradient
    cdef float rate
    cdef Py_ssize_t i, j, k, n_rows
    cdef int l
    for l in range(1, learning.net.n_layers):
        layer = &learning.net.layers[l]
        learned = &learning.layers[l]
        learning.net.kernels.spikes_list(learned.erred_once, layer.n_units, &learned.errors)
        if learned.errors.n == 0:
            continue
        rate = <float> layer_rate(learning, l, eta)
        n_rows = (layer - 1).n_units
        for i in range(n_rows):
            if learned.traced_once[i] == 0.0:
                continue
            gradient = learned.gradient + i * layer.stride
            for j in range(layer.n_units):
                gradient[j] *= rate
                layer.weights[i * layer.stride + j] -= gradient[j]
            if learned.transposed != NULL:
                for k in range(learned.errors.n):
                    j = learned.errors.unit[k]
                    learned.transposed[j * learned.transposed_stride + i] -= gradient[j]
        if layer.intercepts != NULL:
            for j in range(layer.n_units):
                layer.intercepts[j] -= learned.bias_gradient[j] * rate


cdef int column_learn(Learning *learning, int l, int32_t j, float error, double eta) noexcept nogil:
    """An error spike of unit j in layer l changes the weights that lead to j by the trace so
    far."""
    cdef Layer *layer = &learning.net.layers[l]
    cdef Layer *below = layer - 1
    cdef LearningLayer *learned = &learning.layers[l]
    cdef LearningLayer *learned_below = learned - 1
    cdef bint depth_first = learning.net.dynamics.simulation == EVENT_DRIVEN_DEPTH_FIRST
    cdef float delta
    if learned_below.stale or depth_first:
        if learning.update_rule.smooth_gradient and l > 1:
            input_sum_refresh(below)
        trace_refresh(learning, l - 1)
        learned_below.stale = False
    delta = error * <float> layer_rate(learning, l, eta)
    if layer.intercepts != NULL:
        layer.intercepts[j] -= learning.net.bias_trace * delta
    if learned.transposed != NULL:
        learning.net.kernels.rows_subtract(learned.transposed, learned.transposed_stride, below.width, learned_below.trace,
                                           &j, &delta, 1)
    if train_append(&learned.pending, j, delta):
        return l
    if depth_first and pending_learn(learning, l) >= 0:
        return INTERRUPTED
    return work_done(learning.net, 2 * below.width)


cdef int pending_learn(Learning *learning, int l) noexcept nogil:
    """`weights` that lead to layer l learn the pending error spikes, in order."""
    cdef Layer *layer = &learning.net.layers[l]
    cdef LearningLayer *learned = &learning.layers[l]
    cdef const SpikeCounts *presynaptic = &learning.layers[l - 1].traced
    cdef float *row
    cdef float trace
    cdef Py_ssize_t k, p
    cdef double work = learned.pending.n * <double> presynaptic.n
    cdef bint looks = work > WORK_BETWEEN_SIGNALS
    if learned.pending.n == 0:
        return -1
    for k in range(presynaptic.n):
        row = layer.weights + presynaptic.unit[k] * layer.stride
        trace = presynaptic.count[k]
        for p in range(learned.pending.n):
            row[learned.pending.unit[p]] -= trace * learned.pending.sign[p]
        if looks and work_done(learning.net, learned.pending.n) >= 0:
            return INTERRUPTED
    learned.pending.n = 0
    return -1 if looks else work_done(learning.net, work)


cdef void rows_scale(float *weights, Py_ssize_t stride, Py_ssize_t n_rows, Py_ssize_t n_columns, const float *row_scale,
                     const float *column_scale) noexcept nogil:
    """Multiplies each row, or each column, by a scale of its own; the other scales are NULL."""
    cdef Py_ssize_t i, j
    for i in range(n_rows):
        for j in range(n_columns):
            weights[i * stride + j] *= column_scale[j] if row_scale == NULL else row_scale[i]


cdef void norms_limit(Learning *learning) noexcept nogil:
    """Scales the weights that lead to each hidden unit down to a Euclidean norm of `max_norm`,
    where it is larger."""
    cdef double max_norm = learning.update_rule.max_norm, norm
    cdef Layer *layer
    cdef LearningLayer *learned
    cdef const float *row
    cdef float *scale
    cdef Py_ssize_t i, j, n_below
    cdef int l
    for l in range(1, learning.net.n_layers - 1):
        layer = &learning.net.layers[l]
        learned = &learning.layers[l]
        n_below = (layer - 1).n_units
        scale = learned.delta
        memset(scale, 0, layer.n_units * sizeof(float))
        for i in range(n_below):
            row = layer.weights + i * layer.stride
            for j in range(layer.n_units):
                scale[j] += row[j] * row[j]
        for j in range(layer.n_units):
            norm = sqrt(scale[j])
            scale[j] = <float> (max_norm / norm) if norm > max_norm else 1.0
        rows_scale(layer.weights, layer.stride, n_below, layer.n_units, NULL, scale)
        if learned.transposed != NULL:
            rows_scale(learned.transposed, learned.transposed_stride, layer.n_units, n_below, scale, NULL)


cdef bint floats_are_finite(const float *values, Py_ssize_t n) noexcept nogil:
    cdef bint outside = False
    cdef Py_ssize_t j
    for j in range(n):
        outside |= not fabsf(values[j]) <= FLT_MAX
    return not outside


cdef bint learning_is_finite(const Learning *learning) noexcept nogil:
    """Whether weights, biases and error potentials are."""
    cdef const Layer *layer
    cdef bint finite = True
    cdef Py_ssize_t i
    cdef int l
    for l in range(1, learning.net.n_layers):
        layer = &learning.net.layers[l]
        for i in range((layer - 1).n_units):
            finite &= floats_are_finite(layer.weights + i * layer.stride, layer.n_units)
        finite &= floats_are_finite(learning.layers[l].error_potential, layer.n_units)
        if layer.intercepts != NULL:
            finite &= floats_are_finite(layer.intercepts, layer.n_units)
    return finite

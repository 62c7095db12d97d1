"""Spiking backpropagation: the output's error, error spikes down the layers, weight updates.

Here error spikes of a layer are counted, those of one time step or of the whole sample at once; event_driven.pyx sends
them one by one.
"""
from libc.math cimport sqrt
from libc.stdint cimport uint64_t
from libc.string cimport memset

from .kernels cimport FIRE_BOTH, SpikeCounts
from .network cimport Layer, Network, units_name
from .rng cimport uniform
from .settings cimport COUNTING, LOG_LOSS, SQUARED_ERROR, Settings
from .spike_train cimport SPIKE_LIMIT


cdef void dropout_draw(Network network, const Settings *settings, uint64_t key) noexcept nogil:
    """Draws one mask of the hidden units for the sample: 0, or the scale 1 / (1 - p) of those kept."""
    cdef float scale = <float> (1.0 / (1.0 - settings.dropout))
    cdef Layer *layer
    cdef Py_ssize_t j
    cdef int l
    for l in range(1, network.n_layers - 1):
        layer = &network.layers[l]
        for j in range(layer.n_units):
            layer.keep[j] = scale if uniform(key, l, j) >= settings.dropout else 0.0


cdef void dropout_clear(Network network) noexcept nogil:
    """Leaves no mask behind: outside training no unit is dropped or scaled."""
    cdef Py_ssize_t j
    cdef int l
    for l in range(1, network.n_layers - 1):
        for j in range(network.layers[l].n_units if network.layers[l].keep != NULL else 0):
            network.layers[l].keep[j] = 1.0


cdef void norms_limit(Network network, double max_norm) noexcept nogil:
    """Scales the weights that lead to each hidden unit down to a Euclidean norm of `max_norm`, where it is larger."""
    cdef Layer *layer
    cdef float *row
    cdef float *scale
    cdef double norm
    cdef Py_ssize_t i, j, n_below
    cdef int l
    for l in range(1, network.n_layers - 1):
        layer = &network.layers[l]
        n_below = network.layers[l - 1].n_units
        scale = layer.delta
        memset(scale, 0, layer.n_units * sizeof(float))
        for i in range(n_below):
            row = layer.weights + i * layer.stride
            for j in range(layer.n_units):
                scale[j] += row[j] * row[j]
        for j in range(layer.n_units):
            norm = sqrt(scale[j])
            scale[j] = <float> (max_norm / norm) if norm > max_norm else 1.0
        for i in range(n_below):
            row = layer.weights + i * layer.stride
            for j in range(layer.n_units):
                row[j] *= scale[j]
        if layer.transposed != NULL:
            for j in range(layer.n_units):
                row = layer.transposed + j * layer.transposed_stride
                for i in range(n_below):
                    row[i] *= scale[j]


cdef double output_error(Network network, const Settings *settings, int t) noexcept nogil:
    """The error of the output at time step t against the target, into the output's `error`. Returns the loss."""
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef float *error = output.error
    cdef double loss = 0.0
    cdef Py_ssize_t j
    if settings.loss == SQUARED_ERROR:
        for j in range(output.n_units):
            error[j] = output.input_sum[j] / <float> t - network.target[j]
            loss += 0.5 * error[j] * error[j]
        return loss
    if settings.loss == LOG_LOSS:
        loss = network.kernels.softmax(output.input_sum, output.n_units, t, error)
    else:
        loss = network.kernels.logistic(output.input_sum, output.n_units, t, error)
    for j in range(output.n_units):
        error[j] -= network.target[j]
        loss -= network.target[j] * (output.input_sum[j] / <double> t)
    return loss


cdef double output_error_join(Network network, const Settings *settings, int t, float weight) noexcept nogil:
    """Adds `weight` times the error of the output at time step t to the output's error potentials, in units of error
    spikes. Returns the loss."""
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef double loss = output_error(network, settings, t)
    cdef float joined = weight * settings.error_resolution
    cdef Py_ssize_t j
    for j in range(output.n_units):
        output.error_potential[j] += joined * output.error[j]
    return loss


cdef void rectifying_error_take(Network network, const Settings *settings) noexcept nogil:
    """Error spikes of rectifying outputs: their spikes minus those of a signed quantiser that is shown the target."""
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef float *fired = output.fired if settings.step_feedback else output.net_count
    cdef float shown = 1.0 if settings.step_feedback else settings.n_time_steps
    cdef Py_ssize_t j
    for j in range(output.n_units):
        network.target_potential[j] -= shown * network.target[j]
    network.kernels.potential_fire(network.target_potential, NULL, output.n_units, FIRE_BOTH, network.scratch)
    for j in range(output.n_units):
        network.n_target_spikes += <long long> abs(network.scratch[j])
        output.error[j] = settings.error_resolution * (fired[j] + network.scratch[j])


cdef int output_error_fire(Network network) noexcept nogil:
    """Fires the output's error potentials into its error spikes. Returns -1 where they are out of range."""
    cdef Layer *output = &network.layers[network.n_layers - 1]
    return network.kernels.potential_fire(output.error_potential, NULL, output.width, FIRE_BOTH, output.error)


cdef double layer_rate(Network network, const Settings *settings, int l, double eta) noexcept nogil:
    """The rate of the weights that lead to layer l, in units of spike counts: eta / (g T^2), and for the normalised step
    / (1 + |c / T|^2)."""
    cdef Layer *below = &network.layers[l - 1]
    cdef double t2 = <double> settings.n_time_steps * settings.n_time_steps
    cdef double norm = 0.0
    cdef Py_ssize_t j
    if settings.normalized_step:
        for j in range(below.n_active):
            norm += below.net_count[j] * <double> below.net_count[j]
    return eta / (settings.error_resolution * (t2 + norm))


cdef void trace_refresh(Network network, const Settings *settings, int l) noexcept nogil:
    """Brings the presynaptic trace of layer l up to date: spike counts, or the sums behind them (smooth_gradient), which are
    zero where a neuron has received less than nothing."""
    cdef Layer *layer = &network.layers[l]
    cdef float *source = layer.net_count
    cdef Py_ssize_t j
    if settings.smooth_gradient:
        source = layer.input_sum
    elif settings.depth_first:
        source = layer.counted
    for j in range(layer.n_active):
        layer.trace[j] = source[j]
    if settings.mask_negative_inputs or (settings.smooth_gradient and l > 0):
        for j in range(layer.n_active):
            layer.trace[j] = layer.trace[j] if layer.trace[j] > 0.0 else 0.0
    if layer.keep != NULL:
        for j in range(layer.n_active):
            layer.trace[j] *= layer.keep[j]
    network.kernels.spikes_list(layer.trace, layer.n_active, &layer.traced)
    units_name(layer.shown, layer.traced.unit, layer.traced.n)


cdef void layer_learn(Network network, const Settings *settings, int l, const float *error, double eta,
                      float t) noexcept nogil:
    """weights -= outer(presynaptic trace, error * rate), in both copies; the biases' trace is t."""
    cdef Layer *layer = &network.layers[l]
    cdef Layer *below = layer - 1
    cdef const SpikeCounts *presynaptic = &below.traced
    cdef const float *trace = below.trace
    cdef float rate = <float> layer_rate(network, settings, l, eta)
    cdef Py_ssize_t j
    for j in range(layer.n_units):
        layer.delta[j] = error[j] * rate
    if (settings.simulation == COUNTING and below.keep == NULL
            and not (settings.mask_negative_inputs or settings.smooth_gradient)):
        presynaptic, trace = below.spikes, below.net_count      # the same, and already listed
    else:
        trace_refresh(network, settings, l - 1)
    network.kernels.rows_subtract(layer.weights, layer.stride, layer.width, layer.delta,
                                  presynaptic.unit, presynaptic.count, presynaptic.n)
    if layer.intercepts != NULL:
        for j in range(layer.n_units):
            layer.intercepts[j] -= t * layer.delta[j]
    if layer.transposed != NULL:
        network.kernels.spikes_list(layer.delta, layer.n_units, &layer.errors)
        network.kernels.rows_subtract(layer.transposed, layer.transposed_stride, below.width, trace,
                                      layer.errors.unit, layer.errors.count, layer.errors.n)


cdef int errors_send(Network network, const Settings *settings, double eta, int t) noexcept nogil:
    """Sends the output's error spikes (its `error`) down, layer by layer: through the gate, to the error potentials of the
    layer below, into the weights; with sgd and feedback at each time step t, into the totals that `totals_learn` takes.

    Returns -1, or the layer whose error potentials left the range in which spikes can be counted.
    """
    cdef int l, last = network.n_layers - 1
    cdef Py_ssize_t j, k
    cdef Layer *layer
    cdef Layer *below
    cdef float scale, penalty = settings.error_resolution * settings.spike_penalty
    cdef float *penalized
    cdef bint deferred = settings.step_feedback and not settings.fractional
    for l in range(last, 0, -1):
        layer = &network.layers[l]
        below = layer - 1
        if l < last and network.kernels.potential_fire(layer.error_potential, NULL, layer.width, FIRE_BOTH, layer.error):
            return l
        network.kernels.spikes_list(layer.error, layer.n_units, &layer.errors)
        layer.n_error_spikes += <long long> layer.errors.total
        if l < last or settings.rectifying_output:
            for j in range(layer.n_units):
                layer.error[j] = <float> 0.0 if layer.input_sum[j] < 0.0 else layer.error[j]
            for j in range(layer.n_units if layer.keep != NULL else 0):
                layer.error[j] = <float> 0.0 if layer.keep[j] == 0.0 else layer.error[j]
            network.kernels.spikes_list(layer.error, layer.n_units, &layer.errors)
        if layer.errors.n == 0 and penalty == 0.0:
            break
        if not layer.errors.total < SPIKE_LIMIT:
            return l
        layer.n_passed += <long long> layer.errors.total
        if below.keep != NULL:
            scale = <float> (1.0 / (1.0 - settings.dropout))
            for k in range(layer.errors.n):
                layer.errors.count[k] *= scale
        if l > 1:
            network.kernels.rows_add(below.error_potential, below.width, layer.transposed, layer.transposed_stride,
                                     &layer.errors)
        if penalty != 0.0 and (l < last or settings.rectifying_output):
            penalized = layer.fired if settings.step_feedback else layer.net_count
            for j in range(layer.n_units):
                layer.error[j] += penalty * penalized[j]
        if deferred:
            for j in range(layer.n_units):
                layer.error_total[j] += layer.error[j]
        else:
            layer_learn(network, settings, l, layer.error, eta, t)
    return -1


cdef void totals_learn(Network network, const Settings *settings, double eta) noexcept nogil:
    """sgd with feedback at each time step: what the error spikes of the whole sample do to the weights, at its end."""
    cdef int l
    for l in range(1, network.n_layers):
        layer_learn(network, settings, l, network.layers[l].error_total, eta, settings.n_time_steps)

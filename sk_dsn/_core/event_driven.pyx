"""The event-driven simulation: spike by spike. A layer's thresholds are checked after every incoming spike, and several
units past threshold fire in order of decreasing potential.

With rectifying neurons and feedback at each time step it is the program of the paper's authors. Breadth-first, a layer
takes all spikes of the layer below before the layer above takes its own; depth-first, each spike goes all the way up
(and an error spike all the way down) before the next.

Functions that can fail return 0, or -1 - l where layer l left the range in which spikes can be counted.
"""
from libc.stdint cimport int32_t
from libc.string cimport memset

from .kernels cimport FIRE_BOTH, SpikeCounts
from .learning cimport layer_rate, output_error_join, rectifying_error_take, trace_refresh
from .network cimport Layer, Network, padded, units_name
from .settings cimport Settings
from .spike_train cimport SPIKE_LIMIT, SpikeTrain, train_append, train_reserve
from .stepping cimport input_integrate, input_sum_refresh, input_sum_step, neuron_rule, layer_not_finite
from .stimulus cimport Stimulus


# Spikes of a train, into potentials, out come spikes.

cdef bint layer_spikes(Network network, const Settings *settings, int l) noexcept nogil:
    """Whether layer l has spikes of its own: the output has them only in training and where it rectifies."""
    return l < network.n_layers - 1 or (settings.rectifying_output and network.training)


cdef int layer_take(Network network, const Settings *settings, int l, const float *weights, Py_ssize_t stride,
                    const int32_t *unit, const float *sign, Py_ssize_t n) noexcept nogil:
    """Layer l takes n spikes through `weights`; what it sends is appended to its train."""
    cdef Layer *layer = &network.layers[l]
    cdef Py_ssize_t k, before = layer.train.n
    cdef SpikeCounts spikes
    if not layer_spikes(network, settings, l):
        spikes = SpikeCounts(n, <int32_t *> unit, <float *> sign, n)
        network.kernels.rows_add(layer.potential, layer.width, weights, stride, &spikes)
        return 0
    if network.kernels.train_integrate(layer.potential, layer.net_count, layer.width, neuron_rule(settings), weights, stride,
                                       unit, sign, n, &layer.train):
        return -1 - l
    if l == network.n_layers - 1:
        for k in range(before, layer.train.n):
            layer.fired[layer.train.unit[k]] += layer.train.sign[k]
    return train_send(layer, l, before)


cdef int train_send(Layer *layer, int l, Py_ssize_t first) noexcept nogil:
    """What the units have fired, from `first` on, becomes what they send: counted, and scaled by dropout."""
    cdef Py_ssize_t k
    layer.n_spikes += layer.train.n - first
    if layer.tally != NULL:
        for k in range(first, layer.train.n):
            layer.tally[layer.train.unit[k]] += 1.0
    if layer.keep != NULL:
        for k in range(first, layer.train.n):
            layer.train.sign[k] *= layer.keep[layer.train.unit[k]]
    return 0 if layer.n_spikes < SPIKE_LIMIT else -1 - l


cdef int input_take(Network network, const Settings *settings, const Stimulus *stimulus, int t) noexcept nogil:
    """The input units are shown time step t and fire."""
    cdef Layer *layer = network.layers
    cdef Py_ssize_t i
    cdef int outside = 0
    input_integrate(network, settings, stimulus, t)
    layer.train.n = 0
    if t == 1 or stimulus.step != 0:
        for i in range(layer.n_active):
            outside |= not abs(layer.potential[i]) < SPIKE_LIMIT
    if outside:
        return -1
    if network.kernels.train_fire(layer.potential, layer.net_count, padded(layer.n_active), FIRE_BOTH, &layer.train):
        return -1
    if train_send(layer, 0, 0):
        return -1
    if not settings.depth_first:
        units_name(layer.shown, layer.train.unit, layer.train.n)
    return 0


# Up.

cdef int breadth_sweep(Network network, const Settings *settings, double eta, int t) noexcept nogil:
    cdef Layer *layer
    cdef Layer *below = network.layers
    cdef int l, failed
    for l in range(1, network.n_layers):
        layer = &network.layers[l]
        layer.train.n = 0
        failed = layer_take(network, settings, l, layer.weights, layer.stride, below.train.unit, below.train.sign,
                            below.train.n)
        if failed == 0 and layer.intercepts != NULL:
            failed = layer_take(network, settings, l, layer.intercepts, 0, network.one_spike.unit, network.one_spike.sign, 1)
        if failed == 0 and settings.spike_penalty != 0.0 and network.training:
            failed = penalty_learn(network, settings, l, 0, layer.train.n, eta, t)
        if failed:
            return failed
        below = layer
    return 0


cdef int depth_take(Network network, const Settings *settings, int l, const float *weights, Py_ssize_t stride, int32_t unit,
                    float sign, double eta, int t) noexcept nogil:
    """One spike enters layer l, and all that it sets off above runs its course."""
    cdef Layer *layer = &network.layers[l]
    cdef Py_ssize_t k
    cdef int failed
    layer.train.n = 0
    failed = layer_take(network, settings, l, weights, stride, &unit, &sign, 1)
    k = 0
    while failed == 0 and k < layer.train.n:
        if settings.spike_penalty != 0.0 and network.training:
            failed = penalty_learn(network, settings, l, k, k + 1, eta, t)
        if failed == 0 and l < network.n_layers - 1:
            failed = depth_take(network, settings, l + 1, layer[1].weights, layer[1].stride, layer.train.unit[k],
                                layer.train.sign[k], eta, t)
        elif failed == 0 and not settings.hold_error and settings.step_feedback:
            layer.n_error_spikes += 1
            failed = error_down(network, settings, l, layer.train.unit[k], layer.train.sign[k], eta, t)
        if network.training:
            layer.counted[layer.train.unit[k]] += 1.0 if layer.train.sign[k] > 0.0 else -1.0
        k += 1
    return failed


cdef int depth_sweep(Network network, const Settings *settings, double eta, int t) noexcept nogil:
    cdef Layer *layer = network.layers
    cdef Py_ssize_t k
    cdef int32_t unit
    cdef int l, failed = 0
    for k in range(layer.train.n):
        unit = layer.train.unit[k]
        units_name(layer.shown, &unit, 1)
        failed = depth_take(network, settings, 1, layer[1].weights, layer[1].stride, unit, layer.train.sign[k], eta, t)
        if failed:
            return failed
        if network.training:
            layer.counted[layer.train.unit[k]] += layer.train.sign[k]
    for l in range(1, network.n_layers):
        layer = &network.layers[l]
        if layer.intercepts != NULL and failed == 0:
            failed = depth_take(network, settings, l, layer.intercepts, 0, 0, 1.0, eta, t)
    return failed


cdef int event_step(Network network, const Settings *settings, const Stimulus *stimulus, double eta, int t) noexcept nogil:
    """One time step of the network, with what learning happens on the way up. Leaves the output so far in the last
    layer's input_sum."""
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef int l, failed
    memset(output.fired, 0, output.width * sizeof(float))
    for l in range(network.n_layers):
        network.layers[l].stale = True
        if network.layers[l].tally != NULL:
            memset(network.layers[l].tally, 0, network.layers[l].width * sizeof(float))
    failed = input_take(network, settings, stimulus, t)
    if failed == 0:
        failed = depth_sweep(network, settings, eta, t) if settings.depth_first else breadth_sweep(network, settings, eta, t)
    if failed:
        return failed
    input_sum_refresh(output)
    return -1 - layer_not_finite(network, 1)


# Learning.

cdef void pending_learn(Network network, int l) noexcept nogil:
    """The weights that lead to layer l learn the pending error spikes, in order."""
    cdef Layer *layer = &network.layers[l]
    cdef Layer *below = layer - 1
    cdef float *row
    cdef float trace
    cdef Py_ssize_t k, p
    if layer.pending.n == 0:
        return
    for k in range(below.traced.n):
        row = layer.weights + below.traced.unit[k] * layer.stride
        trace = below.traced.count[k]
        for p in range(layer.pending.n):
            row[layer.pending.unit[p]] -= trace * layer.pending.sign[p]
    layer.pending.n = 0


cdef int error_learn(Network network, const Settings *settings, int l, int32_t j, float error, double eta,
                     int t) noexcept nogil:
    """An error spike of unit j that has passed the gate teaches the weights that lead to it: with sgd at the end of the
    sample; with fractional updates now, by the trace so far.

    Errors going down read only the transposed copy, so breadth-first `weights` learn at the end of the time step.
    """
    cdef Layer *layer = &network.layers[l]
    cdef Layer *below = layer - 1
    cdef float delta
    if not settings.fractional:
        layer.error_total[j] += error
        return 0
    if below.stale or settings.depth_first:
        if settings.smooth_gradient and l > 1:
            input_sum_refresh(below)
        trace_refresh(network, settings, l - 1)
        below.stale = False
    delta = error * <float> layer_rate(network, settings, l, eta)
    if layer.intercepts != NULL:
        layer.intercepts[j] -= t * delta
    if layer.transposed != NULL:
        network.kernels.rows_subtract(layer.transposed, layer.transposed_stride, below.width, below.trace, &j, &delta, 1)
    if train_append(&layer.pending, j, delta):
        return -1 - l
    if settings.depth_first:
        pending_learn(network, l)
    return 0


cdef int penalty_learn(Network network, const Settings *settings, int l, Py_ssize_t first, Py_ssize_t end, double eta,
                       int t) noexcept nogil:
    """Each of the spikes first … end-1 that layer l has fired acts as an error of its unit, past the gate and not sent
    down."""
    cdef Layer *layer = &network.layers[l]
    cdef float penalty = settings.error_resolution * settings.spike_penalty
    cdef Py_ssize_t k
    for k in range(first, end):
        if error_learn(network, settings, l, layer.train.unit[k], penalty if layer.train.sign[k] > 0.0 else -penalty, eta,
                       t):
            return -1 - l
    pending_learn(network, l)
    return 0


# Down.

cdef bint gate_passes(Network network, const Settings *settings, int l, int32_t j) noexcept nogil:
    """Whether an error spike of unit j may act: unless the sum of what j has received in this sample is negative."""
    cdef Layer *layer = &network.layers[l]
    if l == network.n_layers - 1 and not settings.rectifying_output:
        return True
    if layer.keep != NULL and layer.keep[j] == 0.0:
        return False
    return not (layer.potential[j] + layer.net_count[j]) - (layer.start[j] if layer.start != NULL else 0.0) < 0.0


cdef int errors_take(Network network, int l, const int32_t *unit, const float *sign, Py_ssize_t n,
                     double dropout) noexcept nogil:
    """Layer l takes n error spikes of the layer above, one by one; its own are left in its error train."""
    cdef Layer *layer = &network.layers[l]
    cdef Layer *above = layer + 1
    cdef float scale
    cdef Py_ssize_t k
    layer.error_train.n = 0
    if layer.keep != NULL:
        network.scaled_errors.n = 0
        if train_reserve(&network.scaled_errors, n):
            return -1 - l
        scale = <float> (1.0 / (1.0 - dropout))
        for k in range(n):
            network.scaled_errors.sign[k] = sign[k] * scale
        sign = network.scaled_errors.sign
    if network.kernels.train_integrate(layer.error_potential, NULL, layer.width, FIRE_BOTH, above.transposed,
                                       above.transposed_stride, unit, sign, n, &layer.error_train):
        return -1 - l
    layer.n_error_spikes += layer.error_train.n
    return 0 if layer.n_error_spikes < SPIKE_LIMIT else -1 - l


cdef int errors_down(Network network, const Settings *settings, double eta, int t) noexcept nogil:
    """The output's error train goes down, layer by layer, all spikes of a layer together."""
    cdef SpikeTrain *errors
    cdef Py_ssize_t k, n
    cdef int l
    for l in range(network.n_layers - 1, 0, -1):
        errors = &network.layers[l].error_train
        n = 0
        for k in range(errors.n):
            if gate_passes(network, settings, l, errors.unit[k]):
                errors.unit[n] = errors.unit[k]
                errors.sign[n] = errors.sign[k]
                n += 1
        network.layers[l].n_passed += n
        if l > 1 and errors_take(network, l - 1, errors.unit, errors.sign, n, settings.dropout):
            return -l
        for k in range(n):
            if error_learn(network, settings, l, errors.unit[k], errors.sign[k], eta, t):
                return -1 - l
        if n == 0:
            break
    return 0


cdef int error_down(Network network, const Settings *settings, int l, int32_t j, float sign, double eta,
                    int t) noexcept nogil:
    """One error spike of unit j in layer l goes all the way down, depth-first."""
    cdef Layer *layer = &network.layers[l]
    cdef SpikeTrain *errors
    cdef Py_ssize_t k
    cdef int failed
    if not gate_passes(network, settings, l, j):
        return 0
    layer.n_passed += 1
    failed = error_learn(network, settings, l, j, sign, eta, t)
    if l == 1 or failed:
        return failed
    failed = errors_take(network, l - 1, &j, &sign, 1, settings.dropout)
    errors = &network.layers[l - 1].error_train
    k = 0
    while failed == 0 and k < errors.n:
        failed = error_down(network, settings, l - 1, errors.unit[k], errors.sign[k], eta, t)
        k += 1
    return failed


cdef int output_errors_send(Network network, const Settings *settings, double eta, int t) noexcept nogil:
    """Sends the output's error train down, together or one by one."""
    cdef int last = network.n_layers - 1, failed
    cdef Layer *output = &network.layers[last]
    cdef Py_ssize_t k
    output.n_error_spikes += output.error_train.n
    if not settings.depth_first:
        return errors_down(network, settings, eta, t)
    for k in range(output.error_train.n):
        failed = error_down(network, settings, last, output.error_train.unit[k], output.error_train.sign[k], eta, t)
        if failed:
            return failed
    return 0


cdef int held_errors_send(Network network, const Settings *settings, double eta, int t) noexcept nogil:
    """Rectifying outputs: the difference of output and target spikes, each error spike on its own before the next."""
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef double total = output.n_error_spikes
    cdef Py_ssize_t j
    cdef int failed, _
    rectifying_error_take(network, settings)
    for j in range(output.n_units):
        total += abs(output.error[j])
    if not total < SPIKE_LIMIT:
        return -network.n_layers
    for j in range(output.n_units):
        for _ in range(<int> abs(output.error[j])):
            output.error_train.n = 0
            if train_append(&output.error_train, <int> j, 1.0 if output.error[j] > 0.0 else -1.0):
                return -network.n_layers
            failed = output_errors_send(network, settings, eta, t)
            if failed:
                return failed
    return 0


cdef int spikes_send_as_errors(Network network, const Settings *settings, const Stimulus *stimulus, double eta,
                               int t) noexcept nogil:
    """Rectifying outputs without held error: output spikes (breadth-first; depth-first they have gone down already), then
    the target's."""
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef Py_ssize_t j, k
    cdef int failed = 0
    output.error_train.n = 0
    if not settings.depth_first:
        for k in range(output.train.n):
            if train_append(&output.error_train, output.train.unit[k], output.train.sign[k]):
                return -network.n_layers
        failed = output_errors_send(network, settings, eta, t)
        layers_pending_learn(network)
    input_sum_step(network, settings, stimulus, t)
    output.error_train.n = 0
    for j in range(output.n_units):
        network.target_potential[j] -= network.target[j]
    if network.kernels.train_fire(network.target_potential, NULL, output.width, FIRE_BOTH, &output.error_train):
        return -network.n_layers
    network.n_target_spikes += output.error_train.n
    return failed or output_errors_send(network, settings, eta, t)


cdef void layers_pending_learn(Network network) noexcept nogil:
    cdef int l
    for l in range(1, network.n_layers):
        pending_learn(network, l)


cdef int event_feedback(Network network, const Settings *settings, const Stimulus *stimulus, double eta,
                        int t) noexcept nogil:
    """Sends the error down: that of time step t, or with feedback once a sample that of all, after the last."""
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef int failed = 0
    if settings.rectifying_output and not settings.hold_error:
        failed = spikes_send_as_errors(network, settings, stimulus, eta, t)
    else:
        if settings.step_feedback:
            input_sum_step(network, settings, stimulus, t)
        if settings.rectifying_output:
            failed = held_errors_send(network, settings, eta, t)
        else:
            output_error_join(network, settings, t, 1.0 if settings.step_feedback else settings.n_time_steps)
            output.error_train.n = 0
            if network.kernels.train_fire(output.error_potential, NULL, output.width, FIRE_BOTH, &output.error_train):
                return -network.n_layers
            failed = output_errors_send(network, settings, eta, t)
    layers_pending_learn(network)
    return failed

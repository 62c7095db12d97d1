"""The backward pass through time, in error spikes, and the gradients that they make with the
traces.

From the last time step down, and from the output down, with g the error resolution and phi the
error potentials:

    d[t] = (u[t] >= 0) (W_above e_above[t] + R e[t+1]);    phi += d[t];    e[t] = ceil(phi - 1/2);
    phi -= e[t] dW = sum_t n_below[t] e[t];    dR = sum_t n[t-1] e[t];    db = sum_t c_t e[t]
    (in units of 1/g)
"""
from libc.string cimport memset

from ..kernels.kernels cimport ROW_PADDING, Kernels, SpikeCounts
from .learner cimport LayerParameters, Parameter, UnitSpikes
from .recurrent_network cimport LayerTape, RecurrentLayer, RecurrentNet, StepSpikes, Tape, step_done


cdef inline void error_place(StepSpikes *errors, int t, int n_steps) noexcept nogil:
    """The list of step t comes behind that of step t + 1: errors go back."""
    cdef SpikeCounts *place = &errors.step[t]
    cdef const SpikeCounts *after = &errors.step[t + 1]
    place.n = 0
    place.total = 0.0
    if t == n_steps:
        place.unit, place.count = errors.pool.unit, errors.pool.count
    else:
        place.unit, place.count = after.unit + after.n, after.count + after.n


cdef int output_error_step(RecurrentLearning *learning, int t, int n_steps) noexcept nogil:
    """The output's error spikes of time step t."""
    cdef RecurrentNet *net = learning.net
    cdef Tape *tape = &learning.tape
    cdef int top = net.n_layers - 1
    cdef LayerTape *recorded = &tape.layers[top]
    cdef Py_ssize_t width = net.layers[top].width
    error_place(&recorded.errors, t, n_steps)
    if not tape.has_output_error[t]:
        memset(recorded.error + t * width, 0, width * sizeof(float))
        return 0
    return net.kernels.error_fire(learning.layers[top].error_potential, tape.output_error + t * width, width, NULL,
                                  recorded.error + t * width, &recorded.errors.step[t])


cdef int hidden_error_step(RecurrentLearning *learning, int l, int t, int n_steps) noexcept nogil:
    """The error spikes of hidden layer l at time step t, from those above and those of the step
    after."""
    cdef RecurrentNet *net = learning.net
    cdef const RecurrentLayer *layer = &net.layers[l]
    cdef LayerParameters *learned = &learning.layers[l]
    cdef const Parameter *above = &learning.layers[l + 1].weights
    cdef LayerTape *recorded = &learning.tape.layers[l]
    cdef const SpikeCounts *errors_above = &learning.tape.layers[l + 1].errors.step[t]
    cdef const SpikeCounts *errors_after = &recorded.errors.step[t + 1]
    cdef float *error_row = recorded.error + t * layer.width
    cdef Py_ssize_t j
    error_place(&recorded.errors, t, n_steps)
    if errors_above.n == 0 and errors_after.n == 0:
        memset(error_row, 0, layer.width * sizeof(float))
        return 0
    memset(learned.error_sum, 0, layer.width * sizeof(float))
    if errors_above.n:
        net.kernels.rows_add(learned.error_sum, layer.width, above.transposed, above.transposed_stride, errors_above)
    for j in range(layer.width if layer.keep != NULL else 0):
        learned.error_sum[j] *= layer.keep[j]
    if errors_after.n:
        net.kernels.rows_add(learned.error_sum, layer.width, learned.recurrent.transposed,
                             learned.recurrent.transposed_stride, errors_after)
    return net.kernels.error_fire(learned.error_potential, learned.error_sum, layer.width,
                                  recorded.gate + t * (layer.width // ROW_PADDING), error_row, &recorded.errors.step[t])


cdef int errors_go_back(RecurrentLearning *learning, int n_steps) noexcept nogil:
    """Returns -1, the layer that failed, or INTERRUPTED."""
    cdef RecurrentNet *net = learning.net
    cdef LayerTape *recorded
    cdef Py_ssize_t width
    cdef double work = 0.0
    cdef int l, t, interrupted
    for l in range(1, net.n_layers):
        recorded = &learning.tape.layers[l]
        width = net.layers[l].width
        recorded.errors.step[n_steps + 1].n = 0
        memset(recorded.error + (n_steps + 1) * width, 0, width * sizeof(float))
    for t in range(n_steps, 0, -1):
        if output_error_step(learning, t, n_steps):
            return net.n_layers - 1
        for l in range(net.n_layers - 2, 0, -1):
            if hidden_error_step(learning, l, t, n_steps):
                return l
            # The gradients take as much again.
            work = 2.0 * learning.tape.layers[l].errors.step[t].n * net.layers[l].width
            interrupted = step_done(net, work)
            if interrupted >= 0:
                return interrupted
    return -1


cdef void units_group(const SpikeCounts *step, int n_steps, const SpikeCounts *needed, Py_ssize_t n_units,
                      UnitSpikes *out) noexcept nogil:
    """Puts the spikes of time steps 1 … n_steps in order of units, then of time, where `needed`
    (NULL: everywhere) has entries at the step."""
    cdef Py_ssize_t *first = out.first
    cdef Py_ssize_t k, place
    cdef int t
    memset(first, 0, (n_units + 2) * sizeof(Py_ssize_t))
    for t in range(1, n_steps + 1):
        if needed == NULL or needed[t].n:
            for k in range(step[t].n):
                first[step[t].unit[k] + 2] += 1
    for k in range(2, n_units + 2):
        first[k] += first[k - 1]
    for t in range(1, n_steps + 1):
        if needed == NULL or needed[t].n:
            for k in range(step[t].n):
                place = first[step[t].unit[k] + 1]
                first[step[t].unit[k] + 1] += 1
                out.pool.unit[place] = t
                out.pool.count[place] = step[t].count[k]


cdef Py_ssize_t spikes_needed(const SpikeCounts *step, int n_steps, const SpikeCounts *needed) noexcept nogil:
    cdef Py_ssize_t n = 0
    cdef int t
    for t in range(1, n_steps + 1):
        if needed[t].n:
            n += step[t].n
    return n


cdef void outer_add(const Kernels *kernels, float *gradient, Py_ssize_t stride, Py_ssize_t width, Py_ssize_t n_units,
                    const UnitSpikes *spikes, const float *rows) noexcept nogil:
    """Adds to row i of a gradient, for each spike of unit i, its count times the row of its time
    step."""
    cdef SpikeCounts of_unit
    cdef Py_ssize_t i
    for i in range(n_units):
        of_unit.n = spikes.first[i + 1] - spikes.first[i]
        if of_unit.n:
            of_unit.unit = spikes.pool.unit + spikes.first[i]
            of_unit.count = spikes.pool.count + spikes.first[i]
            kernels.rows_add(gradient + i * stride, width, rows, width, &of_unit)


cdef const SpikeCounts *trace_lists(RecurrentLearning *learning, const StepSpikes *spikes, const float *trace,
                                    Py_ssize_t width, int n_steps) noexcept nogil:
    """The entries of the traces that are not zero, at each time step. At leak 1 they are the spikes
    of the step."""
    cdef SpikeCounts *place = learning.scanned
    cdef int t
    if learning.net.keep == 0.0:
        return spikes.step
    place.n = 0
    place.unit, place.count = learning.scanned_pool.unit, learning.scanned_pool.count
    for t in range(1, n_steps + 1):
        place += 1
        place.unit, place.count = (place - 1).unit + (place - 1).n, (place - 1).count + (place - 1).n
        learning.net.kernels.spikes_list(trace + t * width, width, place)
    return learning.scanned


cdef void gradient_add(RecurrentLearning *learning, Parameter *p, const StepSpikes *spikes, const float *trace,
                       Py_ssize_t width_below, int l, int shift, Py_ssize_t n_errors, int n_steps) noexcept nogil:
    """Adds sum_t trace[t - shift] error[t] to a gradient: by presynaptic rows or by columns of
    errors, whichever are fewer additions. The errors are in order of units already."""
    cdef const Kernels *kernels = learning.net.kernels
    cdef const LayerTape *recorded = &learning.tape.layers[l]
    cdef Py_ssize_t width = learning.net.layers[l].width
    cdef const SpikeCounts *needed = recorded.errors.step + shift
    cdef const SpikeCounts *lists = trace_lists(learning, spikes, trace, width_below, n_steps)
    if spikes_needed(lists, n_steps, needed) * width < n_errors * width_below:
        units_group(lists, n_steps, needed, p.n_rows, &learning.unit_spikes)
        outer_add(kernels, p.gradient, p.stride, width, p.n_rows, &learning.unit_spikes, recorded.error + shift * width)
    else:
        p.is_transposed = True
        outer_add(kernels, p.gradient_transposed, p.transposed_stride, width_below, p.n_columns, &learning.unit_errors,
                  trace - shift * width_below)


cdef void bias_gradient_add(RecurrentLearning *learning, int l, int n_steps) noexcept nogil:
    cdef const SpikeCounts *step = learning.tape.layers[l].errors.step
    cdef float *gradient = learning.layers[l].intercepts.gradient
    cdef Py_ssize_t k
    cdef int t
    if gradient == NULL:
        return
    for t in range(1, n_steps + 1):
        for k in range(step[t].n):
            gradient[step[t].unit[k]] += learning.tape.leaky_steps[t] * step[t].count[k]


cdef void gradients_add(RecurrentLearning *learning, int n_steps) noexcept nogil:
    """Adds the gradients of a sequence whose errors have gone back."""
    cdef RecurrentNet *net = learning.net
    cdef const LayerTape *recorded
    cdef const LayerTape *below
    cdef LayerParameters *learned
    cdef Py_ssize_t n_errors
    cdef int l
    for l in range(1, net.n_layers):
        learned = &learning.layers[l]
        recorded = &learning.tape.layers[l]
        below = &learning.tape.layers[l - 1]
        n_errors = spikes_needed(recorded.errors.step, n_steps, recorded.errors.step)
        if n_errors == 0:
            continue
        units_group(recorded.errors.step, n_steps, NULL, net.layers[l].n_units, &learning.unit_errors)
        gradient_add(learning, &learned.weights, &below.sent, below.sent_trace, net.layers[l - 1].width, l, 0, n_errors,
                     n_steps)
        if net.layers[l].recurrent != NULL:
            gradient_add(learning, &learned.recurrent, &recorded.spikes, recorded.trace, net.layers[l].width, l, 1, n_errors,
                         n_steps)
        bias_gradient_add(learning, l, n_steps)

"""Running a trained network: its outputs, and its spikes."""
import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from .clock_driven cimport clock_step
from .counting cimport counting_run, sample_sums
from .event_driven cimport event_step
from .kernels cimport FIRE_BOTH, MOST_TOGETHER
from .network cimport Layer, Network, run_check, units_name, within
from .settings cimport CLOCK_DRIVEN, COUNTING, EVENT_DRIVEN, Settings
from .stepping cimport sample_begin
from .stimulus cimport Samples, Stimulus, stimulus_sum

# Additions between two looks at pending signals, as if every unit spiked at every step: a few milliseconds.
cdef double WORK_BETWEEN_SIGNALS = 1e7


# When a sample ends before its last time step.
cdef struct ExitRule:
    bint exits                  # whether it may
    double margin               # it does once the outputs are this far apart
    bint independent            # each output from the threshold, not the largest from the second largest
    float threshold


cdef double step_work(Network network) noexcept nogil:
    cdef double size = network.layers[0].n_units
    cdef int l
    for l in range(1, network.n_layers):
        size += network.layers[l - 1].n_units * <double> network.layers[l].n_units
    return size


cdef int step_run(Network network, const Settings *settings, const Stimulus *stimuli, Py_ssize_t n_samples,
                  int t) noexcept nogil:
    """Time step t of the simulation chosen, for one sample if not counting. Returns -1, or the layer that left the range."""
    if settings.simulation == COUNTING:
        return counting_run(network, settings, stimuli, n_samples, t)
    if t == 1:
        sample_begin(network, settings)
    if settings.simulation == CLOCK_DRIVEN:
        return clock_step(network, settings, stimuli, t)
    return -1 - event_step(network, settings, stimuli, 0.0, t)


cdef int frames_sum(Network network, const Stimulus *stimulus, int first, int end) noexcept nogil:
    """Adds time steps first … end-1 of a stream to the input's sum. Returns -1 where that leaves the range in which
    spikes can be counted."""
    cdef Layer *layer = network.layers
    cdef int t
    for t in range(first, end):
        stimulus_sum(stimulus, t, layer.input_sum)
        if network.kernels.sums_count(layer.input_sum, stimulus.n, 1.0, FIRE_BOTH, NULL, layer.net_count, layer.spikes):
            return -1
    return 0


cdef bint output_decided(const Layer *output, const ExitRule *rule, int t) noexcept nogil:
    """Whether the outputs at time step t are far enough apart to end the sample."""
    cdef float largest = -INFINITY, second = -INFINITY, nearest = INFINITY, value
    cdef Py_ssize_t j
    for j in range(output.n_units):
        value = output.input_sum[j] / <float> t
        nearest = min(nearest, <float> abs(value - rule.threshold))
        second = max(second, min(largest, value))
        largest = max(largest, value)
    return (nearest if rule.independent else largest - second) >= rule.margin


def outputs(Network network not None, settings, X, float[:, :, :] out, *, rows=None,
            exit_margin=None, exit_threshold=None, int64_t[::1] exit_steps=None):
    """The network's output after each of its last time steps, or after the one at which it exits.

    Parameters
    ----------
    network : Network
        Made with `stepped` for the time-stepped simulations.
    settings : dict
        The fields of `settings.Settings`.
    X : Samples, ndarray or CSR matrix
        Samples, or what they take. A sparse matrix is checked as a whole: where calls share one, make its Samples once.
    out : ndarray of float32, shape (n_steps, n_rows, n_outputs)
        Filled with accumulated output / t, for the n_steps time steps up to settings["n_time_steps"].
    rows : ndarray of intp, shape (n_rows,), or None
        Which samples of X; None is all.
    exit_margin : float or None
        A sample ends once its outputs are so far apart, and `out`, of one step, holds them as they were then. Stepped
        simulations look after each time step, counting after 1, 2, 4, … and the last. None: no sample ends early.
    exit_threshold : float or None
        The margin is the distance from here of the output nearest to it; None: of the largest from the second largest.
    exit_steps : ndarray of int64, shape (n_rows,), or None
        Filled with the time step at which each sample ended; needed with `exit_margin`.

    Returns
    -------
    failed_row : int
        -1, or the first row for which the network could not be computed (input not finite, or too many spikes).
    """
    cdef Settings s = settings
    cdef Samples samples = X if isinstance(X, Samples) else Samples(X)
    cdef Stimulus stimuli[MOST_TOGETHER]
    cdef ExitRule rule
    cdef Py_ssize_t k = 0, i, j, n = out.shape[1], together = network.n_together
    cdef const float *sums
    cdef const Py_ssize_t[::1] chosen = rows
    cdef Layer *output = &network.layers[network.n_layers - 1]
    cdef double size = step_work(network), work = 0.0
    cdef bint failed = False
    cdef int t, previous, before = s.n_time_steps - <int> out.shape[0]
    run_check(network, &s, samples.n_steps, samples.n_features)
    rule.exits = exit_margin is not None
    rule.margin = exit_margin if rule.exits else INFINITY
    rule.independent = exit_threshold is not None
    rule.threshold = exit_threshold if rule.independent else 0.0
    if out.shape[2] != output.n_units or before < 0:
        raise ValueError("out does not fit the network and n_time_steps")
    if chosen is not None and not within(rows, samples.n_samples):
        raise ValueError("rows does not fit X")
    if (samples.n_samples if chosen is None else chosen.shape[0]) != n:
        raise ValueError("out has the wrong number of rows")
    if rule.exits and (out.shape[0] != 1 or exit_steps is None or exit_steps.shape[0] != n):
        raise ValueError("with exit_margin, out must hold one step and exit_steps one number a row")
    if rule.exits or samples.n_steps > 1 or s.simulation != COUNTING:
        together = 1
    with nogil:
        while k < n:
            together = min(together, n - k)
            for i in range(together):
                samples.show(network, k + i if chosen is None else chosen[k + i], s.simulation != COUNTING, &stimuli[i])
            t = 0
            while t < s.n_time_steps:
                # Counting knows the state at any time step without those before; of a stream it needs their sum.
                previous = t
                if s.simulation != COUNTING:
                    t += 1
                elif rule.exits:
                    t = min(max(2 * t, 1), s.n_time_steps)
                else:
                    t = max(t, before) + 1
                failed = ((stimuli[0].step != 0 and frames_sum(network, stimuli, previous + 1, t))
                          or step_run(network, &s, stimuli, together, t) >= 0)
                if failed:
                    break
                if rule.exits or t > before:
                    for i in range(together):
                        sums = sample_sums(output, i)
                        for j in range(output.n_units):
                            out[0 if rule.exits else t - before - 1, k + i, j] = sums[j] / <float> t
                work += together * size
                if work > WORK_BETWEEN_SIGNALS:
                    work = 0.0
                    with gil:
                        PyErr_CheckSignals()
                if rule.exits and output_decided(output, &rule, t):
                    break
            if failed and together == 1:
                with gil:
                    return k if chosen is None else chosen[k]
            if failed:
                together = 1    # which of them it is
                continue
            if rule.exits:
                exit_steps[k] = t
            k += together
    return -1


cdef void unit_spikes(Network network, float *before, int32_t *out) noexcept nogil:
    """Splits what each unit has fired in a time step into positive and negative spikes.

    `before` holds the net counts before the step, which becomes those after it.
    """
    cdef Layer *layer
    cdef Py_ssize_t j
    cdef int32_t unit
    cdef int l
    cdef float net, fired
    for l in range(network.n_layers - 1):
        layer = &network.layers[l]
        memset(out, 0, 2 * layer.n_units * sizeof(int32_t))
        for j in range(layer.n_active):
            net = layer.net_count[j] - before[j]
            # Without a tally a unit fires spikes of one sign in a step.
            fired = abs(net) if layer.tally == NULL else layer.tally[j]
            unit = <int32_t> j
            units_name(layer.shown, &unit, 1)
            out[2 * unit] = <int32_t> ((fired + net) / 2)
            out[2 * unit + 1] = <int32_t> ((fired - net) / 2)
            before[j] = layer.net_count[j]
        before += layer.n_units
        out += 2 * layer.n_units


def spike_counts(Network network not None, settings, X, int64_t[:, :, ::1] out,
                 int32_t[:, :, :, ::1] units=None):
    """Spikes (and take-backs) of each layer in each time step, of the clock-driven or the event-driven simulation.

    Parameters
    ----------
    network : Network
        Made with `stepped`; `tallied` too for the `units` of the event-driven simulation.
    settings : dict
        The fields of `settings.Settings`.
    X : ndarray or CSR matrix
        As `Samples` takes it.
    out : ndarray of int64, shape (n_samples, n_time_steps, n_layers - 1)
        Filled with the spikes of the input and of each hidden layer.
    units : ndarray of int32, shape (n_samples, n_time_steps, n_units, 2), or None
        Filled with the positive and the negative spikes of each unit, layer after layer.

    Returns
    -------
    failed_row : int
        As `outputs`.
    """
    cdef Settings s = settings
    cdef Samples samples = Samples(X)
    cdef Stimulus stimulus
    cdef Py_ssize_t row
    cdef int l, t
    cdef double size = step_work(network), work = 0.0
    cdef float[::1] before
    run_check(network, &s, samples.n_steps, samples.n_features)
    if units is not None:
        before = np.zeros(units.shape[2], dtype=np.float32)
        if (units.shape[0] != samples.n_samples or units.shape[1] != s.n_time_steps or units.shape[3] != 2
                or units.shape[2] + network.layers[network.n_layers - 1].n_units != sum(network.n_units)):
            raise ValueError("units has the wrong shape")
        if s.simulation == EVENT_DRIVEN and network.layers[0].tally == NULL:
            raise ValueError("the spikes of single units of an event-driven simulation need a tally")
    if out.shape[0] != samples.n_samples or out.shape[1] != s.n_time_steps or out.shape[2] != network.n_layers - 1:
        raise ValueError("out has the wrong shape")
    if s.simulation == COUNTING:
        raise ValueError("the spikes of single time steps need a time-stepped simulation")
    with nogil:
        for row in range(samples.n_samples):
            samples.show(network, row, s.simulation != COUNTING, &stimulus)
            if units is not None:
                before[:] = 0.0
            for t in range(1, s.n_time_steps + 1):
                if step_run(network, &s, &stimulus, 1, t) >= 0:
                    with gil:
                        return row
                if units is not None:
                    unit_spikes(network, &before[0], &units[row, t - 1, 0, 0])
                for l in range(network.n_layers - 1):
                    out[row, t - 1, l] = network.layers[l].n_spikes
                work += size
                if work > WORK_BETWEEN_SIGNALS:
                    work = 0.0
                    with gil:
                        PyErr_CheckSignals()
            for t in range(s.n_time_steps - 1, 0, -1):
                for l in range(network.n_layers - 1):
                    out[row, t, l] -= out[row, t - 1, l]
    return -1

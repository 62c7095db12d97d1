"""Running a trained network: its spikes."""
import numpy as np

from libc.math cimport rintf
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from ..encoder cimport Stimulus, sample_present
from ..network cimport Layer, Net, Network, frames_reserve, memory_check, output_layer, padded, units_number
from ..samples cimport Samples
from ..settings cimport CLOCK_DRIVEN, COUNTING
from ..signals cimport INTERRUPTED, LEAST_WORK, interruption_raise, work_done
from .sample cimport input_check
from .stepper cimport Stepper, stepper_of


cdef void unit_spikes(const Net *net, float *before, int32_t *out) noexcept nogil:
    """Splits the spikes of each unit in a time step into positive and negative ones.

    `before` holds the traces before the step, which become those after it. A trace minus what a
    leak left of it is the net count of the step, a whole number but for the rounding of the trace.
    """
    cdef const Layer *layer
    cdef Py_ssize_t j
    cdef int32_t unit
    cdef int l
    cdef float net_spikes, fired
    for l in range(net.n_layers - 1):
        layer = &net.layers[l]
        memset(out, 0, 2 * layer.n_units * sizeof(int32_t))
        if layer.decay != 1.0:
            net.kernels.state_decay(before, padded(layer.n_active), layer.decay)
        for j in range(layer.n_active):
            net_spikes = rintf(layer.net_count[j] - before[j])
            # Without a tally a unit fires spikes of one sign in a step.
            fired = abs(net_spikes) if layer.tally == NULL else layer.tally[j]
            unit = <int32_t> j
            units_number(layer.active, &unit, 1)
            out[2 * unit] = <int32_t> ((fired + net_spikes) / 2)
            out[2 * unit + 1] = <int32_t> ((fired - net_spikes) / 2)
            before[j] = layer.net_count[j]
        before += padded(layer.n_units)
        out += 2 * layer.n_units


def spike_counts(Network network not None, X, int64_t[:, :, ::1] out, int32_t[:, :, :, ::1] units=None):
    """Spikes (and take-backs) of each layer in each time step of a time-stepped simulation.

    Parameters
    ----------
    network : Network
        Of a time-stepped simulation; made with `tallied` for the `units` of an event-driven one.
    X : Samples, ndarray or CSR matrix
        As `outputs` takes it.
    out : ndarray of int64, shape (n_samples, n_time_steps, n_layers - 1)
        Filled with the spikes of the input and of each hidden layer.
    units : ndarray of int32, shape (n_samples, n_time_steps, n_units, 2), or None
        Filled with the positive and the negative spikes of each unit, layer after layer.

    Returns
    -------
    failed_row : int
        As `outputs`.
    """
    cdef Samples samples = X if isinstance(X, Samples) else Samples(X)
    cdef Net *net = &network.net
    cdef Stepper stepper
    cdef Stimulus stimulus
    cdef Py_ssize_t row, n_samples = samples.arrays.n_samples
    cdef int l, t, failed = -1, n_time_steps = net.dynamics.n_time_steps
    cdef float[::1] before
    input_check(net, &samples.arrays)
    frames_reserve(net, samples.arrays.most_frames)
    if net.dynamics.simulation == COUNTING:
        raise ValueError("the spikes of single time steps need a time-stepped simulation")
    if units is not None:
        before = np.zeros(sum(padded(n) for n in network.n_units), dtype=np.float32)
        if (units.shape[0] != n_samples or units.shape[1] != n_time_steps or units.shape[3] != 2
                or units.shape[2] + output_layer(net).n_units != sum(network.n_units)):
            raise ValueError("units has the wrong shape")
        if net.dynamics.simulation != CLOCK_DRIVEN and net.layers[0].tally == NULL:
            raise ValueError("the spikes of single units of an event-driven simulation need a tally")
    if out.shape[0] != n_samples or out.shape[1] != n_time_steps or out.shape[2] != net.n_layers - 1:
        raise ValueError("out has the wrong shape")
    with nogil:
        stepper = stepper_of(net.dynamics.simulation)
        for row in range(n_samples):
            sample_present(&samples.arrays, row, net, True, &stimulus)
            stepper.begin(net)
            if units is not None:
                before[:] = 0.0
            for t in range(1, net.n_steps + 1):
                failed = stepper.step(net, &stimulus, t)
                if failed < 0:
                    failed = work_done(net, LEAST_WORK + net.layers.n_active)
                if failed >= 0:
                    break
                if units is not None:
                    unit_spikes(net, &before[0], &units[row, t - 1, 0, 0])
                for l in range(net.n_layers - 1):
                    out[row, t - 1, l] = net.layers[l].n_spikes
            if failed >= 0:
                break
            # Of a sample that has ended nothing is counted.
            for t in range(net.n_steps, n_time_steps):
                for l in range(net.n_layers - 1):
                    out[row, t, l] = 0
                if units is not None:
                    units[row, t] = 0
            for t in range(net.n_steps - 1, 0, -1):
                for l in range(net.n_layers - 1):
                    out[row, t, l] -= out[row, t - 1, l]
    if failed == INTERRUPTED:
        interruption_raise()
    if failed >= 0:
        memory_check(net)
        return row
    return -1

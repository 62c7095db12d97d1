"""Running a trained recurrent network: its answers and its spikes."""
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy, memset

from ..encoder cimport SampleArrays, sample_length
from ..exit_rule cimport ExitRule, outputs_decided
from ..kernels.kernels cimport SpikeCounts
from ..network cimport within
from ..samples cimport Samples
from ..signals cimport INTERRUPTED, interruption_raise
from .forward cimport output_is_forgotten, output_step, sequence_begin, sequence_run
from .recurrent_network cimport STEPS_TOGETHER, RecurrentNet, RecurrentNetwork, Tape, biases_scale, last_layer
from .sequences cimport check_sequences, sequence_frames
from .sequences import sequence_room


# The rows to predict and where their answers go.
cdef struct Request:
    Py_ssize_t n_rows
    const Py_ssize_t *rows      # which samples; NULL: all
    float *out                  # of the first step and row
    Py_ssize_t out_step         # floats from step to step, and from row to row
    Py_ssize_t out_row
    int before                  # time steps whose answers are not asked for
    float *room                 # for the vectors of a sparse sequence; NULL: X is dense
    ExitRule exit
    int64_t *exit_steps         # NULL: samples do not exit


cdef void answer_write(const RecurrentNet *net, const Request *request, Py_ssize_t k, int t) noexcept nogil:
    """The present answer of row k as that of time step t."""
    cdef Py_ssize_t step = 0 if request.exit.exits else t - request.before - 1
    memcpy(request.out + step * request.out_step + k * request.out_row, net.answer,
           last_layer(net).n_units * sizeof(float))


cdef int sample_answer(RecurrentNet *net, Tape *tape, const SampleArrays *samples, const Request *request,
                       Py_ssize_t k) noexcept nogil:
    """Row k. Returns -1, the layer that failed, or INTERRUPTED."""
    cdef Py_ssize_t sample = request.rows[k] if request.rows != NULL else k
    cdef const float *x = sequence_frames(samples, sample, request.room)
    cdef int t = 0, failed = -1, step, n_steps = <int> sample_length(samples, sample)
    # A sample that may end at any step takes one at a time.
    cdef int together = 1 if request.exit.exits else <int> tape.n_steps
    sequence_begin(net)
    for t in range(1, n_steps + 1):
        step = (t - 1) % together + 1
        if step == 1:
            failed = sequence_run(net, tape, x + (t - 1) * samples.n_features, min(together, n_steps - t + 1))
        if failed < 0 and (t > request.before or t == n_steps or request.exit.exits or not output_is_forgotten(net)):
            failed = output_step(net, tape, step, t)
        if failed >= 0:
            return failed
        if not request.exit.exits and t > request.before:
            answer_write(net, request, k, t)
        if request.exit.exits and outputs_decided(net.answer, last_layer(net).n_units, &request.exit):
            break
    if request.exit.exits:
        answer_write(net, request, k, t)
        request.exit_steps[k] = t
    else:
        for t in range(max(n_steps, request.before) + 1, <int> samples.n_steps + 1):
            answer_write(net, request, k, t)    # a sequence that has ended keeps its answer
    return -1


cdef Py_ssize_t answers_run(RecurrentNet *net, Tape *tape, const SampleArrays *samples,
                            const Request *request, bint *interrupted) noexcept nogil:
    """All rows. Returns -1, or the first sample that failed or was interrupted."""
    cdef Py_ssize_t k
    cdef int failed
    for k in range(request.n_rows):
        failed = sample_answer(net, tape, samples, request, k)
        interrupted[0] = failed == INTERRUPTED
        if failed >= 0:
            return request.rows[k] if request.rows != NULL else k
    return -1


def outputs(RecurrentNetwork network not None, X, float[:, :, :] out, *, rows=None, exit_margin=None,
            exit_threshold=None, int64_t[::1] exit_steps=None):
    """The network's answer after each of its last time steps, or after the one at which it exits.

    Parameters
    ----------
    network : RecurrentNetwork
    X : Samples, or what `Samples` takes
    out : ndarray of float32, shape (n_steps, n_rows, n_outputs)
        Filled with the answers after the last n_steps time steps of X; a sequence that has ended
        keeps its last one.
    rows : ndarray of intp, shape (n_rows,), or None
        Which samples of X; None is all.
    exit_margin, exit_threshold, exit_steps
        As of `simulate.outputs.outputs`.

    Returns
    -------
    failed_row : int
        -1, or the first row for which the network could not be computed (input not finite, or too
        many spikes).
    """
    cdef Samples samples = X if isinstance(X, Samples) else Samples(X)
    cdef RecurrentNet *net = &network.net
    cdef const Py_ssize_t[::1] chosen = rows
    cdef float[::1] vectors = None
    cdef Request request
    cdef Py_ssize_t failed
    cdef bint interrupted = False
    check_sequences(net, &samples.arrays)
    request.n_rows = out.shape[1]
    request.before = <int> (samples.arrays.n_steps - out.shape[0])
    if (out.shape[2] != last_layer(net).n_units or request.before < 0
            or (out.shape[2] > 1 and out.strides[2] != sizeof(float))):
        raise ValueError("out does not fit the network and the time steps of X")
    if chosen is not None and not within(rows, samples.arrays.n_samples):
        raise ValueError("rows does not fit X")
    if (samples.arrays.n_samples if chosen is None else chosen.shape[0]) != request.n_rows:
        raise ValueError("out has the wrong number of rows")
    request.exit = ExitRule(exit_margin is not None, exit_margin or 0.0, exit_threshold is not None, exit_threshold or 0.0)
    if request.exit.exits and (out.shape[0] != 1 or exit_steps is None or exit_steps.shape[0] != request.n_rows):
        raise ValueError("with exit_margin, out must hold one step and exit_steps one number a row")
    if request.n_rows == 0:
        return -1
    if samples.arrays.dense == NULL:
        vectors = sequence_room(samples.arrays.n_steps, samples.arrays.n_features)
    request.room = NULL if vectors is None else &vectors[0]
    request.rows = NULL if chosen is None else &chosen[0]
    request.out = &out[0, 0, 0]
    request.out_step = out.strides[0] // <Py_ssize_t> sizeof(float)
    request.out_row = out.strides[1] // <Py_ssize_t> sizeof(float)
    request.exit_steps = NULL if exit_steps is None else &exit_steps[0]
    with nogil:
        biases_scale(net)   # they may have changed since the last call
        failed = answers_run(net, &network.tape, &samples.arrays, &request, &interrupted)
    if interrupted:
        interruption_raise()
    return failed


cdef void spikes_write(const RecurrentNet *net, const Tape *tape, int step, int64_t *totals, int32_t *units) noexcept nogil:
    """Spikes of a step of the tape, of each layer and (units: NULL, or zeros) of each unit by
    sign."""
    cdef const SpikeCounts *spikes
    cdef int32_t count
    cdef Py_ssize_t k
    cdef int l
    for l in range(net.n_layers - 1):
        spikes = &tape.layers[l].spikes.step[step]
        totals[l] = <int64_t> spikes.total
        if units != NULL:
            for k in range(spikes.n):
                count = <int32_t> spikes.count[k]
                units[2 * spikes.unit[k] + (1 if count < 0 else 0)] = count if count > 0 else -count
            units += 2 * net.layers[l].n_units


def spike_counts(RecurrentNetwork network not None, X, int64_t[:, :, ::1] out, int32_t[:, :, :, ::1] units=None):
    """Spikes of each layer in each time step; none once a sequence has ended.

    Parameters
    ----------
    network : RecurrentNetwork
    X
        As of `outputs`.
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
    cdef const SampleArrays *arrays = &samples.arrays
    cdef RecurrentNet *net = &network.net
    cdef const float *x
    cdef float[::1] vectors = None
    cdef float *room = NULL
    cdef Py_ssize_t row, n_units = sum(network.n_units) - last_layer(net).n_units, failed = -1
    cdef Tape *tape = &network.tape
    cdef int k, t, n, n_steps, layer = -1
    check_sequences(net, arrays)
    if out.shape[0] != arrays.n_samples or out.shape[1] != arrays.n_steps or out.shape[2] != net.n_layers - 1:
        raise ValueError("out has the wrong shape")
    if units is not None and (units.shape[0] != arrays.n_samples or units.shape[1] != arrays.n_steps
                              or units.shape[2] != n_units or units.shape[3] != 2):
        raise ValueError("units has the wrong shape")
    if arrays.n_samples == 0:
        return -1
    memset(&out[0, 0, 0], 0, out.size * sizeof(int64_t))
    if units is not None:
        memset(&units[0, 0, 0, 0], 0, units.size * sizeof(int32_t))
    if arrays.dense == NULL:
        vectors = sequence_room(arrays.n_steps, arrays.n_features)
        room = &vectors[0]
    with nogil:
        biases_scale(net)
        for row in range(arrays.n_samples):
            x = sequence_frames(arrays, row, room)
            sequence_begin(net)
            n_steps = <int> sample_length(arrays, row)
            t = 0
            while t < n_steps:
                n = min(n_steps - t, <int> STEPS_TOGETHER)
                layer = sequence_run(net, tape, x + t * arrays.n_features, n)
                if layer >= 0:
                    failed = row
                    break
                for k in range(n):
                    spikes_write(net, tape, k + 1, &out[row, t + k, 0], NULL if units is None else &units[row, t + k, 0, 0])
                t += n
            if failed >= 0:
                break
    if layer == INTERRUPTED:
        interruption_raise()
    return failed

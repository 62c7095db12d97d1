"""Running a trained network: its outputs."""
import numpy as np

from libc.stdint cimport int64_t

from ..encoder cimport SampleArrays, Stimulus, frames_sum, sample_present
from ..exit_rule cimport ExitRule, outputs_decided
from ..kernels.kernels cimport MOST_TOGETHER
from ..network cimport Layer, Net, Network, frames_reserve, memory_check, output_layer, within
from ..samples cimport Samples
from ..settings cimport COUNTING
from ..signals cimport INTERRUPTED, LEAST_WORK, interruption_raise, work_done
from .counting cimport counting_run, sample_sums
from .sample cimport input_check
from .stepper cimport Stepper, stepper_of


# The rows to predict and where their outputs go.
cdef struct Request:
    Py_ssize_t n_rows
    const Py_ssize_t *rows      # which samples; NULL: all
    Py_ssize_t n_outputs
    float *out                  # of the first step and row
    Py_ssize_t out_step         # floats from step to step, and from row to row
    Py_ssize_t out_row
    int n_steps                 # of the longest sample
    int before                  # time steps whose outputs are not asked for
    float *answer_sum           # for the mean of the answers so far; NULL: the last one counts
    ExitRule exit
    int64_t *exit_steps         # NULL: samples do not exit


cdef inline Py_ssize_t request_sample(const Request *request, Py_ssize_t k) noexcept nogil:
    return request.rows[k] if request.rows != NULL else k


cdef inline float *answer_place(const Request *request, Py_ssize_t k, int t) noexcept nogil:
    """Where the answer of row k at time step t goes."""
    cdef Py_ssize_t step = 0 if request.exit.exits else max(t - request.before - 1, 0)
    return request.out + step * request.out_step + k * request.out_row


cdef void answer_write(const Request *request, Py_ssize_t k, int t, const float *sums, float bias_trace) noexcept nogil:
    """The answer of row k at time step t: the accumulated output divided by the bias trace, which
    is t without leak."""
    cdef Py_ssize_t j
    cdef float *answer = answer_place(request, k, t)
    for j in range(request.n_outputs):
        answer[j] = sums[j] / bias_trace


cdef void answer_mean(const Request *request, Py_ssize_t k, int t) noexcept nogil:
    """Replaces the answer of row k at time step t by the mean of those up to t."""
    cdef Py_ssize_t j
    cdef float *answer = answer_place(request, k, t)
    for j in range(request.n_outputs):
        request.answer_sum[j] = (request.answer_sum[j] if t > 1 else <float> 0.0) + answer[j]
        answer[j] = request.answer_sum[j] / <float> t


cdef void answer_repeat(const Request *request, Py_ssize_t k, int t) noexcept nogil:
    """The answer of a sample that has ended at time step t, at the time steps after."""
    cdef float *last = answer_place(request, k, t)
    cdef float *answer
    cdef Py_ssize_t j
    cdef int later
    for later in range(max(t, request.before + 1) + 1, request.n_steps + 1):
        answer = answer_place(request, k, later)
        for j in range(request.n_outputs):
            answer[j] = last[j]


cdef int sample_step_through(Net *net, const Stepper *stepper, const Stimulus *stimulus, const Request *request,
                             Py_ssize_t k) noexcept nogil:
    """Row k by a time-stepped simulation. Returns -1, or the layer that failed."""
    cdef Layer *output = output_layer(net)
    cdef int t = 0, failed
    stepper.begin(net)
    for t in range(1, net.n_steps + 1):
        failed = stepper.step(net, stimulus, t)
        if failed >= 0:
            return failed
        if request.exit.exits or t > request.before or t == net.n_steps or request.answer_sum != NULL:
            answer_write(request, k, t, output.input_sum, net.bias_trace)
        if request.answer_sum != NULL:
            answer_mean(request, k, t)
        failed = work_done(net, LEAST_WORK + net.layers.n_active)
        if failed >= 0:
            return failed
        if request.exit.exits and outputs_decided(answer_place(request, k, t), request.n_outputs, &request.exit):
            break
    if request.exit.exits:
        request.exit_steps[k] = t
    else:
        answer_repeat(request, k, t)
    return -1


cdef Py_ssize_t outputs_stepped(Net *net, const SampleArrays *samples, const Request *request) noexcept nogil:
    """All rows by a time-stepped simulation. Returns -1, or the first sample that failed, or -2
    where it was interrupted."""
    cdef Stepper stepper = stepper_of(net.dynamics.simulation)
    cdef Stimulus stimulus
    cdef Py_ssize_t k
    cdef int failed
    for k in range(request.n_rows):
        sample_present(samples, request_sample(request, k), net, True, &stimulus)
        failed = sample_step_through(net, &stepper, &stimulus, request, k)
        if failed >= 0:
            return -2 if failed == INTERRUPTED else request_sample(request, k)
    return -1


cdef int samples_count(Net *net, const Stimulus *stimuli, Py_ssize_t together, const Request *request,
                       Py_ssize_t k) noexcept nogil:
    """Rows k … k + together - 1 by counting, at the time steps asked for. Returns -1, or the layer
    that failed."""
    cdef Layer *output = output_layer(net)
    cdef int t = 0, previous, failed, n = net.n_steps
    cdef Py_ssize_t s
    while t < n:
        # The state at a time step does not need the steps before; of a stream it needs their sum.
        previous = t
        t = min(max(2 * t, 1) if request.exit.exits else max(t, request.before) + 1, n)
        failed = frames_sum(net, stimuli, previous + 1, t) if stimuli.step != 0 else -1
        if failed < 0:
            failed = counting_run(net, stimuli, together, t)
        if failed >= 0:
            return failed
        for s in range(together):
            answer_write(request, k + s, t, sample_sums(output, s), t)
        failed = work_done(net, LEAST_WORK)
        if failed >= 0:
            return failed
        if request.exit.exits and outputs_decided(answer_place(request, k, t), request.n_outputs, &request.exit):
            break
    if request.exit.exits:
        request.exit_steps[k] = t
    else:
        answer_repeat(request, k, t)
    return -1


cdef Py_ssize_t outputs_counted(Net *net, const SampleArrays *samples, const Request *request) noexcept nogil:
    """All rows by counting, several side by side. Returns as `outputs_stepped`."""
    cdef Stimulus stimuli[MOST_TOGETHER]
    cdef Py_ssize_t k = 0, s, together = net.n_together
    cdef int failed
    if request.exit.exits or samples.n_steps > 1:
        together = 1
    while k < request.n_rows:
        together = min(together, request.n_rows - k)
        for s in range(together):
            sample_present(samples, request_sample(request, k + s), net, False, &stimuli[s])
        failed = samples_count(net, stimuli, together, request, k)
        if failed < 0:
            k += together
        elif failed == INTERRUPTED:
            return -2
        elif together == 1:
            return request_sample(request, k)
        else:
            together = 1    # one by one, to find which of them failed
    return -1


def outputs(Network network not None, X, float[:, :, :] out, *, rows=None, exit_margin=None, exit_threshold=None,
            int64_t[::1] exit_steps=None, bint mean=False):
    """The network's output after each of its last time steps, or after the one at which it exits.

    Parameters
    ----------
    network : Network
    X : Samples, ndarray or CSR matrix
        Samples, or an array that they accept. A sparse matrix is checked as a whole: where calls
        share one, make its Samples once.
    out : ndarray of float32, shape (n_steps, n_rows, n_outputs)
        Filled with the accumulated output / t (with a leak, / the leaky sum of 1), for the last
        n_steps of the network's time steps. A sample that ends before keeps its last answer.
    rows : ndarray of intp, shape (n_rows,), or None
        Which samples of X; None is all.
    exit_margin : float or None
        A sample ends once its outputs are so far apart, and `out`, of one step, holds them as they
        were then. Stepped simulations look after each time step, counting after 1, 2, 4, … and the
        last. None: no sample ends early.
    exit_threshold : float or None
        The margin is the distance from here of the output nearest to it; None: of the largest from
        the second largest.
    exit_steps : ndarray of int64, shape (n_rows,), or None
        Filled with the time step at which each sample ended; needed with `exit_margin`.

    mean : bool
        Whether an answer is the mean of all outputs up to its time step; not with the counting
        simulation.

    Returns
    -------
    failed_row : int
        -1, or the first row for which the network could not be computed (input not finite, or too
        many spikes).
    """
    cdef Samples samples = X if isinstance(X, Samples) else Samples(X)
    cdef Net *net = &network.net
    cdef const Py_ssize_t[::1] chosen = rows
    cdef Request request
    cdef float[::1] answer_sum
    cdef Py_ssize_t failed
    input_check(net, &samples.arrays)
    frames_reserve(net, samples.arrays.most_frames)
    request.n_rows = out.shape[1]
    request.n_outputs = output_layer(net).n_units
    request.n_steps = net.dynamics.n_time_steps
    request.before = request.n_steps - <int> out.shape[0]
    if out.shape[2] != request.n_outputs or request.before < 0 or (out.shape[2] > 1 and out.strides[2] != sizeof(float)):
        raise ValueError("out does not fit the network and n_time_steps")
    if chosen is not None and not within(rows, samples.arrays.n_samples):
        raise ValueError("rows does not fit X")
    if (samples.arrays.n_samples if chosen is None else chosen.shape[0]) != request.n_rows:
        raise ValueError("out has the wrong number of rows")
    request.exit = ExitRule(exit_margin is not None, exit_margin or 0.0, exit_threshold is not None, exit_threshold or 0.0)
    if request.exit.exits and (out.shape[0] != 1 or exit_steps is None or exit_steps.shape[0] != request.n_rows):
        raise ValueError("with exit_margin, out must hold one step and exit_steps one number a row")
    if mean and net.dynamics.simulation == COUNTING:
        raise ValueError("the mean of the answers needs a time-stepped simulation")
    if request.n_rows == 0:
        return -1
    if mean:
        answer_sum = np.zeros(request.n_outputs, np.float32)
        request.answer_sum = &answer_sum[0]
    else:
        request.answer_sum = NULL
    request.rows = NULL if chosen is None else &chosen[0]
    request.out = &out[0, 0, 0]
    request.out_step = out.strides[0] // <Py_ssize_t> sizeof(float)
    request.out_row = out.strides[1] // <Py_ssize_t> sizeof(float)
    request.exit_steps = NULL if exit_steps is None else &exit_steps[0]
    with nogil:
        if net.dynamics.simulation == COUNTING:
            failed = outputs_counted(net, &samples.arrays, &request)
        else:
            failed = outputs_stepped(net, &samples.arrays, &request)
    if failed == -2:
        interruption_raise()
    if failed >= 0:
        memory_check(net)
    return failed

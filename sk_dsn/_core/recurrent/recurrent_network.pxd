"""A recurrent network as the core sees it: borrowed weights and, per layer, the state of one
sequence.

With a = 1 - leak, all in units of the threshold (what a spike is worth), at time step t:

    input    u = a u + x_t;                            s = ceil(u - a n - 1/2);            n = a n +
    s hidden   u = a u + W s_below[t] + R s[t-1] + b;    s = ceil(max(u, 0) - a n - 1/2);    n = a n
    + s output   o = a o + W s_below[t] + b;               answer o / c_t,                     c_t =
    a c_{t-1} + 1

It shares kernels, loss and random generator with the static network (`..network`), and no struct.

Functions that can fail return -1, or the number of the layer that left the range in which spikes
can be counted, or INTERRUPTED (see signals.pxd).
"""
from libc.stdint cimport uint16_t

from ..kernels.arena cimport Arena
from ..kernels.kernels cimport FiringRule, Kernels, SpikeCounts
from ..settings cimport Neuron
from ..signals cimport LEAST_WORK, WORK_BETWEEN_SIGNALS, signals_check


cdef struct RecurrentDynamics:
    Neuron neuron
    float leak
    float threshold             # what a spike is worth, a power of two
    bint mean_readout           # the answer is the running mean of the steps' answers, not the last one


cdef enum:
    STEPS_TOGETHER = 32         # time steps that a prediction takes layer by layer: rows that spike again are in the cache


# Layer 0 is the input, the last one the output; both have no recurrent weights.
cdef struct RecurrentLayer:
    Py_ssize_t n_units
    Py_ssize_t width            # n_units, padded
    FiringRule rule
    float *weights              # (units below, stride)
    Py_ssize_t stride
    float *recurrent            # (n_units, recurrent_stride); NULL: none
    Py_ssize_t recurrent_stride
    float *intercepts           # NULL without biases

    float *bias                 # b in units of the threshold; NULL without biases
    float *keep                 # dropout: 0, or the scale of a kept unit; NULL without dropout

    # The state of a sequence between time steps.
    float *sum                  # a u
    float *trace                # n, where no tape records it
    SpikeCounts spikes          # of the last step, for the recurrent weights


# The tape: spikes of each time step and, for the backward pass, traces, gates and error spikes. It
# has room for one sequence, or for as many steps as a prediction takes at a time. Its steps count
# from 1; row 0 of the traces is the state before.

# A list of spikes for each time step, one behind the other in one pool.
cdef struct StepSpikes:
    SpikeCounts *step           # (n_steps + 2,); the first and the last are empty
    SpikeCounts pool


cdef struct LayerTape:
    # Layers that spike.
    float *trace                # (n_steps + 1, width)
    float *sent_trace           # the same times the mask of dropout; the same array without dropout
    uint16_t *gate              # (n_steps + 1, width / ROW_PADDING); NULL for the input
    StepSpikes spikes
    StepSpikes sent             # times the mask of dropout; the same lists without dropout
    # Layers with weights.
    float *error                # (n_steps + 2, width)
    StepSpikes errors


cdef struct Tape:
    LayerTape *layers
    Py_ssize_t n_steps          # room
    bint records                # for the backward pass; else only spikes are kept
    float *leaky_steps          # (n_steps + 1,): c_t
    float *output_error         # (n_steps + 1, width of the output): the error, in error spikes
    bint *has_output_error      # (n_steps + 1,)


cdef struct RecurrentNet:
    RecurrentLayer *layers      # n_layers of them, input first
    int n_layers
    const Kernels *kernels
    RecurrentDynamics dynamics
    float keep                  # a
    float n_steps               # c_t, the leaky number of steps so far
    float *answer
    float *answer_sum           # of the answers so far; for the mean readout
    double work                 # additions since the last look for signals
    bint stopped                # by another thread: to end at the next look


cdef class RecurrentNetwork:
    cdef RecurrentNet net
    cdef Tape tape              # of a network that predicts
    cdef Arena arena
    cdef list borrowed


cdef inline int step_done(RecurrentNet *net, double additions) noexcept nogil:
    """Counts the work of a layer's time step, and looks for signals as `work_done` does. Returns -1
    or INTERRUPTED."""
    net.work += LEAST_WORK + additions
    if net.work <= WORK_BETWEEN_SIGNALS:
        return -1
    net.work = 0.0
    return signals_check(net.stopped)


cdef RecurrentLayer *last_layer(const RecurrentNet *net) noexcept nogil
cdef SpikeCounts counts_take(Arena *arena, Py_ssize_t n) noexcept nogil
cdef void biases_scale(RecurrentNet *net) noexcept nogil

"""How a network is run and trained: the estimators' parameters as the core reads them, under the
same names.

They are four structs, so that code that runs a network cannot read a flag that only learning may
know. Each is converted from a dict with its fields as keys.
"""


cpdef enum Simulation:
    COUNTING
    CLOCK_DRIVEN
    EVENT_DRIVEN
    EVENT_DRIVEN_DEPTH_FIRST


cpdef enum Neuron:
    SIGNED
    RECTIFYING


cpdef enum Loss:
    LOG_LOSS
    BINARY_LOG_LOSS
    SQUARED_ERROR


cpdef enum Reset:
    RESET_ZERO
    RESET_KEEP
    RESET_RANDOM


# How spikes go up.
cdef struct Dynamics:
    Simulation simulation
    Neuron neuron
    int n_time_steps
    float leak


# Which error the output has, when it is sent down, and which part of it is kept.
cdef struct ErrorRule:
    Loss loss
    float error_resolution
    bint step_feedback
    bint rectifying_output
    bint hold_error
    Reset backward_reset


# How error spikes change the weights.
cdef struct UpdateRule:
    bint fractional
    bint smooth_gradient
    bint mask_negative_inputs
    bint normalized_step
    float spike_penalty
    float max_norm              # 0: none


# Which share of the hidden units, and of the features, a training sample leaves out.
cdef struct Dropping:
    float dropout
    float input_dropout

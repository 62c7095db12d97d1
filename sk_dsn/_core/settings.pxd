"""How a network is run and trained: the estimators' parameters as the core reads them, under the same names."""


cpdef enum Simulation:
    COUNTING
    CLOCK_DRIVEN
    EVENT_DRIVEN


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


# Converted from a dict with these keys.
cdef struct Settings:
    Simulation simulation
    Neuron neuron
    Loss loss
    Reset backward_reset
    Reset forward_reset
    bint depth_first
    bint step_feedback
    bint fractional
    bint smooth_gradient
    bint rectifying_output
    bint hold_error
    bint mask_negative_inputs
    bint normalized_step
    int n_time_steps
    float error_resolution
    float spike_penalty
    float dropout
    float input_dropout
    float max_norm              # 0: none

"""A recurrent network in training: tape, error potentials, gradients and the optimizer's state.

Weights that errors go down through are kept twice, as `weights` and `transposed`; the optimizer
(optimizer.pyx) changes both. A gradient is added up in either layout, whichever takes fewer rows,
and joined before it is used.
"""
from ..kernels.arena cimport Arena
from ..kernels.kernels cimport SpikeCounts
from ..settings cimport Dropping, Loss
from .recurrent_network cimport RecurrentNet, RecurrentNetwork, Tape


cdef struct RecurrentErrorRule:
    Loss loss
    float error_resolution
    bint step_feedback


cdef struct OptimizerRule:
    bint adam                   # else gradient descent with momentum
    float momentum
    float max_grad_norm         # 0: none


# An array of weights or biases that is learned. Biases are one row.
cdef struct Parameter:
    float *weights              # (n_rows, stride)
    Py_ssize_t n_rows, n_columns, stride
    float *transposed           # (n_columns, transposed_stride); NULL where no errors go down
    Py_ssize_t transposed_stride
    float *gradient             # as weights, in spikes times error spikes
    float *gradient_transposed  # NULL for biases
    bint is_transposed          # whether there is anything in gradient_transposed
    float worth                 # of a presynaptic spike: the threshold; of biases 1
    float *first                # moments of Adam; `first` is also the velocity of gradient descent
    float *second


cdef struct LayerParameters:
    Parameter weights
    Parameter recurrent
    Parameter intercepts
    float *error_potential      # kept from sample to sample
    float *error_sum            # errors on their way to the layer


# Spikes in order of units: the list of unit i holds the time steps of its spikes and their counts.
cdef struct UnitSpikes:
    Py_ssize_t *first           # (units + 1,)
    SpikeCounts pool


cdef struct RecurrentLearning:
    RecurrentNet *net
    LayerParameters *layers     # the input's are empty
    Tape tape
    RecurrentErrorRule error_rule
    OptimizerRule optimizer_rule
    Dropping dropping
    double n_updates
    float *target
    float *error
    UnitSpikes unit_spikes      # presynaptic
    UnitSpikes unit_errors
    SpikeCounts *scanned        # (n_steps + 2,): entries of traces that are not zero
    SpikeCounts scanned_pool


cdef class RecurrentLearner:
    cdef readonly RecurrentNetwork network
    cdef RecurrentLearning learning
    cdef Arena arena
    cdef Arena tape_arena
    cdef list borrowed

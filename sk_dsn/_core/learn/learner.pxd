"""A network in training: beside its state of a sample, the errors, traces and rates of spiking backpropagation.

Weights of layers above the first hidden one are kept twice, as `weights` and `transposed`: errors go down through rows of
the transposed copy. learn/update.pyx is the only place that changes them, and changes both.
"""
from libc.stdint cimport int32_t, int64_t

from ..kernels.arena cimport Arena
from ..kernels.kernels cimport SpikeCounts
from ..kernels.spike_train cimport SpikeTrain
from ..network cimport Net, Network
from ..settings cimport Dropping, ErrorRule, UpdateRule


# What learning keeps beside a Layer. The input layer has a trace only.
cdef struct LearningLayer:
    float *trace                # presynaptic trace of the layer above's weights, masked
    SpikeCounts traced          # its entries that are not zero
    bint stale                  # event-driven: the trace must be refreshed before use
    float *counted              # depth-first: spikes that have entered the trace
    float *error_potential      # kept from sample to sample
    float *error                # error spikes that passed the gate
    SpikeCounts errors          # its entries that are not zero
    float *error_total          # error spikes of the sample, for sgd
    float *delta                # errors times rate
    SpikeTrain error_train      # event-driven: error spikes in order
    SpikeTrain pending          # event-driven: error spikes (unit, times rate) that `weights` have yet to learn
    float *transposed           # (n_units, width below): weights by postsynaptic unit; NULL for layer 1
    Py_ssize_t transposed_stride
    int64_t n_error_spikes      # error spikes fired in this sample
    int64_t n_passed            # of these, past the gate


cdef struct Learning:
    Net *net
    LearningLayer *layers
    ErrorRule error_rule
    UpdateRule update_rule
    Dropping dropping
    float *target               # of the sample, one an output
    float *target_potential
    float *target_spikes        # of rectifying outputs, in the step or the sample
    int64_t n_target_spikes
    SpikeTrain scaled_errors


cdef class Learner:
    cdef readonly Network network
    cdef Learning learning
    cdef Arena arena


cdef int learning_memory_check(const Learning *learning) except -1


cdef inline LearningLayer *output_learning(const Learning *learning) noexcept nogil:
    return &learning.layers[learning.net.n_layers - 1]

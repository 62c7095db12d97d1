"""A network in training: beside its state of a sample, the errors, traces and rates of spiking
backpropagation.

Weights of layers above the first hidden one are kept twice, as `weights` and `transposed`: errors
go down through rows of the transposed copy. learn/update.pyx is the only place that changes them,
and changes both.
"""
from libc.stdint cimport int32_t, int64_t

from ..kernels.arena cimport Arena
from ..kernels.kernels cimport SpikeCounts
from ..kernels.spike_train cimport SpikeTrain
from ..network cimport Net, Network
from ..settings cimport Dropping, ErrorRule, UpdateRule


# The state of learning beside a Layer. The input layer has a trace only.
cdef struct LearningLayer:
    float *trace                # presynaptic trace of the layer above's weights, masked
    SpikeCounts traced          # its entries that are not zero
    bint stale                  # event-driven: the trace must be refreshed before use
    float *counted              # depth-first: spikes that have entered the trace (their leaky sum)
    float *error_potential      # kept from sample to sample
    float *error                # error spikes that passed the gate
    SpikeCounts errors          # its entries that are not zero
    float *error_total          # error spikes, for sgd: of the sample or, where gradients are kept, of the time step
    float *gradient             # with keeps_gradients: sum of outer(trace, error spikes), laid out as `weights`; else NULL
    float *bias_gradient
    float *traced_once          # of the sample's units: 1 where the gradient has a row that is not zero. Of the layer below
    float *erred_once           # of the layer's units: 1 where the gradient has a column that is not zero
    float *fired_total          # leak, spike penalty, feedback once a sample: spikes of each unit, signed; else NULL
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
    float *output_spikes        # of rectifying outputs with feedback once a sample: in the sample, signed
    float *target_spikes        # of rectifying outputs, in the step or the sample
    int64_t n_target_spikes
    SpikeTrain scaled_errors


cdef class Learner:
    cdef readonly Network network
    cdef Learning learning
    cdef Arena arena


cdef int learning_memory_check(const Learning *learning) except -1


cdef inline bint keeps_gradients(const Learning *learning) noexcept nogil:
    """Whether sgd adds up the products of traces and errors of each time step: a leak makes the
    traces of errors at several times differ from those at the end."""
    return learning.net.dynamics.leak > 0.0 and learning.error_rule.step_feedback and not learning.update_rule.fractional


cdef inline LearningLayer *output_learning(const Learning *learning) noexcept nogil:
    return &learning.layers[learning.net.n_layers - 1]

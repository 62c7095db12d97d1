"""The network as the core sees it: borrowed weights and, per layer, the state of one sample.

Who owns what: Python owns `weights` and `intercepts` (NumPy arrays that a `Network` keeps alive and, in training, changes
in place); the `Network` owns everything else. It serves one thread: threads share weights, never a Network.

What holds: every per-unit array has room for `n_units` rounded up to ROW_PADDING, zero from `n_units` on, and so are rows
of weights and biases where `padded` says so (`width` is then that many; else it is `n_units`, and no row is read past its
end: the counting simulation predicts with weights of any layout).
"""
from libc.stdint cimport int32_t, int64_t

from .kernels cimport Kernels, ROW_PADDING, SpikeCounts
from .settings cimport Settings
from .spike_train cimport SpikeTrain


# A layer of units and the weights that lead to it from the layer below. Layer 0 is the input and has no weights.
cdef struct Layer:
    Py_ssize_t n_units
    Py_ssize_t width
    # Of the input only units that are shown something have a state, side by side: where not all are, `shown` has their
    # numbers, ascending (else it is NULL). What the layer sends is numbered as the weights' rows are.
    Py_ssize_t n_active
    const int32_t *shown
    float *weights              # (units below, stride)
    Py_ssize_t stride
    float *intercepts           # NULL without biases

    # A sample's state.
    float *net_count            # spikes of each unit so far, signed
    float *input_sum            # what each unit has received so far: the gate's sum. Of layer 0: the sum of x
    SpikeCounts *spikes         # what the layer sends on: counting, all of the sample; clock-driven, of this time step
    int64_t n_spikes            # spikes fired in this sample, passing ones included

    # Time-stepped simulations.
    float *potential
    float *fired                # spikes of each unit in this time step (event-driven: of the output only)
    float *tally                # event-driven: spikes of each unit in this time step, either sign; NULL unless wanted
    float *start                # potential at the start of the sample, where it is kept; else NULL
    SpikeTrain train            # event-driven: spikes of the layer, in order, that the layer above is to take

    # Training.
    float *keep                 # dropout: 0, or the scale of the kept; NULL without dropout
    float *trace                # presynaptic trace of the layer above's weights, masked
    SpikeCounts traced          # its entries that are not zero
    bint stale                  # event-driven: the trace is to be brought up to date before it is used
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


cdef class Network:
    cdef Layer *layers          # n_layers of them, input first
    cdef readonly int n_layers
    cdef const Kernels *kernels
    cdef readonly bint padded
    cdef readonly bint training
    cdef readonly Py_ssize_t n_together     # samples whose input_sum and spikes there is room for, side by side
    cdef float *target          # of the sample, one an output
    cdef float *target_potential
    cdef float *scratch         # as wide as the widest layer
    cdef SpikeTrain one_spike   # of a unit 0: what brings the biases, or an error spike, to a layer
    cdef SpikeTrain scaled_errors
    cdef int32_t *shown_unit    # room for what a static vector shows: units, and values
    cdef float *shown_value
    cdef int64_t n_target_spikes
    cdef void *block
    cdef list borrowed


cdef inline Py_ssize_t padded(Py_ssize_t n) noexcept nogil:
    return (n + ROW_PADDING - 1) // ROW_PADDING * ROW_PADDING


cdef inline Py_ssize_t row_stride(Py_ssize_t n_columns) noexcept nogil:
    """Floats from row to row of padded weights. A cache line is left between rows that would be multiples of a kilobyte
    apart: rows are read several at a time, and there they would be at the same place of the same banks of the cache."""
    cdef Py_ssize_t width = padded(n_columns)
    return width + ROW_PADDING if width % 256 == 0 else width


cdef bint within(indices, Py_ssize_t n) except -1
cdef int run_check(Network network, const Settings *settings, Py_ssize_t n_steps, Py_ssize_t n_features) except -1
cdef void units_name(const int32_t *shown, int32_t *unit, Py_ssize_t n) noexcept nogil

"""The network as the core sees it: borrowed weights and, per layer, the state of one sample.

Who owns what: Python owns `weights` and `intercepts` (NumPy arrays that a `Network` keeps alive and, in training, changes
in place); the `Network` owns everything else, in one block of memory. It serves one thread: threads share weights, never
a Network.

What holds: every per-unit array has `width` entries, those from `n_units` on zero. In training `width` is `n_units`
rounded up to ROW_PADDING and rows of weights are padded with zeros alike; in prediction `width` is `n_units` and no row
is read past its end.
"""
from libc.stdint cimport int32_t

from .kernels cimport Kernels


# The units of a layer that spiked, ascending, and what each sends on: its net count (times the scale of dropout).
cdef struct SpikeCounts:
    Py_ssize_t n
    int32_t *unit
    float *count


# A layer of units and the weights that lead to it from the layer below. Layer 0 is the input and has neither.
cdef struct Layer:
    Py_ssize_t n_units
    Py_ssize_t width
    float *net_count            # spikes of each unit in this sample, signed
    SpikeCounts spikes
    float *weights              # (units below, stride)
    Py_ssize_t stride
    float *intercepts           # NULL without biases
    float *input_sum            # all that a unit has received in this sample: the gate's sum
    # Training only.
    float *error_potential      # kept from sample to sample
    float *error                # error spikes that passed the gate
    SpikeCounts errors
    float *delta                # error spikes times rate
    float *sent                 # what spikes lists, dense
    float *keep                 # dropout: 0 or the scale of the kept; NULL without dropout
    float *transposed           # (n_units, width below): weights by postsynaptic unit; NULL for layer 1
    Py_ssize_t transposed_stride


cdef class Network:
    cdef Layer *layers          # n_layers of them, input first
    cdef readonly int n_layers
    cdef const Kernels *kernels
    cdef void *block
    cdef list borrowed
    cdef readonly bint training


cdef int layer_emit(const Kernels *kernels, Layer *layer) noexcept nogil

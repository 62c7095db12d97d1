"""The network as the core sees it: borrowed weights and, per layer, the state of one sample.

Ownership: Python owns `weights` and `intercepts` (NumPy arrays that a `Network` keeps alive and
that training changes in place); the `Network` owns everything else. It serves one thread: threads
share weights, never a Network.

Invariants: every array over units has room for `n_units` rounded up to ROW_PADDING and is zero from
`n_units` on. So are rows of weights and biases where the net is `padded` (`width` is then that
many). Else `width` is `n_units`, and no row is read past its end: the counting simulation predicts
with weights of any layout.

Functions that can fail return -1, or the number of the layer that left the range in which spikes
can be counted, or INTERRUPTED, which is above all layers (see signals.pxd). Where memory was short,
a spike train is `starved`.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from .kernels.arena cimport Arena
from .kernels.kernels cimport FiringRule, Kernels, ROW_PADDING, SpikeCounts
from .kernels.spike_train cimport SpikeTrain
from .settings cimport Dynamics


# A layer of units and the weights that lead to it from the layer below. Layer 0 is the input and
# has no weights.
cdef struct Layer:
    Py_ssize_t n_units
    Py_ssize_t width
    FiringRule rule
    float decay                 # what a time step leaves of the state: 1 - leak
    float *weights              # (units below, stride)
    Py_ssize_t stride
    float *intercepts           # NULL without biases

    # The input layer stores only its active units, compactly: `active` holds their numbers,
    # ascending, or is NULL where all units are active. The spikes that a layer sends carry the
    # numbers of units.
    Py_ssize_t n_active
    const int32_t *active

    # A sample's state.
    float *net_count            # trace: spikes of each unit so far, signed; with a leak their leaky sum, a real number
    float *input_sum            # input of each unit so far (leaky): the gate's sum. Of layer 0: the sum of x
    SpikeCounts *spikes         # sent on. Counting: all of the sample; clock-driven: of this time step
    int64_t n_spikes            # spikes fired in this sample, passing ones included
    float *keep                 # dropout: 0, or the scale of a kept unit; NULL without dropout

    # Time-stepped simulations.
    float *potential
    float *fired                # spikes of each unit in this time step (event-driven: of the output only)
    float *tally                # event-driven: spikes of each unit in this time step, either sign; NULL unless wanted
    float *start                # potential at the start of the sample, where it is kept; else NULL
    SpikeTrain train            # event-driven: spikes of the layer in order, for the layer above


cdef struct Net:
    Layer *layers               # n_layers of them, input first
    int n_layers
    const Kernels *kernels
    Dynamics dynamics
    int n_steps                 # of the present sample
    float bias_trace            # leaky sum of time steps so far: t without leak
    float last_bias_trace       # at the end of the sample
    bint padded
    Py_ssize_t n_together       # samples side by side: room for the input_sum and spikes of so many
    SpikeTrain one_spike        # of a unit 0: it brings the biases to a layer
    int32_t *active_unit        # room for the active units of a sample, and their values
    float *active_value
    int32_t *active_place       # of each unit, its place among the active ones of a sparse stream
    uint64_t *unit_bits         # a bit for each unit; 0 between samples
    float *frames               # the vectors of a sparse stream; grown by frames_reserve
    Py_ssize_t frames_room
    double work                 # additions since the last look for signals
    bint stopped                # by another thread: to end at the next look


cdef class Network:
    cdef Net net
    cdef Arena arena
    cdef list borrowed


cdef inline Py_ssize_t padded(Py_ssize_t n) noexcept nogil:
    return (n + ROW_PADDING - 1) // ROW_PADDING * ROW_PADDING


cdef inline Py_ssize_t row_stride(Py_ssize_t n_columns) noexcept nogil:
    """Floats from row to row of padded weights. A cache line is left between rows that would be
    multiples of a kilobyte apart: rows are read several at a time, and would fall into the same
    banks of the cache."""
    cdef Py_ssize_t width = padded(n_columns)
    return width + ROW_PADDING if width % 256 == 0 else width


cdef inline Layer *output_layer(const Net *net) noexcept nogil:
    return &net.layers[net.n_layers - 1]


cdef inline void units_number(const int32_t *active, int32_t *unit, Py_ssize_t n) noexcept nogil:
    """Turns places among the active units (NULL: all) into the numbers of these units."""
    cdef Py_ssize_t k
    if active != NULL:
        for k in range(n):
            unit[k] = active[unit[k]]


cdef inline SpikeCounts *spikes_place(Layer *layer, Py_ssize_t sample) noexcept nogil:
    """Where the counting simulation lists the spikes of a sample: behind those of the sample
    before."""
    cdef SpikeCounts *spikes = &layer.spikes[sample]
    if sample > 0:
        spikes.unit = (spikes - 1).unit + (spikes - 1).n
        spikes.count = (spikes - 1).count + (spikes - 1).n
    return spikes


cdef void masks_clear(Net *net) noexcept nogil
cdef int frames_reserve(Net *net, Py_ssize_t n_floats) except -1
cdef int memory_check(const Net *net) except -1
cdef floats_copy(const float *values, Py_ssize_t n)
cdef bint within(indices, Py_ssize_t n) except -1
cdef const float *vector_data(vector, Py_ssize_t n, name, int l) except NULL

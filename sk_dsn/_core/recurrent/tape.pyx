"""The layout of the tape, and where a layer that steps forward writes on it."""
from libc.stdint cimport uint16_t

from ..kernels.arena cimport arena_take
from ..kernels.kernels cimport ROW_PADDING, SpikeCounts
from .recurrent_network cimport counts_take, last_layer


cdef void step_spikes_layout(StepSpikes *spikes, Py_ssize_t n_steps, Py_ssize_t width, Arena *arena) noexcept nogil:
    spikes.step = <SpikeCounts *> arena_take(arena, (n_steps + 2) * sizeof(SpikeCounts))
    spikes.pool = counts_take(arena, n_steps * width)


cdef void tape_layout(Tape *tape, const RecurrentNet *net, bint dropout, Arena *arena) noexcept nogil:
    """Hands out all arrays of a tape of `tape.n_steps`."""
    cdef LayerTape *recorded
    cdef Py_ssize_t n = tape.n_steps, width
    cdef int l, top = net.n_layers - 1
    for l in range(net.n_layers):
        recorded = &tape.layers[l]
        width = net.layers[l].width
        if l < top:
            step_spikes_layout(&recorded.spikes, n, width, arena)
            recorded.sent = recorded.spikes
            if 0 < l and dropout:
                step_spikes_layout(&recorded.sent, n, width, arena)
        if not tape.records:
            continue
        if l < top:
            recorded.trace = <float *> arena_take(arena, (n + 1) * width * sizeof(float))
            recorded.sent_trace = recorded.trace
        if 0 < l < top:
            recorded.gate = <uint16_t *> arena_take(arena, (n + 1) * (width // ROW_PADDING) * sizeof(uint16_t))
            if dropout:
                recorded.sent_trace = <float *> arena_take(arena, (n + 1) * width * sizeof(float))
        if l > 0:
            step_spikes_layout(&recorded.errors, n, width, arena)
            recorded.error = <float *> arena_take(arena, (n + 2) * width * sizeof(float))
    if tape.records:
        tape.leaky_steps = <float *> arena_take(arena, (n + 1) * sizeof(float))
        tape.output_error = <float *> arena_take(arena, (n + 1) * last_layer(net).width * sizeof(float))
        tape.has_output_error = <bint *> arena_take(arena, (n + 1) * sizeof(bint))


cdef void list_continue(StepSpikes *spikes, int k) noexcept nogil:
    """The list of step k comes behind that of the step before."""
    cdef const SpikeCounts *before = &spikes.step[k - 1]
    cdef SpikeCounts *place = &spikes.step[k]
    if k == 1:
        place.unit, place.count = spikes.pool.unit, spikes.pool.count
    else:
        place.unit, place.count = before.unit + before.n, before.count + before.n


cdef void spikes_mask(const RecurrentLayer *layer, LayerTape *recorded, int k) noexcept nogil:
    """What the layer above receives: spikes, and traces, times the scale of dropout, without those
    of dropped units."""
    cdef const SpikeCounts *spikes = &recorded.spikes.step[k]
    cdef SpikeCounts *sent = &recorded.sent.step[k]
    cdef const float *trace = recorded.trace + k * layer.width
    cdef float *sent_trace = recorded.sent_trace + k * layer.width
    cdef Py_ssize_t j, n = 0
    cdef float scale
    list_continue(&recorded.sent, k)
    for j in range(spikes.n):
        scale = layer.keep[spikes.unit[j]]
        sent.unit[n] = spikes.unit[j]
        sent.count[n] = scale * spikes.count[j]
        n += scale != 0.0
    sent.n = n
    for j in range(layer.width):
        sent_trace[j] = layer.keep[j] * trace[j]

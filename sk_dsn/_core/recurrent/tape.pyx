"""The layout of the tape, and how a layer that steps forward writes on it."""
from libc.stdint cimport uint16_t

from ..kernels.arena cimport arena_take
from ..kernels.kernels cimport ROW_PADDING, SpikeCounts
from .recurrent_network cimport LayerTape, RecurrentLayer, StepSpikes, counts_take, last_layer


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


cdef inline void list_continue(const StepSpikes *spikes, Py_ssize_t k, SpikeCounts *place) noexcept nogil:
    """The place behind the lists of the steps before k."""
    cdef const SpikeCounts *before = &spikes.step[k - 1]
    if k == 1:
        place.unit, place.count = spikes.pool.unit, spikes.pool.count
    else:
        place.unit, place.count = before.unit + before.n, before.count + before.n


cdef void layer_rewind(const Tape *tape, RecurrentNet *net, int l, int k) noexcept nogil:
    """Before a layer's thresholds: it is to write on step k of the tape."""
    cdef RecurrentLayer *layer = &net.layers[l]
    cdef const LayerTape *recorded = &tape.layers[l]
    list_continue(&recorded.spikes, k, &layer.fired)
    if layer.keep != NULL:
        list_continue(&recorded.sent, k, &layer.masked)
    if tape.records:
        layer.before = recorded.trace + (k - 1) * layer.width
        layer.after = recorded.trace + k * layer.width
        if recorded.gate != NULL:
            layer.gate = recorded.gate + k * (layer.width // ROW_PADDING)


cdef void layer_record(Tape *tape, RecurrentNet *net, int l, int k) noexcept nogil:
    """After them: which part of the tape was written."""
    cdef const RecurrentLayer *layer = &net.layers[l]
    cdef LayerTape *recorded = &tape.layers[l]
    cdef Py_ssize_t j
    recorded.spikes.step[k] = layer.spikes
    recorded.sent.step[k] = layer.sent
    if layer.keep != NULL:
        for j in range(layer.width):
            recorded.sent_trace[k * layer.width + j] = layer.keep[j] * layer.after[j]

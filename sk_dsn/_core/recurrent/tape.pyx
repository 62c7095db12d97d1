"""The layout of the tape, and how a network that steps forward writes on it."""
from libc.stdint cimport uint16_t

from ..kernels.arena cimport arena_take
from ..kernels.kernels cimport ROW_PADDING
from .network cimport RecurrentLayer, counts_take, last_layer


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
            recorded.trace = <float *> arena_take(arena, (n + 1) * width * sizeof(float))
            recorded.sent_trace = recorded.trace
        if 0 < l < top:
            recorded.gate = <uint16_t *> arena_take(arena, (n + 1) * (width // ROW_PADDING) * sizeof(uint16_t))
            if dropout:
                step_spikes_layout(&recorded.sent, n, width, arena)
                recorded.sent_trace = <float *> arena_take(arena, (n + 1) * width * sizeof(float))
        if l > 0:
            step_spikes_layout(&recorded.errors, n, width, arena)
            recorded.error = <float *> arena_take(arena, (n + 2) * width * sizeof(float))
    tape.leaky_steps = <float *> arena_take(arena, (n + 1) * sizeof(float))
    tape.output_error = <float *> arena_take(arena, (n + 1) * last_layer(net).width * sizeof(float))
    tape.has_output_error = <bint *> arena_take(arena, (n + 1) * sizeof(bint))


cdef inline void list_continue(StepSpikes *spikes, Py_ssize_t t, SpikeCounts *place) noexcept nogil:
    """The place behind the lists of the steps before t."""
    cdef const SpikeCounts *before = &spikes.step[t - 1]
    if t == 1:
        place.unit, place.count = spikes.pool.unit, spikes.pool.count
    else:
        place.unit, place.count = before.unit + before.n, before.count + before.n


cdef void tape_step(Tape *tape, RecurrentNet *net, int t) noexcept nogil:
    """Before time step t: the network is to write on the tape."""
    cdef RecurrentLayer *layer
    cdef LayerTape *recorded
    cdef int l
    for l in range(net.n_layers - 1):
        layer = &net.layers[l]
        recorded = &tape.layers[l]
        layer.before = recorded.trace + (t - 1) * layer.width
        layer.after = recorded.trace + t * layer.width
        list_continue(&recorded.spikes, t, &layer.fired)
        if recorded.gate != NULL:
            layer.gate = recorded.gate + t * (layer.width // ROW_PADDING)
        if layer.keep != NULL:
            list_continue(&recorded.sent, t, &layer.masked)


cdef void tape_record(Tape *tape, RecurrentNet *net, int t) noexcept nogil:
    """After time step t: which part of the tape was written."""
    cdef RecurrentLayer *layer
    cdef LayerTape *recorded
    cdef Py_ssize_t j
    cdef int l
    for l in range(net.n_layers - 1):
        layer = &net.layers[l]
        recorded = &tape.layers[l]
        recorded.spikes.step[t] = layer.spikes
        if layer.keep != NULL:
            recorded.sent.step[t] = layer.sent
            for j in range(layer.width):
                recorded.sent_trace[t * layer.width + j] = layer.keep[j] * layer.after[j]
    tape.leaky_steps[t] = net.n_steps

"""Live streams of recurrent networks."""
import numpy as np

from libc.limits cimport INT_MAX
from libc.stdint cimport int64_t
from libc.string cimport memcmp, memcpy, memset

from ..kernels.arena cimport arena_take
from ..kernels.spike_train cimport SPIKE_LIMIT
from ..network cimport padded
from ..stream cimport Stream
from .forward cimport output_step, sequence_begin, sequence_run
from .recurrent_network cimport RecurrentLayer, RecurrentNet, RecurrentNetwork, Tape, last_layer, step_done


# The state: of each layer the sum, of those that spike the trace, of hidden ones the spikes of the
# last step; at the end the leaky number of steps.

cdef Py_ssize_t state_size(const RecurrentNet *net) noexcept nogil:
    cdef Py_ssize_t n = 1
    cdef int l
    for l in range(net.n_layers):
        n += net.layers[l].width * (1 + (l < net.n_layers - 1) + is_hidden(net, l))
    return n


cdef bint is_hidden(const RecurrentNet *net, int l) noexcept nogil:
    return 0 < l < net.n_layers - 1


cdef void spikes_save(const RecurrentLayer *layer, float *place) noexcept nogil:
    cdef Py_ssize_t k
    memset(place, 0, layer.width * sizeof(float))
    for k in range(layer.spikes.n):
        place[layer.spikes.unit[k]] = layer.spikes.count[k]


cdef void spikes_load(RecurrentLayer *layer, const float *place) noexcept nogil:
    cdef Py_ssize_t j
    layer.spikes.n = 0
    for j in range(layer.n_units):
        if place[j] != 0.0:
            layer.spikes.unit[layer.spikes.n] = j
            layer.spikes.count[layer.spikes.n] = place[j]
            layer.spikes.n += 1


cdef void state_save(const RecurrentNet *net, float *place) noexcept nogil:
    cdef const RecurrentLayer *layer
    cdef int l
    for l in range(net.n_layers):
        layer = &net.layers[l]
        memcpy(place, layer.sum, layer.width * sizeof(float))
        place += layer.width
        if l < net.n_layers - 1:
            memcpy(place, layer.trace, layer.width * sizeof(float))
            place += layer.width
        if is_hidden(net, l):
            spikes_save(layer, place)
            place += layer.width
    place[0] = net.n_steps


cdef void state_load(RecurrentNet *net, const float *place) noexcept nogil:
    cdef RecurrentLayer *layer
    cdef int l
    for l in range(net.n_layers):
        layer = &net.layers[l]
        memcpy(layer.sum, place, layer.width * sizeof(float))
        place += layer.width
        if l < net.n_layers - 1:
            memcpy(layer.trace, place, layer.width * sizeof(float))
            place += layer.width
        if is_hidden(net, l):
            spikes_load(layer, place)
            place += layer.width
    net.n_steps = place[0]


cdef bint spikes_are(const RecurrentLayer *layer, const float *place) noexcept nogil:
    """Whether the layer's spikes are the saved ones."""
    cdef Py_ssize_t j, k = 0
    for j in range(layer.n_units):
        if k < layer.spikes.n and layer.spikes.unit[k] == j:
            if place[j] != layer.spikes.count[k]:
                return False
            k += 1
        elif place[j] != 0.0:
            return False
    return True


cdef bint state_is(const RecurrentNet *net, const float *place) noexcept nogil:
    """Whether the state is a saved one. Without leak the number of steps grows, and does not act on
    the state."""
    cdef const RecurrentLayer *layer
    cdef size_t size
    cdef int l
    for l in range(net.n_layers):
        layer = &net.layers[l]
        size = layer.width * sizeof(float)
        if memcmp(place, layer.sum, size) != 0:
            return False
        place += layer.width
        if l < net.n_layers - 1:
            if memcmp(place, layer.trace, size) != 0:
                return False
            place += layer.width
        if is_hidden(net, l):
            if not spikes_are(layer, place):
                return False
            place += layer.width
    return net.keep == 1.0 or place[0] == net.n_steps


cdef class RecurrentStream(Stream):
    """A live stream of a recurrent network.

    Parameters
    ----------
    network : RecurrentNetwork
        Not one in training. No one else may use it.
    """

    def __cinit__(self, RecurrentNetwork network not None):
        cdef RecurrentNet *net = &network.net
        if network.tape.layers == NULL:
            raise ValueError("network must be one that predicts")
        self.network = network
        self.n_state = state_size(net)
        self.prepare(net.layers.n_units, last_layer(net).n_units, net.dynamics.mean_readout)
        self.answer_sum = net.answer_sum

    cdef void layout(self) noexcept nogil:
        self.frame = <float *> arena_take(&self.arena, padded(self.n_features) * sizeof(float))
        self.state_before = <float *> arena_take(&self.arena, self.n_state * sizeof(float))
        self.state_marked = <float *> arena_take(&self.arena, self.n_state * sizeof(float))

    # State.

    cdef void begin(self) noexcept nogil:
        sequence_begin(&self.network.net)

    cdef void remember(self) noexcept nogil:
        state_save(&self.network.net, self.state_before)

    cdef void roll_back(self) noexcept nogil:
        memset(self.frame, 0, self.n_features * sizeof(float))
        state_load(&self.network.net, self.state_before)

    cdef void mark(self) noexcept nogil:
        state_save(&self.network.net, self.state_marked)

    cdef bint is_marked(self) noexcept nogil:
        return state_is(&self.network.net, self.state_marked)

    cdef void skip(self, int64_t n) noexcept nogil:
        cdef RecurrentNet *net = &self.network.net
        if net.keep == 1.0:
            net.n_steps = <float> min(net.n_steps + <double> n, <double> SPIKE_LIMIT)  # where c + 1 = c

    def state(self):
        """All that the stream remembers, as plain values and arrays."""
        network = np.empty(self.n_state, np.float32)
        cdef float[::1] room = network
        state_save(&self.network.net, &room[0])
        return {"shared": self.shared_state(), "network": network}

    def restore(self, state):
        """Go on from the `state` of a stream of the same network."""
        cdef const float[::1] network = state["network"]
        if network.shape[0] != self.n_state:
            raise ValueError("the state is of a stream of another network")
        self.shared_restore(state["shared"])
        state_load(&self.network.net, &network[0])

    # A step.

    cdef int run(self) noexcept nogil:
        cdef Py_ssize_t k
        cdef int failed
        for k in range(self.input.n):
            self.frame[self.input.unit[k]] = self.input.value[k]
        failed = self.frame_run(self.frame)
        for k in range(self.input.n):
            self.frame[self.input.unit[k]] = 0.0
        return failed

    cdef int frames_take(self, Py_ssize_t n, const float *x) noexcept nogil:
        cdef Py_ssize_t k
        cdef int failed
        if self.grid.rounds:
            return Stream.frames_take(self, n, x)
        for k in range(n):
            failed = self.frame_run(x + k * self.n_features)
            if failed >= 0:
                return failed
            self.n_steps += 1
        return -1

    cdef int frame_run(self, const float *x) noexcept nogil:
        """Runs a time step with the features x."""
        cdef RecurrentNet *net = &self.network.net
        cdef Tape *tape = &self.network.tape
        cdef Py_ssize_t own
        cdef int l, failed = sequence_run(net, tape, x, 1)
        if failed < 0:
            failed = output_step(net, tape, 1, <int> min(self.n_steps + 1, <int64_t> INT_MAX))
        if failed >= 0:
            return failed
        for l in range(net.n_layers - 1):
            own = net.layers[l].n_units if l > 0 else 0
            self.operations += <int64_t> tape.layers[l].spikes.step[1].total * (net.layers[l + 1].n_units + own)
        return -1

    # Answers.

    cdef const float *sums(self) noexcept nogil:
        return last_layer(&self.network.net).sum

    cdef int answer_again(self, const float *sums) noexcept nogil:
        cdef RecurrentNet *net = &self.network.net
        cdef float divisor
        cdef Py_ssize_t j
        net.n_steps = net.keep * net.n_steps + 1
        divisor = net.n_steps / net.dynamics.threshold
        for j in range(self.n_outputs):
            self.answer_sum[j] += sums[j] / divisor
        return step_done(net, self.n_outputs)

    cdef int answer(self, float *out) noexcept nogil:
        cdef const RecurrentNet *net = &self.network.net
        cdef const float *sums = self.sums()
        cdef float divisor = net.n_steps / net.dynamics.threshold
        cdef Py_ssize_t j
        for j in range(self.n_outputs):
            out[j] = self.answer_sum[j] / <float> self.n_steps if self.mean else sums[j] / divisor
        return -1

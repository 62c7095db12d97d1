"""Live streams of the static network: by a time-stepped simulation, and by counting."""
import numpy as np

from libc.limits cimport INT_MAX
from libc.math cimport fabsf
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcmp, memcpy, memset

from ..encoder cimport Stimulus
from ..kernels.arena cimport Arena, arena_take
from ..kernels.kernels cimport FIRE_BOTH
from ..kernels.spike_train cimport SPIKE_LIMIT, train_clear
from ..network cimport Layer, Net, Network, memory_check, output_layer, padded, spikes_place
from ..settings cimport COUNTING, SIGNED
from ..signals cimport LEAST_WORK, work_done
from ..stream cimport Stream, Values, values_append, values_copy, values_take
from .counting cimport layers_count
from .decay cimport layers_decay
from .sample cimport input_sum_refresh
from .stepper cimport stepper_of

# The input units.

cdef void units_layout(InputUnits *units, Py_ssize_t n, Arena *arena) noexcept nogil:
    units.n = n
    units.unit = <InputUnit *> arena_take(arena, n * sizeof(InputUnit))
    units.before = <InputUnit *> arena_take(arena, n * sizeof(InputUnit))
    units.touched = <int32_t *> arena_take(arena, n * sizeof(int32_t))


cdef inline InputUnit *unit_touch(InputUnits *units, int32_t number) noexcept nogil:
    """A unit that is about to change."""
    cdef InputUnit *unit = &units.unit[number]
    if unit.call != units.call:
        units.before[units.n_touched] = unit[0]
        units.touched[units.n_touched] = number
        units.n_touched += 1
        unit.call = units.call
    return unit


cdef void units_forget(InputUnits *units) noexcept nogil:
    memset(units.unit, 0, units.n * sizeof(InputUnit))
    units.n_touched = 0
    units.call = 1


cdef void units_remember(InputUnits *units) noexcept nogil:
    cdef Py_ssize_t i
    units.n_touched = 0
    units.call += 1
    if units.call == 0:     # the number of the call is one that units may have
        for i in range(units.n):
            units.unit[i].call = 0
        units.call = 1


cdef void units_roll_back(InputUnits *units) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(units.n_touched):
        units.unit[units.touched[k]] = units.before[k]


cdef units_state(const InputUnits *units):
    return np.array([(units.unit[i].sum, units.unit[i].net_count) for i in range(units.n)], np.float32).reshape(-1, 2)


cdef int units_restore(InputUnits *units, state) except -1:
    cdef const float[:, ::1] values = state
    cdef Py_ssize_t i
    if values.shape[0] != units.n or values.shape[1] != 2:
        raise ValueError("the state is of a stream with other features")
    units_forget(units)
    for i in range(units.n):
        units.unit[i].sum, units.unit[i].net_count = values[i, 0], values[i, 1]
    return 0


cdef Py_ssize_t values_merge(const Values *input, const Values *awake, int32_t *unit, float *x,
                             float *potential) noexcept nogil:
    """Merges the units that have input with those that are awake. Returns how many there are."""
    cdef Py_ssize_t i = 0, j = 0, n = 0
    while i < input.n or j < awake.n:
        x[n] = potential[n] = 0.0
        unit[n] = min(input.unit[i] if i < input.n else INT_MAX, awake.unit[j] if j < awake.n else INT_MAX)
        if i < input.n and input.unit[i] == unit[n]:
            x[n] = input.value[i]
            i += 1
        if j < awake.n and awake.unit[j] == unit[n]:
            potential[n] = awake.value[j]
            j += 1
        n += 1
    return n


# The state of the layers above the input.

cdef Py_ssize_t hidden_size(const Net *net) noexcept nogil:
    cdef Py_ssize_t n = 1
    cdef int l
    for l in range(1, net.n_layers):
        n += 2 * net.layers[l].width
    return n


cdef void hidden_save(const Net *net, float *place) noexcept nogil:
    """Potentials, traces and, at the end, the trace of the biases."""
    cdef const Layer *layer
    cdef int l
    for l in range(1, net.n_layers):
        layer = &net.layers[l]
        memcpy(place, layer.potential, layer.width * sizeof(float))
        memcpy(place + layer.width, layer.net_count, layer.width * sizeof(float))
        place += 2 * layer.width
    place[0] = net.bias_trace


cdef void hidden_load(Net *net, const float *place) noexcept nogil:
    cdef Layer *layer
    cdef int l
    for l in range(1, net.n_layers):
        layer = &net.layers[l]
        memcpy(layer.potential, place, layer.width * sizeof(float))
        memcpy(layer.net_count, place + layer.width, layer.width * sizeof(float))
        train_clear(&layer.train)
        place += 2 * layer.width
    net.bias_trace = place[0]
    input_sum_refresh(output_layer(net))


cdef bint hidden_is(const Net *net, const float *place) noexcept nogil:
    """Whether the state is one that was saved. Without leak, the trace of the biases counts the
    steps: it does not act on the state."""
    cdef const Layer *layer
    cdef int l
    for l in range(1, net.n_layers):
        layer = &net.layers[l]
        if (memcmp(place, layer.potential, layer.width * sizeof(float)) != 0
                or memcmp(place + layer.width, layer.net_count, layer.width * sizeof(float)) != 0):
            return False
        place += 2 * layer.width
    return net.layers.decay == 1.0 or place[0] == net.bias_trace


cdef class SteppedStream(Stream):
    """A live stream by a time-stepped simulation.

    A step runs the simulation on the active input units alone: those that have input, and those
    that act without.

    Parameters
    ----------
    network : Network
        Of a time-stepped simulation. No one else may use it.
    mean : bool
        As of `outputs.outputs`.
    """

    def __cinit__(self, Network network not None, *, bint mean=False):
        cdef Net *net = &network.net
        cdef Py_ssize_t j
        cdef int l
        if net.dynamics.simulation == COUNTING:
            raise ValueError("network must be of a time-stepped simulation")
        self.network = network
        self.stepper = stepper_of(net.dynamics.simulation)
        self.from_sum = net.dynamics.neuron == SIGNED and net.layers.decay == 1.0
        for l in range(1, net.n_layers):
            for j in range(net.layers[l].n_units if net.layers[l].intercepts != NULL else 0):
                self.biased |= net.layers[l].intercepts[j] != 0.0
        self.n_hidden = hidden_size(net)
        self.prepare(net.layers.n_units, output_layer(net).n_units, mean)

    cdef void layout(self) noexcept nogil:
        units_layout(&self.units, self.n_features if self.from_sum else 0, &self.arena)
        self.awake = values_take(&self.arena, self.n_features)
        self.awake_before = values_take(&self.arena, self.n_features)
        self.vector = <float *> arena_take(&self.arena, padded(self.n_features) * sizeof(float))
        self.hidden_before = <float *> arena_take(&self.arena, self.n_hidden * sizeof(float))
        self.hidden_marked = <float *> arena_take(&self.arena, self.n_hidden * sizeof(float))
        self.n_spikes_before = <int64_t *> arena_take(&self.arena, self.network.net.n_layers * sizeof(int64_t))

    # State.

    cdef void begin(self) noexcept nogil:
        cdef Net *net = &self.network.net
        net.n_steps = 1         # of a sample whose end is not known
        net.layers.n_active = 0
        self.stepper.begin(net)
        units_forget(&self.units)
        self.awake.n = 0
        self.silent = False

    cdef void remember(self) noexcept nogil:
        cdef Net *net = &self.network.net
        cdef int l
        units_remember(&self.units)
        values_copy(&self.awake_before, &self.awake)
        hidden_save(net, self.hidden_before)
        for l in range(net.n_layers):
            self.n_spikes_before[l] = net.layers[l].n_spikes
            net.layers[l].train.starved = False

    cdef void roll_back(self) noexcept nogil:
        cdef Net *net = &self.network.net
        cdef int l
        units_roll_back(&self.units)
        values_copy(&self.awake, &self.awake_before)
        hidden_load(net, self.hidden_before)
        for l in range(net.n_layers):
            net.layers[l].n_spikes = self.n_spikes_before[l]
        self.silent = False

    cdef int call_end(self, int failed) except -2:
        failed = Stream.call_end(self, failed)
        if failed >= 0:
            memory_check(&self.network.net)
        return failed

    cdef void mark(self) noexcept nogil:
        hidden_save(&self.network.net, self.hidden_marked)
        self.operations_marked = self.operations

    cdef bint is_marked(self) noexcept nogil:
        # Without leak the spikes of a sample are limited, so their number is a part of the state.
        cdef bint is_limited = self.network.net.layers.decay == 1.0
        return (self.awake.n == 0 and not (is_limited and self.operations != self.operations_marked)
                and hidden_is(&self.network.net, self.hidden_marked))

    cdef void skip(self, int64_t n) noexcept nogil:
        cdef Net *net = &self.network.net
        if net.layers.decay == 1.0:
            net.bias_trace = <float> min(net.bias_trace + <double> n, <double> SPIKE_LIMIT)  # where c + 1 = c

    def state(self):
        """All that the stream remembers, as plain values and arrays."""
        cdef Net *net = &self.network.net
        hidden = np.empty(self.n_hidden, np.float32)
        cdef float[::1] room = hidden
        hidden_save(net, &room[0])
        return {
            "shared": self.shared_state(),
            "input": units_state(&self.units),
            "awake": [(self.awake.unit[k], self.awake.value[k]) for k in range(self.awake.n)],
            "hidden": hidden,
            "n_spikes": [net.layers[l].n_spikes for l in range(net.n_layers)],
        }

    def restore(self, state):
        """Go on from the `state` of a stream of the same network."""
        cdef Net *net = &self.network.net
        cdef const float[::1] hidden = state["hidden"]
        if hidden.shape[0] != self.n_hidden or len(state["awake"]) > self.n_features:
            raise ValueError("the state is of a stream of another network")
        self.shared_restore(state["shared"])
        units_restore(&self.units, state["input"])
        self.awake.n = 0
        for unit, potential in state["awake"]:
            if not 0 <= unit < self.n_features:
                raise ValueError("the state is of a stream with other features")
            values_append(&self.awake, unit, potential)
        hidden_load(net, &hidden[0])
        for l, n_spikes in enumerate(state["n_spikes"][:net.n_layers]):
            net.layers[<int> l].n_spikes = n_spikes
        self.silent = False

    # A step.

    cdef const float *input_gather(self) noexcept nogil:
        """Makes active the units that have input or are awake. Returns the vector of their input,
        from_sum of the sums of their input."""
        cdef Net *net = &self.network.net
        cdef Layer *layer = net.layers
        cdef InputUnit *unit
        cdef Py_ssize_t k, n
        cdef float *x = self.vector
        if self.awake.n > 0 or self.from_sum:
            n = values_merge(&self.input, &self.awake, net.active_unit, x, layer.potential)
            layer.active = net.active_unit
        else:
            n, x = self.input.n, self.input.value
            memset(layer.potential, 0, n * sizeof(float))
            layer.active = self.input.unit
        layer.n_active = n
        memset(layer.net_count, 0, padded(n) * sizeof(float))
        for k in range(n, padded(n)):
            layer.potential[k] = 0.0
        for k in range(n if self.from_sum else 0):
            unit = unit_touch(&self.units, layer.active[k])
            x[k] += unit.sum
            layer.net_count[k] = unit.net_count
        return x

    cdef void input_scatter(self, const float *x) noexcept nogil:
        """Takes the state of the active units back, and lists those that are awake."""
        cdef const Layer *layer = self.network.net.layers
        cdef InputUnit *unit
        cdef float potential
        cdef Py_ssize_t k
        self.awake.n = 0
        if not self.from_sum:
            for k in range(layer.n_active):
                if layer.potential[k] != 0.0:
                    values_append(&self.awake, layer.active[k], layer.potential[k])
            return
        for k in range(layer.n_active):
            unit = &self.units.unit[layer.active[k]]
            unit.sum, unit.net_count = x[k], layer.net_count[k]
            potential = unit.sum - unit.net_count
            if not -0.5 < potential <= 0.5:
                values_append(&self.awake, layer.active[k], 0.0)

    cdef void spikes_count(self) noexcept nogil:
        """Counts operations. Only without leak does the range of a trace limit the spikes of all
        steps together."""
        cdef Net *net = &self.network.net
        cdef int64_t operations = 0, spikes = 0
        cdef int l
        for l in range(net.n_layers - 1):
            operations += net.layers[l].n_spikes * net.layers[l + 1].n_units
            if net.layers.decay != 1.0:
                net.layers[l].n_spikes = 0
        if net.layers.decay != 1.0:
            spikes = operations
            self.operations += operations
        else:
            spikes = operations - self.operations
            self.operations = operations
        self.silent = spikes == 0 and self.awake.n == 0

    cdef int run(self) noexcept nogil:
        cdef Net *net = &self.network.net
        cdef Stimulus stimulus
        cdef const float *x
        cdef int failed
        if self.input.n == 0 and self.silent and not self.biased:
            layers_decay(net)
            input_sum_refresh(output_layer(net))
        else:
            x = self.input_gather()
            # Every step is the first of a stream: its state is in the layers, the sum so far in x.
            stimulus = Stimulus(net.layers.n_active, x, net.layers.active, 1)
            failed = self.stepper.step(net, &stimulus, 1)
            if failed >= 0:
                return failed
            self.input_scatter(x)
            self.spikes_count()
        if self.mean:
            self.answer_add(self.sums())
        return work_done(net, LEAST_WORK + net.layers.n_active)

    # Answers.

    cdef const float *sums(self) noexcept nogil:
        return output_layer(&self.network.net).input_sum

    cdef void answer_add(self, const float *sums) noexcept nogil:
        cdef float bias_trace = self.network.net.bias_trace
        cdef Py_ssize_t j
        for j in range(self.n_outputs):
            self.answer_sum[j] += sums[j] / bias_trace

    cdef int answer_again(self, const float *sums) noexcept nogil:
        cdef Net *net = &self.network.net
        net.bias_trace = net.layers.decay * net.bias_trace + <float> 1.0
        self.answer_add(sums)
        return work_done(net, self.n_outputs)

    cdef int answer(self, float *out) noexcept nogil:
        cdef const float *sums = self.sums()
        cdef Py_ssize_t j
        for j in range(self.n_outputs):
            if self.mean:
                out[j] = self.answer_sum[j] / <float> self.n_steps
            else:
                out[j] = sums[j] / self.network.net.bias_trace
        return -1


cdef class CountingStream(Stream):
    """A live stream by counting: the input is summed up, and an answer is computed when it is asked
    for.

    Parameters
    ----------
    network : Network
        Of the counting simulation. No one else may use it.
    """

    def __cinit__(self, Network network not None):
        cdef Net *net = &network.net
        if net.dynamics.simulation != COUNTING:
            raise ValueError("network must be of the counting simulation")
        self.network = network
        self.prepare(net.layers.n_units, output_layer(net).n_units, False)

    cdef void layout(self) noexcept nogil:
        units_layout(&self.units, self.n_features, &self.arena)
        self.input_sums = <float *> arena_take(&self.arena, padded(self.n_features) * sizeof(float))
        self.last_answer = <float *> arena_take(&self.arena, self.n_outputs * sizeof(float))

    cdef void begin(self) noexcept nogil:
        units_forget(&self.units)
        self.answered = 0

    cdef void remember(self) noexcept nogil:
        units_remember(&self.units)

    cdef void roll_back(self) noexcept nogil:
        units_roll_back(&self.units)

    def state(self):
        """As of SteppedStream."""
        return {"shared": self.shared_state(), "input": units_state(&self.units)}

    def restore(self, state):
        """As of SteppedStream."""
        self.shared_restore(state["shared"])
        units_restore(&self.units, state["input"])
        self.answered = 0

    cdef int run(self) noexcept nogil:
        cdef InputUnit *unit
        cdef Py_ssize_t k
        for k in range(self.input.n):
            unit = unit_touch(&self.units, self.input.unit[k])
            unit.sum += self.input.value[k]
            if not fabsf(unit.sum) < SPIKE_LIMIT:
                return 0
        return work_done(&self.network.net, LEAST_WORK + self.input.n)

    cdef int rest(self, int64_t n) noexcept nogil:
        self.n_steps += n
        return -1

    cdef int answer(self, float *out) noexcept nogil:
        cdef Net *net = &self.network.net
        cdef Layer *layer = net.layers
        cdef Layer *output = output_layer(net)
        cdef Py_ssize_t j
        cdef int l, failed
        if self.answered == self.n_steps:
            memcpy(out, self.last_answer, self.n_outputs * sizeof(float))
            return -1
        if self.n_steps > INT_MAX:
            return 0
        for j in range(self.n_features):
            self.input_sums[j] = self.units.unit[j].sum
        if net.kernels.sums_count(self.input_sums, self.n_features, 1.0, FIRE_BOTH, NULL, layer.net_count,
                                  spikes_place(layer, 0)):
            return 0
        failed = layers_count(net, 1, <int> self.n_steps, self.n_features)
        if failed >= 0:
            return failed
        for j in range(self.n_outputs):
            out[j] = self.last_answer[j] = output.input_sum[j] / <float> self.n_steps
        self.answered = self.n_steps
        for l in range(net.n_layers - 1):
            self.operations += net.layers[l].spikes.n * net.layers[l + 1].n_units
        return -1

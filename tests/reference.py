"""The oracle: the network of docs/semantics.md in plain NumPy, slow and obvious.

How to read it: the quantisers come first, then the error at the output, the random generator, and
`SpikingNetwork`. A time step is `SpikingNetwork.step`. It calls "Forward", then "The error at the
output", "Backward" and "Learning".

All simulations share one mechanism. They differ in when a layer checks its thresholds and in how
spikes travel:

========================  ======================  ==========================================
simulation                thresholds are checked  a layer sends
========================  ======================  ==========================================
event-driven              after every spike       single spikes (unit, sign)
event-driven-depth-first  after every spike       each spike to the top before the next one
clock-driven              once per time step      all spikes of a unit as one (unit, count)
counting                  never (a formula)       all spikes of a unit as one (unit, count)
========================  ======================  ==========================================

State is float64. On a dyadic grid (weights, inputs and rates are multiples of a power of two; T and
g are powers of two) float64 holds every sum exactly. The core's float32 holds a sum exactly too
while it is short enough; then the core must agree bit for bit. Off the grid, ``dtype=np.float32``
rounds in the core's order: "counting" adds rows in index order, multiplied and added separately,
the bias last; "event-driven" with rectifying neurons is the authors' program.

Layers are numbered from the input, 0, to the output, L. ``coefs[l - 1]`` leads to layer l. The
errors of layer l are at index l - 1.
"""
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

# --- Quantisers. They add a vector to the potentials v and return spikes, largest |v| first.


def emit_spikes(potential, take_backs):
    """Spikes of all units that are past the threshold; each spike resets its unit by subtraction.

    A unit fires +1 while v > 1/2, and -1 while v <= -1/2, as long as it has left at least half of
    the `take_backs[unit]` that it has.
    """
    assert np.abs(potential).max() < 2**14, "diverged: too many spikes to pass along one by one"
    queue = []
    for unit in np.flatnonzero((potential > 0.5) | (potential <= -0.5)):
        while potential[unit] > 0.5:
            queue.append((potential[unit], unit, +1))
            potential[unit] -= 1
        left = take_backs[unit]
        while potential[unit] <= -0.5 and left >= 0.5:
            queue.append((-potential[unit], unit, -1))
            potential[unit] += 1
            left -= 1
    queue.sort(key=lambda entry: -entry[0])
    return [(unit, sign) for _, unit, sign in queue]


def signed_quantize(potential, vector):
    """One step of a signed quantiser; `potential` changes in place."""
    potential += vector
    return emit_spikes(potential, np.full(len(potential), np.inf))


def decayed(state, keep):
    """What a time step leaves of the state: `keep` is 1 - leak. Magnitudes below 2^-100 become 0."""
    if keep == 1:
        return state
    left = state * state.dtype.type(keep)
    return np.where(np.abs(left) < 2.0**-100, state.dtype.type(0), left)


def net_counts(spikes, n_units):
    counts = np.zeros(n_units)
    for unit, sign in spikes:
        counts[unit] += sign
    return counts


def bundle(spikes, n_units):
    """One entry (unit, net count) for each unit that fired, in ascending order."""
    counts = net_counts(spikes, n_units)
    return [(unit, counts[unit]) for unit in np.flatnonzero(counts)]


def add_up(vectors):
    """The sum of the vectors, in order and in their own precision."""
    total = vectors[0]
    for vector in vectors[1:]:
        total = total + vector
    return total


def signed_count(total):
    """The net count of a signed quantiser whose input adds up to `total`: ⌈total - 1/2⌉."""
    # In float32, nextafter(-0.5, 0) - 0.5 rounds to -1.
    return np.ceil(np.asarray(total, np.float64) - 0.5)


# --- The error at the output.


def softmax(outputs):
    exponentials = np.exp(outputs - outputs.max())
    return exponentials / exponentials.sum()


def logistic(outputs):
    return 1 / (1 + np.exp(-outputs))


def output_error(outputs, target, loss):
    """The gradient of `sample_loss` by the outputs. With log loss `target` is one-hot."""
    activations = {"log_loss": softmax, "binary_log_loss": logistic, "squared_error": lambda outputs: outputs}
    return activations[loss](outputs) - target


def sample_loss(outputs, target, loss):
    if loss == "log_loss":
        return np.logaddexp.reduce(outputs) - outputs @ target
    if loss == "binary_log_loss":
        return np.sum(np.logaddexp(0, outputs)) - outputs @ target
    return 0.5 * np.sum((outputs - target) ** 2)


# --- The core's random generator, in integers that cannot overflow.

WORD = 2**64


def hash_mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


def sample_key(seed, epoch, sample):
    key = hash_mix((seed + 0x9E3779B97F4A7C15) % WORD)
    return hash_mix((hash_mix((key + epoch) % WORD) + sample) % WORD)


def uniform(key, layer, unit):
    return (hash_unit(key, layer, unit) >> 11) / 2**53


def normal(key, layer, unit):
    """The sum of eight random bytes minus its mean, divided by its standard deviation."""
    return (sum(hash_unit(key, layer, unit).to_bytes(8, "big")) - 8 * 255 / 2) * (1 / 209.02153)


def hash_unit(key, layer, unit):
    return hash_mix((key + (layer << 32 | unit) * 0x9E3779B97F4A7C15) % WORD)


# --- The network.


@dataclass(frozen=True)
class Settings:
    """The parameters of these names of the estimators and of `SpikingBackprop`.

    `loss` may also be "binary_log_loss": the log loss of independent labels.
    """

    n_time_steps: int = 10
    neuron: str = "signed"
    simulation: str = "event-driven"
    feedback: str = "sample"
    weight_update: str = "sgd"
    loss: str = "squared_error"
    output_activation: str = "linear"
    error_resolution: float = 1
    hold_error: bool = True
    smooth_gradient: bool = False
    spike_penalty: float = 0
    mask_negative_inputs: bool = False
    normalized_step: bool = False
    backward_reset: str = "keep"
    forward_reset: str = "zero"
    leak: float = 0

    @property
    def is_event_driven(self):
        return self.simulation.startswith("event-driven")

    @property
    def is_depth_first(self):
        return self.simulation == "event-driven-depth-first"

    @property
    def outputs_rectify(self):
        return self.output_activation == "rectifying"


def add_noise(x, deviation, layer, key):
    """A vector or a stream, with noise on each feature, the same at all time steps."""
    drawn = [deviation * normal(key, layer, feature) for feature in range(np.shape(x)[-1])]
    return x + np.asarray(drawn, dtype=np.asarray(x).dtype)


def drop_features(x, dropout, key):
    """A vector or a stream with some features set to zero at all time steps, the others scaled up."""
    kept = np.array([uniform(key, 0, feature) >= dropout for feature in range(np.shape(x)[-1])])
    return np.where(kept, x * np.asarray(x).dtype.type(1 / (1 - dropout)), 0)


@dataclass
class Dropout:
    """Kept units and the scale of their outgoing weights: lists by layer without the output."""

    kept: list
    scale: list

    @classmethod
    def none(cls, n_units):
        return cls([np.full(n, True) for n in n_units[:-1]], [1.0] * (len(n_units) - 1))

    @classmethod
    def draw(cls, n_units, dropout, key):
        """The units that the core drops for a sample with this key."""
        drawn = cls.none(n_units)
        for layer in range(1, len(n_units) - 1):
            drawn.kept[layer] = np.array([uniform(key, layer, unit) >= dropout for unit in range(n_units[layer])])
            drawn.scale[layer] = 1 / (1 - dropout)
        return drawn


@dataclass
class Activity:
    """The forward pass of a sample.

    Lists by layer, input first. Arrays have one row for each time step; counts and sums start with
    the row of step 0.
    """

    counts: list  # traces after each step (T + 1, n): net counts, with a leak their leaky sum
    spikes: list  # spikes and take-backs sent in each step (T,)
    received: list  # (leaky) sum of input (T + 1, n); None for the input layer
    bias_traces: list  # at steps 1 to T

    @property
    def outputs(self):
        """The network's output at steps 1 to T."""
        accumulated = self.received[-1][1:]
        return accumulated / np.array(self.bias_traces, dtype=accumulated.dtype)[:, None]


class Encoder:
    """Turns input, or targets, into spikes: a signed quantiser that starts at zero.

    In networks of signed neurons the potential is the sum of input so far minus the spikes so far,
    and the sum of a static vector x after t steps is t·x. The net count is then ⌈sum - 1/2⌉,
    however float32 rounds. The authors' program, with rectifying neurons, adds each input to the
    remaining potential. So does an encoder that leaks.
    """

    def __init__(self, vector, settings, dtype, keep=1):
        self.is_static = np.ndim(vector) == 1
        n_units = np.shape(vector)[-1]
        self.n_steps = settings.n_time_steps if self.is_static else len(vector)
        self.frames = np.broadcast_to(np.asarray(vector, dtype), (self.n_steps, n_units))
        self.keep = keep
        self.neuron = settings.neuron
        self.sum = np.zeros(n_units, dtype)
        self.potential = np.zeros(n_units, dtype)
        self.net = np.zeros(n_units, dtype)

    def emit(self, t):
        frame = self.frames[t - 1]
        self.sum, self.potential, self.net = (decayed(a, self.keep) for a in (self.sum, self.potential, self.net))
        if self.neuron == "signed" and self.keep == 1:
            self.sum = self.sum.dtype.type(t) * frame if self.is_static else self.sum + frame
            self.potential = self.sum - self.net
        else:
            self.sum = self.sum + frame
            self.potential = self.potential + frame
        spikes = emit_spikes(self.potential, np.full(len(frame), np.inf))
        self.net += net_counts(spikes, len(frame))
        return spikes


class Sample:
    """The state of one sample during its time steps. Lists are by layer, input first."""

    def __init__(self, x, target, settings, n_units, dtype, dropout):
        def zeros():
            return [np.zeros(n, dtype) for n in n_units]

        self.t = 0
        self.rate = 0.0
        self.dropout = dropout
        self.keep = dtype.type(1) - dtype.type(settings.leak)
        self.input = Encoder(x, settings, dtype, self.keep)
        self.n_steps = self.input.n_steps
        # The leaky sum of time steps: t without leak.
        self.bias_trace = dtype.type(0)
        self.bias_traces = []
        self.last_bias_trace = dtype.type(0)
        for _ in range(self.n_steps):
            self.last_bias_trace = self.next_bias_trace(self.last_bias_trace)
        self.is_training = target is not None
        if self.is_training:
            self.target = np.asarray(target, dtype)
            self.encoded_target = Encoder(-self.target, replace(settings, n_time_steps=self.n_steps), dtype)
        self.potentials = zeros()  # the input layer's is in the encoder
        self.net = zeros()
        self.received = zeros()  # sum of input; the gate reads it
        self.held = np.zeros(n_units[-1], dtype)  # output spikes minus target spikes

        # Learning.
        self.traces = zeros()  # net counts that updates read
        self.input_trace = self.input.sum  # the input layer's trace with smooth gradients
        self.unpenalized = zeros()  # spikes since the last update (clock-driven, counting)
        self.error_counts = zeros()[1:]  # past the gate, for sgd
        # Leak, feedback at each step, sgd: sums of products of traces and error counts.
        self.gradients = [np.zeros(shape, dtype) for shape in pairwise(n_units)]
        self.bias_gradients = zeros()[1:]

        # Statistics. Error spikes are by layer above the input: all, and those past the gate.
        self.spikes = np.zeros(len(n_units), int)
        self.error_spikes = np.zeros(len(n_units) - 1, int)
        self.passed_spikes = np.zeros(len(n_units) - 1, int)
        self.target_spikes = 0
        self.history = []
        self.remember()

    def next_bias_trace(self, trace):
        return self.keep * trace + self.keep.dtype.type(1)

    def decay(self):
        """The leak, at the start of a time step."""
        self.bias_trace = self.next_bias_trace(self.bias_trace)
        self.bias_traces.append(self.bias_trace)
        if self.keep != 1:
            for state in (self.potentials, self.net, self.received, self.traces):
                state[:] = [decayed(a, self.keep) for a in state]

    def remember(self):
        self.history.append(([n.copy() for n in self.net], [r.copy() for r in self.received], self.spikes.copy()))

    @property
    def activity(self):
        net, received, spikes = zip(*self.history, strict=True)
        return Activity(
            [np.array(counts) for counts in list(zip(*net, strict=True))[:-1]],
            list(np.diff(spikes, axis=0).T[:-1]),
            [None, *(np.array(sums) for sums in list(zip(*received, strict=True))[1:])],
            self.bias_traces,
        )


class SpikingNetwork:
    """A network of signed or rectifying neurons; `train` changes copies of the given arrays.

    Parameters
    ----------
    coefs, intercepts, error_potentials : lists of ndarray, by layer above the input
        `intercepts` None: no biases. `error_potentials` None: zeros.
    dtype : float64, or float32 to round as the core does
    arrival : numpy Generator or None
        Shuffles the spikes that a layer receives together. Net counts of signed neurons do not
        depend on their order.
    settings : fields of `Settings`
    """

    def __init__(
        self, coefs, intercepts=None, error_potentials=None, *, dtype=np.float64, arrival=None, **settings
    ):
        def copied(arrays):
            return [np.array(a, dtype) for a in arrays]

        self.dtype = np.dtype(dtype)
        self.coefs = copied(coefs)
        self.intercepts = None if intercepts is None else copied(intercepts)
        zeros = [np.zeros(n, dtype) for n in self.n_units[1:]]
        self.error_potentials = copied(zeros if error_potentials is None else error_potentials)
        # Of training with forward_reset="keep".
        self.kept_potentials = [np.zeros(n, dtype) for n in self.n_units]
        self.arrival = arrival
        self.settings = Settings(**settings)

    @property
    def n_units(self):
        return [len(self.coefs[0])] + [c.shape[1] for c in self.coefs]

    @property
    def last(self):
        return len(self.coefs)

    # A sample.

    def forward(self, x, n_time_steps, dropout=None):
        """The activity of a vector, or a stream (T, n), in a network that does not learn.

        The network keeps `n_time_steps` as its setting. A stream brings its own.
        """
        self.settings = replace(self.settings, n_time_steps=n_time_steps)
        sample = self.start_sample(x, None, dropout)
        for _ in range(sample.n_steps):
            self.step(sample)
        return sample.activity

    def train(
        self,
        X,
        targets,
        order,
        *,
        rate_first,
        rate_last,
        dropout=0,
        input_dropout=0,
        noise_first=0,
        noise_last=0,
        max_norm=None,
        seed=0,
        epoch=0,
        weights=None,
    ):
        """One epoch. `targets` are labels or rows of targets. Returns the mean loss, weighted by
        `weights`."""
        if np.ndim(targets) == 1:
            targets = np.eye(self.n_units[-1])[targets]
        weights = np.ones(len(X)) if weights is None else weights
        losses = []
        for k, i in enumerate(order):
            rate = weights[i] * (rate_first + (rate_last - rate_first) * k / len(order))
            key = sample_key(seed, epoch, k)
            noise = noise_first + (noise_last - noise_first) * k / len(order)
            x = drop_features(add_noise(X[i], noise, len(self.n_units), key), input_dropout, key)
            losses.append(self.train_sample(x, targets[i], rate, dropout, key).loss)
        if max_norm is not None:
            self.limit_norms(max_norm)
        return np.average(losses, weights=np.asarray(weights)[order])

    def train_sample(self, x, target, rate, dropout=0, key=0):
        """Learns from one sample and returns it, with the loss before the update."""
        drawn = Dropout.draw(self.n_units, dropout, key) if dropout else None
        sample = self.start_sample(x, target, drawn)
        sample.rate = rate
        self.reset_backward(key)
        if self.settings.forward_reset == "keep":
            sample.potentials = self.kept_potentials
        for _ in range(sample.n_steps):
            self.step(sample)
            if self.keeps_gradients:
                self.add_gradients(sample)
        if self.keeps_gradients:
            self.learn_gradients(sample)
        elif self.settings.weight_update == "sgd":
            self.update_at_end(sample)
        return sample

    def limit_norms(self, max_norm):
        """Scales down the incoming weights of each hidden unit whose norm is above `max_norm`."""
        for weights in self.coefs[:-1]:
            for column in weights.T:
                column *= min(1, max_norm / np.linalg.norm(column)) if column.any() else 1

    def start_sample(self, x, target, dropout):
        return Sample(x, target, self.settings, self.n_units, self.dtype, dropout or Dropout.none(self.n_units))

    def reset_backward(self, key):
        if self.settings.backward_reset == "keep":
            return
        for layer, potential in enumerate(self.error_potentials, start=1):
            potential[:] = 0
            if self.settings.backward_reset == "random":
                potential[:] = [uniform(key, len(self.n_units) + layer, j) - 0.5 for j in range(len(potential))]

    def outputs_so_far(self, sample):
        return sample.received[-1] / sample.bias_trace

    def step(self, sample):
        """One time step, with the errors it causes and, for fractional updates, the learning."""
        sample.t += 1
        sample.decay()
        spikes = self.traveling(sample, 0, sample.input.emit(sample.t))
        sample.net[0] = sample.input.net.copy()
        if sample.is_training and self.settings.is_depth_first:
            self.sweep_depth_first(sample, spikes)
        else:  # in a prediction both orders give each layer the same sequence of spikes
            output_spikes = self.sweep_breadth_first(sample, spikes)
            if sample.is_training:
                self.join_error(sample, output_spikes)
        sample.input_trace = sample.input.sum
        sample.remember()
        if not sample.is_training:
            return
        at_end = sample.t == sample.n_steps
        if at_end:
            sample.loss = sample_loss(self.outputs_so_far(sample), sample.target, self.settings.loss)
        if self.settings.outputs_rectify:
            target_spikes = sample.encoded_target.emit(sample.t)
            sample.target_spikes += len(target_spikes)
            self.join_error(sample, target_spikes)
        if self.settings.hold_error and (at_end or self.settings.feedback == "step"):
            self.launch_errors(sample)

    # Forward.

    def sweep_breadth_first(self, sample, spikes):
        """One time step of the whole network, layer by layer. Returns the output's spikes."""
        if self.settings.simulation == "counting":
            return self.sweep_by_counts(sample)
        for layer in range(1, self.last + 1):
            sample.traces[layer - 1] += net_counts(spikes, self.n_units[layer - 1])
            vectors = [self.row(sample, layer, spike) for spike in self.in_arrival_order(spikes)]
            if self.intercepts is not None:
                vectors.append(self.intercepts[layer - 1])
            arrivals = [[vector] for vector in vectors] if self.settings.is_event_driven else [vectors]
            spikes = [spike for arrival in arrivals for spike in self.receive(sample, layer, arrival)]
            spikes = self.traveling(sample, layer, spikes)
            for spike in spikes:
                self.penalize(sample, layer, spike)
        return spikes

    def sweep_depth_first(self, sample, spikes):
        """As breadth-first, but each spike goes all the way up before the next one leaves. Traces
        count it only then."""
        for spike in spikes:
            self.send_up(sample, 0, spike)
        if self.intercepts is not None:
            for layer in range(1, self.last + 1):
                self.receive_depth_first(sample, layer, self.intercepts[layer - 1])

    def send_up(self, sample, layer, spike):
        self.receive_depth_first(sample, layer + 1, self.row(sample, layer + 1, spike))
        unit, sign = spike
        sample.traces[layer][unit] += sign

    def receive_depth_first(self, sample, layer, vector):
        for spike in self.traveling(sample, layer, self.receive(sample, layer, [vector])):
            self.penalize(sample, layer, spike)
            if layer < self.last:
                self.send_up(sample, layer, spike)
            else:
                self.join_error(sample, [spike])

    def sweep_by_counts(self, sample):
        """The state after t steps, from the net counts of the input."""
        for layer in range(1, self.last + 1):
            counts = sample.net[layer - 1]
            sample.traces[layer - 1] = counts.copy()
            rows = [self.row(sample, layer, (unit, counts[unit])) for unit in np.flatnonzero(counts)]
            total = add_up([np.zeros(self.n_units[layer], self.dtype), *rows])
            if self.intercepts is not None:
                total = total + self.dtype.type(sample.t) * self.intercepts[layer - 1]
            sample.received[layer] = total
            before = sample.net[layer]
            if layer < self.last or (self.settings.outputs_rectify and sample.is_training):
                kept = 1 if layer == self.last else sample.dropout.kept[layer]
                sample.net[layer] = (np.maximum(0, signed_count(total)) * kept).astype(self.dtype)
            change = sample.net[layer] - before
            sample.spikes[layer] += int(np.abs(change).sum())
            sample.unpenalized[layer] += change
        return [(unit, change[unit]) for unit in np.flatnonzero(change)]

    def in_arrival_order(self, spikes):
        return spikes if self.arrival is None else [spikes[k] for k in self.arrival.permutation(len(spikes))]

    def row(self, sample, layer, spike):
        """The vector that a spike of the layer below adds to `layer`."""
        unit, count = spike
        return self.scaled(sample, layer - 1, count) * self.coefs[layer - 1][unit]

    def scaled(self, sample, layer, count):
        """One or more counts times the scale of the weights above `layer`, which dropout sets."""
        return np.asarray(count, self.dtype) * self.dtype.type(sample.dropout.scale[layer])

    def receive(self, sample, layer, vectors):
        """Adds vectors to the layer's potentials, then checks the thresholds once. Returns the
        layer's spikes."""
        is_output = layer == self.last
        for vector in vectors:
            sample.received[layer] += vector
            sample.potentials[layer] += vector if is_output else np.where(sample.dropout.kept[layer], vector, 0)
        if is_output and not (self.settings.outputs_rectify and sample.is_training):
            return []
        n_units = self.n_units[layer]
        take_backs = sample.net[layer] if self.settings.neuron == "signed" else np.zeros(n_units)
        spikes = emit_spikes(sample.potentials[layer], take_backs)
        sample.net[layer] += net_counts(spikes, n_units)
        return spikes

    def traveling(self, sample, layer, spikes):
        """Spikes of a layer in the form in which they travel: single, or bundled by unit."""
        sample.spikes[layer] += len(spikes)
        return spikes if self.settings.is_event_driven else bundle(spikes, self.n_units[layer])

    # The error at the output.

    def join_error(self, sample, spikes):
        """Holds spikes of rectifying outputs or of targets, or sends them down as errors."""
        if self.settings.hold_error:
            for unit, count in spikes:
                sample.held[unit] += count
        else:
            self.send_down(sample, spikes)

    def launch_errors(self, sample):
        """Sends the error down as spikes.

        The held error of rectifying outputs leaves unit by unit, in event-driven simulations one
        spike at a time. The error of linear outputs passes a signed quantiser.
        """
        resolution = self.dtype.type(self.settings.error_resolution)
        if self.settings.outputs_rectify:
            spikes = [
                (unit, np.sign(error))
                for unit, error in enumerate(resolution * sample.held)
                for _ in range(int(abs(error)))
            ]
            sample.held[:] = 0
            launches = [[spike] for spike in spikes] if self.settings.is_event_driven else [spikes]
        else:
            steps = sample.n_steps if self.settings.feedback == "sample" else 1
            gradient = output_error(self.outputs_so_far(sample), sample.target, self.settings.loss).astype(self.dtype)
            error = (self.dtype.type(steps) * resolution) * gradient
            launches = [signed_quantize(self.error_potentials[-1], error)]
        for spikes in launches:
            self.send_down(sample, spikes)

    # Backward.

    def send_down(self, sample, spikes):
        """Sends error spikes that leave the output together down to layer 1."""
        if self.settings.is_depth_first:
            for spike in spikes:
                self.send_down_depth_first(sample, self.last, spike)
        else:
            self.send_down_breadth_first(sample, spikes)

    def send_down_breadth_first(self, sample, spikes):
        for layer in range(self.last, 0, -1):
            sample.error_spikes[layer - 1] += len(spikes)
            spikes = [spike for spike in spikes if self.passes_gate(sample, layer, spike[0])]
            sample.passed_spikes[layer - 1] += len(spikes)
            if not self.settings.is_event_driven:
                spikes = bundle(spikes, self.n_units[layer])
            # Before the update.
            columns = [self.column(sample, layer, s) for s in self.in_arrival_order(spikes)]
            self.learn_from(sample, layer, spikes)
            if layer > 1:
                spikes = self.quantize_errors(self.error_potentials[layer - 2], columns)

    def send_down_depth_first(self, sample, layer, spike):
        sample.error_spikes[layer - 1] += 1
        if not self.passes_gate(sample, layer, spike[0]):
            return
        sample.passed_spikes[layer - 1] += 1
        self.learn_from(sample, layer, [spike])
        if layer > 1:
            for below in self.quantize_errors(self.error_potentials[layer - 2], [self.column(sample, layer, spike)]):
                self.send_down_depth_first(sample, layer - 1, below)

    def passes_gate(self, sample, layer, unit):
        if layer == self.last:
            return not (self.settings.outputs_rectify and sample.received[layer][unit] < 0)
        return sample.dropout.kept[layer][unit] and not sample.received[layer][unit] < 0

    def column(self, sample, layer, spike):
        """The vector that an error spike of `layer` adds to the error potentials below."""
        unit, count = spike
        return self.scaled(sample, layer - 1, count) * self.coefs[layer - 1][:, unit]

    def quantize_errors(self, potential, columns):
        if self.settings.is_event_driven:
            return [spike for column in columns for spike in signed_quantize(potential, column)]
        for column in columns:
            potential += column
        return signed_quantize(potential, np.zeros(len(potential), self.dtype))

    # Learning.

    def learn_from(self, sample, layer, spikes):
        """Error spikes past the gate of `layer` update weights at once, or are counted for the
        update at the end."""
        if self.settings.weight_update == "sgd":
            for unit, weight in spikes:
                sample.error_counts[layer - 1][unit] += weight
            return
        if not self.settings.is_event_driven:
            errors = net_counts(spikes, self.n_units[layer]).astype(self.dtype) + self.penalty(sample, layer)
            spikes = [(unit, errors[unit]) for unit in np.flatnonzero(errors)]
        for unit, weight in spikes:
            self.update_column(sample, layer, unit, weight)

    def penalize(self, sample, layer, spike):
        """The spike penalty: a spike is an error past the gate of its own layer.

        It counts at once in event-driven simulations, in the others together with the errors.
        """
        unit, count = spike
        if not self.settings.is_event_driven:
            sample.unpenalized[layer][unit] += count
        elif sample.is_training and self.settings.spike_penalty:
            self.learn_from(sample, layer, [(unit, count * self.penalty_weight)])

    @property
    def penalty_weight(self):
        return self.dtype.type(self.settings.error_resolution) * self.dtype.type(self.settings.spike_penalty)

    def penalty(self, sample, layer):
        """The penalty for the layer's spikes since the last call, as errors."""
        errors = self.penalty_weight * sample.unpenalized[layer]
        sample.unpenalized[layer] = np.zeros(self.n_units[layer], self.dtype)
        return errors

    def trace(self, sample, layer):
        """The presynaptic factors in an update of the weights above `layer`."""
        if not self.settings.smooth_gradient:
            trace = sample.traces[layer]
        elif layer == 0:
            trace = sample.input_trace
        else:  # the sum of input behind the unit's spikes; none where the sum is negative
            trace = np.where(sample.dropout.kept[layer], np.maximum(sample.received[layer], 0), 0)
        if self.settings.mask_negative_inputs:
            trace = np.where(trace > 0, trace, 0)
        return self.scaled(sample, layer, trace)

    def spike_rate(self, sample, layer):
        """eta / (g·T·c_T), rounded once; with a normalised step eta / (g·(T·c_T + T/c_T·|n|²)), n
        the traces of the layer below and c_T the bias trace at the end."""
        last = float(sample.last_bias_trace)
        square = sample.n_steps * last
        if self.settings.normalized_step:
            square += sample.n_steps / last * np.sum(sample.net[layer - 1].astype(np.float64) ** 2)
        return self.dtype.type(sample.rate / (self.settings.error_resolution * square))

    def update_column(self, sample, layer, unit, weight):
        delta = self.dtype.type(weight) * self.spike_rate(sample, layer)
        self.coefs[layer - 1][:, unit] -= self.trace(sample, layer - 1) * delta
        if self.intercepts is not None:
            self.intercepts[layer - 1][unit] -= sample.bias_trace * delta

    @property
    def keeps_gradients(self):
        """Whether sgd adds up the products of traces and errors of each time step.

        With a leak the traces at the end are not those that the errors met.
        """
        return self.settings.leak > 0 and self.settings.weight_update == "sgd" and self.settings.feedback == "step"

    def add_gradients(self, sample):
        """The errors of a time step meet its traces."""
        for layer in range(1, self.last + 1):
            errors = sample.error_counts[layer - 1]
            if not self.settings.is_event_driven:
                errors = errors + self.penalty(sample, layer)
            sample.gradients[layer - 1] += np.outer(self.trace(sample, layer - 1), errors)
            sample.bias_gradients[layer - 1] += sample.bias_trace * errors
            sample.error_counts[layer - 1] = np.zeros_like(errors)

    def learn_gradients(self, sample):
        for layer in range(1, self.last + 1):
            rate = self.spike_rate(sample, layer)
            self.coefs[layer - 1] -= sample.gradients[layer - 1] * rate
            if self.intercepts is not None:
                self.intercepts[layer - 1] -= sample.bias_gradients[layer - 1] * rate

    def update_at_end(self, sample):
        for layer in range(1, self.last + 1):
            errors = sample.error_counts[layer - 1]
            if not self.settings.is_event_driven:
                errors = errors + self.penalty(sample, layer)
            delta = errors * self.spike_rate(sample, layer)
            self.coefs[layer - 1] -= np.outer(self.trace(sample, layer - 1), delta)
            if self.intercepts is not None:
                self.intercepts[layer - 1] -= sample.bias_trace * delta

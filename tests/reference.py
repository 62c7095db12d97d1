"""The oracle: the algorithm of DESIGN.md, section 2, in plain NumPy, slow and obvious.

Built so far: networks of signed neurons on static input, error sent once a sample, sgd.

The network can be run in three ways that must agree. "event-driven" and "clock-driven" pass every spike along on its own
and know no formula for its count; "counting" is that formula. State is float64, which holds every sum on a dyadic grid
(weights, inputs and rates that are multiples of a power of two; powers of two for T and g) exactly. The core's float32
holds them exactly too while they are short enough, and then it must agree bit for bit. Off the grid, "counting" with
``dtype=np.float32`` rounds as the core says that it does: rows in index order, multiplied and added separately, the
bias last.
"""
from dataclasses import dataclass

import numpy as np

# --- Quantisers: a vector joins the potentials; out come spikes (unit, sign), largest |v| first.


def emit_spikes(potential, take_backs):
    """Spikes of all units past threshold, each reset by subtraction; of unit i at most `take_backs[i]` are -1."""
    assert np.abs(potential).max() < 2**14, "diverged: too many spikes to pass along one by one"
    queue = []
    for unit in np.flatnonzero((potential > 0.5) | (potential <= -0.5)):
        while potential[unit] > 0.5:
            queue.append((potential[unit], unit, +1))
            potential[unit] -= 1
        left = take_backs[unit]
        while potential[unit] <= -0.5 and left > 0:
            queue.append((-potential[unit], unit, -1))
            potential[unit] += 1
            left -= 1
    queue.sort(key=lambda entry: -entry[0])
    return [(unit, sign) for _, unit, sign in queue]


def signed_quantize(potential, vector):
    """A step of spiking stream quantisation; `potential` changes in place."""
    potential += vector
    return emit_spikes(potential, np.full(len(potential), np.inf))


def fire_signed_neurons(potential, count, vector):
    """As `signed_quantize`, but a unit only takes back spikes that it has sent: its net `count` stays at 0 or above."""
    potential += vector
    spikes = emit_spikes(potential, count)
    count += net_counts(spikes, len(count))
    return spikes


def net_counts(spikes, n_units):
    counts = np.zeros(n_units)
    for unit, sign in spikes:
        counts[unit] += sign
    return counts


def add_up(vectors):
    """Their sum, in order and in their own precision."""
    total = vectors[0]
    for vector in vectors[1:]:
        total = total + vector
    return total


def signed_count(total):
    """Net count of a signed quantiser whose input adds up to `total`."""
    return np.ceil(np.asarray(total, np.float64) - 0.5)  # in float32, nextafter(-0.5, 0) - 0.5 rounds to -1


# --- The error at the output.


def softmax(outputs):
    exponentials = np.exp(outputs - outputs.max())
    return exponentials / exponentials.sum()


def output_error(outputs, label, loss):
    """Gradient of `sample_loss` with respect to the outputs, before softmax."""
    target = np.eye(len(outputs))[label]
    return (softmax(outputs) if loss == "log_loss" else outputs) - target


def sample_loss(outputs, label, loss):
    if loss == "log_loss":
        return np.logaddexp.reduce(outputs) - outputs[label]
    return 0.5 * np.sum((outputs - np.eye(len(outputs))[label]) ** 2)


# --- The random generator, from the formulas in sk_dsn/_core/rng.pxd, in integers that cannot overflow.

WORD = 2**64


def hash_mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


def sample_key(seed, epoch, sample):
    key = hash_mix((seed + 0x9E3779B97F4A7C15) % WORD)
    return hash_mix((hash_mix((key + epoch) % WORD) + sample) % WORD)


def uniform(key, layer, unit):
    return (hash_mix((key + (layer << 32 | unit) * 0x9E3779B97F4A7C15) % WORD) >> 11) / 2**53


# --- The network.


@dataclass
class Dropout:
    """Lists by layer, input first, without the output: which units are kept; what outgoing weights are scaled by."""

    kept: list
    scale: list

    @classmethod
    def none(cls, n_units):
        return cls([np.full(n, True) for n in n_units[:-1]], [1.0] * (len(n_units) - 1))

    @classmethod
    def draw(cls, n_units, dropout, seed, epoch, sample):
        """What the core draws for the `sample`-th sample of an epoch."""
        key = sample_key(seed, epoch, sample)
        drawn = cls.none(n_units)
        for layer in range(1, len(n_units) - 1):
            drawn.kept[layer] = np.array([uniform(key, layer, unit) >= dropout for unit in range(n_units[layer])])
            drawn.scale[layer] = 1 / (1 - dropout)
        return drawn


@dataclass
class Activity:
    """What a sample did going up. Lists by layer, input first; rows of `counts` and `received` by time step, 0 first."""

    counts: list  # net counts (T + 1, n)
    spikes: list  # spikes and take-backs sent in each step (T,)
    received: list  # sum of input (T + 1, n); None for the input layer

    @property
    def outputs(self):
        """The network's output at steps 1 … T."""
        accumulated = self.received[-1][1:]
        steps = np.arange(1, len(accumulated) + 1, dtype=accumulated.dtype)
        return accumulated / steps[:, None]


class SpikingNetwork:
    """A network of signed neurons; `train` changes copies of what it is given.

    Parameters
    ----------
    coefs, intercepts, error_potentials : lists of ndarray, by layer above the input
        `intercepts` None: no biases. `error_potentials` None: zeros.
    simulation : {"event-driven", "clock-driven", "counting"}
    dtype : float64, or float32 with "counting"
    arrival : numpy Generator or None
        Shuffles the spikes that a layer receives in a step: no net count may depend on their order.
    """

    def __init__(
        self,
        coefs,
        intercepts=None,
        error_potentials=None,
        *,
        simulation="event-driven",
        dtype=np.float64,
        arrival=None,
    ):
        self.coefs = [np.array(c, dtype) for c in coefs]
        self.intercepts = None if intercepts is None else [np.array(b, dtype) for b in intercepts]
        if error_potentials is None:
            error_potentials = [np.zeros(c.shape[1]) for c in coefs]
        self.error_potentials = [np.array(v, dtype) for v in error_potentials]
        self.simulation = simulation
        self.dtype = np.dtype(dtype)
        self.arrival = arrival

    @property
    def n_units(self):
        return [len(self.coefs[0])] + [c.shape[1] for c in self.coefs]

    def bias(self, layer):
        n = self.n_units[layer + 1]
        return np.zeros(n, self.dtype) if self.intercepts is None else self.intercepts[layer]

    # Forward

    def forward(self, x, n_time_steps, dropout=None):
        dropout = dropout or Dropout.none(self.n_units)
        frames = np.broadcast_to(np.asarray(x, self.dtype), (n_time_steps, len(x)))
        run = self.forward_by_counts if self.simulation == "counting" else self.forward_by_spikes
        return run(frames, dropout)

    def forward_by_spikes(self, frames, dropout):
        n_units, last = self.n_units, len(self.coefs)
        potentials = [np.zeros(n) for n in n_units[:-1]]
        net = [np.zeros(n) for n in n_units[:-1]]
        sums = [None] + [np.zeros(n) for n in n_units[1:]]
        counts = [[c.copy()] for c in net]
        received = [None] + [[s.copy()] for s in sums[1:]]
        sent = [[] for _ in net]

        for frame in frames:
            spikes = signed_quantize(potentials[0], frame)
            net[0] += net_counts(spikes, n_units[0])
            for layer in range(1, last + 1):
                sent[layer - 1].append(len(spikes))
                counts[layer - 1].append(net[layer - 1].copy())

                def integrate(vector, layer=layer):
                    sums[layer] += vector
                    if layer == last:
                        return []
                    heard = np.where(dropout.kept[layer], vector, 0)
                    return fire_signed_neurons(potentials[layer], net[layer], heard)

                rows = dropout.scale[layer - 1] * self.coefs[layer - 1]
                arriving = [sign * rows[unit] for unit, sign in self.in_arrival_order(spikes)]
                spikes = self.integrate_all([*arriving, self.bias(layer - 1)], integrate)
                received[layer].append(sums[layer].copy())

        return Activity(
            [np.array(c) for c in counts],
            [np.array(s) for s in sent],
            [None] + [np.array(r) for r in received[1:]],
        )

    def in_arrival_order(self, spikes):
        return spikes if self.arrival is None else [spikes[k] for k in self.arrival.permutation(len(spikes))]

    def integrate_all(self, vectors, integrate):
        """Spikes of a layer that receives `vectors` within a step: thresholds checked after each, or after all."""
        if self.simulation == "event-driven":
            return [spike for vector in vectors for spike in integrate(vector)]
        return integrate(add_up(vectors))

    def forward_by_counts(self, frames, dropout):
        n_units = self.n_units
        counts = [np.zeros((len(frames) + 1, n)) for n in n_units[:-1]]
        received = [None] + [np.zeros((len(frames) + 1, n), self.dtype) for n in n_units[1:]]
        for t in range(1, len(frames) + 1):
            time = self.dtype.type(t)
            counts[0][t] = signed_count(time * frames[0])
            for layer, weights in enumerate(self.coefs, start=1):
                factors = (dropout.scale[layer - 1] * counts[layer - 1][t]).astype(self.dtype)
                rows = [factors[unit] * weights[unit] for unit in np.flatnonzero(factors)]
                received[layer][t] = add_up([*rows, time * self.bias(layer - 1)])
                if layer < len(self.coefs):
                    counts[layer][t] = np.maximum(0, signed_count(received[layer][t])) * dropout.kept[layer]
        spikes = [np.abs(np.diff(c, axis=0)).sum(axis=1) for c in counts]
        return Activity(counts, spikes, received)

    # Backward

    def backward(self, error, activity, dropout):
        """Net counts of the error spikes past the gate, by layer above the input."""
        last = len(self.coefs)
        error_counts = [None] * last
        arriving = [error]
        for layer in range(last, 0, -1):
            spikes = self.quantize_error(self.error_potentials[layer - 1], arriving)
            if layer < last:
                is_open = (activity.received[layer][-1] >= 0) & dropout.kept[layer]
                spikes = [(unit, sign) for unit, sign in spikes if is_open[unit]]
            error_counts[layer - 1] = net_counts(spikes, self.n_units[layer])
            # Dropped units below receive the error scaled like the others, and stop it at their gate.
            columns = (dropout.scale[layer - 1] * self.coefs[layer - 1].T).astype(self.dtype)
            arriving = [np.zeros(self.n_units[layer - 1], self.dtype)]
            arriving += [self.dtype.type(sign) * columns[unit] for unit, sign in self.in_arrival_order(spikes)]
        return error_counts

    def quantize_error(self, potential, vectors):
        """Error spikes (unit, sign); under "counting" one entry (unit, net count) stands for all of a unit."""
        if self.simulation != "counting":
            return self.integrate_all(vectors, lambda vector: signed_quantize(potential, vector))
        potential += add_up(vectors)
        counts = signed_count(potential)
        potential -= counts
        return [(unit, counts[unit]) for unit in np.flatnonzero(counts)]

    # Learning

    def train_sample(
        self,
        x,
        label,
        rate,
        *,
        n_time_steps,
        loss="squared_error",
        error_resolution=1,
        normalized_step=False,
        spike_penalty=0,
        dropout=None,
    ):
        """The loss of the sample as seen before its update."""
        dropout = dropout or Dropout.none(self.n_units)
        activity = self.forward(x, n_time_steps, dropout)
        outputs = activity.outputs[-1]
        error = n_time_steps * error_resolution * output_error(outputs, label, loss)
        errors = self.backward(error.astype(self.dtype), activity, dropout)

        rate = rate / (error_resolution * n_time_steps**2)
        for layer, error_counts in enumerate(errors, start=1):
            if layer < len(errors):
                error_counts = error_counts + error_resolution * spike_penalty * activity.counts[layer][-1]
            counts = activity.counts[layer - 1][-1]
            step = rate
            if normalized_step:
                step = rate / (1 + np.sum((counts / n_time_steps) ** 2))
            trace = dropout.scale[layer - 1] * counts
            self.coefs[layer - 1] -= (step * np.outer(trace, error_counts)).astype(self.dtype)
            if self.intercepts is not None:
                self.intercepts[layer - 1] -= (step * n_time_steps * error_counts).astype(self.dtype)
        return sample_loss(outputs, label, loss)

    def train(self, X, labels, order, *, rate_first, rate_last, dropout=0, seed=0, epoch=0, **settings):
        """One epoch; the mean loss."""
        losses = []
        for k, i in enumerate(order):
            rate = rate_first + (rate_last - rate_first) * k / len(order)
            drawn = Dropout.draw(self.n_units, dropout, seed, epoch, k) if dropout else None
            losses.append(self.train_sample(X[i], labels[i], rate, dropout=drawn, **settings))
        return np.mean(losses)

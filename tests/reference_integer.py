"""The oracle of networks in integers: docs/semantics.md, "Integer arithmetic" and part 2, in plain
Python, slow and obvious.

Numbers are Python's own integers, which never overflow. Recursion follows the order of the spikes:
`step` calls "Forward", which calls "Errors" where they are not held.
"""
import numpy as np


def integer_scale(learning_rate_init, n_time_steps):
    return int(np.float32(1 / float(np.float32(learning_rate_init)) * n_time_steps * n_time_steps))


def to_units(values, scale):
    """Truncated toward zero."""
    return [int(value) for value in np.float32(values).ravel() * scale]


class Quantizer:
    """Integrates vectors. It fires +1 while v > scale/2, and, if signed, -1 while v <= -scale/2."""

    def __init__(self, n, scale, *, signed):
        self.potential = [0] * n
        self.scale = scale
        self.signed = signed

    def take(self, vector):
        """Returns the spikes that the vector sets off, largest |v| first."""
        queue = []
        for unit, value in enumerate(vector):
            v = self.potential[unit] + value
            while 2 * v > self.scale:
                queue.append((v, unit, +1))
                v -= self.scale
            while self.signed and 2 * v <= -self.scale:
                queue.append((-v, unit, -1))
                v += self.scale
            self.potential[unit] = v
        queue.sort(key=lambda entry: -entry[0])
        return [(unit, sign) for _, unit, sign in queue]


class Record:
    """Spikes of a sample: of each layer, error spikes of each layer above the input, those past the
    gate, target spikes."""

    def __init__(self, n_layers):
        self.spikes = [0] * n_layers
        self.error_spikes = [0] * (n_layers - 1)
        self.passed = [0] * (n_layers - 1)
        self.target_spikes = 0


class IntegerNetwork:
    """Weights, inputs and targets are integers in units of 1/scale. `weights[l]` leads from layer l to
    layer l + 1."""

    def __init__(self, weights, scale, n_time_steps, *, depth_first=False, fractional=True, hold_error=True):
        self.weights = [[[int(value) for value in row] for row in layer] for layer in weights]
        self.sizes = [len(self.weights[0]), *(len(layer[0]) for layer in self.weights)]
        self.last = len(self.weights)
        self.scale = scale
        self.n_time_steps = n_time_steps
        self.depth_first, self.fractional, self.hold_error = depth_first, fractional, hold_error
        # Error potentials of each hidden layer are kept from sample to sample.
        self.errors = [Quantizer(n, scale, signed=True) for n in self.sizes[1:-1]]

    def frames(self, x):
        return [x] * self.n_time_steps if np.ndim(x) == 1 else x

    def predict(self, x):
        """The undivided sums of all input to the output units."""
        self.begin(learning=False)
        for frame in self.frames(x):
            self.sweep(self.input.take(frame))
        return self.received[self.last]

    def learn(self, x, target):
        self.begin(learning=True)
        targets = Quantizer(self.sizes[-1], self.scale, signed=True)
        for frame in self.frames(x):
            output_spikes = self.sweep(self.input.take(frame))
            if not self.hold_error and not self.depth_first:
                self.errors_down(self.last, output_spikes)
            target_spikes = targets.take([-value for value in target])
            self.record.target_spikes += len(target_spikes)
            if self.hold_error:
                self.hold(target_spikes)
                self.launch()
            elif self.depth_first:
                for spike in target_spikes:
                    self.errors_down(self.last, [spike])
            else:
                self.errors_down(self.last, target_spikes)
        if not self.fractional:
            for layer in range(1, self.last + 1):
                for unit, count in enumerate(self.error_counts[layer]):
                    self.update(layer, unit, count)
        return self.record

    def begin(self, learning):
        self.learning = learning
        self.record = Record(len(self.sizes))
        self.input = Quantizer(self.sizes[0], self.scale, signed=True)
        self.neurons = [None, *(Quantizer(n, self.scale, signed=False) for n in self.sizes[1:])]
        self.received = [[0] * n for n in self.sizes]
        self.traces = [[0] * n for n in self.sizes]
        self.error_counts = [[0] * n for n in self.sizes]
        self.held = [0] * self.sizes[-1]

    # Forward. The spikes of the layer below enter a layer.

    def sweep(self, spikes):
        """Returns the output's spikes."""
        if self.depth_first and self.learning:
            for spike in spikes:
                self.send_up(0, spike)
            return []
        self.record.spikes[0] += len(spikes)
        for layer in range(1, self.last + 1):
            for unit, sign in spikes:
                self.traces[layer - 1][unit] += sign
            spikes = [fired for spike in spikes for fired in self.receive(layer, spike)]
            self.record.spikes[layer] += len(spikes)
        if self.hold_error:
            self.hold(spikes)
        return spikes

    def send_up(self, layer, spike):
        unit, sign = spike
        self.record.spikes[layer] += 1
        if layer < self.last:
            for fired in self.receive(layer + 1, spike):
                self.send_up(layer + 1, fired)
            self.traces[layer][unit] += sign
        elif self.hold_error:
            self.hold([spike])
        else:
            self.errors_down(self.last, [spike])

    def receive(self, layer, spike):
        unit, sign = spike
        row = [sign * weight for weight in self.weights[layer - 1][unit]]
        for j, value in enumerate(row):
            self.received[layer][j] += value
        if layer == self.last and not self.learning:
            return []
        return self.neurons[layer].take(row)

    # Errors.

    def hold(self, spikes):
        for unit, sign in spikes:
            self.held[unit] += sign

    def launch(self):
        for unit, count in enumerate(self.held):
            for _ in range(abs(count)):
                self.errors_down(self.last, [(unit, 1 if count > 0 else -1)])
        self.held = [0] * self.sizes[-1]

    def errors_down(self, layer, spikes):
        self.record.error_spikes[layer - 1] += len(spikes)
        spikes = [(unit, sign) for unit, sign in spikes if self.received[layer][unit] >= 0]
        self.record.passed[layer - 1] += len(spikes)
        if self.depth_first:
            for unit, sign in spikes:
                self.learn_from(layer, unit, sign)
                for error in self.receive_error(layer, self.column(layer, unit, sign)):
                    self.errors_down(layer - 1, [error])
            return
        columns = [self.column(layer, unit, sign) for unit, sign in spikes]
        for unit, sign in spikes:
            self.learn_from(layer, unit, sign)
        errors = [error for column in columns for error in self.receive_error(layer, column)]
        if errors:
            self.errors_down(layer - 1, errors)

    def column(self, layer, unit, sign):
        return [sign * row[unit] for row in self.weights[layer - 1]]

    def receive_error(self, layer, column):
        return self.errors[layer - 2].take(column) if layer > 1 else []

    # Learning.

    def learn_from(self, layer, unit, sign):
        if self.fractional:
            self.update(layer, unit, sign)
        else:
            self.error_counts[layer][unit] += sign

    def update(self, layer, unit, count):
        for row, trace in zip(self.weights[layer - 1], self.traces[layer - 1], strict=True):
            row[unit] -= count * max(trace, 0)


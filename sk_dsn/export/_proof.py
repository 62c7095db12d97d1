"""How large sums in an exported network can get, from its weights, the number of time steps and the
range of its input.

The estimator adds in float32, which is exact on the grid below 2**24 steps; the C adds in int32. An
export is proved if no sum, not even one that is half added up, can reach 2**24.

A sum is bounded by the sum of its positive terms and by that of its negative ones, so bounds hold
for any order of adding. Two bounds of these are taken, the smaller one counts. Intervals: each unit
below fires as often as it can. Lines: the count of a unit that can both fire and be silent lies
below a line through its sum, max(0, s) + 1/2 <= u (s - l) / (u - l) + 1/2; so counts are replaced by
sums, layer by layer down to the input, where terms of opposite sign cancel.
"""
from typing import NamedTuple

import numpy as np

LIMIT = 2**24


class Bounds(NamedTuple):
    """Of each layer above the input the largest magnitude of a sum, in steps of its grid."""

    counted: list  # where all counts are added up once
    stepped: list  # where counts change from time step to time step
    any_order: list  # where they also change within a time step
    spikes: list  # of a unit of each layer, input first, over all time steps

    def of(self, simulation):
        return {"counting": self.counted, "clock-driven": self.stepped}.get(simulation, self.any_order)


def largest_sums(coefs, intercepts, steps, n_time_steps, lowest, highest, rectifying=False):
    """Bounds of a feed-forward network without leak, whose input units fire from `lowest` to
    `highest` spikes in a time step.

    The count of a rectifying neuron follows from the largest of its sums so far, each unit's at a
    time of its own: of such networks there are intervals alone.
    """
    coefs = [w.astype(np.float64) for w in coefs]
    intercepts = [b.astype(np.float64) for b in intercepts]
    n = coefs[0].shape[0]
    low, high = np.full(n, float(n_time_steps * lowest)), np.full(n, float(n_time_steps * highest))
    change = np.full(n, float(max(highest, -lowest)))
    lines = Lines(low, high, n_time_steps)
    bounds = Bounds([], [], [], [max(n_time_steps * highest, -n_time_steps * lowest)])
    for w, b, step in zip(coefs, intercepts, steps, strict=True):
        parts = [np.maximum(sign * w, 0) for sign in (1, -1)]
        by_intervals = [_positive(sign * w, low, high) + n_time_steps * np.maximum(sign * b, 0) for sign in (1, -1)]
        # The counts of input units have either sign, so of them the terms' signs are not the weights'.
        lined = lines.layers and not rectifying
        by_lines = [lines.largest(parts[0], b), lines.largest(parts[1], -b)] if lined else by_intervals
        counted = [np.minimum(a, c) for a, c in zip(by_intervals, by_lines, strict=True)]
        within = np.abs(w).T @ change + np.abs(b)
        stepped = [np.minimum(a, c + within) for a, c in zip(by_intervals, counted, strict=True)]
        for kind, sums in zip(bounds, (counted, stepped, by_intervals), strict=False):
            kind.append(int(np.ceil(max(s.max() for s in sums) / step)) + 1)
        low, high = np.zeros(len(b)), np.maximum(0, np.ceil(by_intervals[0] - 0.5))
        change = np.minimum(within + 1, high)
        bounds.spikes.append(int(high.max()))
        lines.add_layer(w, b)
    return bounds


def _positive(w, low, high):
    """The largest sum of the positive terms of counts @ w."""
    return np.maximum(np.maximum(w.T * low, w.T * high), 0).sum(axis=1)


def most_spikes(coefs, recurrent_coefs, intercepts, steps, input_spikes, n_biases, n_outputs_added):
    """How many spikes a hidden unit of a recurrent network may fire so that no sum reaches the limit;
    0 or less where even silence is too much. The C refuses to go on above it.

    Counts are those that a sum holds: of a time step with leak 1, of all of them without leak.
    Input units count `input_spikes` at most, biases `n_biases`, and an output is the sum of
    `n_outputs_added` of them.
    """
    most = np.inf
    for k, (w, b, step) in enumerate(zip(coefs, intercepts, steps, strict=True)):
        n_added = n_outputs_added if k == len(coefs) - 1 else 1
        fixed, per_spike = n_biases * np.abs(b, dtype=np.float64), np.zeros(len(b))
        if k == 0:
            fixed += input_spikes * np.abs(w, dtype=np.float64).sum(axis=0)
        else:
            per_spike += np.abs(w, dtype=np.float64).sum(axis=0)
        if k < len(recurrent_coefs):
            per_spike += np.abs(recurrent_coefs[k], dtype=np.float64).sum(axis=0)
        room = (LIMIT - 1) * step / n_added - fixed
        with np.errstate(divide="ignore"):
            ratios = np.where(per_spike > 0, room / np.where(per_spike > 0, per_spike, 1), np.where(room > 0, np.inf, 0))
        most = min(most, ratios.min())
    return int(min(most, 2**15 - 1))


class Lines:
    """Bounds of linear functions of a layer's counts, by lines through the layers below."""

    def __init__(self, low, high, n_time_steps):
        self.low, self.high = low, high
        self.n_time_steps = n_time_steps
        self.layers = []

    def add_layer(self, w, b):
        """A layer with these weights, which lie above those so far."""
        up, down = self.largest(w, b), -self.largest(-w, -b)
        both = (down < 0) & (up > 0)
        above = np.where(both, up / np.where(both, up - down, 1), (up > 0).astype(float))
        # Below: max(0, s - 1/2) <= count; of the lines 0 and s - 1/2 the one that is nearer.
        below = ((up > 0) & (up > -down)).astype(float)
        offset = np.where(up > 0, np.where(both, -above * down, 0) + 0.5, 0)
        self.layers.append((w, b, above, offset, below))

    def largest(self, w, b):
        """The largest values of counts @ w + t b over all time steps t."""
        constant = self.n_time_steps * np.maximum(b, 0)
        for weights, biases, above, offset, below in reversed(self.layers):
            positive = w > 0
            constant = constant + np.where(positive, w * offset[:, None], w * (-0.5 * below)[:, None]).sum(axis=0)
            w = np.where(positive, w * above[:, None], w * below[:, None])
            constant = constant + self.n_time_steps * np.maximum(biases @ w, 0)
            w = weights @ w
        return constant + np.maximum(w.T * self.low, w.T * self.high).sum(axis=1)

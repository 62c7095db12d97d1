"""to_c: a fitted network as C99.

How to read it: `to_c` checks and collects; `IntegerSource` proves a quantised network and says which
parts of the template `integer.c` it needs and with which numbers; `CNetwork` holds the files, saves
them, and runs them on this machine.
"""
import math
import re
import shutil
import tempfile
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from .._grid import MOST_BITS, quantized_state
from .._inputs import core_samples
from .._network import fitted_network
from .._sequences import Sequences, SparseStreams, is_stream, step_counts
from .._targets import Indicators, Labels
from ._proof import LIMIT, largest_sums, most_spikes
from ._templates import array_text, filled_template
from ._toolchain import load_library, object_sizes, write_files

WEIGHTS = {"int8": 8, "int16": 16, "float32": None}
LAYOUTS = ("files",)
MOST_UNITS = 2**16 - 1
# Samples, and time steps of a stream, in a known-answer test.
TESTED_SAMPLES, TESTED_STEPS = 2, 6


def to_c(estimator, folder=None, name="network", *, weights="int8", layout="files", n_time_steps=None):
    """A fitted network as C99 that computes what the estimator computes, bit for bit.

    The C has no dependency but `stdint.h`, allocates nothing and has no globals that change. Weights
    are constants; the state of a sample is a struct of the caller's.

    Parameters
    ----------
    estimator : estimator of sk_dsn
        Fitted; for integer weights one that `quantize` has made, with an `input_range`.
    folder : path-like, default=None
        Where to save the files; None saves nothing, see `CNetwork.save`.
    name : str, default="network"
        The files' name and the prefix of all C names: a C identifier in lower case.
    weights : {"int8", "int16", "float32"}, default="int8"
        The type of the weights. Integers take `leak` 0 or 1; float32 takes every network.
    layout : {"files"}, default="files"
        "files": NAME.h, NAME.c and NAME_test.c, the known-answer test.
    n_time_steps : int, default=None
        The most time steps of a sample, for the proof that no sum overflows. None is the estimator's
        `n_time_steps`.

    Returns
    -------
    network : CNetwork
        The files, and methods that run them on this machine.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is no estimator of sk_dsn.
    ValueError
        If its weights are not on a grid (see `quantize`), if C of this kind cannot compute what it
        computes, or if it cannot be proved that no sum overflows; the message says what to change.

    Notes
    -----
    In integers, sums of weights are whole numbers of steps of a layer's grid, and the threshold is
    half of 2**k steps. Rows of weights are added, or a row times a count; no scale is multiplied.
    The estimator's float32 sums are exact below 2**24 steps, so both agree bit for bit as long as
    no sum reaches that, which is proved from the weights, the time steps and the range of the input.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.export import to_c
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(n_time_steps=32, max_iter=10, random_state=0).fit(X / 16, y)
    >>> network = to_c(clf.quantize(bits=8, input_range=(0, 1)), name="digits")
    >>> sorted(network.files)
    ['digits.c', 'digits.h', 'digits_test.c']
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights must be one of {sorted(WEIGHTS)}, got {weights!r}.")
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {list(LAYOUTS)}, got {layout!r}.")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"name must be a C identifier of lower-case letters, digits and underscores, got {name!r}.")
    if n_time_steps is not None and (not isinstance(n_time_steps, Integral) or not 1 <= n_time_steps < LIMIT):
        raise ValueError(f"n_time_steps must be an integer from 1 to 2**24 - 1 or None, got {n_time_steps!r}.")
    network, _ = fitted_network(estimator)
    source = IntegerSource(network, name, weights, n_time_steps)
    exported = CNetwork(source)
    if folder is not None:
        exported.save(folder)
    return exported


class IntegerSource:
    """The C of a quantised network, and the arithmetic between it and real numbers."""

    sum_dtype = np.int32

    def __init__(self, network, name, weights, n_time_steps):
        self.network, self.name = network, name
        self.recurrent = bool(network.recurrent_coefs)
        dynamics = network.dynamics
        self.leak = dynamics.leak
        self.threshold = getattr(dynamics, "threshold", 1.0)
        self._check_dynamics(weights)
        grid = network.grid
        if grid is None:
            raise ValueError(
                f"weights={weights!r} takes a network on a grid, but this one is not quantised (or has been trained "
                "since): pass estimator.quantize(bits=8, input_range=(lowest, highest)), or weights='float32'."
            )
        if grid["input_range"] is None:
            raise ValueError(
                "The range of the input is not known, so it cannot be proved that no sum overflows; pass it to "
                "quantize, for instance quantize(bits, input_range=(X.min(), X.max()))."
            )
        self.steps = grid["steps"]
        self.coefs = [self._whole(w, step, "coefs_") for w, step in zip(network.coefs, self.steps, strict=True)]
        self.recurrent_coefs = [
            self._whole(w, step, "recurrent_coefs_") for w, step in zip(network.recurrent_coefs, self.steps, strict=False)
        ]
        self.intercepts = [
            self._whole(b, step * self.threshold, "intercepts_")
            for b, step in zip(network.intercepts, self.steps, strict=True)
        ]
        self._check_weights(weights)
        self.weight = {"int8": "int8_t", "int16": "int16_t"}[weights]
        self.n_hidden = sum(network.n_units[1:-1])
        self.forgets = self.leak == 1 and dynamics.readout == "last"
        self.adds_up = not (self.leak == 1 and self.forgets)  # over time steps: whether sums grow with them
        self.n_time_steps = self._time_steps(n_time_steps)
        self._set_input(grid)
        self.proof = self._prove(grid, weights)

    # Checks

    def _check_dynamics(self, weights):
        dynamics, network = self.network.dynamics, self.network
        wrong = None
        if self.leak not in (0, 1):
            wrong = f"leak={self.leak:g}: integers take leak 0 or 1. Pass weights='float32', or train with such a leak"
        elif dynamics.readout == "mean" and self.leak == 0:
            wrong = "readout='mean' with leak=0 divides at every time step; set readout='last', or pass weights='float32'"
        elif dynamics.neuron == "rectifying" and dynamics.is_event_driven:
            wrong = (
                f"simulation={dynamics.simulation!r} with rectifying neurons depends on the order of single spikes; set "
                "simulation='clock-driven'"
            )
        elif network.exit_margin is not None:
            wrong = "exit_margin ends samples early, which the C leaves to its caller; set exit_margin=None"
        elif max(network.n_units) > MOST_UNITS:
            wrong = f"a layer of {max(network.n_units)} units; layers may have {MOST_UNITS}"
        if wrong is not None:
            raise ValueError(f"weights={weights!r} cannot be exported with {wrong}.")

    def _whole(self, values, step, name):
        """Values as whole numbers of steps."""
        whole = np.asarray(values, dtype=np.float64) / step
        if not (np.isfinite(whole).all() and (whole == np.rint(whole)).all()):
            raise ValueError(
                f"{name} are no longer on the grid of the quantised estimator; call quantize again and export the result."
            )
        return whole.astype(np.int64)

    def _check_weights(self, weights):
        largest = 2 ** (WEIGHTS[weights] - 1) - 1
        for k, whole in enumerate([*self.coefs, *self.recurrent_coefs]):
            if np.abs(whole).max(initial=0) > largest:
                bits = int(np.abs(whole).max()).bit_length() + 1
                raise ValueError(
                    f"weights={weights!r} does not hold the {bits} bits of layer {k % len(self.coefs) + 1}; "
                    f"quantize(bits={WEIGHTS[weights]})" + (", or pass weights='int16'." if bits <= MOST_BITS else ".")
                )

    def _time_steps(self, n_time_steps):
        """The most time steps of a sample, or None where sums do not grow with them."""
        if n_time_steps is not None:
            return int(n_time_steps)
        if not self.recurrent:
            return self.network.n_time_steps
        if self.adds_up:
            raise ValueError(
                "The sums of this recurrent network grow with the time steps (leak=0 or readout='mean'); pass the most time "
                "steps of a sequence as n_time_steps."
            )
        return None

    def _set_input(self, grid):
        step, (low, high) = grid["input_step"], grid["input_range"]
        if step > self.threshold / 2:
            raise ValueError(
                f"input_step={step:g} is more than half a spike (threshold={self.threshold:g}); pass a smaller input_step to "
                "quantize."
            )
        self.input_one = round(1 / step)
        self.input_spike = round(self.threshold / step)
        self.input_low, self.input_high = round(low / step), round(high / step)
        self.fewest_spikes, self.most_spikes = math.floor(low / self.threshold), math.ceil(high / self.threshold)
        half = self.input_spike // 2
        self.potential_low = self.fewest_spikes * self.input_spike - half + 1
        self.potential_high = self.most_spikes * self.input_spike + half
        if max(-self.potential_low, self.potential_high) >= 2**31 - self.input_spike:
            raise ValueError("input_range has too many input_steps for 32 bits; pass a larger input_step to quantize.")

    # The proof

    def _bounds(self, coefs, intercepts, steps, n_time_steps):
        return largest_sums(
            coefs,
            intercepts,
            steps,
            n_time_steps,
            self.fewest_spikes,
            self.most_spikes,
            self.network.dynamics.neuron == "rectifying",
        )

    def _prove(self, grid, weights):
        n_steps = self.n_time_steps or 1
        input_sum = self.input_spike // 2 + self.input_spike * (
            (n_steps if self.leak == 0 else 1) * max(-self.fewest_spikes, self.most_spikes)
        )
        if input_sum >= LIMIT:
            raise ValueError(
                f"{n_steps} time steps of the input may add up to {input_sum} input steps, and 2**24 is the limit; pass a "
                "larger input_step or a narrower input_range to quantize, or set a smaller n_time_steps."
            )
        if self.recurrent:
            return self._prove_recurrent(input_sum)
        n_added = n_steps if self.adds_up else 1
        network, simulation = self.network, self.network.dynamics.simulation
        bounds = self._bounds(network.coefs, network.intercepts, self.steps, n_added)
        if max(bounds.of(simulation)) >= LIMIT or max(bounds.any_order) >= 2**31:
            self._refuse(bounds, simulation, weights, n_added)
        self.largest_spikes = max(bounds.spikes)
        lines = [
            f"Proof that no sum overflows, for inputs from {grid['input_range'][0]:g} to {grid['input_range'][1]:g} and "
            f"{n_added} time step{'s' if n_added > 1 else ''}:",
            f"  input    at most {input_sum} = 2^{math.log2(input_sum):.2f} input steps",
        ]
        for k, bound in enumerate(bounds.of(simulation)):
            lines.append(
                f"  layer {k + 1}  at most {bound} = 2^{math.log2(bound):.2f} steps of 2^{round(math.log2(self.steps[k]))}"
            )
        lines.append("The estimator's float32 counts steps exactly below 2^24, the C's int32 below 2^31.")
        return "\n".join(lines)

    def _refuse(self, bounds, simulation, weights, n_steps):
        worst = max(range(len(self.steps)), key=lambda k: bounds.of(simulation)[k])
        message = (
            f"It cannot be proved that no sum overflows: with {n_steps} time steps and inputs from "
            f"{self.network.grid['input_range'][0]:g} to {self.network.grid['input_range'][1]:g}, sums of layer "
            f"{worst + 1} may reach {bounds.of(simulation)[worst]} = 2^{math.log2(bounds.of(simulation)[worst]):.2f} steps "
            "of its grid, and float32 counts steps exactly below 2^24."
        )
        provable = self._most_bits(simulation, n_steps)
        fewer = int(n_steps * LIMIT / max(bounds.of(simulation)))
        while fewer > 0 and max(self._bounds(self.network.coefs, self.network.intercepts, self.steps, fewer).of(simulation)) >= LIMIT:
            fewer = fewer * 9 // 10
        remedies = []
        if provable:
            remedies.append(f"quantize(bits={provable}), the most bits that can be proved")
        if fewer:
            remedies.append(f"n_time_steps={fewer}")
        remedies.append("a narrower input_range")
        raise ValueError(f"{message} Remedies: {', or '.join(remedies)}.")

    def _most_bits(self, simulation, n_steps):
        """The most bits, the same in all layers, of which no overflow can be proved; 0 if none."""
        for bits in range(max(self.network.grid["bits"]) - 1, 1, -1):
            state = quantized_state(self.network.estimator, bits, None, None)
            bounds = self._bounds(state["coefs_"], state["intercepts_"], state["grid_"]["steps"], n_steps)
            if max(bounds.of(simulation)) < LIMIT:
                return bits
        return 0

    def _prove_recurrent(self, input_sum):
        network = self.network
        n_steps = self.n_time_steps or 1
        n_counted = n_steps if self.leak == 0 else 1
        n_outputs = n_steps if self.leak == 1 and not self.forgets else 1
        most = most_spikes(
            network.coefs,
            network.recurrent_coefs,
            [b / np.float64(self.threshold) for b in network.intercepts],
            self.steps,
            n_counted * max(-self.fewest_spikes, self.most_spikes),
            n_counted,
            n_outputs,
        )
        if most < 1:
            raise ValueError(
                "It cannot be proved that no sum overflows, even if no hidden unit fires twice: quantize to fewer bits, "
                "pass a narrower input_range, or (with leak=0 or readout='mean') fewer n_time_steps."
            )
        self.largest_spikes = most
        span = "sample" if self.leak == 0 else "time step"
        return (
            f"Proof that no sum overflows: no unit fires more than {most} spikes in a {span}. The C checks it: a step in\n"
            "which a unit would fire more returns OUT_OF_RANGE. Then all sums, even half added up, stay below 2^24 steps\n"
            f"of their layers' grids, and those of the input below {input_sum} input steps."
        )

    # The text

    def files(self):
        values, conditions = self._values(), self._conditions()
        return {
            f"{self.name}.h": filled_template("network.h", self.name, conditions, values),
            f"{self.name}.c": filled_template("integer.c", self.name, conditions, values),
            f"{self.name}_test.c": filled_template("known_answer.c", self.name, conditions, values | self._known_answers()),
        }

    def host_files(self):
        """The files of a library for this machine."""
        values, conditions = self._values(), self._conditions()
        return {
            f"{self.name}.h": filled_template("network.h", self.name, conditions, values),
            f"{self.name}.c": filled_template("integer.c", self.name, {*conditions, "instrumented"}, values),
            "host.c": filled_template("host.c", self.name, conditions, values),
        }

    def _conditions(self):
        dynamics, targets = self.network.dynamics, self.network.targets
        kind = "labels" if isinstance(targets, Labels) else "indicators" if isinstance(targets, Indicators) else "values"
        holding = {
            "integer": True,
            kind: True,
            "half": kind == "indicators" and targets.threshold == 0.5,
            "counts": self.leak == 0,
            "leak": self.leak == 1,
            "recurrent": self.recurrent,
            "rectifying": dynamics.neuron == "rectifying",
            "biases": any(b.any() for b in self.intercepts),
            "static": not self.recurrent,
            "counting": dynamics.neuron == "signed" and self.leak == 0,
            "forgets": self.forgets,
            "limited": self.adds_up,
            "steps": self.n_time_steps is not None,
        }
        return {condition for condition, holds in holding.items() if holds}

    def _values(self):
        network, targets = self.network, self.network.targets
        n_units = network.n_units
        bias = smallest_type(self.intercepts)
        output_one = round(1 / (self.steps[-1] * self.threshold))
        values = {
            "about": self.about(),
            "proof": "\n".join(f"   {line}" for line in self.proof.splitlines()).strip(),
            "n_inputs": n_units[0],
            "n_outputs": n_units[-1],
            "n_time_steps": self.n_time_steps,
            "weight_bytes": sum(w.size for w in [*self.coefs, *self.recurrent_coefs]) * int(self.weight[3:-2]) // 8
            + sum(b.size for b in self.intercepts) * int(bias[3:-2]) // 8,
            "input_one": self.input_one,
            "input_spike": self.input_spike,
            "input_low": parenthesised(self.input_low),
            "input_high": parenthesised(self.input_high),
            "potential_low": parenthesised(self.potential_low),
            "potential_high": parenthesised(self.potential_high),
            "output_one": output_one,
            "value": self.value_type,
            "sum": "int32_t",
            "count": "int16_t" if self.largest_spikes < 2**15 else "int32_t",
            "spikes": "int16_t",
            "potential": smallest_type([np.array([self.potential_low, self.potential_high])], fewest=16),
            "weight": self.weight,
            "bias": bias,
            "read_weight": f"SK_DSN_NET_READ_{self.weight[3:-2]}",
            "read_bias": f"SK_DSN_NET_READ_{bias[3:-2]}",
            "n_sums": sum(n_units[1:]),
            "n_hidden": self.n_hidden,
            "most_units": max(n_units[1:-1], default=1),
            "most_of": " in a sample" if self.leak == 0 else " in a time step",
            "n_layers": len(self.coefs),
            "first_output": self.n_hidden,
            "answer_scale": f"{self.name.upper()}_OUTPUT_ONE / ",
            "arrays": self._arrays(bias),
            "layers": self._layers(),
        }
        if isinstance(targets, Labels):
            values["classes"] = ", ".join(comment_text(c) for c in targets.classes)
        elif not isinstance(targets, Indicators):
            values |= {
                "target_scale": ", ".join(repr(float(s)) for s in targets.scale),
                "target_mean": ", ".join(repr(float(m)) for m in targets.mean),
            }
        return values

    def about(self):
        sizes = "-".join(map(str, self.network.n_units))
        kind = "recurrent spiking network" if self.recurrent else "spiking network"
        return f"{self.name}: a {kind} of {sizes} units, made by sk_dsn."

    def _arrays(self, bias):
        texts = []
        biased = any(b.any() for b in self.intercepts)
        for k, (w, b) in enumerate(zip(self.coefs, self.intercepts, strict=True), start=1):
            texts.append(array_text(self.weight, f"weights_{k}", whole_texts(w)))
            if k <= len(self.recurrent_coefs):
                texts.append(array_text(self.weight, f"recurrent_{k}", whole_texts(self.recurrent_coefs[k - 1])))
            if biased:
                texts.append(array_text(bias, f"biases_{k}", whole_texts(b)))
        return "\n".join(texts)

    def _layers(self):
        biased = any(b.any() for b in self.intercepts)
        lines = []
        for k, (w, step) in enumerate(zip(self.coefs, self.steps, strict=True), start=1):
            entries = [f"weights_{k}"]
            if self.recurrent:
                hidden = k <= len(self.recurrent_coefs)
                entries += [f"recurrent_{k}", str(self.largest_spikes)] if hidden else ["0", "0"]
            if biased:
                entries.append(f"biases_{k}")
            lines.append(f"    {{{', '.join([*entries, str(w.shape[1]), str(-round(math.log2(step)))])}}},")
        return "\n".join(lines)

    @property
    def value_type(self):
        return smallest_type([np.array([self.input_low, self.input_high])], fewest=16)

    @property
    def value_dtype(self):
        return np.dtype(self.value_type[:-2])

    # Between real numbers and those of the C

    def values_of(self, x):
        """Features on the grid as the C takes them."""
        return np.ascontiguousarray(np.rint(x * np.float64(self.input_one)), dtype=self.value_dtype)

    def answers(self, sums, divisors):
        """Answers of undivided sums."""
        scale = np.float32(self.steps[-1] * self.threshold)
        return sums.astype(np.float32) * scale / divisors.astype(np.float32)[..., np.newaxis]

    def undivided(self, answers, divisors):
        """The sums whose answers these are."""
        scale = self.steps[-1] * self.threshold
        return np.rint(answers.astype(np.float64) * divisors[..., np.newaxis] / scale).astype(np.int64)

    def divisors(self, n_steps):
        """Of time steps 1 … n_steps."""
        return np.ones(n_steps) if self.forgets else np.arange(1, n_steps + 1)

    def random_values(self, generator, shape):
        """Features on the grid, over all of its range."""
        low, high = self.input_low, self.input_high
        return (generator.integers(low, high, size=shape, endpoint=True) / self.input_one).astype(np.float32)

    # The known-answer test

    def _known_answers(self):
        network, generator = self.network, np.random.default_rng(0)
        n_steps = min(TESTED_STEPS, self.n_time_steps or TESTED_STEPS)
        stream = self.random_values(generator, (1, n_steps, network.n_units[0]))
        staged = network.staged_outputs(stream)[:, 0]
        values = {
            "n_tested": TESTED_SAMPLES,
            "n_tested_steps": n_steps,
            "stream_x": rows_text(self.values_of(stream[0])),
            "stream_sums": rows_text(self.undivided(staged, self.divisors(n_steps))),
        }
        if not self.recurrent:
            X = self.random_values(generator, (TESTED_SAMPLES, network.n_units[0]))
            divisor = np.full(TESTED_SAMPLES, self.divisors(self.n_time_steps)[-1])
            network = network._replace(n_time_steps=self.n_time_steps)
            values |= {
                "static_x": rows_text(self.values_of(X)),
                "static_sums": rows_text(self.undivided(network.outputs(X), divisor)),
            }
        return values


class CNetwork:
    """The C of a network: its files, and what they compute, compiled for this machine.

    Attributes
    ----------
    files : dict of str to str
        Names and texts of the files.
    proof : str
        The largest sums that can occur.
    """

    def __init__(self, source):
        self._source = source
        self._library = None
        self.files = source.files()
        self.proof = source.proof

    def save(self, folder):
        """Writes the files into a folder, which is made where it is missing."""
        write_files(self.files, folder)

    def decision_function(self, X):
        """The answers of the C, as the estimator's `decision_function`.

        The answers of a regressor are in units of `target_scale_`, as those of the network.
        """
        targets = self._source.network.targets
        answers = self._run(X)[0]
        return targets.decision(answers) if hasattr(targets, "decision") else answers

    def predict(self, X):
        """The predictions of the C, as the estimator's `predict`."""
        return self._source.network.targets.decode(self._run(X)[0])

    def output_sums(self, X, staged=False):
        """Accumulated outputs, undivided, as the C holds them.

        Parameters
        ----------
        X : array-like
            As of the estimator.
        staged : bool, default=False
            Whether after each time step, or after the last one.

        Returns
        -------
        sums : ndarray, shape (n_samples, n_outputs) or (n_time_steps, n_samples, n_outputs)
        """
        return self._run(X, staged)[1]

    def staged_answers(self, X):
        """Answers after each time step, shape (n_time_steps, n_samples, n_outputs)."""
        return self._run(X, staged=True)[0]

    def report(self, X=None, *, compiler=None, flags=("-Os",)):
        """Sizes on a processor, and additions of predictions.

        Parameters
        ----------
        X : array-like, default=None
            Samples whose additions are counted; None counts none.
        compiler : str, default=None
            A C compiler whose toolchain has a `size`; None is this machine's.
        flags : sequence of str, default=("-Os",)
            Flags of the compiler, for instance ("-mcpu=cortex-m4", "-mthumb", "-Os").

        Returns
        -------
        report : Bunch
            Bytes: `flash` (code and constants), `data` and `bss` (memory of globals, 0), `state`
            (the struct of a sample) and `stack` (all functions together, an upper bound; None where
            the compiler does not tell). With X `additions_mean` and `additions_largest`, of weights
            to sums in a prediction.
        """
        name = self._source.name
        sizes = object_sizes(self.files, f"{name}.c", f"{name}_state", f"{name}.h", compiler, tuple(flags))
        if X is not None:
            additions = self._run(X)[2]
            sizes |= {"additions_mean": float(additions.mean()), "additions_largest": int(additions.max())}
        return Bunch(**sizes)

    def __getstate__(self):
        return vars(self) | {"_library": None}

    def _run(self, X, staged=False):
        """Answers, undivided sums and the additions of each sample."""
        source = self._source
        X = source.network.check_input(X)
        if self._library is None:
            self._library = load_library(source.host_files(), "host.c")
        run = self._run_streams if is_stream(X) else self._run_static
        return run(X, staged)

    def _run_static(self, X, staged):
        source, network = self._source, self._source.network
        last = source.n_time_steps
        first = 1 if staged else last
        X = X.toarray() if hasattr(X, "toarray") else X
        x = source.values_of(X)
        sums = np.empty((last - first + 1, len(x), network.n_units[-1]), dtype=source.sum_dtype)
        divisors = np.empty(sums.shape[:2], dtype=np.float32)
        additions = np.zeros(len(x), dtype=np.int64)
        failed = self._library.host_static(
            x.ctypes, len(x), first, last, sums.ctypes, divisors.ctypes, additions.ctypes
        )
        _check_range(failed)
        answers = source.answers(sums, divisors)
        return (answers, sums, additions) if staged else (answers[0], sums[0], additions)

    def _run_streams(self, X, staged):
        source, n_outputs = self._source, self._source.network.n_units[-1]
        lengths, most = step_counts(X), source.n_time_steps if source.adds_up else None
        if most is not None and lengths.max(initial=0) > most:
            raise ValueError(
                f"X has samples of {lengths.max()} time steps, but the C is proved for {most}; pass n_time_steps="
                f"{lengths.max()} to to_c."
            )
        sums = np.empty((X.shape[1], len(lengths), n_outputs), dtype=source.sum_dtype)
        divisors = np.empty(sums.shape[:2], dtype=np.float32)
        additions = np.zeros(len(lengths), dtype=np.int64)
        for k, length in enumerate(lengths):
            x = source.values_of(_dense_sample(X, k)[:length])
            out = np.empty((length, n_outputs), dtype=source.sum_dtype)
            divisor = np.empty(length, dtype=np.float32)
            _check_range(
                self._library.host_stream(
                    x.ctypes, int(length), out.ctypes, divisor.ctypes, additions[k : k + 1].ctypes
                )
            )
            sums[:length, k], divisors[:length, k] = out, divisor
            sums[length:, k], divisors[length:, k] = out[-1], divisor[-1]
        answers = source.answers(sums, divisors)
        return (answers, sums, additions) if staged else (answers[-1], sums[-1], additions)


def _dense_sample(X, k):
    """The vectors of a sample of checked streams."""
    if isinstance(X, SparseStreams):
        return X.csr[k].toarray().reshape(X.shape[1:])
    if isinstance(X, Sequences):
        return X.frames[X.starts[k] : X.starts[k] + X.lengths[k]]
    return X[k]


def _check_range(failed):
    if failed:
        raise ValueError(
            "The C refused a sample: a unit would have fired more spikes than its proof allows. Scale the features as in "
            "training, or quantize to fewer bits, which allows more spikes."
        )


def smallest_type(arrays, fewest=8):
    """The smallest signed type that holds all values of arrays of integers."""
    largest = max((int(np.abs(a).max(initial=0)) for a in arrays), default=0)
    bits = next(bits for bits in (8, 16, 32, 64) if bits >= fewest and largest < 2 ** (bits - 1))
    return f"int{bits}_t"


def whole_texts(array):
    return [str(int(v)) for v in array.ravel()]


def parenthesised(number):
    return f"({number})" if number < 0 else str(number)


def rows_text(array):
    """Rows of an initialiser."""
    return ",\n".join(f"    {{{', '.join(map(str, row))}}}" for row in array.tolist())


def comment_text(value):
    """A value as text that ends no comment."""
    return str(value).replace("*/", "* /").replace("\n", " ")

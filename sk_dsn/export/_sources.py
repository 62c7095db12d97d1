"""Networks as C text: what a kind of network needs of the templates, and with which numbers.

How to read it: `Source` is what all kinds share; `IntegerSource` proves that a quantised network
cannot overflow, `FloatSource` repeats float32. Both say how real numbers and those of the C go
together.
"""
import math

import numpy as np

from .._grid import MOST_BITS, quantized_state
from .._targets import Indicators, Labels
from ._proof import LIMIT, largest_sums, most_spikes
from ._templates import array_text, filled_template

INTEGER_BITS = {"int8": 8, "int16": 16}
MOST_UNITS = 2**16 - 1
# Samples, and time steps of a stream, in a known-answer test.
TESTED_SAMPLES, TESTED_STEPS = 2, 6


class Source:
    """The C of a network, and the arithmetic between it and real numbers.

    A kind of C sets `template`, the types of its numbers, `n_time_steps` (of a sample at most, or
    None), `proof`, and what the abstract methods say.
    """

    def __init__(self, network, name):
        self.network, self.name = network, name
        self.recurrent = bool(network.recurrent_coefs)
        self.leak = network.dynamics.leak
        self.threshold = getattr(network.dynamics, "threshold", 1.0)
        self.n_hidden = sum(network.n_units[1:-1])
        self.biased = any(np.any(b) for b in network.intercepts)

    def refuse(self, weights, wrong):
        raise ValueError(f"weights={weights!r} cannot be exported with {wrong}.")

    def check_common(self, weights):
        if self.network.exit_margin is not None:
            self.refuse(weights, "exit_margin, as the C leaves it to its caller when a sample ends; set exit_margin=None")
        if max(self.network.n_units) > MOST_UNITS:
            self.refuse(weights, f"a layer of {max(self.network.n_units)} units; layers may have {MOST_UNITS}")

    # The text

    def files(self):
        values, conditions = self.values(), self.conditions()
        return {
            f"{self.name}.h": filled_template("network.h", self.name, conditions, values),
            f"{self.name}.c": filled_template(self.template, self.name, conditions, values),
            f"{self.name}_test.c": filled_template("known_answer.c", self.name, conditions, values | self.known_answers()),
        }

    def host_files(self):
        """The files of a library for this machine, which counts additions."""
        values, conditions = self.values(), self.conditions()
        return {
            f"{self.name}.h": filled_template("network.h", self.name, conditions, values),
            f"{self.name}.c": filled_template(self.template, self.name, {*conditions, "instrumented"}, values),
            "host.c": filled_template("host.c", self.name, conditions, values),
        }

    def conditions(self):
        """The names that hold in the templates."""
        targets = self.network.targets
        kind = "labels" if isinstance(targets, Labels) else "indicators" if isinstance(targets, Indicators) else "values"
        holding = {
            kind: True,
            "half": kind == "indicators" and targets.threshold == 0.5,
            "recurrent": self.recurrent,
            "static": not self.recurrent,
            "rectifying": self.network.dynamics.neuron == "rectifying",
            "biases": self.biased,
            "steps": self.n_time_steps is not None,
            **self.own_conditions(),
        }
        return {condition for condition, holds in holding.items() if holds}

    def values(self):
        """The texts of the placeholders."""
        network, targets = self.network, self.network.targets
        n_units = network.n_units
        sizes = "-".join(map(str, n_units))
        values = {
            "about": f"{self.name}: a {'recurrent ' * self.recurrent}spiking network of {sizes} units, made by sk_dsn.",
            "n_inputs": n_units[0],
            "n_outputs": n_units[-1],
            "n_time_steps": self.n_time_steps,
            "n_sums": sum(n_units[1:]),
            "n_hidden": self.n_hidden,
            "n_layers": len(network.coefs),
            "first_output": self.n_hidden,
            "leaky": "" if self.leak == 0 else ", times 1 - leak at each step",
            **self.own_values(),
        }
        if isinstance(targets, Labels):
            values["classes"] = ", ".join(comment_text(c) for c in targets.classes)
        elif not isinstance(targets, Indicators):
            values |= {
                "target_scale": ", ".join(repr(float(s)) for s in targets.scale),
                "target_mean": ", ".join(repr(float(m)) for m in targets.mean),
            }
        return values

    def arrays(self, weights, recurrent, biases):
        """Definitions of all constants; each argument is a type, a function from an array to the texts
        of its numbers, and a list of arrays."""
        kind, texts, coefs = weights
        lines = []
        for k, w in enumerate(coefs, start=1):
            lines.append(array_text(kind, f"weights_{k}", texts(w)))
            if k <= len(recurrent[2]):
                lines.append(array_text(kind, f"recurrent_{k}", texts(recurrent[2][k - 1])))
            if self.biased:
                lines.append(array_text(biases[0], f"biases_{k}", biases[1](biases[2][k - 1])))
        return "\n".join(lines)

    def known_answers(self):
        """The inputs and the answers of the known-answer test."""
        network, generator = self.network, np.random.default_rng(0)
        n_steps = min(TESTED_STEPS, self.n_time_steps or TESTED_STEPS)
        stream = self.random_input(generator, (1, n_steps, network.n_units[0]))
        values = {
            "n_tested": TESTED_SAMPLES,
            "n_tested_steps": n_steps,
            "stream_x": rows_text(self.values_of(stream[0])),
            "stream_answers": rows_text(self.tested(network.staged_outputs(stream)[:, 0], n_steps)),
        }
        if not self.recurrent:
            X = self.random_input(generator, (TESTED_SAMPLES, network.n_units[0]))
            outputs = network._replace(n_time_steps=self.n_time_steps).outputs(X)
            values |= {
                "static_x": rows_text(self.values_of(X)),
                "static_answers": rows_text(self.tested(outputs, self.n_time_steps, last=True)),
            }
        return values


class IntegerSource(Source):
    """The C of a quantised network in integers."""

    template = "integer.c"
    sum_dtype = np.int32

    def __init__(self, network, name, weights, n_time_steps, scaling=None):
        super().__init__(network, name)
        dynamics = network.dynamics
        self.check_common(weights)
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
        self.forgets = self.leak == 1 and dynamics.readout == "last"
        self.adds_up = not self.forgets  # whether sums grow with the time steps
        self.n_time_steps = self._time_steps(n_time_steps)
        self._set_input(grid, scaling)
        self.proof = self._prove(grid, weights)

    # Checks

    def _check_dynamics(self, weights):
        dynamics = self.network.dynamics
        if self.leak not in (0, 1):
            self.refuse(weights, f"leak={self.leak:g}, only with leak 0 or 1; pass weights='float32'")
        if dynamics.readout == "mean" and self.leak == 0:
            self.refuse(
                weights,
                "readout='mean' and leak=0, which divide at every time step; set readout='last', or pass weights='float32'",
            )
        if dynamics.neuron == "rectifying" and dynamics.is_event_driven:
            self.refuse(
                weights,
                f"simulation={dynamics.simulation!r} and rectifying neurons, whose spikes depend on the order of single "
                "spikes; set simulation='clock-driven'",
            )

    def _whole(self, values, step, name):
        """Values as whole numbers of steps."""
        whole = np.asarray(values, dtype=np.float64) / step
        if not (np.isfinite(whole).all() and (whole == np.rint(whole)).all()):
            raise ValueError(
                f"{name} are no longer on the grid of the quantised estimator; call quantize again and export the result."
            )
        return whole.astype(np.int64)

    def _check_weights(self, weights):
        largest = 2 ** (INTEGER_BITS[weights] - 1) - 1
        for k, whole in enumerate([*self.coefs, *self.recurrent_coefs]):
            if np.abs(whole).max(initial=0) > largest:
                bits = int(np.abs(whole).max()).bit_length() + 1
                raise ValueError(
                    f"weights={weights!r} does not hold the {bits} bits of layer {k % len(self.coefs) + 1}; "
                    f"quantize(bits={INTEGER_BITS[weights]})" + (", or pass weights='int16'." if bits <= MOST_BITS else ".")
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

    def _set_input(self, grid, scaling):
        step, (low, high) = grid["input_step"], grid["input_range"]
        if step > self.threshold / 2:
            raise ValueError(
                f"input_step={step:g} is more than half a spike (threshold={self.threshold:g}); pass a smaller input_step "
                "to quantize."
            )
        self.grid_one = round(1 / step)
        self.input_spike = round(self.threshold / step)
        self.grid_low, self.grid_high = round(low / step), round(high / step)
        self.fewest_spikes, self.most_spikes = math.floor(low / self.threshold), math.ceil(high / self.threshold)
        half = self.input_spike // 2
        self.potential_low = self.fewest_spikes * self.input_spike - half + 1
        self.potential_high = self.most_spikes * self.input_spike + half
        if max(-self.potential_low, self.potential_high) >= 2**31 - self.input_spike:
            raise ValueError("input_range has too many input_steps for 32 bits; pass a larger input_step to quantize.")
        n_inputs = self.network.n_units[0]
        if scaling is None:
            self.input_one, self.shifts, self.offsets = self.grid_one, *np.zeros((2, n_inputs), dtype=np.int64)
        else:
            self.input_one, self.shifts, self.offsets = scaling.on_grid(step, low, high)
        self.input_low = int(((self.grid_low - self.offsets) >> self.shifts).min())
        self.input_high = int(-((self.offsets - self.grid_high) >> self.shifts).min())
        if max(-self.input_low, self.input_high) << int(self.shifts.max()) >= 2**30:
            raise ValueError("The scales of features are too different for 32 bits; scale them more alike.")

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
        sums = bounds.of(simulation)
        worst = max(range(len(sums)), key=sums.__getitem__)
        low, high = self.network.grid["input_range"]
        remedies = ["pass a narrower input_range to quantize"]
        fewer = self._most_time_steps(simulation, n_steps)
        if fewer:
            remedies.insert(0, f"set n_time_steps={fewer}")
        bits = self._most_bits(simulation, n_steps)
        if bits:
            remedies.insert(0, f"quantize(bits={bits}), the most bits that can be proved")
        raise ValueError(
            f"It cannot be proved that no sum overflows: with {n_steps} time steps and inputs from {low:g} to {high:g}, "
            f"sums of layer {worst + 1} may reach {sums[worst]} = 2^{math.log2(sums[worst]):.2f} steps of its grid, and "
            f"float32 counts steps exactly below 2^24. Remedies: {'; or '.join(remedies)}."
        )

    def _most_time_steps(self, simulation, n_steps):
        """The most time steps, about, of which no overflow can be proved; 0 if none."""
        network = self.network
        while n_steps:
            n_steps = n_steps * 7 // 8
            bounds = self._bounds(network.coefs, network.intercepts, self.steps, n_steps)
            if max(bounds.of(simulation)) < LIMIT:
                break
        return n_steps

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

    def own_conditions(self):
        return {
            "integer": True,
            "counts": self.leak == 0,
            "leak": self.leak == 1,
            "counting": self.network.dynamics.neuron == "signed" and self.leak == 0,
            "forgets": self.forgets,
            "limited": self.adds_up,
            "shifts": self.shifts.any(),
            "offsets": self.offsets.any(),
        }

    def own_values(self):
        network = self.network
        bias = smallest_type(self.intercepts)
        offset = smallest_type([self.offsets])
        value = smallest_type([np.array([self.input_low, self.input_high])], fewest=16)
        # The state holds potentials without the offsets of the present time step.
        potentials = [self.potential_low - self.offsets, self.potential_high - self.offsets]
        self.value_dtype = np.dtype(value[:-2])
        weight_bits, bias_bits = (int(kind[3:-2]) for kind in (self.weight, bias))
        n_biases = sum(b.size for b in self.intercepts) if self.biased else 0
        return {
            "proof": "\n".join(f"   {line}" for line in self.proof.splitlines()).strip(),
            "weight_bytes": (network.n_weights * weight_bits + n_biases * bias_bits) // 8,
            "input_one": self.input_one,
            "input_spike": self.input_spike,
            "input_low": parenthesised(self.input_low),
            "input_high": parenthesised(self.input_high),
            "potential_low": parenthesised(self.potential_low),
            "potential_high": parenthesised(self.potential_high),
            "output_one": round(1 / (self.steps[-1] * self.threshold)),
            "value": value,
            "sum": "int32_t",
            "divisor": "uint32_t",
            "count": "int16_t" if self.largest_spikes < 2**15 else "int32_t",
            "factor": "int16_t" if self.largest_spikes < 2**15 else "int32_t",
            "spikes": "int16_t",
            "grid_low": parenthesised(self.grid_low),
            "grid_high": parenthesised(self.grid_high),
            "shifts": array_text("int8_t", "input_shift", whole_texts(self.shifts)),
            "offsets": array_text(offset, "input_offset", whole_texts(self.offsets)),
            "read_offset": f"SK_DSN_NET_READ_{offset[3:-2]}",
            "potential": smallest_type(potentials, fewest=16),
            "input_holds": "potentials of the input units",
            "weight": self.weight,
            "bias": bias,
            "read_weight": f"SK_DSN_NET_READ_{weight_bits}",
            "read_bias": f"SK_DSN_NET_READ_{bias_bits}",
            "n_fired": max(network.n_units[1:-1], default=1),
            "most_of": " in a sample" if self.leak == 0 else " in a time step",
            "answer_scale": f"{self.name.upper()}_OUTPUT_ONE / ",
            "arrays": self.arrays(
                (self.weight, whole_texts, self.coefs),
                (self.weight, whole_texts, self.recurrent_coefs),
                (bias, whole_texts, self.intercepts),
            ),
            "layers": self._layers(),
        }

    def _layers(self):
        lines = []
        for k, (w, step) in enumerate(zip(self.coefs, self.steps, strict=True), start=1):
            entries = [f"weights_{k}"]
            if self.recurrent:
                hidden = k <= len(self.recurrent_coefs)
                entries += [f"recurrent_{k}", str(self.largest_spikes)] if hidden else ["0", "0"]
            if self.biased:
                entries.append(f"biases_{k}")
            lines.append(f"    {{{', '.join([*entries, str(w.shape[1]), str(-round(math.log2(step)))])}}},")
        return "\n".join(lines)

    # Between real numbers and those of the C

    def values_of(self, x):
        """Scaled features on the grid as the C takes them."""
        whole = np.rint(x * np.float64(self.grid_one)).astype(np.int64) - self.offsets
        values = whole >> self.shifts
        rest = whole - (values << self.shifts)
        # The C puts values beyond the range back to its ends.
        at_top = whole == self.grid_high - self.offsets
        off_grid = (rest != 0) & ~at_top & (whole != self.grid_low - self.offsets)
        if off_grid.any():
            raise ValueError(
                f"Feature {np.nonzero(off_grid)[-1][0]} of X is not a multiple of 1/{self.input_one}, as the C takes "
                "features; round X, or quantize with a smaller input_step."
            )
        return np.ascontiguousarray(values + ((rest != 0) & at_top), dtype=self.value_dtype)

    def answers(self, sums, divisors):
        """Answers of undivided sums."""
        scale = np.float32(self.steps[-1] * self.threshold)
        return sums.astype(np.float32) * scale / divisors.astype(np.float32)[..., np.newaxis]

    def tested(self, answers, n_steps, last=False):
        """The undivided sums of answers at time steps 1 … n_steps, or at the last one."""
        divisors = np.ones(n_steps) if self.forgets else np.arange(1, n_steps + 1)
        divisors = divisors[-1] if last else divisors[:, np.newaxis]
        return np.rint(answers.astype(np.float64) * divisors / (self.steps[-1] * self.threshold)).astype(np.int64)

    def random_input(self, generator, shape):
        """Scaled features that the C can have, over all of the range."""
        low, high = self.grid_low, self.grid_high
        values = (generator.integers(low, high, size=shape, endpoint=True) - self.offsets) >> self.shifts
        return (np.clip((values << self.shifts) + self.offsets, low, high) / self.grid_one).astype(np.float32)


class FloatSource(Source):
    """The C of a network in float32: the same operations in the same order."""

    template = "float.c"
    sum_dtype = value_dtype = np.dtype(np.float32)
    adds_up = False
    proof = "Sums are float32: nothing overflows, and nothing is proved."

    def __init__(self, network, name, n_time_steps):
        super().__init__(network, name)
        dynamics = network.dynamics
        self.check_common("float32")
        if dynamics.is_event_driven:
            self.refuse(
                "float32",
                f"simulation={dynamics.simulation!r}, where the order of single spikes changes how sums are rounded; set "
                "simulation='clock-driven'",
            )
        if network.grid is not None:
            self.refuse("float32", "a quantised estimator; export the one that quantize was called of")
        self.n_time_steps = None if self.recurrent else n_time_steps or network.n_time_steps
        self.stepped = not self.recurrent and dynamics.simulation == "clock-driven"
        self.mean = dynamics.readout == "mean"
        # With signed neurons and no leak, potentials of input units follow from sums of input.
        self.sums_input = self.recurrent or (self.stepped and dynamics.neuron == "signed" and self.leak == 0)

    def own_conditions(self):
        return {
            "counts": self.stepped or self.recurrent,
            "stepped": self.stepped,
            "counting": not self.stepped and not self.recurrent,
            "leaky": self.recurrent or self.leak > 0,
            "input_counts": self.sums_input,
            "input_potentials": self.stepped and not self.sums_input,
            "mean": self.mean,
            "one_sided": self.recurrent and self.network.dynamics.neuron == "signed",
        }

    def own_values(self):
        network = self.network
        n_biases = sum(b.size for b in network.intercepts) if self.biased else 0
        # In units of the threshold, as all state of a recurrent network.
        biases = [(np.float32(1 / self.threshold) * b).astype(np.float32) for b in network.intercepts]
        # Recurrent networks subtract in double precision.
        keep = np.float32(1.0 - self.leak) if self.recurrent else np.float32(1) - np.float32(self.leak)
        holds_sums = self.sums_input or not self.stepped
        return {
            "weight_bytes": 4 * (network.n_weights + n_biases),
            "value": "float",
            "sum": "float",
            "divisor": "float",
            "count": "float",
            "spikes": "float",
            "potential": "float",
            "input_holds": "sums of input of the input units" if holds_sums else "potentials of the input units",
            "n_fired": self.n_hidden,
            "answer_scale": "",
            "keep": float_text(keep),
            "threshold": float_text(np.float32(self.threshold)),
            "by_threshold": " / THRESHOLD" if self.recurrent else "",
            "label_threshold": float_text(np.float32(getattr(network.targets, "threshold", 0))),
            "arrays": self.arrays(
                ("float", float_texts, network.coefs),
                ("float", float_texts, network.recurrent_coefs),
                ("float", float_texts, biases),
            ),
            "layers": "\n".join(
                f"    {{{', '.join(self._entries(k))}, {w.shape[1]}}}," for k, w in enumerate(network.coefs, start=1)
            ),
        }

    def _entries(self, k):
        recurrent = [f"recurrent_{k}" if k <= len(self.network.recurrent_coefs) else "0"] if self.recurrent else []
        return [f"weights_{k}", *recurrent, *([f"biases_{k}"] if self.biased else [])]

    # Between real numbers and those of the C

    def values_of(self, x):
        return np.ascontiguousarray(x, dtype=np.float32)

    def answers(self, sums, divisors):
        return sums / divisors[..., np.newaxis]

    def tested(self, answers, n_steps, last=False):
        return [[float_text(a) for a in row] for row in answers]

    def random_input(self, generator, shape):
        return generator.random(shape, dtype=np.float32)


def smallest_type(arrays, fewest=8):
    """The smallest signed type that holds all values of arrays of integers."""
    largest = max((int(np.abs(a).max(initial=0)) for a in arrays), default=0)
    bits = next(bits for bits in (8, 16, 32, 64) if bits >= fewest and largest < 2 ** (bits - 1))
    return f"int{bits}_t"


def whole_texts(array):
    return [str(int(v)) for v in array.ravel()]


def parenthesised(number):
    return f"({number})" if number < 0 else str(number)


def float_text(value):
    """The shortest text of a float32 that reads as the same."""
    return f"{np.format_float_scientific(np.float32(value), unique=True)}f"


def float_texts(array):
    return [float_text(v) for v in np.asarray(array, dtype=np.float32).ravel()]


def rows_text(rows):
    """Rows of an initialiser."""
    return ",\n".join(f"    {{{', '.join(v if isinstance(v, str) else number_text(v) for v in row)}}}" for row in rows)


def number_text(value):
    return float_text(value) if isinstance(value, np.floating) else str(int(value))


def comment_text(value):
    """A value as text that ends no comment."""
    return str(value).replace("*/", "* /").replace("\n", " ")

"""Shared by the tests of the core: problems, and one way to build, train and run a network.

Tests describe a network by *flat parameters*: the estimators' parameters and those of the learning
rule side by side, as keywords. The functions here sort them into arguments of the core, the oracle
and the estimators. Tests construct objects of the core and call its functions only through this
file. It has five sections:

- Problems: `Problem`, `dyadic_problem`, `real_problem`, `twin_problem`.
- The boundary to the core: `make_network`, `make_learner` and the functions below them.
- Above the boundary: `Predictor` runs a network, `Core` trains one, `Oracle` is the slow version.
- Estimators: `estimator_parameters`, `settings_of`, `is_refused`.
- Choosing tests: `parametrize_product`.
"""
import itertools
import math
import random
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pytest

from reference import Settings, SpikingNetwork
from sk_dsn import PAPER_SETTINGS, SpikingBackprop, SpikingMLPClassifier
from sk_dsn._core.kernels.dispatch import instruction_sets
from sk_dsn._core.learn.epoch import epoch_order, train_epoch
from sk_dsn._core.learn.learner import Learner
from sk_dsn._core.network import Network, padded_copy
from sk_dsn._core.settings import Loss, Neuron, Reset, Simulation
from sk_dsn._core.simulate.outputs import outputs
from sk_dsn._core.simulate.spikes import spike_counts
from sk_dsn._parameters import LOSSES, choose_simulation, refusals, rule_of
from sk_dsn._parameters import core_settings as estimator_settings

__all__ = ["epoch_order", "instruction_sets", "outputs", "padded_copy", "spike_counts", "train_epoch"]  # of the core

# Flat parameters of a network where a test does not say otherwise. They are dyadic, so that float32
# is exact.
PARAMETERS = {
    "n_time_steps": 4,
    "loss": "squared_error",
    "error_resolution": 2,
    "learning_rate_init": 1 / 128,
    "normalized_step": False,
}
SIMULATIONS = ["counting", "clock-driven", "event-driven", "event-driven-depth-first"]
STEPPED = SIMULATIONS[1:]  # the simulations that step through time
LEARNING = [
    {"feedback": "sample", "weight_update": "sgd"},
    {"feedback": "step", "weight_update": "sgd"},
    {"feedback": "step", "weight_update": "fractional"},
]
ERRORS = [
    {"loss": "squared_error", "output_activation": "linear"},
    {"loss": "squared_error", "output_activation": "rectifying"},
    {"loss": "log_loss", "output_activation": "linear"},
]

# Layer sizes on both sides of every vector length and of a block of vectors, with no hidden layer
# to three.
NARROW = [(3, 4), (17, 1), (1, 1, 1), (10, 33, 3)]
ARCHITECTURES = [*NARROW, (33, 200, 10), (200, 17, 10), (2, 256, 3), (2, 300, 3), (2, 530, 3), (17, 10, 33, 10, 3)]
DEEP = (17, 33, 10, 3)
WIDE = (17, 33, 20, 5)


def named(sizes):
    return "-".join(map(str, sizes))


def described(changes):
    return "-".join(f"{name}={value}" for name, value in changes.items()) or "plain"


# --- Problems.


@dataclass
class Problem:
    """Weights and biases of a network, and samples to train it on."""

    coefs: list
    intercepts: list | None
    X: np.ndarray  # (n_samples, n_time_steps or 1, n_features)
    labels: np.ndarray

    @property
    def targets(self):
        """One-hot rows of the labels."""
        return np.eye(self.coefs[-1].shape[1], dtype=np.float32)[self.labels]

    def with_weights(self, coefs, intercepts):
        return Problem(coefs, intercepts, self.X, self.labels)


def dyadic_problem(sizes, n_samples=8, *, biases=True, n_frames=1, seed=2):
    """Weights and biases of about He's size, in 32nds. Inputs have both signs, in 16ths; a third of
    them are zero."""
    rng = np.random.default_rng(seed)
    coefs, intercepts = [], []
    for n_in, n_out in itertools.pairwise(sizes):
        largest = math.ceil(32 * math.sqrt(6 / n_in))
        coefs.append((rng.integers(-largest, largest + 1, (n_in, n_out)) / 32).astype(np.float32))
        intercepts.append((rng.integers(-8, 9, n_out) / 32).astype(np.float32))
    shape = n_samples, n_frames, sizes[0]
    X = rng.integers(-16, 33, shape) / 16 * (rng.random(shape) < 2 / 3)
    labels = rng.integers(0, sizes[-1], n_samples).astype(np.int32)
    return Problem(coefs, intercepts if biases else None, X.astype(np.float32), labels)


def real_problem(sizes, n_samples=8, *, biases=True, n_frames=1, seed=2):
    """As `dyadic_problem`, but off every grid."""
    rng = np.random.default_rng(seed)
    problem = dyadic_problem(sizes, n_samples, biases=biases, n_frames=n_frames, seed=seed)
    problem.coefs = [(c + 0.1 * rng.standard_normal(c.shape)).astype(np.float32) for c in problem.coefs]
    problem.X = (problem.X * rng.random(problem.X.shape)).astype(np.float32)
    if biases:
        problem.intercepts = [rng.normal(0, 0.1, b.shape).astype(np.float32) for b in problem.intercepts]
    return problem


def twin_problem(sizes, n_samples=8, *, biases=True, seed=2):
    """As `real_problem`, but every other hidden unit has its neighbour's incoming weights. Twins
    fire at once, at equal potentials; the order in which their spikes go up shows in the rounding
    above."""
    problem = real_problem(sizes, n_samples, biases=biases, seed=seed)
    for weights in problem.coefs[:-1]:
        weights[:, 1::2] = weights[:, : weights.shape[1] // 2 * 2 : 2]
    return problem


def static(X):
    """X of shape (n_samples, n_features) as the core takes it, with an axis for time."""
    return np.ascontiguousarray(X)[:, np.newaxis]


def for_oracle(X):
    """X as the oracle takes it: static vectors without the axis for time."""
    return X[:, 0] if X.shape[1] == 1 else X


# --- The boundary to the core. Where the core's interface changes, only this section does.

DEFAULTS = {
    "simulation": "counting",
    "neuron": "signed",
    "feedback": "sample",
    "weight_update": "sgd",
    "output_activation": "linear",
    "hold_error": True,
    "smooth_gradient": False,
    "mask_negative_inputs": False,
    "backward_reset": "keep",
    "forward_reset": "zero",
    "spike_penalty": 0,
    "max_norm": None,
    "dropout": 0,
    "input_dropout": 0,
    "input_noise": 0,
    "leak": 0,
}


def core_settings(**parameters):
    """The core's settings for flat parameters."""
    p = DEFAULTS | PARAMETERS | parameters
    return {
        "dynamics": {
            "simulation": member(Simulation, p["simulation"]),
            "neuron": member(Neuron, p["neuron"]),
            "n_time_steps": p["n_time_steps"],
            "leak": p["leak"],
        },
        "error_rule": {
            "loss": member(Loss, p["loss"]),
            "error_resolution": p["error_resolution"],
            "step_feedback": p["feedback"] == "step",
            "rectifying_output": p["output_activation"] == "rectifying",
            "hold_error": p["hold_error"],
            "backward_reset": member(Reset, f"reset_{p['backward_reset']}"),
        },
        "update_rule": {
            "fractional": p["weight_update"] == "fractional",
            "smooth_gradient": p["smooth_gradient"],
            "mask_negative_inputs": p["mask_negative_inputs"],
            "normalized_step": p["normalized_step"],
            "spike_penalty": p["spike_penalty"],
            "max_norm": p["max_norm"] or 0,
        },
        "dropping": {"dropout": p["dropout"], "input_dropout": p["input_dropout"]},
    }


def member(enumeration, name):
    return enumeration[name.replace("-", "_").upper()]


def make_network(coefs, intercepts=None, *, n_together=1, tallied=False, instruction_set=None, **parameters):
    """A network of the core for predictions."""
    dynamics = core_settings(**parameters)["dynamics"]
    return Network(
        dynamics, coefs, intercepts, n_together=n_together, tallied=tallied, instruction_set=instruction_set
    )


def make_learner(coefs, intercepts, error_potentials, *, potentials=None, instruction_set=None, **parameters):
    """A network of the core in training. It changes `coefs` and `intercepts`, which are padded, in
    place."""
    return Learner(
        core_settings(**parameters),
        coefs,
        intercepts,
        error_potentials,
        potentials=potentials,
        instruction_set=instruction_set,
    )


# --- Above the boundary.


def padded_vector(values):
    """A copy of a vector in the layout of a padded row."""
    return padded_copy(values[np.newaxis])[0]


class Predictor:
    """Runs a network on copies, or where the core allows it on views, of weights and biases."""

    def __init__(self, coefs, intercepts=None, *, n_together=1, instruction_set=None, **parameters):
        self.n_time_steps = (PARAMETERS | parameters)["n_time_steps"]
        self.network = make_network(
            coefs, intercepts, n_together=n_together, instruction_set=instruction_set, **parameters
        )

    @classmethod
    def of(cls, problem, **options):
        return cls(problem.coefs, problem.intercepts, **options)

    def outputs(self, X, n_steps=None, rows=None):
        """Outputs of the last `n_steps` time steps, or of all: (n_steps, n_rows, n_outputs)."""
        out = outputs_shaped(self.network, n_steps or self.n_time_steps, len(X) if rows is None else len(rows))
        assert outputs(self.network, X, out, rows=rows) == -1
        return out

    def spikes(self, X):
        """Spikes of each layer but the last in each time step: (n_samples, n_time_steps, n_layers -
        1)."""
        out = np.full((len(X), self.n_time_steps, len(self.network.n_units) - 1), -1, np.int64)
        assert spike_counts(self.network, X, out) == -1
        return out


def outputs_shaped(network, n_steps, n_rows):
    """Room for outputs, filled with NaN."""
    return np.full((n_steps, n_rows, network.n_units[-1]), np.nan, np.float32)


def schedule(parameters, **changes):
    """The learning rates, the noise and the random key of an epoch."""
    rate, noise = parameters["learning_rate_init"], parameters.get("input_noise", 0)
    constant = {"rate_first": rate, "rate_last": rate, "noise_first": noise, "noise_last": noise}
    return constant | {"seed": 11, "epoch": 3} | changes


class Core:
    """Trains padded copies of a problem's weights with the core. `Oracle` has the same
    interface."""

    def __init__(self, problem, error_potentials=None, *, potentials=None, instruction_set=None, **parameters):
        self.parameters = PARAMETERS | parameters
        self.instruction_set = instruction_set
        self.coefs = [padded_copy(c) for c in problem.coefs]
        self.intercepts = problem.intercepts and [padded_vector(b) for b in problem.intercepts]
        zeros = [np.zeros(c.shape[1], np.float32) for c in problem.coefs]
        if self.parameters.get("forward_reset") == "keep" and potentials is None:
            potentials = zeros
        self.learner = make_learner(
            self.coefs,
            self.intercepts,
            zeros if error_potentials is None else error_potentials,
            potentials=potentials,
            instruction_set=instruction_set,
            **self.parameters,
        )

    @property
    def error_potentials(self):
        return self.learner.error_potentials()

    @property
    def potentials(self):
        return self.learner.potentials()

    def try_train(self, X, targets, order=None, weights=None, **changes):
        """The mean loss, and -1 or the layer that failed. `targets` are labels or rows of
        targets."""
        order = np.arange(len(X)) if order is None else np.asarray(order, np.intp)
        self.counts = np.full((len(order), 3 * (len(self.coefs) + 1) + 1), -1, np.int64)
        labels, Y = (targets, None) if np.ndim(targets) == 1 else (None, targets)
        keywords = schedule(self.parameters, weights=weights, counts=self.counts, **changes)
        return train_epoch(self.learner, X, labels, Y, order, **keywords)

    def train(self, *args, **changes):
        """The mean loss."""
        mean_loss, failed_layer = self.try_train(*args, **changes)
        assert failed_layer == -1
        return mean_loss

    def predictor(self):
        """A network for predictions with the weights as they are now."""
        return Predictor(self.coefs, self.intercepts, instruction_set=self.instruction_set, **self.parameters)

    def outputs(self, X):
        return self.predictor().outputs(X)

    def outputs_in_training(self, X):
        """The outputs of the network that is being trained itself."""
        network = self.learner.network
        out = outputs_shaped(network, self.parameters["n_time_steps"], len(X))
        assert outputs(network, X, out) == -1
        return out

    def spikes(self, X):
        return self.predictor().spikes(X)


class Oracle(SpikingNetwork):
    """The oracle in the interface of `Core`.

    It passes every spike along, one by one, and adds up in float64, unless it is given a
    `simulation` and a `dtype`.
    """

    def __init__(self, problem, error_potentials=None, *, dtype=np.float64, arrival=None, **parameters):
        self.parameters = PARAMETERS | parameters
        settings = {name: self.parameters[name] for name in Settings.__dataclass_fields__ if name in self.parameters}
        super().__init__(
            problem.coefs, problem.intercepts, error_potentials, dtype=dtype, arrival=arrival, **settings
        )
        self.samples = []

    def train_sample(self, *args):
        self.samples.append(super().train_sample(*args))
        return self.samples[-1]

    @property
    def counts(self):
        """A row a sample, as the core counts: spikes, error spikes, error spikes past the gate,
        target spikes."""
        return np.array([
            [*s.spikes, 0, *s.error_spikes, 0, *s.passed_spikes, s.target_spikes] for s in self.samples
        ])

    def train(self, X, targets, order=None, weights=None, **changes):
        """The mean loss."""
        drawn = {name: self.parameters.get(name, 0) for name in ("dropout", "input_dropout")}
        keywords = schedule(self.parameters, weights=weights, max_norm=self.parameters.get("max_norm"), **changes)
        order = range(len(X)) if order is None else order
        return super().train(for_oracle(X), targets, order, **drawn, **keywords)

    def activities(self, X):
        """Each sample's activity, without learning."""
        return [self.forward(x, self.settings.n_time_steps) for x in for_oracle(X)]

    def outputs(self, X):
        """In float64: (n_time_steps, n_samples, n_outputs)."""
        return np.stack([activity.outputs for activity in self.activities(X)], axis=1)

    def spikes(self, X):
        """(n_samples, n_time_steps, n_layers - 1)."""
        return np.array([np.transpose(activity.spikes) for activity in self.activities(X)])


def assert_same_state(model, expected, tolerances=None):
    """That all that learning changes is equal, or as close as `tolerances` says by name."""
    assert (model.intercepts is None) == (expected.intercepts is None)
    for name in ("coefs", "intercepts", "error_potentials"):
        tolerance = (tolerances or {}).get(name, 0)
        for array, wanted in zip(getattr(model, name) or [], getattr(expected, name) or [], strict=True):
            np.testing.assert_allclose(array, wanted, rtol=0, atol=tolerance, err_msg=name)


def train_all(problem, *models, **changes):
    """Trains each model on all samples of the problem; their mean losses."""
    return [model.train(problem.X, problem.labels, **changes) for model in models]


def assert_learns_as_the_oracle(problem, parameters, weights=None):
    """That the core learns and counts spikes as the oracle does with the same simulation and in
    float32."""
    core, oracle = Core(problem, **parameters), Oracle(problem, dtype=np.float32, **parameters)
    losses = [model.train(problem.X, problem.targets, weights=weights) for model in (core, oracle)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    # Products of a smooth gradient and normalised rates leave the grid. With log loss only the
    # softmax is rounded, which shows in the output's error potentials alone.
    leaves_grid = parameters.get("smooth_gradient") or parameters.get("normalized_step")
    rounded = ["coefs", "intercepts", "error_potentials"] if leaves_grid else ["error_potentials"]
    is_exact = not leaves_grid and parameters.get("loss") != "log_loss"
    assert_same_state(core, oracle, {} if is_exact else dict.fromkeys(rounded, 1e-5))
    if parameters["simulation"] != "counting":  # which does not fill in counts
        np.testing.assert_array_equal(core.counts, oracle.counts)


def failed_rows(problem, simulation, n_steps=1, rows=None):
    """The row at which each way of prediction stops."""
    network = make_network(problem.coefs, problem.intercepts, simulation=simulation)
    n_rows = len(problem.X if rows is None else rows)
    out = outputs_shaped(network, n_steps, n_rows)
    failed = {outputs(network, problem.X, out, rows=rows)}
    if simulation == "counting":
        together = make_network(problem.coefs, problem.intercepts, simulation=simulation, n_together=n_rows)
        failed.add(outputs(together, problem.X, out, rows=rows))
    elif rows is None:
        counted = np.empty((n_rows, PARAMETERS["n_time_steps"], len(network.n_units) - 1), np.int64)
        failed.add(spike_counts(network, problem.X, counted))
    return failed


def exit_code(function, *arguments):
    """How a process of its own ends that calls `function`; a bad access to memory would end this
    one."""
    child = get_context("fork").Process(target=function, args=arguments)
    child.start()
    child.join()
    return child.exitcode


# --- Estimators. Where their parameters change, only this section does.

VARIANTS = list(SpikingBackprop().get_params())  # the parameters of the learning rule
# As flat parameters.
PAPER = PAPER_SETTINGS | rule_of(SpikingMLPClassifier(**PAPER_SETTINGS)).get_params()
del PAPER["learning_rule"]


def estimator_parameters(**parameters):
    """The estimators' keyword arguments for flat parameters."""
    variants = {name: parameters.pop(name) for name in VARIANTS if name in parameters}
    return parameters | {"learning_rule": SpikingBackprop(**variants)}


# Flat parameters of small networks, one for each simulation and neuron, and the paper's.
EVERY_NETWORK = {
    name: PARAMETERS | {"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 3} | parameters
    for name, parameters in {
        **{f"{simulation}-signed": {"simulation": simulation} for simulation in SIMULATIONS},
        **{f"{simulation}-rectifying": {"simulation": simulation, "neuron": "rectifying"} for simulation in STEPPED},
        "paper": PAPER | {"n_time_steps": 4},
    }.items()
}


def streams(n_samples=20, n_time_steps=4, n_features=5, seed=0):
    """Dyadic streams, labels and targets."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-8, 17, (n_samples, n_time_steps, n_features)) / 16
    y = np.arange(n_samples) % 3
    return X.astype(np.float32), y, np.eye(3)[y]


def settings_of(**parameters):
    """The core's settings that an estimator with these flat parameters makes."""
    parameters = PARAMETERS | parameters
    estimator = SpikingMLPClassifier(**estimator_parameters(**parameters))
    return estimator_settings(estimator, parameters["n_time_steps"], LOSSES[estimator.loss])


def is_refused(**parameters):
    """Whether the estimators refuse the flat parameters."""
    estimator = SpikingMLPClassifier(**estimator_parameters(**PARAMETERS | parameters))
    rule = rule_of(estimator)
    return any(True for _ in refusals(estimator, rule, choose_simulation(estimator, rule)))


# --- Choosing tests.


def parametrize_product(is_allowed=None, **choices):
    """Parametrize a test over the product of `choices`; most of a large product is marked
    `exhaustive`.

    The default run gets combinations that hold every pair of choices at least once between them.
    That finds a fault which shows with two particular choices together, in a fraction of the time.

    Parameters
    ----------
    is_allowed : callable or None
        Takes the choices as keywords; False leaves a combination out.
    choices : dict from id to value, or list of strings, which are their own ids
    """
    choices = {name: c if isinstance(c, dict) else dict(zip(c, c, strict=True)) for name, c in choices.items()}
    combinations = [
        ids
        for ids in itertools.product(*choices.values())
        if is_allowed is None or is_allowed(**{n: choices[n][i] for n, i in zip(choices, ids, strict=True)})
    ]
    by_default = pairwise_cover(combinations)
    return pytest.mark.parametrize(
        list(choices),
        [
            pytest.param(
                *(c[i] for c, i in zip(choices.values(), ids, strict=True)),
                id="-".join(map(str, ids)),
                marks=() if ids in by_default else pytest.mark.exhaustive,
            )
            for ids in combinations
        ],
    )


def pairwise_cover(combinations):
    """A part of the combinations that holds every pair of values which occurs in any of them.

    >>> combinations = list(itertools.product("ab", "cd", "ef", "gh"))
    >>> cover = pairwise_cover(combinations)
    >>> 4 <= len(cover) <= 8
    True
    >>> pairs = [set(itertools.combinations(c, 2)) for c in combinations]
    >>> set().union(*pairs) == {pair for c in cover for pair in itertools.combinations(c, 2)}
    True
    """
    covered, cover = set(), set()
    for ids in random.Random(0).sample(combinations, len(combinations)):
        pairs = set(itertools.combinations(enumerate(ids), 2))
        if not pairs <= covered:
            covered |= pairs
            cover.add(ids)
    return cover

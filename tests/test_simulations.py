"""The simulations against each other, against the oracle, and against the rectified network that they approach."""
import itertools
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Settings, SpikingNetwork
from scipy.special import softmax
from sklearn.datasets import load_digits

from sk_dsn import PAPER_SETTINGS, SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn._core.network import Network, instruction_sets, padded_copy
from sk_dsn._core.prediction import outputs, spike_counts
from sk_dsn._core.training import train_epoch
from sk_dsn._settings import choose_simulation, core_settings, refusals

# What the estimators' parameters are here where a test does not say otherwise: dyadic, so that float32 is exact.
PARAMETERS = {
    "n_time_steps": 4,
    "loss": "squared_error",
    "error_resolution": 2,
    "learning_rate_init": 1 / 64,
    "normalized_step": False,
}
WAYS = {
    "counting": {"simulation": "counting"},
    "clock-driven": {"simulation": "clock-driven"},
    "breadth-first": {"simulation": "event-driven"},
    "depth-first": {"simulation": "event-driven", "propagation": "depth-first"},
}
STEPPED_WAYS = {way: WAYS[way] for way in WAYS if way != "counting"}
WIDE = (17, 33, 20, 5)  # on both sides of vector lengths
NARROW = (5, 7, 6, 3)


def described(changes):
    return "-".join(str(value) for value in changes.values()) or "plain"


# --- Problems, and the core behind the oracle's interface.


@dataclass
class Problem:
    coefs: list
    intercepts: list | None
    X: np.ndarray  # (n_samples, n_time_steps or 1, n_features)
    targets: np.ndarray


def dyadic_problem(sizes, n_samples=6, *, biases=True, n_frames=1, seed=0):
    """Weights of about He's size and biases in 32nds; inputs of both signs in 16ths, a third zero; one-hot targets."""
    rng = np.random.default_rng(seed)
    coefs, intercepts = [], []
    for n_in, n_out in itertools.pairwise(sizes):
        largest = int(np.ceil(32 * np.sqrt(6 / n_in)))
        coefs.append((rng.integers(-largest, largest + 1, (n_in, n_out)) / 32).astype(np.float32))
        intercepts.append((rng.integers(-8, 9, n_out) / 32).astype(np.float32))
    shape = n_samples, n_frames, sizes[0]
    X = rng.integers(-16, 33, shape) / 16 * (rng.random(shape) < 2 / 3)
    targets = np.eye(sizes[-1], dtype=np.float32)[rng.integers(0, sizes[-1], n_samples)]
    return Problem(coefs, intercepts if biases else None, X.astype(np.float32), targets)


def real_problem(*args, **kwargs):
    """Off every grid."""
    problem = dyadic_problem(*args, **kwargs)
    rng = np.random.default_rng(1)
    problem.coefs = [(c + 0.1 * rng.standard_normal(c.shape)).astype(np.float32) for c in problem.coefs]
    problem.X = (problem.X * rng.random(problem.X.shape)).astype(np.float32)
    return problem


class Core:
    """Trains copies of a problem's weights with the estimators' `parameters`."""

    def __init__(self, problem, parameters, *, potentials=None, instruction_set=None):
        self.parameters = PARAMETERS | parameters
        self.settings = core_settings(SpikingMLPClassifier(**self.parameters), self.parameters["n_time_steps"])
        self.coefs = [padded_copy(c) for c in problem.coefs]
        self.intercepts = problem.intercepts and [padded_copy(b[np.newaxis])[0] for b in problem.intercepts]
        zeros = [np.zeros(c.shape[1], np.float32) for c in problem.coefs]
        keeps = self.parameters.get("forward_reset") == "keep"
        self.network = Network(
            self.coefs,
            self.intercepts,
            zeros,
            potentials=(potentials or zeros) if keeps else None,
            stepped=self.parameters.get("simulation") != "counting",
            dropout=self.parameters.get("dropout", 0) > 0,
            instruction_set=instruction_set,
        )

    @property
    def error_potentials(self):
        return self.network.error_potentials()

    def train(self, X, targets):
        """The mean loss."""
        rate = self.parameters["learning_rate_init"]
        self.counts = np.full((len(X), 3 * self.network.n_layers + 1), -1, np.int64)
        loss, failed_layer = train_epoch(
            self.network,
            self.settings,
            X,
            None,
            targets,
            np.arange(len(X)),
            rate_first=rate,
            rate_last=rate,
            seed=11,
            epoch=3,
            counts=self.counts,
        )
        assert failed_layer == -1
        return loss

    def outputs(self, X):
        """After each time step."""
        network = Network(self.coefs, self.intercepts, stepped=True, instruction_set=self.network.instruction_set)
        out = np.full((self.parameters["n_time_steps"], len(X), self.network.n_units[-1]), np.nan, np.float32)
        assert outputs(network, self.settings, X, out) == -1
        return out

    def spikes(self, X):
        network = Network(self.coefs, self.intercepts, stepped=True, instruction_set=self.network.instruction_set)
        out = np.full((len(X), self.parameters["n_time_steps"], self.network.n_layers - 1), -1, np.int64)
        assert spike_counts(network, self.settings, X, out) == -1
        return out


class Oracle(SpikingNetwork):
    """The oracle with the same parameters, rounding as the core does."""

    def __init__(self, problem, parameters):
        self.parameters = PARAMETERS | parameters
        named = {name: self.parameters[name] for name in Settings.__dataclass_fields__ if name in self.parameters}
        super().__init__(problem.coefs, problem.intercepts, dtype=np.float32, **named)

    def train(self, X, targets):
        rate, dropout = self.parameters["learning_rate_init"], self.parameters.get("dropout", 0)
        rates = {"rate_first": rate, "rate_last": rate}
        return super().train(as_shown(X), targets, range(len(X)), dropout=dropout, seed=11, epoch=3, **rates)


def as_shown(X):
    """Static vectors without the axis of time."""
    return X[:, 0] if X.shape[1] == 1 else X


def assert_same_state(model, expected, tolerances=None):
    """That all that learning changes is equal, or as close as `tolerances` says by name."""
    for name in ("coefs", "intercepts", "error_potentials"):
        tolerance = (tolerances or {}).get(name, 0)
        for array, wanted in zip(getattr(model, name) or [], getattr(expected, name) or [], strict=True):
            np.testing.assert_allclose(array, wanted, rtol=0, atol=tolerance, err_msg=name)


def is_refused(parameters):
    estimator = SpikingMLPClassifier(**PARAMETERS | parameters)
    return any(refused for refused, _ in refusals(estimator, choose_simulation(estimator)))


# --- One network, whatever simulates it: signed neurons, feedback once a sample, sgd.

AGREEING = [
    {},
    {"n_time_steps": 1},
    {"n_time_steps": 16},
    {"error_resolution": 1},
    {"spike_penalty": 1 / 16},
    {"dropout": 0.5},
    {"dropout": 0.5, "spike_penalty": 1 / 16},
    {"output_activation": "rectifying"},
    {"output_activation": "rectifying", "spike_penalty": 1 / 16, "dropout": 0.5},
    {"loss": "log_loss"},
    {"mask_negative_inputs": True},
    {"backward_reset": "zero"},
    {"backward_reset": "random"},
]


@pytest.mark.parametrize("is_stream", [False, True], ids=["static", "stream"])
@pytest.mark.parametrize("biases", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("changes", AGREEING, ids=described)
def test_every_simulation_of_signed_neurons_learns_and_predicts_the_same_bits(changes, biases, is_stream):
    n_frames = (PARAMETERS | changes)["n_time_steps"] if is_stream else 1
    problem = dyadic_problem(WIDE, biases=biases, n_frames=n_frames)
    expected = Core(problem, WAYS["counting"] | changes)
    expected_loss = expected.train(problem.X, problem.targets)
    expected_outputs = expected.outputs(problem.X)
    assert all(np.any(now != before) for now, before in zip(expected.coefs, problem.coefs, strict=True))
    for way in STEPPED_WAYS.values():
        core = Core(problem, way | changes)
        assert core.train(problem.X, problem.targets) == expected_loss
        # Random error potentials are on no grid.
        assert_same_state(core, expected, {"error_potentials": 1e-6} if "backward_reset" in changes else {})
        np.testing.assert_array_equal(core.outputs(problem.X), expected_outputs)


@pytest.mark.parametrize("way", STEPPED_WAYS)
@pytest.mark.parametrize("n_frames", [1, 4], ids=["static", "stream"])
def test_signed_neurons_send_the_same_net_counts_in_every_simulation(way, n_frames):
    # Read out by an output for each neuron: its input is the neuron's net count.
    problem = dyadic_problem(WIDE[:-1], n_frames=n_frames)
    problem.coefs.append(np.eye(WIDE[-2], dtype=np.float32))
    problem.intercepts.append(np.zeros(WIDE[-2], np.float32))
    T = PARAMETERS["n_time_steps"]
    counts = [Core(problem, WAYS[w]).outputs(problem.X)[-1] * T for w in (way, "counting")]
    np.testing.assert_array_equal(counts[0], counts[1])
    sums = [Oracle(problem, {}).forward(x, T).received[-2][-1] for x in as_shown(problem.X)]
    np.testing.assert_array_equal(counts[0], np.maximum(0, np.ceil(np.array(sums) - 0.5)))


@given(seed=st.integers(0, 2**32 - 1), log2_T=st.integers(0, 3), log2_g=st.integers(-1, 3), stream=st.booleans())
@settings(max_examples=25)
def test_simulations_agree_on_any_dyadic_problem(seed, log2_T, log2_g, stream):
    T = 2**log2_T
    problem = dyadic_problem(NARROW, n_samples=4, n_frames=T if stream else 1, seed=seed)
    changes = {"n_time_steps": T, "error_resolution": 2.0**log2_g, "learning_rate_init": 2.0**log2_g * T**2 / 2**12}
    expected = Core(problem, WAYS["counting"] | changes)
    expected.train(problem.X, problem.targets)
    for way in STEPPED_WAYS.values():
        core = Core(problem, way | changes)
        core.train(problem.X, problem.targets)
        assert_same_state(core, expected)


# --- The core against the oracle, in every variant that can be computed.

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
EXTRAS = [
    {},
    {"n_time_steps": 1},
    {"error_resolution": 1},
    {"error_resolution": 16},
    {"hold_error": False, "error_resolution": 1},
    {"hold_error": False, "error_resolution": 1, "spike_penalty": 1 / 16},
    {"smooth_gradient": True},
    {"spike_penalty": 1 / 16},
    {"dropout": 0.5},
    {"dropout": 0.5, "spike_penalty": 1 / 16},
    {"mask_negative_inputs": True},
    {"normalized_step": True, "learning_rate_init": 1 / 8},
    {"backward_reset": "zero"},
    {"backward_reset": "random"},
    {"forward_reset": "keep"},
    {"biases": False},
    {"is_stream": True},
    {"is_stream": True, "biases": False, "smooth_gradient": True},
]
VARIANTS = [
    pytest.param(way, {"neuron": neuron, **learning, **error, **extra}, id=f"{way}-{neuron}-{described(learning)}"
                 f"-{described(error)}-{'-'.join(f'{k}={v}' for k, v in extra.items())}")
    for way, neuron, learning, error, extra in itertools.product(
        STEPPED_WAYS, ["rectifying", "signed"], LEARNING, ERRORS, EXTRAS
    )
    if not is_refused({k: v for k, v in (WAYS[way] | {"neuron": neuron} | learning | error | extra).items()
                       if k not in ("biases", "is_stream")})
]


@pytest.mark.parametrize("way, changes", VARIANTS)
def test_every_variant_learns_as_the_oracle(way, changes):
    changes = WAYS[way] | changes
    biases, is_stream = changes.pop("biases", True), changes.pop("is_stream", False)
    n_frames = (PARAMETERS | changes)["n_time_steps"] if is_stream else 1
    problem = dyadic_problem((4, 6, 5, 3), n_samples=4, biases=biases, n_frames=n_frames)
    core, oracle = Core(problem, changes), Oracle(problem, changes)
    losses = [model.train(problem.X, problem.targets) for model in (core, oracle)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    # Products of a smooth gradient, and normalised rates, leave the grid; of log loss only the softmax is rounded, which
    # the output's error potentials show.
    leaves_grid = changes.get("smooth_gradient") or changes.get("normalized_step")
    rounded = ["coefs", "intercepts", "error_potentials"] if leaves_grid else ["error_potentials"]
    is_exact = not leaves_grid and changes["loss"] != "log_loss"
    assert_same_state(core, oracle, {} if is_exact else dict.fromkeys(rounded, 1e-5))

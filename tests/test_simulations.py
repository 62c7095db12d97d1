"""The simulations against each other, against the oracle, and against the rectified network that they approach."""
import itertools
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.datasets import load_digits

from reference import Settings, SpikingNetwork
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

    def train(self, X, targets, weights=None):
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
            noise_first=self.parameters.get("input_noise", 0),
            noise_last=self.parameters.get("input_noise", 0),
            weights=weights,
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
        self.samples = []

    def train_sample(self, *args):
        self.samples.append(super().train_sample(*args))
        return self.samples[-1]

    @property
    def counts(self):
        """As the core counts them: spikes, error spikes and those past the gate by layer, target spikes."""
        return np.array([
            [*s.spikes, 0, *s.error_spikes, 0, *s.passed_spikes, s.target_spikes] for s in self.samples
        ])

    def train(self, X, targets, weights=None):
        rate = self.parameters["learning_rate_init"]
        rates = {"rate_first": rate, "rate_last": rate}
        drawn = {name: self.parameters.get(name, 0) for name in ("dropout", "input_dropout")}
        drawn |= dict.fromkeys(["noise_first", "noise_last"], self.parameters.get("input_noise", 0))
        keyed = {**drawn, "seed": 11, "epoch": 3, "weights": weights}
        return super().train(as_shown(X), targets, range(len(X)), **rates, **keyed)


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
    {"input_dropout": 0.5},
    {"input_dropout": 0.5, "dropout": 0.5, "mask_negative_inputs": True},
    {"input_noise": 0.5},
    {"input_noise": 0.5, "input_dropout": 0.5, "dropout": 0.5},
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
    # On a grid of 2**-12 float32 is exact up to 2**12: a network that diverges sends sums of errors beyond that.
    assume(max(np.abs(w).max() for w in expected.coefs) < 16)
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
    {"input_dropout": 0.5},
    {"input_noise": 0.5},
    {"mask_negative_inputs": True},
    {"normalized_step": True, "learning_rate_init": 1 / 8},
    {"backward_reset": "zero"},
    {"backward_reset": "random"},
    {"forward_reset": "keep"},
]
VARIANTS = [
    pytest.param(
        WAYS[way] | {"neuron": neuron} | learning | error | extra,
        id="-".join([way, neuron, described(learning), described(error), *(f"{k}={extra[k]}" for k in extra)]),
    )
    for way, neuron, learning, error, extra in itertools.product(
        STEPPED_WAYS, ["rectifying", "signed"], LEARNING, ERRORS, EXTRAS
    )
    if not is_refused(WAYS[way] | {"neuron": neuron} | learning | error | extra)
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_every_variant_learns_as_the_oracle(changes):
    assert_learns_as_the_oracle(dyadic_problem((4, 6, 5, 3), n_samples=4), changes)


@pytest.mark.parametrize("way", STEPPED_WAYS)
@pytest.mark.parametrize("neuron", ["rectifying", "signed"])
@pytest.mark.parametrize("smooth", [False, True], ids=["counts", "smooth"])
@pytest.mark.parametrize("learning", LEARNING, ids=described)
@pytest.mark.parametrize("biases", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("n_frames", [1, 4], ids=["static", "stream"])
def test_every_kind_of_problem_is_learned_as_by_the_oracle(n_frames, biases, learning, smooth, neuron, way):
    problem = dyadic_problem((4, 6, 5, 3), n_samples=4, biases=biases, n_frames=n_frames)
    assert_learns_as_the_oracle(problem, WAYS[way] | {"neuron": neuron, "smooth_gradient": smooth} | learning)


@pytest.mark.parametrize("extra", [{}, {"normalized_step": True}, {"spike_penalty": 1 / 16, "dropout": 0.5}], ids=described)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
@pytest.mark.parametrize(
    ("way", "learning"),
    [pair for pair in itertools.product(WAYS, LEARNING) if not is_refused(WAYS[pair[0]] | pair[1])],
    ids=str,
)
def test_weighted_samples_are_learned_as_by_the_oracle(way, learning, loss, extra):
    changes = WAYS[way] | learning | {"loss": loss} | extra
    weights = np.array([1, 0.25, 2, 0.5], np.float32)
    assert_learns_as_the_oracle(dyadic_problem((4, 6, 5, 3), n_samples=4), changes, weights)


def assert_learns_as_the_oracle(problem, changes, weights=None):
    core, oracle = Core(problem, changes), Oracle(problem, changes)
    losses = [model.train(problem.X, problem.targets, weights) for model in (core, oracle)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    # Products of a smooth gradient, and normalised rates, leave the grid; of log loss only the softmax is rounded, and
    # the output's error potentials show it.
    leaves_grid = changes.get("smooth_gradient") or changes.get("normalized_step")
    rounded = ["coefs", "intercepts", "error_potentials"] if leaves_grid else ["error_potentials"]
    is_exact = not leaves_grid and changes.get("loss") != "log_loss"
    assert_same_state(core, oracle, {} if is_exact else dict.fromkeys(rounded, 1e-5))
    if changes.get("simulation") != "counting":  # which fills in none
        np.testing.assert_array_equal(core.counts, oracle.counts)


@pytest.mark.parametrize("way", STEPPED_WAYS)
@pytest.mark.parametrize("neuron", ["rectifying", "signed"])
@pytest.mark.parametrize("biases", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("n_frames", [1, 4], ids=["static", "stream"])
def test_outputs_and_spikes_of_every_time_step_are_the_oracles(way, neuron, biases, n_frames):
    problem = dyadic_problem(WIDE, biases=biases, n_frames=n_frames)
    parameters = WAYS[way] | {"neuron": neuron}
    core, oracle = Core(problem, parameters), Oracle(problem, parameters)
    activities = [oracle.forward(x, PARAMETERS["n_time_steps"]) for x in as_shown(problem.X)]
    np.testing.assert_array_equal(core.outputs(problem.X), np.stack([a.outputs for a in activities], axis=1))
    np.testing.assert_array_equal(core.spikes(problem.X), [np.transpose(a.spikes) for a in activities])


# --- The limit of many time steps is a rectified-linear network.


def rectified_network(problem, sample, parameters):
    """Output of the conventional network in float64, and the gradients of its loss by weights and by biases."""
    coefs = [c.astype(float) for c in problem.coefs]
    activations, sums = [problem.X[sample, 0].astype(float)], []
    for weights, biases in zip(coefs, problem.intercepts, strict=True):
        sums.append(activations[-1] @ weights + biases)
        activations.append(np.maximum(0, sums[-1]))
    outputs, target = sums[-1], problem.targets[sample]
    if parameters["output_activation"] == "rectifying":
        errors = [(activations[-1] - target) * (outputs > 0)]
    else:
        errors = [(softmax(outputs) if parameters["loss"] == "log_loss" else outputs) - target]
    for weights, below in zip(coefs[:0:-1], sums[-2::-1], strict=True):
        errors.insert(0, (weights @ errors[0]) * (below > 0))
    return outputs, [np.outer(a, e) for a, e in zip(activations, errors, strict=False)], errors


def changes_per_rate(problem, sample, parameters, rate):
    """What one sample does to weights and biases, divided by the rate."""
    core = Core(problem, parameters | {"learning_rate_init": abs(rate)})
    core.parameters["learning_rate_init"] = rate
    core.train(problem.X[sample : sample + 1], problem.targets[sample : sample + 1])
    befores, afters = [*problem.coefs, *problem.intercepts], [*core.coefs, *core.intercepts]
    return [(before - after) / rate for before, after in zip(befores, afters, strict=True)]


def largest_difference(arrays, expected):
    return max(np.abs(array - wanted).max() for array, wanted in zip(arrays, expected, strict=True))


LIMITS = [
    pytest.param(
        way, {"neuron": neuron, **learning, **error}, id="-".join([way, neuron, described(learning), described(error)])
    )
    for way, neuron, learning, error in itertools.product(WAYS, ["rectifying", "signed"], LEARNING, ERRORS)
    if not is_refused(WAYS[way] | {"neuron": neuron} | learning | error)
]


@pytest.mark.parametrize(("way", "changes"), LIMITS)
def test_output_and_weight_change_approach_the_rectified_network_as_one_over_time_steps(way, changes):
    problem = real_problem((10, 12, 8, 4), n_samples=8)
    is_fractional = changes["weight_update"] == "fractional"
    errors = []
    for T in (64, 1024):
        parameters = WAYS[way] | changes | {"n_time_steps": T, "error_resolution": 1}
        outputs = Core(problem, parameters).outputs(problem.X)[-1]
        output_errors, change_errors = [], []
        for sample in range(len(problem.X)):
            expected, *gradients = rectified_network(problem, sample, parameters)
            gradients = gradients[0] + gradients[1]
            if is_fractional:
                # In the limit of a rate of zero (by central difference): errors meet weights that have changed already.
                both = [changes_per_rate(problem, sample, parameters, rate) for rate in (2**-9, -(2**-9))]
                found = [(ahead + back) / 2 for ahead, back in zip(*both, strict=True)]
                gradients = [gradient / 2 for gradient in gradients]
            else:
                found = changes_per_rate(problem, sample, parameters, 1.0)
            output_errors.append(np.abs(outputs[sample] - expected).max())
            change_errors.append(largest_difference(found, gradients))
        errors.append((np.mean(output_errors), np.mean(change_errors)))
    (few_output, few_change), (many_output, many_change) = errors
    # 16 times the time steps. With feedback at each step the errors of the first, which are far off, add a logarithm.
    assert many_output < few_output / 12
    assert many_change < few_change / (12 if changes["feedback"] == "sample" else 8)
    assert many_output < 0.005
    assert many_change < 0.05


@pytest.mark.parametrize("way", WAYS)
def test_smooth_gradients_approach_the_rectified_networks_too(way):
    problem = real_problem((10, 12, 8, 4), n_samples=8)
    parameters = WAYS[way] | {"smooth_gradient": True, "n_time_steps": 1024, "output_activation": "linear"}
    for sample in range(len(problem.X)):
        _, *gradients = rectified_network(problem, sample, PARAMETERS | parameters)
        found = changes_per_rate(problem, sample, parameters, 1.0)
        assert largest_difference(found, gradients[0] + gradients[1]) < 0.05


# --- What the paper found to fail does.


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:1000], y[:1000], X[1000:], y[1000:]


@pytest.fixture(scope="module")
def digits_score(digits):
    X_train, y_train, X_test, y_test = digits

    def score(**changes):
        parameters = PAPER_SETTINGS | {"n_time_steps": 5, "learning_rate_init": 0.02, "random_state": 0} | changes
        classifier = SpikingMLPClassifier(100, **parameters)
        for _ in range(10):
            classifier.partial_fit(X_train, y_train, classes=range(10))
        return classifier.score(X_test, y_test)

    return score


def test_error_potentials_set_to_zero_at_each_sample_do_not_learn(digits_score):
    assert digits_score() > 0.88
    assert digits_score(backward_reset="random") > 0.88
    assert digits_score(backward_reset="zero") < 0.4


def test_depth_first_without_held_error_breaks_down(digits_score):
    assert digits_score(propagation="depth-first") > 0.85
    assert digits_score(propagation="depth-first", hold_error=False) < 0.7


# --- Every instruction set gives the same bits.


@pytest.mark.parametrize("instruction_set", instruction_sets())
@pytest.mark.parametrize(("sizes", "n_samples"), [((33, 200, 17, 10), 12), ((17, 300, 270, 3), 4)], ids=["narrow", "wide"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dropout": 0.3, "spike_penalty": 0.013, "error_resolution": 3},
        {"loss": "log_loss", "normalized_step": True, "learning_rate_init": 0.3, "n_time_steps": 7},
        {"feedback": "step", "weight_update": "fractional", "output_activation": "rectifying"},
        {"feedback": "step", "smooth_gradient": True, "neuron": "rectifying", "forward_reset": "keep"},
        {"neuron": "rectifying", "n_time_steps": 30},
    ],
    ids=described,
)
def test_every_instruction_set_gives_the_same_bits(changes, way, sizes, n_samples, instruction_set):
    if is_refused(WAYS[way] | changes):
        pytest.skip("cannot be computed")
    problem = real_problem(sizes, n_samples)
    core = Core(problem, WAYS[way] | changes, instruction_set=instruction_set)
    expected = Core(problem, WAYS[way] | changes, instruction_set="baseline")
    losses = [model.train(problem.X, problem.targets) for model in (core, expected)]
    assert losses[0] == losses[1]
    assert_same_state(core, expected)
    np.testing.assert_array_equal(core.counts, expected.counts)
    np.testing.assert_array_equal(core.outputs(problem.X), expected.outputs(problem.X))


# --- Streams.

ESTIMATORS = {
    **{f"{way}-signed": WAYS[way] for way in WAYS},
    **{f"{way}-rectifying": WAYS[way] | {"neuron": "rectifying"} for way in STEPPED_WAYS},
    "paper": PAPER_SETTINGS | {"n_time_steps": 4},
}


@pytest.fixture(params=ESTIMATORS)
def parameters(request):
    return PARAMETERS | {"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 3} | ESTIMATORS[request.param]


def streams(n_samples=20, n_time_steps=4, n_features=5, seed=0):
    """Dyadic streams, labels and targets."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-8, 17, (n_samples, n_time_steps, n_features)) / 16
    y = np.arange(n_samples) % 3
    return X.astype(np.float32), y, np.eye(3)[y]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_constant_stream_is_a_static_vector(parameters):
    X, y, _ = streams()
    static = X[:, 0]
    stream = np.repeat(X[:, :1], parameters["n_time_steps"], axis=1)
    on_static = SpikingMLPClassifier(**parameters).fit(static, y)
    on_stream = SpikingMLPClassifier(**parameters).fit(stream, y)
    for shown, wanted in zip(on_stream.coefs_, on_static.coefs_, strict=True):
        np.testing.assert_array_equal(shown, wanted)
    np.testing.assert_array_equal(on_stream.decision_function(stream), on_static.decision_function(static))
    np.testing.assert_array_equal(on_stream.decision_function(static), on_static.decision_function(stream))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [SpikingMLPClassifier, SpikingMLPRegressor])
def test_streams_are_fitted_and_predicted_at_their_own_number_of_time_steps(parameters, estimator):
    X, labels, values = streams()
    y = labels if estimator is SpikingMLPClassifier else values
    parameters["n_time_steps"] = 9  # of static vectors; streams bring their own
    network = estimator(**parameters).fit(X, y)
    assert network.n_features_in_ == X.shape[2]
    network.partial_fit(X[:, :3], y)
    staged = list(network.staged_predict(X))
    assert len(staged) == X.shape[1]
    np.testing.assert_array_equal(staged[-1], network.predict(X))
    for t, predicted in enumerate(staged, start=1):
        np.testing.assert_array_equal(predicted, network.predict(X[:, :t]))
    assert len(list(network.staged_predict(X[:, 0]))) == 9


def test_staged_probabilities_and_decisions_of_streams_end_in_those_of_the_last_step(parameters):
    X, y, _ = streams()
    classifier = SpikingMLPClassifier(**parameters).partial_fit(X, y, classes=[0, 1, 2])
    for method in ("decision_function", "predict_proba"):
        *_, last = getattr(classifier, f"staged_{method}")(X)
        np.testing.assert_array_equal(last, getattr(classifier, method)(X))


@pytest.mark.parametrize(("fitted_on", "predicts"), [("streams", "vectors"), ("vectors", "streams")])
def test_a_net_fitted_on_one_kind_predicts_the_other(parameters, fitted_on, predicts):
    X, y, _ = streams()
    kinds = {"streams": X, "vectors": X[:, 0]}
    classifier = SpikingMLPClassifier(**parameters).partial_fit(kinds[fitted_on], y, classes=[0, 1, 2])
    assert classifier.predict(kinds[predicts]).shape == (len(X),)
    classifier.partial_fit(kinds[predicts], y)


def test_streams_of_any_layout_and_number_type_are_the_same_streams(parameters):
    X, y, _ = streams()
    expected = SpikingMLPClassifier(**parameters).partial_fit(X, y, classes=[0, 1, 2]).decision_function(X)
    strided = np.zeros((len(X), 5, 8), np.float64)[:, ::-1][:, :4, 1:6]
    strided[:] = X
    by_step = X.transpose(1, 2, 0).copy().transpose(2, 0, 1)
    for same in (X.astype(np.float64), np.asfortranarray(X), strided, by_step, X.tolist(), list(X)):
        classifier = SpikingMLPClassifier(**parameters).partial_fit(same, y, classes=[0, 1, 2])
        np.testing.assert_array_equal(classifier.decision_function(same), expected)


BAD_STREAMS = {
    "no time steps": (lambda X: X[:, :0], "at least one time step"),
    "no samples": (lambda X: X[:0], "0 sample|minimum of 1"),
    "no features": (lambda X: X[:, :, :0], "0 feature"),
    "other features": (lambda X: X[:, :, :4], "4 features"),
    "not a number": (lambda X: np.where(np.arange(4)[:, None] == 2, np.nan, X), "NaN"),
    "infinity": (lambda X: np.where(np.arange(4)[:, None] == 2, np.inf, X), "infinity"),
    "too large": (lambda X: X.astype(np.float64) * 1e300, "infinity|too large"),
    "ragged": (lambda X: [*X[:-1], X[-1, :3]], "inhomogeneous"),
    "four dimensions": (lambda X: X[..., None], "dim"),
    "text": (lambda X: np.full(X.shape, "a"), "could not convert|numeric"),
    "complex": (lambda X: X * 1j, "omplex"),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", BAD_STREAMS)
def test_bad_streams_are_refused_and_change_nothing(kind):
    X, y, _ = streams()
    spoil, message = BAD_STREAMS[kind]
    bad = spoil(X)
    classifier = SpikingMLPClassifier(6, n_time_steps=4, random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    before = [w.copy() for w in classifier.coefs_]
    for method in (classifier.predict, lambda X: list(classifier.staged_predict(X))):
        with pytest.raises(ValueError, match=message):
            method(bad)
    with pytest.raises(ValueError, match=message):
        classifier.partial_fit(bad, y[: len(bad)])
    for now, wanted in zip(classifier.coefs_, before, strict=True):
        np.testing.assert_array_equal(now, wanted)


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_that_leaves_the_range_and_comes_back_is_refused(way):
    X, y, _ = streams()
    classifier = SpikingMLPClassifier((6,), max_iter=1, **WAYS[way]).fit(X, y)
    X[7, 1, 2], X[7, 2, 2] = 1e9, -1e9
    with pytest.raises(ValueError, match="Sample 7 of X drives the network out of the range"):
        classifier.predict(X)


def test_streams_and_targets_of_different_lengths_are_refused():
    X, y, _ = streams()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SpikingMLPClassifier().fit(X, y[:-1])


# --- What cannot be computed is refused.

# Parameters that do not go together -> a word of the reason.
IMPOSSIBLE = [
    ({"loss": "log_loss", "output_activation": "rectifying"}, "softmax"),
    ({"output_activation": "rectifying", "error_resolution": 1.5}, "whole number"),
    ({"weight_update": "fractional", "feedback": "sample"}, "weight_update='fractional' needs"),
    ({"forward_reset": "keep", "neuron": "signed"}, "forward_reset='keep' needs"),
    ({"forward_reset": "keep", "dropout": 0.5}, "dropout"),
    ({"hold_error": False, "output_activation": "linear"}, "hold_error=False"),
    ({"hold_error": False, "feedback": "sample"}, "hold_error=False"),
    ({"hold_error": False, "error_resolution": 1.5}, "hold_error=False"),
    ({"hold_error": False, "error_resolution": 2}, "hold_error=False"),
    ({"hold_error": False, "simulation": "counting"}, "hold_error=False"),
    ({"hold_error": False, "simulation": "clock-driven"}, "hold_error=False"),
    ({"simulation": "counting", "neuron": "rectifying"}, "simulation='counting' needs neuron"),
    ({"simulation": "counting", "feedback": "step"}, "simulation='counting' needs feedback"),
    ({"simulation": "clock-driven", "propagation": "depth-first"}, "propagation='depth-first' needs"),
]
CHOICES = {
    "simulation": ["auto", "counting", "clock-driven", "event-driven"],
    "propagation": ["breadth-first", "depth-first"],
    "neuron": ["signed", "rectifying"],
    "feedback": ["sample", "step"],
    "weight_update": ["sgd", "fractional"],
    "loss": ["log_loss", "squared_error"],
    "output_activation": ["linear", "rectifying"],
    "error_resolution": [1, 1.5, 2],
    "hold_error": [True, False],
    "forward_reset": ["zero", "keep"],
    "dropout": [0, 0.5],
}


def simulation_meant(parameters):
    if parameters["simulation"] != "auto":
        return parameters["simulation"]
    if parameters["neuron"] == "signed" and parameters["weight_update"] == "sgd" and parameters["feedback"] == "sample":
        return "counting"
    is_event_driven = parameters["propagation"] == "depth-first" or not parameters["hold_error"]
    return "event-driven" if is_event_driven else "clock-driven"


@pytest.mark.parametrize("simulation", CHOICES["simulation"])
def test_impossible_combinations_are_refused_with_the_reason_and_nothing_else_is(simulation):
    X = np.array([[0.5, -1.0], [1.0, 0.25]], np.float32)
    for values in itertools.product([simulation], *list(CHOICES.values())[1:]):
        parameters = dict(zip(CHOICES, values, strict=True))
        meant = parameters | {"simulation": simulation_meant(parameters)}
        reasons = [reason for combination, reason in IMPOSSIBLE if combination.items() <= meant.items()]
        classifier = SpikingMLPClassifier(3, n_time_steps=2, random_state=0, **parameters)
        if reasons:
            with pytest.raises(ValueError, match="|".join(reasons)):
                core_settings(classifier, 2)
        else:
            classifier.partial_fit(X, [0, 1], classes=[0, 1]).predict(X)


def test_an_impossible_combination_is_refused_before_anything_changes():
    X, y, _ = streams()
    classifier = SpikingMLPClassifier(6, weight_update="fractional")
    for method in (classifier.fit, lambda X, y: classifier.partial_fit(X, y, classes=[0, 1, 2])):
        with pytest.raises(ValueError, match="needs feedback='step'"):
            method(X, y)
        assert not hasattr(classifier, "coefs_")


def test_a_fitted_net_is_refused_what_it_cannot_be_run_with():
    X, y, _ = streams()
    classifier = SpikingMLPClassifier(6, neuron="rectifying").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="simulation='counting' needs neuron='signed'"):
        classifier.set_params(simulation="counting").predict(X)


# --- Divergence is an error, and soon.


def diverging_calls(parameters):
    """Name -> a call that must raise ValueError."""
    rng = np.random.default_rng(0)
    X, Y = rng.random((200, 20)), rng.random((200, 3))
    coefs = [rng.normal(size=shape) for shape in [(20, 30), (30, 30), (30, 3)]]
    stream = np.repeat(X[:, np.newaxis], 4, axis=1)

    def fitted(**changes):
        regressor = SpikingMLPRegressor((30, 30), **parameters | {"random_state": 0} | changes)
        return regressor.partial_fit(X, Y, coefs_init=[0.1 * c for c in coefs])

    def spoiled(attribute, value):
        regressor = fitted(**{"forward_reset": "keep"} if attribute == "forward_potentials_" else {})
        getattr(regressor, attribute)[0][0] = value
        return regressor

    calls = {
        "rate": lambda: [fitted(learning_rate_init=1e6).partial_fit(X, Y) for _ in range(3)],
        "inputs": lambda: fitted().partial_fit(1e9 * X, Y),
        "stream": lambda: fitted().partial_fit(1e9 * stream, Y),
        "targets": lambda: fitted().partial_fit(X, 1e9 * Y),
        "infinite errors": lambda: fitted().partial_fit(X, 3e38 * Y),
        "weights": lambda: SpikingMLPRegressor((30, 30), **parameters).fit(X, Y, coefs_init=[1e30 * c for c in coefs]),
        "predicted inputs": lambda: fitted().predict(1e9 * X),
        "predicted stream": lambda: fitted().predict(1e9 * stream),
        "predicted weights": lambda: spoiled("coefs_", 1e30).predict(X),
        "infinite weights": lambda: spoiled("coefs_", np.inf).partial_fit(X, Y),
        "backward potentials": lambda: spoiled("backward_potentials_", np.inf).partial_fit(X, Y),
        "undefined potentials": lambda: spoiled("backward_potentials_", np.nan).partial_fit(X, Y),
        "large potentials": lambda: spoiled("backward_potentials_", -1e20).partial_fit(X, Y),
    }
    if parameters.get("neuron") == "rectifying":
        calls["forward potentials"] = lambda: spoiled("forward_potentials_", np.inf).partial_fit(X, Y)
        calls["large forward potentials"] = lambda: spoiled("forward_potentials_", 1e20).partial_fit(X, Y)
    return calls


def expect_divergence(parameters):
    for name, call in diverging_calls(parameters).items():
        print(name)  # shown where it fails
        with pytest.raises(ValueError, match=r"diverged|2\*\*24|spikes"):
            call()


DIVERGING = {
    name: {"normalized_step": False, "learning_rate_init": 1e-3, "n_time_steps": 4} | changes
    for name, changes in {
        "counting": WAYS["counting"],
        "clock-driven": WAYS["clock-driven"],
        "clock-driven, step": WAYS["clock-driven"] | {"feedback": "step"},
        "clock-driven, rectifying": WAYS["clock-driven"] | {"neuron": "rectifying"},
        "clock-driven, paper": PAPER_SETTINGS | WAYS["clock-driven"],
        "event-driven": WAYS["breadth-first"],
        "event-driven, depth-first, rectifying": WAYS["depth-first"] | {"neuron": "rectifying"},
        "event-driven, paper": PAPER_SETTINGS,
        "event-driven, depth-first, not held": PAPER_SETTINGS | WAYS["depth-first"] | {"hold_error": False},
    }.items()
}


@pytest.mark.parametrize("kind", DIVERGING)
def test_divergence_ends_soon_with_an_error(kind):
    # In a process of its own, which can be stopped if it does not.
    child = get_context("fork").Process(target=expect_divergence, args=[DIVERGING[kind]])
    child.start()
    child.join(60)
    is_over = not child.is_alive()
    child.kill()
    child.join()
    assert is_over, "still running"
    assert child.exitcode == 0


# --- Learning goes on where it stopped.


def test_two_calls_of_partial_fit_equal_one(parameters):
    X, _, Y = streams()
    parameters |= {"shuffle": False, "forward_reset": "keep" if parameters.get("neuron") == "rectifying" else "zero"}
    at_once = SpikingMLPRegressor(**parameters).partial_fit(X[:, 0], Y)
    in_two = SpikingMLPRegressor(**parameters).partial_fit(X[:7, 0], Y[:7]).partial_fit(X[7:, 0], Y[7:])
    for name in ("coefs_", "intercepts_", "backward_potentials_", "forward_potentials_"):
        for array, wanted in zip(getattr(in_two, name), getattr(at_once, name), strict=True):
            np.testing.assert_array_equal(array, wanted, err_msg=name)
    assert np.any(at_once.backward_potentials_[0])
    assert np.any(at_once.forward_potentials_[0]) == (parameters["forward_reset"] == "keep")


@pytest.mark.parametrize("simulation", ["counting", "clock-driven", "event-driven"])
def test_a_signed_neuron_far_below_threshold_takes_back_what_it_has_fired_and_no_more(simulation):
    clf = SpikingMLPClassifier((1,), n_time_steps=4, learning_rate_init=0.0, max_iter=1, simulation=simulation)
    clf.fit(np.eye(2), [0, 1], coefs_init=[np.array([[3.0], [-1e8]]), np.array([[-1.0, 1.0]])])
    np.testing.assert_array_equal(clf.decision_function([[1.0, 0.0], [1.0, 1.0]]), [6.0, 0.0])

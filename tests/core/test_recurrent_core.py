"""Recurrent networks: the core against the oracle, and against backpropagation through time."""
import math
from itertools import pairwise, product

import numpy as np
import pytest

from helpers import described, instruction_sets, named, padded_copy
from reference import normal, sample_key, uniform
from reference_recurrent import RecurrentReference, relu_gradients
from sk_dsn._core.network import padded_zeros
from sk_dsn._core.recurrent.epoch import train_epoch
from sk_dsn._core.recurrent.learner import RecurrentLearner
from sk_dsn._core.recurrent.outputs import outputs, spike_counts
from sk_dsn._core.recurrent.recurrent_network import RecurrentNetwork
from sk_dsn._core.samples import Samples
from sk_dsn._core.settings import Loss, Neuron

SETTINGS = {
    "neuron": "signed",
    "leak": 1.0,
    "threshold": 0.25,
    "readout": "last",
    "feedback": "sample",
    "loss": "squared_error",
    "error_resolution": 4,
    "solver": "sgd",
    "momentum": 0.0,
    "max_grad_norm": None,
    "dropout": 0.0,
    "input_dropout": 0.0,
}
NEURONS = ["signed", "rectifying"]
LEAKS = [1.0, 0.5, 0.0]
ERRORS = [
    {"feedback": feedback, "readout": readout} for feedback, readout in product(["sample", "step"], ["last", "mean"])
]
ARCHITECTURES = [(3, 4), (3, 5, 2), (5, 17, 9, 3), (20, 33, 4)]


class Problem:
    """Weights, biases and sequences. Dyadic: in 8ths and 16ths; else off every grid."""

    def __init__(self, sizes, n_samples=4, n_time_steps=6, *, dyadic=True, biases=True, seed=0):
        rng = np.random.default_rng(seed)

        def draw(shape, spread, grid):
            values = rng.normal(0, spread, shape)
            return (np.round(values * grid) / grid if dyadic else values).astype(np.float32)

        self.sizes = sizes
        self.coefs = [draw((a, b), math.sqrt(2 / a), 8) for a, b in pairwise(sizes)]
        self.recurrent_coefs = [draw((n, n), 0.7 / math.sqrt(n), 8) for n in sizes[1:-1]]
        self.intercepts = [draw(n, 0.3, 8) for n in sizes[1:]] if biases else None
        self.X = draw((n_samples, n_time_steps, sizes[0]), 1, 16) * (rng.random((n_samples, n_time_steps, sizes[0])) < 0.7)
        self.X = self.X.astype(np.float32)
        self.labels = rng.integers(0, sizes[-1], n_samples).astype(np.int32)
        self.targets = np.eye(sizes[-1], dtype=np.float32)[self.labels]


def dynamics_of(settings):
    return {
        "neuron": {"signed": Neuron.SIGNED, "rectifying": Neuron.RECTIFYING}[settings["neuron"]],
        "leak": settings["leak"],
        "threshold": settings["threshold"],
        "mean_readout": settings["readout"] == "mean",
    }


class Core:
    """The core's network, with weights of its own, to run and to train."""

    def __init__(self, problem, *, n_time_steps=None, instruction_set=None, tape_limit=None, **changes):
        self.settings = settings = SETTINGS | changes
        self.instruction_set = instruction_set
        self.coefs = [padded_copy(w) for w in problem.coefs]
        self.recurrent_coefs = [padded_copy(w) for w in problem.recurrent_coefs]
        rows = None if problem.intercepts is None else [padded_copy(b[np.newaxis]) for b in problem.intercepts]
        self.intercepts = None if rows is None else [row[0] for row in rows]
        self.moments = [
            [padded_zeros(*array.shape), padded_zeros(*array.shape)]
            for array in [*self.coefs, *self.recurrent_coefs, *(rows or [])]
        ]
        self.learner = RecurrentLearner(
            {
                "dynamics": dynamics_of(settings),
                "error_rule": {
                    "loss": {"squared_error": Loss.SQUARED_ERROR, "log_loss": Loss.LOG_LOSS}[settings["loss"]],
                    "error_resolution": settings["error_resolution"],
                    "step_feedback": settings["feedback"] == "step",
                },
                "optimizer_rule": {
                    "adam": settings["solver"] == "adam",
                    "momentum": settings["momentum"],
                    "max_grad_norm": settings["max_grad_norm"] or 0,
                },
                "dropping": {"dropout": settings["dropout"], "input_dropout": settings["input_dropout"]},
            },
            self.coefs,
            self.recurrent_coefs,
            self.intercepts,
            [np.zeros(n, np.float32) for n in problem.sizes[1:]],
            moments=self.moments,
            n_time_steps=n_time_steps or problem.X.shape[1],
            tape_limit=tape_limit,
            instruction_set=instruction_set,
        )

    @property
    def parameters(self):
        return [*self.coefs, *self.recurrent_coefs, *(self.intercepts or [])]

    def network(self):
        weights = self.coefs, self.recurrent_coefs, self.intercepts
        return RecurrentNetwork(dynamics_of(self.settings), *weights, instruction_set=self.instruction_set)

    def outputs(self, X, lengths=None):
        out = np.empty((X.shape[1], len(X), self.coefs[-1].shape[1]), np.float32)
        assert outputs(self.network(), X if lengths is None else Samples(X, lengths=lengths), out) == -1
        return out

    def train(self, X, labels, rate=1 / 64, batch_size=1, order=None, lengths=None, **given):
        order = np.arange(len(X)) if order is None else order
        samples = X if lengths is None else Samples(X, lengths=lengths)
        loss, failed = train_epoch(
            self.learner, samples, labels, None, order, rate_first=rate, rate_last=rate, batch_size=batch_size,
            **{"seed": 0, "epoch": 0} | given,
        )
        assert failed == -1
        return loss

    def state(self):
        return [*self.parameters, *self.learner.error_potentials(), *(m for pair in self.moments for m in pair)]


def oracle_of(problem, **changes):
    return RecurrentReference(problem.coefs, problem.recurrent_coefs, problem.intercepts, SETTINGS | changes)


def assert_same(arrays, others):
    for array, other in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(array, other)


# --- The core equals the oracle bit for bit.


@pytest.mark.parametrize("sizes", [*ARCHITECTURES, (4, 300, 5), (4, 530, 5)], ids=named)
@pytest.mark.parametrize("leak", [*LEAKS, 0.3])
@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("readout", ["last", "mean"])
@pytest.mark.parametrize("dyadic", [True, False])
def test_answers_and_spikes_equal_the_oracle(sizes, leak, neuron, readout, dyadic):
    changes = {"leak": leak, "neuron": neuron, "readout": readout}
    problem = Problem(sizes, dyadic=dyadic)
    core, oracle = Core(problem, **changes), oracle_of(problem, **changes)
    answers = core.outputs(problem.X)
    counts = np.empty((*problem.X.shape[:2], len(sizes) - 1), np.int64)
    units = np.empty((*problem.X.shape[:2], sum(sizes[:-1]), 2), np.int32)
    assert spike_counts(core.network(), problem.X, counts, units) == -1
    for k, x in enumerate(problem.X):
        np.testing.assert_array_equal(answers[:, k], oracle.answers(x))
        spikes = np.concatenate(oracle.spikes(x), axis=1)
        np.testing.assert_array_equal(units[k, ..., 0] - units[k, ..., 1], spikes)
        np.testing.assert_array_equal(units[k].sum(axis=(1, 2)), counts[k].sum(axis=1))
    assert len(sizes) == 2 or counts[..., 1:].any()


@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("errors", ERRORS, ids=described)
@pytest.mark.parametrize("biases", [True, False])
def test_one_update_equals_the_oracle(sizes, leak, neuron, errors, biases):
    changes = {"leak": leak, "neuron": neuron, **errors}
    problem = Problem(sizes, biases=biases)
    core, oracle = Core(problem, **changes), oracle_of(problem, **changes)
    loss = core.train(problem.X, problem.labels, batch_size=len(problem.X))
    losses = oracle.learn_batch(problem.X, problem.targets, 1 / 64)
    assert loss == pytest.approx(np.mean(losses), rel=1e-12)
    assert_same(core.parameters, oracle.parameters)
    assert_same(core.learner.error_potentials(), oracle.error_potentials)
    assert any((p != q).any() for p, q in zip(core.coefs, problem.coefs, strict=True))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("leak", [1.0, 0.5])
@pytest.mark.parametrize(
    "changes",
    [{}, {"momentum": 0.5}, {"error_resolution": 1, "feedback": "step"}],
    ids=described,
)
def test_updates_of_batches_equal_the_oracle(solver, leak, changes):
    # Of weights off the grid gradients are exact still: they are sums of whole numbers.
    changes = changes | {"solver": solver, "leak": leak}
    problem = Problem((5, 17, 9, 3), n_samples=10)
    core, oracle = Core(problem, **changes), oracle_of(problem, **changes)
    core.train(problem.X, problem.labels, batch_size=4)
    for batch in (slice(0, 4), slice(4, 8), slice(8, 10)):
        oracle.learn_batch(problem.X[batch], problem.targets[batch], 1 / 64)
    assert core.learner.n_updates == 3
    assert_same(core.parameters, oracle.parameters)
    assert_same(core.learner.error_potentials(), oracle.error_potentials)
    assert_same([pair[0].reshape(m.shape) for pair, m in zip(core.moments, oracle.first, strict=True)], oracle.first)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_one_norm_limits_the_gradients_of_all_parameters(solver):
    # At leak 1 the squares are exact in float32.
    problem = Problem((5, 17, 9, 3))
    moved = []
    for limit in (None, 1e9, 0.125):
        changes = {"solver": solver, "max_grad_norm": limit}
        core, oracle = Core(problem, **changes), oracle_of(problem, **changes)
        core.train(problem.X, problem.labels, rate=1, batch_size=4)
        oracle.learn_batch(problem.X, problem.targets, 1)
        assert_same(core.parameters, oracle.parameters)
        before = [*problem.coefs, *problem.recurrent_coefs, *problem.intercepts]
        moved.append(np.sqrt(sum(((p - b) ** 2).sum() for p, b in zip(core.parameters, before, strict=True))))
    assert moved[0] == moved[1]
    if solver == "sgd":
        assert moved[2] == pytest.approx(0.125, rel=1e-5) and moved[0] > 0.2


def test_log_loss_learns_as_the_oracle():
    changes = {"loss": "log_loss", "error_resolution": 16}
    problem = Problem((5, 17, 9, 3))
    core, oracle = Core(problem, **changes), oracle_of(problem, **changes)
    loss = core.train(problem.X, problem.labels, batch_size=4)
    assert loss == pytest.approx(np.mean(oracle.learn_batch(problem.X, problem.targets, 1 / 64)), rel=1e-6)
    assert_same(core.parameters, oracle.parameters)  # error spikes are whole numbers


def test_weights_multiply_errors_before_they_are_quantised():
    weights = np.array([0.5, 3, 0.25, 1], np.float32)
    problem = Problem((5, 17, 9, 3))
    core, oracle = Core(problem), oracle_of(problem)
    core.train(problem.X, problem.labels, batch_size=4, weights=weights)
    oracle.learn_batch(problem.X, problem.targets, 1 / 64, weights)
    assert_same(core.parameters, oracle.parameters)


def test_dropped_features_and_noise_are_those_of_the_static_network():
    problem = Problem((5, 17, 9, 3))
    core, oracle = Core(problem, input_dropout=0.25), oracle_of(problem)
    core.train(problem.X, problem.labels, seed=3, epoch=7, noise_first=0.125, noise_last=0.125)
    for k, (x, target) in enumerate(zip(problem.X, problem.targets, strict=True)):
        key = sample_key(3, 7, k)
        scale = np.float32(1 / (1 - 0.25))
        kept = np.array([uniform(key, 0, i) >= 0.25 for i in range(5)])
        noise = np.array([0.125 * normal(key, 4, i) for i in range(5)]).astype(np.float32)
        oracle.learn_batch([np.where(kept, scale * (x + noise), np.float32(0))], [target], 1 / 64)
    assert_same(core.parameters, oracle.parameters)


def test_dropout_has_one_mask_a_sequence_for_the_spikes_that_go_up():
    problem = Problem((5, 17, 9, 3))
    core, oracle = Core(problem, dropout=0.5), oracle_of(problem)
    core.train(problem.X, problem.labels, seed=3, epoch=7, batch_size=4)
    masks = [
        [np.array([2 * (uniform(key, l, j) >= 0.5) for j in range(n)], np.float32) for l, n in [(1, 17), (2, 9)]]
        for key in (sample_key(3, 7, k) for k in range(4))
    ]
    oracle.learn_batch(problem.X, problem.targets, 1 / 64, masks=masks)
    assert_same(core.parameters, oracle.parameters)


def test_sequences_end_at_their_lengths():
    lengths = np.array([6, 1, 3, 5])
    for changes in ERRORS:
        problem = Problem((5, 17, 9, 3))
        core, oracle = Core(problem, leak=0.5, **changes), oracle_of(problem, leak=0.5, **changes)
        answers = core.outputs(problem.X, lengths=lengths)
        core.train(problem.X, problem.labels, batch_size=4, lengths=lengths)
        sequences = [x[:length] for x, length in zip(problem.X, lengths, strict=True)]
        for k, x in enumerate(sequences):
            expected = oracle.answers(x)
            np.testing.assert_array_equal(answers[: len(x), k], expected)
            np.testing.assert_array_equal(answers[len(x) :, k], np.broadcast_to(expected[-1], answers[len(x) :, k].shape))
        oracle.learn_batch(sequences, problem.targets, 1 / 64)
        assert_same(core.parameters, oracle.parameters)


def test_gradients_of_rows_and_of_columns_are_the_same():
    # Many error spikes make the gradient go by presynaptic rows, few by columns of errors.
    for resolution in (1 / 4, 64):
        problem = Problem((20, 33, 17, 4), n_time_steps=9)
        changes = {"error_resolution": resolution, "feedback": "step"}
        core, oracle = Core(problem, **changes), oracle_of(problem, **changes)
        core.train(problem.X, problem.labels, batch_size=2)
        for k in (0, 2):
            oracle.learn_batch(problem.X[k : k + 2], problem.targets[k : k + 2], 1 / 64)
        assert_same(core.parameters, oracle.parameters)


# --- In the limit of a small threshold and fine errors it is backpropagation through time.


@pytest.mark.parametrize("leak", [1.0, 0.5, 0.125, 0.0])
@pytest.mark.parametrize("errors", ERRORS, ids=described)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_weight_changes_approach_backpropagation_through_time(leak, errors, loss):
    changes = {"leak": leak, "threshold": 2.0**-12, "error_resolution": 2.0**16, "loss": loss, **errors}
    differences = []
    for seed in range(10):
        problem = Problem((4, 9, 7, 3), 1, 7, dyadic=False, seed=seed)
        core = Core(problem, **changes)
        answers = core.outputs(problem.X)[:, 0]
        core.train(problem.X, problem.labels, rate=1.0)
        expected_answers, gradients = relu_gradients(
            problem.coefs, problem.recurrent_coefs, problem.intercepts, problem.X[0], problem.targets[0], SETTINGS | changes
        )
        np.testing.assert_allclose(answers, expected_answers, atol=0.02)
        before = [*problem.coefs, *problem.recurrent_coefs, *problem.intercepts]
        moved = np.concatenate([(b - p).ravel() for b, p in zip(before, core.parameters, strict=True)])
        expected = np.concatenate([g.ravel() for g in gradients])
        differences.append(np.linalg.norm(moved - expected) / np.linalg.norm(expected))
    assert np.median(differences) <= 1e-3
    assert max(differences) <= 1e-2


# --- What does not change the bits.


@pytest.mark.parametrize("instruction_set", instruction_sets())
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize(
    "changes",
    [
        {"leak": 1.0},
        {"leak": 0.3, "feedback": "step", "readout": "mean"},
        {"leak": 0.1, "dropout": 0.3, "max_grad_norm": 0.05},
    ],
    ids=described,
)
@pytest.mark.parametrize("sizes", [(33, 130, 17, 10), (3, 530, 3)], ids=named)
def test_every_instruction_set_gives_the_same_bits(instruction_set, solver, neuron, changes, sizes):
    problem = Problem(sizes, 5, 12, dyadic=False)
    changes = changes | {"loss": "log_loss", "error_resolution": 16, "solver": solver, "momentum": 0.9, "neuron": neuron}
    core, baseline = (Core(problem, instruction_set=name, **changes) for name in (instruction_set, "baseline"))
    losses = [c.train(problem.X, problem.labels, rate=0.01, batch_size=2) for c in (core, baseline)]
    assert losses[0] == losses[1]
    assert_same(core.state(), baseline.state())
    np.testing.assert_array_equal(core.outputs(problem.X), baseline.outputs(problem.X))


def test_training_in_pieces_at_batch_ends_gives_the_same_bits():
    problem = Problem((5, 17, 9, 3), 12, dyadic=False)
    whole, pieces = Core(problem, solver="adam"), Core(problem, solver="adam")
    whole.train(problem.X, problem.labels, batch_size=4)
    for first in (0, 4, 8):
        pieces.train(problem.X, problem.labels, batch_size=4, order=np.arange(first, first + 4))
    assert_same(whole.state(), pieces.state())


# --- Work and memory.


def test_nothing_is_sent_back_where_nothing_is_wrong():
    problem = Problem((5, 17, 9, 3))
    core = Core(problem, solver="sgd")
    targets = np.ascontiguousarray(core.outputs(problem.X)[-1])
    counts = np.full((len(problem.X), 8), -1, np.int64)
    loss, failed = train_epoch(
        core.learner, problem.X, None, targets, np.arange(4), rate_first=1, rate_last=1, seed=0, epoch=0, batch_size=1,
        counts=counts,
    )
    assert (loss, failed) == (0, -1)
    assert counts[:, :3].all()
    assert not counts[:, 4:].any()
    assert_same(core.coefs, problem.coefs)


def test_the_tape_grows_with_the_time_steps_of_one_sequence():
    def tape_size(**given):
        return Core(Problem((5, 17, 9, 3), **given)).learner.tape_size

    assert tape_size(n_samples=2, n_time_steps=50) == tape_size(n_samples=20, n_time_steps=50)
    assert 1.8 < tape_size(n_time_steps=2000) / tape_size(n_time_steps=1000) < 2.2


def test_a_tape_above_the_limit_is_refused_and_the_remedies_are_named():
    with pytest.raises(ValueError, match=r"tape.*1000 time steps.*shorter sequences.*hidden_layer_sizes"):
        Core(Problem((5, 17, 9, 3), n_time_steps=1000), tape_limit=10_000)
    with pytest.raises(ValueError, match="tape"):
        Core(Problem((5, 17, 9, 3)), n_time_steps=2**31)  # nothing of that size is asked for


# --- Divergence and bad calls.


def failed_layer(problem, X=None, rate=1 / 64, **changes):
    core = Core(problem, **changes)
    X = problem.X if X is None else X
    return train_epoch(
        core.learner, X, problem.labels, None, np.arange(len(X)), rate_first=rate, rate_last=rate, seed=0, epoch=0,
        batch_size=1,
    )[1]


@pytest.mark.parametrize("value", [np.nan, np.inf, 2.0**30])
def test_input_out_of_range_fails_in_the_input_layer(value):
    problem = Problem((5, 17, 9, 3))
    X = problem.X.copy()
    X[1, 2, 3] = value
    assert failed_layer(problem, X) == 0
    core, out = Core(problem), np.empty((1, 4, 3), np.float32)
    assert outputs(core.network(), X, out) == 1
    assert spike_counts(core.network(), X, np.empty((4, 6, 3), np.int64)) == 1


@pytest.mark.parametrize("neuron", NEURONS)
def test_a_network_that_explodes_fails_in_the_layer_that_does(neuron):
    problem = Problem((5, 17, 9, 3), n_time_steps=60)
    problem.recurrent_coefs[0][:] = 8 * np.eye(17)
    assert failed_layer(problem, neuron=neuron) == 1


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("max_grad_norm", [None, 1.0])
def test_training_that_diverges_fails(solver, max_grad_norm):
    assert failed_layer(Problem((5, 17, 9, 3)), rate=1e38, solver=solver, max_grad_norm=max_grad_norm) >= 0


def test_arguments_that_do_not_fit_are_refused():
    problem = Problem((5, 17, 9, 3))
    core = Core(problem)
    with pytest.raises(ValueError, match="features"):
        core.outputs(problem.X[:, :, :4].copy())
    with pytest.raises(ValueError, match="room for 6"):
        core.train(Problem((5, 17, 9, 3), n_time_steps=7).X, problem.labels)
    with pytest.raises(ValueError, match="order"):
        core.train(problem.X, problem.labels, order=np.array([4]))
    with pytest.raises(ValueError, match="batch_size"):
        core.train(problem.X, problem.labels, batch_size=0)
    for threshold in (0.3, 0.0, -0.5, np.nan):
        with pytest.raises(ValueError, match="threshold"):
            Core(problem, threshold=threshold)
    with pytest.raises(ValueError, match="leak"):
        Core(problem, leak=1.5)

"""The compiled core against the oracle: bit for bit on dyadic grids, where float32 sums are exact."""

import ctypes
import math
import mmap
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reference import SpikingNetwork
from sk_dsn._core.network import Network, instruction_sets, padded_zeros
from sk_dsn._core.prediction import outputs, spike_counts
from sk_dsn._core.settings import Loss, Neuron, Reset, Simulation
from sk_dsn._core.training import epoch_order, train_epoch

few_examples = settings(max_examples=40, deadline=None, derandomize=True)

# Widths on both sides of every vector length and of a block of vectors; no hidden layer to three.
NARROW = [(3, 4), (17, 1), (1, 1, 1), (10, 33, 3)]
ARCHITECTURES = [*NARROW, (33, 200, 10), (200, 17, 10), (2, 256, 3), (2, 300, 3), (2, 530, 3), (17, 10, 33, 10, 3)]
DEEP = (17, 33, 10, 3)

STEPPED = ["clock-driven", "event-driven"]
SIMULATIONS = ["counting", *STEPPED]

SETTINGS = {
    "loss": "squared_error",
    "n_time_steps": 4,
    "error_resolution": 2,
    "normalized_step": False,
    "spike_penalty": 0,
    "dropout": 0,
    "input_dropout": 0,
    "noise_first": 0,
    "noise_last": 0,
    "max_norm": None,
    "rate_first": 1 / 128,
    "rate_last": 1 / 128,
    "seed": 0,
    "epoch": 0,
}


def named(sizes):
    return "-".join(map(str, sizes))


# --- Problems, and the core behind the oracle's interface.


@dataclass
class Problem:
    coefs: list
    intercepts: list | None
    X: np.ndarray
    labels: np.ndarray

    @property
    def everything(self):
        return np.arange(len(self.X))


def dyadic_problem(sizes, n_samples=8, biases=True, seed=2):
    """Weights and biases of about He's size, in 32nds; inputs of both signs, in 16ths, a third of them zero."""
    rng = np.random.default_rng(seed)
    coefs, intercepts = [], []
    for n_in, n_out in pairwise(sizes):
        largest = math.ceil(32 * math.sqrt(6 / n_in))
        coefs.append((rng.integers(-largest, largest + 1, (n_in, n_out)) / 32).astype(np.float32))
        intercepts.append((rng.integers(-8, 9, n_out) / 32).astype(np.float32))
    X = rng.integers(-16, 33, (n_samples, sizes[0])) / 16 * (rng.random((n_samples, sizes[0])) < 2 / 3)
    labels = rng.integers(0, sizes[-1], n_samples).astype(np.int32)
    return Problem(coefs, intercepts if biases else None, X.astype(np.float32), labels)


def real_problem(sizes, n_samples=8, biases=True, seed=2):
    """Off every grid."""
    rng = np.random.default_rng(seed)
    problem = dyadic_problem(sizes, n_samples, biases, seed)
    problem.coefs = [(c + 0.1 * rng.standard_normal(c.shape)).astype(np.float32) for c in problem.coefs]
    problem.X = (problem.X * rng.random(problem.X.shape)).astype(np.float32)
    if biases:
        problem.intercepts = [rng.normal(0, 0.1, b.shape).astype(np.float32) for b in problem.intercepts]
    return problem


def twin_problem(sizes, n_samples=8, biases=True, seed=2):
    """Off every grid, but every other hidden unit receives what its neighbour does: they fire at once, at one potential,
    and the order of what they send shows in the rounding above."""
    problem = real_problem(sizes, n_samples, biases, seed)
    for weights in problem.coefs[:-1]:
        weights[:, 1::2] = weights[:, : weights.shape[1] // 2 * 2 : 2]
    return problem


def padded(array):
    result = padded_zeros(*array.shape)
    result[:] = array
    return result


def padded_vector(array):
    return padded(array[None])[0]


# Settings that the core calls what SETTINGS calls them; the rest of what it is told is fixed here, or the caller's.
SAME_IN_CORE = ["normalized_step", "n_time_steps", "error_resolution", "spike_penalty", "dropout", "input_dropout"]


def core_settings(simulation, **changes):
    options = SETTINGS | changes
    return {
        "simulation": Simulation[simulation.replace("-", "_").upper()],
        "neuron": Neuron.SIGNED,
        "loss": Loss[options["loss"].upper()],
        "backward_reset": Reset.RESET_KEEP,
        "forward_reset": Reset.RESET_ZERO,
        "depth_first": False,
        "step_feedback": False,
        "fractional": False,
        "smooth_gradient": False,
        "rectifying_output": False,
        "hold_error": True,
        "mask_negative_inputs": False,
        "max_norm": options["max_norm"] or 0,
        **{name: options[name] for name in SAME_IN_CORE},
    }


class Core:
    """Trains copies of a problem's weights."""

    def __init__(self, problem, error_potentials=None, *, simulation="counting", dropout=False, instruction_set=None):
        self.coefs = [padded(c) for c in problem.coefs]
        self.intercepts = problem.intercepts and [padded_vector(b) for b in problem.intercepts]
        self.simulation = simulation
        if error_potentials is None:
            error_potentials = [np.zeros(c.shape[1], np.float32) for c in problem.coefs]
        self.network = Network(
            self.coefs,
            self.intercepts,
            error_potentials,
            stepped=simulation in STEPPED,
            dropout=dropout,
            instruction_set=instruction_set,
        )

    @property
    def error_potentials(self):
        return self.network.error_potentials()

    def try_train(self, X, labels, order, **changes):
        options = SETTINGS | changes
        return train_epoch(
            self.network,
            core_settings(self.simulation, **options),
            X[:, None],
            labels,
            None,
            np.asarray(order, np.intp),
            **{name: options[name] for name in ("rate_first", "rate_last", "noise_first", "noise_last", "seed", "epoch")},
        )

    def train(self, *args, **changes):
        mean_loss, failed_layer = self.try_train(*args, **changes)
        assert failed_layer == -1
        return mean_loss


def oracle(problem, error_potentials=None, **options):
    return SpikingNetwork(problem.coefs, problem.intercepts, error_potentials, **options)


def state(model):
    """All that learning changes."""
    return [*model.coefs, *(model.intercepts or []), *model.error_potentials]


def assert_same_state(model, expected):
    for array, wanted in zip(state(model), state(expected), strict=True):
        np.testing.assert_array_equal(array, wanted)


def predictor(problem, simulation="counting", instruction_set=None, n_together=1):
    return Network(
        problem.coefs,
        problem.intercepts,
        stepped=simulation in STEPPED,
        n_together=n_together,
        instruction_set=instruction_set,
    )


def outputs_of(network, X, n_time_steps, n_steps=None, rows=None, simulation="counting"):
    """Outputs of the last `n_steps` of the time steps, or of all."""
    n_rows = len(X) if rows is None else len(rows)
    out = np.full((n_steps or n_time_steps, n_rows, network.n_units[-1]), np.nan, np.float32)
    settings = core_settings(simulation, n_time_steps=n_time_steps)
    assert outputs(network, settings, X[:, None], out, rows=rows) == -1
    return out


def spikes_of(network, X, n_time_steps, simulation):
    out = np.full((len(X), n_time_steps, network.n_layers - 1), -1, np.int64)
    assert spike_counts(network, core_settings(simulation, n_time_steps=n_time_steps), X[:, None], out) == -1
    return out


def exit_code(function, *arguments):
    """How a process of its own ends that calls `function`, because a bad access to memory would end this one."""
    child = get_context("fork").Process(target=function, args=arguments)
    child.start()
    child.join()
    return child.exitcode


# --- Training.


@pytest.mark.parametrize("dropout", [0, 0.5])
@pytest.mark.parametrize("sizes", [(10, 3), DEEP], ids=named)
def test_every_simulation_of_the_oracle_learns_the_same(sizes, dropout):
    problem = dyadic_problem(sizes)
    event_driven, shuffled, clock_driven, counting = (
        oracle(problem, simulation=simulation, arrival=arrival)
        for simulation, arrival in [
            ("event-driven", None),
            ("event-driven", np.random.default_rng(0)),
            ("clock-driven", None),
            ("counting", None),
        ]
    )
    for network in (event_driven, shuffled, clock_driven, counting):
        network.train(problem.X, problem.labels, problem.everything, **SETTINGS | {"dropout": dropout})
    assert_same_state(shuffled, event_driven)
    assert_same_state(clock_driven, event_driven)
    assert_same_state(counting, event_driven)


@pytest.mark.parametrize("biases", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_training_equals_passing_every_spike_along(sizes, biases):
    problem = dyadic_problem(sizes, biases=biases)
    expected = oracle(problem)
    loss = expected.train(problem.X, problem.labels, problem.everything, **SETTINGS)
    for simulation in SIMULATIONS:
        core = Core(problem, simulation=simulation)
        assert core.train(problem.X, problem.labels, problem.everything) == pytest.approx(loss, rel=1e-6)
        assert_same_state(core, expected)
    assert all(np.any(now != before) for now, before in zip(core.coefs, problem.coefs, strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"n_time_steps": 1},
        {"n_time_steps": 32, "rate_first": 1 / 8, "rate_last": 1 / 8},
        {"error_resolution": 1},
        {"error_resolution": 16},
        {"error_resolution": 0.5},
        {"rate_first": 1 / 32, "rate_last": 0},
        {"spike_penalty": 1 / 16},
        {"dropout": 0.5},
        {"dropout": 0.75, "seed": 2**63 + 11, "epoch": 7},
        {"input_dropout": 0.5},
        {"input_dropout": 0.75, "dropout": 0.5, "seed": 2**63 + 11, "epoch": 7},
        {"noise_first": 0.5, "noise_last": 0.5},
        {"noise_first": 0.5, "noise_last": 0.25, "input_dropout": 0.5, "dropout": 0.5, "seed": 2**63 + 11, "epoch": 7},
    ],
    ids=repr,
)
def test_every_setting_means_what_the_oracle_says(changes):
    problem = dyadic_problem(DEEP)
    expected = oracle(problem)
    expected.train(problem.X, problem.labels, problem.everything, **SETTINGS | changes)
    for simulation in SIMULATIONS:
        core = Core(problem, simulation=simulation, dropout="dropout" in changes)
        core.train(problem.X, problem.labels, problem.everything, **changes)
        assert_same_state(core, expected)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_a_dropped_unit_sends_no_spikes_and_pays_no_spike_penalty(simulation):
    problem = dyadic_problem(DEEP)
    core, expected = Core(problem, simulation=simulation, dropout=True), oracle(problem)
    for model in (core, expected):
        model.train(problem.X, problem.labels, problem.everything, **SETTINGS | {"dropout": 0.5, "spike_penalty": 1 / 16})
    assert_same_state(core, expected)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_the_spike_penalty_is_paid_without_an_error_too(simulation):
    problem = dyadic_problem((10, 33, 3))
    problem.coefs[1][:] = 0
    problem.labels[:] = 1
    problem.intercepts[1][:] = [0, 1, 0]
    core, expected = Core(problem, simulation=simulation), oracle(problem)
    for model in (core, expected):
        model.train(problem.X, problem.labels, problem.everything, **SETTINGS | {"spike_penalty": 1 / 16})
    assert_same_state(core, expected)
    assert np.any(core.coefs[0] != problem.coefs[0])
    assert not np.any(core.coefs[1])


@pytest.mark.parametrize(
    ("sizes", "scale"),
    [((10, 3), 1), ((10, 33, 3), 1), (DEEP, 1), ((10, 3), 32)],
    ids=["10-3", "10-33-3", named(DEEP), "10-3 saturated"],
)
def test_log_loss_moves_the_weights_by_the_oracles_error_spikes(sizes, scale):
    # The softmax is rounded, the spikes it causes are whole: only the output's error potentials can differ.
    problem = dyadic_problem(sizes)
    problem.X *= scale
    core, expected = Core(problem), oracle(problem)
    changes = {"loss": "log_loss", "error_resolution": 16, "rate_first": 1 / 128 / scale, "rate_last": 1 / 128 / scale}
    losses = [m.train(problem.X, problem.labels, problem.everything, **SETTINGS | changes) for m in (core, expected)]
    *same, core_potentials = state(core)
    *expected_same, expected_potentials = state(expected)
    for array, wanted in zip(same, expected_same, strict=True):
        np.testing.assert_array_equal(array, wanted)
    np.testing.assert_allclose(core_potentials, expected_potentials, atol=1e-4)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("changes", [{}, {"dropout": 0.5}, {"loss": "log_loss"}], ids=repr)
@pytest.mark.parametrize("sizes", [(10, 3), DEEP], ids=named)
def test_normalized_step_divides_each_layers_rate_by_its_unscaled_input(sizes, changes, simulation):
    problem = real_problem(sizes, n_samples=4)
    core, expected = Core(problem, simulation=simulation, dropout="dropout" in changes), oracle(problem)
    changes = {"normalized_step": True, "rate_first": 0.5, "rate_last": 0.5} | changes
    for model in (core, expected):
        model.train(problem.X, problem.labels, problem.everything, **SETTINGS | changes)
    for array, wanted in zip(state(core), state(expected), strict=True):
        np.testing.assert_allclose(array, wanted, atol=1e-4)


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("handed_over", [False, True], ids=["one network", "potentials handed over"])
def test_error_potentials_are_kept_from_sample_to_sample_and_call_to_call(handed_over, simulation):
    problem = dyadic_problem(DEEP, n_samples=16)
    expected = oracle(problem)
    expected.train(problem.X, problem.labels, problem.everything, **SETTINGS)
    core = Core(problem, simulation=simulation)
    for part in np.split(problem.everything, 4):
        core.train(problem.X, problem.labels, part)
        if handed_over:
            now = Problem(core.coefs, core.intercepts, problem.X, problem.labels)
            core = Core(now, core.error_potentials, simulation=simulation)
    assert_same_state(core, expected)
    assert all(np.any(potentials) for potentials in core.error_potentials)


def test_training_starts_from_the_given_error_potentials_and_leaves_them_alone():
    problem = dyadic_problem(DEEP)
    rng = np.random.default_rng(1)
    given_potentials = [(rng.integers(-15, 16, b.shape) / 32).astype(np.float32) for b in problem.intercepts]
    before = [v.copy() for v in given_potentials]
    core, expected = Core(problem, given_potentials), oracle(problem, given_potentials)
    for model in (core, expected):
        model.train(problem.X, problem.labels, problem.everything, **SETTINGS)
    assert_same_state(core, expected)
    for array, wanted in zip(given_potentials, before, strict=True):
        np.testing.assert_array_equal(array, wanted)


def test_training_takes_the_rows_in_the_given_order_and_no_others():
    problem = dyadic_problem(DEEP)
    order = [5, 2, 7, 0]
    core, expected = Core(problem, dropout=True), oracle(problem)
    changes = {"dropout": 0.5, "rate_last": 0}
    losses = [m.train(problem.X, problem.labels, order, **SETTINGS | changes) for m in (core, expected)]
    assert_same_state(core, expected)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_room_for_dropout_alone_drops_nothing(simulation):
    problem = real_problem(DEEP)
    core, expected = Core(problem, simulation=simulation, dropout=True), Core(problem, simulation=simulation)
    for model in (core, expected):
        model.train(problem.X, problem.labels, problem.everything)
    assert_same_state(core, expected)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_after_an_epoch_no_hidden_unit_has_longer_weights_than_the_oracle_allows(simulation):
    problem = dyadic_problem(DEEP)
    core, expected = Core(problem, simulation=simulation), oracle(problem)
    for model in (core, expected):
        model.train(problem.X, problem.labels, problem.everything, **SETTINGS | {"max_norm": 1.5})
    for weights, wanted, before in zip(core.coefs, expected.coefs, problem.coefs, strict=True):
        np.testing.assert_allclose(weights, wanted, rtol=1e-5)
        norms = np.linalg.norm(before, axis=0)
        assert norms.min() < 1.5 < norms.max()


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_limited_weights_are_those_that_errors_go_down_by(simulation):
    problem = real_problem(DEEP)
    core = Core(problem, simulation=simulation)
    core.train(problem.X, problem.labels, problem.everything, max_norm=1)
    now = Problem([w.copy() for w in core.coefs], [b.copy() for b in core.intercepts], problem.X, problem.labels)
    expected = Core(now, core.error_potentials, simulation=simulation)
    for model in (core, expected):
        model.train(problem.X, problem.labels, problem.everything)
    assert_same_state(core, expected)


@pytest.mark.parametrize("key", [{"seed": 1}, {"epoch": 1}], ids=repr)
def test_seed_and_epoch_draw_other_units_to_drop(key):
    problem = dyadic_problem(DEEP)
    drawn, again, other = Core(problem, dropout=True), Core(problem, dropout=True), Core(problem, dropout=True)
    for core, changes in [(drawn, {}), (again, {}), (other, key)]:
        core.train(problem.X, problem.labels, problem.everything, dropout=0.5, **changes)
    assert_same_state(drawn, again)
    assert np.any(drawn.coefs[0] != other.coefs[0])


def test_training_keeps_the_padding_of_the_weights_at_zero():
    core = Core(real_problem(DEEP), dropout=True)
    problem = real_problem(DEEP)
    core.train(problem.X, problem.labels, problem.everything, dropout=0.5, spike_penalty=0.1)
    for coefs in core.coefs:
        assert np.count_nonzero(coefs.base) == np.count_nonzero(coefs)


# --- Prediction.


@pytest.mark.parametrize("biases", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_outputs_equal_passing_every_spike_along_at_every_step(sizes, biases):
    problem = dyadic_problem(sizes, n_samples=3, biases=biases)
    T = 8
    expected = np.array([oracle(problem).forward(x, T).outputs for x in problem.X])
    for simulation in SIMULATIONS:
        out = outputs_of(predictor(problem, simulation), problem.X, T, simulation=simulation)
        np.testing.assert_array_equal(out.swapaxes(0, 1), expected.astype(np.float32))


@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_off_the_grid_outputs_equal_rows_added_in_index_order_and_the_bias_last(sizes):
    problem = real_problem(sizes)
    T = 7
    out = outputs_of(predictor(problem), problem.X, T)
    counting = oracle(problem, simulation="counting", dtype=np.float32)
    for sample, x in enumerate(problem.X):
        np.testing.assert_array_equal(out[:, sample], counting.forward(x, T).outputs)


@pytest.mark.parametrize("simulation", STEPPED)
@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_spike_counts_are_those_of_passing_every_spike_along(sizes, simulation):
    problem = dyadic_problem(sizes, n_samples=3)
    T = 8
    counted = spikes_of(predictor(problem, simulation), problem.X, T, simulation)
    for sample, x in enumerate(problem.X):
        activity = oracle(problem, simulation=simulation).forward(x, T)
        np.testing.assert_array_equal(counted[sample].T, activity.spikes)


@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_clock_driven_spikes_are_the_changes_of_the_net_counts(sizes):
    problem = real_problem(sizes)
    T = 8
    counted = spikes_of(predictor(problem, "clock-driven"), problem.X, T, "clock-driven")
    for sample, x in enumerate(problem.X):
        activity = oracle(problem, simulation="counting").forward(x, T)
        np.testing.assert_array_equal(counted[sample].T, activity.spikes)


def test_spike_counts_include_spikes_taken_back():
    # A unit fires in the first step and takes the spike back when the slower, inhibiting input has caught up.
    coefs = [np.array([[0.75], [-1]], np.float32), np.ones((1, 1), np.float32)]
    counted = spikes_of(Network(coefs, stepped=True), np.array([[1, 0.5]], np.float32), 4, "clock-driven")[0]
    assert counted.T.tolist() == [[1, 2, 1, 2], [1, 1, 1, 0]]


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_outputs_of_chosen_steps_and_rows_are_those_of_the_whole(simulation):
    problem = real_problem(DEEP)
    network = predictor(problem, simulation)
    out = outputs_of(network, problem.X, 6, simulation=simulation)
    rows = np.array([6, 1, 1, 3])
    chosen = outputs_of(network, problem.X, 6, n_steps=3, rows=rows, simulation=simulation)
    np.testing.assert_array_equal(chosen, out[3:, rows])
    np.testing.assert_array_equal(outputs_of(network, problem.X[6:7], 6, simulation=simulation), out[:, 6:7])


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("dropout", [0, 0.5])
def test_a_network_made_for_training_predicts_with_the_weights_reached_and_drops_nothing(dropout, simulation):
    problem = real_problem(DEEP)
    core = Core(problem, simulation=simulation, dropout=dropout > 0)
    core.train(problem.X, problem.labels, problem.everything, dropout=dropout)
    reached = Problem(core.coefs, core.intercepts, problem.X, problem.labels)
    np.testing.assert_array_equal(
        outputs_of(core.network, problem.X, 4, simulation=simulation),
        outputs_of(predictor(reached, simulation), problem.X, 4, simulation=simulation),
    )


def test_prediction_changes_nothing_in_a_network_that_is_being_trained():
    problem = real_problem(DEEP)
    core, undisturbed = Core(problem), Core(problem)
    for part in np.split(problem.everything, 2):
        for model in (core, undisturbed):
            model.train(problem.X, problem.labels, part)
        outputs_of(core.network, -problem.X, 3)
    assert_same_state(core, undisturbed)


def test_edits_of_the_weights_reach_a_network_that_borrows_them():
    problem = real_problem(DEEP)
    network = predictor(problem)
    outputs_of(network, problem.X, 4)
    problem.coefs[1] *= 2
    problem.intercepts[0] -= 1
    np.testing.assert_array_equal(outputs_of(network, problem.X, 4), outputs_of(predictor(problem), problem.X, 4))


# --- One result for every layout and every instruction set.


def rows_apart(array, gap, first):
    base = np.full((len(array), array.shape[1] + gap), np.nan, np.float32)
    view = base[:, first : first + array.shape[1]]
    view[:] = array
    return view


def whole_cache_lines(array):
    """As padded rows lie in memory, but with something behind them."""
    n_rows, n_columns = array.shape
    stride = -(-n_columns // 16) * 16
    view = np.full(n_rows * stride, np.nan, np.float32).reshape(n_rows, stride)[:, :n_columns]
    view[:] = array
    return view


def every_other_row(array):
    base = np.full((2 * len(array), array.shape[1]), np.nan, np.float32)
    base[::2] = array
    return base[::2]


LAYOUTS = {
    "packed": np.copy,
    "padded": padded,
    "one entry apart": lambda array: rows_apart(array, 1, 1),
    "sixteen entries apart, unaligned": lambda array: rows_apart(array, 16, 3),
    "whole cache lines": whole_cache_lines,
    "every other row": every_other_row,
    "bottom up": lambda array: array[::-1].copy()[::-1],
}


@pytest.mark.parametrize("instruction_set", instruction_sets())
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_predictions_have_the_same_bits_for_every_layout_and_instruction_set(sizes, layout, instruction_set):
    # What lies between the rows is not a number: none of it may be read.
    problem = real_problem(sizes)
    strided = Problem([LAYOUTS[layout](c) for c in problem.coefs], problem.intercepts, problem.X, problem.labels)
    for simulation in SIMULATIONS:
        expected = predictor(problem, simulation, "baseline")
        network = predictor(strided, simulation, instruction_set)
        assert network.instruction_set == instruction_set
        np.testing.assert_array_equal(
            outputs_of(network, problem.X, 5, simulation=simulation),
            outputs_of(expected, problem.X, 5, simulation=simulation),
        )
        if simulation in STEPPED:
            np.testing.assert_array_equal(
                spikes_of(network, problem.X, 5, simulation), spikes_of(expected, problem.X, 5, simulation)
            )


def before_forbidden_memory(array):
    """A copy of `array` whose end is the end of what may be read."""
    n_pages = -(-array.nbytes // mmap.PAGESIZE)
    memory = np.frombuffer(mmap.mmap(-1, (n_pages + 1) * mmap.PAGESIZE), np.uint8)
    readable, forbidden = np.split(memory, [n_pages * mmap.PAGESIZE])
    copy = readable[len(readable) - array.nbytes :].view(array.dtype).reshape(array.shape)
    copy[:] = array
    protection_none = 0
    protect = ctypes.CDLL(None).mprotect
    assert protect(ctypes.c_void_p(forbidden.ctypes.data), ctypes.c_size_t(mmap.PAGESIZE), protection_none) == 0
    return copy


def predict_before_forbidden_memory(instruction_set):
    for width in range(1, 36):
        problem = real_problem((width, width, width), n_samples=9)
        coefs = [before_forbidden_memory(c) for c in problem.coefs]
        intercepts = [before_forbidden_memory(b) for b in problem.intercepts]
        guarded = Problem(coefs, intercepts, before_forbidden_memory(problem.X), None)
        for simulation in SIMULATIONS:
            outputs_of(predictor(guarded, simulation, instruction_set), guarded.X, 2, simulation=simulation)
        outputs_of(predictor(guarded, n_together=9, instruction_set=instruction_set), guarded.X, 2)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects memory by a call of Linux")
@pytest.mark.parametrize("instruction_set", instruction_sets())
def test_prediction_reads_nothing_past_the_end_of_an_array(instruction_set):
    # Such as the last page of a file that joblib maps.
    assert exit_code(predict_before_forbidden_memory, instruction_set) == 0


@pytest.mark.parametrize("instruction_set", instruction_sets())
@pytest.mark.parametrize("n_together", [2, 7, 64])
@pytest.mark.parametrize("sizes", [(4, 10, 3), (40, 5, 17, 3), (300, 200, 10), (600, 450, 3)], ids=named)
def test_samples_side_by_side_have_the_bits_of_samples_alone(sizes, n_together, instruction_set):
    # Few spikes, of which each finds its own row, and many, which share them; dense samples and sparse ones.
    problem = real_problem(sizes, n_samples=70)
    problem.X[::2, ::3] = 0
    alone = predictor(problem, instruction_set="baseline")
    together = predictor(problem, n_together=n_together, instruction_set=instruction_set)
    assert together.n_together == n_together
    for scale in [0.05, 1, 30]:
        X = np.float32(scale) * problem.X
        expected = outputs_of(alone, X, 4)
        np.testing.assert_array_equal(outputs_of(together, X, 4), expected)
        np.testing.assert_array_equal(outputs_of(together, X, 4, n_steps=1), expected[-1:])
        rows = np.random.default_rng(0).permutation(70)[:50]
        np.testing.assert_array_equal(outputs_of(together, X, 4, rows=rows), expected[:, rows])


@pytest.mark.parametrize("instruction_set", instruction_sets())
@pytest.mark.parametrize("make", [dyadic_problem, real_problem, twin_problem])
@pytest.mark.parametrize("scale", [0.25, 1, 8], ids=lambda scale: f"weights times {scale}")
@pytest.mark.parametrize("sizes", [(40, 5, 3), (40, 80, 33, 3), (40, 256, 3), (40, 300, 20, 3)], ids=named)
def test_rectifying_neurons_fire_in_the_oracles_order(sizes, scale, make, instruction_set):
    # One unit at an arrival, several (twins with equal potentials), many, and several times each.
    problem = make(sizes, n_samples=2, biases=False)
    problem.coefs = [scale * c for c in problem.coefs]
    T = 4
    settings = core_settings("event-driven", n_time_steps=T) | {"neuron": Neuron.RECTIFYING}
    network = predictor(problem, "event-driven", instruction_set)
    out = np.empty((T, len(problem.X), sizes[-1]), np.float32)
    spikes = np.empty((len(problem.X), T, len(sizes) - 1), np.int64)
    assert outputs(network, settings, problem.X[:, None], out) == -1
    assert spike_counts(network, settings, problem.X[:, None], spikes) == -1
    expected = oracle(problem, simulation="event-driven", neuron="rectifying", dtype=np.float32)
    for sample, x in enumerate(problem.X):
        activity = expected.forward(x, T)
        np.testing.assert_array_equal(spikes[sample].T, activity.spikes)
        np.testing.assert_array_equal(out[:, sample], activity.outputs)


@pytest.mark.parametrize("instruction_set", instruction_sets())
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"loss": "log_loss", "rate_first": 0.1, "rate_last": 0.01},
        {"loss": "log_loss", "normalized_step": True, "rate_first": 0.3, "rate_last": 0.3, "n_time_steps": 7},
        {"spike_penalty": 0.013, "dropout": 0.3, "error_resolution": 3},
    ],
    ids=repr,
)
@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_training_has_the_same_bits_for_every_instruction_set(sizes, changes, instruction_set):
    problem = real_problem(sizes, n_samples=20)
    for simulation in SIMULATIONS:
        core, expected = (
            Core(problem, simulation=simulation, dropout="dropout" in changes, instruction_set=name)
            for name in (instruction_set, "baseline")
        )
        losses = [m.train(problem.X, problem.labels, problem.everything, **changes) for m in (core, expected)]
        assert losses[0] == losses[1]
        assert_same_state(core, expected)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_read_only_arrays_can_be_predicted_with_and_trained_on(simulation):
    problem = real_problem(DEEP)
    expected = outputs_of(predictor(problem, simulation), problem.X, 4, simulation=simulation)
    order = problem.everything
    potentials = [np.zeros_like(b) for b in problem.intercepts]
    for array in [*problem.coefs, *problem.intercepts, *potentials, problem.X, problem.labels, order]:
        array.flags.writeable = False
    network = predictor(problem, simulation)
    out = outputs_of(network, problem.X, 4, rows=order, simulation=simulation)
    np.testing.assert_array_equal(out, expected)
    if simulation in STEPPED:
        spikes_of(network, problem.X, 4, simulation)
    Core(problem, potentials, simulation=simulation).train(problem.X, problem.labels, order)


@pytest.mark.parametrize("read_only", ["coefs", "intercepts"])
def test_training_refuses_to_change_read_only_arrays(read_only):
    problem = real_problem(DEEP)
    model = {
        "coefs": [padded(c) for c in problem.coefs],
        "intercepts": [padded_vector(b) for b in problem.intercepts],
    }
    for array in model[read_only]:
        array.flags.writeable = False
    with pytest.raises(ValueError, match=r"padded_zeros|read-only"):
        Network(**model, error_potentials=[np.zeros_like(b) for b in problem.intercepts])


# --- The scalar rule: the net count is ⌈sum - 1/2⌉.


def quantize_inputs(sums):
    network = Network([np.eye(len(sums), dtype=np.float32)])
    return outputs_of(network, sums[None], 1)[0, 0]


def fire_hidden_units(sums):
    n = len(sums)
    coefs = [np.zeros((1, n), np.float32), np.eye(n, dtype=np.float32)]
    network = Network(coefs, [sums, np.zeros(n, np.float32)])
    return outputs_of(network, np.zeros((1, 1), np.float32), 1)[0, 0]


def quantize_errors(sums):
    # The outputs are right, so that the given error potentials alone decide; a rate of 1 shows counts in the biases.
    right = np.zeros(len(sums), np.float32)
    right[0] = 1
    problem = Problem([np.zeros((1, len(sums)))], [right], np.zeros((1, 1), np.float32), np.zeros(1, np.int32))
    core = Core(problem, [sums])
    core.train(problem.X, problem.labels, [0], n_time_steps=1, error_resolution=1, rate_first=1, rate_last=1)
    counts = right - core.intercepts[0]
    np.testing.assert_array_equal(core.error_potentials[0], sums.astype(np.float64) - counts)
    return counts


TIES = np.array([-4095.5, -1.5, -1, -0.5, -1e-30, 0, 1e-30, 0.5, 1, 1.5, 4095.5], np.float32)
AROUND_TIES = np.concatenate([TIES, np.nextafter(TIES, np.float32(np.inf)), np.nextafter(TIES, np.float32(-np.inf))])


@pytest.mark.parametrize(
    ("count", "floor"), [(quantize_inputs, -math.inf), (fire_hidden_units, 0), (quantize_errors, -math.inf)]
)
@few_examples
@given(sums=arrays(np.float32, st.integers(1, 40), elements=st.floats(-4096, 4096, width=32)))
@example(sums=AROUND_TIES)
def test_net_counts_are_the_input_less_a_half_rounded_up(count, floor, sums):
    expected = [max(floor, math.ceil(Fraction(float(s)) - Fraction(1, 2))) for s in sums]
    assert count(sums).tolist() == expected


@st.composite
def small_problems(draw):
    sizes = draw(st.lists(st.integers(1, 9), min_size=2, max_size=4))

    def grid(shape, largest):
        return draw(arrays(np.int8, shape, elements=st.integers(-largest, largest))).astype(np.float32)

    shapes = list(pairwise(sizes))
    coefs = [grid(shape, 24) / 16 for shape in shapes]
    intercepts = [grid(n_out, 16) / 16 for _, n_out in shapes] if draw(st.booleans()) else None
    n_samples = draw(st.integers(1, 4))
    labels = draw(arrays(np.int32, n_samples, elements=st.integers(0, sizes[-1] - 1)))
    return Problem(coefs, intercepts, grid((n_samples, sizes[0]), 48) / 16, labels)


@few_examples
@given(problem=small_problems(), n_time_steps=st.integers(1, 5), arrival=st.integers(0, 2**32))
def test_net_counts_do_not_depend_on_the_order_of_arrival(problem, n_time_steps, arrival):
    out = outputs_of(predictor(problem), problem.X, n_time_steps)
    network = oracle(problem, arrival=np.random.default_rng(arrival))
    for sample, x in enumerate(problem.X):
        expected = network.forward(x, n_time_steps).outputs.astype(np.float32)
        np.testing.assert_array_equal(out[:, sample], expected)


@pytest.mark.parametrize("simulation", STEPPED)
@few_examples
@given(problem=small_problems(), n_time_steps=st.integers(1, 5))
def test_any_small_network_spikes_as_the_oracle_does(simulation, problem, n_time_steps):
    counted = spikes_of(predictor(problem, simulation), problem.X, n_time_steps, simulation)
    network = oracle(problem, simulation=simulation)
    for sample, x in enumerate(problem.X):
        np.testing.assert_array_equal(counted[sample].T, network.forward(x, n_time_steps).spikes)


@few_examples
@given(
    problem=small_problems(),
    n_time_steps=st.sampled_from([1, 2, 4]),
    error_resolution=st.sampled_from([0.5, 1, 4]),
    dropout=st.sampled_from([0, 0.5]),
    seed=st.integers(0, 2**64 - 1),
    epoch=st.integers(0, 2**64 - 1),
)
def test_any_small_network_learns_as_the_oracle_does(problem, **changes):
    expected = oracle(problem)
    rounded = oracle(problem, simulation="counting", dtype=np.float32)
    counted = oracle(problem, simulation="counting")
    for model in (rounded, counted):
        assume(model.train(problem.X, problem.labels, problem.everything, **SETTINGS | changes) < 1000)
    assume(all(np.array_equal(short, exact) for short, exact in zip(state(rounded), state(counted), strict=True)))
    expected.train(problem.X, problem.labels, problem.everything, **SETTINGS | changes)
    for simulation in SIMULATIONS:
        core = Core(problem, simulation=simulation, dropout=changes["dropout"] > 0)
        core.train(problem.X, problem.labels, problem.everything, **changes)
        assert_same_state(core, expected)


@pytest.mark.parametrize("simulation", SIMULATIONS)
@few_examples
@given(problem=small_problems(), n_time_steps=st.integers(1, 5))
def test_zero_input_without_biases_makes_no_spikes(simulation, problem, n_time_steps):
    problem.intercepts = None
    network = predictor(problem, simulation)
    nothing = np.zeros_like(problem.X)
    assert not outputs_of(network, nothing, n_time_steps, simulation=simulation).any()
    if simulation in STEPPED:
        assert not spikes_of(network, nothing, n_time_steps, simulation).any()


# --- What cannot be computed ends the call and says where.


def failed_rows(problem, simulation, n_steps=1, rows=None):
    """The row at which each way of prediction stops."""
    network = predictor(problem, simulation)
    settings = core_settings(simulation)
    n_rows = len(problem.X if rows is None else rows)
    out = np.empty((n_steps, n_rows, network.n_units[-1]), np.float32)
    failed = {outputs(network, settings, problem.X[:, None], out, rows=rows)}
    if simulation == "counting":
        together = predictor(problem, n_together=n_rows)
        failed.add(outputs(together, settings, problem.X[:, None], out, rows=rows))
    if rows is None and simulation in STEPPED:
        counted = np.empty((n_rows, settings["n_time_steps"], network.n_layers - 1), np.int64)
        failed.add(spike_counts(network, settings, problem.X[:, None], counted))
    return failed


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e9, -1e9, 3e38], ids=str)
def test_input_out_of_range_is_reported_with_its_row(value, simulation):
    problem = dyadic_problem(DEEP)
    problem.X[5, 3] = value
    assert failed_rows(problem, simulation) == {5}
    assert failed_rows(problem, simulation, rows=np.array([7, 5, 0])) == {5}
    core = Core(problem, simulation=simulation)
    assert core.try_train(problem.X, problem.labels, problem.everything)[1] == 0


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("value", [-np.inf, np.nan, 1e9, -3e38], ids=str)
@pytest.mark.parametrize("where", ["coefs", "intercepts"])
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_weights_out_of_range_are_reported_with_the_layer_they_lead_to(layer, where, value, simulation):
    problem = dyadic_problem(DEEP)
    problem.X = np.abs(problem.X) + 1
    problem.coefs = [np.abs(c) + 1 / 32 for c in problem.coefs]
    getattr(problem, where)[layer - 1][0] = value
    core = Core(problem, simulation=simulation)
    assert core.try_train(problem.X, problem.labels, problem.everything)[1] == layer
    if layer < len(DEEP) - 1 or abs(value) != 1e9:
        assert failed_rows(problem, simulation, n_steps=4) == {0}


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("bias", [np.inf, 3e38], ids=str)
def test_spikes_without_end_are_refused_before_they_are_sent(bias, simulation):
    problem = dyadic_problem(DEEP)
    problem.intercepts[1][0] = bias
    start = time.process_time()
    assert failed_rows(problem, simulation) == {0}
    assert Core(problem, simulation=simulation).try_train(problem.X, problem.labels, problem.everything)[1] == 2
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("simulation", ["counting", "clock-driven"])  # one by one, so many spikes take seconds
@pytest.mark.parametrize(("largest", "failed"), [(2**21 - 1, {-1}), (2**21 + 1, {0})])
def test_the_spikes_of_a_layer_are_limited_together(largest, failed, simulation):
    spikes = np.array([2**21, largest], np.float32)
    of_input = Problem([np.ones((2, 1), np.float32)], None, spikes[None], None)
    none = np.zeros(1, np.float32)
    coefs = [np.ones((1, 2), np.float32), np.ones((2, 1), np.float32)]
    of_hidden_units = Problem(coefs, [spikes, none], none[None], None)
    for problem in (of_input, of_hidden_units):
        assert failed_rows(problem, simulation) == failed


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize(
    "changes", [{"error_resolution": 1e9}, {"rate_first": 1e38, "rate_last": 1e38}], ids=["error spikes", "weights"]
)
def test_divergence_in_training_is_reported(changes, simulation):
    problem = dyadic_problem(DEEP)
    core = Core(problem, simulation=simulation)
    assert core.try_train(problem.X, problem.labels, problem.everything, **changes)[1] >= 1


@pytest.mark.parametrize("x", [0, 1], ids=["biases", "weights and biases"])
def test_what_the_last_update_made_infinite_is_reported(x):
    problem = dyadic_problem((10, 3))
    problem.X[:] = x
    core = Core(problem)
    _, failed_layer = core.try_train(problem.X, problem.labels, [0], rate_first=1e39, rate_last=1e39)
    assert not all(np.isfinite(array).all() for array in state(core))
    assert failed_layer == 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an interval timer")
@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_ctrl_c_ends_training_within_half_a_second_and_keeps_the_weights_reached(simulation):
    problem = real_problem((200, 200, 10))
    core = Core(problem, simulation=simulation)
    order = np.tile(problem.everything, 40_000)  # some seconds

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    start = time.process_time()
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            core.train(problem.X, problem.labels, order, rate_first=0.01, rate_last=0.01, normalized_step=True)
        assert time.process_time() - start < 0.6
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert np.any(core.coefs[0] != problem.coefs[0])
    assert np.isfinite(core.coefs[0]).all()


# --- What does not fit is refused.


def ones(*shape):
    return np.ones(shape, np.float32)


def trainable(shape=(3, 5, 2)):
    return [padded(ones(n_in, n_out)) for n_in, n_out in pairwise(shape)]


def network_for_training(coefs=None, intercepts=None, error_potentials=None, **options):
    return Network(coefs or trainable(), intercepts, error_potentials or [ones(5), ones(2)], **options)


def train_on(network, X=None, labels=None, Y=None, order=None, simulation="counting", **changes):
    return train_epoch(
        network,
        core_settings(simulation, **changes),
        ones(4, 1, 3) if X is None else X,
        np.zeros(4, np.int32) if labels is None and Y is None else labels,
        Y,
        np.arange(4) if order is None else order,
        rate_first=1,
        rate_last=1,
        seed=0,
        epoch=0,
    )


def predict_with(X=None, out=None, rows=None, simulation="counting", exits=None, **options):
    network = Network([ones(3, 5), ones(5, 2)], **options)
    X = ones(4, 1, 3) if X is None else X
    out = ones(4, 4, 2) if out is None else out
    return outputs(network, core_settings(simulation), X, out, rows=rows, **exits or {})


def count_with(X=None, out=(4, 4, 2), simulation="clock-driven", stepped=True):
    network = Network([ones(3, 5), ones(5, 2)], stepped=stepped)
    return spike_counts(network, core_settings(simulation), ones(4, 1, 3) if X is None else X, np.zeros(out, np.int64))


MISFITS = {
    "no layers": lambda: Network([]),
    "layers that do not chain": lambda: Network([ones(3, 5), ones(4, 2)]),
    "weights of one dimension": lambda: Network([ones(3)]),
    "weights in float64": lambda: Network([np.ones((3, 5))]),
    "weights by column": lambda: Network([np.asfortranarray(ones(3, 5))]),
    "too few biases": lambda: Network([ones(3, 5)], [ones(4)]),
    "too many biases": lambda: Network([ones(3, 5)], [ones(6)]),
    "strided biases": lambda: Network([ones(3, 5)], [ones(10)[::2]]),
    "biases for too few layers": lambda: Network([ones(3, 5), ones(5, 2)], [ones(5)]),
    "biases for too many layers": lambda: Network([ones(3, 5)], [ones(5), ones(2)]),
    "unknown instruction set": lambda: Network([ones(3, 5)], instruction_set="abacus"),
    "too few error potentials": lambda: network_for_training(error_potentials=[ones(5), ones(1)]),
    "error potentials for too few layers": lambda: network_for_training(error_potentials=[ones(5)]),
    "packed weights to train": lambda: network_for_training(coefs=[ones(3, 5), ones(5, 2)]),
    "packed biases to train": lambda: network_for_training(intercepts=[ones(5), ones(2)]),
    "training a network for prediction": lambda: train_on(Network(trainable())),
    "negative labels": lambda: train_on(network_for_training(), labels=np.full(4, -1, np.int32)),
    "a negative order": lambda: train_on(network_for_training(), order=np.array([0, -1])),
    "outputs of negative rows": lambda: predict_with(rows=np.arange(-1, 3)),
    "dropout without room for it": lambda: train_on(network_for_training(), dropout=0.5),
    "training on too wide X": lambda: train_on(network_for_training(), X=ones(4, 1, 4)),
    "training on too narrow X": lambda: train_on(network_for_training(), X=ones(4, 1, 2)),
    "training on streams of another length": lambda: train_on(network_for_training(), X=ones(4, 3, 3)),
    "fewer labels than rows": lambda: train_on(network_for_training(), labels=np.zeros(3, np.int32)),
    "more labels than rows": lambda: train_on(network_for_training(), labels=np.zeros(5, np.int32)),
    "labels past the outputs": lambda: train_on(network_for_training(), labels=np.full(4, 2, np.int32)),
    "fewer targets than rows": lambda: train_on(network_for_training(), Y=ones(3, 2)),
    "targets of the wrong width": lambda: train_on(network_for_training(), Y=ones(4, 3)),
    "an order past the rows": lambda: train_on(network_for_training(), order=np.array([0, 4])),
    "outputs of too wide X": lambda: predict_with(X=ones(4, 1, 4)),
    "outputs for too few rows": lambda: predict_with(out=ones(4, 3, 2)),
    "outputs for too many rows": lambda: predict_with(out=ones(4, 5, 2)),
    "outputs of the wrong width": lambda: predict_with(out=ones(4, 4, 3)),
    "outputs of more steps than there are": lambda: predict_with(out=ones(5, 4, 2)),
    "outputs for other rows": lambda: predict_with(rows=np.arange(3)),
    "outputs step by step without room for it": lambda: predict_with(simulation="event-driven"),
    "exits from several steps": lambda: predict_with(exits={"exit_margin": 1.0, "exit_steps": np.zeros(4, np.int64)}),
    "exits without room for their steps": lambda: predict_with(out=ones(1, 4, 2), exits={"exit_margin": 1.0}),
    "exits of too few rows": lambda: predict_with(
        out=ones(1, 4, 2), exits={"exit_margin": 1.0, "exit_steps": np.zeros(3, np.int64)}
    ),
    "spikes of too wide X": lambda: count_with(X=ones(4, 1, 4)),
    "spikes of too few rows": lambda: count_with(out=(3, 4, 2)),
    "spikes of too few steps": lambda: count_with(out=(4, 3, 2)),
    "spikes of too few layers": lambda: count_with(out=(4, 4, 1)),
    "spikes of too many layers": lambda: count_with(out=(4, 4, 3)),
    "spikes without room for steps": lambda: count_with(stepped=False),
}


def expect_value_error(misfit):
    try:
        MISFITS[misfit]()
    except ValueError:
        return
    raise AssertionError(f"no ValueError from {misfit}")


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_does_not_fit_raises_value_error(misfit):
    assert exit_code(expect_value_error, misfit) == 0


def test_an_order_is_drawn_for_each_seed_and_epoch_and_every_order_as_often_as_another():
    rows = np.array([2, 3, 5, 7])
    orders = Counter(tuple(epoch_order(rows, seed, epoch).tolist()) for seed in range(60) for epoch in range(0, 15000, 150))
    assert {tuple(sorted(order)) for order in orders} == {(2, 3, 5, 7)}
    assert len(orders) == 24
    assert all(abs(n - 250) < 5 * 250**0.5 for n in orders.values())
    np.testing.assert_array_equal(epoch_order(rows, 3, 4), epoch_order(rows, 3, 4))
    assert rows.tolist() == [2, 3, 5, 7]

"""Learning in the core against the oracle: bit for bit on dyadic grids, where float32 sums are
exact."""
import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers import (
    ARCHITECTURES,
    DEEP,
    ERRORS,
    LEARNING,
    SIMULATIONS,
    STEPPED,
    Core,
    Oracle,
    assert_learns_as_the_oracle,
    assert_same_state,
    described,
    dyadic_problem,
    is_refused,
    named,
    parametrize_product,
    train_all,
)
from strategies import few_examples, small_problems


@pytest.mark.parametrize("dropout", [0, 0.5])
@pytest.mark.parametrize("sizes", [(10, 3), DEEP], ids=named)
def test_every_simulation_of_the_oracle_learns_the_same(sizes, dropout):
    problem = dyadic_problem(sizes)
    shuffled = Oracle(problem, simulation="event-driven", arrival=np.random.default_rng(0), dropout=dropout)
    expected, *others = (Oracle(problem, simulation=simulation, dropout=dropout) for simulation in SIMULATIONS)
    train_all(problem, expected, shuffled, *others)
    for model in (shuffled, *others):
        assert_same_state(model, expected)


@pytest.mark.parametrize("biases", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_training_equals_passing_every_spike_along(sizes, biases):
    problem = dyadic_problem(sizes, biases=biases)
    expected = Oracle(problem)
    (loss,) = train_all(problem, expected)
    for simulation in SIMULATIONS:
        core = Core(problem, simulation=simulation)
        assert train_all(problem, core) == [pytest.approx(loss, rel=1e-6)]
        assert_same_state(core, expected)
    assert all(np.any(now != before) for now, before in zip(core.coefs, problem.coefs, strict=True))


@pytest.mark.parametrize(
    ("changes", "epoch"),
    [
        ({"n_time_steps": 1}, {}),
        ({"n_time_steps": 32, "learning_rate_init": 1 / 8}, {}),
        ({"error_resolution": 1}, {}),
        ({"error_resolution": 16}, {}),
        ({"error_resolution": 0.5}, {}),
        ({}, {"rate_first": 1 / 32, "rate_last": 0}),
        ({"spike_penalty": 1 / 16}, {}),
        ({"dropout": 0.5}, {}),
        ({"dropout": 0.75}, {"seed": 2**63 + 11, "epoch": 7}),
    ],
    ids=repr,
)
def test_every_setting_means_what_the_oracle_says(changes, epoch):
    problem = dyadic_problem(DEEP)
    expected = Oracle(problem, **changes)
    train_all(problem, expected, **epoch)
    for simulation in SIMULATIONS:
        core = Core(problem, simulation=simulation, **changes)
        train_all(problem, core, **epoch)
        assert_same_state(core, expected)


@few_examples
@given(
    problem=small_problems(),
    n_time_steps=st.sampled_from([1, 2, 4]),
    error_resolution=st.sampled_from([0.5, 1, 4]),
    dropout=st.sampled_from([0, 0.5]),
    seed=st.integers(0, 2**64 - 1),
    epoch=st.integers(0, 2**64 - 1),
)
def test_any_small_network_learns_as_the_oracle_does(problem, seed, epoch, **changes):
    key = {"seed": seed, "epoch": epoch}
    rounded = Oracle(problem, simulation="counting", dtype=np.float32, **changes)
    counted = Oracle(problem, simulation="counting", **changes)
    assume(max(train_all(problem, rounded, counted, **key)) < 1000)
    assume(all(
        np.array_equal(short, exact)
        for name in ("coefs", "intercepts", "error_potentials")
        for short, exact in zip(getattr(rounded, name) or [], getattr(counted, name) or [], strict=True)
    ))
    expected = Oracle(problem, **changes)
    train_all(problem, expected, **key)
    for simulation in SIMULATIONS:
        core = Core(problem, simulation=simulation, **changes)
        train_all(problem, core, **key)
        assert_same_state(core, expected)


# --- The oracle with the simulation of the core, in every variant that can be computed.

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


def combined(simulation, neuron, learning, error, extra):
    return {"simulation": simulation, "neuron": neuron} | learning | error | extra


@parametrize_product(
    lambda **choices: not is_refused(**combined(**choices)),
    simulation=STEPPED,
    neuron=["rectifying", "signed"],
    learning={described(learning): learning for learning in LEARNING},
    error={described(error): error for error in ERRORS},
    extra={described(extra): extra for extra in EXTRAS},
)
def test_every_variant_learns_as_the_oracle(simulation, neuron, learning, error, extra):
    problem = dyadic_problem((4, 6, 5, 3), n_samples=4)
    assert_learns_as_the_oracle(problem, combined(simulation, neuron, learning, error, extra))


@parametrize_product(
    simulation=STEPPED,
    neuron=["rectifying", "signed"],
    smooth={"counts": False, "smooth": True},
    learning={described(learning): learning for learning in LEARNING},
    biases={"biases": True, "no biases": False},
    n_frames={"static": 1, "stream": 4},
)
def test_every_kind_of_problem_is_learned_as_by_the_oracle(n_frames, biases, learning, smooth, neuron, simulation):
    problem = dyadic_problem((4, 6, 5, 3), n_samples=4, biases=biases, n_frames=n_frames)
    parameters = {"simulation": simulation, "neuron": neuron, "smooth_gradient": smooth} | learning
    assert_learns_as_the_oracle(problem, parameters)


@pytest.mark.parametrize("extra", [{}, {"normalized_step": True}, {"spike_penalty": 1 / 16, "dropout": 0.5}], ids=described)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
@pytest.mark.parametrize(
    ("simulation", "learning"),
    [
        (simulation, learning)
        for simulation, learning in itertools.product(SIMULATIONS, LEARNING)
        if not is_refused(simulation=simulation, **learning)
    ],
    ids=str,
)
def test_weighted_samples_are_learned_as_by_the_oracle(simulation, learning, loss, extra):
    parameters = {"simulation": simulation, "loss": loss} | learning | extra
    weights = np.array([1, 0.25, 2, 0.5], np.float32)
    assert_learns_as_the_oracle(dyadic_problem((4, 6, 5, 3), n_samples=4), parameters, weights)

"""Spikes of each layer in each time step, and the limit on their number."""
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import (
    ARCHITECTURES,
    DEEP,
    SIMULATIONS,
    STEPPED,
    Core,
    Oracle,
    Predictor,
    Problem,
    dyadic_problem,
    failed_rows,
    instruction_sets,
    named,
    parametrize_product,
    real_problem,
    static,
    twin_problem,
)
from strategies import few_examples, small_problems


@pytest.mark.parametrize("simulation", STEPPED)
@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_spike_counts_are_those_of_passing_every_spike_along(sizes, simulation):
    problem = dyadic_problem(sizes, n_samples=3)
    parameters = {"simulation": simulation, "n_time_steps": 8}
    np.testing.assert_array_equal(
        Predictor.of(problem, **parameters).spikes(problem.X), Oracle(problem, **parameters).spikes(problem.X)
    )


@pytest.mark.parametrize("simulation", STEPPED)
@few_examples
@given(problem=small_problems(), n_time_steps=st.integers(1, 5))
def test_any_small_network_spikes_as_the_oracle_does(simulation, problem, n_time_steps):
    parameters = {"simulation": simulation, "n_time_steps": n_time_steps}
    np.testing.assert_array_equal(
        Predictor.of(problem, **parameters).spikes(problem.X), Oracle(problem, **parameters).spikes(problem.X)
    )


@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_clock_driven_spikes_are_the_changes_of_the_net_counts(sizes):
    problem = real_problem(sizes)
    network = Predictor.of(problem, simulation="clock-driven", n_time_steps=8)
    counting = Oracle(problem, simulation="counting", n_time_steps=8)
    np.testing.assert_array_equal(network.spikes(problem.X), counting.spikes(problem.X))


def test_spike_counts_include_spikes_taken_back():
    # A unit fires in the first step. It takes the spike back when the slower, inhibiting input has
    # caught up.
    coefs = [np.array([[0.75], [-1]], np.float32), np.ones((1, 1), np.float32)]
    network = Predictor(coefs, simulation="clock-driven", n_time_steps=4)
    counted = network.spikes(static(np.array([[1, 0.5]], np.float32)))[0]
    assert counted.T.tolist() == [[1, 2, 1, 2], [1, 1, 1, 0]]


@parametrize_product(
    sizes={named(sizes): sizes for sizes in [(40, 5, 3), (40, 80, 33, 3), (40, 256, 3), (40, 300, 20, 3)]},
    scale={f"weights times {scale}": scale for scale in [0.25, 1, 8]},
    make={make.__name__: make for make in [dyadic_problem, real_problem, twin_problem]},
    instruction_set=instruction_sets(),
)
def test_rectifying_neurons_fire_in_the_oracles_order(sizes, scale, make, instruction_set):
    # At an arrival one unit fires, or several (twins with equal potentials), or many, or each
    # several times.
    problem = make(sizes, n_samples=2, biases=False)
    problem.coefs = [scale * c for c in problem.coefs]
    parameters = {"simulation": "event-driven", "neuron": "rectifying"}
    network = Predictor.of(problem, instruction_set=instruction_set, **parameters)
    expected = Oracle(problem, dtype=np.float32, **parameters)
    np.testing.assert_array_equal(network.spikes(problem.X), expected.spikes(problem.X))
    np.testing.assert_array_equal(network.outputs(problem.X), expected.outputs(problem.X))


# --- Too many spikes are refused before they are sent.


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("bias", [np.inf, 3e38], ids=str)
def test_spikes_without_end_are_refused_before_they_are_sent(bias, simulation):
    problem = dyadic_problem(DEEP)
    problem.intercepts[1][0] = bias
    start = time.process_time()
    assert failed_rows(problem, simulation) == {0}
    assert Core(problem, simulation=simulation).try_train(problem.X, problem.labels)[1] == 2
    assert time.process_time() - start < 0.5


# Event-driven simulations would take seconds for so many spikes.
@pytest.mark.parametrize("simulation", ["counting", "clock-driven"])
@pytest.mark.parametrize(("largest", "failed"), [(2**21 - 1, {-1}), (2**21 + 1, {0})])
def test_the_spikes_of_a_layer_are_limited_together(largest, failed, simulation):
    spikes = np.array([2**21, largest], np.float32)
    of_input = Problem([np.ones((2, 1), np.float32)], None, static(spikes[None]), None)
    none = np.zeros(1, np.float32)
    coefs = [np.ones((1, 2), np.float32), np.ones((2, 1), np.float32)]
    of_hidden_units = Problem(coefs, [spikes, none], static(none[None]), None)
    for problem in (of_input, of_hidden_units):
        assert failed_rows(problem, simulation) == failed

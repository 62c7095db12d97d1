"""Outputs at every time step, of all samples or of chosen rows, alone or side by side."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import (
    ARCHITECTURES,
    DEEP,
    SIMULATIONS,
    STEPPED,
    WIDE,
    Core,
    Oracle,
    Predictor,
    dyadic_problem,
    failed_rows,
    instruction_sets,
    named,
    parametrize_product,
    real_problem,
)
from strategies import few_examples, small_problems


@pytest.mark.parametrize("biases", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_outputs_equal_passing_every_spike_along_at_every_step(sizes, biases):
    problem = dyadic_problem(sizes, n_samples=3, biases=biases)
    expected = Oracle(problem, n_time_steps=8).outputs(problem.X).astype(np.float32)
    for simulation in SIMULATIONS:
        network = Predictor.of(problem, simulation=simulation, n_time_steps=8)
        np.testing.assert_array_equal(network.outputs(problem.X), expected)


@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=named)
def test_off_the_grid_outputs_equal_rows_added_in_index_order_and_the_bias_last(sizes):
    problem = real_problem(sizes)
    expected = Oracle(problem, simulation="counting", dtype=np.float32, n_time_steps=7).outputs(problem.X)
    np.testing.assert_array_equal(Predictor.of(problem, n_time_steps=7).outputs(problem.X), expected)


@pytest.mark.parametrize("simulation", STEPPED)
@pytest.mark.parametrize("neuron", ["rectifying", "signed"])
@pytest.mark.parametrize("biases", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("n_frames", [1, 4], ids=["static", "stream"])
def test_outputs_and_spikes_of_every_time_step_are_the_oracles(simulation, neuron, biases, n_frames):
    problem = dyadic_problem(WIDE, n_samples=6, biases=biases, n_frames=n_frames, seed=0)
    parameters = {"simulation": simulation, "neuron": neuron}
    core, oracle = Core(problem, **parameters), Oracle(problem, dtype=np.float32, **parameters)
    np.testing.assert_array_equal(core.outputs(problem.X), oracle.outputs(problem.X))
    np.testing.assert_array_equal(core.spikes(problem.X), oracle.spikes(problem.X))


@few_examples
@given(problem=small_problems(), n_time_steps=st.integers(1, 5), arrival=st.integers(0, 2**32))
def test_net_counts_do_not_depend_on_the_order_of_arrival(problem, n_time_steps, arrival):
    shuffled = Oracle(problem, arrival=np.random.default_rng(arrival), n_time_steps=n_time_steps)
    expected = shuffled.outputs(problem.X).astype(np.float32)
    np.testing.assert_array_equal(Predictor.of(problem, n_time_steps=n_time_steps).outputs(problem.X), expected)


@pytest.mark.parametrize("simulation", SIMULATIONS)
@few_examples
@given(problem=small_problems(), n_time_steps=st.integers(1, 5))
def test_zero_input_without_biases_makes_no_spikes(simulation, problem, n_time_steps):
    network = Predictor(problem.coefs, simulation=simulation, n_time_steps=n_time_steps)
    nothing = np.zeros_like(problem.X)
    assert not network.outputs(nothing).any()
    if simulation in STEPPED:
        assert not network.spikes(nothing).any()


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_outputs_of_chosen_steps_and_rows_are_those_of_the_whole(simulation):
    problem = real_problem(DEEP)
    network = Predictor.of(problem, simulation=simulation, n_time_steps=6)
    out = network.outputs(problem.X)
    rows = np.array([6, 1, 1, 3])
    np.testing.assert_array_equal(network.outputs(problem.X, n_steps=3, rows=rows), out[3:, rows])
    np.testing.assert_array_equal(network.outputs(problem.X[6:7]), out[:, 6:7])


@parametrize_product(
    sizes={named(sizes): sizes for sizes in [(4, 10, 3), (40, 5, 17, 3), (300, 200, 10), (600, 450, 3)]},
    n_together=[2, 7, 64],
    instruction_set=instruction_sets(),
)
def test_samples_side_by_side_have_the_bits_of_samples_alone(sizes, n_together, instruction_set):
    # With few spikes each sample reads its own rows; with many, samples share what is read. Half of
    # the samples are sparse.
    problem = real_problem(sizes, n_samples=70)
    problem.X[::2, :, ::3] = 0
    alone = Predictor.of(problem, instruction_set="baseline")
    together = Predictor.of(problem, n_together=n_together, instruction_set=instruction_set)
    assert together.network.n_together == n_together
    for scale in [0.05, 1, 30]:
        X = np.float32(scale) * problem.X
        expected = alone.outputs(X)
        np.testing.assert_array_equal(together.outputs(X), expected)
        np.testing.assert_array_equal(together.outputs(X, n_steps=1), expected[-1:])
        rows = np.random.default_rng(0).permutation(70)[:50]
        np.testing.assert_array_equal(together.outputs(X, rows=rows), expected[:, rows])


# --- A sample that cannot be computed ends the call: it returns the row, or in training the layer.


# Layers of more than one vector of an instruction set, of which only the first is out of range.
SEVERAL_VECTORS = (4, 33, 34, 35)


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("value", [-np.inf, np.inf, np.nan, 1e9, -3e38], ids=str)
@pytest.mark.parametrize("where", ["coefs", "intercepts"])
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_weights_out_of_range_are_reported_with_the_layer_they_lead_to(layer, where, value, simulation):
    problem = dyadic_problem(SEVERAL_VECTORS)
    problem.X = np.abs(problem.X) + 1
    problem.coefs = [np.abs(c) + 1 / 32 for c in problem.coefs]
    getattr(problem, where)[layer - 1][..., 0] = value
    assert Core(problem, simulation=simulation).try_train(problem.X, problem.labels)[1] == layer
    if layer < len(SEVERAL_VECTORS) - 1 or abs(value) != 1e9:
        assert failed_rows(problem, simulation, n_steps=4) == {0}

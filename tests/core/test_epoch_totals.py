"""What an epoch adds up: spikes and error spikes of each layer; and how far a weight raises a rate."""
import numpy as np
import pytest

from helpers import SIMULATIONS, Core, dyadic_problem


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_totals_are_the_sums_over_the_samples(simulation):
    problem = dyadic_problem((10, 6, 3))
    core = Core(problem, simulation=simulation, learning_rate_init=0.0)
    totals = np.ones((2, 3), np.int64)  # are raised, not set
    core.train(problem.X, problem.labels, totals=totals)
    spikes, error_spikes, _ = np.split(core.counts[:, :-1], 3, axis=1)
    np.testing.assert_array_equal(totals[1] - 1, error_spikes.sum(axis=0))
    assert totals[0, 2] == 1 < totals[0, 1] and totals[1, 0] == 1 < totals[1, 2]
    if simulation != "counting":
        np.testing.assert_array_equal(totals[0, :2] - 1, spikes.sum(axis=0)[:2])


def test_counting_has_the_net_spikes():
    problem = dyadic_problem((10, 6, 3))
    totals = np.zeros((2, 3), np.int64)
    core = Core(problem, simulation="counting", learning_rate_init=0.0)
    core.train(problem.X, problem.labels, totals=totals)
    X = np.asarray(problem.X, np.float64).reshape(len(problem.X), -1)
    T = core.parameters["n_time_steps"]
    counts = np.ceil(T * X - 0.5)
    biases = 0 if problem.intercepts is None else problem.intercepts[0]
    hidden = np.maximum(0, np.ceil(counts @ problem.coefs[0] + T * biases - 0.5))
    assert totals[0].tolist() == [np.abs(counts).sum(), hidden.sum(), 0]


@pytest.mark.parametrize("weight", [0.5, 2, 1000])
@pytest.mark.parametrize("normalized_step", [False, True])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_a_weight_raises_a_normalised_step_of_the_squared_error_to_a_whole_one_at_most(weight, normalized_step, loss):
    problem = dyadic_problem((10, 6, 3))
    parameters = {"loss": loss, "normalized_step": normalized_step, "simulation": "clock-driven", "n_time_steps": 4}
    limited = normalized_step and loss == "squared_error" and weight > 1
    rate = 2**-3
    expected = min(weight * rate, 0.5) if limited else weight * rate
    weighted, plain = (Core(problem, **parameters, learning_rate_init=r) for r in (rate, expected))
    weighted.train(problem.X[:1], problem.labels[:1], weights=np.full(1, weight, np.float32))
    plain.train(problem.X[:1], problem.labels[:1])
    for array, wanted in zip(weighted.coefs, plain.coefs, strict=True):
        np.testing.assert_array_equal(array, wanted)

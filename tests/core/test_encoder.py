"""The input: noise on features, features that are dropped, and samples that cannot be encoded."""
import numpy as np
import pytest

from helpers import (
    DEEP,
    SIMULATIONS,
    Core,
    Oracle,
    assert_same_state,
    dyadic_problem,
    failed_rows,
    train_all,
)


@pytest.mark.parametrize(
    ("changes", "epoch"),
    [
        ({"input_dropout": 0.5}, {}),
        ({"input_dropout": 0.75, "dropout": 0.5}, {"seed": 2**63 + 11, "epoch": 7}),
        ({"input_noise": 0.5}, {}),
        (
            {"input_dropout": 0.5, "dropout": 0.5},
            {"noise_first": 0.5, "noise_last": 0.25, "seed": 2**63 + 11, "epoch": 7},
        ),
    ],
    ids=repr,
)
def test_noise_and_dropped_features_are_those_that_the_oracle_draws(changes, epoch):
    problem = dyadic_problem(DEEP)
    expected = Oracle(problem, **changes)
    train_all(problem, expected, **epoch)
    for simulation in SIMULATIONS:
        core = Core(problem, simulation=simulation, **changes)
        train_all(problem, core, **epoch)
        assert_same_state(core, expected)


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e9, -1e9, 3e38], ids=str)
def test_input_out_of_range_is_reported_with_its_row(value, simulation):
    problem = dyadic_problem(DEEP)
    problem.X[5, 0, 3] = value
    assert failed_rows(problem, simulation) == {5}
    assert failed_rows(problem, simulation, rows=np.array([7, 5, 0])) == {5}
    core = Core(problem, simulation=simulation)
    assert core.try_train(problem.X, problem.labels)[1] == 0

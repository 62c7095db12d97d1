"""Error potentials: where they start, and that they are kept."""
import numpy as np
import pytest

from helpers import DEEP, SIMULATIONS, Core, Oracle, assert_same_state, dyadic_problem, train_all


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("handed_over", [False, True], ids=["one network", "potentials handed over"])
def test_error_potentials_are_kept_from_sample_to_sample_and_call_to_call(handed_over, simulation):
    problem = dyadic_problem(DEEP, n_samples=16)
    expected = Oracle(problem)
    train_all(problem, expected)
    core = Core(problem, simulation=simulation)
    for part in np.split(np.arange(16), 4):
        core.train(problem.X, problem.labels, part)
        if handed_over:
            now = problem.with_weights(core.coefs, core.intercepts)
            core = Core(now, core.error_potentials, simulation=simulation)
    assert_same_state(core, expected)
    assert all(np.any(potentials) for potentials in core.error_potentials)


def test_training_starts_from_the_given_error_potentials_and_leaves_them_alone():
    problem = dyadic_problem(DEEP)
    rng = np.random.default_rng(1)
    given_potentials = [(rng.integers(-15, 16, b.shape) / 32).astype(np.float32) for b in problem.intercepts]
    before = [v.copy() for v in given_potentials]
    core, expected = Core(problem, given_potentials), Oracle(problem, given_potentials)
    train_all(problem, core, expected)
    assert_same_state(core, expected)
    for array, wanted in zip(given_potentials, before, strict=True):
        np.testing.assert_array_equal(array, wanted)

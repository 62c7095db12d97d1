"""The limit on the norm of each hidden unit's incoming weights."""
import numpy as np
import pytest

from helpers import DEEP, SIMULATIONS, Core, Oracle, assert_same_state, dyadic_problem, real_problem, train_all


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_after_an_epoch_no_hidden_unit_has_longer_weights_than_the_oracle_allows(simulation):
    problem = dyadic_problem(DEEP)
    core, expected = Core(problem, simulation=simulation, max_norm=1.5), Oracle(problem, max_norm=1.5)
    train_all(problem, core, expected)
    for weights, wanted, before in zip(core.coefs, expected.coefs, problem.coefs, strict=True):
        np.testing.assert_allclose(weights, wanted, rtol=1e-5)
        norms = np.linalg.norm(before, axis=0)
        assert norms.min() < 1.5 < norms.max()


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_limited_weights_are_those_that_errors_go_down_by(simulation):
    problem = real_problem(DEEP)
    core = Core(problem, simulation=simulation, max_norm=1)
    train_all(problem, core)
    now = problem.with_weights([w.copy() for w in core.coefs], [b.copy() for b in core.intercepts])
    expected = Core(now, core.error_potentials, simulation=simulation, max_norm=1)
    train_all(problem, core, expected)
    assert_same_state(core, expected)
    assert np.any(core.coefs[0] != now.coefs[0])

"""The update of the weights: its rate, the spike penalty, the two copies of the weights and their
padding."""
import numpy as np
import pytest

from helpers import DEEP, SIMULATIONS, Core, Oracle, assert_same_state, dyadic_problem, named, real_problem, train_all


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("changes", [{}, {"dropout": 0.5}, {"loss": "log_loss"}], ids=repr)
@pytest.mark.parametrize("sizes", [(10, 3), DEEP], ids=named)
def test_normalized_step_divides_each_layers_rate_by_its_unscaled_input(sizes, changes, simulation):
    problem = real_problem(sizes, n_samples=4)
    changes = {"normalized_step": True, "learning_rate_init": 0.5} | changes
    core, expected = Core(problem, simulation=simulation, **changes), Oracle(problem, **changes)
    train_all(problem, core, expected)
    assert_same_state(core, expected, dict.fromkeys(["coefs", "intercepts", "error_potentials"], 1e-4))


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_a_dropped_unit_sends_no_spikes_and_pays_no_spike_penalty(simulation):
    problem = dyadic_problem(DEEP)
    changes = {"dropout": 0.5, "spike_penalty": 1 / 16}
    core, expected = Core(problem, simulation=simulation, **changes), Oracle(problem, **changes)
    train_all(problem, core, expected)
    assert_same_state(core, expected)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_the_spike_penalty_is_paid_without_an_error_too(simulation):
    problem = dyadic_problem((10, 33, 3))
    problem.coefs[1][:] = 0
    problem.labels[:] = 1
    problem.intercepts[1][:] = [0, 1, 0]
    core, expected = (
        Core(problem, simulation=simulation, spike_penalty=1 / 16),
        Oracle(problem, spike_penalty=1 / 16),
    )
    train_all(problem, core, expected)
    assert_same_state(core, expected)
    assert np.any(core.coefs[0] != problem.coefs[0])
    assert not np.any(core.coefs[1])


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_training_keeps_the_padding_of_the_weights_at_zero(simulation):
    problem = real_problem(DEEP)
    core = Core(problem, simulation=simulation, dropout=0.5, spike_penalty=0.1)
    train_all(problem, core)
    for coefs in core.coefs:
        assert np.count_nonzero(coefs.base) == np.count_nonzero(coefs)

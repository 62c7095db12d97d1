"""One epoch of training: the rows and their order, predictions in between, interruption,
divergence."""
import signal
import time

import numpy as np
import pytest

from helpers import (
    DEEP,
    SIMULATIONS,
    Core,
    Oracle,
    Predictor,
    assert_same_state,
    dyadic_problem,
    real_problem,
    train_all,
)


def test_training_takes_the_rows_in_the_given_order_and_no_others():
    problem = dyadic_problem(DEEP)
    order = [5, 2, 7, 0]
    core, expected = Core(problem, dropout=0.5), Oracle(problem, dropout=0.5)
    losses = [model.train(problem.X, problem.labels, order, rate_last=0) for model in (core, expected)]
    assert_same_state(core, expected)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("dropout", [0, 0.5])
def test_a_network_in_training_predicts_with_the_weights_reached_and_drops_nothing(dropout, simulation):
    problem = real_problem(DEEP)
    core = Core(problem, simulation=simulation, dropout=dropout)
    train_all(problem, core)
    expected = Predictor([w.copy() for w in core.coefs], [b.copy() for b in core.intercepts], simulation=simulation)
    np.testing.assert_array_equal(core.outputs_in_training(problem.X), expected.outputs(problem.X))
    np.testing.assert_array_equal(core.outputs(problem.X), expected.outputs(problem.X))


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_prediction_changes_nothing_in_a_network_that_is_being_trained(simulation):
    problem = real_problem(DEEP)
    core, undisturbed = (Core(problem, simulation=simulation) for _ in range(2))
    for part in np.split(np.arange(len(problem.X)), 2):
        for model in (core, undisturbed):
            model.train(problem.X, problem.labels, part)
        core.outputs_in_training(-problem.X)
    assert_same_state(core, undisturbed)


# --- Divergence. A layer out of the range of float32, or of exact counting, ends the epoch.


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize(
    "changes", [{"error_resolution": 1e9}, {"learning_rate_init": 1e38}], ids=["error spikes", "weights"]
)
def test_divergence_in_training_is_reported(changes, simulation):
    problem = dyadic_problem(DEEP)
    core = Core(problem, simulation=simulation, **changes)
    assert core.try_train(problem.X, problem.labels)[1] >= 1


@pytest.mark.parametrize("x", [0, 1], ids=["biases", "weights and biases"])
def test_weights_that_the_last_update_made_infinite_are_reported(x):
    problem = dyadic_problem((10, 3))
    problem.X[:] = x
    core = Core(problem, learning_rate_init=1e39)
    _, failed_layer = core.try_train(problem.X, problem.labels, [0])
    assert not all(np.isfinite(array).all() for array in [*core.coefs, *core.intercepts])
    assert failed_layer == 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an interval timer")
@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_ctrl_c_ends_training_within_half_a_second_and_keeps_the_weights_reached(simulation):
    problem = real_problem((200, 200, 10))
    core = Core(problem, simulation=simulation, learning_rate_init=0.01, normalized_step=True)
    order = np.tile(np.arange(len(problem.X)), 40_000)  # some seconds

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    start = time.process_time()
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            core.train(problem.X, problem.labels, order)
        assert time.process_time() - start < 0.6
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert np.any(core.coefs[0] != problem.coefs[0])
    assert np.isfinite(core.coefs[0]).all()

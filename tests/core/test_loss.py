"""The error at the output by loss."""
import numpy as np
import pytest

from helpers import DEEP, Core, Oracle, assert_same_state, dyadic_problem, named, train_all


@pytest.mark.parametrize(
    ("sizes", "scale"),
    [((10, 3), 1), ((10, 33, 3), 1), (DEEP, 1), ((10, 3), 32)],
    ids=["10-3", "10-33-3", named(DEEP), "10-3 saturated"],
)
def test_log_loss_moves_the_weights_by_the_oracles_error_spikes(sizes, scale):
    # The softmax is rounded, the spikes that it causes are whole: only the output's error
    # potentials can differ.
    problem = dyadic_problem(sizes)
    problem.X *= scale
    changes = {"loss": "log_loss", "error_resolution": 16, "learning_rate_init": 1 / 128 / scale}
    core, expected = Core(problem, **changes), Oracle(problem, **changes)
    losses = train_all(problem, core, expected)
    for array, wanted in zip(core.error_potentials[:-1], expected.error_potentials[:-1], strict=True):
        np.testing.assert_array_equal(array, wanted)
    assert_same_state(core, expected, {"error_potentials": 1e-4})
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)

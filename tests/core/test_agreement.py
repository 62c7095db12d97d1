"""One network of signed neurons, whichever simulation runs it: feedback once a sample, update by
sgd."""
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers import (
    PARAMETERS,
    STEPPED,
    WIDE,
    Core,
    Oracle,
    assert_same_state,
    described,
    dyadic_problem,
    parametrize_product,
)

AGREEING = [
    {},
    {"n_time_steps": 1},
    {"n_time_steps": 16},
    {"error_resolution": 1},
    {"spike_penalty": 1 / 16},
    {"dropout": 0.5},
    {"dropout": 0.5, "spike_penalty": 1 / 16},
    {"input_dropout": 0.5},
    {"input_dropout": 0.5, "dropout": 0.5, "mask_negative_inputs": True},
    {"input_noise": 0.5},
    {"input_noise": 0.5, "input_dropout": 0.5, "dropout": 0.5},
    {"output_activation": "rectifying"},
    {"output_activation": "rectifying", "spike_penalty": 1 / 16, "dropout": 0.5},
    {"loss": "log_loss"},
    {"mask_negative_inputs": True},
    {"backward_reset": "zero"},
    {"backward_reset": "random"},
]


@parametrize_product(
    changes={described(changes): changes for changes in AGREEING},
    biases={"biases": True, "no biases": False},
    is_stream={"static": False, "stream": True},
)
def test_every_simulation_of_signed_neurons_learns_and_predicts_the_same_bits(changes, biases, is_stream):
    changes = {"learning_rate_init": 1 / 64} | changes
    n_frames = (PARAMETERS | changes)["n_time_steps"] if is_stream else 1
    problem = dyadic_problem(WIDE, n_samples=6, biases=biases, n_frames=n_frames, seed=0)
    expected = Core(problem, simulation="counting", **changes)
    expected_loss = expected.train(problem.X, problem.targets)
    expected_outputs = expected.outputs(problem.X)
    assert all(np.any(now != before) for now, before in zip(expected.coefs, problem.coefs, strict=True))
    for simulation in STEPPED:
        core = Core(problem, simulation=simulation, **changes)
        assert core.train(problem.X, problem.targets) == expected_loss
        # Random error potentials are on no grid.
        assert_same_state(core, expected, {"error_potentials": 1e-6} if "backward_reset" in changes else {})
        np.testing.assert_array_equal(core.outputs(problem.X), expected_outputs)


@pytest.mark.parametrize("simulation", STEPPED)
@pytest.mark.parametrize("n_frames", [1, 4], ids=["static", "stream"])
def test_signed_neurons_send_the_same_net_counts_in_every_simulation(simulation, n_frames):
    # An output for each neuron reads it: the output's input is the neuron's net count.
    problem = dyadic_problem(WIDE[:-1], n_samples=6, n_frames=n_frames, seed=0)
    problem.coefs.append(np.eye(WIDE[-2], dtype=np.float32))
    problem.intercepts.append(np.zeros(WIDE[-2], np.float32))
    T = PARAMETERS["n_time_steps"]
    counts = [Core(problem, simulation=name).outputs(problem.X)[-1] * T for name in (simulation, "counting")]
    np.testing.assert_array_equal(counts[0], counts[1])
    sums = [activity.received[-2][-1] for activity in Oracle(problem).activities(problem.X)]
    np.testing.assert_array_equal(counts[0], np.maximum(0, np.ceil(np.array(sums) - 0.5)))


@given(seed=st.integers(0, 2**32 - 1), log2_T=st.integers(0, 3), log2_g=st.integers(-1, 3), stream=st.booleans())
@settings(max_examples=25)
def test_simulations_agree_on_any_dyadic_problem(seed, log2_T, log2_g, stream):
    T = 2**log2_T
    problem = dyadic_problem((5, 7, 6, 3), n_samples=4, n_frames=T if stream else 1, seed=seed)
    changes = {"n_time_steps": T, "error_resolution": 2.0**log2_g, "learning_rate_init": 2.0**log2_g * T**2 / 2**12}
    expected = Core(problem, simulation="counting", **changes)
    expected.train(problem.X, problem.targets)
    # On a grid of 2**-12 float32 is exact up to 2**12. A network that diverges sends sums of errors
    # beyond that.
    assume(max(np.abs(w).max() for w in expected.coefs) < 16)
    for simulation in STEPPED:
        core = Core(problem, simulation=simulation, **changes)
        core.train(problem.X, problem.targets)
        assert_same_state(core, expected)

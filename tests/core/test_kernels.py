"""The scalar rule ⌈sum − 1/2⌉, and equal bits from every instruction set."""
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers import (
    ARCHITECTURES,
    SIMULATIONS,
    Core,
    Predictor,
    Problem,
    assert_same_state,
    described,
    instruction_sets,
    is_refused,
    named,
    parametrize_product,
    real_problem,
    static,
    train_all,
)
from strategies import few_examples

# --- The scalar rule: the net count is ⌈sum − 1/2⌉.


def quantize_inputs(sums):
    return Predictor([np.eye(len(sums), dtype=np.float32)], n_time_steps=1).outputs(static(sums[None]))[0, 0]


def fire_hidden_units(sums):
    n = len(sums)
    coefs = [np.zeros((1, n), np.float32), np.eye(n, dtype=np.float32)]
    network = Predictor(coefs, [sums, np.zeros(n, np.float32)], n_time_steps=1)
    return network.outputs(np.zeros((1, 1, 1), np.float32))[0, 0]


def quantize_errors(sums):
    # The outputs are right, so the given error potentials alone decide. A rate of 1 shows counts in
    # the biases.
    right = np.zeros(len(sums), np.float32)
    right[0] = 1
    coefs = [np.zeros((1, len(sums)), np.float32)]
    problem = Problem(coefs, [right], np.zeros((1, 1, 1), np.float32), np.zeros(1, np.int32))
    core = Core(problem, [sums], n_time_steps=1, error_resolution=1, learning_rate_init=1)
    train_all(problem, core)
    counts = right - core.intercepts[0]
    np.testing.assert_array_equal(core.error_potentials[0], sums.astype(np.float64) - counts)
    return counts


TIES = np.array([-4095.5, -1.5, -1, -0.5, -1e-30, 0, 1e-30, 0.5, 1, 1.5, 4095.5], np.float32)
AROUND_TIES = np.concatenate([TIES, np.nextafter(TIES, np.float32(np.inf)), np.nextafter(TIES, np.float32(-np.inf))])


@pytest.mark.parametrize(
    ("count", "floor"), [(quantize_inputs, -math.inf), (fire_hidden_units, 0), (quantize_errors, -math.inf)]
)
@few_examples
@given(sums=arrays(np.float32, st.integers(1, 40), elements=st.floats(-4096, 4096, width=32)))
@example(sums=AROUND_TIES)
def test_net_counts_are_the_input_less_a_half_rounded_up(count, floor, sums):
    expected = [max(floor, math.ceil(Fraction(float(s)) - Fraction(1, 2))) for s in sums]
    assert count(sums).tolist() == expected


# --- Every instruction set is run through the same tests against the baseline.


def assert_same_bits_as_baseline(problem, instruction_set, **parameters):
    """Checks training, and predictions with the weights that it reaches."""
    core, expected = (
        Core(problem, instruction_set=name, **parameters) for name in (instruction_set, "baseline")
    )
    losses = [model.train(problem.X, problem.targets) for model in (core, expected)]
    assert losses[0] == losses[1]
    assert_same_state(core, expected)
    np.testing.assert_array_equal(core.counts, expected.counts)
    np.testing.assert_array_equal(core.outputs(problem.X), expected.outputs(problem.X))


RATES = [
    {"learning_rate_init": 1 / 128},
    {"loss": "log_loss", "learning_rate_init": 0.1},
    {"loss": "log_loss", "normalized_step": True, "learning_rate_init": 0.3, "n_time_steps": 7},
    {"spike_penalty": 0.013, "dropout": 0.3, "error_resolution": 3},
]


@parametrize_product(
    sizes={named(sizes): sizes for sizes in ARCHITECTURES},
    changes={described(changes): changes for changes in RATES},
    instruction_set=instruction_sets(),
)
def test_training_has_the_same_bits_for_every_instruction_set(sizes, changes, instruction_set):
    problem = real_problem(sizes, n_samples=20)
    for simulation in SIMULATIONS:
        assert_same_bits_as_baseline(problem, instruction_set, simulation=simulation, **changes)


VARIANTS = [
    {"learning_rate_init": 1 / 64},
    {"dropout": 0.3, "spike_penalty": 0.013, "error_resolution": 3},
    {"loss": "log_loss", "normalized_step": True, "learning_rate_init": 0.3, "n_time_steps": 7},
    {"feedback": "step", "weight_update": "fractional", "output_activation": "rectifying"},
    {"feedback": "step", "smooth_gradient": True, "neuron": "rectifying", "forward_reset": "keep"},
    {"neuron": "rectifying", "n_time_steps": 30},
]


@parametrize_product(
    lambda simulation, changes, **_: not is_refused(simulation=simulation, **changes),
    changes={described(changes): changes for changes in VARIANTS},
    simulation=SIMULATIONS,
    shape={"narrow": ((33, 200, 17, 10), 12), "wide": ((17, 300, 270, 3), 4)},
    instruction_set=instruction_sets(),
)
def test_every_instruction_set_gives_the_same_bits(changes, simulation, shape, instruction_set):
    problem = real_problem(*shape)
    assert_same_bits_as_baseline(problem, instruction_set, simulation=simulation, **changes)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_weights_of_negative_zero_have_the_same_bits_from_every_instruction_set(simulation):
    """A product of zero that is subtracted can turn -0 into 0, so it must be left out alike everywhere."""
    trained = []
    for instruction_set in instruction_sets():
        problem = real_problem((20, 40, 30, 3))
        problem.coefs[1][:, 3:] = -0.0
        problem.intercepts[1][:] = np.linspace(-1, 1, 30)
        core = Core(problem, simulation=simulation, n_time_steps=3, instruction_set=instruction_set)
        core.train(problem.X, problem.labels, np.arange(len(problem.X)))
        trained.append([np.ascontiguousarray(w).view(np.uint32) for w in core.coefs])
    for weights in trained[1:]:
        for a, b in zip(weights, trained[0], strict=True):
            np.testing.assert_array_equal(a, b)

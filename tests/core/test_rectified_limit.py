"""With many time steps, outputs and gradients approach those of a rectified-linear network."""
import numpy as np
import pytest
from scipy.special import softmax

from helpers import (
    ERRORS,
    LEARNING,
    PARAMETERS,
    SIMULATIONS,
    Core,
    described,
    is_refused,
    parametrize_product,
    real_problem,
)


def rectified_network(problem, sample, parameters):
    """The rectified-linear network in float64: outputs, gradients by weights and by biases."""
    coefs = [c.astype(float) for c in problem.coefs]
    activations, sums = [problem.X[sample, 0].astype(float)], []
    for weights, biases in zip(coefs, problem.intercepts, strict=True):
        sums.append(activations[-1] @ weights + biases)
        activations.append(np.maximum(0, sums[-1]))
    outputs, target = sums[-1], problem.targets[sample]
    if parameters["output_activation"] == "rectifying":
        errors = [(activations[-1] - target) * (outputs > 0)]
    else:
        errors = [(softmax(outputs) if parameters["loss"] == "log_loss" else outputs) - target]
    for weights, below in zip(coefs[:0:-1], sums[-2::-1], strict=True):
        errors.insert(0, (weights @ errors[0]) * (below > 0))
    return outputs, [np.outer(a, e) for a, e in zip(activations, errors, strict=False)], errors


def changes_per_rate(problem, sample, parameters, rate):
    """The changes of weights and biases by one sample, divided by the rate."""
    core = Core(problem, **parameters)
    core.train(
        problem.X[sample : sample + 1], problem.targets[sample : sample + 1], rate_first=rate, rate_last=rate
    )
    befores, afters = [*problem.coefs, *problem.intercepts], [*core.coefs, *core.intercepts]
    return [(before - after) / rate for before, after in zip(befores, afters, strict=True)]


def largest_difference(arrays, expected):
    return max(np.abs(array - wanted).max() for array, wanted in zip(arrays, expected, strict=True))


def combined(simulation, neuron, learning, error):
    return {"simulation": simulation, "neuron": neuron, "error_resolution": 1} | learning | error


@parametrize_product(
    lambda **choices: not is_refused(**combined(**choices)),
    simulation=SIMULATIONS,
    neuron=["rectifying", "signed"],
    learning={described(learning): learning for learning in LEARNING},
    error={described(error): error for error in ERRORS},
)
def test_output_and_weight_change_approach_the_rectified_network_as_one_over_time_steps(simulation, neuron, learning, error):
    # So many samples that every seed tried (0 to 4) passes.
    problem = real_problem((10, 12, 8, 4), n_samples=24)
    errors = []
    for T in (64, 1024):
        parameters = combined(simulation, neuron, learning, error) | {"n_time_steps": T}
        outputs = Core(problem, **parameters).outputs(problem.X)[-1]
        output_errors, change_errors = [], []
        for sample in range(len(problem.X)):
            expected, *gradients = rectified_network(problem, sample, parameters)
            gradients = gradients[0] + gradients[1]
            if learning["weight_update"] == "fractional":
                # In the limit of a rate of zero (by central difference): errors meet weights that
                # have changed already.
                both = [changes_per_rate(problem, sample, parameters, rate) for rate in (2**-9, -(2**-9))]
                found = [(ahead + back) / 2 for ahead, back in zip(*both, strict=True)]
                gradients = [gradient / 2 for gradient in gradients]
            else:
                found = changes_per_rate(problem, sample, parameters, 1.0)
            output_errors.append(np.abs(outputs[sample] - expected).max())
            change_errors.append(largest_difference(found, gradients))
        # The median: a sample in which a unit's sum is next to 0 may have another gate at either T.
        errors.append((np.mean(output_errors), np.median(change_errors)))
    (few_output, few_change), (many_output, many_change) = errors
    # 16 times the time steps. With feedback at each step the errors of the first, which are far
    # off, add a logarithm.
    assert many_output < few_output / 12
    assert many_change < few_change / (12 if learning["feedback"] == "sample" else 8)
    assert many_output < 0.005
    assert many_change < 0.05


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_smooth_gradients_approach_the_rectified_networks_too(simulation):
    problem = real_problem((10, 12, 8, 4), n_samples=8)
    parameters = PARAMETERS | {"simulation": simulation, "smooth_gradient": True, "n_time_steps": 1024}
    parameters |= {"output_activation": "linear"}
    for sample in range(len(problem.X)):
        _, *gradients = rectified_network(problem, sample, parameters)
        found = changes_per_rate(problem, sample, parameters, 1.0)
        assert largest_difference(found, gradients[0] + gradients[1]) < 0.05

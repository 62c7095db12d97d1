"""Combinations of parameters: the core's settings for each, and which combinations the estimators
refuse."""
import itertools

import numpy as np
import pytest

from helpers import core_settings, described, estimator_parameters, settings_of, streams
from sk_dsn import SpikingMLPClassifier

# Parameters that do not go together -> a word of the reason.
IMPOSSIBLE = [
    ({"loss": "log_loss", "output_activation": "rectifying"}, "softmax"),
    ({"output_activation": "rectifying", "error_resolution": 1.5}, "whole number"),
    ({"weight_update": "fractional", "feedback": "sample"}, "weight_update='fractional' needs"),
    ({"forward_reset": "keep", "neuron": "signed"}, "forward_reset='keep' needs"),
    ({"forward_reset": "keep", "dropout": 0.5}, "dropout"),
    ({"hold_error": False, "output_activation": "linear"}, "hold_error=False"),
    ({"hold_error": False, "feedback": "sample"}, "hold_error=False"),
    ({"hold_error": False, "error_resolution": 1.5}, "hold_error=False"),
    ({"hold_error": False, "error_resolution": 2}, "hold_error=False"),
    ({"hold_error": False, "simulation": "counting"}, "hold_error=False"),
    ({"hold_error": False, "simulation": "clock-driven"}, "hold_error=False"),
    ({"simulation": "counting", "neuron": "rectifying"}, "simulation='counting' needs neuron"),
    ({"simulation": "counting", "feedback": "step"}, "simulation='counting' needs feedback"),
]
CHOICES = {
    "simulation": ["auto", "counting", "clock-driven", "event-driven", "event-driven-depth-first"],
    "neuron": ["signed", "rectifying"],
    "feedback": ["sample", "step"],
    "weight_update": ["sgd", "fractional"],
    "loss": ["log_loss", "squared_error"],
    "output_activation": ["linear", "rectifying"],
    "error_resolution": [1, 1.5, 2],
    "hold_error": [True, False],
    "forward_reset": ["zero", "keep"],
    "dropout": [0, 0.5],
}


def simulation_meant(parameters):
    if parameters["simulation"] != "auto":
        return parameters["simulation"]
    if parameters["neuron"] == "signed" and parameters["weight_update"] == "sgd" and parameters["feedback"] == "sample":
        return "counting"
    return "clock-driven" if parameters["hold_error"] else "event-driven"


@pytest.mark.parametrize("simulation", CHOICES["simulation"])
def test_impossible_combinations_are_refused_with_the_reason_and_nothing_else_is(simulation):
    X = np.array([[0.5, -1.0], [1.0, 0.25]], np.float32)
    for values in itertools.product([simulation], *list(CHOICES.values())[1:]):
        parameters = dict(zip(CHOICES, values, strict=True))
        meant = parameters | {"simulation": simulation_meant(parameters)}
        reasons = [reason for combination, reason in IMPOSSIBLE if combination.items() <= meant.items()]
        if reasons:
            with pytest.raises(ValueError, match="|".join(reasons)):
                settings_of(n_time_steps=2, **parameters)
        else:
            assert settings_of(n_time_steps=2, **parameters) == core_settings(n_time_steps=2, **meant)
            keywords = estimator_parameters(n_time_steps=2, random_state=0, **parameters)
            SpikingMLPClassifier(3, **keywords).partial_fit(X, [0, 1], classes=[0, 1]).predict(X)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_time_steps": 7},
        {"smooth_gradient": True},
        {"mask_negative_inputs": True},
        {"normalized_step": True},
        {"backward_reset": "zero"},
        {"backward_reset": "random"},
        {"spike_penalty": 0.5},
        {"max_norm": 1.5},
        {"input_dropout": 0.25},
    ],
    ids=described,
)
def test_every_other_parameter_reaches_the_core_under_its_name(changes):
    parameters = {"simulation": "clock-driven"} | changes
    assert settings_of(**parameters) == core_settings(**parameters)
    assert settings_of(**parameters) != core_settings(simulation="clock-driven")


def test_an_impossible_combination_is_refused_before_anything_changes():
    X, y, _ = streams()
    classifier = SpikingMLPClassifier(6, **estimator_parameters(weight_update="fractional"))
    for method in (classifier.fit, lambda X, y: classifier.partial_fit(X, y, classes=[0, 1, 2])):
        with pytest.raises(ValueError, match="needs feedback='step'"):
            method(X, y)
        assert not hasattr(classifier, "coefs_")


def test_a_fitted_network_refuses_a_simulation_that_cannot_run_it():
    X, y, _ = streams()
    classifier = SpikingMLPClassifier(6, neuron="rectifying").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="simulation='counting' needs neuron='signed'"):
        classifier.set_params(simulation="counting").predict(X)

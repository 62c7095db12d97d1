"""Scales from which a network cannot learn are named, with the remedy; others raise no alarm."""
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler, scale

from sk_dsn import PAPER_SETTINGS, SpikingBackprop, SpikingMLPClassifier, SpikingMLPRegressor


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def classifier(**params):
    return SpikingMLPClassifier(**{"max_iter": 2, "random_state": 0} | params)


def regressor(**params):
    return SpikingMLPRegressor(**{"max_iter": 2, "random_state": 0} | params)


def complaints(call):
    """The texts of the warnings that a call raises, all of them ConvergenceWarnings of the caller's line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(warning.category is ConvergenceWarning and warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


TOO_SMALL = {
    "in 0..0.01, 32 time steps": (lambda X: 0.01 * X, {"n_time_steps": 32}),
    "in 0..0.01": (lambda X: 0.01 * X, {}),
    "a 33rd, 16 time steps": (lambda X: X / 33, {"n_time_steps": 16}),
    "a 33rd, streams of one step": (lambda X: X[:, np.newaxis] * 16 / 33, {}),
    "a 33rd": (lambda X: X / 33, {}),
    "sparse": (lambda X: csr_matrix(X / 33), {"n_time_steps": 16}),
}


@pytest.mark.parametrize("name", TOO_SMALL)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_features_that_spikes_do_not_show_are_named(digits, name, method):
    (X, y), (change, params) = digits, TOO_SMALL[name]
    classes = {"classes": range(10)} if method == "partial_fit" else {}
    (text,) = complaints(lambda: getattr(classifier(**params), method)(change(X), y, **classes))
    assert "features" in text.lower() and "spike" in text and "StandardScaler" in text


def test_features_that_a_converted_network_does_not_see_are_named(digits):
    X, y = digits
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp = MLPClassifier((10,), max_iter=2, random_state=0).fit(X / 33, y)
    (text,) = complaints(lambda: SpikingMLPClassifier.from_mlp(mlp, X / 33, n_time_steps=16))
    assert "never spike" in text and "StandardScaler" in text
    assert complaints(lambda: SpikingMLPClassifier.from_mlp(mlp, X, n_time_steps=16)) == []


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
def test_raw_features_of_scales_far_apart_are_named(load):
    (text,) = complaints(lambda: classifier().fit(*load(return_X_y=True)))
    assert "scales of the features differ" in text and "StandardScaler" in text


def test_features_far_above_one_are_named(digits):
    X, y = digits
    (text,) = complaints(lambda: classifier().fit(255 * X, y))
    assert "far above 1" in text and "MinMaxScaler" in text


def test_incomes_are_named_as_the_cause_of_divergence():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(36_000, 9_000, 200), rng.normal(40, 12, 200)])
    y = X[:, 0] > 36_000
    for params in ({}, {"normalized_step": False, "learning_rate_init": 0.05}):
        causes = r"Training diverged\. The scales of the features .*StandardScaler.*learning_rate"
        with pytest.raises(ValueError, match=causes):
            SpikingMLPClassifier(random_state=0, **params).fit(X, y)


def test_a_hidden_layer_that_never_fires_is_named(digits):
    X, y = digits
    paper = SpikingMLPClassifier((50, 50), **PAPER_SETTINGS, random_state=0, max_iter=1)
    text, reached_max_iter = complaints(lambda: paper.fit(X, y))
    assert "max_iter" in reached_max_iter
    assert "Hidden layer" in text and "never fires" in text and "weight_init_scale" in text


@pytest.mark.parametrize("factor", [1e-3, 77.0])
def test_targets_learned_as_they_are_far_from_one_are_named(factor):
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), factor * scale(y)
    coefs = [np.full((10, 5), 0.1), np.zeros((5, 1))]
    calls = {
        "not scaled": lambda: regressor(scale_target=False, hidden_layer_sizes=()).fit(X, y),
        "given weights": lambda: regressor(hidden_layer_sizes=(5,)).fit(X, y, coefs_init=coefs),
        "rectifying": lambda: regressor(
            hidden_layer_sizes=(5,), error_resolution=1, learning_rule=SpikingBackprop(output_activation="rectifying")
        ).fit(X, np.abs(y)),
    }
    for name, call in calls.items():
        text = complaints(call)[0]
        assert "Targets are far from unit scale" in text and "scale_target=True" in text, name
    assert complaints(lambda: regressor().fit(X, y)) == []


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), MaxAbsScaler()], ids=str)
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_scaled_features_raise_no_alarm(load, scaler):
    X, y = load(return_X_y=True)
    assert complaints(lambda: classifier().fit(scaler.fit_transform(X), y)) == []


def test_other_usual_data_raise_no_alarm(digits):
    X, y = digits
    assert complaints(lambda: classifier(n_time_steps=4).fit(X, y)) == []
    events = np.random.default_rng(0).random((40, 20, 5)) < 0.05
    assert complaints(lambda: classifier().fit(events, np.arange(40) % 2)) == []
    assert complaints(lambda: classifier().partial_fit(X[:1] / 100, y[:1], classes=range(10))) == []  # too few rows
    X, y = make_friedman1(100, random_state=0)
    assert complaints(lambda: regressor().fit(X, 1000 + 50 * y)) == []
    assert complaints(lambda: regressor(scale_target=False).fit(X, scale(y))) == []
    assert complaints(lambda: regressor().fit(X, np.full(100, 7.0))) == []

"""Targets are scaled inside the regressor; users see their own units."""
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, make_regression
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import scale

from sk_dsn import SpikingBackprop, SpikingMLPRegressor
from sk_dsn.metrics import spike_counts


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), y


def small(**params):
    defaults = {"hidden_layer_sizes": (12,), "max_iter": 8, "n_time_steps": 16, "random_state": 0}
    return SpikingMLPRegressor(**defaults | params)


def test_units_do_not_matter(diabetes):
    X, y = diabetes
    plain, other = small().fit(X, y), small().fit(X, 1024 * y - 2**20)
    assert other.target_scale_ == pytest.approx(1024 * plain.target_scale_)
    np.testing.assert_allclose(other.predict(X), 1024 * plain.predict(X) - 2**20, rtol=1e-3)
    assert other.score(X, 1024 * y - 2**20) == pytest.approx(plain.score(X, y), abs=1e-3)


def test_it_is_the_network_of_targets_scaled_by_hand(diabetes):
    X, y = diabetes
    fitted = small(early_stopping=True).fit(X, y)
    assert (fitted.target_mean_, fitted.target_scale_) == (pytest.approx([y.mean()]), pytest.approx([y.std()]))
    by_hand = small(early_stopping=True, scale_target=False).fit(X, (y - fitted.target_mean_) / fitted.target_scale_)
    np.testing.assert_array_equal(by_hand.target_mean_, [0])
    np.testing.assert_array_equal(by_hand.target_scale_, [1])
    assert fitted.loss_curve_ == by_hand.loss_curve_
    assert fitted.validation_scores_ == by_hand.validation_scores_
    for staged, stage in zip(fitted.staged_predict(X), by_hand.staged_predict(X), strict=True):
        np.testing.assert_array_equal(staged, stage * fitted.target_scale_ + fitted.target_mean_)
    np.testing.assert_array_equal(staged, fitted.predict(X))
    np.testing.assert_array_equal(spike_counts(fitted, X), spike_counts(by_hand, X))
    assert fitted.score(X, y) == r2_score(y, fitted.predict(X))


def test_each_output_has_its_own_and_a_constant_one_has_scale_one():
    X, Y = make_regression(200, 5, n_targets=3, random_state=0)
    Y = Y * [1, 1000, 0] + [0, 5, 0.1]
    fitted = small(max_iter=30).fit(X, Y)
    np.testing.assert_allclose(fitted.target_mean_, Y.mean(axis=0))
    np.testing.assert_allclose(fitted.target_scale_, [*Y.std(axis=0)[:2], 1])
    np.testing.assert_allclose(fitted.predict(X)[:, 2], 0.1, atol=0.2)
    assert r2_score(Y[:, :2], fitted.predict(X)[:, :2]) > 0.9


def test_weights_count_and_weight_zero_is_as_if_it_were_not_there(diabetes):
    X, y = diabetes
    weights = np.arange(len(y)) % 3
    fitted = small(max_iter=1).fit(X, np.where(weights == 0, 1e9, y), sample_weight=weights)
    assert fitted.target_mean_ == pytest.approx([np.average(y, weights=weights)])
    np.testing.assert_array_equal(
        fitted.predict(X), small(max_iter=1).fit(X[weights > 0], y[weights > 0], weights[weights > 0]).predict(X)
    )


@pytest.mark.parametrize("given", ["coefs_init", "intercepts_init"])
def test_it_is_off_where_a_network_is_given(diabetes, given):
    X, y = diabetes
    start = {"coefs_init": [np.zeros((10, 12)), np.zeros((12, 1))], "intercepts_init": [np.zeros(12), np.zeros(1)]}
    fitted = small(max_iter=1).fit(X, scale(y) + 1, **{given: start[given]})
    assert (fitted.target_mean_, fitted.target_scale_) == ([0], [1])


def test_it_is_off_for_rectifying_outputs(diabetes):
    X, y = diabetes
    rule = SpikingBackprop(output_activation="rectifying")
    fitted = small(error_resolution=1, learning_rule=rule, max_iter=1).fit(X, y / y.max())
    assert (fitted.target_mean_, fitted.target_scale_) == ([0], [1])


def test_warm_starts_and_later_batches_keep_those_of_the_first(diabetes):
    X, y = diabetes
    warm = small(warm_start=True).fit(X, y)
    before = warm.target_mean_, warm.target_scale_
    assert (warm.fit(X, 9 * y).target_mean_, warm.target_scale_) == before
    online = small().partial_fit(X[:40], y[:40])
    assert (online.target_mean_, online.target_scale_) == ([y[:40].mean()], pytest.approx([y[:40].std()]))
    before = online.target_mean_, online.target_scale_
    online.partial_fit(X[40:], y[40:])
    assert (online.target_mean_, online.target_scale_) == before
    one = small().partial_fit(X[:1], y[:1])
    assert (one.target_mean_, one.target_scale_) == ([y[0]], [1])
    assert (one.fit(X, y).target_scale_) == pytest.approx([y.std()])  # fit starts anew


def test_a_saved_model_keeps_them(diabetes):
    X, y = diabetes
    fitted = small().fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_conversion_folds_them_in_and_a_converted_network_has_none(diabetes):
    X, y = diabetes
    fitted = small(n_time_steps=512).fit(X, y)
    mlp = fitted.to_mlp()
    np.testing.assert_allclose(mlp.predict(X), fitted.predict(X), atol=1.5)
    assert mlp.score(X, y) == pytest.approx(fitted.score(X, y), abs=0.01)
    conventional = MLPRegressor(hidden_layer_sizes=(12,), max_iter=20, random_state=0).fit(X, y)
    back = SpikingMLPRegressor.from_mlp(conventional, n_time_steps=512)
    assert (back.target_mean_, back.target_scale_) == ([0], [1])
    again = SpikingMLPRegressor.from_mlp(mlp, n_time_steps=512)
    np.testing.assert_allclose(again.predict(X), mlp.predict(X), atol=2)

"""What a fitted network reads: weights and parameters as they are now."""
import copy

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from estimator_helpers import assert_same_network, small


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X / 8, y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:512] / 16).astype(np.float32), y[:512]


def test_edits_to_the_weights_take_effect(digits):
    X, y = digits
    estimator = small(hidden_layer_sizes=()).fit(X, y)
    estimator.coefs_[0][:, 1:] = 0
    estimator.coefs_[0][:, 0] = np.arange(64)
    estimator.intercepts_[0][:] = np.arange(10)
    expected = np.zeros((len(X), 10)) + np.arange(10)
    expected[:, 0] += X @ np.arange(64)  # exact: X are multiples of 1/16
    np.testing.assert_array_equal(estimator.decision_function(X), expected)


@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray,
        lambda w: w.astype(np.float64),
        lambda w: w.astype(">f4"),
        lambda w: np.repeat(w, 2, axis=0)[::2],
        lambda w: w[::-1].copy()[::-1],
        np.ascontiguousarray,
    ],
    ids=["Fortran-ordered", "float64", "big-endian", "strided", "negative stride", "packed"],
)
@pytest.mark.parametrize("hidden", [12, 1])
def test_weights_may_be_replaced_by_arrays_of_another_layout(digits, change, hidden):
    X, y = digits
    estimator = small(hidden_layer_sizes=(hidden,)).fit(X, y)
    expected, more = estimator.decision_function(X), copy.deepcopy(estimator).partial_fit(X, y)
    for arrays in (estimator.coefs_, estimator.intercepts_):
        arrays[:] = [change(a) for a in arrays]
    np.testing.assert_array_equal(estimator.decision_function(X), expected)
    np.testing.assert_array_equal(estimator.decision_function(X[:10]), expected[:10])
    assert_same_network(estimator.partial_fit(X, y), more)


def test_time_steps_are_read_when_a_method_is_called(digits):
    X, y = digits
    estimator = small(n_time_steps=16).fit(X, y)
    stages = list(estimator.staged_decision_function(X))
    assert len(stages) == 16
    for t in (1, 4, 15):
        estimator.set_params(n_time_steps=t)
        np.testing.assert_array_equal(estimator.decision_function(X), stages[t - 1])
        assert len(list(estimator.staged_decision_function(X))) == t
    assert not np.array_equal(stages[3], stages[15])


def test_more_time_steps_come_closer_to_the_rectified_network(iris):
    X, y = iris
    estimator = small(max_iter=20).fit(X, y)
    hidden = np.maximum(0, X @ estimator.coefs_[0] + estimator.intercepts_[0])
    rectified = hidden @ estimator.coefs_[1] + estimator.intercepts_[1]
    errors = [np.abs(estimator.set_params(n_time_steps=t).decision_function(X) - rectified).max() for t in (8, 64, 512)]
    assert errors[0] > 4 * errors[1] > 16 * errors[2]


def test_hidden_layer_sizes_changed_after_fit_do_not_matter_to_prediction(iris):
    estimator = small().fit(*iris)
    expected = estimator.decision_function(iris[0])
    np.testing.assert_array_equal(estimator.set_params(hidden_layer_sizes=(3,)).decision_function(iris[0]), expected)

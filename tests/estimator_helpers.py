"""What the tests of the estimators and of the tools share."""
import copy

import numpy as np
from sklearn.model_selection import train_test_split

from sk_dsn import SpikingMLPClassifier

OVERFLOW = "ignore:overflow encountered in cast:RuntimeWarning"


def small(**params):
    return SpikingMLPClassifier(**{"hidden_layer_sizes": (12,), "max_iter": 4, "random_state": 0} | params)


def untrained(X, y, **params):
    return small(**{"learning_rate_init": 0.0, "max_iter": 1, "fit_intercept": True} | params).fit(X, y)


def learned(estimator):
    return [*estimator.coefs_, *estimator.intercepts_, *estimator.backward_potentials_]


def assert_same_network(a, b):
    for of_a, of_b in zip(learned(a), learned(b), strict=True):
        np.testing.assert_array_equal(of_a, of_b, strict=True)


def held(estimator):
    return copy.deepcopy(vars(estimator))


def assert_holds(estimator, before):
    assert set(vars(estimator)) == set(before)
    for name, value in before.items():
        np.testing.assert_equal(getattr(estimator, name), value, err_msg=name)


# The parameters of `learning_rule="paper"`, to change one of them.
PAPER_RULE = {
    "feedback": "step",
    "weight_update": "fractional",
    "output_activation": "rectifying",
    "mask_negative_inputs": True,
}

# Calls that train, by the state that the estimator is in.
NEW = ["fit", "fit again", "partial_fit"]
KNOWN = ["fit warm", "partial_fit again"]
CALLS = NEW + KNOWN
FITS = ["fit", "fit again", "fit warm"]


def prepared(call, X, y, **params):
    """An estimator on which `call` is the next one."""
    estimator = SpikingMLPClassifier((8,), max_iter=2, random_state=0)
    if call not in ("fit", "partial_fit"):
        estimator.fit(X, y)
    return estimator.set_params(warm_start=call == "fit warm", **params)


def train(estimator, call, X, y, **given):
    if "partial_fit" in call:
        return estimator.partial_fit(X, y, **{"classes": [0, 1, 2]} | given)
    return estimator.fit(X, y, **given)


def with_entry(value, dtype=np.float64):
    def spoil(X):
        X = X.astype(dtype)
        X[3, 1] = value
        return X

    return spoil


def held_out(estimator, y):
    return train_test_split(
        np.arange(len(y)), test_size=estimator.validation_fraction, random_state=estimator.seed_, stratify=y
    )[1]

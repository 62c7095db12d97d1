"""Parameters: which values are refused, copies, representations, and the shape of the network."""
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris

from estimator_helpers import CALLS, assert_holds, assert_same_network, held, learned, prepared, small, train
from sk_dsn import SpikingBackprop, SpikingMLPClassifier


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X / 8, y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:512] / 16).astype(np.float32), y[:512]


BAD_PARAMETERS = {
    "hidden_layer_sizes": [0, -3, 2.5, None, "many"],
    "n_time_steps": [0, 2.5, None, 2**24 + 1],
    "neuron": ["leaky"],
    "simulation": ["clock"],
    "leak": [-0.1, 1.5, np.nan, None, "slow"],
    "readout": ["first", None, 1],
    "loss": ["hinge", None],
    "error_resolution": [0, -1.0, np.inf, np.nan],
    "fit_intercept": ["yes", 2],
    "weight_init_scale": [-1.0, "he"],
    "learning_rate_init": [-0.1, np.inf, np.nan, None],
    "learning_rate": ["invscaling", 0.5],
    "normalized_step": ["yes"],
    "dropout": [-0.1, 1, 2.0],
    "input_dropout": [-0.1, 1, 2.0, np.nan],
    "input_noise": [-0.1, np.inf, np.nan, "1"],
    "max_norm": [0, -1.0, np.inf, np.nan, "2"],
    "spike_penalty": [-1.0, np.inf],
    "class_weight": ["even", 2.0],
    "max_iter": [0, 1.5],
    "shuffle": ["yes"],
    "random_state": [-1, "zero"],
    "tol": [-1.0, np.nan],
    "verbose": [-1, "loud"],
    "warm_start": ["yes"],
    "early_stopping": ["yes"],
    "validation_fraction": [0, 1, 1.5],
    "n_iter_no_change": [0, 2.5],
    "exit_margin": [0, -1.0, np.inf, np.nan, "2"],
    "n_jobs": [1.5, "2"],
    "learning_rule": ["sgd", 1, {"feedback": "step"}, SpikingBackprop],
}


def test_the_table_of_bad_parameters_is_complete():
    assert set(BAD_PARAMETERS) == set(SpikingMLPClassifier().get_params())


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(name, value, id=f"{name}={value}") for name, values in BAD_PARAMETERS.items() for value in values],
)
def test_training_refuses_bad_parameters(iris, call, name, value):
    if call == "fit warm" and name == "warm_start":
        call = "fit again"
    X, y = iris
    estimator = prepared(call, X, y).set_params(**{name: value})
    before = held(estimator)
    with pytest.raises(ValueError, match=f"The '{name}' parameter of SpikingMLPClassifier must be"):
        train(estimator, call, X, y)
    assert_holds(estimator, before)


def test_get_params_and_set_params_are_each_others_inverse():
    params = {
        name: {"loss": "squared_error", "learning_rate": "adaptive", "hidden_layer_sizes": [3, 2]}.get(name, 1)
        for name in SpikingMLPClassifier().get_params()
    }
    assert SpikingMLPClassifier().set_params(**params).get_params() == params
    assert SpikingMLPClassifier(**params).get_params() == params
    with pytest.raises(ValueError, match="Invalid parameter 'n_steps'"):
        SpikingMLPClassifier().set_params(n_steps=3)


def test_repr_shows_what_was_changed_and_rebuilds_the_estimator():
    assert repr(SpikingMLPClassifier()) == "SpikingMLPClassifier()"
    estimator = SpikingMLPClassifier((20, 10), dropout=0.5)
    assert repr(estimator) == "SpikingMLPClassifier(dropout=0.5, hidden_layer_sizes=(20, 10))"
    assert eval(repr(estimator)).get_params() == estimator.get_params()


def test_a_clone_is_unfitted_and_learns_the_same(digits):
    estimator = small(dropout=0.1).fit(*digits)
    twin = clone(estimator)
    assert vars(twin) == estimator.get_params()
    assert_same_network(twin.fit(*digits), estimator)


@pytest.mark.parametrize(
    ("sizes", "shapes"),
    [
        (5, [(4, 5), (5, 3)]),
        ((5,), [(4, 5), (5, 3)]),
        ([5, 2], [(4, 5), (5, 2), (2, 3)]),
        (np.array([5, 2]), [(4, 5), (5, 2), (2, 3)]),
        ((17, 1, 16), [(4, 17), (17, 1), (1, 16), (16, 3)]),
        ((), [(4, 3)]),
    ],
    ids=str,
)
def test_hidden_layer_sizes_shape_the_network(iris, sizes, shapes):
    estimator = small(hidden_layer_sizes=sizes).fit(*iris)
    assert [w.shape for w in estimator.coefs_] == shapes
    assert [b.shape for b in estimator.intercepts_] == [b.shape for b in estimator.backward_potentials_]
    assert [b.shape for b in estimator.intercepts_] == [(n_out,) for _, n_out in shapes]
    assert {a.dtype for a in learned(estimator)} == {np.dtype(np.float32)}
    assert estimator.n_layers_ == len(shapes) + 1

"""The estimators in every simulation.

Variants that failed in the paper fail here, divergence is an error, and learning goes on where it
stopped.
"""
import resource

import numpy as np
import pytest
from sklearn.datasets import load_digits

from helpers import EVERY_NETWORK, PAPER, SIMULATIONS, estimator_parameters, exit_code, streams
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor

# --- Variants that failed in the paper fail here.


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:1000], y[:1000], X[1000:], y[1000:]


@pytest.fixture(scope="module")
def digits_score(digits):
    X_train, y_train, X_test, y_test = digits

    def score(**changes):
        parameters = PAPER | {"n_time_steps": 5, "learning_rate_init": 0.02, "random_state": 0} | changes
        classifier = SpikingMLPClassifier(100, **estimator_parameters(**parameters))
        for _ in range(10):
            classifier.partial_fit(X_train, y_train, classes=range(10))
        return classifier.score(X_test, y_test)

    return score


def test_error_potentials_set_to_zero_at_each_sample_do_not_learn(digits_score):
    assert digits_score() > 0.88
    assert digits_score(backward_reset="random") > 0.88
    assert digits_score(backward_reset="zero") < 0.4


def test_depth_first_without_held_error_breaks_down(digits_score):
    assert digits_score(simulation="event-driven-depth-first") > 0.85
    assert digits_score(simulation="event-driven-depth-first", hold_error=False) < 0.7


# --- Divergence is an error, and soon.


def diverging_calls(flat):
    """Name -> a call that must raise ValueError."""
    parameters = estimator_parameters(**flat)
    rng = np.random.default_rng(0)
    X, Y = rng.random((200, 20)), rng.random((200, 3))
    coefs = [rng.normal(size=shape) for shape in [(20, 30), (30, 30), (30, 3)]]
    stream = np.repeat(X[:, np.newaxis], 4, axis=1)

    def fitted(**changes):
        regressor = SpikingMLPRegressor((30, 30), **estimator_parameters(**flat | {"random_state": 0} | changes))
        return regressor.partial_fit(X, Y, coefs_init=[0.1 * c for c in coefs])

    def spoiled(attribute, value):
        regressor = fitted(**{"forward_reset": "keep"} if attribute == "forward_potentials_" else {})
        getattr(regressor, attribute)[0][0] = value
        return regressor

    calls = {
        "rate": lambda: [fitted(learning_rate_init=1e6).partial_fit(X, Y) for _ in range(3)],
        "inputs": lambda: fitted().partial_fit(1e9 * X, Y),
        "stream": lambda: fitted().partial_fit(1e9 * stream, Y),
        "targets": lambda: fitted().partial_fit(X, 1e9 * Y),
        "infinite errors": lambda: fitted().partial_fit(X, 3e38 * Y),
        "weights": lambda: SpikingMLPRegressor((30, 30), **parameters).fit(X, Y, coefs_init=[1e30 * c for c in coefs]),
        "predicted inputs": lambda: fitted().predict(1e9 * X),
        "predicted stream": lambda: fitted().predict(1e9 * stream),
        "predicted weights": lambda: spoiled("coefs_", 1e30).predict(X),
        "infinite weights": lambda: spoiled("coefs_", np.inf).partial_fit(X, Y),
        "backward potentials": lambda: spoiled("backward_potentials_", np.inf).partial_fit(X, Y),
        "undefined potentials": lambda: spoiled("backward_potentials_", np.nan).partial_fit(X, Y),
        "large potentials": lambda: spoiled("backward_potentials_", -1e20).partial_fit(X, Y),
    }
    if flat.get("neuron") == "rectifying":
        calls["forward potentials"] = lambda: spoiled("forward_potentials_", np.inf).partial_fit(X, Y)
        calls["large forward potentials"] = lambda: spoiled("forward_potentials_", 1e20).partial_fit(X, Y)
    return calls


def expect_divergence(flat):
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    for name, call in diverging_calls(flat).items():
        print(name)  # pytest prints it where the test fails
        with pytest.raises(ValueError, match=r"diverged|2\*\*24|spikes"):
            call()


DIVERGING = {
    name: {"normalized_step": False, "learning_rate_init": 1e-3, "n_time_steps": 4} | changes
    for name, changes in {
        "counting": {"simulation": "counting"},
        "clock-driven": {"simulation": "clock-driven"},
        "clock-driven, step": {"simulation": "clock-driven"} | {"feedback": "step"},
        "clock-driven, rectifying": {"simulation": "clock-driven"} | {"neuron": "rectifying"},
        "clock-driven, paper": PAPER | {"simulation": "clock-driven"},
        "event-driven": {"simulation": "event-driven"},
        "event-driven, depth-first, rectifying": {"simulation": "event-driven-depth-first"} | {"neuron": "rectifying"},
        "event-driven, paper": PAPER,
        "event-driven, depth-first, not held": PAPER | {"simulation": "event-driven-depth-first"} | {"hold_error": False},
    }.items()
}


@pytest.mark.parametrize("kind", DIVERGING)
def test_divergence_ends_soon_with_an_error(kind):
    # A process of its own is stopped, with a negative exit code, when it has computed for a minute.
    assert exit_code(expect_divergence, DIVERGING[kind]) == 0


# --- Learning goes on where it stopped.


@pytest.mark.parametrize("network", EVERY_NETWORK)
def test_two_calls_of_partial_fit_equal_one(network):
    X, _, Y = streams()
    keeps = EVERY_NETWORK[network].get("neuron") == "rectifying"
    parameters = estimator_parameters(
        **EVERY_NETWORK[network] | {"shuffle": False, "forward_reset": "keep" if keeps else "zero"}
    )
    parameters["scale_target"] = False  # by the first batch
    at_once = SpikingMLPRegressor(**parameters).partial_fit(X[:, 0], Y)
    in_two = SpikingMLPRegressor(**parameters).partial_fit(X[:7, 0], Y[:7]).partial_fit(X[7:, 0], Y[7:])
    for name in ("coefs_", "intercepts_", "backward_potentials_", "forward_potentials_"):
        for array, wanted in zip(getattr(in_two, name), getattr(at_once, name), strict=True):
            np.testing.assert_array_equal(array, wanted, err_msg=name)
    assert np.any(at_once.backward_potentials_[0])
    assert np.any(at_once.forward_potentials_[0]) == keeps


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_a_signed_neuron_far_below_threshold_takes_back_the_spikes_it_has_fired_and_no_more(simulation):
    parameters = estimator_parameters(simulation=simulation, n_time_steps=4, learning_rate_init=0.0, max_iter=1)
    clf = SpikingMLPClassifier((1,), **parameters)
    clf.fit(np.eye(2), [0, 1], coefs_init=[np.array([[3.0], [-1e8]]), np.array([[-1.0, 1.0]])])
    np.testing.assert_array_equal(clf.decision_function([[1.0, 0.0], [1.0, 1.0]]), [6.0, 0.0])

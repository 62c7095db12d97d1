"""A fitted network: that it is frozen, what can be run, and that it reads weights and parameters as they are now."""
import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from estimator_helpers import assert_holds, assert_same_network, held, small
from sk_dsn import SpikingBackprop, SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier, metrics
from sk_dsn._base import count_training_spikes
from sk_dsn._network import FittedNetwork, fitted_network
from sk_dsn._recurrent import FittedRecurrentNetwork


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


def replaced(arrays):
    arrays[-1] = arrays[-1] + np.float32(0.25)


CHANGES = {
    "weights": lambda e: e.coefs_[0].__imul__(np.float32(0.5)),
    "biases": lambda e: e.intercepts_[0].__iadd__(np.float32(0.25)),
    "other weights": lambda e: replaced(e.coefs_),
    "other biases": lambda e: replaced(e.intercepts_),
    "dynamics": lambda e: e.set_params(**{"threshold": 0.5} if hasattr(e, "threshold") else {"neuron": "rectifying"}),
    "training": lambda e: e.partial_fit(e.X_kept, e.y_kept),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "estimator",
    [
        small(),
        small(simulation="clock-driven", n_time_steps=8),
        small(simulation="event-driven", n_time_steps=8),
        SpikingRNNClassifier((12, 9), max_iter=1, random_state=0),
        SpikingRNNClassifier((12, 9), leak=0.5, max_iter=1, random_state=0),
    ],
    ids=["counting", "clock-driven", "event-driven", "recurrent", "recurrent and leaky"],
)
def test_the_network_of_the_last_single_sample_notices_changes(digits, estimator, change):
    X, y = digits
    X, y = X[:60].reshape((60, 8, 8) if "RNN" in type(estimator).__name__ else (60, 64)), y[:60]
    estimator = clone(estimator).fit(X, y)
    estimator.X_kept, estimator.y_kept = X, y
    before = [estimator.decision_function(X[k : k + 1]) for k in range(3)]
    CHANGES[change](estimator)
    found = [estimator.decision_function(X[k : k + 1]) for k in range(3)]
    np.testing.assert_array_equal(np.concatenate(found), estimator.decision_function(X)[:3])
    assert not np.array_equal(found, before)


def test_the_network_of_the_last_single_sample_is_not_copied(digits):
    X, y = digits
    estimator = SpikingRNNClassifier((12,), max_iter=1, random_state=0).fit(X.reshape(-1, 8, 8), y)
    sample = X[:1].reshape(1, 8, 8)
    expected = estimator.decision_function(sample)
    assert estimator._idle_networks.take(
        (FittedRecurrentNetwork.of(estimator).dynamics, 8),
        [*estimator.coefs_, *estimator.recurrent_coefs_, *estimator.intercepts_],
    )
    estimator.decision_function(sample)
    others = [copy.copy(estimator), copy.deepcopy(estimator), pickle.loads(pickle.dumps(estimator))]
    for other in others:
        assert other._idle_networks is not estimator._idle_networks
        np.testing.assert_array_equal(other.decision_function(sample), expected)
    assert b"idle" not in pickle.dumps(estimator)


def test_a_sample_that_fails_leaves_no_network(digits):
    X, y = digits
    estimator = SpikingRNNClassifier((12,), max_iter=1, random_state=0).fit(X.reshape(-1, 8, 8), y)
    sample = X[:1].reshape(1, 8, 8)
    expected = estimator.decision_function(sample)
    with pytest.raises(ValueError, match="out of the range"):
        estimator.decision_function(sample + np.float32(1e20))
    np.testing.assert_array_equal(estimator.decision_function(sample), expected)


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


# --- FittedNetwork.


def test_a_fitted_network_runs_as_its_estimator_does(digits):
    X, y = digits
    estimator = small(exit_margin=2.0).fit(X, y)
    network = FittedNetwork.of(estimator)
    checked = network.check_input(X)
    np.testing.assert_array_equal(network.answers(checked), estimator.decision_function(X))
    np.testing.assert_array_equal(network.staged_outputs(checked), list(estimator.staged_decision_function(X)))
    np.testing.assert_array_equal(network.outputs(checked), network.staged_outputs(checked)[-1])
    np.testing.assert_array_equal(network.outputs(checked, np.arange(9, 3, -1)), network.outputs(checked)[9:3:-1])
    np.testing.assert_array_equal(network.exit_steps(checked), metrics.exit_steps(estimator, X))
    assert set(network.exit_steps(checked)) > {estimator.n_time_steps}
    assert set(network.without_exits().exit_steps(checked)) == {estimator.n_time_steps}
    np.testing.assert_array_equal(network.targets.decode(network.answers(checked)), estimator.predict(X))
    np.testing.assert_array_equal(network.spike_counts(checked), metrics.spike_counts(estimator, X))


def test_a_fitted_network_keeps_the_parameters_that_it_was_read_with(digits):
    X, y = digits
    estimator = small().fit(X, y)
    network = FittedNetwork.of(estimator)
    expected = network.outputs(X)
    estimator.set_params(n_time_steps=3, neuron="rectifying", n_jobs=2)
    np.testing.assert_array_equal(network.outputs(X), expected)
    assert not np.array_equal(FittedNetwork.of(estimator).outputs(X), expected)
    for name in ("coefs", "n_time_steps"):
        with pytest.raises(AttributeError):
            setattr(network, name, 3)


def test_training_does_not_change_a_fitted_network(digits):
    estimator = small().fit(*digits)
    network = FittedNetwork.of(estimator)
    expected = network.outputs(digits[0])
    estimator.partial_fit(*digits)
    np.testing.assert_array_equal(network.outputs(digits[0]), expected)
    estimator.set_params(warm_start=True).fit(*digits)
    np.testing.assert_array_equal(network.outputs(digits[0]), expected)


def test_the_network_of_a_pipeline_gets_X_as_its_last_step_does(digits):
    X, y = digits
    pipeline = make_pipeline(MinMaxScaler((-1, 1)), small()).fit(X, y)
    network, transformed = fitted_network(pipeline, X)
    assert all(now is kept for now, kept in zip(network.coefs, pipeline[-1].coefs_, strict=True))
    np.testing.assert_array_equal(network.outputs(transformed), pipeline.decision_function(X))
    # The tools take a network as well.
    np.testing.assert_array_equal(metrics.spike_counts(network, transformed), metrics.spike_counts(pipeline, X))


def test_only_fitted_spiking_networks_have_one(digits):
    with pytest.raises(NotFittedError):
        FittedNetwork.of(SpikingMLPRegressor())
    with pytest.raises(TypeError, match="best_estimator_"):
        fitted_network(MinMaxScaler())


# --- Spikes of training.


@pytest.mark.parametrize("simulation", ["counting", "clock-driven", "event-driven", "event-driven-depth-first"])
def test_spikes_of_training_are_counted_without_a_change(digits, simulation):
    X, y = digits
    rule = SpikingBackprop(feedback="sample" if simulation == "counting" else "step")
    estimator = small(simulation=simulation, learning_rule=rule, shuffle=False).fit(X, y)
    before = held(estimator)
    trained, counts = count_training_spikes(estimator, X, y)
    assert_holds(estimator, before | {"learning_rule": rule})
    assert_same_network(trained, estimator.partial_fit(X, y))
    assert [a.shape for a in counts.values()] == [(512, 3)] * 3 + [(512,)]
    assert counts.error_spikes[:, 2].sum() > 0


def test_spikes_of_a_training_that_learns_nothing_are_those_of_prediction(digits):
    X, y = digits
    estimator = small(simulation="clock-driven", shuffle=False, hidden_layer_sizes=(9, 7)).fit(X, y)
    _, counts = count_training_spikes(estimator.set_params(learning_rate_init=0.0), X, y)
    np.testing.assert_array_equal(counts.spikes[:, :-1], metrics.spike_counts(estimator, X).sum(axis=1))
    assert (counts.passed <= counts.error_spikes).all()


def test_spikes_of_the_first_training_need_the_classes(digits):
    X, y = digits
    trained, counts = count_training_spikes(SpikingMLPClassifier((5,), simulation="clock-driven"), X, y, range(10))
    assert trained.t_ == len(counts.spikes) == 512
    weights = np.arange(512) % 2
    assert len(count_training_spikes(trained, X, y, sample_weight=weights)[1].spikes) == 256

"""Streams, of shape (n_samples, n_time_steps, n_features), in the estimators."""
import numpy as np
import pytest

from helpers import EVERY_NETWORK, SIMULATIONS, estimator_parameters, streams
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor


@pytest.fixture(params=EVERY_NETWORK)
def parameters(request):
    return estimator_parameters(**EVERY_NETWORK[request.param])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_constant_stream_is_a_static_vector(parameters):
    X, y, _ = streams()
    static = X[:, 0]
    stream = np.repeat(X[:, :1], parameters["n_time_steps"], axis=1)
    on_static = SpikingMLPClassifier(**parameters).fit(static, y)
    on_stream = SpikingMLPClassifier(**parameters).fit(stream, y)
    for found, wanted in zip(on_stream.coefs_, on_static.coefs_, strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(on_stream.decision_function(stream), on_static.decision_function(static))
    np.testing.assert_array_equal(on_stream.decision_function(static), on_static.decision_function(stream))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [SpikingMLPClassifier, SpikingMLPRegressor])
def test_streams_are_fitted_and_predicted_at_their_own_number_of_time_steps(parameters, estimator):
    X, labels, values = streams()
    y = labels if estimator is SpikingMLPClassifier else values
    parameters["n_time_steps"] = 9  # of static vectors; streams bring their own
    network = estimator(**parameters).fit(X, y)
    assert network.n_features_in_ == X.shape[2]
    network.partial_fit(X[:, :3], y)
    staged = list(network.staged_predict(X))
    assert len(staged) == X.shape[1]
    np.testing.assert_array_equal(staged[-1], network.predict(X))
    for t, predicted in enumerate(staged, start=1):
        np.testing.assert_array_equal(predicted, network.predict(X[:, :t]))
    assert len(list(network.staged_predict(X[:, 0]))) == 9


def test_staged_probabilities_and_decisions_of_streams_end_in_those_of_the_last_step(parameters):
    X, y, _ = streams()
    classifier = SpikingMLPClassifier(**parameters).partial_fit(X, y, classes=[0, 1, 2])
    for method in ("decision_function", "predict_proba"):
        *_, last = getattr(classifier, f"staged_{method}")(X)
        np.testing.assert_array_equal(last, getattr(classifier, method)(X))


@pytest.mark.parametrize(("fitted_on", "predicts"), [("streams", "vectors"), ("vectors", "streams")])
def test_a_network_fitted_on_one_kind_predicts_the_other(parameters, fitted_on, predicts):
    X, y, _ = streams()
    kinds = {"streams": X, "vectors": X[:, 0]}
    classifier = SpikingMLPClassifier(**parameters).partial_fit(kinds[fitted_on], y, classes=[0, 1, 2])
    assert classifier.predict(kinds[predicts]).shape == (len(X),)
    classifier.partial_fit(kinds[predicts], y)


def test_streams_of_any_layout_and_number_type_are_the_same_streams(parameters):
    X, y, _ = streams()
    expected = SpikingMLPClassifier(**parameters).partial_fit(X, y, classes=[0, 1, 2]).decision_function(X)
    strided = np.zeros((len(X), 5, 8), np.float64)[:, ::-1][:, :4, 1:6]
    strided[:] = X
    by_step = X.transpose(1, 2, 0).copy().transpose(2, 0, 1)
    for same in (X.astype(np.float64), np.asfortranarray(X), strided, by_step, X.tolist(), list(X)):
        classifier = SpikingMLPClassifier(**parameters).partial_fit(same, y, classes=[0, 1, 2])
        np.testing.assert_array_equal(classifier.decision_function(same), expected)


BAD_STREAMS = {
    "no time steps": (lambda X: X[:, :0], "at least one time step"),
    "no samples": (lambda X: X[:0], "0 sample|minimum of 1"),
    "no features": (lambda X: X[:, :, :0], "0 feature"),
    "other features": (lambda X: X[:, :, :4], "4 features"),
    "not a number": (lambda X: np.where(np.arange(4)[:, None] == 2, np.nan, X), "NaN"),
    "not a number, and ends": (lambda X: np.where(np.arange(4)[:, None] % 2, np.nan, X), "NaN"),
    "all ended": (lambda X: X * np.nan, "empty sequence"),
    "swapped axes": (lambda X: np.zeros((len(X), 5, 4)), r"X\.transpose\(0, 2, 1\)"),
    "swapped axes of unequal length": (lambda X: [x[: 1 + i % 4].T for i, x in enumerate(X)], r"\[x\.T for x in X\]"),
    "infinity": (lambda X: np.where(np.arange(4)[:, None] == 2, np.inf, X), "infinity"),
    "too large": (lambda X: X.astype(np.float64) * 1e300, "infinity|too large"),
    "ragged": (lambda X: [*X[:-1], X[-1, :, :3]], "with the same features"),
    "empty sequence": (lambda X: [*X[:-1], X[-1, :0]], "empty sequence"),
    "four dimensions": (lambda X: X[..., None], "dim"),
    "text": (lambda X: np.full(X.shape, "a"), "could not convert|numeric"),
    "complex": (lambda X: X * 1j, "omplex"),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", BAD_STREAMS)
def test_bad_streams_are_refused_and_change_nothing(kind):
    X, y, _ = streams()
    spoil, message = BAD_STREAMS[kind]
    bad = spoil(X)
    classifier = SpikingMLPClassifier(6, n_time_steps=4, random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    before = [w.copy() for w in classifier.coefs_]
    for method in (classifier.predict, lambda X: list(classifier.staged_predict(X))):
        with pytest.raises(ValueError, match=message):
            method(bad)
    with pytest.raises(ValueError, match=message):
        classifier.partial_fit(bad, y[: len(bad)])
    for now, wanted in zip(classifier.coefs_, before, strict=True):
        np.testing.assert_array_equal(now, wanted)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_a_stream_that_leaves_the_range_and_comes_back_is_refused(simulation):
    X, y, _ = streams()
    classifier = SpikingMLPClassifier((6,), max_iter=1, **estimator_parameters(simulation=simulation)).fit(X, y)
    X[7, 1, 2], X[7, 2, 2] = 1e9, -1e9
    with pytest.raises(ValueError, match="Sample 7 of X drives the network out of the range"):
        classifier.predict(X)


def test_streams_and_targets_of_different_lengths_are_refused():
    X, y, _ = streams()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SpikingMLPClassifier().fit(X, y[:-1])

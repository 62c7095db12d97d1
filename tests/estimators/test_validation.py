"""Validation samples of one's own for early stopping, alone, in pipelines and in searches."""
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler, scale

from estimator_helpers import assert_same_network
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor

STOPPING = {"hidden_layer_sizes": (12,), "random_state": 0, "early_stopping": True, "n_iter_no_change": 3, "max_iter": 40}


@pytest.fixture(params=[SpikingMLPClassifier, SpikingMLPRegressor], ids=["classifier", "regressor"])
def problem(request):
    """An estimator, training and validation samples."""
    if request.param is SpikingMLPClassifier:
        X, y = load_digits(return_X_y=True)
        X = X / 16
    else:
        X, y = load_diabetes(return_X_y=True)
        X, y = scale(X), scale(y)
    return request.param(**STOPPING), *train_test_split(X.astype(np.float32), y, test_size=0.4, random_state=0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_stops_by_the_samples_passed_and_keeps_the_weights_that_scored_best_on_them(problem):
    estimator, X, X_val, y, y_val = problem
    estimator.fit(X, y, X_val=X_val, y_val=y_val)
    scores = estimator.validation_scores_
    assert len(scores) == estimator.n_iter_ < estimator.max_iter
    assert estimator.best_validation_score_ == max(scores)
    assert estimator.score(X_val, y_val) == pytest.approx(max(scores), rel=1e-6)
    assert estimator.t_ == len(y) * estimator.n_iter_  # nothing is held out of X


def test_without_stopping_scores_are_recorded_all_the_same(problem):
    estimator, X, X_val, y, y_val = problem
    estimator.set_params(n_iter_no_change=np.inf, max_iter=12).fit(X, y, X_val=X_val, y_val=y_val)
    assert len(estimator.validation_scores_) == 12


def test_weights_of_validation_samples_weigh_the_score(problem):
    estimator, X, X_val, y, y_val = problem
    there = np.arange(len(y_val)) % 2 == 0
    weighted = clone(estimator).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=there)
    without = estimator.fit(X, y, X_val=X_val[there], y_val=y_val[there])
    assert weighted.validation_scores_ == pytest.approx(without.validation_scores_, rel=1e-6)


def test_class_weights_weigh_the_score_of_validation_samples_too():
    X, y = load_digits(return_X_y=True)
    clf = SpikingMLPClassifier(**STOPPING, class_weight={8: 0}).fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:])
    assert clf.best_validation_score_ == accuracy_score(y[400:], clf.predict(X[400:]), sample_weight=y[400:] != 8)


def test_validation_samples_may_be_streams():
    X, y = load_digits(return_X_y=True)
    streams = np.repeat(X[:, np.newaxis] / 16, 4, axis=1)
    on_vectors, on_streams = (
        SpikingMLPClassifier(**STOPPING, n_time_steps=4).fit(X[:400] / 16, y[:400], X_val=shown, y_val=y[400:])
        for shown in (X[400:] / 16, streams[400:])
    )
    assert on_vectors.validation_scores_ == on_streams.validation_scores_


def test_going_on_from_an_early_stop_starts_at_the_best_weights(problem):
    estimator, X, X_val, y, y_val = problem
    # At a constant rate the last weights are not the best.
    estimator.set_params(learning_rate="constant", n_iter_no_change=3)
    estimator.fit(X, y, X_val=X_val, y_val=y_val)
    with pytest.raises(ValueError, match="set early_stopping=False"):
        estimator.partial_fit(X, y)
    score = estimator.score(X_val, y_val)
    estimator.set_params(early_stopping=False, learning_rate_init=0).partial_fit(X, y)
    assert estimator.score(X_val, y_val) == score
    assert estimator.validation_scores_[-1] != estimator.best_validation_score_ == pytest.approx(score, rel=1e-6)


def test_warm_start_records_the_scores_of_each_fit(problem):
    estimator, X, X_val, y, y_val = problem
    estimator.set_params(warm_start=True, max_iter=3)
    for n_fits in (1, 2):
        estimator.fit(X, y, X_val=X_val, y_val=y_val)
        assert len(estimator.validation_scores_) == 3 * n_fits


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_a_pipeline_transforms_the_validation_samples_as_it_does_X(problem):
    estimator, X, X_val, y, y_val = problem
    estimator.set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("network", estimator)], transform_input=["X_val"])
    pipeline.fit(X, y, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    by_hand = clone(estimator).fit(scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val)
    assert_same_network(pipeline["network"], by_hand)
    assert pipeline["network"].validation_scores_ == by_hand.validation_scores_


@pytest.mark.usefixtures("routing")
def test_a_search_passes_the_validation_samples_to_each_fit(problem):
    estimator, X, X_val, y, y_val = problem
    estimator.set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("network", estimator)], transform_input=["X_val"])
    search = GridSearchCV(pipeline, {"network__dropout": [0.0, 0.3]}, cv=2, return_train_score=False)
    network = search.fit(X, y, X_val=X_val, y_val=y_val).best_estimator_["network"]
    assert network.t_ == len(y) * network.n_iter_
    assert search.score(X_val, y_val) == pytest.approx(network.best_validation_score_, rel=1e-6)


@pytest.mark.parametrize("way", ["held out", "passed", "of weight above 0"])
def test_one_validation_sample_has_no_r2(way):
    X, y = load_digits(return_X_y=True)
    regressor = SpikingMLPRegressor((10,), early_stopping=True, random_state=1)
    ones = {"X_val": X[:3], "y_val": y[:3], "sample_weight_val": [0, 1, 0]}
    if way == "passed":
        ones = {"X_val": X[:1], "y_val": y[:1]}
    with pytest.raises(ValueError, match=r"at least 2 validation samples.*got 1.*validation_fraction"):
        regressor.fit(X[:10], y[:10], **{} if way == "held out" else ones)
    assert np.isfinite(regressor.fit(X[:20], y[:20]).validation_scores_).all()

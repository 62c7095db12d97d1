"""Multilabel targets: an indicator matrix as y, an independent logistic output for each label."""
import copy
from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_matrix
from scipy.special import expit
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.multioutput import ClassifierChain
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer, StandardScaler

from reference import SpikingNetwork
from sk_dsn import SpikingBackprop, SpikingMLPClassifier
from sk_dsn.metrics import exit_steps

WAYS = {
    "counting": {"simulation": "counting"},
    "clock-driven": {"simulation": "clock-driven"},
    "breadth-first": {"simulation": "event-driven"},
    "depth-first": {"simulation": "event-driven-depth-first"},
    "rectifying, step by step": {
        "simulation": "clock-driven",
        "neuron": "rectifying",
        "learning_rule": SpikingBackprop(feedback="step"),
    },
    "fractional": {
        "simulation": "event-driven",
        "neuron": "rectifying",
        "learning_rule": SpikingBackprop(feedback="step", weight_update="fractional"),
    },
}
LOSSES = ["log_loss", "squared_error"]


@pytest.fixture(scope="module")
def scenes():
    """Twelve features, four labels of which a sample has any number."""
    X, Y = make_multilabel_classification(600, n_features=12, n_classes=4, n_labels=2, random_state=0)
    return StandardScaler().fit_transform(X).astype(np.float32), Y


def small(**params):
    return SpikingMLPClassifier(**{"hidden_layer_sizes": (20,), "max_iter": 20, "random_state": 0} | params)


def learned(estimator):
    return [*estimator.coefs_, *estimator.intercepts_, *estimator.backward_potentials_]


# --- Learning.


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("way", WAYS)
def test_one_pass_is_the_oracles(way, loss):
    rng = np.random.default_rng(0)
    sizes, T = (5, 7, 6, 3), 4
    coefs = [rng.integers(-24, 25, shape) / 32 for shape in pairwise(sizes)]
    intercepts = [rng.integers(-8, 9, n) / 32 for n in sizes[1:]]
    X, Y = rng.integers(-16, 33, (12, 5)) / 16, rng.integers(0, 2, (12, 3))
    params = {"n_time_steps": T, "loss": loss, "error_resolution": 8, "normalized_step": False} | WAYS[way]
    estimator = SpikingMLPClassifier(sizes[1:-1], learning_rate_init=1 / 64, shuffle=False, **params)
    estimator.partial_fit(X, Y, classes=range(3), coefs_init=coefs, intercepts_init=intercepts)
    params |= params.pop("learning_rule", SpikingBackprop()).get_params()
    oracle = SpikingNetwork(coefs, intercepts, **params | {"loss": f"binary_{loss}" if loss == "log_loss" else loss})
    expected_loss = oracle.train(X, Y, np.arange(12), rate_first=1 / 64, rate_last=1 / 64)
    # The logistic function is rounded, the spikes it causes are whole: only the output's error potentials can differ.
    for array, expected in zip(estimator.coefs_ + estimator.intercepts_, oracle.coefs + oracle.intercepts, strict=True):
        np.testing.assert_array_equal(array, expected)
    for array, expected in zip(estimator.backward_potentials_, oracle.error_potentials, strict=True):
        np.testing.assert_allclose(array, expected, atol=1e-5)
    assert estimator.loss_ == pytest.approx(expected_loss, rel=1e-6)
    assert any((a != b).any() for a, b in zip(estimator.coefs_, coefs, strict=True))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_labels_are_learned_as_well_as_by_the_conventional_network(scenes):
    X_train, X_test, Y_train, Y_test = train_test_split(*scenes, random_state=0)
    sides = SpikingMLPClassifier(max_iter=10, random_state=0), MLPClassifier(random_state=0)
    ours, theirs = (np.mean(side.fit(X_train, Y_train).predict(X_test) == Y_test) for side in sides)
    assert ours > theirs - 0.05 > 0.7


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("way", WAYS)
def test_every_simulation_learns_the_labels(scenes, way, loss):
    X, Y = scenes
    rate = 0.1 if way == "fractional" else 0.5
    estimator = small(loss=loss, learning_rate_init=rate, n_time_steps=16, **WAYS[way]).fit(X, Y)
    most_frequent = np.mean((np.median(Y, axis=0) == Y).all(axis=1))
    assert estimator.score(X, Y) > most_frequent + 0.25


def test_rectifying_outputs_learn_the_labels(scenes):
    X, Y = scenes
    rule = SpikingBackprop(feedback="step", output_activation="rectifying")
    parameters = WAYS["rectifying, step by step"] | {"loss": "squared_error", "learning_rule": rule}
    estimator = small(**parameters, learning_rate_init=0.3).fit(X, Y)
    assert np.mean(estimator.predict(X) == Y) > 0.8


def test_outputs_do_not_learn_from_each_others_labels_in_a_net_of_one_layer(scenes):
    X, Y = scenes
    other = Y.copy()
    other[:, 0] = 1 - Y[:, 0]
    start = {"coefs_init": [np.zeros((12, 4))]}
    a, b = (small(hidden_layer_sizes=(), max_iter=3).fit(X, labels, **start) for labels in (Y, other))
    np.testing.assert_array_equal(a.coefs_[0][:, 1:], b.coefs_[0][:, 1:])
    assert (a.coefs_[0][:, 0] != b.coefs_[0][:, 0]).any()


def test_the_loss_curve_is_the_mean_log_loss_of_the_labels(scenes):
    X, Y = scenes
    start = small(max_iter=1, learning_rate_init=0.0).fit(X, Y)
    probabilities = start.predict_proba(X)
    expected = sum(log_loss(Y[:, k], probabilities[:, k]) for k in range(4))
    assert start.loss_ == pytest.approx(expected, rel=1e-5)


KINDS = {
    "floats": lambda Y: Y.astype(float),
    "booleans": lambda Y: Y.astype(bool),
    "small integers": lambda Y: Y.astype(np.int8),
    "Fortran-ordered": np.asfortranarray,
    "CSR matrix": csr_matrix,
    "CSC array": csc_array,
    "lists": lambda Y: Y.tolist(),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_kind_of_indicator_matrix_does_not_matter(scenes, kind):
    X, Y = scenes
    expected = small(max_iter=3).fit(X, Y)
    estimator = small(max_iter=3).fit(X, kind(Y))
    for array, wanted in zip(learned(estimator), learned(expected), strict=True):
        np.testing.assert_array_equal(array, wanted)
    assert estimator.score(X, kind(Y)) == expected.score(X, Y)


@pytest.mark.parametrize("n_labels", [2, 3, 16, 17, 40])
def test_any_number_of_labels_none_and_all_of_them_included(n_labels):
    Y = np.tri(n_labels + 1, n_labels, -1, dtype=int)
    X = np.eye(n_labels + 1)
    estimator = small(hidden_layer_sizes=(60,), max_iter=200).fit(X, Y)
    assert estimator.classes_.tolist() == list(range(n_labels))
    assert estimator.n_outputs_ == n_labels
    np.testing.assert_array_equal(estimator.predict(X), Y, strict=True)


def test_streams_have_labels_too(scenes):
    X, Y = scenes
    streams = np.repeat(X[:, np.newaxis], small().n_time_steps, axis=1)
    estimator = small(max_iter=3).fit(streams, Y)
    np.testing.assert_array_equal(estimator.predict(streams), small(max_iter=3).fit(X, Y).predict(X))


# --- Answers.

INPUTS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, -0.25], [-0.75, 0.125], [1.0, 1.0]])
WEIGHTS = np.array([[1.0, -2.0, 0.5], [-0.5, 3.0, 0.5]])
BIASES = np.array([0.25, 0.0, -1.0])
OUTPUTS = INPUTS @ WEIGHTS + BIASES


def linear(n_labels, **params):
    """A network without hidden layers whose outputs, for INPUTS, are OUTPUTS[:, :n_labels] exactly."""
    estimator = small(hidden_layer_sizes=(), learning_rate_init=0.0, max_iter=1, **params)
    start = {"coefs_init": [WEIGHTS[:, :n_labels]], "intercepts_init": [BIASES[:n_labels]]}
    return estimator.fit(INPUTS, np.eye(6, n_labels), **start)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_a_label_is_predicted_where_its_output_is_above_zero(n_labels):
    estimator, outputs = linear(n_labels), OUTPUTS[:, :n_labels]
    np.testing.assert_array_equal(estimator.decision_function(INPUTS), outputs.astype(np.float32), strict=True)
    np.testing.assert_array_equal(estimator.predict(INPUTS), (outputs > 0).astype(int), strict=True)
    np.testing.assert_array_equal(estimator.predict_proba(INPUTS), expit(outputs), strict=True)
    np.testing.assert_allclose(estimator.predict_log_proba(INPUTS), np.log(expit(outputs)), rtol=1e-12)


def test_after_squared_error_a_label_is_predicted_where_its_output_is_nearer_to_one():
    estimator = linear(3, loss="squared_error")
    decision = estimator.decision_function(INPUTS)
    np.testing.assert_array_equal(decision, (OUTPUTS - 0.5).astype(np.float32), strict=True)
    np.testing.assert_array_equal(estimator.predict(INPUTS), OUTPUTS > 0.5)
    np.testing.assert_array_equal(estimator.predict_proba(INPUTS) > 0.5, OUTPUTS > 0.5)


def test_score_is_the_fraction_of_samples_with_all_labels_right():
    estimator = linear(3)
    Y = (OUTPUTS > 0).astype(int)
    Y[0, 0] = 1 - Y[0, 0]
    Y[5, :2] = 1 - Y[5, :2]
    assert estimator.score(INPUTS, Y) == 4 / 6


def test_stages_end_in_the_answer(scenes):
    X, Y = scenes
    estimator = small(max_iter=3).fit(X, Y)
    for method in ("predict", "predict_proba", "decision_function"):
        stages = list(getattr(estimator, f"staged_{method}")(X))
        assert len(stages) == estimator.n_time_steps
        np.testing.assert_array_equal(stages[-1], getattr(estimator, method)(X), strict=True)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("simulation", ["counting", "clock-driven", "event-driven"])
def test_a_sample_exits_when_the_least_certain_label_is_decided(scenes, simulation, loss):
    X, Y = scenes
    estimator = small(loss=loss, n_time_steps=16).fit(X, Y).set_params(simulation=simulation)
    decisions = np.array(list(estimator.staged_decision_function(X)))
    certainty = np.abs(decisions).min(axis=2)
    estimator.set_params(exit_margin=float(np.quantile(certainty[-1], 0.6)))
    looks = np.array([1, 2, 4, 8, 16]) if simulation == "counting" else np.arange(1, 17)
    decided = certainty[looks - 1] >= estimator.exit_margin
    decided[-1] = True
    steps = looks[decided.argmax(axis=0)]
    assert len(np.unique(steps)) > 2
    np.testing.assert_array_equal(exit_steps(estimator, X), steps)
    np.testing.assert_array_equal(estimator.decision_function(X), decisions[steps - 1, np.arange(len(X))])


# --- Going on, and what cannot be learned.


def test_partial_fit_goes_on_and_names_its_columns_first(scenes):
    X, Y = scenes
    whole = small(shuffle=False).partial_fit(X, Y, classes=np.arange(4))
    parts = small(shuffle=False).partial_fit(X[:1], Y[:1], classes=[3, 1, 2, 0]).partial_fit(X[1:], Y[1:])
    for array, expected in zip(learned(parts), learned(whole), strict=True):
        np.testing.assert_array_equal(array, expected)
    assert small().fit(X, Y).partial_fit(X, Y).multilabel_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_warm_start_goes_on(scenes):
    X, Y = scenes
    params = {"shuffle": False, "learning_rate": "constant", "learning_rate_init": 0.1, "tol": 0}
    twice = small(max_iter=2, warm_start=True, **params).fit(X, Y).fit(X, Y)
    once = small(max_iter=4, **params).fit(X, Y)
    for array, expected in zip(learned(twice), learned(once), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_early_stopping_is_by_the_accuracy_of_whole_rows(scenes):
    X, Y = scenes
    estimator = small(early_stopping=True, validation_fraction=0.2, max_iter=100).fit(X, Y)
    _, rows = train_test_split(np.arange(len(X)), test_size=0.2, random_state=estimator.seed_)
    assert estimator.score(X[rows], Y[rows]) == estimator.best_validation_score_ == max(estimator.validation_scores_)


def refitted(*, first, second, classes=None):
    """A second partial_fit of an estimator that has seen targets of another kind."""
    X = np.eye(4)
    estimator = small().partial_fit(X, first, classes=range(first.max() + 1 if first.ndim == 1 else first.shape[1]))
    before = copy.deepcopy(vars(estimator))
    try:
        estimator.partial_fit(X, second, classes=classes)
    finally:
        np.testing.assert_equal(vars(estimator), before)


LABELS, INDICATORS = np.array([0, 1, 2, 0]), np.eye(4, 3, dtype=int)
MISTAKES = {
    "no zeros and ones": (lambda: small().fit(np.eye(4), 2 * INDICATORS), "must be an indicator matrix"),
    "probabilities": (lambda: small().fit(np.eye(4), INDICATORS / 3), "continuous-multioutput"),
    "labels after indicators": (
        lambda: refitted(first=INDICATORS, second=LABELS),
        "must be an indicator matrix of 3 labels, as in the first call",
    ),
    "indicators after labels": (
        lambda: refitted(first=LABELS, second=INDICATORS),
        "must hold one label a sample, as in the first call",
    ),
    "another number of labels": (
        lambda: refitted(first=INDICATORS, second=INDICATORS[:, :2]),
        r"must be an indicator matrix of 3 labels, as in the first call, but has shape \(4, 2\)",
    ),
    "classes that are not the columns": (
        lambda: small().partial_fit(np.eye(4), INDICATORS, classes=[1, 2, 3]),
        "columns, 0 to 2; got",
    ),
    "no classes": (lambda: small().partial_fit(np.eye(4), INDICATORS), "classes must be passed in the first call"),
    "another length": (lambda: small().fit(np.eye(4), INDICATORS[:3]), "inconsistent numbers of samples"),
}


@pytest.mark.parametrize(("call", "match"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_raise_value_error(call, match):
    with pytest.raises(ValueError, match=match):
        call()


# --- A user's journeys.


def test_sets_of_labels_through_a_pipeline_and_a_search(scenes):
    X, Y = scenes
    names = np.array(["beach", "city", "forest", "sunset"])
    tags = [set(names[row == 1]) for row in Y]
    binarizer = MultiLabelBinarizer().fit(tags)
    pipeline = make_pipeline(StandardScaler(), small())
    search = GridSearchCV(pipeline, {"spikingmlpclassifier__n_time_steps": [1, 16]}, cv=3)
    search.fit(X, binarizer.transform(tags))
    assert search.best_params_ == {"spikingmlpclassifier__n_time_steps": 16}
    found = binarizer.inverse_transform(search.predict(X))
    assert np.mean([set(a) == b for a, b in zip(found, tags, strict=True)]) > 0.5


def test_one_label_at_a_time_in_a_chain(scenes):
    X, Y = scenes
    assert ClassifierChain(small()).fit(X, Y).score(X, Y) > 0.5


def test_one_hot_labels_learn_digits():
    X, y = load_digits(return_X_y=True)
    Y = np.eye(10, dtype=int)[y]
    X_train, X_test, Y_train, Y_test = train_test_split(X / 16, Y, random_state=0)
    estimator = SpikingMLPClassifier(max_iter=30, random_state=0).fit(X_train, Y_train)
    assert estimator.score(X_test, Y_test) > 0.9
    assert np.mean(estimator.predict_proba(X_test).argmax(axis=1) == Y_test.argmax(axis=1)) > 0.95

"""Sparse input: what the dense array gives, bit for bit, from the stored values alone."""
import threading
import time
import tracemalloc

import numpy as np
import pytest
from scipy.sparse import bsr_matrix, coo_array, coo_matrix, csc_matrix, csr_array, csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from estimator_helpers import PAPER_RULE, assert_same_network
from helpers import exit_code
from sk_dsn import PAPER_SETTINGS, SpikingBackprop, SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn.metrics import spike_counts, unit_spike_counts

WAYS = {
    "counting": {},
    "counting, smooth": {"learning_rule": SpikingBackprop(smooth_gradient=True)},
    "clock-driven": {"simulation": "clock-driven", "learning_rule": SpikingBackprop(feedback="step")},
    "clock-driven, rectifying, smooth": {
        "neuron": "rectifying",
        "simulation": "clock-driven",
        "learning_rule": SpikingBackprop(smooth_gradient=True),
    },
    "counting, features left out": {"input_dropout": 0.5},
    "event-driven, features left out": {"simulation": "event-driven", "input_dropout": 0.5},
    "counting, noise": {"input_noise": 0.2},
    "clock-driven, noise, features left out": {"simulation": "clock-driven", "input_noise": 0.2, "input_dropout": 0.5},
    "event-driven": {"simulation": "event-driven"},
    "depth-first": {"simulation": "event-driven-depth-first", "learning_rule": SpikingBackprop(feedback="step")},
    "paper": PAPER_SETTINGS,
    "paper, depth-first, error not held": PAPER_SETTINGS
    | {"simulation": "event-driven-depth-first", "learning_rule": SpikingBackprop(**PAPER_RULE, hold_error=False)},
    "paper, smooth": PAPER_SETTINGS | {"learning_rule": SpikingBackprop(**PAPER_RULE, smooth_gradient=True)},
}


@pytest.fixture(scope="module")
def digits():
    """Pixels from -1 to 1, most of them zero, and one sample all zero."""
    X, y = load_digits(return_X_y=True)
    X = (X[:200] / 16).astype(np.float32)
    X[:, ::2] *= -1
    X[17] = 0
    return X, y[:200]


def ask(estimator, X):
    """All that the estimator says of X."""
    answers = [estimator.predict(X), *estimator.staged_predict(X)]
    if hasattr(estimator, "predict_proba"):
        answers += [estimator.predict_proba(X), estimator.decision_function(X)]
    return answers


@pytest.mark.parametrize("kind", [SpikingMLPClassifier, SpikingMLPRegressor])
@pytest.mark.parametrize("way", WAYS)
def test_a_sparse_matrix_teaches_and_tells_what_the_array_does(kind, way, digits):
    X, y = digits
    parameters = WAYS[way] | {"hidden_layer_sizes": (20, 10), "learning_rate_init": 0.01, "learning_rate": "linear"}
    parameters |= {"n_time_steps": 5, "max_iter": 2, "random_state": 0}
    dense = kind(**parameters).fit(X, y / 10 if kind is SpikingMLPRegressor else y)
    sparse = kind(**parameters).fit(csr_array(X), y / 10 if kind is SpikingMLPRegressor else y)
    assert_same_network(sparse, dense)
    assert any(np.any(w) for w in dense.backward_potentials_)
    for said, wanted in zip(ask(sparse, csr_array(X)), ask(dense, X), strict=True):
        np.testing.assert_array_equal(said, wanted)


def wide_indices(X):
    X = csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def disorderly(X):
    """The same matrix with columns in disorder, a value in two halves, and stored zeros."""
    X = csr_array(X)
    data, indices, indptr = [], [], [0]
    for first, end in zip(X.indptr, X.indptr[1:], strict=False):
        values = list(zip(X.indices[first:end], X.data[first:end], strict=True))[::-1]
        values = [half for i, x in values for half in ((i, x / 2), (i, x / 2))] + [(0, 0.0)]
        indices += [i for i, _ in values]
        data += [x for _, x in values]
        indptr.append(len(data))
    return csr_array((np.array(data, dtype=np.float32), np.array(indices), np.array(indptr)), shape=X.shape)


FORMS = {
    "CSR matrix": csr_matrix,
    "CSC": csc_matrix,
    "COO": coo_array,
    "float64": lambda X: csr_array(X.astype(np.float64)),
    "wide indices": wide_indices,
    "disorderly": disorderly,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_sparse_matrix_is_taken_and_left_as_it_is(form, digits):
    X, y = digits
    matrix = FORMS[form](X)
    before = matrix.copy()
    clf = SpikingMLPClassifier(hidden_layer_sizes=(20,), max_iter=2, random_state=0)
    assert_same_network(clone(clf).fit(matrix, y), clf.fit(X, y))
    np.testing.assert_array_equal(clf.decision_function(matrix), clf.decision_function(X))
    assert type(matrix) is type(before) and matrix.dtype == before.dtype and matrix.nnz == before.nnz
    if form != "COO":
        np.testing.assert_array_equal(matrix.indices, before.indices)


@pytest.mark.parametrize("simulation", ["clock-driven", "event-driven"])
def test_spikes_of_each_unit_are_found_at_its_place(simulation, digits):
    X, y = digits
    clf = SpikingMLPClassifier((20,), simulation=simulation, max_iter=1, random_state=0).fit(X, y)
    np.testing.assert_array_equal(spike_counts(clf, csr_array(X)), spike_counts(clf, X))
    counts = unit_spike_counts(clf, csr_array(X))[0].sum(axis=(1, 3))
    np.testing.assert_array_equal(counts > 0, np.abs(clf.n_time_steps * X) > 0.5)


def test_early_stopping_partial_fit_and_weights_take_sparse_samples(digits):
    X, y = digits
    weights = np.linspace(0, 2, len(y))
    for settings in ({}, {"early_stopping": True}):
        clf = SpikingMLPClassifier((20,), max_iter=3, random_state=0, **settings)
        sparse = clone(clf).fit(csr_array(X), y, weights)
        assert_same_network(sparse, clf.fit(X, y, weights))
    assert_same_network(
        clf.set_params(early_stopping=False).partial_fit(X, y),
        sparse.set_params(early_stopping=False).partial_fit(csr_array(X), y),
    )
    assert sparse.score(csr_array(X), y) == clf.score(X, y) > 0.8


def test_values_that_cannot_be_computed_are_refused(digits):
    X, y = digits
    clf = SpikingMLPClassifier((20,), max_iter=1, random_state=0)
    for value, match in ((np.nan, "contains NaN"), (1e9, "Scale the features")):
        spoiled = csr_array(X)
        spoiled.data[5] = value
        with pytest.raises(ValueError, match=match):
            clone(clf).fit(spoiled, y)
        with pytest.raises(ValueError, match=match):
            clone(clf).fit(X, y).predict(spoiled)


def test_nothing_is_made_dense():
    rng = np.random.default_rng(0)
    n_samples, n_features = 5000, 100_000  # two gigabytes, if it were
    columns = rng.integers(n_features // 2, size=(n_samples, 20)) * 2
    y = rng.integers(2, size=n_samples)
    columns[np.arange(n_samples), 0] = y  # tells the class
    X = csr_array((np.ones(columns.size), (np.repeat(np.arange(n_samples), 20), columns.ravel())), (n_samples, n_features))
    for simulation in ("counting", "clock-driven", "event-driven"):
        tracemalloc.start()
        clf = SpikingMLPClassifier((4,), simulation=simulation, max_iter=1, n_time_steps=2, random_state=0).fit(X, y)
        right = clf.score(X, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1e8
        assert right > 0.9


def test_words_are_learned_in_a_pipeline():
    texts = [f"{animal} {does}" for animal in ("cat", "dog") for does in ("eats now", "eats then", "sleeps now")]
    kinds = [text.split()[0] for text in texts]
    model = make_pipeline(TfidfVectorizer(), SpikingMLPClassifier((10,), max_iter=30, random_state=0)).fit(texts, kinds)
    assert model.predict(["a cat thinks", "the dog thinks"]).tolist() == ["cat", "dog"]


@pytest.mark.parametrize("field", ["data", "indices", "indptr"])
def test_arrays_of_a_sparse_matrix_may_be_fields_of_records(field, digits):
    X, y = digits
    clf = SpikingMLPClassifier((10,), max_iter=2, random_state=0)
    arrays = {name: getattr(csr_matrix(X), name) for name in ["data", "indices", "indptr"]}
    records = np.zeros(len(arrays[field]), dtype=[("other", np.int8), ("value", arrays[field].dtype)])
    records["value"] = arrays[field]
    arrays[field] = records["value"]
    in_records = csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), X.shape)
    assert_same_network(clone(clf).fit(in_records, y), clf.fit(X, y))
    np.testing.assert_array_equal(clf.predict_proba(in_records), clf.predict_proba(X))


@pytest.fixture
def trained(digits):
    return SpikingMLPClassifier((10,), max_iter=2, random_state=0).fit(*digits)


def remembered(X):
    """A CSR matrix of which SciPy remembers that its columns are in order and never twice."""
    matrix = csr_matrix(X)
    assert matrix.has_canonical_format
    return matrix


def columns_swapped(matrix):
    """Permutes the stored values of each row in place."""
    for first, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        matrix.indices[first:end] = matrix.indices[first:end][::-1].copy()
        matrix.data[first:end] = matrix.data[first:end][::-1].copy()


def columns_doubled(matrix):
    """Gives the second value of each row the column of the first."""
    firsts = matrix.indptr[:-1][np.diff(matrix.indptr) > 1]
    matrix.indices[firsts + 1] = matrix.indices[firsts]


@pytest.mark.parametrize("way", ["counting", "counting, smooth", "clock-driven", "event-driven", "depth-first"])
@pytest.mark.parametrize("change", [columns_swapped, columns_doubled])
def test_a_matrix_changed_in_place_is_read_anew(change, way, digits, trained):
    X, y = digits
    trained.set_params(**WAYS[way])
    matrix = remembered(X)
    trained.predict(matrix)
    change(matrix)
    dense = np.zeros_like(X)
    np.add.at(dense, (np.repeat(np.arange(len(X)), np.diff(matrix.indptr)), matrix.indices), matrix.data)
    before = matrix.indices.copy()
    np.testing.assert_array_equal(trained.decision_function(matrix), trained.decision_function(dense))
    for train in [lambda X: clone(trained).fit(X, y), lambda X: clone(trained).partial_fit(X, y, classes=np.arange(10))]:
        assert_same_network(train(matrix), train(dense))
    np.testing.assert_array_equal(matrix.indices, before)


def test_more_columns_than_features_are_added_up(trained, digits):
    n_features = digits[0].shape[1]
    n = 10 * n_features
    twice = csr_matrix((np.full(n, 1 / 16, np.float32), np.zeros(n, np.int32), [0, n]), (1, n_features))
    twice.has_canonical_format = True
    dense = np.zeros((1, n_features), np.float32)
    dense[0, 0] = n / 16
    np.testing.assert_array_equal(trained.decision_function(twice), trained.decision_function(dense))


BROKEN = {
    "rows end far behind": (csr_matrix, "indptr", 3, 10**9),
    "the last row ends far behind": (csr_matrix, "indptr", -1, 10**9),
    "rows go back": (csr_matrix, "indptr", 3, 0),
    "a row ends before the first": (csr_matrix, "indptr", 1, -(10**9)),
    "rows begin late": (csr_matrix, "indptr", 0, 5),
    "a column too far": (csr_matrix, "indices", 7, 10**9),
    "a column below 0": (csr_matrix, "indices", 7, -5),
    "columns end far behind": (csc_matrix, "indptr", 3, 10**9),
    "a row too far": (csc_matrix, "indices", 7, 10**9),
    "blocks end far behind": (bsr_matrix, "indptr", 3, 10**9),
    "a block too far": (bsr_matrix, "indices", 7, 10**9),
    "a coordinate too far": (coo_matrix, "col", 7, 10**9),
    "a coordinate below 0": (coo_matrix, "row", 7, -(10**9)),
}


def broken(case, X):
    kind, name, place, value = BROKEN[case]
    matrix = kind(X)
    getattr(matrix, name)[place] = value
    return matrix


def ask_of_broken(case, estimator, X, y):
    for dtype in (np.float32, np.float64):
        matrix = broken(case, X.astype(dtype))
        for call in [estimator.predict, lambda matrix: clone(estimator).fit(matrix, y)]:
            with pytest.raises(ValueError, match="changed in place"):
                call(matrix)


@pytest.mark.parametrize("case", BROKEN)
def test_arrays_that_do_not_fit_the_matrix_are_refused_before_they_are_read(case, digits, trained):
    assert exit_code(ask_of_broken, case, trained, *digits) == 0


def predict_while_columns_change(estimator, X):
    matrix = remembered(np.tile(X, (20, 1)))
    right, ended = matrix.indices.copy(), time.monotonic() + 1

    def change():
        rng = np.random.default_rng(0)
        while time.monotonic() < ended:
            matrix.indices[:] = rng.integers(-(2**31), 2**31 - 1, right.size, dtype=np.int32)
            matrix.indices[:] = right

    thread = threading.Thread(target=change)
    thread.start()
    answered = refused = 0
    while time.monotonic() < ended:
        try:
            estimator.predict(matrix)
            answered += 1
        except ValueError:
            refused += 1
    thread.join()
    assert answered + refused > 0


@pytest.mark.parametrize("simulation", ["counting", "clock-driven", "event-driven"])
def test_a_thread_that_changes_columns_meanwhile_does_no_harm(simulation, digits, trained):
    assert exit_code(predict_while_columns_change, trained.set_params(simulation=simulation), digits[0]) == 0

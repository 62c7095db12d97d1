"""Labels and probabilities, stages, kinds of input, copies in files and other processes, scikit-learn's tools."""
import copy
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_blobs
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sk_dsn import SpikingMLPClassifier


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:400] / 16).astype(np.float32), y[:400]


@pytest.fixture(scope="module")
def fitted(digits):
    return small().fit(*digits)


def small(**params):
    return SpikingMLPClassifier(**{"hidden_layer_sizes": (12,), "max_iter": 5, "random_state": 0} | params)


def assert_same_network(a, b):
    for of_a, of_b in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_array_equal(of_a, of_b, strict=True)


# --- Labels.

LABELS = {
    "integers": [3, 7, -20],
    "far apart": [2**40, -(2**40), 0],
    "whole floats": [1.0, 2.0, 3.0],
    "strings": ["cat", "horse", "ant"],
    "objects": np.array(["cat", "horse", "ant"], object),
    "small integers": np.array([2, 0, 1], np.int8),
    "booleans": [True, False],
    "two strings": ["yes", "no"],
}


@pytest.mark.parametrize("names", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_any_labels_do_and_they_only_name_the_classes(names, call):
    names = np.unique(names)
    X, y = make_blobs(120, centers=len(names), n_features=5, cluster_std=0.3, center_box=(0, 4), random_state=0)

    def trained(y):
        if call == "fit":
            return small(max_iter=20).fit(X, y)
        clf = small().partial_fit(X, y, classes=y)
        for _ in range(9):
            clf.partial_fit(X, y)
        return clf

    named, plain = trained(names[y]), trained(y)
    np.testing.assert_array_equal(named.classes_, names, strict=True)
    np.testing.assert_array_equal(named.decision_function(X), plain.decision_function(X))
    np.testing.assert_array_equal(named.predict(X), names[plain.predict(X)], strict=True)
    assert named.score(X, names[y]) > 0.95
    assert all(labels.dtype == names.dtype for labels in named.staged_predict(X))


def test_labels_may_come_in_a_list_a_column_or_a_series(digits):
    X, y = digits
    expected = small().fit(X, y)
    for labels in (y.tolist(), pd.Series(y, index=y[::-1]), pd.Series(y, dtype="Int64")):
        assert_same_network(small().fit(X, labels), expected)
    with pytest.warns(match="column-vector y was passed"):
        assert_same_network(small().fit(X, y[:, None]), expected)


def test_unused_categories_do_not_become_classes():
    y = pd.Series(["b", "a", "b", "a"], dtype=pd.CategoricalDtype(["c", "b", "a"]))
    estimator = small().fit([[0.0], [1.0], [0.0], [1.0]], y)
    assert estimator.classes_.tolist() == ["a", "b"]


@pytest.mark.parametrize("n_classes", [2, 3, 10, 16, 17, 40])
def test_any_number_of_classes_from_two_up(n_classes):
    X = np.repeat(np.eye(n_classes), 3, axis=0)
    y = np.repeat(np.arange(n_classes), 3)
    estimator = small(max_iter=30, hidden_layer_sizes=(60,)).fit(X, y)
    assert estimator.n_outputs_ == len(estimator.classes_) == n_classes
    assert estimator.predict_proba(X).shape == (3 * n_classes, n_classes)
    assert estimator.decision_function(X).shape == ((3 * n_classes,) if n_classes == 2 else (3 * n_classes, n_classes))
    np.testing.assert_array_equal(estimator.predict(X), y)


def test_partial_fit_does_with_classes_that_have_not_come_yet(digits):
    X, y = digits
    estimator = small().partial_fit(X[y < 2], y[y < 2], classes=np.arange(10))
    assert estimator.classes_.tolist() == list(range(10))
    assert estimator.predict_proba(X).shape == (400, 10)
    assert estimator.score(X[y < 2], y[y < 2]) > 0.9
    for _ in range(5):
        estimator.partial_fit(X, y)
    assert estimator.score(X, y) > 0.9


def test_the_order_of_classes_does_not_matter(digits):
    X, y = digits
    in_order = small().partial_fit(X, y, classes=np.arange(10))
    anyhow = small().partial_fit(X, y, classes=[9, 3, 3, 0, 1, 2, 8, 7, 6, 5, 4, 4])
    assert_same_network(anyhow.partial_fit(X, y, classes=np.arange(10)[::-1]), in_order.partial_fit(X, y))


# --- Decisions and probabilities.

INPUTS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, -0.25], [-0.75, 0.125], [1.0, 1.0]])
WEIGHTS = np.array([[1.0, -2.0, 0.5], [-0.5, 3.0, 0.5]])
BIASES = np.array([0.25, 0.25, -1.0])
OUTPUTS = INPUTS @ WEIGHTS + BIASES


def linear(n_classes, **params):
    """A network without hidden layers whose outputs, for INPUTS, are OUTPUTS[:, :n_classes] exactly."""
    estimator = small(hidden_layer_sizes=(), learning_rate_init=0.0, max_iter=1, **params)
    labels = np.resize(["a", "b", "c"][:n_classes], len(INPUTS))
    start = {"coefs_init": [WEIGHTS[:, :n_classes]], "intercepts_init": [BIASES[:n_classes]]}
    return estimator.fit(INPUTS, labels, **start)


def test_decision_is_the_output():
    decision = linear(3).decision_function(INPUTS)
    np.testing.assert_array_equal(decision, OUTPUTS.astype(np.float32), strict=True)


def test_binary_decision_is_the_second_output_less_the_first():
    decision = linear(2).decision_function(INPUTS)
    np.testing.assert_array_equal(decision, (OUTPUTS[:, 1] - OUTPUTS[:, 0]).astype(np.float32), strict=True)


def test_binary_decision_above_zero_means_the_second_class():
    estimator = linear(2)
    decision = estimator.decision_function(INPUTS)
    assert {-1, 0, 1} == set(np.sign(decision))  # a tie is for the first class
    np.testing.assert_array_equal(estimator.predict(INPUTS), np.where(decision > 0, "b", "a"))


def test_the_class_with_the_largest_output_is_predicted():
    np.testing.assert_array_equal(linear(3).predict(INPUTS), np.array(["a", "b", "c"])[OUTPUTS.argmax(axis=1)])


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_the_softmax_of_the_output(loss, n_classes):
    probabilities = linear(n_classes, loss=loss).predict_proba(INPUTS)
    np.testing.assert_array_equal(probabilities, softmax(OUTPUTS[:, :n_classes], axis=1), strict=True)


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_log_probabilities_are_those_of_the_probabilities(loss, n_classes):
    estimator = linear(n_classes, loss=loss)
    expected = np.log(estimator.predict_proba(INPUTS))
    np.testing.assert_allclose(estimator.predict_log_proba(INPUTS), expected, rtol=1e-12)


def test_probabilities_of_large_outputs_are_finite():
    estimator = linear(3)
    estimator.coefs_[0][:] *= 1e6
    probabilities = estimator.predict_proba(INPUTS)
    assert np.isfinite(probabilities).all()
    assert (probabilities == 0).any()
    assert np.isfinite(estimator.predict_log_proba(INPUTS)).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-15)


@pytest.mark.parametrize("n_classes", [2, 10])
def test_stages_are_the_answers_after_each_time_step(digits, n_classes):
    X, y = digits
    X, y = X[y < n_classes], y[y < n_classes]
    estimator = small().fit(X, y)
    decisions = list(estimator.staged_decision_function(X))
    labels = list(estimator.staged_predict(X))
    probabilities = list(estimator.staged_predict_proba(X))
    assert len(decisions) == len(labels) == len(probabilities) == estimator.n_time_steps
    for t in range(1, estimator.n_time_steps + 1):
        estimator.set_params(n_time_steps=t)
        np.testing.assert_array_equal(decisions[t - 1], estimator.decision_function(X), strict=True)
        np.testing.assert_array_equal(labels[t - 1], estimator.predict(X), strict=True)
        np.testing.assert_array_equal(probabilities[t - 1], estimator.predict_proba(X), strict=True)
        np.testing.assert_allclose(probabilities[t - 1].sum(axis=1), 1, rtol=1e-14)
    assert (decisions[0] != decisions[-1]).any()


# --- Learning.


def test_learning_one_sample_at_a_time_comes_close_to_fit(digits):
    X, y = digits
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    online = small()
    for _ in range(5):
        for k in range(len(X_train)):
            online.partial_fit(X_train[k, None], y_train[k, None], classes=np.arange(10))
    fitted = small(max_iter=20).fit(X_train, y_train)
    assert online.score(X_test, y_test) > fitted.score(X_test, y_test) - 0.05 > 0.85


def test_small_errors_add_up_in_the_potentials_kept_from_call_to_call(digits):
    X, y = digits

    def score(forget):
        # So coarse that hardly any error reaches the threshold on its own.
        estimator = small(n_time_steps=2, error_resolution=0.25, learning_rate_init=0.4, weight_init_scale=0.2)
        for k in np.tile(np.arange(len(X)), 2):
            estimator.partial_fit(X[k, None], y[k, None], classes=np.arange(10))
            if forget:
                for potential in estimator.backward_potentials_:
                    potential[:] = 0
        return estimator.score(X, y)

    assert score(forget=False) > 0.7
    assert score(forget=True) < 0.2


@pytest.mark.filterwarnings("ignore:The scales of the features")
@pytest.mark.parametrize(("load", "score"), [(load_breast_cancer, 0.85), (load_wine, 0.5)])
def test_unscaled_features_are_learned(load, score):
    X, y = load(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    params = {"max_iter": 200, "dropout": 0.0}
    fits = [SpikingMLPClassifier(random_state=seed, **params).fit(X_train, y_train) for seed in range(10)]
    assert np.mean([clf.score(X_test, y_test) for clf in fits]) >= score


# --- Predictions depend on the sample alone.


@pytest.mark.parametrize(
    "parts",
    [
        lambda n: [np.random.default_rng(0).permutation(n)],
        lambda n: [np.arange(n)[::-1]],
        lambda n: np.array_split(np.arange(n), 7),
        lambda n: np.arange(n)[:, None],
        lambda n: [np.flatnonzero(np.arange(n) % 3 == 0)],
        lambda n: [np.repeat(np.arange(5), 9)],
    ],
    ids=["shuffled", "reversed", "in batches", "one by one", "a subset", "repeated"],
)
def test_predictions_do_not_depend_on_batch_or_order(digits, fitted, parts):
    X, _ = digits
    together = fitted.decision_function(X)
    for rows in parts(len(X)):
        np.testing.assert_array_equal(fitted.decision_function(X[rows]), together[rows], strict=True)


def test_threads_may_predict_at_once(digits, fitted):
    X = np.tile(digits[0], (20, 1))
    expected = fitted.predict_proba(X)
    with ThreadPoolExecutor(2) as pool:
        for answer in pool.map(lambda _: fitted.predict_proba(X), range(8)):
            np.testing.assert_array_equal(answer, expected)


def test_threads_may_train_at_once(digits):
    X, y = digits
    expected = [small(random_state=seed).fit(X, y) for seed in range(4)]
    with ThreadPoolExecutor(2) as pool:
        trained = list(pool.map(lambda seed: small(random_state=seed).fit(X, y), range(4)))
    for of_pool, alone in zip(trained, expected, strict=True):
        assert_same_network(of_pool, alone)


def memory_mapped(X, path):
    np.save(path / "X.npy", X)
    mapped = np.load(path / "X.npy", mmap_mode="r")
    assert not mapped.flags.writeable
    return mapped


def read_only(X, path):
    X = X.copy()
    X.flags.writeable = False
    return X


def unaligned(X, path):
    odd = np.frombuffer(b"0" + X.tobytes(), np.uint8)[1:].view(X.dtype).reshape(X.shape)
    assert not odd.flags.aligned
    return odd


# Whole numbers, so that every kind holds the same.
KINDS_OF_INPUT = {
    "float32": lambda X, path: X,
    "float64": lambda X, path: X.astype(np.float64),
    "float16": lambda X, path: X.astype(np.float16),
    "long double": lambda X, path: X.astype(np.longdouble),
    "big-endian": lambda X, path: X.astype(">f4"),
    "int64": lambda X, path: X.astype(np.int64),
    "uint8": lambda X, path: X.astype(np.uint8),
    "objects": lambda X, path: X.astype(object),
    "list": lambda X, path: X.tolist(),
    "Fortran-ordered": lambda X, path: np.asfortranarray(X),
    "Fortran-ordered float64": lambda X, path: np.asfortranarray(X, np.float64),
    "every second row": lambda X, path: np.repeat(X, 2, axis=0)[::2],
    "every second column": lambda X, path: np.repeat(X, 2, axis=1)[:, ::2],
    "upside down": lambda X, path: X[::-1].copy()[::-1],
    "read-only": read_only,
    "memory-mapped": memory_mapped,
    "unaligned": unaligned,
    "pandas": lambda X, path: pd.DataFrame(X),
    "pandas with names": lambda X, path: pd.DataFrame(X.astype(np.int16)).add_prefix("pixel "),
    "nullable pandas": lambda X, path: pd.DataFrame(X).astype("Int64"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS_OF_INPUT.values(), ids=KINDS_OF_INPUT)
def test_the_kind_of_input_does_not_matter(digits, tmp_path, kind):
    X, y = (16 * digits[0]).astype(np.float32), digits[1]
    expected = small().fit(X, y)
    X_kind = kind(X, tmp_path)
    estimator = small().fit(X_kind, y)
    assert_same_network(estimator, expected)
    np.testing.assert_array_equal(estimator.decision_function(X_kind), expected.decision_function(X), strict=True)
    assert_same_network(estimator.partial_fit(X_kind, y), expected.partial_fit(X, y))


def test_feature_names_are_kept_and_compared(digits):
    X, y = digits
    named = pd.DataFrame(X).add_prefix("pixel ")
    with_names, without = small().fit(named, y), small().fit(X, y)
    assert with_names.feature_names_in_.tolist() == named.columns.tolist()
    assert not hasattr(without, "feature_names_in_")
    expected = without.predict(X)

    np.testing.assert_array_equal(with_names.predict(named), expected)
    with pytest.warns(UserWarning, match="not have valid feature names, but SpikingMLPClassifier was fitted with"):
        np.testing.assert_array_equal(with_names.predict(X), expected)
    with pytest.warns(UserWarning, match="X has feature names, but SpikingMLPClassifier was fitted without"):
        np.testing.assert_array_equal(without.predict(named), expected)
    for wrong in (named[named.columns[::-1]], named.rename(columns={"pixel 0": "other"})):
        for ask in (with_names.predict, with_names.decision_function, lambda X: with_names.partial_fit(X, y)):
            with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
                ask(wrong)


# --- Copies: in memory, in files, in other processes.


def run(script, *arguments, **environment):
    """Lines that the script prints in another process."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if name != "SK_DSN_INSTRUCTION_SET"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=inherited | environment)
    return done.stdout.splitlines()


def dump_all(estimator, path):
    """Files, and how joblib.load is to map them."""
    (path / "pickle").write_bytes(pickle.dumps(estimator))
    joblib.dump(estimator, path / "joblib")
    joblib.dump(estimator, path / "compressed", compress=3)
    return [(path / "pickle", None), (path / "joblib", None), (path / "compressed", None), (path / "joblib", "r")]


PREDICT_FROM_FILES = """
import sys, joblib
X = joblib.load(sys.argv[1])
for path in sys.argv[2:]:
    print(joblib.load(path, mmap_mode="r" if path.endswith("joblib") else None).decision_function(X).tobytes().hex())
"""


def test_copies_in_files_predict_the_same_here_and_in_another_process(digits, fitted, tmp_path):
    X, y = digits
    expected = fitted.decision_function(X)
    trained_on = copy.deepcopy(fitted).partial_fit(X, y)
    files = dump_all(fitted, tmp_path)
    for path, mmap_mode in files:
        loaded = joblib.load(path, mmap_mode=mmap_mode)
        assert all(w.flags.writeable == (mmap_mode is None) for w in loaded.coefs_)
        np.testing.assert_array_equal(loaded.decision_function(X), expected, strict=True)
        assert_same_network(loaded.partial_fit(X, y), trained_on)

    joblib.dump(X[:50], tmp_path / "X")
    there = run(PREDICT_FROM_FILES, tmp_path / "X", *(path for path, _ in files))
    assert there == [expected[:50].tobytes().hex()] * len(files)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_training_a_copy_leaves_the_original(digits, fitted, copied):
    X, y = digits
    expected, scores = fitted.decision_function(X), list(fitted.loss_curve_)
    twin = copied(fitted)
    np.testing.assert_array_equal(twin.decision_function(X), expected)
    twin.partial_fit(X, y)
    assert (twin.decision_function(X) != expected).any()
    np.testing.assert_array_equal(fitted.decision_function(X), expected)
    assert fitted.loss_curve_ == scores


@pytest.mark.parametrize("hidden_layer_sizes", [(), (1,), (200,), (130, 65)])
def test_a_model_is_hardly_larger_than_its_weights(digits, hidden_layer_sizes):
    estimator = small(hidden_layer_sizes=hidden_layer_sizes).fit(*digits)
    arrays = estimator.coefs_ + estimator.intercepts_ + estimator.backward_potentials_ + estimator.forward_potentials_
    assert len(pickle.dumps(estimator)) < sum(a.nbytes for a in arrays) + 2500


TRAIN_AND_PREDICT = """
import numpy as np
from sk_dsn import SpikingMLPClassifier
from sk_dsn._core.kernels.dispatch import DEFAULT_INSTRUCTION_SET
rng = np.random.default_rng(0)
X, y = rng.normal(size=(200, 61)), rng.integers(7, size=200)
print(DEFAULT_INSTRUCTION_SET)
for loss, targets in (("log_loss", y), ("squared_error", y), ("log_loss", rng.integers(2, size=(200, 7)))):
    estimator = SpikingMLPClassifier((33, 17), loss=loss, dropout=0.1, max_iter=5, random_state=0).fit(X, targets)
    for array in (*estimator.coefs_, *estimator.intercepts_, estimator.decision_function(X)):
        print(array.tobytes().hex())
"""


def test_every_instruction_set_gives_the_same_bits():
    _, *best = run(TRAIN_AND_PREDICT)
    name, *baseline = run(TRAIN_AND_PREDICT, SK_DSN_INSTRUCTION_SET="baseline")
    assert name == "baseline"
    assert len(best) == 21
    assert baseline == best


# --- scikit-learn's tools.


def test_a_pipeline_scales_fits_and_predicts(digits):
    X, y = digits
    raw = 16 * X
    pipeline = make_pipeline(MinMaxScaler(), small()).fit(raw, y)
    scaled = MinMaxScaler().fit_transform(raw)
    alone = small().fit(scaled, y)
    np.testing.assert_array_equal(pipeline.predict_proba(raw), alone.predict_proba(scaled))
    assert pipeline.score(raw, y) == alone.score(scaled, y)
    assert_same_network(clone(pipeline).fit(raw, y)[-1], alone)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_grid_search_in_parallel_finds_what_it_finds_alone(digits, backend):
    X, y = digits

    def search(n_jobs):
        pipeline = make_pipeline(MinMaxScaler(), small(max_iter=3))
        name = "spikingmlpclassifier__hidden_layer_sizes"
        return GridSearchCV(pipeline, {name: [(2,), (6,), (24,)]}, cv=3, n_jobs=n_jobs, error_score="raise").fit(X, y)

    alone = search(None)
    with joblib.parallel_config(backend=backend):
        in_parallel = search(2)
    assert in_parallel.best_params_ == {"spikingmlpclassifier__hidden_layer_sizes": (24,)}
    for result in ("split0_test_score", "split1_test_score", "split2_test_score"):
        np.testing.assert_array_equal(in_parallel.cv_results_[result], alone.cv_results_[result])
    assert_same_network(in_parallel.best_estimator_[-1], alone.best_estimator_[-1])
    np.testing.assert_array_equal(in_parallel.predict(X), alone.predict(X))


def test_cross_validation_trains_anew_on_each_fold(digits):
    X, y = digits
    folds = [(np.arange(200), np.arange(200, 400)), (np.arange(200, 400), np.arange(200))]
    scores = cross_val_score(small(), X, y, cv=folds)
    assert scores.tolist() == [small().fit(X[train], y[train]).score(X[test], y[test]) for train, test in folds]

"""Plain arrays and lists go past scikit-learn's validation: nobody notices but by the time it takes."""
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, vstack
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


def classifier(**params):
    return SpikingMLPClassifier((6,), max_iter=2, random_state=0, **params)


def spoiled(X, row=0):
    X = X.copy()
    X[row, 1] = np.nan
    return X


def straddling(X):
    records = np.zeros(X.shape, [("gap", "i1"), ("value", "f4")])
    records["value"] = X
    return records["value"]


ARRAYS = {
    "float64": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "float16": lambda X: X.astype(np.float16),
    "long double": lambda X: X.astype(np.longdouble),
    "columns first": np.asfortranarray,
    "every second row": lambda X: X[::2],
    "straddling words": straddling,
    "integers": lambda X: X.astype(int),
    "unsigned integers": lambda X: (X > 0).astype(np.uint8),
    "booleans": lambda X: X > 0,
    "list": lambda X: X.tolist(),
    "list of arrays": list,
    "list of tuples": lambda X: [tuple(x) for x in X],
    "list of integers": lambda X: X.astype(int).tolist(),
    "tuple": lambda X: tuple(X),
    "text of numbers": lambda X: X.astype(str),
    "list of text": lambda X: X.astype(str).tolist(),
    "objects": lambda X: X.astype(object),
    "integers beyond 64 bits": lambda X: [[2**70, 0, 0, 0], *X[1:].tolist()],
    "one dimension": lambda X: X[:, 0].tolist(),
    "ragged": lambda X: [*X[:-1].tolist(), [1.0]],
    "missing": lambda X: [*X[:-1].tolist(), [None, 0, 0, 0]],
    "no rows": lambda X: [],
    "rows of nothing": lambda X: [[] for _ in X],
    "NaN": spoiled,
    "NaN in the last row": lambda X: spoiled(X, -1),
    "infinity": lambda X: np.where(X > 2, np.inf, X),
    "beyond float32": lambda X: X * 1e300,
}
LABELS = {
    "text": lambda y: np.array(["a", "b", "c"])[y],
    "list of text": lambda y: np.array(["a", "b", "c"])[y].tolist(),
    "objects": lambda y: np.array(["a", "b", "c"], object)[y],
    "mixed objects": lambda y: np.array(["a", "b", 3], object)[y],
    "objects that are numbers": lambda y: y.astype(object),
    "objects that are lists": lambda y: np.array([[k] for k in y] + [None], object)[:-1],
    "None among text": lambda y: np.array(["a", "b", None], object)[y],
    "bytes": lambda y: np.array([b"a", b"b", b"c"])[y],
    "floats": lambda y: y.astype(float),
    "booleans": lambda y: y > 0,
    "unsigned": lambda y: y.astype(np.uint8),
    "list": lambda y: y.tolist(),
    "halves": lambda y: y / 2,
    "NaN": lambda y: np.where(y, y, np.nan),
    "complex": lambda y: y * 1j,
    "dates": lambda y: y.astype("datetime64[D]"),
    "a column": lambda y: y[:, np.newaxis],
    "a label a sample": lambda y: np.arange(len(y)),
    "a label for two samples": lambda y: np.arange(len(y)) // 2,
    "25 labels": lambda y: np.arange(len(y)) % 25,
    "25 labels that are floats": lambda y: np.arange(len(y)) % 25.0,
    "25 labels that are objects": lambda y: np.array([f"{k % 25}" for k in range(len(y))], object),
    "indicators": lambda y: np.eye(3, dtype=int)[y],
    "several targets": lambda y: np.c_[y, y],
    "three dimensions": lambda y: y[:, np.newaxis, np.newaxis],
    "none": lambda y: [],
}


def outcome(estimator, call, X, y, **given):
    """What comes of a call: the network, or the error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            getattr(estimator, call)(X, y, **given)
            result = [w.tolist() for w in estimator.coefs_]
            classes = getattr(estimator, "classes_", np.zeros(0))
            result += [classes.tolist(), classes.dtype, estimator.predict(X).tolist()]
        except (TypeError, ValueError) as error:
            result = type(error), str(error)
    # NumPy's own warnings on the way to an error are not scikit-learn's.
    return result, [(w.category, str(w.message)) for w in caught if w.category is not RuntimeWarning]


class ArrayOfAnotherType(np.ndarray):
    """An array that is not plain: scikit-learn validates it."""


class ListOfAnotherType(list):
    """A list that is not plain."""


def not_plain(values):
    if type(values) is np.ndarray:
        return values.view(ArrayOfAnotherType)
    return ListOfAnotherType(values) if type(values) is list else values


def assert_same_as_validated(make, call, X, y):
    """A call has the outcome that it has where scikit-learn validates everything."""
    found = outcome(make(), call, X, y)
    assert found == outcome(make(), call, not_plain(X), not_plain(y))


@pytest.mark.parametrize("simulation", ["counting", "clock-driven"])
@pytest.mark.parametrize("kind", ARRAYS)
def test_any_X_has_the_outcome_that_scikit_learn_gives_it(iris, kind, simulation):
    X, y = iris
    X = ARRAYS[kind](X)
    y = y[:: 2 if kind == "every second row" else 1]
    assert_same_as_validated(lambda: classifier(simulation=simulation), "fit", X, y)


@pytest.mark.parametrize("kind", LABELS)
def test_any_y_has_the_outcome_that_scikit_learn_gives_it(iris, kind):
    X, y = iris
    y = LABELS[kind](y)
    assert_same_as_validated(classifier, "fit", X, y)
    assert_same_as_validated(lambda: SpikingMLPRegressor((6,), max_iter=2, random_state=0), "fit", X, y)
    assert_same_as_validated(lambda: classifier().fit(X, iris[1]), "partial_fit", X, y)


@pytest.mark.parametrize(
    "params", [{}, {"early_stopping": True}, {"class_weight": {0: 0, 1: 1, 2: 1}}], ids=["plain", "held out", "class"]
)
def test_a_sample_that_is_not_learned_must_be_finite_too(iris, params):
    X, y = iris
    for row in range(0, 150, 15):
        with pytest.raises(ValueError, match="contains NaN"):
            classifier(**params).fit(spoiled(X, row), y)
    with pytest.raises(ValueError, match="contains NaN"):
        classifier().fit(spoiled(X), y, sample_weight=np.arange(150))


def test_validation_samples_must_be_finite_and_are_named(iris):
    X, y = iris
    with pytest.raises(ValueError, match=r"Validation samples \(X_val, y_val, sample_weight_val\): Input X contains NaN"):
        classifier(early_stopping=True).fit(X, y, X_val=spoiled(X), y_val=y)


def test_names_of_features_are_forgotten_with_the_frame_that_had_them(iris):
    X, y = iris
    estimator = classifier().fit(pd.DataFrame(X, columns=list("abcd")), y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        estimator.partial_fit(X, y)
    assert not hasattr(estimator.fit(X, y), "feature_names_in_")
    assert estimator.fit(X[:, :3], y).n_features_in_ == 3


def test_numbers_out_of_range_in_a_frame_are_refused_without_a_word_about_names(iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    estimator = classifier().fit(frame, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for call in (lambda X: estimator.fit(X, y), lambda X: estimator.partial_fit(X, y), estimator.predict):
            with pytest.raises(ValueError, match="Scale the features"):
                call(frame * 1e9)


def test_a_parameter_set_to_nonsense_between_calls_is_refused(iris):
    estimator = classifier().fit(*iris)
    message = "The 'dropout' parameter of SpikingMLPClassifier must be None or a float in the range"
    with pytest.raises(ValueError, match=message):
        estimator.set_params(dropout=2.0).partial_fit(*iris)


def test_a_subclass_has_constraints_of_its_own(iris):
    class Wide(SpikingMLPClassifier):
        _parameter_constraints = {**SpikingMLPClassifier._parameter_constraints, "n_units": [int]}

        def __init__(self, n_units=3):
            super().__init__((n_units,))
            self.n_units = n_units

    assert Wide().fit(*iris).coefs_[0].shape == (4, 3)
    with pytest.raises(ValueError, match="The 'n_units' parameter of Wide must be an instance of 'int'"):
        Wide(n_units="3").fit(*iris)


def test_a_list_of_sparse_rows_is_refused_with_what_to_do(iris):
    X, y = iris
    rows = [csr_array(x[np.newaxis]) for x in X]
    estimator = classifier().fit(X, y)
    for call in (estimator.predict, lambda X: estimator.partial_fit(X, y)):
        with pytest.raises(ValueError, match=r"X is a list of sparse matrices.*scipy\.sparse\.vstack"):
            call(rows)
    np.testing.assert_array_equal(estimator.predict(vstack(rows)), estimator.predict(X))

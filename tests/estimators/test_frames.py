"""pandas and polars: features by name, and targets, weights and validation samples as columns."""
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits, load_linnerud
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from estimator_helpers import assert_same_network
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor

SHARED = {"hidden_layer_sizes": (12,), "max_iter": 3, "random_state": 0}


@pytest.fixture(params=["pandas", "polars"])
def library(request):
    return pytest.importorskip(request.param, reason=f"{request.param} is not installed")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:300] / 16).astype(np.float32), y[:300]


def frame(library, X):
    return library.DataFrame({f"pixel {i}": column for i, column in enumerate(X.T)})


def test_frames_and_columns_teach_what_arrays_do(library, digits):
    X, y = digits
    weights = np.random.default_rng(0).uniform(0.5, 1.5, len(y))
    clf = SpikingMLPClassifier(**SHARED, early_stopping=True)
    arrays = clone(clf).fit(X, y, weights, X_val=X[:99], y_val=y[:99], sample_weight_val=weights[:99])
    held_out = {"X_val": frame(library, X[:99]), "y_val": library.Series(y[:99]), "sample_weight_val": weights[:99]}
    columns = clone(clf).fit(frame(library, X), library.Series(y), library.Series(weights), **held_out)
    assert_same_network(columns, arrays)
    assert columns.validation_scores_ == arrays.validation_scores_
    assert columns.predict(frame(library, X)).tolist() == arrays.predict(X).tolist()
    for clf, of_clf in ((columns, library.Series), (arrays, np.asarray)):
        X_of_clf = frame(library, X) if clf is columns else X
        clf.set_params(early_stopping=False).partial_fit(X_of_clf, of_clf(y), sample_weight=of_clf(weights))
    assert_same_network(columns, arrays)


def test_features_are_compared_by_name_in_every_method(library, digits):
    X, y = digits
    named = frame(library, X)
    clf = SpikingMLPClassifier(**SHARED).fit(named, y)
    assert clf.feature_names_in_.tolist() == list(named.columns)
    swapped = named[[*reversed(named.columns)]]
    for ask in (clf.predict, clf.predict_proba, clf.decision_function, lambda X: next(clf.staged_predict(X))):
        with pytest.raises(ValueError, match="feature names should match"):
            ask(swapped)
    with pytest.raises(ValueError, match="feature names should match"):
        clf.partial_fit(swapped, y)
    with pytest.raises(ValueError, match=r"Validation samples.*feature names should match"):
        clf.set_params(early_stopping=True).fit(named, y, X_val=swapped, y_val=y)


def test_labels_may_be_text(library, digits):
    X, y = digits
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])[y]
    clf = SpikingMLPClassifier(**SHARED, class_weight={"eight": 2.0}).fit(frame(library, X), library.Series(names))
    assert set(clf.predict(frame(library, X))) <= set(names)
    assert clf.score(frame(library, X), names) > 0.8


def test_a_frame_of_targets_has_an_output_a_column(library):
    X, y = load_linnerud(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), StandardScaler().fit_transform(y)
    framed = SpikingMLPRegressor(**SHARED).fit(frame(library, X), frame(library, y))
    assert_same_network(framed, SpikingMLPRegressor(**SHARED).fit(X, y))
    assert framed.predict(frame(library, X)).shape == y.shape


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_a_table_of_numbers_and_words_goes_through_a_pipeline(output):
    if output != "default":
        pytest.importorskip(output, reason=f"{output} is not installed")
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.normal(50, 10, 200), "town": rng.choice(["Ulm", "Bonn"], 200)})
    y = np.where((table["age"] > 50) ^ (table["town"] == "Ulm"), "yes", "no")
    columns = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(sparse_output=False), ["town"]))
    model = make_pipeline(columns.set_output(transform=output), SpikingMLPClassifier(random_state=0))
    assert model.fit(table, y).score(table, y) > 0.9


def test_validation_frames_keep_their_names_in_a_pipeline(library, digits):
    X, y = digits
    network = SpikingMLPClassifier(**SHARED, early_stopping=True)
    with sklearn.config_context(enable_metadata_routing=True):
        network.set_fit_request(X_val=True, y_val=True)
        scaler = StandardScaler().set_output(transform=library.__name__)
        pipeline = Pipeline([("scale", scaler), ("network", network)], transform_input=["X_val"])
        pipeline.fit(frame(library, X), y, X_val=frame(library, X[:99]), y_val=y[:99])
    assert network.feature_names_in_.tolist() == [f"pixel {i}" for i in range(64)]

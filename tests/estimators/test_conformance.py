"""What scikit-learn asks of an estimator: its own checks, and that parameters, attributes and docstrings agree."""
import ast
import inspect
import re

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_dsn import (
    SpikingBackprop,
    SpikingMLPClassifier,
    SpikingMLPRegressor,
    SpikingRNNClassifier,
    SpikingRNNRegressor,
)

NO_PARTIAL_FIT = "partial_fit refuses early_stopping=True, as that of scikit-learn's networks does"
GOES_ON = "a second fit goes on from the first, so its predictions differ"
ONLINE = "learning is online: two updates, and their places in the order of samples, are not one update of twice the size"

EARLY_STOPPING = dict.fromkeys(
    ["check_fit_score_takes_y", "check_n_features_in_after_fitting", "check_estimators_partial_fit_n_features"],
    NO_PARTIAL_FIT,
)
WEIGHTED = {f"check_sample_weight_equivalence_on_{kind}_data": ONLINE for kind in ("dense", "sparse")}

# Configuration -> checks that fail, and why; those of WEIGHTED fail in all.
CONFIGURATIONS = {
    SpikingMLPClassifier(): {},
    SpikingMLPClassifier(hidden_layer_sizes=()): {},
    SpikingMLPClassifier(normalized_step=False, learning_rate_init=0.01): {},
    SpikingMLPClassifier(loss="squared_error"): {},
    SpikingMLPClassifier(learning_rate="adaptive", hidden_layer_sizes=(20, 20)): {},
    # At the default rate a class weight of 1000 makes the penalty diverge from one start in three.
    SpikingMLPClassifier(dropout=0.2, spike_penalty=1e-3, fit_intercept=False, learning_rate_init=0.1): {},
    SpikingMLPClassifier(input_dropout=0.1, input_noise=0.1, max_norm=2.0): {},
    # The checks' data are too few to hold out 10 % of each class.
    SpikingMLPClassifier(early_stopping=True, validation_fraction=0.3): EARLY_STOPPING,
    SpikingMLPClassifier(warm_start=True): {
        "check_supervised_y_2d": GOES_ON,
        "check_classifiers_multilabel_representation_invariance": GOES_ON,
    },
    SpikingMLPClassifier(exit_margin=2.0, n_jobs=2): {},
    SpikingMLPRegressor(): {},
    SpikingMLPRegressor(hidden_layer_sizes=(), fit_intercept=False): {},
    # Targets of the checks reach into the hundreds: a lower rate, or few epochs.
    SpikingMLPRegressor(learning_rate="adaptive", learning_rate_init=0.005, hidden_layer_sizes=10, dropout=0.1): {},
    SpikingMLPRegressor(
        neuron="rectifying", n_time_steps=4, max_iter=20, learning_rule=SpikingBackprop(feedback="step")
    ): {},
    SpikingMLPRegressor(
        **{"neuron": "rectifying", "simulation": "event-driven", "error_resolution": 1, "n_time_steps": 4, "max_iter": 4},
        learning_rule=SpikingBackprop(feedback="step", weight_update="fractional"),
    ): {},
    SpikingMLPRegressor(early_stopping=True, validation_fraction=0.3): EARLY_STOPPING,
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(list(CONFIGURATIONS), expected_failed_checks=lambda e: WEIGHTED | CONFIGURATIONS[e])
def test_scikit_learn_checks_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [SpikingMLPClassifier(max_iter=1), SpikingMLPRegressor(max_iter=1)], ids=str)
def test_what_the_tags_promise_is_so(estimator):
    tags = get_tags(estimator)
    assert tags.input_tags.two_d_array and tags.input_tags.three_d_array and not tags.input_tags.allow_nan
    assert tags.target_tags.required and tags.requires_fit and not tags.non_deterministic
    assert is_classifier(estimator) == hasattr(estimator, "predict_proba") != is_regressor(estimator)
    X, y = np.random.default_rng(0).random((20, 3, 4)), np.arange(20) % 2
    estimator = clone(estimator)
    assert estimator.fit(X, y).predict(X).shape == y.shape
    if tags.target_tags.multi_output:
        assert estimator.fit(X[:, 0], np.c_[y, y]).predict(X[:, 0]).shape == (20, 2)
    # They end pipelines and transform nothing, so there are no names of features that come out.
    assert tags.transformer_tags is None and not hasattr(estimator, "get_feature_names_out")


def test_notebooks_show_what_was_changed_and_whether_it_is_fitted():
    X, y = load_iris(return_X_y=True)
    estimator = SpikingMLPClassifier(n_time_steps=5, max_iter=1)
    before, after = estimator._repr_html_(), estimator.fit(X, y)._repr_html_()
    for html in (before, after):
        assert "n_time_steps" in html and "SpikingMLPClassifier" in html
    assert "Not fitted" in before and "Not fitted" not in after
    pipeline = make_pipeline(StandardScaler(), estimator)._repr_html_()
    assert pipeline.index("StandardScaler") < pipeline.index("SpikingMLPClassifier")


@pytest.fixture(scope="module")
def fitted():
    X, y = load_iris(return_X_y=True, as_frame=True)
    return SpikingMLPClassifier(max_iter=2, early_stopping=True).fit(X, y)


def documented(thing, section):
    """Entries of a section of a numpydoc docstring: name -> type line; none without such a section."""
    text = inspect.getdoc(thing) + "\n"
    body = re.search(rf"^{section}\n-+\n((?:.*\n)*?)(?=\S.*\n-+\n|\Z)", text, re.MULTILINE)
    lines = re.findall(r"^\**(\w[\w, ]*?)(?: : (.*))?$", body[1] if body else "", re.MULTILINE)
    return {name: line for names, line in lines for name in names.split(", ")}


documented_classes = pytest.mark.parametrize(
    "kind",
    [SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier, SpikingRNNRegressor, SpikingBackprop],
    ids=lambda kind: kind.__name__,
)


@documented_classes
def test_parameter_constraints_and_get_params_agree(kind):
    assert list(kind().get_params(deep=False)) == sorted(set(kind._parameter_constraints) & set(vars(kind())))
    assert set(vars(kind())) == set(inspect.signature(kind).parameters)


@documented_classes
def test_every_parameter_is_documented_in_order_with_its_default(kind):
    signature = inspect.signature(kind).parameters
    parameters = documented(kind, "Parameters")
    assert list(parameters) == list(signature)
    defaults = {name: re.search(r"default=(.*)$", line).group(1) for name, line in parameters.items()}
    assert {name: ast.literal_eval(text) for name, text in defaults.items()} == {
        name: parameter.default for name, parameter in signature.items()
    }


def test_every_fitted_attribute_is_documented_and_every_documented_one_exists(fitted):
    X, y = np.random.default_rng(0).random((20, 3, 4)), np.arange(20) % 2
    recurrent = [kind(max_iter=1).fit(X, y) for kind in (SpikingRNNClassifier, SpikingRNNRegressor)]
    for estimator in (fitted, *recurrent):
        attributes = {name for name in dir(estimator) if name.endswith("_") and not name.startswith("_")}
        of_frames = set() if estimator is fitted else {"feature_names_in_"}
        assert attributes | of_frames == set(documented(type(estimator), "Attributes")) | of_frames


def test_attributes_that_fit_sets_end_in_an_underscore(fitted):
    public = {name for name in vars(fitted) if not name.startswith("_")}
    assert {name for name in public if not name.endswith("_")} == set(fitted.get_params())


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(method, id=f"{kind.__name__}.{name}")
        for kind in (SpikingMLPClassifier, SpikingRNNClassifier, SpikingRNNRegressor)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if method.__module__.startswith("sk_dsn.") and not name.startswith("_")
    ],
)
def test_public_methods_document_their_parameters_in_order(method):
    assert ["self", *documented(method, "Parameters")] == list(inspect.signature(method).parameters)

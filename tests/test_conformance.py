"""What scikit-learn asks of an estimator: its own checks, and that parameters, attributes and docstrings agree."""
import ast
import inspect
import re

import pytest
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_dsn import SpikingMLPClassifier

NO_PARTIAL_FIT = "partial_fit refuses early_stopping=True, as MLPClassifier's does"
GOES_ON = "a second fit goes on from the first, so its predictions differ"

# Configuration -> checks that fail, and why.
CONFIGURATIONS = {
    SpikingMLPClassifier(): {},
    SpikingMLPClassifier(hidden_layer_sizes=()): {},
    SpikingMLPClassifier(normalized_step=False, learning_rate_init=0.01): {},
    SpikingMLPClassifier(loss="squared_error"): {},
    SpikingMLPClassifier(learning_rate="adaptive", hidden_layer_sizes=(20, 20)): {},
    SpikingMLPClassifier(dropout=0.2, spike_penalty=1e-3, fit_intercept=False): {},
    # The checks' data are too few to hold out 10 % of each class.
    SpikingMLPClassifier(early_stopping=True, validation_fraction=0.3): {
        "check_fit_score_takes_y": NO_PARTIAL_FIT,
        "check_n_features_in_after_fitting": NO_PARTIAL_FIT,
        "check_estimators_partial_fit_n_features": NO_PARTIAL_FIT,
    },
    SpikingMLPClassifier(warm_start=True): {
        "check_supervised_y_2d": GOES_ON,
        "check_classifiers_multilabel_representation_invariance": GOES_ON,
    },
    SpikingMLPClassifier(exit_margin=2.0, n_jobs=2): {},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(list(CONFIGURATIONS), expected_failed_checks=CONFIGURATIONS.get)
def test_scikit_learn_checks_pass(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    X, y = load_iris(return_X_y=True, as_frame=True)
    return SpikingMLPClassifier(max_iter=2, early_stopping=True).fit(X, y)


def documented(thing, section):
    """Entries of a section of a numpydoc docstring: name -> type line."""
    text = inspect.getdoc(thing) + "\n"
    body = re.search(rf"^{section}\n-+\n((?:.*\n)*?)(?=\S.*\n-+\n|\Z)", text, re.MULTILINE)[1]
    lines = re.findall(r"^(\w[\w, ]*?)(?: : (.*))?$", body, re.MULTILINE)
    return {name: line for names, line in lines for name in names.split(", ")}


def test_parameter_constraints_and_get_params_agree():
    assert set(SpikingMLPClassifier._parameter_constraints) == set(SpikingMLPClassifier().get_params())


def test_every_parameter_is_documented_in_order_with_its_default():
    signature = inspect.signature(SpikingMLPClassifier).parameters
    parameters = documented(SpikingMLPClassifier, "Parameters")
    assert list(parameters) == list(signature)
    defaults = {name: re.search(r"default=(.*)$", line).group(1).strip('"') for name, line in parameters.items()}
    for name, parameter in signature.items():
        is_text = isinstance(parameter.default, str)
        assert (defaults[name] if is_text else ast.literal_eval(defaults[name])) == parameter.default, name


def test_every_fitted_attribute_is_documented_and_every_documented_one_exists(fitted):
    attributes = {name for name in dir(fitted) if name.endswith("_") and not name.startswith("_")}
    assert attributes == set(documented(SpikingMLPClassifier, "Attributes"))


def test_attributes_that_fit_sets_end_in_an_underscore(fitted):
    assert {name for name in vars(fitted) if not name.endswith("_")} == set(fitted.get_params())


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(method, id=name)
        for name, method in inspect.getmembers(SpikingMLPClassifier, inspect.isfunction)
        if method.__module__.startswith("sk_dsn.") and not name.startswith("_")
    ],
)
def test_public_methods_document_their_parameters_in_order(method):
    assert ["self", *documented(method, "Parameters")] == list(inspect.signature(method).parameters)

"""Bad calls of training and prediction: an error with a remedy, and the estimator as it was."""
import copy

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from estimator_helpers import CALLS, FITS, KNOWN, NEW, OVERFLOW, assert_holds, held, prepared, small, train, with_entry
from sk_dsn import SpikingMLPClassifier
from sk_dsn._epochs import Learner
from sk_dsn.metrics import spike_counts, synaptic_operations


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X / 8, y


def assert_refused(call, iris, error, match, *, X=None, y=None, params=None, given=None):
    """`X` and `y` are functions of good data, `given` further arguments of the call."""
    X_good, y_good = iris
    estimator = prepared(call, X_good, y_good, **params or {})
    before = held(estimator)
    with pytest.raises(error, match=match):
        train(estimator, call, X(X_good) if X else X_good, y(y_good) if y else y_good, **given or {})
    assert_holds(estimator, before)



BAD_X = {
    "NaN": (with_entry(np.nan), ValueError, "contains NaN"),
    "NaN in float32": (with_entry(np.nan, np.float32), ValueError, "contains NaN"),
    "infinity": (with_entry(np.inf), ValueError, "contains infinity"),
    "beyond float32": (with_entry(1e300), ValueError, "too large for dtype"),
    "more spikes than can be counted": (with_entry(1e9), ValueError, "Scale the features"),
    "one dimension": (lambda X: X[:, 0], ValueError, "Reshape your data"),
    "four dimensions": (lambda X: X[:, :, None, None], ValueError, "dim 4"),
    "no samples": (lambda X: X[:0], ValueError, "minimum of 1 is required"),
    "no features": (lambda X: X[:, :0], ValueError, "minimum of 1 is required"),
    "strings": (lambda X: np.full(X.shape, "a"), ValueError, "could not convert string to float"),
    "objects": (lambda X: np.full(X.shape, "a", object), ValueError, "could not convert string to float"),
    "complex": (lambda X: X + 0j, ValueError, "Complex data not supported"),
    "a number": (lambda X: 1.0, ValueError, "Expected 2D array, got scalar"),
}
OTHER_WIDTH = (lambda X: X[:, :3], ValueError, "X has 3 features, but SpikingMLPClassifier is expecting 4")


@pytest.mark.filterwarnings(OVERFLOW)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("spoil", "error", "match"), BAD_X.values(), ids=BAD_X)
def test_training_refuses_bad_X(iris, call, spoil, error, match):
    assert_refused(call, iris, error, match, X=spoil)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("params", [{"input_dropout": 0.99}, {"input_noise": 0.1}], ids=str)
def test_training_refuses_values_that_are_not_finite_whatever_is_drawn(iris, params, value):
    X, y = with_entry(value, np.float32)(iris[0]), iris[1]
    with pytest.raises(ValueError, match="contains"):
        small(**params).fit(X, y)


def test_noise_that_is_more_than_can_be_counted_is_refused(iris):
    with pytest.raises(ValueError, match="input_noise"):
        small(input_noise=1e9).fit(*iris)


@pytest.mark.parametrize("call", KNOWN)
def test_training_that_goes_on_refuses_another_number_of_features(iris, call):
    spoil, error, match = OTHER_WIDTH
    assert_refused(call, iris, error, match, X=spoil)


BAD_Y = {
    "another length": (lambda y: y[:-1], "inconsistent numbers of samples", CALLS),
    "missing": (lambda y: None, "requires y to be passed", CALLS),
    "NaN": (lambda y: np.where(y == 1, np.nan, y), "contains NaN", CALLS),
    "continuous": (lambda y: y + 0.5, "continuous", CALLS),
    "multilabel after labels": (lambda y: np.eye(3)[y], "one label a sample, as in the first call", KNOWN),
    "several targets": (lambda y: np.c_[y, y], "must be an indicator matrix.*MultiOutputClassifier", CALLS),
    "one class": (np.zeros_like, "at least two classes.*one class", ["fit", "fit again"]),
    "unknown label": (
        lambda y: np.where(y == 1, 7, y),
        r"not among the classes \[0, 1, 2\]: \[7\].*start anew",
        ["fit warm", "partial_fit", "partial_fit again"],
    ),
    "labels of another type": (
        lambda y: np.array(["a", "b", "c"])[y],
        r"labels of type <U1, but the classes are of type int64: \[0, 1, 2\]",
        ["fit warm", "partial_fit", "partial_fit again"],
    ),
}


@pytest.mark.parametrize(
    ("call", "spoil", "match"),
    [
        pytest.param(call, spoil, match, id=f"{name}-{call}")
        for name, (spoil, match, calls) in BAD_Y.items()
        for call in calls
    ],
)
def test_training_refuses_bad_y(iris, call, spoil, match):
    assert_refused(call, iris, ValueError, match, y=spoil)


GOOD_COEFS = [np.zeros((4, 8)), np.zeros((8, 3))]
GOOD_INTERCEPTS = [np.zeros(8), np.zeros(3)]

BAD_ARGUMENTS = {
    "classes missing": ("first call of partial_fit", ["partial_fit"], {}, {"classes": None}),
    "one class": ("at least two classes", ["partial_fit"], {}, {"classes": [0]}),
    "other classes": (r"not those of the first call, \[0, 1, 2\]", ["partial_fit again"], {}, {"classes": [0, 1]}),
    "coefs_init not a list": ("coefs_init", NEW, {}, {"coefs_init": 3}),
    "coefs_init of too few layers": ("coefs_init must hold 2 arrays", NEW, {}, {"coefs_init": GOOD_COEFS[:1]}),
    "coefs_init of another shape": (
        r"coefs_init\[1\] must have shape \(8, 3\), got \(3, 8\)",
        NEW,
        {},
        {"coefs_init": [GOOD_COEFS[0], GOOD_COEFS[1].T]},
    ),
    "coefs_init with NaN": (
        r"coefs_init\[0\] holds values that are not finite",
        NEW,
        {},
        {"coefs_init": [GOOD_COEFS[0] + np.nan, GOOD_COEFS[1]]},
    ),
    "coefs_init beyond float32": (
        r"coefs_init\[1\] holds values that are not finite in float32",
        NEW,
        {},
        {"coefs_init": [GOOD_COEFS[0], GOOD_COEFS[1] + 1e300]},
    ),
    "intercepts_init of another shape": (
        r"intercepts_init\[0\] must have shape \(8,\), got \(1, 8\)",
        NEW,
        {},
        {"intercepts_init": [GOOD_INTERCEPTS[0][None], GOOD_INTERCEPTS[1]]},
    ),
    "intercepts_init of too many layers": (
        "intercepts_init must hold 2 arrays",
        NEW,
        {},
        {"intercepts_init": [*GOOD_INTERCEPTS, np.zeros(3)]},
    ),
    "intercepts_init without biases": (
        "set fit_intercept=True",
        NEW,
        {"fit_intercept": False},
        {"intercepts_init": GOOD_INTERCEPTS},
    ),
    "coefs_init when fit goes on": ("set warm_start=False", ["fit warm"], {}, {"coefs_init": GOOD_COEFS}),
    "coefs_init when partial_fit goes on": ("clone", ["partial_fit again"], {}, {"coefs_init": GOOD_COEFS}),
    "intercepts_init when partial_fit goes on": (
        "clone",
        ["partial_fit again"],
        {},
        {"intercepts_init": GOOD_INTERCEPTS},
    ),
    "other layers when training goes on": ("set it back", KNOWN, {"hidden_layer_sizes": (9,)}, {}),
    "a layer more when training goes on": ("set it back", KNOWN, {"hidden_layer_sizes": (8, 8)}, {}),
    "a layer without neurons": ("integers of at least 1", CALLS, {"hidden_layer_sizes": (8, 0)}, {}),
    "a layer of half a neuron": ("integers of at least 1", CALLS, {"hidden_layer_sizes": (8, 2.5)}, {}),
    "layers in layers": ("integers of at least 1", CALLS, {"hidden_layer_sizes": [[8, 8]]}, {}),
    "partial_fit with early stopping": (
        "set early_stopping=False, or use fit",
        ["partial_fit", "partial_fit again"],
        {"early_stopping": True},
        {},
    ),
    "negative weights": ("Negative values in.*sample_weight", CALLS, {}, {"sample_weight": -np.ones(150)}),
    "too few weights": (r"sample_weight.shape == \(149,\), expected \(150,\)", CALLS, {}, {"sample_weight": np.ones(149)}),
    "weights with NaN": ("sample_weight contains NaN", CALLS, {}, {"sample_weight": np.full(150, np.nan)}),
    "weights that are all zero": ("at least one non-zero", CALLS, {}, {"sample_weight": np.zeros(150)}),
    "weights that vanish in float32": ("at least one non-zero", CALLS, {}, {"sample_weight": np.full(150, 1e-60)}),
    "weights beyond float32": ("too large for float32; scale them", CALLS, {}, {"sample_weight": np.full(150, 1e60)}),
    "weights of an unknown class": ("are not in class_weight", CALLS, {"class_weight": {7: 1.0}}, {}),
    "negative class weights": ("at least 0, got {0: -1.0}", CALLS, {"class_weight": {0: -1.0}}, {}),
    "balancing without all labels": (
        "class_weight='balanced'.*Pass a dict",
        ["partial_fit", "partial_fit again"],
        {"class_weight": "balanced"},
        {},
    ),
    "X_val alone": ("y_val was not passed", FITS, {"early_stopping": True}, {"X_val": np.ones((2, 4))}),
    "y_val alone": ("X_val was not passed", FITS, {"early_stopping": True}, {"y_val": [0, 1]}),
    "sample_weight_val alone": ("X_val and y_val were not", FITS, {"early_stopping": True}, {"sample_weight_val": [1.0]}),
    "validation samples without early stopping": (
        "set early_stopping=True.*n_iter_no_change=np.inf",
        FITS,
        {},
        {"X_val": np.ones((2, 4)), "y_val": [0, 1]},
    ),
    "validation samples of other features": (
        r"Validation samples \(X_val, y_val, sample_weight_val\): X has 3 features",
        FITS,
        {"early_stopping": True},
        {"X_val": np.ones((2, 3)), "y_val": [0, 1]},
    ),
    "validation samples of another class": (
        r"Validation samples.*not among the classes.*: \[5\]",
        FITS,
        {"early_stopping": True},
        {"X_val": np.ones((2, 4)), "y_val": [0, 5]},
    ),
    "negative weights of validation samples": (
        "Validation samples.*Negative values in.*sample_weight",
        FITS,
        {"early_stopping": True},
        {"X_val": np.ones((2, 4)), "y_val": [0, 1], "sample_weight_val": [1.0, -1.0]},
    ),
    "too few samples to hold out": (
        "could not hold out.*Set early_stopping=False",
        FITS,
        {"early_stopping": True, "validation_fraction": 0.01},
        {},
    ),
    "a rate that diverges": (
        "Lower learning_rate_init.*normalized_step=True",
        CALLS,
        {"learning_rate_init": 1e6, "normalized_step": False},
        {},
    ),
    "a normalised rate that diverges": ("Lower learning_rate_init", CALLS, {"learning_rate_init": 1e30}, {}),
    "a rate beyond float32": ("Lower learning_rate_init", CALLS, {"learning_rate_init": 1e300}, {}),
    "time steps that the input cannot count": ("n_time_steps", CALLS, {"n_time_steps": 10**40}, {}),
    "time steps that hidden neurons cannot count": ("n_time_steps", CALLS, {"n_time_steps": 5_000_000}, {}),
}


@pytest.mark.filterwarnings(OVERFLOW)
@pytest.mark.parametrize(
    ("call", "match", "params", "given"),
    [
        pytest.param(call, match, params, given, id=f"{name}-{call}")
        for name, (match, calls, params, given) in BAD_ARGUMENTS.items()
        for call in calls
    ],
)
def test_training_refuses_what_it_cannot_do(iris, call, match, params, given):
    assert_refused(call, iris, (ValueError, TypeError), match, params=params, given=given)


def test_biases_that_diverge_are_an_error():
    estimator = small(learning_rate_init=1e40, normalized_step=False)
    with pytest.raises(ValueError, match="Lower learning_rate_init"):
        estimator.partial_fit([[0.0, 0.0]], [1], classes=[0, 1])


def test_going_on_that_diverges_after_some_epochs_leaves_the_validation_scores(iris, monkeypatch):
    estimator = small(early_stopping=True, validation_fraction=0.3, max_iter=2).fit(*iris)
    before = held(estimator)
    learn_epoch, epochs = Learner.learn_epoch, []

    def diverge_in_the_third_epoch(*args):
        epochs.append(args)
        if len(epochs) == 3:
            raise ValueError("diverged")
        return learn_epoch(*args)

    monkeypatch.setattr(Learner, "learn_epoch", diverge_in_the_third_epoch)
    with pytest.raises(ValueError, match="diverged"):
        estimator.set_params(warm_start=True, max_iter=5).fit(*iris)
    assert_holds(estimator, before | {"warm_start": True, "max_iter": 5})


METHODS = {
    "predict": lambda estimator, X: estimator.predict(X),
    "predict_proba": lambda estimator, X: estimator.predict_proba(X),
    "predict_log_proba": lambda estimator, X: estimator.predict_log_proba(X),
    "decision_function": lambda estimator, X: estimator.decision_function(X),
    "staged_predict": lambda estimator, X: list(estimator.staged_predict(X)),
    "staged_predict_proba": lambda estimator, X: list(estimator.staged_predict_proba(X)),
    "staged_decision_function": lambda estimator, X: list(estimator.staged_decision_function(X)),
    "spike_counts": spike_counts,
    "synaptic_operations": synaptic_operations,
}
each_method = pytest.mark.parametrize("ask", METHODS.values(), ids=METHODS)


@pytest.fixture(scope="module")
def fitted(iris):
    return small().fit(*iris)


@pytest.mark.filterwarnings(OVERFLOW)
@each_method
@pytest.mark.parametrize(
    ("spoil", "error", "match"), [*BAD_X.values(), OTHER_WIDTH], ids=[*BAD_X, "another number of features"]
)
def test_prediction_refuses_bad_X(iris, fitted, ask, spoil, error, match):
    before = held(fitted)
    with pytest.raises(error, match=match):
        ask(fitted, spoil(iris[0]))
    assert_holds(fitted, before)


@each_method
def test_prediction_names_the_first_sample_that_cannot_be_counted(iris, fitted, ask):
    with pytest.raises(ValueError, match=r"Sample 3 of X .*Scale the features"):
        ask(fitted, with_entry(1e9)(iris[0]))


@each_method
def test_prediction_before_fit_is_refused(iris, ask):
    estimator = SpikingMLPClassifier()
    with pytest.raises(NotFittedError, match="Call 'fit'"):
        ask(estimator, iris[0])
    assert vars(estimator) == vars(SpikingMLPClassifier())


@each_method
@pytest.mark.parametrize("n_time_steps", [0, -1, 2.5, None, "many"])
def test_prediction_refuses_bad_time_steps(iris, fitted, ask, n_time_steps):
    estimator = copy.deepcopy(fitted).set_params(n_time_steps=n_time_steps)
    with pytest.raises(ValueError, match="The 'n_time_steps' parameter of SpikingMLPClassifier must be an int"):
        ask(estimator, iris[0])


@each_method
def test_prediction_sets_no_attributes(iris, fitted, ask):
    before = held(fitted)
    ask(fitted, iris[0])
    assert_holds(fitted, before)

"""Parameters, bad input, initial weights, epochs, stopping, going on, Ctrl-C, and what prediction reads."""
import copy
import signal
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor, _base, metrics
from sk_dsn.metrics import spike_counts, synaptic_operations

OVERFLOW = "ignore:overflow encountered in cast:RuntimeWarning"


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X / 8, y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:512] / 16).astype(np.float32), y[:512]


def small(**params):
    return SpikingMLPClassifier(**{"hidden_layer_sizes": (12,), "max_iter": 4, "random_state": 0} | params)


def learned(estimator):
    return [*estimator.coefs_, *estimator.intercepts_, *estimator.backward_potentials_]


def assert_same_network(a, b):
    for of_a, of_b in zip(learned(a), learned(b), strict=True):
        np.testing.assert_array_equal(of_a, of_b, strict=True)


def held(estimator):
    return copy.deepcopy(vars(estimator))


def assert_holds(estimator, before):
    assert set(vars(estimator)) == set(before)
    for name, value in before.items():
        np.testing.assert_equal(getattr(estimator, name), value, err_msg=name)


# --- Bad calls: an error with a remedy, and the estimator as it was.

NEW = ["fit", "fit again", "partial_fit"]
KNOWN = ["fit warm", "partial_fit again"]
CALLS = NEW + KNOWN
FITS = ["fit", "fit again", "fit warm"]


def prepared(call, X, y, **params):
    """An estimator on which `call` is the next one."""
    estimator = SpikingMLPClassifier((8,), max_iter=2, random_state=0)
    if call not in ("fit", "partial_fit"):
        estimator.fit(X, y)
    return estimator.set_params(warm_start=call == "fit warm", **params)


def train(estimator, call, X, y, **given):
    if "partial_fit" in call:
        return estimator.partial_fit(X, y, **{"classes": [0, 1, 2]} | given)
    return estimator.fit(X, y, **given)


def assert_refused(call, iris, error, match, *, X=None, y=None, params=None, given=None):
    """`X` and `y` are functions of good data, `given` further arguments of the call."""
    X_good, y_good = iris
    estimator = prepared(call, X_good, y_good, **params or {})
    before = held(estimator)
    with pytest.raises(error, match=match):
        train(estimator, call, X(X_good) if X else X_good, y(y_good) if y else y_good, **given or {})
    assert_holds(estimator, before)


def with_entry(value, dtype=np.float64):
    def spoil(X):
        X = X.astype(dtype)
        X[3, 1] = value
        return X

    return spoil


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
    train_epoch, epochs = SpikingMLPClassifier._train_epoch, []

    def diverge_in_the_third_epoch(*args):
        epochs.append(args)
        if len(epochs) == 3:
            raise ValueError("diverged")
        return train_epoch(*args)

    monkeypatch.setattr(SpikingMLPClassifier, "_train_epoch", diverge_in_the_third_epoch)
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


# --- Parameters.

BAD_PARAMETERS = {
    "hidden_layer_sizes": [0, -3, 2.5, None, "many"],
    "n_time_steps": [0, 2.5, None, 2**24 + 1],
    "neuron": ["leaky"],
    "simulation": ["clock"],
    "propagation": ["up"],
    "feedback": [None],
    "weight_update": ["adam"],
    "loss": ["hinge", None],
    "output_activation": ["softmax"],
    "error_resolution": [0, -1.0, np.inf, np.nan],
    "fit_intercept": ["yes", 2],
    "weight_init_scale": [-1.0, "he"],
    "learning_rate_init": [-0.1, np.inf, np.nan, None],
    "learning_rate": ["invscaling", 0.5],
    "normalized_step": ["yes"],
    "dropout": [-0.1, 1, 2.0],
    "input_dropout": [-0.1, 1, 2.0, np.nan],
    "input_noise": [-0.1, np.inf, np.nan, "1"],
    "max_norm": [0, -1.0, np.inf, np.nan, "2"],
    "backward_reset": ["never"],
    "forward_reset": ["random"],
    "hold_error": ["yes"],
    "smooth_gradient": ["yes"],
    "spike_penalty": [-1.0, np.inf],
    "mask_negative_inputs": [2],
    "class_weight": ["even", 2.0],
    "max_iter": [0, 1.5],
    "shuffle": ["yes"],
    "random_state": [-1, "zero"],
    "tol": [-1.0, np.nan],
    "verbose": [-1, "loud"],
    "warm_start": ["yes"],
    "early_stopping": ["yes"],
    "validation_fraction": [0, 1, 1.5],
    "n_iter_no_change": [0, 2.5],
    "exit_margin": [0, -1.0, np.inf, np.nan, "2"],
    "n_jobs": [1.5, "2"],
}


def test_the_table_of_bad_parameters_is_complete():
    assert set(BAD_PARAMETERS) == set(SpikingMLPClassifier().get_params())


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(name, value, id=f"{name}={value}") for name, values in BAD_PARAMETERS.items() for value in values],
)
def test_training_refuses_bad_parameters(iris, call, name, value):
    if call == "fit warm" and name == "warm_start":
        call = "fit again"
    X, y = iris
    estimator = prepared(call, X, y).set_params(**{name: value})
    before = held(estimator)
    with pytest.raises(ValueError, match=f"The '{name}' parameter of SpikingMLPClassifier must be"):
        train(estimator, call, X, y)
    assert_holds(estimator, before)


def test_get_params_and_set_params_are_each_others_inverse():
    params = {
        name: {"loss": "squared_error", "learning_rate": "adaptive", "hidden_layer_sizes": [3, 2]}.get(name, 1)
        for name in SpikingMLPClassifier().get_params()
    }
    assert SpikingMLPClassifier().set_params(**params).get_params() == params
    assert SpikingMLPClassifier(**params).get_params() == params
    with pytest.raises(ValueError, match="Invalid parameter 'n_steps'"):
        SpikingMLPClassifier().set_params(n_steps=3)


def test_repr_shows_what_was_changed_and_rebuilds_the_estimator():
    assert repr(SpikingMLPClassifier()) == "SpikingMLPClassifier()"
    estimator = SpikingMLPClassifier((20, 10), dropout=0.5)
    assert repr(estimator) == "SpikingMLPClassifier(dropout=0.5, hidden_layer_sizes=(20, 10))"
    assert eval(repr(estimator)).get_params() == estimator.get_params()


def test_a_clone_is_unfitted_and_learns_the_same(digits):
    estimator = small(dropout=0.1).fit(*digits)
    twin = clone(estimator)
    assert vars(twin) == estimator.get_params()
    assert_same_network(twin.fit(*digits), estimator)


@pytest.mark.parametrize(
    ("sizes", "shapes"),
    [
        (5, [(4, 5), (5, 3)]),
        ((5,), [(4, 5), (5, 3)]),
        ([5, 2], [(4, 5), (5, 2), (2, 3)]),
        (np.array([5, 2]), [(4, 5), (5, 2), (2, 3)]),
        ((17, 1, 16), [(4, 17), (17, 1), (1, 16), (16, 3)]),
        ((), [(4, 3)]),
    ],
    ids=str,
)
def test_hidden_layer_sizes_shape_the_network(iris, sizes, shapes):
    estimator = small(hidden_layer_sizes=sizes).fit(*iris)
    assert [w.shape for w in estimator.coefs_] == shapes
    assert [b.shape for b in estimator.intercepts_] == [b.shape for b in estimator.backward_potentials_]
    assert [b.shape for b in estimator.intercepts_] == [(n_out,) for _, n_out in shapes]
    assert {a.dtype for a in learned(estimator)} == {np.dtype(np.float32)}
    assert estimator.n_layers_ == len(shapes) + 1


# --- Initial weights.


def untrained(X, y, **params):
    return small(**{"learning_rate_init": 0.0, "max_iter": 1, "fit_intercept": True} | params).fit(X, y)


@pytest.mark.parametrize(("scale", "deviations"), [(None, [np.sqrt(2 / 64), np.sqrt(2 / 200)]), (0.01, [0.01, 0.01])])
def test_initial_weights_are_normal_with_the_scale_asked_for(digits, scale, deviations):
    estimator = untrained(*digits, hidden_layer_sizes=(200,), weight_init_scale=scale)
    for weights, deviation in zip(estimator.coefs_, deviations, strict=True):
        scores = weights / deviation
        # Within five standard errors: the mean, the deviation, and the fourth moment (3 for a normal variable).
        assert abs(scores.mean()) < 5 / np.sqrt(scores.size)
        assert abs(scores.std() - 1) < 5 / np.sqrt(2 * scores.size)
        assert abs(np.mean(scores**4) - 3) < 5 * np.sqrt(96 / scores.size)
    assert all(not b.any() for b in estimator.intercepts_)


def test_initial_weights_of_zero_stay_zero_below_the_output(digits):
    estimator = small(weight_init_scale=0.0, hidden_layer_sizes=(5, 5)).fit(*digits)
    assert [w.any() for w in estimator.coefs_] == [False, False, False]
    assert [b.any() for b in estimator.intercepts_] == [False, False, True]


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_training_starts_from_the_weights_given(iris, call):
    X, y = iris
    rng = np.random.default_rng(0)
    coefs = [rng.normal(size=(4, 8)), rng.normal(size=(8, 3))]
    intercepts = [rng.normal(size=8), rng.normal(size=3)]
    given = {"coefs_init": coefs, "intercepts_init": intercepts}
    kept = copy.deepcopy(given)

    estimator = train(prepared(call, X, y, learning_rate_init=0.0), call, X, y, **given)
    for arrays, expected in [(estimator.coefs_, coefs), (estimator.intercepts_, intercepts)]:
        for array, values in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(array, values.astype(np.float32), strict=True)

    estimator = train(prepared(call, X, y), call, X, y, **given)
    assert all((w != c).any() for w, c in zip(estimator.coefs_, coefs, strict=True))
    np.testing.assert_equal(given, kept)
    as_lists = {name: [a.tolist() for a in arrays] for name, arrays in given.items()}
    assert_same_network(train(prepared(call, X, y), call, X, y, **as_lists), estimator)


def test_a_fitted_network_can_be_given_to_another(iris):
    X, y = iris
    teacher = small(max_iter=20).fit(X, y)
    pupil = small(learning_rate_init=0.0).fit(X, y, coefs_init=teacher.coefs_, intercepts_init=teacher.intercepts_)
    np.testing.assert_array_equal(pupil.decision_function(X), teacher.decision_function(X))
    assert not any(np.shares_memory(a, b) for a, b in zip(learned(pupil), learned(teacher), strict=True))


def test_without_fit_intercept_there_are_no_biases(digits):
    estimator = small(fit_intercept=False).fit(*digits)
    assert not any(b.any() for b in estimator.intercepts_)
    assert not estimator.decision_function(np.zeros((1, 64))).any()
    assert small().fit(*digits).decision_function(np.zeros((1, 64))).all()


def test_training_does_not_go_on_without_the_biases_it_has_learned(digits):
    estimator = small().fit(*digits).set_params(fit_intercept=False, warm_start=True)
    with pytest.raises(ValueError, match="has learned biases; set fit_intercept=True"):
        estimator.fit(*digits)


@pytest.mark.parametrize("simulation", ["clock-driven", "event-driven"])
@pytest.mark.parametrize("feedback", ["step", "sample"])
def test_more_error_spikes_of_rectifying_outputs_than_can_be_counted_are_refused(simulation, feedback):
    rectifying = {"output_activation": "rectifying", "loss": "squared_error", "hold_error": True, "n_time_steps": 4}
    network = SpikingMLPClassifier(
        (), simulation=simulation, feedback=feedback, error_resolution=2**18, fit_intercept=False, **rectifying
    )
    with pytest.raises(ValueError, match=r"more than 2\*\*24 spikes"):
        network.fit(np.ones((3, 1)), [0, 1, 2], coefs_init=[np.full((1, 3), 100.0)])


# --- Randomness.

RANDOM = {"dropout": 0.2, "input_dropout": 0.1, "input_noise": 0.1, "early_stopping": True, "learning_rate": "linear"}


def test_training_is_reproducible_bit_for_bit(digits):
    a, b = small(**RANDOM).fit(*digits), small(**RANDOM).fit(*digits)
    assert_same_network(a, b)
    assert a.loss_curve_ == b.loss_curve_
    assert a.validation_scores_ == b.validation_scores_


def test_fitting_again_starts_anew(digits):
    estimator = small(**RANDOM).fit(*digits)
    before = held(estimator)
    assert_holds(estimator.fit(*digits), before)


def test_seeds_differ(digits):
    a, b = small(random_state=0).fit(*digits), small(random_state=1).fit(*digits)
    assert not np.array_equal(a.coefs_[0], b.coefs_[0])


def test_no_seed_differs_each_time(digits):
    a, b = small(random_state=None).fit(*digits), small(random_state=None).fit(*digits)
    assert not np.array_equal(a.coefs_[0], b.coefs_[0])


def test_a_random_state_instance_is_drawn_from(digits):
    stream = np.random.RandomState(0)
    a, b = small(random_state=stream).fit(*digits), small(random_state=stream).fit(*digits)
    assert a.seed_ != b.seed_
    assert_same_network(small(random_state=np.random.RandomState(0)).fit(*digits), a)


def test_global_numpy_state_is_left_alone(digits):
    before = np.random.get_state()  # noqa: NPY002
    small(**RANDOM).fit(*digits)
    np.testing.assert_equal(np.random.get_state(), before)  # noqa: NPY002


@pytest.mark.parametrize(
    "params", [{"dropout": 0.2}, {"shuffle": False}, {"spike_penalty": 0.01}, {"n_time_steps": 8}], ids=str
)
def test_the_parameter_changes_what_is_learned(digits, params):
    assert not np.array_equal(small(**params).fit(*digits).coefs_[0], small().fit(*digits).coefs_[0])


# --- Epochs and rates.

DRAWING = {"dropout": 0.1, "input_dropout": 0.1, "input_noise": 0.1, "max_norm": 1.25}


def epochs(X, y, rates, **params):
    """The network after one `partial_fit` for each rate."""
    estimator = small(**params)
    for rate in rates:
        estimator.set_params(learning_rate_init=rate).partial_fit(X, y, classes=np.unique(y))
    return estimator


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_at_a_constant_rate_is_that_many_partial_fits(digits, shuffle):
    params = {"learning_rate": "constant", "shuffle": shuffle} | DRAWING
    fitted = small(**params, max_iter=3).fit(*digits)
    by_hand = epochs(*digits, [0.5] * 3, **params)
    assert_same_network(fitted, by_hand)
    assert fitted.loss_curve_ == by_hand.loss_curve_
    assert (fitted.n_iter_, fitted.t_) == (by_hand.n_iter_, by_hand.t_) == (3, 3 * 512)


def test_the_linear_rate_falls_with_every_sample(digits):
    X, y = digits
    max_iter, n = 2, len(X)
    fitted = small(max_iter=max_iter, shuffle=False).fit(X, y)
    by_hand = small(shuffle=False)
    for k in range(max_iter * n):
        by_hand.set_params(learning_rate_init=0.5 * (1 - k / (max_iter * n)))
        by_hand.partial_fit(X[k % n, None], y[k % n, None], classes=np.unique(y))
    assert_same_network(fitted, by_hand)


@pytest.mark.filterwarnings("error")
def test_the_adaptive_rate_is_divided_by_five_at_each_stall_until_it_is_below_the_minimum(digits):
    # With this tol, only the first epoch is an improvement.
    params = {"learning_rate": "adaptive", "tol": 1e9, "n_iter_no_change": 2}
    fitted = small(**params, max_iter=100).fit(*digits)
    rates = [0.5]
    rate = 0.5
    while rate >= 1e-6:
        rates += [rate, rate]
        rate /= 5
    assert fitted.n_iter_ == len(rates) == 19
    assert_same_network(fitted, epochs(*digits, rates))


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_the_loss_curve_is_the_mean_loss_of_the_outputs(digits, loss):
    X, y = digits
    estimator = small(learning_rate_init=0.0, loss=loss, max_iter=2).fit(X, y)
    outputs = estimator.decision_function(X).astype(np.float64)
    if loss == "log_loss":
        expected = log_loss(y, estimator.predict_proba(X))
    else:
        expected = np.mean(0.5 * np.sum((outputs - np.eye(10)[y]) ** 2, axis=1))
    # Nothing is learned: each epoch sees the same outputs, in another order.
    np.testing.assert_allclose(estimator.loss_curve_, [expected] * 2, rtol=1e-6)
    assert estimator.loss_ == estimator.loss_curve_[-1]


@pytest.mark.parametrize("learning_rate", ["linear", "constant", "adaptive"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_loss_falls(digits, learning_rate):
    estimator = small(learning_rate=learning_rate, max_iter=8).fit(*digits)
    assert len(estimator.loss_curve_) == estimator.n_iter_ == 8
    assert estimator.loss_curve_[-1] < estimator.loss_curve_[3] < estimator.loss_curve_[0] / 2


def test_a_rate_of_zero_changes_nothing(digits):
    X, y = digits
    a, b = untrained(X, y, max_iter=1), untrained(X, y, max_iter=3)
    for weights_a, weights_b in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_array_equal(weights_a, weights_b)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("learning_rate", ["linear", "constant"])
def test_training_stops_when_nothing_improves_by_tol(digits, learning_rate):
    estimator = small(learning_rate=learning_rate, tol=1e9, n_iter_no_change=3, max_iter=50).fit(*digits)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 1 + 3  # the first epoch is an improvement


def test_training_goes_on_to_max_iter_where_n_iter_no_change_is_infinite(digits):
    assert small(tol=1e9, n_iter_no_change=np.inf, max_iter=30).fit(*digits).n_iter_ == 30


@pytest.mark.parametrize("learning_rate", ["constant", "adaptive"])
def test_reaching_max_iter_warns_the_caller(digits, learning_rate):
    with pytest.warns(ConvergenceWarning, match="max_iter=3 .*Raise max_iter, or set learning_rate='linear'") as record:
        small(learning_rate=learning_rate, max_iter=3).fit(*digits)
    assert [warning.filename for warning in record] == [__file__]


@pytest.mark.filterwarnings("error")
def test_reaching_max_iter_at_a_rate_of_zero_does_not_warn(digits):
    assert small(learning_rate="linear", max_iter=3).fit(*digits).n_iter_ == 3


@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose_prints_a_line_an_epoch(digits, capsys, early_stopping):
    estimator = small(verbose=True, early_stopping=early_stopping).fit(*digits)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == estimator.n_iter_ == 4
    for k, line in enumerate(lines):
        assert f"Epoch {k + 1}/4, loss {estimator.loss_curve_[k]:.6f}" in line
        if early_stopping:
            assert f"validation score {estimator.validation_scores_[k]:.4f}" in line
    small(early_stopping=early_stopping).fit(*digits)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["dropout", "input_dropout", "input_noise"])
def test_what_is_drawn_for_a_sample_is_for_training_only(digits, kind):
    X, y = digits
    plain, drawing = untrained(X, y), untrained(X, y, **{kind: 0.5})
    np.testing.assert_array_equal(drawing.decision_function(X), plain.decision_function(X))
    assert drawing.loss_ != plain.loss_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", ["dropout", "input_dropout", "input_noise"])
def test_each_epoch_draws_anew(digits, kind):
    losses = untrained(*digits, **{kind: 0.5}, max_iter=4, shuffle=False, learning_rate="constant").loss_curve_
    assert len(set(losses)) == 4


def test_input_dropout_teaches_not_to_rely_on_any_one_feature(digits):
    X, y = digits
    X = np.hstack([np.eye(10)[y] * 2, X]).astype(np.float32)  # the answer, and what it can be told by without
    X_without = X.copy()
    X_without[:, :10] = 0
    relying, wary = (small(max_iter=20, input_dropout=p).fit(X, y) for p in (0.0, 0.5))
    assert wary.score(X, y) > 0.95
    assert wary.score(X_without, y) > relying.score(X_without, y) + 0.1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_input_noise_teaches_to_bear_noise(digits):
    X, y = digits
    disturbed = X + np.random.default_rng(0).normal(0, 0.4, X.shape)
    quiet, noisy = (small(max_iter=20, input_noise=s, learning_rate="constant").fit(X, y) for s in (0.0, 0.4))
    assert noisy.score(X, y) > 0.95
    assert noisy.score(disturbed, y) > quiet.score(disturbed, y) + 0.05


def noise_of_epochs(**params):
    """The standard deviation of noise on features that are 0: an output for each passes it on, as an error."""
    network = SpikingMLPRegressor((), n_time_steps=256, fit_intercept=False, random_state=0, **params)
    network.fit(np.zeros((256, 64)), np.zeros((256, 64)), coefs_init=[np.eye(64)])
    return np.sqrt(2 * np.array(network.loss_curve_) / 64)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("learning_rate", ["linear", "constant"])
def test_input_noise_has_its_standard_deviation_and_falls_with_the_rate(learning_rate):
    schedule = {"learning_rate": learning_rate, "learning_rate_init": 0.0, "max_iter": 4, "n_iter_no_change": 4}
    deviations = noise_of_epochs(input_noise=0.5, **schedule)
    # Within an epoch the square of the noise falls from a^2 to b^2 as (a^2 + ab + b^2) / 3 on the average.
    shares = [np.sqrt((a * a + a * b + b * b) / 3) for a, b in pairwise([1, 0.75, 0.5, 0.25, 0])]
    np.testing.assert_allclose(deviations, 0.5 * np.array(shares if learning_rate == "linear" else [1] * 4), rtol=0.02)


@pytest.mark.parametrize("simulation", ["counting", "clock-driven", "event-driven"])
@pytest.mark.parametrize("kind", ["input_dropout", "input_noise"])
def test_all_time_steps_of_a_sample_are_changed_alike(digits, simulation, kind):
    X, y = digits
    params = {"simulation": simulation, kind: 0.5, "n_time_steps": 4, "max_iter": 2}
    static = small(**params).fit(X[:100], y[:100])
    stream = small(**params).fit(np.repeat(X[:100, np.newaxis], 4, axis=1), y[:100])
    assert_same_network(stream, static)


def hidden_norms(estimator):
    return np.concatenate([np.linalg.norm(weights, axis=0) for weights in estimator.coefs_[:-1]])


def test_max_norm_limits_the_weights_that_lead_to_hidden_neurons(digits):
    X, y = digits
    free, limited = (small(hidden_layer_sizes=(12, 8), max_norm=m).fit(X, y) for m in (None, 1.25))
    assert hidden_norms(free).max() > 1.5
    np.testing.assert_allclose(hidden_norms(limited).max(), 1.25, rtol=1e-5)
    assert hidden_norms(limited.partial_fit(X, y)).max() <= 1.25 * (1 + 1e-5)


def test_a_max_norm_that_nothing_reaches_changes_nothing(digits):
    assert_same_network(small(max_norm=1000).fit(*digits), small().fit(*digits))


@pytest.mark.parametrize("shuffle", [False, True])
def test_each_epoch_takes_every_sample_once_in_a_new_order_if_shuffled(digits, shuffle):
    orders = []

    class Recording(SpikingMLPClassifier):
        def _epoch_order(self, rows):
            orders.append(super()._epoch_order(rows).tolist())
            return np.array(orders[-1])

    Recording(max_iter=3, shuffle=shuffle, random_state=0).fit(*digits).partial_fit(*digits)
    assert [sorted(order) for order in orders] == [list(range(512))] * 4
    assert len({tuple(order) for order in orders}) == (4 if shuffle else 1)


def test_a_spike_penalty_lowers_the_number_of_hidden_spikes(digits):
    X, y = digits
    spikes = [spike_counts(small(spike_penalty=r).fit(X, y), X)[:, :, 1].sum() for r in (0, 0.01, 0.1)]
    assert spikes[0] > 1.5 * spikes[1] > 1.5**2 * spikes[2]


# --- Early stopping.


def held_out(estimator, y):
    return train_test_split(
        np.arange(len(y)), test_size=estimator.validation_fraction, random_state=estimator.seed_, stratify=y
    )[1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("fraction", [0.2, 0.3])  # with 0.2, the best score is reached several times
def test_early_stopping_ends_with_the_first_weights_that_scored_best(digits, fraction):
    X, y = digits
    params = {"early_stopping": True, "learning_rate": "constant", "n_iter_no_change": 5}
    params["validation_fraction"] = fraction
    estimator = small(**params, max_iter=60).fit(X, y)
    scores = estimator.validation_scores_
    assert len(scores) == len(estimator.loss_curve_) == estimator.n_iter_ < 60
    assert estimator.best_validation_score_ == max(scores)
    rows = held_out(estimator, y)
    assert estimator.score(X[rows], y[rows]) == max(scores)
    n_best = scores.index(max(scores)) + 1
    assert n_best < len(scores)
    assert_same_network(small(**params, max_iter=n_best).fit(X, y), estimator)


def test_early_stopping_does_not_train_on_the_samples_held_out(digits):
    X, y = digits
    estimator = small(early_stopping=True, max_iter=1).fit(X, y)
    rows = held_out(estimator, y)
    assert len(rows) == np.ceil(0.1 * len(y))
    spoilt = X.copy()
    spoilt[rows] = 1 - spoilt[rows]
    again = small(early_stopping=True, max_iter=1).fit(spoilt, y)
    assert again.validation_scores_ != estimator.validation_scores_
    assert_same_network(again, estimator)
    assert estimator.t_ == len(y) - len(rows)


def test_early_stopping_stops_when_the_score_no_longer_improves_by_tol(digits):
    estimator = small(early_stopping=True, tol=1.0, n_iter_no_change=3, max_iter=50).fit(*digits)
    assert estimator.n_iter_ == 1 + 3


def test_without_early_stopping_there_are_no_validation_scores(digits):
    estimator = small(max_iter=1).fit(*digits)
    assert estimator.validation_scores_ is estimator.best_validation_score_ is None


# --- Going on: warm_start and partial_fit.


def test_warm_start_goes_on_from_the_weights_it_has(digits):
    X, y = digits
    estimator = small(warm_start=True, max_iter=3).fit(X, y)
    first = held(estimator)
    estimator.fit(X, y)
    assert estimator.loss_curve_[:3] == first["loss_curve_"]
    assert estimator.loss_curve_[3] < first["loss_curve_"][0] / 2
    assert estimator.loss_ < first["loss_curve_"][-1]
    assert (estimator.n_iter_, len(estimator.loss_curve_), estimator.t_) == (3, 6, 6 * len(X))
    assert estimator.seed_ == first["seed_"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_two_warm_fits_at_a_constant_rate_are_one_of_twice_the_epochs(digits):
    params = {"learning_rate": "constant"} | DRAWING
    twice = small(**params, warm_start=True, max_iter=2).fit(*digits).fit(*digits)
    once = small(**params, max_iter=4).fit(*digits)
    assert_same_network(twice, once)
    assert twice.loss_curve_ == once.loss_curve_


def test_without_warm_start_fit_forgets(digits, iris):
    estimator = small().fit(*iris).fit(*digits)
    assert estimator.n_features_in_ == 64
    assert_same_network(estimator, small().fit(*digits))


def test_partial_fit_goes_on_from_fit(digits):
    X, y = digits
    estimator = small().fit(X, y)
    weights = [w.copy() for w in estimator.coefs_]
    estimator.partial_fit(X, y)
    assert (estimator.n_iter_, len(estimator.loss_curve_), estimator.t_) == (5, 5, 5 * len(X))
    assert estimator.loss_ < estimator.loss_curve_[0]
    assert all((a != b).any() for a, b in zip(estimator.coefs_, weights, strict=True))


@pytest.mark.parametrize("sizes", [[1] * 512, [1, 7, 504], [256, 256]], ids=["one by one", "uneven", "halves"])
@pytest.mark.parametrize("params", [{}, {"error_resolution": 1.0, "loss": "squared_error"}], ids=str)
def test_partial_fit_in_chunks_is_partial_fit_of_all(digits, sizes, params):
    X, y = digits
    params = params | {"shuffle": False, "spike_penalty": 0.001}
    at_once = small(**params).partial_fit(X, y, classes=np.unique(y))
    in_chunks = small(**params)
    ends = np.cumsum(sizes)[:-1]
    for X_chunk, y_chunk in zip(np.split(X, ends), np.split(y, ends), strict=True):
        in_chunks.partial_fit(X_chunk, y_chunk, classes=np.unique(y))
    assert_same_network(in_chunks, at_once)
    np.testing.assert_allclose(np.dot(in_chunks.loss_curve_, sizes) / 512, at_once.loss_)
    assert in_chunks.t_ == at_once.t_ == 512


def test_partial_fit_does_not_change_the_arrays_of_before(digits):
    X, y = digits
    estimator = small().fit(X, y)
    arrays = learned(estimator)
    kept = copy.deepcopy(arrays)
    for go_on in (lambda: estimator.partial_fit(X, y), lambda: estimator.set_params(warm_start=True).fit(X, y)):
        go_on()
        np.testing.assert_equal(arrays, kept)


def test_training_does_not_change_its_input(digits):
    X, y = digits[0].copy(), digits[1].copy()
    small(early_stopping=True, dropout=0.1).fit(X, y)
    np.testing.assert_array_equal(X, digits[0])
    np.testing.assert_array_equal(y, digits[1])


# --- What prediction reads: weights and parameters as they are now.


def test_edits_to_the_weights_take_effect(digits):
    X, y = digits
    estimator = small(hidden_layer_sizes=()).fit(X, y)
    estimator.coefs_[0][:, 1:] = 0
    estimator.coefs_[0][:, 0] = np.arange(64)
    estimator.intercepts_[0][:] = np.arange(10)
    expected = np.zeros((len(X), 10)) + np.arange(10)
    expected[:, 0] += X @ np.arange(64)  # exact: X are multiples of 1/16
    np.testing.assert_array_equal(estimator.decision_function(X), expected)


@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray,
        lambda w: w.astype(np.float64),
        lambda w: w.astype(">f4"),
        lambda w: np.repeat(w, 2, axis=0)[::2],
        lambda w: w[::-1].copy()[::-1],
        np.ascontiguousarray,
    ],
    ids=["Fortran-ordered", "float64", "big-endian", "strided", "negative stride", "packed"],
)
@pytest.mark.parametrize("hidden", [12, 1])
def test_weights_may_be_replaced_by_arrays_of_another_layout(digits, change, hidden):
    X, y = digits
    estimator = small(hidden_layer_sizes=(hidden,)).fit(X, y)
    expected, more = estimator.decision_function(X), copy.deepcopy(estimator).partial_fit(X, y)
    for arrays in (estimator.coefs_, estimator.intercepts_):
        arrays[:] = [change(a) for a in arrays]
    np.testing.assert_array_equal(estimator.decision_function(X), expected)
    np.testing.assert_array_equal(estimator.decision_function(X[:10]), expected[:10])
    assert_same_network(estimator.partial_fit(X, y), more)


def test_time_steps_are_read_when_a_method_is_called(digits):
    X, y = digits
    estimator = small(n_time_steps=16).fit(X, y)
    stages = list(estimator.staged_decision_function(X))
    assert len(stages) == 16
    for t in (1, 4, 15):
        estimator.set_params(n_time_steps=t)
        np.testing.assert_array_equal(estimator.decision_function(X), stages[t - 1])
        assert len(list(estimator.staged_decision_function(X))) == t
    assert not np.array_equal(stages[3], stages[15])


def test_more_time_steps_come_closer_to_the_rectified_network(iris):
    X, y = iris
    estimator = small(max_iter=20).fit(X, y)
    hidden = np.maximum(0, X @ estimator.coefs_[0] + estimator.intercepts_[0])
    rectified = hidden @ estimator.coefs_[1] + estimator.intercepts_[1]
    errors = [np.abs(estimator.set_params(n_time_steps=t).decision_function(X) - rectified).max() for t in (8, 64, 512)]
    assert errors[0] > 4 * errors[1] > 16 * errors[2]


def test_hidden_layer_sizes_changed_after_fit_do_not_matter_to_prediction(iris):
    estimator = small().fit(*iris)
    expected = estimator.decision_function(iris[0])
    np.testing.assert_array_equal(estimator.set_params(hidden_layer_sizes=(3,)).decision_function(iris[0]), expected)


# --- Ctrl-C.


@pytest.fixture
def ctrl_c(monkeypatch):
    """Calls the function and interrupts it a tenth of a second after it has entered the core. Returns what it gave, and the
    CPU seconds that it took to answer, which do not depend on what else the machine does."""

    def call(function):
        sent = []

        def send():
            sent.append(time.process_time())
            signal.raise_signal(signal.SIGINT)

        timer, first = threading.Timer(0.1, send), threading.Lock()

        def entered(core):
            def compute(*args, **kwargs):
                if first.acquire(blocking=False):
                    timer.start()
                return core(*args, **kwargs)

            return compute

        with monkeypatch.context() as patch:
            for module, name in [(_base, "train_epoch"), (_base, "outputs"), (metrics, "core_spike_counts")]:
                patch.setattr(module, name, entered(getattr(module, name)))
            try:
                answer = function()
            except KeyboardInterrupt:
                answer = KeyboardInterrupt
            timer.cancel()
            return answer, time.process_time() - sent[0]

    return call


@pytest.fixture(scope="module")
def long_epoch():
    """Data of which `large` takes seconds to predict once, and longer for an epoch of training."""
    rng = np.random.default_rng(0)
    return rng.random((20000, 200), dtype=np.float32), rng.integers(3, size=20000)


def large(**params):
    return SpikingMLPClassifier((1000,) * 12, random_state=0, **params)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_between_epochs_keeps_the_weights_reached(digits, ctrl_c, early_stopping):
    X, y = digits
    endless = small(max_iter=10**7, n_iter_no_change=np.inf, early_stopping=early_stopping)
    with pytest.warns(UserWarning, match="interrupted: the estimator keeps the weights") as record:
        estimator, seconds = ctrl_c(lambda: endless.fit(X, y))
    assert seconds < 0.5
    assert [warning.filename for warning in record] == [__file__]
    assert estimator is endless
    assert 1 < estimator.n_iter_ == len(estimator.loss_curve_) < 10**7
    assert estimator.score(X, y) > 0.9
    if early_stopping:
        rows, best = held_out(estimator, y), max(estimator.validation_scores_)
        assert estimator.score(X[rows], y[rows]) == estimator.best_validation_score_ == best
    assert np.isfinite(estimator.set_params(early_stopping=False).partial_fit(X, y).loss_)


def test_ctrl_c_in_the_first_epoch_keeps_the_weights_reached(long_epoch, ctrl_c):
    X, y = long_epoch
    start = large(learning_rate_init=0.0, max_iter=1).fit(X[:3], [0, 1, 2])
    with pytest.warns(UserWarning, match="interrupted"):
        estimator, seconds = ctrl_c(lambda: large().fit(X, y))
    assert seconds < 0.5
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 0
    assert (estimator.coefs_[0] != start.coefs_[0]).any()
    assert np.isfinite(estimator.decision_function(X[:10])).all()
    assert estimator.partial_fit(X[:10], y[:10]).n_iter_ == 1


def test_loss_can_be_asked_for_after_ctrl_c_in_the_first_epoch(long_epoch, ctrl_c):
    with pytest.warns(UserWarning, match="interrupted"):
        estimator, _ = ctrl_c(lambda: large().fit(*long_epoch))
    assert not hasattr(estimator, "loss_") or np.isnan(estimator.loss_)


def test_ctrl_c_in_partial_fit_leaves_the_estimator_as_it_was(long_epoch, ctrl_c):
    X, y = long_epoch
    estimator = large().partial_fit(X[:10], y[:10], classes=[0, 1, 2])
    before = held(estimator)
    answer, seconds = ctrl_c(lambda: estimator.partial_fit(X, y))
    assert answer is KeyboardInterrupt
    assert seconds < 0.5
    assert_holds(estimator, before)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("ask", [METHODS["predict"], METHODS["spike_counts"]], ids=["predict", "spike_counts"])
def test_ctrl_c_ends_prediction(long_epoch, ctrl_c, ask, n_jobs):
    X, y = long_epoch
    estimator = large(n_jobs=n_jobs).partial_fit(X[:10], y[:10], classes=[0, 1, 2])
    answer, seconds = ctrl_c(lambda: ask(estimator, X))
    assert answer is KeyboardInterrupt
    assert seconds < 0.5

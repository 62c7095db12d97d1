"""SpikingMLPRegressor: targets that are numbers."""
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_matrix
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_linnerud
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_dsn import SpikingBackprop, SpikingMLPRegressor


@pytest.fixture(scope="module")
def ramp():
    """A piecewise linear function of three features, of spread about one, and its inputs."""
    X = np.random.default_rng(0).uniform(-1, 1, (600, 3)).astype(np.float32)
    return X, np.maximum(0, X[:, 0] + X[:, 1]) - 2 * np.abs(X[:, 2]) + 0.5


STEP = SpikingBackprop(feedback="step")
FRACTIONAL = SpikingBackprop(feedback="step", weight_update="fractional")


# --- Outputs.


@pytest.mark.parametrize(
    ("parameters", "least"),
    [
        ({}, 0.97),
        ({"hidden_layer_sizes": (30, 30)}, 0.97),
        ({"simulation": "clock-driven", "n_time_steps": 16, "learning_rule": STEP}, 0.97),
        ({"neuron": "rectifying", "simulation": "event-driven", "n_time_steps": 16, "learning_rule": STEP}, 0.97),
        ({"neuron": "rectifying", "n_time_steps": 16, "learning_rule": FRACTIONAL}, 0.95),
    ],
    ids=str,
)
def test_a_function_is_learned(ramp, parameters, least):
    X, y = ramp
    regressor = SpikingMLPRegressor(random_state=0, max_iter=60, **parameters).fit(X[:400], y[:400])
    assert regressor.score(X[400:], y[400:]) > least


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("simulation", ["clock-driven", "event-driven"])
def test_rectifying_outputs_learn_targets_that_are_not_negative(ramp, simulation):
    X, y = ramp
    y = np.maximum(0, y)
    parameters = {
        "learning_rule": SpikingBackprop(feedback="step", output_activation="rectifying"),
        "neuron": "rectifying",
        "simulation": simulation,
        "n_time_steps": 10,
        "error_resolution": 4,
    }
    regressor = SpikingMLPRegressor(random_state=0, max_iter=60, **parameters).fit(X[:400], y[:400])
    # Predictions are not rectified, so where the target is zero they may be anything below it.
    values = regressor.predict(X[400:])
    assert np.any(values < 0)
    rectified = np.maximum(0, values)
    assert 1 - np.mean((rectified - y[400:]) ** 2) / np.var(y[400:]) > 0.8


def test_y_of_one_dimension_gives_predictions_of_one_and_a_column_of_two():
    X, y = load_diabetes(return_X_y=True)
    vector = SpikingMLPRegressor(max_iter=2, random_state=0).fit(X, y / 100)
    column = SpikingMLPRegressor(max_iter=2, random_state=0).fit(X, y[:, np.newaxis] / 100)
    assert vector.predict(X).shape == (len(X),)
    assert column.predict(X).shape == (len(X), 1)
    np.testing.assert_array_equal(column.predict(X).ravel(), vector.predict(X))
    assert vector.predict(X).dtype == np.float64


def test_several_outputs_learn_each_target():
    X, Y = load_linnerud(return_X_y=True)
    X, Y = StandardScaler().fit_transform(X), StandardScaler().fit_transform(Y)
    regressor = SpikingMLPRegressor(max_iter=300, random_state=0).fit(X, Y)
    assert regressor.n_outputs_ == 3
    assert regressor.predict(X).shape == Y.shape
    assert regressor.score(X, Y) > 0.5


@pytest.mark.parametrize("kind", [csr_matrix, csc_array, pd.DataFrame, np.asfortranarray, np.ndarray.tolist])
def test_the_kind_of_targets_does_not_matter(kind):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 4)), rng.normal(size=(50, 3)) * (rng.random((50, 3)) < 0.5)
    dense, other = (SpikingMLPRegressor(max_iter=2, random_state=0).fit(X, targets) for targets in (Y, kind(Y)))
    np.testing.assert_array_equal(other.predict(X), dense.predict(X), strict=True)
    assert other.score(X, Y) == dense.score(X, Y)


def test_several_outputs_are_learned_from_streams_and_held_out_samples(ramp):
    X, y = ramp
    Y = np.column_stack([y, -y, y**2])
    streams = np.repeat(X[:, np.newaxis], 128, axis=1)
    regressor = SpikingMLPRegressor(early_stopping=True, max_iter=40, random_state=0).fit(streams, Y)
    assert regressor.best_validation_score_ > 0.9
    assert regressor.predict(streams).shape == Y.shape
    np.testing.assert_array_equal(regressor.predict(streams), regressor.predict(X))


def test_outputs_do_not_learn_from_each_others_targets_in_a_net_of_one_layer():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))
    both = SpikingMLPRegressor((), random_state=0).partial_fit(X, Y, coefs_init=[np.zeros((4, 2))])
    for k in range(2):
        alone = SpikingMLPRegressor((), random_state=0).partial_fit(X, Y[:, k], coefs_init=[np.zeros((4, 1))])
        np.testing.assert_array_equal(alone.coefs_[0][:, 0], both.coefs_[0][:, k])


def test_the_output_of_one_layer_is_the_quantised_input_times_the_weights():
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(20, 4)), rng.integers(-8, 9, (4, 2)) / 8
    regressor = SpikingMLPRegressor((), n_time_steps=8, learning_rate_init=0)
    regressor.partial_fit(X, np.zeros((20, 2)), coefs_init=[weights])
    np.testing.assert_array_equal(regressor.predict(X), np.ceil(8 * X.astype(np.float32) - 0.5) / 8 @ weights)


# --- Predictions in time.


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_staged_predictions_are_those_of_fewer_time_steps(ramp, n_outputs):
    X, y = ramp
    y = y if n_outputs == 1 else np.column_stack([y, -y])
    regressor = SpikingMLPRegressor(n_time_steps=8, max_iter=3, random_state=0).fit(X, y)
    staged = list(regressor.staged_predict(X))
    assert len(staged) == 8
    for t, values in enumerate(staged, start=1):
        np.testing.assert_array_equal(values, clone_with_weights(regressor, n_time_steps=t).predict(X))


def clone_with_weights(regressor, **parameters):
    """The same fitted network with other parameters."""
    other = clone(regressor).set_params(**parameters)
    fitted = {name: value for name, value in vars(regressor).items() if name.endswith("_")}
    vars(other).update(fitted)
    return other


def test_more_time_steps_predict_better(ramp):
    X, y = ramp
    regressor = SpikingMLPRegressor(n_time_steps=64, max_iter=40, random_state=0).fit(X, y)
    scores = [clone_with_weights(regressor, n_time_steps=T).score(X, y) for T in (2, 8, 64)]
    assert scores == sorted(scores)
    assert scores[-1] > 0.98


# --- Stopping.


def test_early_stopping_keeps_the_weights_that_scored_best(ramp):
    X, y = ramp
    regressor = SpikingMLPRegressor(
        early_stopping=True, learning_rate="constant", learning_rate_init=0.3, max_iter=200, n_iter_no_change=5,
        random_state=0,
    ).fit(X, y)
    assert len(regressor.validation_scores_) == regressor.n_iter_ < 200
    assert regressor.best_validation_score_ == max(regressor.validation_scores_)
    at_best = 1 + int(np.argmax(regressor.validation_scores_))
    stopped = clone(regressor).set_params(max_iter=at_best)
    with pytest.warns(match=f"max_iter={at_best}"):
        stopped.fit(X, y)
    for array, wanted in zip(regressor.coefs_, stopped.coefs_, strict=True):
        np.testing.assert_array_equal(array, wanted)


def test_too_few_samples_to_hold_some_out_are_refused():
    with pytest.raises(ValueError, match="early_stopping"):
        SpikingMLPRegressor(early_stopping=True).fit([[1.0]], [1.0])


def test_training_stops_when_the_loss_no_longer_improves(ramp):
    X, y = ramp
    regressor = SpikingMLPRegressor(learning_rate="constant", max_iter=500, tol=1e-3, n_iter_no_change=3).fit(X, y)
    assert regressor.n_iter_ < 500
    assert regressor.loss_ == regressor.loss_curve_[-1] < regressor.loss_curve_[0]


def test_the_loss_is_half_the_squared_error_as_seen_in_training(ramp):
    X, y = ramp
    regressor = SpikingMLPRegressor(learning_rate_init=0, random_state=0).partial_fit(X, y)
    error = (regressor.predict(X) - y) / regressor.target_scale_
    assert regressor.loss_ == pytest.approx(np.mean(error**2) / 2, rel=1e-5)


# --- In scikit-learn's company.


def test_transformed_targets_and_a_pipeline_make_it_independent_of_units():
    X, y = load_diabetes(return_X_y=True)
    network = make_pipeline(StandardScaler(), SpikingMLPRegressor(20, max_iter=30, random_state=0))
    model = TransformedTargetRegressor(network, transformer=StandardScaler())
    assert cross_val_score(model, 1000 * X, y, cv=3).mean() > 0.35
    search = GridSearchCV(model, {"regressor__spikingmlpregressor__n_time_steps": [1, 16]}, cv=2).fit(X, y)
    assert search.best_params_ == {"regressor__spikingmlpregressor__n_time_steps": 16}


def test_going_on_with_warm_start_and_partial_fit(ramp):
    X, y = ramp
    regressor = SpikingMLPRegressor(max_iter=2, warm_start=True, random_state=0).fit(X, y)
    assert regressor.fit(X, y).t_ == 4 * len(X)
    assert regressor.partial_fit(X, y).t_ == 5 * len(X)
    assert len(regressor.loss_curve_) == 5


# --- Mistakes.


def fitted_on_two_outputs():
    return SpikingMLPRegressor(5, max_iter=1).fit(np.ones((4, 3)), np.ones((4, 2)))


def rectifying(**parameters):
    rule = SpikingBackprop(output_activation="rectifying")
    return SpikingMLPRegressor(5, learning_rule=rule, error_resolution=1, **parameters)


X4 = np.ones((4, 3))
Y4 = np.ones(4)
MISTAKES = {
    "negative targets of rectifying outputs": (lambda: rectifying().fit(X4, [1, 2, -0.1, 0]), "below 0"),
    "negative targets later": (lambda: rectifying().partial_fit(X4, Y4).partial_fit(X4, -Y4), "below 0"),
    "countless target spikes": (lambda: rectifying().fit(X4, 1e9 * Y4), "diverged"),
    "more outputs": (lambda: fitted_on_two_outputs().partial_fit(X4, np.ones((4, 3))), "3 outputs, but .* has 2"),
    "fewer outputs": (lambda: fitted_on_two_outputs().partial_fit(X4, Y4), "1 outputs, but .* has 2"),
    "targets of three dimensions": (lambda: SpikingMLPRegressor().fit(X4, np.ones((4, 2, 2))), "dim"),
    "targets for other samples": (lambda: SpikingMLPRegressor().fit(X4, Y4[:3]), "inconsistent"),
    "no number": (lambda: SpikingMLPRegressor().fit(X4, [1, 2, np.nan, 0]), "NaN"),
    "infinity": (lambda: SpikingMLPRegressor().fit(X4, [1, 2, np.inf, 0]), "infinity"),
    "beyond float32": (lambda: SpikingMLPRegressor().fit(X4, [1, 2, 1e300, 0]), "too large for float32"),
    "text": (lambda: SpikingMLPRegressor().fit(X4, list("abcd")), "could not convert"),
    "log loss": (lambda: SpikingMLPRegressor(loss="log_loss").fit(X4, Y4), "'loss' parameter"),
    "too few weights": (lambda: SpikingMLPRegressor(5).fit(X4, Y4, coefs_init=[np.ones((3, 5))]), "2 arrays"),
    "early stopping": (lambda: SpikingMLPRegressor(early_stopping=True).partial_fit(X4, Y4), "early_stopping"),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_raise_value_error(mistake):
    call, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=message):
        call()


def test_refused_targets_leave_a_fitted_regressor_as_it_was():
    regressor = rectifying().partial_fit(X4, np.ones(4))
    before = {name: np.copy(value[0]) if isinstance(value, list) else value for name, value in vars(regressor).items()}
    with pytest.raises(ValueError, match="below 0"):
        regressor.fit(X4, -np.ones((4, 2)))
    for name, value in vars(regressor).items():
        np.testing.assert_array_equal(value[0] if isinstance(value, list) else value, before[name], err_msg=name)

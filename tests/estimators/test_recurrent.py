"""The recurrent estimators: what they share with the others, on sequences."""
import copy
import pickle
import warnings

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import validate_data

from sk_dsn import SpikingRNNClassifier, SpikingRNNRegressor
from sk_dsn._recurrent import FittedRecurrentNetwork, RecurrentLearner
from sk_dsn.metrics import (
    activation_sparsity,
    connection_sparsity,
    dense_operations,
    exit_steps,
    footprint,
    neurobench_synaptic_operations,
    spike_counts,
    synaptic_operations,
    unit_spike_counts,
)
from sk_dsn.plotting import AnytimeDisplay, SpikeRasterDisplay, TrainingCurveDisplay
from sk_dsn.streams import SparseStreams


@pytest.fixture(scope="module")
def order_task():
    """Two bursts on disjoint features; which came first? Totals are the same."""
    rng = np.random.default_rng(0)
    X = (0.1 * rng.random((240, 10, 4))).astype(np.float32)
    y = rng.integers(0, 2, 240)
    for x, first in zip(X, y, strict=True):
        x[2, 0 if first else 2] += 1
        x[7, 2 if first else 0] += 1
    return X[:160], y[:160], X[160:], y[160:]


def small(**params):
    return SpikingRNNClassifier(**{"hidden_layer_sizes": (16, 8), "max_iter": 3, "random_state": 0} | params)


def learned(estimator):
    moments = [m for pair in estimator.optimizer_["moments"] for m in pair]
    return [
        *estimator.coefs_, *estimator.recurrent_coefs_, *estimator.intercepts_, *estimator.backward_potentials_, *moments,
    ]


def assert_same_network(a, b):
    for of_a, of_b in zip(learned(a), learned(b), strict=True):
        np.testing.assert_array_equal(of_a, of_b, strict=True)
    assert a.optimizer_["n_updates"] == b.optimizer_["n_updates"]


# --- They learn.


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_order_of_bursts_is_learned(order_task, seed):
    X, y, X_test, y_test = order_task
    classifier = SpikingRNNClassifier((16,), max_iter=60, learning_rate_init=0.005, random_state=seed).fit(X, y)
    assert classifier.score(X_test, y_test) == 1.0


@pytest.mark.parametrize("leak", [1.0, 0.3])
def test_a_regressor_learns_a_delayed_sum(leak):
    rng = np.random.default_rng(0)
    X = rng.random((300, 6, 1))
    y = X[:, 1, 0] + X[:, 3, 0]
    regressor = SpikingRNNRegressor(
        (32,), leak=leak, threshold=1 / 16, recurrent_init="orthogonal", learning_rate_init=0.01, max_iter=60, random_state=0
    ).fit(X[:200], y[:200])
    assert regressor.score(X[200:], y[200:]) > 0.9
    several = clone(regressor).fit(X[:200], np.c_[y, -y][:200])
    assert several.predict(X[200:]).shape == (100, 2)
    assert several.score(X[200:], np.c_[y, -y][200:]) > 0.8


def test_multilabel_targets(order_task):
    X, y, *_ = order_task
    Y = np.c_[y, 1 - y, np.zeros_like(y)]
    classifier = small(max_iter=30, learning_rate_init=0.01).fit(X, Y)
    assert classifier.predict(X).shape == Y.shape
    assert classifier.score(X, Y) > 0.95


# --- Input.


def test_tables_are_refused_and_the_remedies_are_named(order_task):
    X, y, *_ = order_task
    classifier = small().fit(X, y)
    table = X[:, 0]
    for call in (lambda: small().fit(table, y), lambda: classifier.predict(table), lambda: small().fit(table.tolist(), y)):
        with pytest.raises(ValueError, match=r"X\[:, :, None\].*X\[:, None\]"):
            call()


def test_lists_integers_and_other_orders_are_taken(order_task):
    X, y, *_ = order_task
    X = np.round(4 * X)
    expected = small().fit(X, y)
    for other in (X.tolist(), X.astype(int), np.asfortranarray(X.astype(np.float64))):
        assert_same_network(expected, small().fit(other, y))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(order_task, value):
    X, y, *_ = order_task
    classifier, spoilt = small().fit(X, y), X.copy()
    spoilt[3, 4, 1] = value
    for call in (lambda: small().fit(spoilt, y), lambda: classifier.predict(spoilt)):
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            call()


def test_a_sequence_may_have_one_time_step_and_no_hidden_layer(order_task):
    X, y, *_ = order_task
    classifier = small(hidden_layer_sizes=()).fit(X[:, 2:3], y)
    assert classifier.recurrent_coefs_ == [] and classifier.predict(X[:, 2:3]).shape == y.shape


def test_sequences_of_unequal_length_come_as_lists_nan_ends_and_sparse_streams(order_task):
    X, y, *_ = order_task
    lengths = 1 + np.arange(len(X)) % X.shape[1]
    lengths[0] = X.shape[1]
    as_list = [x[:length] for x, length in zip(X, lengths, strict=True)]
    with_ends = np.where(np.arange(X.shape[1])[:, None] < lengths[:, None, None], X, np.nan)
    params = {"feedback": "step", "readout": "mean", "leak": 0.5}
    expected = small(**params).fit(as_list, y)
    assert expected.mean_time_steps_ == lengths.mean()
    for other in (with_ends, SparseStreams.from_list(as_list)):
        assert_same_network(expected, small(**params).fit(other, y))
        np.testing.assert_array_equal(expected.decision_function(as_list), expected.decision_function(other))
    stages = np.array(list(expected.staged_decision_function(as_list)))
    each = [expected.decision_function(x[None])[0] for x in as_list]
    np.testing.assert_array_equal(stages[-1], each)  # an ended sequence keeps its answer, and depends on no other
    counts = spike_counts(expected, as_list)
    assert not counts[np.arange(X.shape[1]) >= lengths[:, None]].any()


# --- Parameters.


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"threshold": 0.3}, "threshold must be a power of two"),
        ({"threshold": 0}, "threshold"),
        ({"leak": 1.5}, "leak"),
        ({"batch_size": 0}, "batch_size"),
        ({"solver": "lbfgs"}, "solver"),
        ({"momentum": 1.0}, "momentum"),
        ({"max_grad_norm": 0}, "max_grad_norm"),
        ({"recurrent_init": "zero"}, "recurrent_init"),
        ({"exit_margin": 1.0}, r"exit_margin needs feedback='step'"),
    ],
)
def test_bad_parameters_are_refused(order_task, params, message):
    X, y, *_ = order_task
    with pytest.raises(ValueError, match=message):
        small(**params).fit(X, y)


@pytest.mark.parametrize(
    "params", [{"threshold": 0.3}, {"leak": -1}, {"readout": "first"}, {"exit_margin": 1.0}, {"neuron": 1}]
)
def test_parameters_are_checked_again_where_they_are_read_again(order_task, params):
    X, y, *_ = order_task
    with pytest.raises(ValueError, match=next(iter(params))):
        small().fit(X, y).set_params(**params).predict(X)


def test_recurrent_weights_start_as_asked(order_task):
    X, y, *_ = order_task

    def initial(X=X, **params):
        return small(learning_rate_init=0, max_iter=1, **params).fit(X, y[: len(X)]).recurrent_coefs_

    for w in initial():
        np.testing.assert_array_equal(w, np.float32(0.9) * np.eye(len(w), dtype=np.float32))
    for w in initial(np.repeat(X[:8], 7, axis=1)):  # of 70 time steps
        np.testing.assert_array_equal(w, np.eye(len(w)))
    for w in initial(recurrent_init="orthogonal", recurrent_init_scale=0.5):
        np.testing.assert_allclose(w @ w.T, 0.25 * np.eye(len(w)), atol=1e-6)
        assert np.abs(w - np.diag(np.diag(w))).max() > 0.05


def test_initial_weights_are_taken_and_checked(order_task):
    X, y, *_ = order_task
    given = small().fit(X, y)
    initial = {
        "coefs_init": given.coefs_,
        "recurrent_coefs_init": given.recurrent_coefs_,
        "intercepts_init": given.intercepts_,
    }
    taken = small(learning_rate_init=0, max_iter=1).fit(X, y, **initial)
    for name in ("coefs_", "recurrent_coefs_", "intercepts_"):
        for a, b in zip(getattr(taken, name), getattr(given, name), strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"recurrent_coefs_init must hold 2 arrays, one per hidden layer"):
        small().fit(X, y, recurrent_coefs_init=given.recurrent_coefs_[:1])
    with pytest.raises(ValueError, match=r"recurrent_coefs_init.*warm_start"):
        given.set_params(warm_start=True).fit(X, y, **initial)


def test_a_tape_that_is_too_large_is_refused(order_task, monkeypatch):
    X, y, *_ = order_task
    monkeypatch.setattr("sk_dsn._core.recurrent.learner.TAPE_LIMIT", 1000)
    with pytest.raises(ValueError, match=r"tape.*hidden_layer_sizes"):
        small().fit(X, y)


# --- Training.


def test_partial_fit_goes_on_with_the_optimizer(order_task):
    X, y, *_ = order_task
    whole = small(shuffle=False).partial_fit(X, y, classes=[0, 1])
    pieces = small(shuffle=False)
    for first in range(0, 160, 80):
        pieces.partial_fit(X[first : first + 80], y[first : first + 80], classes=[0, 1])
    assert whole.optimizer_["n_updates"] == pieces.optimizer_["n_updates"] == 20
    assert_same_network(whole, pieces)
    before = copy.deepcopy(learned(whole))
    other = copy.copy(whole).partial_fit(X, y)
    for array, kept in zip(learned(whole), before, strict=True):
        np.testing.assert_array_equal(array, kept)  # the old arrays did not change
    assert other.optimizer_["n_updates"] == 40
    assert whole.set_params(solver="sgd").partial_fit(X, y).optimizer_["n_updates"] == 20  # a new optimizer


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_goes_on(order_task):
    X, y, *_ = order_task
    params = {"learning_rate": "constant", "max_iter": 2, "tol": 0}
    once = small(**params | {"max_iter": 4}).fit(X, y)
    twice = small(**params, warm_start=True).fit(X, y).fit(X, y)
    assert_same_network(once, twice)


@pytest.mark.parametrize("params", [{}, {"solver": "sgd"}, {"dropout": 0.2, "input_dropout": 0.1, "input_noise": 0.1}])
def test_training_is_reproducible_bit_for_bit(order_task, params):
    X, y, *_ = order_task
    a, b, other = (small(**params, random_state=seed).fit(X, y) for seed in (0, 0, 1))
    assert_same_network(a, b)
    assert not np.array_equal(a.coefs_[0], other.coefs_[0])


def test_samples_of_weight_zero_are_not_there(order_task):
    X, y, *_ = order_task
    weights = np.arange(160) % 3 > 0
    a = small(shuffle=False).fit(X, y, sample_weight=weights.astype(float))
    b = small(shuffle=False).fit(X[weights], y[weights])
    assert_same_network(a, b)


def test_class_weights_multiply_sample_weights(order_task):
    X, y, *_ = order_task
    a = small(class_weight={0: 2.0}).fit(X, y)
    b = small().fit(X, y, sample_weight=np.where(y == 0, 2.0, 1.0))
    assert_same_network(a, b)


def test_early_stopping_keeps_the_best_weights(order_task):
    X, y, X_test, y_test = order_task
    classifier = small(early_stopping=True, max_iter=25, learning_rate_init=0.01, n_iter_no_change=np.inf)
    classifier.fit(X, y, X_val=X_test, y_val=y_test)
    assert len(classifier.validation_scores_) == 25
    assert classifier.best_validation_score_ == max(classifier.validation_scores_) == classifier.score(X_test, y_test)
    held_out = small(early_stopping=True).fit(X, y)
    assert held_out.best_validation_score_ is not None


def test_training_that_diverges_is_an_error_and_leaves_the_estimator_as_it_was(order_task):
    X, y, *_ = order_task
    classifier = small().fit(X, y)
    before = copy.deepcopy(learned(classifier))
    classifier.set_params(learning_rate_init=1e38, warm_start=True)
    with pytest.raises(ValueError, match=r"diverged.*learning_rate_init.*max_grad_norm"):
        classifier.fit(X, y)
    with pytest.raises(ValueError, match="Scale the features"):
        classifier.fit(X * 1e9, y)
    for array, kept in zip(learned(classifier), before, strict=True):
        np.testing.assert_array_equal(array, kept)
    with pytest.raises(ValueError, match=r"Sample 2 .*Scale the features"):
        classifier.predict(np.where(np.arange(len(X))[:, None, None] == 2, 1e9, X))


# --- Prediction.


@pytest.mark.parametrize(
    "params", [{}, {"leak": 0.25, "readout": "mean", "feedback": "step"}, {"neuron": "rectifying", "leak": 0.5}]
)
def test_predictions_do_not_depend_on_batch_order_or_threads(order_task, params, monkeypatch):
    X, y, *_ = order_task
    classifier = small(**params).fit(X, y)
    expected = classifier.decision_function(X)
    np.testing.assert_array_equal(expected, np.concatenate([classifier.decision_function(x[None]) for x in X]))
    np.testing.assert_array_equal(expected, classifier.decision_function(X[::-1])[::-1])
    monkeypatch.setattr(FittedRecurrentNetwork, "work_of_block", 10_000.0)
    for n_jobs in (2, 3):
        np.testing.assert_array_equal(expected, classifier.set_params(n_jobs=n_jobs).decision_function(X))
    with parallel_config(n_jobs=2):
        np.testing.assert_array_equal(expected, classifier.set_params(n_jobs=None).decision_function(X))


@pytest.mark.parametrize("readout", ["last", "mean"])
def test_stages_end_at_the_answer_and_begin_as_shorter_sequences(order_task, readout):
    X, y, *_ = order_task
    classifier = small(readout=readout, feedback="step").fit(X, y)
    stages = list(classifier.staged_predict_proba(X))
    assert len(stages) == X.shape[1]
    np.testing.assert_array_equal(stages[-1], classifier.predict_proba(X))
    np.testing.assert_array_equal(stages[3], classifier.predict_proba(X[:, :4]))
    for labels, decision in zip(classifier.staged_predict(X), classifier.staged_decision_function(X), strict=True):
        np.testing.assert_array_equal(labels, classifier.classes_[(decision > 0).astype(int)])


def test_a_sample_exits_once_its_answers_are_far_enough_apart(order_task):
    X, y, *_ = order_task
    classifier = small(feedback="step").fit(X, y)
    margins = np.abs(list(classifier.staged_decision_function(X)))
    margin = float(np.median(margins[4]))
    steps = exit_steps(classifier.set_params(exit_margin=margin), X)
    assert steps.min() < steps.max()
    reached = margins >= margin
    expected = np.where(reached.any(axis=0), reached.argmax(axis=0) + 1, X.shape[1])
    np.testing.assert_array_equal(steps, expected)
    counts = spike_counts(classifier, X)
    assert not counts[np.arange(X.shape[1]) >= steps[:, None]].any()


def test_an_unfitted_estimator_says_so(order_task):
    with pytest.raises(NotFittedError):
        small().predict(order_task[0])


# --- Metrics, displays, persistence, searches.


def test_metrics_count_recurrent_connections(order_task):
    X, y, *_ = order_task
    classifier = small().fit(X, y)
    counts, units = spike_counts(classifier, X), unit_spike_counts(classifier, X)
    assert [u.shape[2] for u in units] == [4, 16, 8]
    for layer, of_units in enumerate(units):
        np.testing.assert_array_equal(of_units.sum(axis=(2, 3)), counts[..., layer])
    # A spike of the first hidden layer reaches its 16 units and the 8 above.
    np.testing.assert_array_equal(synaptic_operations(classifier, X), np.cumsum(counts @ [16, 16 + 8, 8 + 2], axis=1))
    n_weights = 4 * 16 + 16 * 16 + 16 * 8 + 8 * 8 + 8 * 2
    assert dense_operations(classifier) == n_weights
    assert footprint(classifier) == 4 * (n_weights + 26 + 30 + 24)
    weights = [*classifier.coefs_, *classifier.recurrent_coefs_]
    assert connection_sparsity(classifier) == pytest.approx(sum((w == 0).sum() for w in weights) / n_weights)
    assert 0 < activation_sparsity(classifier, X) < 1
    operations = neurobench_synaptic_operations(classifier, X)
    assert operations["Dense"] == 10 * n_weights
    assert 0 < operations["Effective_ACs"] + operations["Effective_MACs"] < operations["Dense"]


def test_displays_draw(order_task):
    pytest.importorskip("matplotlib").use("Agg")
    X, y, *_ = order_task
    classifier = small().fit(X, y)
    SpikeRasterDisplay.from_estimator(classifier, X, sample=0)
    TrainingCurveDisplay.from_estimator(classifier)
    AnytimeDisplay.from_estimator(classifier, X, y)


def test_pickled_models_go_on_as_they_would_have(order_task):
    X, y, *_ = order_task
    classifier = small().fit(X, y)
    loaded = pickle.loads(pickle.dumps(classifier))
    assert_same_network(classifier.partial_fit(X, y), loaded.partial_fit(X, y))
    np.testing.assert_array_equal(classifier.predict(X), loaded.predict(X))


def test_files_of_joblib_and_skops_hold_the_whole_state(order_task, tmp_path):
    skops_io = pytest.importorskip("skops.io", reason="skops is not installed")
    X, y, *_ = order_task
    classifier = small().fit(X, y)
    joblib.dump(classifier, tmp_path / "model.joblib")
    skops_io.dump(classifier, tmp_path / "model.skops")
    loaded = [
        joblib.load(tmp_path / "model.joblib"),
        joblib.load(tmp_path / "model.joblib", mmap_mode="r"),
        skops_io.load(tmp_path / "model.skops", trusted=["sk_dsn._rnn.SpikingRNNClassifier"]),
    ]
    expected = classifier.decision_function(X), copy.deepcopy(classifier).partial_fit(X, y)
    for other in loaded:
        np.testing.assert_array_equal(other.decision_function(X), expected[0])
        np.testing.assert_array_equal(other.decision_function(X[:1]), expected[0][:1])
        assert_same_network(other.partial_fit(X, y), expected[1])


def test_pipelines_and_searches(order_task):
    X, y, *_ = order_task
    pipeline = make_pipeline(FunctionTransformer(np.sqrt), small())
    search = GridSearchCV(pipeline, {"spikingrnnclassifier__leak": [0.5, 1.0]}, cv=2).fit(X, y)
    assert search.best_estimator_.predict(X).shape == y.shape
    assert spike_counts(search.best_estimator_, X).shape == (160, 10, 3)


def test_interrupted_training_keeps_the_weights_reached(order_task, monkeypatch):
    X, y, *_ = order_task
    epochs = []
    train_epoch = RecurrentLearner.core_train_epoch

    def interrupted(*args, **kwargs):
        epochs.append(None)
        if len(epochs) == 3:
            raise KeyboardInterrupt
        return train_epoch(*args, **kwargs)

    monkeypatch.setattr(RecurrentLearner, "core_train_epoch", staticmethod(interrupted))
    with pytest.warns(UserWarning, match="interrupted"):
        classifier = small(max_iter=5).fit(X, y)
    assert classifier.n_iter_ == 2 and classifier.optimizer_["n_updates"] == 40


# --- scikit-learn's own checks, on a network that takes a table as sequences of one time step.


class OneStepNetwork(FittedRecurrentNetwork):
    def check_input(self, X):
        X = validate_data(self.estimator, X, dtype=np.float32, order="C", reset=False)
        return X[:, np.newaxis]


class OneStep:
    _network_class = OneStepNetwork

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags

    def _check_samples(self, X, y, sample_weight, classes=None, *, reset, **options):
        X, y = validate_data(self, X, y, dtype=np.float32, reset=reset, **self._target_checks)
        names = vars(self).pop("feature_names_in_", None)
        samples = super()._check_samples(X[:, np.newaxis], y, sample_weight, classes, reset=reset, **options)
        if names is not None:
            self.feature_names_in_ = names
        return samples


class OneStepClassifier(OneStep, SpikingRNNClassifier):
    pass


class OneStepRegressor(OneStep, SpikingRNNRegressor):
    pass


ONLINE = "batches are made of samples, and a sample of weight 2 is one sample, not two"
FAILING = {"check_sample_weight_equivalence_on_dense_data": ONLINE}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        OneStepClassifier(learning_rate_init=0.01),
        OneStepClassifier((20, 20), leak=0.5, solver="sgd", feedback="step", exit_margin=2.0, learning_rate_init=0.01),
        OneStepRegressor(learning_rate_init=0.01),
    ],
    expected_failed_checks=lambda estimator: FAILING,
)
def test_scikit_learn_checks_pass(estimator, check):
    check(estimator)


def test_the_tags_say_that_x_has_three_dimensions():
    tags = get_tags(SpikingRNNClassifier())
    assert tags.input_tags.three_d_array and not tags.input_tags.two_d_array and not tags.input_tags.sparse


def test_one_step_is_a_table():
    X, y = make_classification(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert OneStepClassifier(max_iter=60, random_state=0).fit(X, y).score(X, y) > 0.95

"""Callbacks by scikit-learn's protocol: what they see of training, and that they can end it."""
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, scale

from estimator_helpers import assert_holds, assert_same_network, held
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier

callback = pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")

SHARED = {"hidden_layer_sizes": (12,), "max_iter": 4, "random_state": 0}


def digits():
    X, y = load_digits(return_X_y=True)
    return scale(X[:200]), y[:200]


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X[:200]), scale(y[:200])


def rows_of_digits():
    X, y = digits()
    return X.reshape(-1, 8, 8), y


PROBLEMS = {
    "classifier": (SpikingMLPClassifier, digits),
    "regressor": (SpikingMLPRegressor, diabetes),
    "recurrent": (SpikingRNNClassifier, rows_of_digits),
}


@pytest.fixture(params=PROBLEMS)
def problem(request):
    estimator, load = PROBLEMS[request.param]
    return estimator(**SHARED), *load()


class Recorder:
    """Notes each hook; ends training after `stop_after` epochs; fails at the end of the task (name, id) `fail_in`."""

    def __init__(self, stop_after=None, fail_in=None):
        self.stop_after = stop_after
        self.fail_in = fail_in
        self.calls = []
        self.networks = []

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name, context.max_subtasks))

    def on_fit_task_begin(self, estimator, context, *, metadata=None):
        self.calls.append(("begin", context.task_name, context.task_id))
        self.metadata = metadata

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name, context.task_id))
        self.networks.append((fitted_estimator, X, y, fitted_estimator.score(X, y)))
        if (context.task_name, context.task_id) == self.fail_in:
            raise ArithmeticError("the callback failed")
        return context.task_name == "epoch" and self.stop_after is not None and context.task_id + 1 >= self.stop_after

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name, context.max_subtasks))


def test_hooks_are_called_around_fit_and_each_epoch(problem):
    estimator, X, y = problem
    recorder = Recorder()
    estimator.set_callbacks(recorder).fit(X, y)
    epochs = [(when, "epoch", k) for k in range(4) for when in ("begin", "end")]
    assert recorder.calls == [
        ("setup", "fit", 4),
        ("begin", "fit", 0),
        *epochs,
        ("end", "fit", 0),
        ("teardown", "fit", 4),
    ]


def test_callbacks_change_nothing_and_leave_nothing(problem):
    estimator, X, y = problem
    told = clone(estimator).set_callbacks(Recorder()).fit(X, y)
    assert_same_network(told, estimator.fit(X, y))
    assert set(vars(told)) - set(vars(estimator)) == {"_skl_callbacks"}


def test_a_callback_gets_the_network_of_each_epoch_to_keep(problem):
    estimator, X, y = problem
    estimator.set_params(learning_rate="constant", n_iter_no_change=np.inf)
    recorder = Recorder()
    with pytest.warns(match="max_iter"):
        estimator.set_callbacks(recorder).fit(X, y)
    for k, (network, X_seen, y_seen, score) in enumerate(recorder.networks[:-1], start=1):
        assert X_seen is X and y_seen is y
        assert network.n_iter_ == len(network.loss_curve_) == k
        assert network.score(X, y) == score  # later epochs have not changed it
        with pytest.warns(match="max_iter"):
            assert_same_network(network, clone(estimator).set_callbacks().set_params(max_iter=k).fit(X, y))
    assert_same_network(recorder.networks[-1][0], estimator)


def test_a_callback_ends_training_after_its_epoch(problem):
    estimator, X, y = problem
    whole = clone(estimator).set_callbacks(recorder := Recorder()).fit(X, y)
    estimator.set_callbacks(Recorder(stop_after=2)).fit(X, y)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 2
    assert estimator.loss_curve_ == whole.loss_curve_[:2]
    assert_same_network(estimator, recorder.networks[1][0])


def test_ended_by_a_callback_early_stopping_still_keeps_the_weights_that_scored_best(problem):
    estimator, X, y = problem
    estimator.set_params(early_stopping=True, learning_rate_init=1.0, validation_fraction=0.3)
    estimator.set_callbacks(recorder := Recorder(stop_after=3)).fit(X, y)
    best = int(np.argmax(estimator.validation_scores_))
    assert len(estimator.validation_scores_) == 3
    assert_same_network(estimator, recorder.networks[best][0])


@pytest.mark.parametrize("task", [("epoch", 1), ("fit", 0)], ids=str)
def test_a_callback_that_fails_leaves_the_estimator_as_it_was_and_is_torn_down(problem, task):
    estimator, X, y = problem
    recorder = Recorder(fail_in=task)
    estimator.fit(X[:100], y[:100]).set_callbacks(recorder)
    before = held(estimator) | {"_skl_callbacks": [recorder]}
    with pytest.raises(ArithmeticError, match="the callback failed"):
        estimator.fit(X, y)
    assert recorder.calls[-1][0] == "teardown"
    assert_holds(estimator, before)


def test_a_fit_that_fails_tears_its_callbacks_down(problem):
    estimator, X, y = problem
    recorder = Recorder()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        estimator.set_callbacks(recorder).fit(X, y[:-1])
    assert [when for when, *_ in recorder.calls] == ["setup", "begin", "teardown"]
    assert not hasattr(estimator, "coefs_")


def test_a_callback_is_told_the_weights_of_the_samples(problem):
    estimator, X, y = problem
    weights = np.linspace(0.5, 1.5, len(y))
    estimator.set_callbacks(recorder := Recorder()).fit(X, y, weights)
    assert recorder.metadata.keys() == {"sample_weight"}
    np.testing.assert_array_equal(recorder.metadata["sample_weight"], weights)


def test_the_scoring_monitor_logs_the_score_of_each_epoch(problem):
    estimator, X, y = problem
    metric = "accuracy" if hasattr(estimator, "predict_proba") else "r2"
    monitor = callback.ScoringMonitor(scoring=metric)
    estimator.set_callbacks(monitor).fit(X, y)
    scores = [row[metric] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 4
    assert scores[-1] == estimator.score(X, y) > scores[0]


def test_the_scoring_monitor_weighs_as_training_does(problem):
    estimator, X, y = problem
    weights = np.linspace(0.1, 1.9, len(y))
    metric = "accuracy" if hasattr(estimator, "predict_proba") else "r2"
    monitor = callback.ScoringMonitor(scoring=metric)
    estimator.set_callbacks(monitor).fit(X, y, weights)
    assert monitor.get_logs().data[-1][metric] == estimator.score(X, y, weights) != estimator.score(X, y)


def test_the_scoring_monitor_follows_the_network_through_a_search_and_a_pipeline(problem):
    estimator, X, y = problem
    metric = "accuracy" if hasattr(estimator, "predict_proba") else "r2"
    monitor = callback.ScoringMonitor(scoring=metric)
    pipeline = make_pipeline(FunctionTransformer(), estimator.set_callbacks(monitor))
    name = pipeline.steps[-1][0]
    GridSearchCV(pipeline, {f"{name}__dropout": [0.0, 0.2]}, cv=2, n_jobs=2).fit(X, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 4
    assert {row["estimator_name"] for row in epochs} == {type(estimator).__name__}


def test_the_progress_bar_counts_epochs(problem, capsys):
    pytest.importorskip("rich", reason="scikit-learn's progress bar is drawn by rich")
    estimator, X, y = problem
    estimator.set_callbacks(callback.ProgressBar()).fit(X, y)
    assert f"{type(estimator).__name__} - fit" in capsys.readouterr().out


def test_the_progress_bar_of_a_pipeline_reaches_the_network(problem, capsys):
    pytest.importorskip("rich", reason="scikit-learn's progress bar is drawn by rich")
    estimator, X, y = problem
    make_pipeline(FunctionTransformer(), estimator).set_callbacks(callback.ProgressBar()).fit(X, y)
    assert type(estimator).__name__ in capsys.readouterr().out


class Setter(Recorder):
    """Sets a parameter and attributes of the estimator in training."""

    def on_fit_task_end(self, estimator, context, **kwargs):
        estimator.n_jobs = 2
        estimator.epochs_seen_ = context.task_id
        estimator.note = "seen"
        if hasattr(estimator, "old_note"):
            del estimator.old_note


def test_a_callback_may_set_parameters_and_attributes_of_the_estimator(problem):
    estimator, X, y = problem
    estimator.old_note = "goes"
    plain = clone(estimator).fit(X, y)
    estimator.set_callbacks(Setter()).fit(X, y)
    assert estimator.n_jobs == 2
    assert estimator.epochs_seen_ == 0  # of the fit itself, which ends last
    assert estimator.note == "seen"
    assert not hasattr(estimator, "old_note")
    assert_same_network(estimator, plain)

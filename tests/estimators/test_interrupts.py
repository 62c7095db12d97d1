"""Ctrl-C: an answer within half a second, and the estimator as documented."""
import copy
import random
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from estimator_helpers import assert_holds, assert_same_network, held, held_out, small
from sk_dsn import SpikingBackprop, SpikingMLPClassifier
from sk_dsn._epochs import Learner
from sk_dsn._network import FittedNetwork
from sk_dsn.metrics import spike_counts


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:512] / 16).astype(np.float32), y[:512]


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
            for owner, name in [
                (Learner, "core_train_epoch"),
                (FittedNetwork, "core_outputs"),
                (FittedNetwork, "core_spike_counts"),
            ]:
                patch.setattr(owner, name, staticmethod(entered(getattr(owner, name))))
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
@pytest.mark.parametrize("ask", [SpikingMLPClassifier.predict, spike_counts])
def test_ctrl_c_ends_prediction(long_epoch, ctrl_c, ask, n_jobs):
    X, y = long_epoch
    estimator = large(n_jobs=n_jobs).partial_fit(X[:10], y[:10], classes=[0, 1, 2])
    answer, seconds = ctrl_c(lambda: ask(estimator, X))
    assert answer is KeyboardInterrupt
    assert seconds < 0.5


LONG = {  # a sample of each takes many seconds
    "clock-driven": {"simulation": "clock-driven"},
    "clock-driven, errors at each step": {
        "simulation": "clock-driven",
        "learning_rule": SpikingBackprop(feedback="step"),
    },
    "event-driven": {"simulation": "event-driven"},
    "event-driven, fractional": {
        "simulation": "event-driven",
        "learning_rule": SpikingBackprop(feedback="step", weight_update="fractional"),
    },
    "depth-first": {"simulation": "event-driven-depth-first"},
    "depth-first, fractional": {
        "simulation": "event-driven-depth-first",
        "learning_rule": SpikingBackprop(feedback="step", weight_update="fractional"),
    },
}
TINY = {"hidden_layer_sizes": (4,), "learning_rate_init": 1e-9, "random_state": 0}


@pytest.mark.parametrize("way", LONG)
def test_ctrl_c_ends_training_within_a_sample(ctrl_c, way):
    X, y = np.full((2, 3), 0.01), [0, 1]
    start = SpikingMLPClassifier(**TINY, **LONG[way], n_time_steps=1).partial_fit(X, y, classes=y)
    start.set_params(n_time_steps=2**24)
    before = copy.deepcopy(start)
    answer, seconds = ctrl_c(lambda: start.partial_fit(X, y))
    assert answer is KeyboardInterrupt
    assert seconds < 0.5
    assert_same_network(start, before)
    assert (start.t_, start.loss_curve_) == (before.t_, before.loss_curve_)


@pytest.mark.parametrize("ask", [SpikingMLPClassifier.predict, spike_counts])
@pytest.mark.parametrize("way", ["clock-driven", "event-driven", "depth-first"])
def test_ctrl_c_ends_prediction_within_a_sample(ctrl_c, way, ask):
    X, y = np.full((2, 3), 0.01), [0, 1]
    clf = SpikingMLPClassifier(**TINY, **LONG[way], n_time_steps=1).partial_fit(X, y, classes=y)
    answer, seconds = ctrl_c(lambda: ask(clf.set_params(n_time_steps=2**22), X))
    assert answer is KeyboardInterrupt
    assert seconds < 0.5


@pytest.mark.parametrize("simulation", ["event-driven", "event-driven-depth-first"])
def test_ctrl_c_ends_a_sample_whose_errors_multiply(ctrl_c, simulation):
    X, y = np.random.default_rng(0).random((2, 20)), [0, 1]
    rule = SpikingBackprop(feedback="step", weight_update="fractional")
    clf = SpikingMLPClassifier(
        (200, 200, 200),
        simulation=simulation,
        weight_init_scale=0.5,
        error_resolution=1000.0,
        learning_rate_init=1e-12,
        learning_rule=rule,
        random_state=0,
    )
    answer, seconds = ctrl_c(lambda: clf.partial_fit(X, y, classes=y))
    assert answer is KeyboardInterrupt
    assert seconds < 0.5
    assert not hasattr(clf, "coefs_")


def test_ctrl_c_ends_a_long_stream_by_counting(ctrl_c):
    X = np.full((2, 2**22, 3), 0.01, np.float32)
    clf = SpikingMLPClassifier(**TINY)
    answer, seconds = ctrl_c(lambda: clf.partial_fit(X, [0, 1], classes=[0, 1]))
    assert answer is KeyboardInterrupt
    assert seconds < 0.5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_weights_reached_are_kept_where_warnings_are_errors(digits, ctrl_c, early_stopping):
    endless = small(max_iter=10**7, n_iter_no_change=np.inf, early_stopping=early_stopping)

    def fit():
        with pytest.raises(UserWarning, match="interrupted: the estimator keeps"):
            endless.fit(*digits)

    ctrl_c(fit)
    assert endless.score(*digits) > 0.9
    assert endless.n_iter_ == len(endless.loss_curve_) > 1


def test_training_is_kept_where_the_warning_of_its_end_is_an_error(digits):
    expected = small(learning_rate="constant")
    with pytest.warns(ConvergenceWarning):
        expected.fit(*digits)
    clf = small(learning_rate="constant")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            clf.fit(*digits)
    assert_same_network(clf, expected)


@pytest.mark.parametrize("simulation", ["counting", "clock-driven", "event-driven", "event-driven-depth-first"])
def test_interrupted_weights_are_within_their_norm(ctrl_c, simulation):
    rng = np.random.default_rng(0)
    X, y = rng.random((20000, 50), dtype=np.float32), rng.integers(3, size=20000)
    clf = SpikingMLPClassifier((300, 300), simulation=simulation, max_norm=0.1, n_time_steps=8, random_state=0)
    with pytest.warns(UserWarning, match="interrupted"):
        ctrl_c(lambda: clf.fit(X, y))
    for weights in clf.coefs_[:-1]:
        assert np.linalg.norm(weights, axis=0).max() <= 0.1 * (1 + 1e-6)


def test_interrupted_training_that_has_diverged_is_refused(digits, monkeypatch):
    def diverge(learner, *args, **kwargs):
        learner.estimator.coefs_[0].fill(np.inf)
        raise KeyboardInterrupt

    clf = small()
    monkeypatch.setattr(Learner, "learn_epoch", diverge)
    with pytest.raises(ValueError, match="Training diverged"):
        clf.fit(*digits)
    assert not hasattr(clf, "coefs_")


def test_signals_at_random_moments_leave_a_whole_estimator(digits):
    """Before, at the end of, and within every part of `fit`: the estimator is as it was, or a network whose curves, counts
    and scores belong together."""
    X, y = digits
    rng = random.Random(0)
    kept = 0

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        for k in range(120):
            clf = small(max_iter=10**6, n_iter_no_change=np.inf, early_stopping=k % 2 == 1, max_norm=1.0)
            before = held(clf)
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.0001, 0.08))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    clf.fit(X[:100], y[:100])
            except KeyboardInterrupt:
                if not hasattr(clf, "coefs_"):
                    assert_holds(clf, before)
                    continue
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            kept += 1
            assert clf.n_iter_ == len(clf.loss_curve_)
            assert np.linalg.norm(clf.coefs_[0], axis=0).max() <= 1 + 1e-6
            if k % 2 and clf.n_iter_ > 0:
                assert len(clf.validation_scores_) == clf.n_iter_
                assert clf.best_validation_score_ == max(clf.validation_scores_)
                rows = held_out(clf, y[:100])
                assert clf.score(X[rows], y[rows]) == clf.best_validation_score_
            assert np.isfinite(clf.decision_function(X[:5])).all()
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert kept > 20

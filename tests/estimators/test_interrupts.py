"""Ctrl-C: an answer within half a second, and the estimator as documented."""
import signal
import threading
import time

import numpy as np
import pytest
from sklearn.datasets import load_digits

from estimator_helpers import assert_holds, held, held_out, small
from sk_dsn import SpikingMLPClassifier
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

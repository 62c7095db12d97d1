"""Threads in prediction: the same bits for any number, no more than are allowed, and errors from all of them."""
import copy
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import joblib
import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_predict

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn._inputs import CoreSamples
from sk_dsn._network import FittedNetwork
from sk_dsn._threads import row_blocks, thread_count
from sk_dsn.metrics import exit_steps

METHODS = ["decision_function", "predict", "predict_proba"]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


@pytest.fixture(scope="module")
def fitted(digits):
    return SpikingMLPClassifier((12,), max_iter=3, random_state=0).fit(*digits)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a few rows, so that few rows are worth many threads."""
    monkeypatch.setattr(FittedNetwork, "work_of_block", 5000.0)


@pytest.fixture
def threads_started(monkeypatch):
    """The threads that computed anything, by prediction."""
    used = []
    compute = FittedNetwork.core_outputs

    def recorded(*args, **kwargs):
        used.append(threading.get_ident())
        time.sleep(0.001)  # so that no thread is done before the others have begun
        return compute(*args, **kwargs)

    monkeypatch.setattr(FittedNetwork, "core_outputs", staticmethod(recorded))
    return used


def copy_of(estimator, **params):
    copied = type(estimator)(**estimator.get_params())
    copied.__dict__.update(vars(estimator))
    return copied.set_params(**params)


@pytest.mark.parametrize("n_jobs", [2, 3, 7, -1])
@pytest.mark.parametrize("kind", ["static", "stream"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"exit_margin": 2.0},
        {"simulation": "clock-driven", "exit_margin": 2.0},
        {"simulation": "event-driven", "neuron": "rectifying"},
    ],
    ids=str,
)
def test_any_number_of_threads_gives_the_same_bits(digits, fitted, small_blocks, n_jobs, kind, params):
    X = digits[0][:150]
    X = np.repeat(X[:, np.newaxis], 5, axis=1) if kind == "stream" else X
    alone, together = copy_of(fitted, **params), copy_of(fitted, **params, n_jobs=n_jobs)
    for method in METHODS:
        np.testing.assert_array_equal(getattr(together, method)(X), getattr(alone, method)(X), strict=True)
        stages = zip(*(getattr(e, f"staged_{method}")(X) for e in (together, alone)), strict=True)
        for of_threads, of_one in stages:
            np.testing.assert_array_equal(of_threads, of_one, strict=True)
    np.testing.assert_array_equal(exit_steps(together, X), exit_steps(alone, X), strict=True)


def test_a_regressor_has_threads_too(digits, small_blocks, threads_started):
    X, y = digits
    regressor = SpikingMLPRegressor((12,), max_iter=2, random_state=0).fit(X[:200], np.eye(10)[y[:200]])
    expected = regressor.predict(X)
    assert len(set(threads_started)) == 1
    np.testing.assert_array_equal(regressor.set_params(n_jobs=2).predict(X), expected, strict=True)
    assert len(set(threads_started)) == 2


@pytest.mark.parametrize("n_jobs", [1, 2, 4])
def test_as_many_threads_as_asked_for(digits, fitted, small_blocks, threads_started, n_jobs):
    copy_of(fitted, n_jobs=n_jobs).predict(digits[0])
    assert len(set(threads_started)) == n_jobs


def test_without_n_jobs_joblib_is_asked(digits, fitted, small_blocks, threads_started):
    fitted.predict(digits[0])
    assert len(set(threads_started)) == 1
    with joblib.parallel_config(n_jobs=3):
        fitted.predict(digits[0])
    assert len(set(threads_started)) == 3


@pytest.mark.parametrize("n_time_steps", [16, 10**6])
def test_a_single_sample_starts_no_thread(digits, fitted, small_blocks, monkeypatch, n_time_steps):
    def refuse(self):
        raise AssertionError("a thread was started")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    estimator = copy_of(fitted, n_jobs=2, n_time_steps=n_time_steps, exit_margin=1.0)
    assert estimator.predict(digits[0][:1]).shape == (1,)
    with pytest.raises(AssertionError, match="a thread was started"):
        estimator.predict(digits[0])


def test_rows_that_are_hardly_work_start_no_thread(digits, fitted, threads_started):
    copy_of(fitted, n_jobs=2).predict(digits[0][:100])
    assert len(threads_started) == 1


ALLOWED = {
    "loky": {"backend": "loky", "n_jobs": 2},
    "loky, three threads a worker": {"backend": "loky", "n_jobs": 2, "inner_max_num_threads": 3},
    "threading": {"backend": "threading", "n_jobs": 2},
}
THREADS_ALLOWED = """
import json, sys, joblib
from sk_dsn._threads import thread_count
n_cores = joblib.cpu_count()
allowed = {}
for name, config in json.loads(sys.argv[1]).items():
    with joblib.parallel_config(**config):
        counts = joblib.Parallel()(joblib.delayed(thread_count)(n) for n in (None, 1, 2, 8))
    allowed[name] = counts
print(json.dumps([n_cores, thread_count(8), allowed]))
"""


def test_joblib_workers_take_no_more_threads_than_their_share():
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", THREADS_ALLOWED, json.dumps(ALLOWED)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    n_cores, outside, allowed = json.loads(done.stdout)
    share = max(1, n_cores // 2)
    assert outside == 8
    assert allowed == {
        "loky": [1, 1, min(2, share), min(8, share)],
        "loky, three threads a worker": [1, 1, 2, 3],
        "threading": [1, 1, 1, 1],
    }


@pytest.mark.parametrize("value", ["", "many", "0", "2,3", "-4"])
def test_any_value_of_omp_num_threads_leaves_a_thread(monkeypatch, value):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        counts = joblib.Parallel()(joblib.delayed(thread_count)(4) for _ in range(2))
    assert counts == [2 if value == "2,3" else 1] * 2


def test_cross_validation_in_processes_predicts_the_same(digits):
    X, y = digits
    estimator = SpikingMLPClassifier((12,), max_iter=3, random_state=0)
    expected = cross_val_predict(estimator, X, y, cv=3)
    found = cross_val_predict(estimator.set_params(n_jobs=2), X, y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(found, expected)


def test_threads_that_use_threads_may_predict_with_one_estimator_at_once(digits, fitted, small_blocks):
    X = digits[0]
    estimator = copy_of(fitted, n_jobs=2, simulation="clock-driven", exit_margin=2.0)
    expected = [estimator.predict_proba(X[k:]) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for k, answer in enumerate(pool.map(lambda k: estimator.predict_proba(X[k % 4 :]), range(12))):
            np.testing.assert_array_equal(answer, expected[k % 4], strict=True)


def test_the_first_sample_that_fails_is_named(digits, fitted, small_blocks):
    X = digits[0].copy()
    X[[700, 333, 1500]] = 1e9
    with pytest.raises(ValueError, match="Sample 333 of X drives the network out of the range"):
        copy_of(fitted, n_jobs=4).predict(X)
    X[1000, 3] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        copy_of(fitted, n_jobs=4).predict(X)


def test_an_error_in_a_thread_is_raised_and_ends_the_others(digits, fitted, small_blocks, monkeypatch):
    calls = []
    caller = threading.get_ident()

    def fail(*args, **kwargs):
        calls.append(threading.get_ident())
        time.sleep(0.01)
        if calls[-1] != caller:
            raise MemoryError("no room")
        return -1

    monkeypatch.setattr(FittedNetwork, "core_outputs", staticmethod(fail))
    with pytest.raises(MemoryError, match="no room"):
        copy_of(fitted, n_jobs=2).predict(digits[0])
    assert len(calls) < len(row_blocks(len(digits[0]), 12 * 74, FittedNetwork.work_of_block)) / 2


@pytest.mark.parametrize("n_jobs", [0, "2"])
def test_what_is_no_number_of_threads_is_refused(digits, fitted, small_blocks, n_jobs):
    with pytest.raises(ValueError, match="n_jobs"):
        copy_of(fitted, n_jobs=n_jobs).predict(digits[0])


def test_a_sparse_matrix_is_checked_once_however_many_the_blocks(digits, fitted, small_blocks, monkeypatch):
    shown = []
    compute = FittedNetwork.core_outputs

    def recorded(network, X, out, **kwargs):
        shown.append(X)
        return compute(network, X, out, **kwargs)

    monkeypatch.setattr(FittedNetwork, "core_outputs", staticmethod(recorded))
    X, _ = digits
    np.testing.assert_array_equal(copy_of(fitted, n_jobs=2).predict(csr_array(X)), fitted.predict(X))
    of_threads = shown[:-1]
    assert len(of_threads) > 2
    assert all(isinstance(X, CoreSamples) and X is of_threads[0] for X in of_threads)


def test_rows_of_a_wide_sparse_matrix_are_as_much_work_as_what_they_hold():
    n_features = 200_000
    X = csr_array((np.ones(400, np.float32), (np.repeat(np.arange(200), 2), np.arange(400) * 400)), (200, n_features))
    estimator = SpikingMLPClassifier((50,), max_iter=1, random_state=0).fit(X, np.arange(200) % 2)
    network = FittedNetwork.of(estimator)
    assert network.work_of_look(X) == (1 + 2) * 50 + 50 * 2
    assert network.work_of_look(X[:20].toarray()) == n_features * 50 + 50 * 2


def test_a_prediction_is_of_one_state_where_another_thread_trains_meanwhile(fitted, digits):
    states = [vars(fitted), vars(copy.copy(fitted).partial_fit(*digits))]
    others = cycle(states)

    class Overtaken(SpikingMLPClassifier):
        """Whenever its weights are read, another thread has just trained it."""

        @property
        def coefs_(self):
            coefs = vars(self)["coefs_"]
            estimator.__dict__ = next(others)
            return coefs

    estimator = Overtaken()
    for state in states:
        estimator.__dict__ = state
        network = FittedNetwork.of(estimator)
        assert network.coefs is state["coefs_"]
        assert network.intercepts is state["intercepts_"]


def test_threads_that_train_at_once_leave_a_whole_loss_curve(digits):
    X, y = digits
    estimator = SpikingMLPClassifier((5,), random_state=0).partial_fit(X[:5], y[:5], classes=np.arange(10))
    seen = estimator.loss_curve_
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda k: estimator.partial_fit(X[k : k + 5], y[k : k + 5]), range(200)))
    assert len(seen) == 1
    assert estimator.n_iter_ == len(estimator.loss_curve_)


def test_ctrl_c_ends_a_long_sample_in_every_thread(digits):
    code = """
import signal, threading, time
import numpy as np
from sk_dsn import SpikingMLPClassifier
X, y = np.eye(4), [0, 1, 0, 1]
clf = SpikingMLPClassifier((4,), simulation="event-driven", n_time_steps=4, random_state=0).fit(X, y)
clf.set_params(n_time_steps=2**24 - 1, n_jobs=2)
timer = threading.Timer(0.3, lambda: (sent.append(time.process_time()), signal.raise_signal(signal.SIGINT)))
sent = []
timer.start()
try:
    clf.predict(X * 0.1)
except KeyboardInterrupt:
    print(time.process_time() - sent[0])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert float(run.stdout) < 0.5, run.stderr

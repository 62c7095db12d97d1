"""Searches in threads, processes and clusters, data that do not fit into memory, and streams from river."""
import tracemalloc

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from estimator_helpers import assert_same_network
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor

SHARED = {"hidden_layer_sizes": (12,), "max_iter": 4, "random_state": 0}
PIPELINES = {
    "classifier": make_pipeline(StandardScaler(), SpikingMLPClassifier(**SHARED)),
    "regressor": make_pipeline(StandardScaler(), SpikingMLPRegressor(**SHARED)),
}


# --- Data that do not fit into memory: before there is a cluster, whose threads take memory of their own.


def peak_of(function):
    """Bytes that Python and NumPy hold during the call at most, beyond those held before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(("dtype", "copies"), [(np.float32, 0), (np.float64, 1)])
def test_fit_copies_float32_not_at_all_and_the_rest_once(dtype, copies, early_stopping):
    rng = np.random.default_rng(0)
    X, y = rng.random((5000, 400)).astype(dtype), rng.integers(0, 3, 5000)
    clf = SpikingMLPClassifier((5,), max_iter=1, n_time_steps=1, early_stopping=early_stopping, random_state=0)
    clf.fit(X[:30], y[:30])
    size = 4 * X.size
    assert copies * size <= peak_of(lambda: clf.fit(X, y, np.ones(5000))) <= (copies + 0.1) * size


def test_learning_chunk_by_chunk_takes_the_memory_of_one_chunk_and_learns():
    X, y = load_digits(return_X_y=True)
    clf = SpikingMLPClassifier(random_state=0)

    def learn(n_chunks):
        for k in range(n_chunks):  # as if read from a file
            rows = np.arange(1000 * k, 1000 * k + 1000) % 1500
            clf.partial_fit(X[rows] / 16, y[rows], classes=range(10))

    few, many = peak_of(lambda: learn(3)), peak_of(lambda: learn(30))
    assert many < 2 * few  # what is kept of each chunk would add up to ten times
    assert clf.score(X[1500:] / 16, y[1500:]) > 0.9


# --- Searches.


@pytest.fixture(params=PIPELINES)
def problem(request):
    X, y = (load_digits if request.param == "classifier" else load_diabetes)(return_X_y=True)
    return clone(PIPELINES[request.param]), X[:300], y[:300] if request.param == "classifier" else y[:300] / 80


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="the Dask backend needs dask and distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local,
        distributed.Client(local) as client,
    ):
        yield client


@pytest.fixture(params=["loky", "threading", "dask"])
def backend(request):
    if request.param == "dask":
        request.getfixturevalue("cluster")
    with joblib.parallel_config(request.param, n_jobs=2):
        yield


SEARCHES = {
    "GridSearchCV": (GridSearchCV, {"learning_rate_init": [0.01, 0.05], "dropout": [0.0, 0.2]}, {}),
    "HalvingGridSearchCV": (
        HalvingGridSearchCV,
        {"learning_rate_init": [0.01, 0.05], "n_time_steps": [4, 16]},
        {"max_resources": 4, "factor": 2, "random_state": 0},
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_gives_the_same_wherever_it_runs(problem, backend, name):
    pipeline, X, y = problem
    search, grid, options = SEARCHES[name]
    step = pipeline.steps[-1][0]
    if name == "HalvingGridSearchCV":
        options = options | {"resource": f"{step}__max_iter"}  # more epochs for the better ones
    grid = {f"{step}__{parameter}": values for parameter, values in grid.items()}
    here, there = (search(pipeline, grid, cv=2, n_jobs=n_jobs, **options).fit(X, y) for n_jobs in (1, None))
    np.testing.assert_array_equal(there.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"])
    assert np.isfinite(here.cv_results_["mean_test_score"]).all()
    assert_same_network(there.best_estimator_[-1], here.best_estimator_[-1])
    assert set(here.best_params_) == set(grid) | ({options["resource"]} if options else set())


def test_cross_validation_gives_the_same_wherever_it_runs(problem, backend):
    pipeline, X, y = problem
    here, there = (
        cross_validate(pipeline, X, y, cv=3, n_jobs=n_jobs, return_estimator=True) for n_jobs in (1, None)
    )
    np.testing.assert_array_equal(there["test_score"], here["test_score"])
    for of_there, of_here in zip(there["estimator"], here["estimator"], strict=True):
        assert_same_network(of_there[-1], of_here[-1])


# --- river.


def test_wrapped_for_river_it_learns_one_sample_at_a_time():
    compat = pytest.importorskip("river.compat", reason="river is not installed")
    X, y = load_digits(return_X_y=True)
    model = compat.SKL2RiverClassifier(SpikingMLPClassifier(random_state=0), classes=list(range(10)))
    right = []
    for pixels, label in zip(X[:1200] / 16, y[:1200], strict=True):
        x = dict(enumerate(pixels))
        right.append(model.predict_one(x) == label)  # first asked, then told
        model.learn_one(x, label)
    assert np.mean(right[:50]) < 0.7 < 0.9 < np.mean(right[-300:])

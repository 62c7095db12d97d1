"""leak and readout in the estimators: order in time, refusals, and all that goes with a fitted network."""
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from helpers import STEPPED, estimator_parameters, streams
from sk_dsn import SpikingBackprop, SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn._parameters import dynamics_of
from sk_dsn.conversion import to_mlp
from sk_dsn.metrics import activation_sparsity, exit_steps, footprint, spike_counts, synaptic_operations, unit_spike_counts
from sk_dsn.plotting import SpikeRasterDisplay

# Behind everything else, so that the sk_dsn under test stays the one that is installed.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.data import gap_task, order_task

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- Time.


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("task", [order_task, gap_task])
def test_a_leaky_network_tells_streams_of_equal_sums_apart(task, seed):
    X, y = task(600, seed=seed)
    leaky = SpikingMLPClassifier((50,), leak=0.1, max_iter=20, random_state=seed)
    score = leaky.fit(X[:400], y[:400]).score(X[400:], y[400:])
    assert score >= (1 if task is order_task else 0.98)
    without = clone(leaky).set_params(leak=0)
    assert 0.4 < without.fit(X[:400], y[:400]).score(X[400:], y[400:]) < 0.6


@pytest.mark.parametrize("simulation", [*STEPPED, "counting"])
def test_without_leak_a_signed_network_sees_only_the_sum_of_a_stream(simulation):
    X, y, _ = streams()
    parameters = estimator_parameters(simulation=simulation, max_iter=2)
    classifier = SpikingMLPClassifier((6,), random_state=0, **parameters).fit(X, y)
    backwards, forwards = (classifier.decision_function(Z) for Z in (X[:, ::-1], X))
    np.testing.assert_allclose(backwards, forwards, rtol=0, atol=1e-6)
    if simulation != "counting":
        classifier.set_params(leak=0.25)
        assert np.abs(classifier.decision_function(X[:, ::-1]) - classifier.decision_function(X)).max() > 0.01


def test_learning_goes_through_time_with_feedback_at_each_step_too():
    X, y = order_task(600)
    parameters = {"leak": 0.1, "max_iter": 40, "random_state": 0, "readout": "mean"}
    classifier = SpikingMLPClassifier((50,), learning_rule=SpikingBackprop(feedback="step"), **parameters)
    assert classifier.fit(X[:400], y[:400]).score(X[400:], y[400:]) > 0.9


# --- Parameters.


def test_auto_is_clock_driven_with_a_leak_or_a_mean_readout():
    assert dynamics_of(SpikingMLPClassifier()).simulation == "counting"
    assert dynamics_of(SpikingMLPClassifier(leak=0.1)).simulation == "clock-driven"
    assert dynamics_of(SpikingMLPClassifier(readout="mean")).simulation == "clock-driven"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"simulation": "counting", "leak": 0.1}, "simulation='counting' needs leak=0"),
        ({"simulation": "counting", "readout": "mean"}, "simulation='counting' needs readout='last'"),
        (
            {"neuron": "rectifying", "leak": 0.1, "dropout": 0, "learning_rule": SpikingBackprop(forward_reset="keep")},
            "forward_reset='keep' needs leak=0",
        ),
    ],
    ids=["counting", "mean", "keep"],
)
@pytest.mark.parametrize("kind", [SpikingMLPClassifier, SpikingMLPRegressor])
def test_combinations_that_cannot_be_computed_are_refused(kind, parameters, message):
    X, labels, values = streams()
    with pytest.raises(ValueError, match=message):
        kind(**parameters).fit(X, labels if kind is SpikingMLPClassifier else values)


def test_a_fitted_network_predicts_with_the_leak_and_readout_that_it_has_now():
    X, y, _ = streams()
    classifier = SpikingMLPClassifier((6,), simulation="clock-driven", max_iter=2, random_state=0).fit(X, y)
    found = {}
    for leak in (0, 0.25, 1):
        for readout in ("last", "mean"):
            classifier.set_params(leak=leak, readout=readout)
            found[leak, readout] = np.array(list(classifier.staged_decision_function(X)))
            np.testing.assert_array_equal(found[leak, readout][-1], classifier.decision_function(X))
    for leak in (0, 0.25, 1):
        mean = np.cumsum(found[leak, "last"], axis=0) / np.arange(1, 5)[:, None, None]
        np.testing.assert_allclose(found[leak, "mean"], mean, rtol=1e-5, atol=1e-6)
    assert (found[0, "last"] != found[0.25, "last"]).any()


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, None, "0.1"])
def test_a_bad_leak_is_refused_by_prediction_too(value):
    X, y, _ = streams()
    classifier = SpikingMLPClassifier((6,), max_iter=1).fit(X, y).set_params(leak=value)
    with pytest.raises(ValueError, match="'leak' parameter of SpikingMLPClassifier"):
        classifier.predict(X)


# --- What goes with a fitted network.


@pytest.fixture(params=STEPPED)
def fitted(request):
    X, y, _ = streams(30)
    parameters = {"leak": 0.2, "readout": "mean", "max_iter": 3, "random_state": 0}
    return SpikingMLPClassifier((8, 6), simulation=request.param, **parameters).fit(X, y), X


def test_rows_alone_and_threads_predict_the_same_bits(fitted):
    classifier, X = fitted
    expected = classifier.decision_function(X)
    alone = np.concatenate([classifier.decision_function(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_array_equal(alone, expected)
    np.testing.assert_array_equal(classifier.set_params(n_jobs=2).decision_function(X), expected)


def test_a_saved_network_answers_the_same(fitted, tmp_path):
    classifier, X = fitted
    joblib.dump(classifier, tmp_path / "model")
    for copy in (pickle.loads(pickle.dumps(classifier)), joblib.load(tmp_path / "model")):
        np.testing.assert_array_equal(copy.decision_function(X), classifier.decision_function(X))


def test_samples_exit_by_the_answers_so_far(fitted):
    classifier, X = fitted
    margins = []
    for answer in classifier.staged_decision_function(X):
        first, second = np.sort(answer, axis=1)[:, :-3:-1].T
        margins.append(first - second)
    margin = float(np.median(margins))
    wanted = [next((t for t, m in enumerate(ms, 1) if m >= margin), 4) for ms in np.transpose(margins)]
    np.testing.assert_array_equal(exit_steps(classifier.set_params(exit_margin=margin), X), wanted)
    assert len(set(wanted)) > 1


def test_metrics_count_the_spikes_that_are_sent(fitted):
    classifier, X = fitted
    spikes = spike_counts(classifier, X)
    by_unit = unit_spike_counts(classifier, X)
    np.testing.assert_array_equal(np.stack([u.sum(axis=(2, 3)) for u in by_unit], axis=2), spikes)
    assert all((u >= 0).all() for u in by_unit)
    np.testing.assert_array_equal(synaptic_operations(classifier, X)[:, -1], spikes.sum(axis=1) @ [8, 6, 3])
    assert 0 < activation_sparsity(classifier, X) < 1
    assert footprint(classifier) > 0


def test_a_raster_of_a_leaky_network_is_drawn(fitted):
    pytest.importorskip("matplotlib").use("Agg")
    classifier, X = fitted
    display = SpikeRasterDisplay.from_estimator(classifier, X[:1])
    assert sum(int(s.sum()) for s in display.spike_counts) == spike_counts(classifier, X[:1]).sum()


def test_leaky_networks_are_converted_from_and_to_conventional_ones():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    mlp = MLPClassifier((30,), max_iter=30, random_state=0).fit(X[:1000], y[:1000])
    # Static inputs: the answer is a leaky mean of about 1 / leak time steps.
    leaky = SpikingMLPClassifier.from_mlp(mlp, leak=1 / 64, n_time_steps=64)
    assert (leaky.predict(X[1000:]) == mlp.predict(X[1000:])).mean() > 0.98
    back = to_mlp(leaky)
    np.testing.assert_allclose(back.predict_proba(X[1000:]), mlp.predict_proba(X[1000:]), atol=1e-3)


@pytest.mark.parametrize("simulation", STEPPED)
def test_a_regressor_learns_with_a_leak(simulation):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (200, 8, 5)).astype(np.float32)
    y = (X * 0.75 ** np.arange(8)[::-1, None]).sum(axis=(1, 2)) / 10  # the leaky sum
    regressor = SpikingMLPRegressor((20,), leak=0.25, simulation=simulation, max_iter=60, random_state=0)
    assert regressor.fit(X[:150], y[:150]).score(X[150:], y[150:]) > 0.9

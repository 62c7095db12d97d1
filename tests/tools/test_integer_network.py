"""IntegerNetwork: the paper's network in integers, beside its float twin."""
import copy
import pickle
import signal
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import reference_integer
from sk_dsn import PAPER_SETTINGS, SpikingBackprop, SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier
from sk_dsn._core.integer.integer_network import IntegerEngine
from sk_dsn.export import IntegerNetwork

SIMULATIONS = ["event-driven", "event-driven-depth-first"]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def random_coefs(sizes, scale=0.01, seed=0):
    rng = np.random.default_rng(seed)
    return [scale * rng.standard_normal(shape).astype(np.float32) for shape in pairwise(sizes)]


def small_network(**parameters):
    return IntegerNetwork(random_coefs((64, 20, 10), 0.1), **{"classes": np.arange(10)} | parameters)


def assert_same_network(one, other):
    for name in ("weights", "error_potentials"):
        for array, wanted in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_integers_learn_digits_as_well_as_floats(digits, simulation):
    X, y = digits
    coefs = random_coefs((64, 50, 10))
    held_out = np.arange(len(X)) % 3 == 0
    network = IntegerNetwork(coefs, simulation=simulation, classes=np.arange(10))
    floats = SpikingMLPClassifier((50,), **PAPER_SETTINGS | {"simulation": simulation, "shuffle": False})
    for epoch in range(10):
        network.learn(X[~held_out], y[~held_out])
        start = {"classes": np.arange(10), "coefs_init": coefs} if epoch == 0 else {}
        floats.partial_fit(X[~held_out], y[~held_out], **start)
    accuracy = (network.predict(X[held_out]) == y[held_out]).mean()
    assert accuracy > 0.93
    assert accuracy > floats.score(X[held_out], y[held_out]) - 0.01


@pytest.mark.parametrize("parameters", [{}, {"simulation": SIMULATIONS[1]}, {"weight_update": "sgd"}, {"hold_error": False}])
def test_learning_goes_on_where_it_stopped_from_weights_and_error_potentials(digits, parameters):
    X, y = digits
    whole, parts = small_network(**parameters), small_network(**parameters)
    record = whole.learn(X[:30], y[:30])
    rows = [parts.learn(X[k : k + 1], y[k : k + 1]) for k in range(20)]
    np.testing.assert_array_equal(record.additions[:20], [row.additions[0] for row in rows])
    resumed = small_network(**parameters)
    resumed.weights = [w.copy() for w in parts.weights]
    resumed.error_potentials = [v.copy() for v in parts.error_potentials]
    loaded = pickle.loads(pickle.dumps(copy.deepcopy(parts)))
    for network in (resumed, loaded):
        network.learn(X[20:30], y[20:30])
        assert_same_network(network, whole)
    np.testing.assert_array_equal(loaded.outputs(X), whole.outputs(X))


def test_predicting_changes_nothing_that_learning_reads(digits):
    X, y = digits
    one, other = small_network(), small_network()
    one.learn(X[:10], y[:10])
    other.learn(X[:5], y[:5])
    other.predict(X)
    other.learn(X[5:10], y[5:10])
    assert_same_network(one, other)


def test_any_number_of_error_spikes_may_travel_together(monkeypatch):
    rng = np.random.default_rng(0)
    coefs = [rng.random(shape) for shape in [(3, 4), (4, 4), (4, 2)]]
    network = IntegerNetwork(coefs, n_time_steps=2, learning_rate_init=1e-4, hold_error=False)
    oracle = reference_integer.IntegerNetwork(network.weights, network.scale, 2, hold_error=False)
    rooms = []

    def engine(*args, **kwargs):
        rooms.append(kwargs["room"])
        return IntegerEngine(*args, **kwargs)

    monkeypatch.setattr("sk_dsn.export.integer.IntegerEngine", engine)
    X, Y = rng.random((4, 3)) * 3, rng.random((4, 2)) * 3
    network.learn(X, Y)
    assert len(rooms) > 1 and rooms[-1] == 2 * rooms[-2]
    to_units = reference_integer.to_units
    for x, y in zip(X, Y, strict=True):
        oracle.learn(to_units(x, network.scale), to_units(y, network.scale))
    for array, wanted in zip(network.weights, oracle.weights, strict=True):
        np.testing.assert_array_equal(array, wanted)


def test_a_stream_of_equal_vectors_is_a_static_sample(digits):
    X, y = digits
    static, stream = small_network(n_time_steps=7), small_network(n_time_steps=7)
    stream.n_time_steps = 3
    frames = np.repeat(X[:20, np.newaxis], 7, axis=1)
    static.learn(X[:20], y[:20])
    stream.learn(frames, y[:20])
    assert_same_network(static, stream)
    np.testing.assert_array_equal(static.outputs(X[:20]), stream.outputs(frames))


def test_without_classes_targets_are_numbers():
    rng = np.random.default_rng(0)
    X = rng.random((300, 3))
    y = X.sum(axis=1)
    network = IntegerNetwork(random_coefs((3, 30, 1), 0.3), n_time_steps=20, learning_rate_init=0.005)
    for _ in range(20):
        network.learn(X, y)
    predicted = network.predict(X)
    assert predicted.shape == y.shape and predicted.dtype == np.float64
    assert np.abs(predicted - y).mean() < 0.1
    np.testing.assert_array_equal(predicted, network.outputs(X)[:, 0] / (20 * network.scale))


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_the_network_of_an_estimator_predicts_as_it_does_and_learns_on(digits, simulation):
    X, y = digits
    names = np.array([f"digit {k}" for k in range(10)])
    clf = SpikingMLPClassifier((50,), **PAPER_SETTINGS | {"simulation": simulation}, random_state=0, max_iter=8)
    with pytest.warns(match="max_iter"):
        clf.fit(X[:1200], names[y[:1200]])
    network = IntegerNetwork.from_estimator(clf)
    for weights, floats in zip(network.weights, clf.coefs_, strict=True):
        assert np.abs(weights / network.scale - floats).max() <= 1 / network.scale
    for potentials, floats in zip(network.error_potentials, clf.backward_potentials_[:-1], strict=True):
        assert np.abs(potentials / network.scale - floats).max() <= 1 / network.scale
    assert (network.predict(X[1200:]) == clf.predict(X[1200:])).mean() > 0.98
    before = (network.predict(X[1200:]) == names[y[1200:]]).mean()
    network.learn(X[:1200], names[y[:1200]])
    assert (network.predict(X[1200:]) == names[y[1200:]]).mean() > before - 0.02


def test_the_network_of_a_regressor_predicts_its_values():
    rng = np.random.default_rng(0)
    X = rng.random((200, 3)).astype(np.float32)
    regressor = SpikingMLPRegressor((20,), **PAPER_SETTINGS | {"weight_init_scale": 0.3}, random_state=0)
    with pytest.warns(match="max_iter"):
        regressor.set_params(max_iter=5).fit(X, X.sum(axis=1))
    network = IntegerNetwork.from_estimator(regressor)
    np.testing.assert_allclose(network.predict(X), regressor.predict(X), atol=0.15)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"neuron": "signed"}, "needs neuron='rectifying', got 'signed'"),
        ({"simulation": "clock-driven"}, "needs simulation='event-driven'"),
        ({"leak": 0.5}, "needs leak=0"),
        ({"fit_intercept": True}, "needs fit_intercept=False"),
        ({"normalized_step": True}, "needs normalized_step=False"),
        ({"learning_rate": "linear"}, "needs learning_rate='constant'"),
        ({"learning_rule": SpikingBackprop()}, "needs learning_rule.feedback='step'"),
        ({"learning_rate_init": 0.0}, "learning_rate_init must be a positive number"),
    ],
)
def test_an_estimator_that_integers_do_not_have_is_refused(digits, parameters, message):
    X, y = digits
    usual = PAPER_SETTINGS | {"weight_init_scale": 0.1}
    clf = SpikingMLPClassifier((10,), **usual | parameters, random_state=0)
    clf.partial_fit(X[:200], y[:200], classes=np.arange(10))
    with pytest.raises(ValueError, match=message):
        IntegerNetwork.from_estimator(clf)


def test_what_is_no_single_network_of_rectifying_neurons_is_refused(digits):
    X, y = digits
    multilabel = SpikingMLPClassifier((10,), **PAPER_SETTINGS, max_iter=1)
    with pytest.warns(match="max_iter"):
        multilabel.fit(X[:100], np.eye(10, dtype=int)[y[:100]])
    with pytest.raises(ValueError, match="one label a sample"):
        IntegerNetwork.from_estimator(multilabel)
    for estimator in (make_pipeline(MinMaxScaler(), multilabel), SpikingRNNClassifier()):
        with pytest.raises(TypeError, match="SpikingMLPClassifier or SpikingMLPRegressor is needed"):
            IntegerNetwork.from_estimator(estimator)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_time_steps": 0}, "n_time_steps"),
        ({"learning_rate_init": -1}, "learning_rate_init"),
        ({"learning_rate_init": 1e-8}, "scale"),
        ({"simulation": "clock-driven"}, "simulation"),
        ({"weight_update": "adam"}, "weight_update"),
        ({"classes": ["a"]}, "classes must hold 10"),
        ({"classes": np.arange(10)[::-1]}, "sorted"),
        ({"coefs": [np.zeros((3, 4)), np.zeros((5, 10))]}, r"weights\[1\]"),
        ({"coefs": [np.full((3, 10), np.inf)]}, "infinity"),
        ({"coefs": [np.full((3, 10), 1e6)]}, r"coefs\[0\] holds numbers above"),
    ],
)
def test_bad_parameters_are_refused_by_name(parameters, message):
    usual = {"coefs": random_coefs((64, 10)), "classes": np.arange(10)}
    with pytest.raises(ValueError, match=message):
        IntegerNetwork(**usual | parameters)


def test_bad_data_is_refused_and_leaves_the_network_as_it_was(digits):
    X, y = digits
    network = small_network()
    network.learn(X[:10], y[:10])
    before = copy.deepcopy(network)
    large = X[:10].copy()
    large[7] *= 1e9
    for bad_X, bad_y, message in [
        (X[:10, :3], y[:10], "X must have shape"),
        (X[:10], y[:9], "X has 10 samples, y has 9"),
        (X[:10], y[:10] + 5, "not among the classes"),
        (large, y[:10], "X holds numbers above"),
        (large / 1e5, y[:10], "Sample 7 of X drives the network out of 32 bits"),
        (np.where(large > 100, np.nan, large), y[:10], "NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            network.learn(bad_X, bad_y)
        assert_same_network(network, before)
    with pytest.raises(ValueError, match="negative targets"):
        small_network(classes=None).learn(X[:10], -np.ones((10, 10)))
    for bad in (network.weights[1][:3], network.weights[1].astype(np.int64), network.weights[1] + 2**30):
        network.weights[1] = bad
        with pytest.raises(ValueError, match=r"weights\[1\] must be an int32 array"):
            network.predict(X)


def test_ctrl_c_is_answered_soon_and_leaves_the_network_as_it_was():
    sizes = (50, 2000, 2000, 10)
    # In units of 1/1000 it does not overflow soon.
    network = IntegerNetwork(random_coefs(sizes, 0.1), n_time_steps=10**6, learning_rate_init=10**9, classes=np.arange(10))
    before = copy.deepcopy(network)
    sent = []

    def send():
        sent.append(time.process_time())
        signal.raise_signal(signal.SIGINT)

    for call in (lambda: network.learn(np.ones((1, 50)), [3]), lambda: network.predict(np.ones((1, 50)))):
        timer = threading.Timer(0.2, send)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            call()
        assert time.process_time() - sent[-1] < 0.5
    assert_same_network(network, before)

"""Spikes, operations and sparsity against figures worked out in NumPy from the weights."""
import copy
from itertools import pairwise

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn._network import FittedNetwork
from sk_dsn.metrics import (
    activation_sparsity,
    connection_sparsity,
    dense_operations,
    energy_estimate,
    footprint,
    neurobench_synaptic_operations,
    spike_counts,
    synaptic_operations,
    unit_spike_counts,
)

OF_A_NETWORK = [dense_operations, footprint, connection_sparsity]
OF_SAMPLES = [
    spike_counts,
    unit_spike_counts,
    synaptic_operations,
    energy_estimate,
    activation_sparsity,
    neurobench_synaptic_operations,
]


def network(coefs, intercepts=None, n_time_steps=16):
    """An estimator with exactly these weights."""
    n_hidden = [w.shape[1] for w in coefs[:-1]]
    n_in, n_out = len(coefs[0]), coefs[-1].shape[1]
    estimator = SpikingMLPClassifier(n_hidden, n_time_steps=n_time_steps, learning_rate_init=0.0, max_iter=1)
    return estimator.fit(np.zeros((n_out, n_in)), np.arange(n_out), coefs_init=coefs, intercepts_init=intercepts)


def random_network(n_units, rng, **params):
    """Weights and biases that are multiples of 1/16, for which float32 is exact."""
    coefs = [rng.integers(-16, 17, size=shape) / 16 for shape in pairwise(n_units)]
    intercepts = [rng.integers(-8, 9, size=n) / 16 for n in n_units[1:]]
    return network(coefs, intercepts, **params)


def net_counts(estimator, x):
    """Net counts N_0, …, N_T of the input and of each hidden layer: arrays of shape (T + 1, n_units)."""
    steps = np.arange(estimator.n_time_steps + 1)[:, None]
    counts = [np.ceil(steps * np.asarray(x, np.float64) - 0.5)]
    for weights, bias in zip(estimator.coefs_[:-1], estimator.intercepts_[:-1], strict=True):
        received = counts[-1] @ weights.astype(np.float64) + steps * bias.astype(np.float64)
        counts.append(np.maximum(0, np.ceil(received - 0.5)))
    return counts


def expected_spikes(estimator, X):
    """Shape (n_samples, n_time_steps, n_layers - 1)."""
    spikes = [[np.abs(np.diff(counts, axis=0)).sum(axis=1) for counts in net_counts(estimator, x)] for x in X]
    return np.array(spikes).swapaxes(1, 2)


SHAPES = [(3, 2), (4, 5, 3), (20, 17, 16, 2), (33, 40, 1, 10)]


@pytest.mark.parametrize("n_units", SHAPES, ids=str)
@pytest.mark.parametrize("n_time_steps", [1, 2, 16, 31])
def test_spikes_are_the_changes_of_the_net_counts(n_units, n_time_steps):
    rng = np.random.default_rng(len(n_units))
    estimator = random_network(n_units, rng, n_time_steps=n_time_steps)
    X = rng.integers(-24, 25, size=(30, n_units[0])) / 16
    counts = spike_counts(estimator, X)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, expected_spikes(estimator, X))
    assert (counts.sum(axis=(0, 1)) > 0).all()


def test_spikes_taken_back_count():
    # Net input counts (1, 0), (2, 1), (3, 1), (4, 1), (5, 2) make the hidden neuron's sum 1, 0, 1, 2, 1.
    estimator = network([np.array([[1.0], [-2.0]]), np.ones((1, 2))], n_time_steps=5)
    counts = spike_counts(estimator, [[1.0, 0.3125]])
    assert counts[0, :, 0].tolist() == [1, 2, 1, 1, 2]
    assert counts[0, :, 1].tolist() == [1, 1, 1, 1, 1]


def test_a_bias_makes_a_neuron_spike_without_input():
    estimator = network([np.zeros((2, 1)), np.ones((1, 2))], [np.array([0.5]), np.zeros(2)], n_time_steps=6)
    counts = spike_counts(estimator, np.zeros((1, 2)))
    assert counts[0].tolist() == [[0, 0], [0, 1], [0, 0], [0, 1], [0, 0], [0, 1]]


def test_zero_input_makes_no_spikes_and_costs_nothing():
    estimator = network([np.ones((4, 3)), np.ones((3, 2))])
    assert not spike_counts(estimator, np.zeros((5, 4))).any()
    assert not synaptic_operations(estimator, np.zeros((5, 4))).any()


def test_negative_input_spikes_and_rectified_neurons_do_not():
    estimator = network([np.ones((4, 3)), np.ones((3, 2))], n_time_steps=4)
    counts = spike_counts(estimator, -np.ones((1, 4)))
    assert counts[0].tolist() == [[4, 0]] * 4


@pytest.mark.parametrize("n_units", SHAPES, ids=str)
def test_synaptic_operations_are_spikes_times_fan_out_added_up_over_time(n_units):
    rng = np.random.default_rng(0)
    estimator = random_network(n_units, rng)
    X = rng.integers(-24, 25, size=(30, n_units[0])) / 16
    expected = np.zeros((30, 16))
    for t in range(16):
        for spikes, n_above in zip(expected_spikes(estimator, X).transpose(2, 0, 1), n_units[1:], strict=True):
            expected[:, t] += spikes[:, : t + 1].sum(axis=1) * n_above
    operations = synaptic_operations(estimator, X)
    assert operations.dtype == np.int64
    np.testing.assert_array_equal(operations, expected)


@pytest.mark.parametrize(("n_units", "operations"), [((3, 2), 6), ((4, 5, 3), 35), ((20, 17, 16, 2), 644)], ids=str)
def test_dense_operations_are_the_weights(n_units, operations):
    assert dense_operations(random_network(n_units, np.random.default_rng(0))) == operations


def test_counts_follow_the_time_steps_of_now():
    rng = np.random.default_rng(0)
    estimator = random_network((4, 5, 3), rng)
    X = rng.random((6, 4))
    longer = spike_counts(estimator, X)
    np.testing.assert_array_equal(spike_counts(estimator.set_params(n_time_steps=7), X), longer[:, :7])


def test_counts_of_a_sample_do_not_depend_on_the_others():
    rng = np.random.default_rng(0)
    estimator = random_network((4, 5, 3), rng)
    X = rng.normal(size=(20, 4))
    together = spike_counts(estimator, X)
    rows = rng.permutation(20)
    np.testing.assert_array_equal(spike_counts(estimator, X[rows]), together[rows])
    np.testing.assert_array_equal(np.concatenate([spike_counts(estimator, x[None]) for x in X]), together)


def test_counting_changes_neither_estimator_nor_input():
    rng = np.random.default_rng(0)
    estimator = random_network((4, 5, 3), rng)
    X = rng.normal(size=(20, 4)).astype(np.float32)
    kept, X_kept = copy.deepcopy(vars(estimator)), X.copy()
    for metric in OF_SAMPLES:
        metric(estimator, X)
    for metric in OF_A_NETWORK:
        metric(estimator)
    np.testing.assert_equal(vars(estimator), kept)
    np.testing.assert_array_equal(X, X_kept)


@pytest.mark.parametrize("metric", OF_A_NETWORK + OF_SAMPLES, ids=lambda metric: metric.__name__)
def test_what_is_no_fitted_network_is_refused(metric):
    X = () if metric in OF_A_NETWORK else ([[0.0]],)
    with pytest.raises(NotFittedError, match="Call 'fit'"):
        metric(SpikingMLPClassifier(), *X)
    with pytest.raises(TypeError, match="best_estimator_"):
        metric(GridSearchCV(SpikingMLPClassifier(), {}), *X)


@pytest.mark.parametrize("metric", OF_SAMPLES, ids=lambda metric: metric.__name__)
def test_samples_reach_the_network_through_its_pipeline(metric):
    X = np.random.default_rng(0).random((30, 4)) * 100
    pipeline = make_pipeline(MinMaxScaler(), SpikingMLPRegressor((5,), max_iter=1, random_state=0)).fit(X, X[:, 0])
    np.testing.assert_equal(metric(pipeline, X), metric(pipeline[-1], pipeline[0].transform(X)))
    np.testing.assert_equal(metric(make_pipeline(pipeline[-1]), X[:2]), metric(pipeline[-1], X[:2]))


@pytest.mark.parametrize("metric", OF_SAMPLES, ids=lambda metric: metric.__name__)
def test_a_stream_of_one_vector_counts_as_that_vector(metric):
    rng = np.random.default_rng(0)
    estimator = random_network((4, 5, 3), rng)
    X = rng.integers(-24, 25, size=(10, 4)) / 16
    stream = np.repeat(X[:, None], estimator.n_time_steps, axis=1)
    expected = metric(estimator, X)
    np.testing.assert_equal(metric(estimator.set_params(n_time_steps=3), stream), expected)


def expected_unit_spikes(estimator, X):
    """Spikes of each unit in each step, of either sign, by layer: arrays of shape (n_samples, T, n_units)."""
    changes = [[np.diff(counts, axis=0) for counts in net_counts(estimator, x)] for x in X]
    return [np.array(layer) for layer in zip(*changes, strict=True)]


@pytest.mark.parametrize("n_units", SHAPES, ids=str)
def test_spikes_of_units_are_their_changes_by_sign(n_units):
    rng = np.random.default_rng(0)
    estimator = random_network(n_units, rng)
    X = rng.integers(-40, 41, size=(10, n_units[0])) / 16
    for counts, changes in zip(unit_spike_counts(estimator, X), expected_unit_spikes(estimator, X), strict=True):
        np.testing.assert_array_equal(counts[..., 0], changes.clip(min=0))
        np.testing.assert_array_equal(counts[..., 1], (-changes).clip(min=0))


@pytest.mark.parametrize("simulation", ["event-driven", "event-driven-depth-first"])
def test_event_driven_units_count_their_passing_spikes(simulation):
    rng = np.random.default_rng(0)
    estimator = random_network((20, 17, 16, 2), rng)
    X = rng.integers(-24, 25, size=(30, 20)) / 16
    changes = expected_unit_spikes(estimator, X)
    estimator.set_params(simulation=simulation)
    counts = unit_spike_counts(estimator, X)
    for layer, (of_layer, of_layer_net) in enumerate(zip(counts, changes, strict=True)):
        np.testing.assert_array_equal(of_layer[..., 0] - of_layer[..., 1], of_layer_net)
        np.testing.assert_array_equal(of_layer.sum(axis=(2, 3)), spike_counts(estimator, X)[..., layer])
    assert counts[2].sum() > np.abs(changes[2]).sum()


def sparse_network(rng):
    estimator = random_network((20, 17, 16, 2), rng)
    for weights in estimator.coefs_:
        weights[rng.random(weights.shape) < 0.4] = 0
    return estimator


def test_neurobench_operations_are_those_of_binarised_matrices():
    rng = np.random.default_rng(0)
    estimator = sparse_network(rng)
    X = rng.integers(-40, 41, size=(30, 20)) / 16
    totals = {"Effective_MACs": 0, "Effective_ACs": 0, "Dense": 0}
    for layer, weights in zip(expected_unit_spikes(estimator, X), estimator.coefs_, strict=True):
        for activations in layer.reshape(-1, len(weights)):
            operations = (activations != 0)[:, None] & (weights != 0)
            graded = np.abs(activations) > 1
            totals["Effective_MACs"] += operations[graded].sum()
            totals["Effective_ACs"] += operations[~graded].sum()
            totals["Dense"] += weights.size
    assert totals["Effective_MACs"] > 0
    assert neurobench_synaptic_operations(estimator, X) == pytest.approx({name: n / 30 for name, n in totals.items()})


def test_operations_at_the_granularity_of_layers_are_graded_where_one_activation_is():
    rng = np.random.default_rng(0)
    estimator = sparse_network(rng)
    X = rng.integers(-24, 25, size=(30, 20)) / 16
    totals = {"Effective_MACs": 0, "Effective_ACs": 0}
    for layer, weights in zip(expected_unit_spikes(estimator, X), estimator.coefs_, strict=True):
        for activations in layer.reshape(-1, len(weights)):
            graded = (np.abs(activations) > 1).any()
            totals["Effective_MACs" if graded else "Effective_ACs"] += (weights[activations != 0] != 0).sum()
    operations = neurobench_synaptic_operations(estimator, X, granularity="layer")
    assert operations == pytest.approx({name: n / 30 for name, n in totals.items()} | {"Dense": operations["Dense"]})
    single = neurobench_synaptic_operations(estimator, X)
    assert 0 < single["Effective_MACs"] < operations["Effective_MACs"]
    assert sum(single.values()) == pytest.approx(sum(operations.values()))
    with pytest.raises(ValueError, match="granularity must be 'unit' or 'layer'"):
        neurobench_synaptic_operations(estimator, X, granularity="batch")


def test_event_driven_operations_are_all_accumulates():
    rng = np.random.default_rng(0)
    estimator = random_network((20, 17, 16, 2), rng).set_params(simulation="event-driven")
    for weights in estimator.coefs_:
        weights[weights == 0] = 0.5
    X = rng.integers(-40, 41, size=(30, 20)) / 16
    operations = neurobench_synaptic_operations(estimator, X)
    assert operations["Effective_MACs"] == 0
    assert operations["Effective_ACs"] == pytest.approx(synaptic_operations(estimator, X)[:, -1].mean())


def test_activation_sparsity_is_the_share_of_silent_units():
    rng = np.random.default_rng(0)
    estimator = random_network((20, 17, 16, 2), rng)
    X = rng.integers(-40, 41, size=(30, 20)) / 16
    layers = expected_unit_spikes(estimator, X)
    np.testing.assert_allclose(activation_sparsity(estimator, X, by_layer=True), [(a == 0).mean() for a in layers])
    assert activation_sparsity(estimator, X) == pytest.approx((np.concatenate(layers, axis=2) == 0).mean())
    assert activation_sparsity(estimator, np.zeros((1, 20))) < 1  # the biases


def test_sparsity_and_operations_do_not_depend_on_batches(monkeypatch):
    rng = np.random.default_rng(0)
    estimator = sparse_network(rng)
    X = rng.integers(-40, 41, size=(30, 20)) / 16
    whole = activation_sparsity(estimator, X), neurobench_synaptic_operations(estimator, X)
    monkeypatch.setattr(FittedNetwork, "numbers_of_batch", 10_000)
    network = FittedNetwork.of(estimator)
    assert len(list(network.unit_batches(network.check_input(X)))) > 5
    assert (activation_sparsity(estimator, X), neurobench_synaptic_operations(estimator, X)) == whole


def test_connection_sparsity_is_the_share_of_zero_weights():
    estimator = network([np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])])
    assert connection_sparsity(estimator) == 3 / 8


def test_footprint_is_weights_biases_potentials_and_net_counts():
    estimator = network([np.ones((4, 3)), np.ones((3, 2))])
    assert footprint(estimator) == 4 * (12 + 6 + 3 + 2 + 4 + 3 + 2 + 3)
    assert footprint(estimator.set_params(neuron="rectifying")) == 4 * (12 + 6 + 3 + 2 + 4 + 3 + 2)
    assert footprint(estimator.set_params(fit_intercept=False)) == 4 * (12 + 6 + 4 + 3 + 2)


def test_energy_is_additions_and_multiply_adds_at_their_price():
    rng = np.random.default_rng(0)
    estimator = random_network((4, 5, 3), rng)
    X = rng.random((6, 4))
    energy = energy_estimate(estimator, X)
    np.testing.assert_allclose(energy.spiking, synaptic_operations(estimator, X)[:, -1] * 0.9e-12)
    assert energy.dense == pytest.approx(35 * 4.6e-12)
    dearer = energy_estimate(estimator, X, add_energy=1.8e-12, multiply_add_energy=9.2e-12)
    np.testing.assert_allclose(dearer.spiking, 2 * energy.spiking)
    assert dearer.dense == pytest.approx(2 * energy.dense)


@pytest.mark.parametrize("count", [spike_counts, activation_sparsity, neurobench_synaptic_operations])
def test_samples_out_of_range_are_named_by_their_place_in_all_of_them(count, monkeypatch):
    clf = random_network([3, 4, 2], np.random.default_rng(0))
    monkeypatch.setattr(FittedNetwork, "numbers_of_batch", 1)
    X = np.ones((5, 3), dtype=np.float32)
    X[3] = 1e30
    with pytest.raises(ValueError, match="Sample 3 of X"):
        count(clf, X)


class Resampler:
    """As those of imbalanced-learn: it changes training data alone, and has no transform."""

    def fit_resample(self, X, y):
        return X, y


def test_pipelines_may_be_nested_frozen_and_have_steps_that_only_resample():
    rng = np.random.default_rng(0)
    X, y = rng.random((40, 4)) * 9, rng.integers(2, size=40)
    scaler = MinMaxScaler().fit(X)
    clf = SpikingMLPClassifier((5,), max_iter=2, random_state=0).fit(scaler.transform(X), y)
    expected = spike_counts(clf, scaler.transform(X))
    alone = make_pipeline(clf)
    idle = [("resample", Resampler()), ("nothing", "passthrough"), ("none", None)]
    scaled = Pipeline([("scale", scaler), *idle, ("net", clf)])
    for model in [
        make_pipeline(scaler, alone),
        make_pipeline(make_pipeline(scaler), clf),
        make_pipeline(FrozenEstimator(scaler), FrozenEstimator(alone)),
        FrozenEstimator(make_pipeline(scaler, FrozenEstimator(clf))),
        scaled,
        make_pipeline("passthrough", scaled),
    ]:
        np.testing.assert_array_equal(spike_counts(model, X), expected)
        assert dense_operations(model) == dense_operations(clf)

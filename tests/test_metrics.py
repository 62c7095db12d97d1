"""Spikes and operations against counts worked out in NumPy from the weights."""
import copy
from itertools import pairwise

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sk_dsn import SpikingMLPClassifier
from sk_dsn.metrics import dense_operations, spike_counts, synaptic_operations


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
    for metric in (spike_counts, synaptic_operations):
        metric(estimator, X)
    dense_operations(estimator)
    np.testing.assert_equal(vars(estimator), kept)
    np.testing.assert_array_equal(X, X_kept)


def test_dense_operations_of_an_unfitted_estimator_are_refused():
    with pytest.raises(NotFittedError, match="Call 'fit'"):
        dense_operations(SpikingMLPClassifier())

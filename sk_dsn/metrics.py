"""The cost of a network in spikes.

The counts are those of the spiking network, not of the processor that computed it.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.utils import Bunch

from ._network import fitted_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._typing import Float64Array, Int64Array, Network, Samples

__all__ = [
    "activation_sparsity",
    "connection_sparsity",
    "dense_operations",
    "energy_estimate",
    "exit_steps",
    "footprint",
    "neurobench_synaptic_operations",
    "spike_counts",
    "synaptic_operations",
    "unit_spike_counts",
]

_BYTES = np.dtype(np.float32).itemsize


def spike_counts(estimator: Network, X: Samples) -> Int64Array:
    """Spikes of the input and of each hidden layer in each time step.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted; a Pipeline must end with one of them.
    X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)

    Returns
    -------
    counts : ndarray of int64, shape (n_samples, n_time_steps, n_layers - 1)
        Spikes taken back included. Under "counting" those of the clock-driven simulation, which has
        the same state at each time step: the sum over units of abs(N_t - N_(t-1)), with N_t a
        unit's net count after t steps. Under "event-driven" passing spikes count too. The output
        layer does not spike, nor does any once a sample has ended by the estimator's `exit_margin`.

    See Also
    --------
    unit_spike_counts : The same by unit and sign.
    synaptic_operations : The additions that these spikes cause.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.metrics import spike_counts
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(hidden_layer_sizes=(20,), max_iter=2, random_state=0).fit(X / 16, y)
    >>> spike_counts(clf, X[:5] / 16).shape
    (5, 128, 2)
    """
    network, X = fitted_network(estimator, X)
    return network.spike_counts(X)


def unit_spike_counts(estimator: Network, X: Samples) -> list[NDArray[np.int32]]:
    """Spikes of each unit of the input and of each hidden layer in each time step, by sign.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)

    Returns
    -------
    counts : list of ndarray of int32, shape (n_samples, n_time_steps, n_units, 2)
        One array a layer, input first. [..., 0] holds positive spikes, [..., 1] negative ones: of
        input units those that stand for negative input, of signed neurons those that take a spike
        back. Their sum over units and signs is `spike_counts`. An array of all of them: keep
        n_samples small.

    See Also
    --------
    spike_counts : Summed over the units of a layer.
    """
    network, X = fitted_network(estimator, X)
    return network.unit_spike_counts(X)


def exit_steps(estimator: Network, X: Samples) -> Int64Array:
    """Time steps that the prediction of each sample takes, with the estimator's `exit_margin`.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)

    Returns
    -------
    steps : ndarray of int64, shape (n_samples,)
        The time step after which the sample ended: the first one looked at where the outputs are
        far enough apart, else the last. Under "counting" 1, 2, 4, … and the last are looked at,
        else every one. Without `exit_margin` (a regressor has none) the number of time steps.

    See Also
    --------
    synaptic_operations : What samples cost until they end.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.metrics import exit_steps
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(exit_margin=2.0, max_iter=10, random_state=0).fit(X / 16, y)
    >>> bool(exit_steps(clf, X / 16).mean() < clf.n_time_steps / 2)
    True
    """
    network, X = fitted_network(estimator, X)
    return network.exit_steps(X)


def synaptic_operations(estimator: Network, X: Samples) -> Int64Array:
    """Event accumulates of each prediction: every spike is added to each of the neurons it reaches.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)

    Returns
    -------
    operations : ndarray of int64, shape (n_samples, n_time_steps)
        Additions up to and including each time step: the sum over layers of spikes x fan-out. None
        are added once a sample has ended by `exit_margin`, so the last column is what the
        prediction takes.

    See Also
    --------
    spike_counts : The spikes that cause them.
    dense_operations : Those of the same layers without spikes.
    neurobench_synaptic_operations : NeuroBench's count, which tells accumulates from multiply-accumulates.
    exit_steps : When samples end.
    """
    network, X = fitted_network(estimator, X)
    fan_out = np.array(network.fan_out, dtype=np.int64)
    return np.cumsum(network.spike_counts(X) @ fan_out, axis=1)


def dense_operations(estimator: Network) -> int:
    """Multiply-adds of one prediction of the conventional network with the same layers.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.

    Returns
    -------
    operations : int

    See Also
    --------
    synaptic_operations : Those with spikes.
    energy_estimate : Both in joules.
    """
    return fitted_network(estimator)[0].n_weights


def energy_estimate(
    estimator: Network, X: Samples, *, add_energy: float = 0.9e-12, multiply_add_energy: float = 4.6e-12
) -> Bunch:
    """Energy of each prediction's arithmetic, by the spiking network and by the conventional one
    with the same layers.

    An estimate from counts of operations alone: memory, communication, thresholds and biases are
    left out, and on most hardware cost more.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)
    add_energy : float, default=0.9e-12
        Joules of an addition. The default is float32's in a 45 nm process at 0.9 V [1]_.
    multiply_add_energy : float, default=4.6e-12
        Joules of a multiplication (3.7e-12 [1]_) and an addition.

    Returns
    -------
    energy : Bunch
        `spiking`, ndarray of float64 of shape (n_samples,): joules of the `synaptic_operations` of
        each sample, as additions. `dense`, float: joules of the `dense_operations` of a static
        sample, as multiply-adds.

    See Also
    --------
    dense_operations : The multiply-adds without spikes.

    References
    ----------
    .. [1] M. Horowitz (2014). "Computing's energy problem (and what we can do about it)". IEEE International Solid-State
       Circuits Conference, pages 10-14.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.metrics import energy_estimate
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(n_time_steps=4, random_state=0).fit(X / 16, y)
    >>> energy = energy_estimate(clf, X / 16)
    >>> bool(energy.spiking.mean() < energy.dense)
    True
    """
    return Bunch(
        spiking=synaptic_operations(estimator, X)[:, -1] * float(add_energy),
        dense=dense_operations(estimator) * float(multiply_add_energy),
    )


def footprint(estimator: Network) -> int:
    """NeuroBench's footprint: bytes of parameters and of the state that units keep between time
    steps.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.

    Returns
    -------
    footprint : int
        Four bytes for each weight, each bias (none where `fit_intercept=False`), each unit's
        potential (an output's accumulated input) and, of signed neurons, the net count that lets
        them take spikes back. A weight of a quantised estimator has its bits, each layer's together
        in whole bytes.

    See Also
    --------
    connection_sparsity : The share of weights that are zero.

    References
    ----------
    .. [1] J. Yik et al. (2025). "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems".
       Nature Communications 16:1545.
    """
    network, _ = fitted_network(estimator)
    n_biases = sum(network.n_units[1:]) if network.fit_intercept else 0
    n_net_counts = sum(network.n_units[1:-1]) if network.dynamics.neuron == "signed" else 0
    return _weight_bytes(network) + _BYTES * (n_biases + sum(network.n_units) + n_net_counts)


def _weight_bytes(network):
    if network.grid is None:
        return _BYTES * network.n_weights
    n_weights = [w.size for w in network.coefs]
    for k, w in enumerate(network.recurrent_coefs):
        n_weights[k] += w.size
    return sum(-(-n * bits // 8) for n, bits in zip(n_weights, network.grid["bits"], strict=True))


def connection_sparsity(estimator: Network) -> float:
    """NeuroBench's connection sparsity [1]_: the fraction of weights that are zero (biases are no
    connections).

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.

    Returns
    -------
    sparsity : float

    See Also
    --------
    activation_sparsity : The same of spikes.
    footprint : The bytes of weights and state.

    References
    ----------
    .. [1] J. Yik et al. (2025). "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems".
       Nature Communications 16:1545.
    """
    network, _ = fitted_network(estimator)
    return 1 - int(network.n_connections.sum()) / network.n_weights


def activation_sparsity(estimator: Network, X: Samples, *, by_layer: bool = False) -> Float64Array | float:
    """NeuroBench's activation sparsity [1]_: the fraction of units, time steps and samples without
    a spike.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)
    by_layer : bool, default=False
        Whether to tell the layers apart.

    Returns
    -------
    sparsity : float, or ndarray of float64 of shape (n_layers - 1,)
        Over the units of the input, which quantise it to spikes, and of the hidden layers.

    See Also
    --------
    connection_sparsity : The same of weights.

    References
    ----------
    .. [1] J. Yik et al. (2025). "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems".
       Nature Communications 16:1545.
    """
    network, X = fitted_network(estimator, X)
    layers = network.n_units[:-1]
    firsts = np.cumsum([0, *layers[:-1]])
    n_active = 0
    for spikes in network.unit_batches(X):
        n_active = n_active + np.add.reduceat(np.count_nonzero(spikes, axis=(0, 1)), firsts)
    n_activations = np.array(layers) * int(network.step_counts(X).sum())
    return 1 - n_active / n_activations if by_layer else float(1 - n_active.sum() / n_activations.sum())


def neurobench_synaptic_operations(
    estimator: Network, X: Samples, *, granularity: Literal["unit", "layer"] = "unit"
) -> dict[str, float]:
    """NeuroBench's synaptic operations [1]_: effective accumulates and multiply-accumulates, and
    dense operations.

    An activation is the count that a unit sends in a time step; operations with weights of zero are
    not effective. One whose activation is a single spike, of either sign, is an accumulate (AC),
    one with a greater count a multiply-accumulate (MAC). Under "event-driven" every spike is sent
    on its own and all are ACs.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)
    granularity : {"unit", "layer"}, default="unit"
        Whether each activation counts for itself, or all operations of a layer with a sample in a
        time step are MACs as soon as one activation is more than a single spike. "layer" is how
        NeuroBench's own harness counts batches of one sample; in larger ones it makes those of the
        whole batch MACs. Both have the same sum.

    Returns
    -------
    operations : dict of str to float
        "Effective_ACs", "Effective_MACs" and "Dense" (every weight in every time step), means over
        the samples of all their time steps, under NeuroBench's names.

    See Also
    --------
    synaptic_operations : Every spike as an addition, whatever else its unit sends in the time step.

    References
    ----------
    .. [1] J. Yik et al. (2025). "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems".
       Nature Communications 16:1545.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.metrics import neurobench_synaptic_operations
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(n_time_steps=10, random_state=0).fit(X / 16, y)
    >>> operations = neurobench_synaptic_operations(clf, X / 16)
    >>> operations["Dense"]
    74000.0
    >>> operations["Effective_ACs"] + operations["Effective_MACs"] < 0.4 * operations["Dense"]
    True
    """
    if granularity not in ("unit", "layer"):
        raise ValueError(f"granularity must be 'unit' or 'layer', got {granularity!r}.")
    network, X = fitted_network(estimator, X)
    fan_out = network.n_connections
    firsts = np.cumsum([0, *network.n_units[:-2]])
    accumulates = multiply_accumulates = 0
    for spikes in network.unit_batches(X):
        if network.dynamics.is_event_driven:
            accumulates += int(spikes.sum(axis=(0, 1)) @ fan_out)
        elif granularity == "layer":
            of_layers = np.add.reduceat((spikes > 0) * fan_out, firsts, axis=2)
            graded = np.maximum.reduceat(spikes, firsts, axis=2) > 1
            accumulates += int(of_layers[~graded].sum())
            multiply_accumulates += int(of_layers[graded].sum())
        else:
            accumulates += int(np.count_nonzero(spikes == 1, axis=(0, 1)) @ fan_out)
            multiply_accumulates += int(np.count_nonzero(spikes > 1, axis=(0, 1)) @ fan_out)
    return {
        "Effective_MACs": multiply_accumulates / X.shape[0],
        "Effective_ACs": accumulates / X.shape[0],
        "Dense": float(network.step_counts(X).mean() * network.n_weights),
    }

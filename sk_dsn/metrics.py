"""What a network costs in spikes: counts of the spiking network itself, not of what the processor did to compute it."""
import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from ._base import BaseSpikingMLP, frames
from ._core.network import Network
from ._core.prediction import spike_counts as core_spike_counts
from ._settings import SIMULATIONS

# Spikes of single units are looked at in batches of about so many numbers.
BATCH_NUMBERS = 2**22
BYTES = np.dtype(np.float32).itemsize


def spiking_network(estimator, X=None):
    """The fitted network in an estimator (which it is, or whose last step it is), and X as it reaches the network."""
    if isinstance(estimator, Pipeline):
        X = X if X is None or len(estimator) == 1 else estimator[:-1].transform(X)
        estimator = estimator[-1]
    if not isinstance(estimator, BaseSpikingMLP):
        raise TypeError(
            f"A SpikingMLPClassifier or SpikingMLPRegressor, or a Pipeline that ends with one, is needed, got "
            f"{type(estimator).__name__}. Of a search, pass best_estimator_."
        )
    check_is_fitted(estimator)
    return estimator, X


def time_stepped(estimator, X):
    """A network, checked X, and core settings with a simulation that steps through time and counts the same spikes."""
    estimator, X = spiking_network(estimator, X)
    X = estimator._check_prediction_input(X)
    settings = estimator._settings(X)
    if settings["simulation"] == SIMULATIONS["counting"]:
        settings["simulation"] = SIMULATIONS["clock-driven"]
    return estimator, X, settings


def _count(estimator, X, settings, unit_layers=None, first_row=0):
    """Spikes by layer and step, shape (n_samples, n_time_steps, n_layers - 1); with `unit_layers` (the number of units of
    each of these layers) also by unit and sign, shape (n_samples, n_time_steps, sum(unit_layers), 2)."""
    tallied = unit_layers is not None and settings["simulation"] == SIMULATIONS["event-driven"]
    network = Network(*estimator._network_arrays(), stepped=True, tallied=tallied)
    shape = (X.shape[0], settings["n_time_steps"])
    counts = np.empty((*shape, network.n_layers - 1), dtype=np.int64)
    units = None if unit_layers is None else np.empty((*shape, sum(unit_layers), 2), dtype=np.int32)
    failed_row = core_spike_counts(network, settings, frames(X), counts, units)
    if failed_row >= 0:
        estimator._raise_out_of_range(X, first_row + failed_row)
    ended = np.arange(settings["n_time_steps"]) >= _exit_steps(estimator, X)[:, np.newaxis]
    counts[ended] = 0
    if units is None:
        return counts
    units[ended] = 0
    return units


def _unit_layers(estimator):
    """Units of each layer that spikes: the input and the hidden layers."""
    return [w.shape[0] for w in estimator.coefs_]


def units_by_layer(estimator, X, settings):
    """`unit_spike_counts` of checked X."""
    layers = _unit_layers(estimator)
    return np.split(_count(estimator, X, settings, layers), np.cumsum(layers)[:-1], axis=2)


def _unit_batches(estimator, X, settings):
    """Spikes of batches of samples, shape (n_rows, n_time_steps, n_units): memory does not grow with their number."""
    layers = _unit_layers(estimator)
    n_rows = max(1, BATCH_NUMBERS // (2 * sum(layers) * settings["n_time_steps"]))
    for first in range(0, X.shape[0], n_rows):
        units = _count(estimator, X[first : first + n_rows], settings, layers, first)
        yield units[..., 0] + units[..., 1]


def spike_counts(estimator, X):
    """Spikes of the input and of each hidden layer in each time step.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted; a Pipeline must end with one of them.
    X : array-like or sparse matrix of shape (n_samples, n_features), or array-like (n_samples, n_time_steps, n_features)

    Returns
    -------
    counts : ndarray of int64, shape (n_samples, n_time_steps, n_layers - 1)
        Spikes taken back included. Under "counting" those of the clock-driven simulation, which has the same state at
        each time step: the sum over units of abs(N_t - N_(t-1)), with N_t a unit's net count after t steps. Under
        "event-driven" passing spikes count too. The output layer does not spike, nor does any once a sample has ended by
        the estimator's `exit_margin`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.metrics import spike_counts
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(hidden_layer_sizes=(20,), max_iter=2, random_state=0).fit(X / 16, y)
    >>> spike_counts(clf, X[:5] / 16).shape
    (5, 16, 2)
    """
    return _count(*time_stepped(estimator, X))


def unit_spike_counts(estimator, X):
    """Spikes of each unit of the input and of each hidden layer in each time step, by sign.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features), or array-like (n_samples, n_time_steps, n_features)

    Returns
    -------
    counts : list of ndarray of int32, shape (n_samples, n_time_steps, n_units, 2)
        One array a layer, input first. [..., 0] holds positive spikes, [..., 1] negative ones: of input units those that
        stand for negative input, of signed neurons those that take a spike back. Their sum over units and signs is
        `spike_counts`. An array of all of them: keep n_samples small.
    """
    return units_by_layer(*time_stepped(estimator, X))


def exit_steps(estimator, X):
    """Time steps that the prediction of each sample takes, with the estimator's `exit_margin`.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features), or array-like (n_samples, n_time_steps, n_features)

    Returns
    -------
    steps : ndarray of int64, shape (n_samples,)
        The time step after which the sample ended: the first one looked at where the outputs are far enough apart, else
        the last. Under "counting" 1, 2, 4, … and the last are looked at, else every one. Without `exit_margin` (a
        regressor has none) the number of time steps.

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
    estimator, X = spiking_network(estimator, X)
    return _exit_steps(estimator, estimator._check_prediction_input(X))


def _exit_steps(estimator, X):
    """`exit_steps` for checked X."""
    exit_rule = estimator._exit_rule()
    if exit_rule:
        return estimator._run_network(X, **exit_rule)[1]
    return np.full(X.shape[0], estimator._settings(X)["n_time_steps"], dtype=np.int64)


def synaptic_operations(estimator, X):
    """Event accumulates of each prediction: every spike is added to each of the neurons it reaches.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features), or array-like (n_samples, n_time_steps, n_features)

    Returns
    -------
    operations : ndarray of int64, shape (n_samples, n_time_steps)
        Additions up to and including each time step: the sum over layers of spikes x fan-out. None are added once a
        sample has ended by `exit_margin`, so the last column is what the prediction takes.
    """
    estimator, X, settings = time_stepped(estimator, X)
    fan_out = np.array([w.shape[1] for w in estimator.coefs_], dtype=np.int64)
    return np.cumsum(_count(estimator, X, settings) @ fan_out, axis=1)


def dense_operations(estimator):
    """Multiply-adds of one prediction of the conventional network with the same layers.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.

    Returns
    -------
    operations : int
    """
    estimator, _ = spiking_network(estimator)
    return sum(w.size for w in estimator.coefs_)


def energy_estimate(estimator, X, *, add_energy=0.9e-12, multiply_add_energy=4.6e-12):
    """Energy of each prediction's arithmetic, by the spiking network and by the conventional one with the same layers.

    An estimate from counts of operations alone: memory, communication, thresholds and biases are left out, and on most
    hardware cost more.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features), or array-like (n_samples, n_time_steps, n_features)
    add_energy : float, default=0.9e-12
        Joules of an addition. The default is float32's in a 45 nm process at 0.9 V [1]_.
    multiply_add_energy : float, default=4.6e-12
        Joules of a multiplication (3.7e-12 [1]_) and an addition.

    Returns
    -------
    energy : Bunch
        `spiking`, ndarray of float64 of shape (n_samples,): joules of the `synaptic_operations` of each sample, as
        additions. `dense`, float: joules of the `dense_operations` of a static sample, as multiply-adds.

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


def footprint(estimator):
    """NeuroBench's footprint: bytes of parameters and of the state that units keep between time steps.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.

    Returns
    -------
    footprint : int
        Four bytes for each weight, each bias (none where `fit_intercept=False`), each unit's potential (an output's
        accumulated input) and, of signed neurons, the net count that lets them take spikes back.

    References
    ----------
    .. [1] J. Yik et al. (2025). "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems".
       Nature Communications 16:1545.
    """
    estimator, _ = spiking_network(estimator)
    n_biases = sum(b.size for b in estimator.intercepts_) if estimator.fit_intercept else 0
    n_hidden = sum(w.shape[0] for w in estimator.coefs_[1:])
    n_potentials = estimator.n_features_in_ + n_hidden + estimator.n_outputs_
    n_net_counts = n_hidden if estimator.neuron == "signed" else 0
    return BYTES * (dense_operations(estimator) + n_biases + n_potentials + n_net_counts)


def connection_sparsity(estimator):
    """NeuroBench's connection sparsity [1]_: the fraction of weights that are zero (biases are no connections).

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.

    Returns
    -------
    sparsity : float

    References
    ----------
    .. [1] J. Yik et al. (2025). "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems".
       Nature Communications 16:1545.
    """
    estimator, _ = spiking_network(estimator)
    return 1 - sum(np.count_nonzero(w) for w in estimator.coefs_) / dense_operations(estimator)


def activation_sparsity(estimator, X, *, by_layer=False):
    """NeuroBench's activation sparsity [1]_: the fraction of units, time steps and samples without a spike.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features), or array-like (n_samples, n_time_steps, n_features)
    by_layer : bool, default=False
        Whether to tell the layers apart.

    Returns
    -------
    sparsity : float, or ndarray of float64 of shape (n_layers - 1,)
        Over the units of the input, which quantise it to spikes, and of the hidden layers.

    References
    ----------
    .. [1] J. Yik et al. (2025). "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems".
       Nature Communications 16:1545.
    """
    estimator, X, settings = time_stepped(estimator, X)
    layers = _unit_layers(estimator)
    firsts = np.cumsum([0, *layers[:-1]])
    n_active = 0
    for spikes in _unit_batches(estimator, X, settings):
        n_active = n_active + np.add.reduceat(np.count_nonzero(spikes, axis=(0, 1)), firsts)
    n_activations = np.array(layers) * (X.shape[0] * settings["n_time_steps"])
    return 1 - n_active / n_activations if by_layer else float(1 - n_active.sum() / n_activations.sum())


def neurobench_synaptic_operations(estimator, X):
    """NeuroBench's synaptic operations [1]_: effective accumulates and multiply-accumulates, and dense operations.

    An activation is what a unit sends in a time step; operations with weights of zero are not effective. One whose
    activation is a single spike, of either sign, is an accumulate (AC), one with a greater count a multiply-accumulate
    (MAC). NeuroBench's own harness makes all operations of a layer in a batch MACs as soon as one activation is not a
    single spike; here each counts for itself, so that the figure of a sample does not depend on others. Under
    "event-driven" every spike is sent on its own and all are ACs.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features), or array-like (n_samples, n_time_steps, n_features)

    Returns
    -------
    operations : dict of str to float
        "Effective_ACs", "Effective_MACs" and "Dense" (every weight in every time step), means over the samples of all
        their time steps, under NeuroBench's names.

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
    estimator, X, settings = time_stepped(estimator, X)
    fan_out = np.concatenate([np.count_nonzero(w, axis=1) for w in estimator.coefs_])
    accumulates = multiply_accumulates = 0
    for spikes in _unit_batches(estimator, X, settings):
        if settings["simulation"] == SIMULATIONS["event-driven"]:
            accumulates += int(spikes.sum(axis=(0, 1)) @ fan_out)
        else:
            accumulates += int(np.count_nonzero(spikes == 1, axis=(0, 1)) @ fan_out)
            multiply_accumulates += int(np.count_nonzero(spikes > 1, axis=(0, 1)) @ fan_out)
    return {
        "Effective_MACs": multiply_accumulates / X.shape[0],
        "Effective_ACs": accumulates / X.shape[0],
        "Dense": float(settings["n_time_steps"] * dense_operations(estimator)),
    }

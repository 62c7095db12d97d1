"""What a network costs in spikes: counts of the spiking network itself, not of what the processor did to compute it."""
import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._base import frames
from ._core.network import Network
from ._core.prediction import spike_counts as core_spike_counts
from ._settings import SIMULATIONS


def spike_counts(estimator, X):
    """Spikes of the input and of each hidden layer in each time step.

    Parameters
    ----------
    estimator : SpikingMLPClassifier
        Fitted.
    X : array-like of shape (n_samples, n_features) or (n_samples, n_time_steps, n_features)

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
    X = estimator._check_prediction_input(X)
    settings = estimator._settings(X)
    if settings["simulation"] == SIMULATIONS["counting"]:
        settings["simulation"] = SIMULATIONS["clock-driven"]
    network = Network(*estimator._network_arrays(), stepped=True)
    counts = np.empty((X.shape[0], settings["n_time_steps"], network.n_layers - 1), dtype=np.int64)
    failed_row = core_spike_counts(network, settings, frames(X), counts)
    if failed_row >= 0:
        estimator._raise_out_of_range(X, failed_row)
    counts[np.arange(settings["n_time_steps"]) >= _exit_steps(estimator, X)[:, np.newaxis]] = 0
    return counts


def exit_steps(estimator, X):
    """Time steps that the prediction of each sample takes, with the estimator's `exit_margin`.

    Parameters
    ----------
    estimator : SpikingMLPClassifier or SpikingMLPRegressor
        Fitted.
    X : array-like of shape (n_samples, n_features) or (n_samples, n_time_steps, n_features)

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
    estimator : SpikingMLPClassifier
        Fitted.
    X : array-like of shape (n_samples, n_features) or (n_samples, n_time_steps, n_features)

    Returns
    -------
    operations : ndarray of int64, shape (n_samples, n_time_steps)
        Additions up to and including each time step: the sum over layers of spikes x fan-out. None are added once a
        sample has ended by `exit_margin`, so the last column is what the prediction takes.
    """
    check_is_fitted(estimator)
    fan_out = [w.shape[1] for w in estimator.coefs_]
    return np.cumsum(spike_counts(estimator, X) @ np.array(fan_out, dtype=np.int64), axis=1)


def dense_operations(estimator):
    """Multiply-adds of one prediction of the conventional network with the same layers.

    Parameters
    ----------
    estimator : SpikingMLPClassifier
        Fitted.

    Returns
    -------
    operations : int
    """
    check_is_fitted(estimator)
    return sum(w.size for w in estimator.coefs_)

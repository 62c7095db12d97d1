"""The weights that a network starts with or goes on with, and its other fitted attributes."""
from itertools import pairwise
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from ._core.network import padded_copy, padded_zeros


def start_network(estimator, coefs_init=None, intercepts_init=None):
    """Gives an estimator new weights, or those given, and the attributes of a network that has
    learned nothing.

    The estimator knows its numbers of features and of outputs.
    """
    sizes = _layer_sizes(estimator)
    shapes = list(pairwise(sizes))
    if intercepts_init is not None and not estimator.fit_intercept:
        raise ValueError("intercepts_init was passed with fit_intercept=False; set fit_intercept=True to have biases.")
    estimator.seed_ = int(check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max))
    generator = np.random.default_rng(estimator.seed_)
    estimator.coefs_ = []
    for n_in, n_out in shapes:
        scale = np.sqrt(2.0 / n_in) if estimator.weight_init_scale is None else estimator.weight_init_scale
        weights = padded_zeros(n_in, n_out)
        if coefs_init is None:
            with np.errstate(over="ignore"):
                weights[:] = generator.standard_normal((n_in, n_out), dtype=np.float32) * np.float32(scale)
        estimator.coefs_.append(weights)
    estimator.intercepts_ = [padded_zeros(1, n_out)[0] for _, n_out in shapes]
    copy_into(estimator.coefs_, coefs_init, "coefs_init")
    copy_into(estimator.intercepts_, intercepts_init, "intercepts_init")
    estimator.backward_potentials_ = [np.zeros(n_out, dtype=np.float32) for _, n_out in shapes]
    estimator.forward_potentials_ = [np.zeros(n_out, dtype=np.float32) for _, n_out in shapes]
    estimator.n_layers_ = len(sizes)
    estimator.n_iter_ = 0
    estimator.t_ = 0
    estimator.loss_curve_ = []
    estimator.validation_scores_ = None
    estimator.best_validation_score_ = None


def continue_network(estimator):
    """Gives an estimator copies of its weights to train on: the old arrays do not change."""
    sizes = _layer_sizes(estimator)
    shapes = [w.shape for w in estimator.coefs_]
    if shapes != list(pairwise(sizes)):
        raise ValueError(
            f"hidden_layer_sizes={estimator.hidden_layer_sizes!r} does not fit the weights trained so far, of shapes "
            f"{shapes}; set it back, or call fit with warm_start=False to start anew."
        )
    if not estimator.fit_intercept and any(b.any() for b in estimator.intercepts_):
        raise ValueError("The network has learned biases; set fit_intercept=True, or start anew with warm_start=False.")
    estimator.coefs_, estimator.intercepts_ = weights_copy(estimator)


def weights_copy(estimator):
    """Copies of weights and biases in the layout that training takes."""
    coefs = [padded_copy(w) for w in estimator.coefs_]
    return coefs, [padded_copy(b[np.newaxis])[0] for b in estimator.intercepts_]


def _layer_sizes(estimator):
    hidden = estimator.hidden_layer_sizes
    hidden = [hidden] if isinstance(hidden, Integral) else list(hidden)
    if any(not isinstance(n, Integral) or n < 1 for n in hidden):
        raise ValueError(f"hidden_layer_sizes must hold integers of at least 1, got {estimator.hidden_layer_sizes!r}.")
    return [estimator.n_features_in_, *(int(n) for n in hidden), estimator.n_outputs_]


def copy_into(arrays, values, name, which="one per layer above the input"):
    """Copies a user's list of arrays into arrays of the network's shapes; None changes nothing."""
    if values is None:
        return
    if not isinstance(values, (list, tuple)):
        raise ValueError(f"{name} must be a list of arrays, {which}, got {type(values).__name__}.")
    if len(values) != len(arrays):
        raise ValueError(f"{name} must hold {len(arrays)} arrays, {which}, got {len(values)}.")
    for k, (array, value) in enumerate(zip(arrays, values, strict=True)):
        with np.errstate(over="ignore"):
            value = np.asarray(value, dtype=np.float32)
        if value.shape != array.shape:
            raise ValueError(f"{name}[{k}] must have shape {array.shape}, got {value.shape}.")
        if not np.isfinite(value).all():
            raise ValueError(f"{name}[{k}] holds values that are not finite in float32.")
        array[:] = value

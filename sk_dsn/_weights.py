"""The weights that a network starts with or goes on with, and its other fitted attributes."""
from itertools import pairwise
from numbers import Integral

import numpy as np
from scipy.linalg import qr
from sklearn.utils import check_random_state

from ._compat import one_blas_thread
from ._core.network import padded_copy, padded_zeros

# Scales of the first weights, chosen by benchmarks/studies/defaults_study.py. Beyond so many
# features first-layer weights get smaller, and those of the output are smaller always: a network
# that starts with small answers fits less noise.
FULL_SCALE_FEATURES, OUTPUT_SCALE = 20, 0.3


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
    for k, (n_in, n_out) in enumerate(shapes):
        weights = padded_zeros(n_in, n_out)
        if coefs_init is None:
            weights[:] = _first_weights(generator, k, shapes, estimator.weight_init_scale)
        estimator.coefs_.append(weights)
    estimator.intercepts_ = [padded_zeros(1, n_out)[0] for _, n_out in shapes]
    _copy_into(estimator.coefs_, coefs_init, "coefs_init")
    _copy_into(estimator.intercepts_, intercepts_init, "intercepts_init")
    estimator.backward_potentials_ = [np.zeros(n_out, dtype=np.float32) for _, n_out in shapes]
    estimator.forward_potentials_ = [np.zeros(n_out, dtype=np.float32) for _, n_out in shapes]
    estimator.n_layers_ = len(sizes)
    estimator.n_iter_ = 0
    estimator.t_ = 0
    estimator.loss_curve_ = []
    estimator.validation_scores_ = None
    estimator.best_validation_score_ = None


def _first_weights(generator, k, shapes, scale):
    """Weights of layer k of layers of these shapes: normal with a standard deviation of `scale`, or
    (None) orthogonal.
    """
    if scale is None:
        weights = orthogonal(generator, *shapes[k])
        share = 1 / max(1, len(shapes) - 1) ** 2  # deep networks need their signal
        if k == 0:
            weights *= np.float32(min(1.0, (FULL_SCALE_FEATURES / shapes[0][0]) ** 0.5) ** share)
        if k == len(shapes) - 1:
            weights *= np.float32(OUTPUT_SCALE**share)
        return weights
    with np.errstate(over="ignore"):
        return generator.standard_normal(shapes[k], dtype=np.float32) * np.float32(scale)


def orthogonal(generator, n_in, n_out):
    """Weights whose shorter side is orthogonal, of He's mean square, 2 / n_in, in float32.

    Signals then neither die out nor swell in deep networks, however narrow.
    """
    normal = generator.standard_normal((max(n_in, n_out), min(n_in, n_out)), dtype=np.float32)
    with one_blas_thread():  # the number of threads changes how sums are rounded
        basis, triangle = qr(normal, mode="economic", overwrite_a=True, check_finite=False)
    basis *= np.where(np.diagonal(triangle) < 0, -1, 1).astype(np.float32)
    return (basis if n_in >= n_out else basis.T) * np.float32(np.sqrt(2 * max(1, n_out / n_in)))


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


def _copy_into(arrays, values, name):
    """Copies a user's list of arrays into arrays of the network's shapes; None changes nothing."""
    if values is None:
        return
    if not isinstance(values, (list, tuple)):
        raise ValueError(f"{name} must be a list of arrays, one per layer above the input, got {type(values).__name__}.")
    if len(values) != len(arrays):
        raise ValueError(f"{name} must hold {len(arrays)} arrays, one per layer above the input, got {len(values)}.")
    for k, (array, value) in enumerate(zip(arrays, values, strict=True)):
        with np.errstate(over="ignore"):
            value = np.asarray(value, dtype=np.float32)
        if value.shape != array.shape:
            raise ValueError(f"{name}[{k}] must have shape {array.shape}, got {value.shape}.")
        if not np.isfinite(value).all():
            raise ValueError(f"{name}[{k}] holds values that are not finite in float32.")
        array[:] = value

"""X of every kind, checked: arrays, lists, sparse matrices, frames with names, and streams.

Plain arrays and lists skip the validation of scikit-learn, which costs more than a prediction.
Checked X is C-ordered float32 of shape (n_samples, n_features), or (n_samples, n_time_steps,
n_features) for streams, or a CSR matrix of float32.
"""
import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import validate_data

from ._compat import check_sample_weight
from ._core.samples import Samples as CoreSamples


def check_input(estimator, X):
    """X to predict, checked against the features that a fitted estimator knows.

    Values of plain arrays that are not finite are left to the core, which finds them: see
    `check_finite`.
    """
    plain = _plain_input(estimator, X, reset=False)
    if plain is not None:
        return plain
    if is_stream(X):
        return _check_stream(estimator, X, reset=False)
    return _orderly(validate_data(estimator, X, accept_sparse="csr", dtype=np.float32, order="C", reset=False))


def check_training_input(estimator, X, y, target_checks, reset):
    """X and y to train on, and whether the values of X are known to be finite.

    With `reset` the estimator learns its features from X. `target_checks` are arguments of
    validate_data.
    """
    plain = _plain_input(estimator, X, reset)
    if plain is not None:
        X, y = plain, _check_targets(estimator, y, target_checks)
        if reset:
            estimator.n_features_in_ = X.shape[1]
            vars(estimator).pop("feature_names_in_", None)
        if len(X) != y.shape[0]:
            check_consistent_length(X, y)
    elif is_stream(X):
        X, y = _check_stream(estimator, X, reset), _check_targets(estimator, y, target_checks)
        check_consistent_length(X, y)
    else:
        X, y = validate_data(
            estimator, X, y, accept_sparse="csr", dtype=np.float32, order="C", reset=reset, **target_checks
        )
        X = _orderly(X)
    return X, y.toarray() if issparse(y) else y, plain is None


def check_weights(sample_weight, X):
    """A user's weights of the samples of checked X in float64, or None."""
    if sample_weight is None:
        return None
    return check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)


def combined_weights(weights, factors):
    """Checked weights times per-sample factors from the targets (class weights), in float32.

    Either may be None, which is 1 for all; so is the result where both are.
    """
    if factors is not None:
        weights = factors if weights is None else weights * factors
    if weights is None:
        return None
    with np.errstate(over="ignore"):
        weights = weights.astype(np.float32)
    if not np.isfinite(weights).all():
        raise ValueError("Sample weights (times class weights) are too large for float32; scale them to a mean of 1.")
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def check_finite(estimator, X):
    """Raises as scikit-learn does where values of a checked X are not finite."""
    X = X.reshape(-1, X.shape[-1])
    check_array(X, accept_sparse="csr", dtype=np.float32, input_name="X", estimator=estimator)


def is_stream(X):
    """Whether X has three dimensions: samples, time steps, features."""
    if isinstance(X, (list, tuple)) and len(X) > 0:
        return np.ndim(X[0]) == 2
    return getattr(X, "ndim", None) == 3


def frames(X):
    """Checked X as the core takes it: a dense static vector is a stream of one frame."""
    return X if is_stream(X) or issparse(X) else X[:, np.newaxis]


def core_samples(X):
    """The core's view of checked X."""
    return CoreSamples(frames(X))


def active_features(X):
    """How many features of a sample of checked X the core reads, on average.

    Of a sparse sample it reads the stored ones.
    """
    return 1 + X.nnz / X.shape[0] if issparse(X) else X.shape[-1]


def _plain_array(values, kinds):
    """`values` as an array of one or two dimensions, or None.

    It is None where `values` are neither an array nor a list, or of a type that is not among
    `kinds` (NumPy's letters).
    """
    if type(values) is list:
        try:
            values = np.array(values)
        except ValueError:  # ragged
            return None
    plain = type(values) is np.ndarray and values.ndim in (1, 2) and values.size > 0 and values.dtype.kind in kinds
    return values if plain else None


def _plain_input(estimator, X, reset):
    """X in float32 and C order where it is a plain array of the right shape; else None."""
    X = _plain_array(X, "fiub")
    if X is None or X.ndim != 2:
        return None
    if not reset and (X.shape[1] != estimator.n_features_in_ or hasattr(estimator, "feature_names_in_")):
        return None
    if X.dtype.char != "f":
        with np.errstate(over="ignore"):
            X = X.astype(np.float32)
    return _orderly(np.ascontiguousarray(X, dtype=np.float32))


def _check_targets(estimator, y, target_checks):
    """y as an array."""
    plain = _plain_array(y, "biufU")
    if plain is not None and (plain.dtype.kind != "f" or np.isfinite(plain).all()):
        return plain
    return validate_data(estimator, y=y, **target_checks)


def _check_stream(estimator, X, reset):
    """A stream as C-ordered float32; its features are the last axis."""
    kind = type(X[0]).__name__ if isinstance(X, (list, tuple)) else None
    X = np.asarray(X)
    if X.ndim != 3:
        raise ValueError(
            f"X is a list of {kind}, of which no array (n_samples, n_time_steps, n_features) can be made. Samples that "
            "are sparse matrices of a row each go into one sparse matrix: scipy.sparse.vstack(X)."
        )
    if X.shape[1] < 1:
        raise ValueError(f"A stream needs at least one time step; X (n_samples, n_time_steps, n_features) is {X.shape}.")
    flat = X.reshape(X.shape[0] * X.shape[1], X.shape[2])
    return _orderly(validate_data(estimator, flat, dtype=np.float32, order="C", reset=reset)).reshape(X.shape)


def _orderly(X):
    """X in an order that the core can read.

    X is copied where its numbers straddle words (as in packed records: C has no floats there), or
    where a sparse matrix has its columns in disorder or twice.
    """
    if not issparse(X):
        return X if X.flags.aligned else X.copy()
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X

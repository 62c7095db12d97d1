"""X of every kind, checked: arrays, lists, sparse matrices, frames with names, and streams.

Plain arrays and lists skip the validation of scikit-learn, which costs more than a prediction.
Checked X is C-ordered float32 of shape (n_samples, n_features), or (n_samples, n_time_steps,
n_features) for streams, or a CSR matrix of float32; of streams of unequal length `Sequences`, of
sparse ones `SparseStreams`.
"""
import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import validate_data

from ._compat import check_sample_weight
from ._core.samples import Samples as CoreSamples
from ._core.samples import rows_in_order
from ._sequences import Sequences, SparseStreams, as_sequences, check_axes, check_no_events, is_stream


def check_input(estimator, X):
    """X to predict, checked against the features that a fitted estimator knows.

    Values of plain arrays that are not finite are left to the core, which finds them: see
    `check_finite`.
    """
    plain = _plain_input(estimator, X, reset=False)
    if plain is not None:
        return plain
    check_no_events(X)
    if is_stream(X):
        return _check_stream(estimator, X, reset=False)
    _check_sparse(X)
    return _orderly(validate_data(estimator, X, accept_sparse="csr", dtype=np.float32, order="C", reset=False))


def check_training_input(estimator, X, y, target_checks, reset):
    """X and y to train on, and whether the values of X are known to be finite.

    With `reset` the estimator learns its features from X. `target_checks` are arguments of
    validate_data.
    """
    plain = _plain_input(estimator, X, reset)
    check_no_events(X)
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
        _check_sparse(X)
        X, y = validate_data(
            estimator, X, y, accept_sparse="csr", dtype=np.float32, order="C", reset=reset, **target_checks
        )
        X = _orderly(X)
    return X, y.toarray() if issparse(y) else y, plain is None


def check_weights(sample_weight, X):
    """Weights of the samples of checked X, or None where none are given."""
    if sample_weight is None:
        return None
    weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def combined_weights(weights, factors):
    """Weights of samples as the core takes them, or None where all are 1.

    `factors` are per-sample factors from the targets (class weights), or None.
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
    if isinstance(X, SparseStreams):
        X = X.csr
    elif isinstance(X, Sequences):
        X = X.frames[X.frame_numbers()]
    else:
        X = X.reshape(-1, X.shape[-1])
    check_array(X, accept_sparse="csr", dtype=np.float32, input_name="X", estimator=estimator)


def core_samples(X):
    """The core's view of checked X."""
    if isinstance(X, SparseStreams):
        return CoreSamples(X.csr, n_steps=X.shape[1], lengths=X.lengths)
    if isinstance(X, Sequences):
        return CoreSamples(X.frames[np.newaxis], lengths=X.lengths, starts=X.starts)
    # A dense static vector is a stream of one frame.
    return CoreSamples(X if is_stream(X) or issparse(X) else X[:, np.newaxis])


def active_features(X):
    """How many features of a sample of checked X the core reads each time, on average.

    Of a sparse sample it reads the stored ones.
    """
    if isinstance(X, SparseStreams):
        return 1 + X.nnz / max(1, X.shape[0] * X.shape[1])
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
    """Streams in float32: a C-ordered array, `Sequences` or `SparseStreams`."""
    X = as_sequences(X, np.float32)
    if X.ndim != 3:
        raise ValueError(f"A stream has the dimensions (n_samples, n_time_steps, n_features); X has {X.ndim} dimensions.")
    if X.shape[0] and X.shape[1] < 1:
        raise ValueError(f"A stream needs at least one time step; X (n_samples, n_time_steps, n_features) is {X.shape}.")
    if not reset:
        check_axes(X, getattr(estimator, "n_features_in_", None), type(estimator).__name__)
    if isinstance(X, SparseStreams):
        # The columns of one vector tell the features, all values that they are finite.
        vector = csr_matrix((min(1, len(X)), X.shape[2]), dtype=np.float32)
        validate_data(estimator, vector, accept_sparse="csr", reset=reset)
        csr = check_array(X.csr, accept_sparse="csr", dtype=np.float32, input_name="X", estimator=estimator)
        return _without_ends(X.with_csr(csr))
    if isinstance(X, Sequences):
        validate_data(estimator, X.frames[X.frame_numbers()], dtype=np.float32, reset=reset)
        return X
    flat = X.reshape(X.shape[0] * X.shape[1], X.shape[2])
    return _orderly(validate_data(estimator, flat, dtype=np.float32, order="C", reset=reset)).reshape(X.shape)


def _without_ends(X):
    """Sparse streams as long as the longest of them."""
    n_steps = int(X.step_counts.max())
    if n_steps == X.shape[1]:
        return X
    csr = csr_matrix((X.csr.data, X.csr.indices, X.csr.indptr), (X.shape[0], n_steps * X.shape[2]))
    return SparseStreams(csr, n_steps, X.lengths)


def _orderly(X):
    """X in an order that the core can read.

    X is copied where its numbers straddle words (as in packed records: C has no floats there), or
    where a sparse matrix has its columns in disorder or twice.
    """
    if not issparse(X):
        return X if X.flags.aligned else X.copy()
    if not rows_in_order(X.indptr, X.indices):
        X = X.copy()
        X.has_sorted_indices = X.has_canonical_format = False
        X.sum_duplicates()
    return X


def _check_sparse(X):
    """Raises ValueError where the arrays of a sparse matrix do not fit its shape.

    The compiled code of scipy, which is about to read them, would not look. The core checks the
    columns of a CSR matrix, where scipy only moves them.
    """
    if not issparse(X):
        return
    if X.format == "coo":
        sizes, indices = X.shape, [X.row, X.col]
        valid = len(X.row) == len(X.col) == len(X.data)
    elif X.format in ("csr", "csc", "bsr"):
        n_rows, n_columns = np.divide(X.shape, X.blocksize if X.format == "bsr" else 1).astype(int)
        n_lines, size = (n_columns, n_rows) if X.format == "csc" else (n_rows, n_columns)
        sizes, indices = [size], [] if X.format == "csr" else [X.indices]
        valid = (
            len(X.indptr) == n_lines + 1
            and X.indptr[0] == 0
            and (np.diff(X.indptr) >= 0).all()
            and X.indptr[-1] <= len(X.indices) == len(X.data)
        )
    else:
        return
    for size, array in zip(sizes, indices, strict=False):
        valid = valid and (len(array) == 0 or (array.min() >= 0 and array.max() < size))
    if not valid:
        raise ValueError(
            f"X is no valid sparse matrix: its arrays do not fit its shape {X.shape}. If they were changed in place, make a "
            "new matrix of them, which scipy checks."
        )

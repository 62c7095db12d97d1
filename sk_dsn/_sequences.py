"""Streams in every form: how their parts are found, and `SparseStreams`, which is public in
`sk_dsn.streams`."""
from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from scipy.sparse import csr_matrix, issparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._typing import Array, ArrayLike, Int64Array, Sparse


class SparseStreams:
    """Streams of vectors that are mostly zero, of shape (n_samples, n_time_steps, n_features).

    Only values that are stored take memory and time. Indexing with an int, a slice, an array of
    ints or a boolean mask takes samples, so that scikit-learn splits them like an array.

    Parameters
    ----------
    csr : sparse matrix of shape (n_samples, n_time_steps * n_features)
        A row a sample, time step after time step. It is taken as it is, in CSR format.
    n_time_steps : int
        Time steps of the longest sample.
    lengths : array-like of int, shape (n_samples,), default=None
        Time steps of each sample, at least 1; None: all have `n_time_steps`. What is stored behind
        the end of a sample is refused.

    Attributes
    ----------
    csr : csr_matrix
    lengths : ndarray of int64 or None
    shape : tuple
        (n_samples, n_time_steps, n_features).
    dtype : dtype
        Of the values.
    nnz : int
        Stored values.

    See Also
    --------
    StreamScaler : Scales the features of streams.
    sk_dsn.events.EventFrames : Makes them of recordings.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_dsn.streams import SparseStreams
    >>> X = SparseStreams.from_dense(np.eye(3)[np.newaxis].repeat(4, axis=0))
    >>> X
    SparseStreams(shape=(4, 3, 3), nnz=12)
    >>> X[:2].toarray().shape
    (2, 3, 3)
    """

    ndim = 3
    csr: Any
    lengths: Int64Array | None
    shape: tuple[int, int, int]

    def __init__(self, csr: Sparse, n_time_steps: int, lengths: ArrayLike | None = None) -> None:
        if not issparse(csr) or csr.ndim != 2:
            raise ValueError(
                f"csr must be a sparse matrix of shape (n_samples, n_time_steps * n_features), got {type(csr).__name__}; "
                "of dense arrays and of lists see SparseStreams.from_dense and SparseStreams.from_list."
            )
        if not isinstance(n_time_steps, Integral) or n_time_steps < 1:
            raise ValueError(f"n_time_steps must be an integer of at least 1, got {n_time_steps!r}.")
        if csr.shape[1] % n_time_steps:
            raise ValueError(
                f"{csr.shape[1]} columns are no whole number of features at each of n_time_steps={n_time_steps} steps."
            )
        csr = csr_matrix(csr)
        if not csr.has_canonical_format:
            csr = csr.copy()
            csr.sum_duplicates()
        self.csr = csr
        self.shape = (csr.shape[0], int(n_time_steps), csr.shape[1] // int(n_time_steps))
        self.lengths = None if lengths is None else self._checked_lengths(lengths)

    def _checked_lengths(self, lengths):
        lengths = np.asarray(lengths)
        if lengths.shape != self.shape[:1] or lengths.dtype.kind not in "iu":
            raise ValueError(f"lengths must hold {self.shape[0]} integers, one a sample.")
        lengths = lengths.astype(np.int64)
        if len(lengths) and not (lengths.min() >= 1 and lengths.max() <= self.shape[1]):
            raise ValueError(f"lengths must be from 1 to n_time_steps={self.shape[1]}; an empty sequence is no sample.")
        stored = np.diff(self.csr.indptr) > 0
        last = np.maximum.reduceat(self.csr.indices, self.csr.indptr[:-1][stored]) if stored.any() else []
        if (last >= (lengths * self.shape[2])[stored]).any():
            raise ValueError("Values are stored behind the end of a sample, which lengths says.")
        return lengths

    @classmethod
    def from_dense(cls, X: ArrayLike) -> SparseStreams:
        """Sparse streams of a 3-D array, whose ends may be NaN, or of a list of arrays.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_time_steps, n_features)

        Returns
        -------
        X : SparseStreams
        """
        if is_list(X):
            return cls.from_list(X)
        X = np.asarray(X)
        if X.ndim != 3:
            raise ValueError(f"Streams have the shape (n_samples, n_time_steps, n_features), X has {X.shape}.")
        lengths = nan_lengths(X)
        if lengths is not None:
            X = np.where(np.arange(X.shape[1])[:, np.newaxis] < lengths[:, np.newaxis, np.newaxis], X, 0)
        return cls(csr_matrix(X.reshape(len(X), -1)), X.shape[1], lengths)

    @classmethod
    def from_list(cls, streams: Sequence[ArrayLike | Sparse]) -> SparseStreams:
        """Sparse streams of a list of arrays, or of sparse matrices, of shape (n_time_steps_i,
        n_features).

        Parameters
        ----------
        streams : list

        Returns
        -------
        X : SparseStreams
        """
        streams = [csr_matrix(x) for x in streams]
        if not streams:
            raise ValueError("The list of streams is empty.")
        lengths = np.array([x.shape[0] for x in streams], dtype=np.int64)
        _check_widths(sorted({x.shape[1] for x in streams}), lengths)
        n_features = streams[0].shape[1]
        rows = [x.tocoo() for x in streams]
        columns = np.concatenate([x.row.astype(np.int64) * n_features + x.col for x in rows])
        indptr = np.concatenate([[0], np.cumsum([x.nnz for x in rows])])
        data = np.concatenate([x.data for x in rows])
        n_time_steps = int(lengths.max())
        csr = csr_matrix((data, columns, indptr), (len(streams), n_time_steps * n_features))
        return cls(csr, n_time_steps, None if (lengths == n_time_steps).all() else lengths)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.csr.dtype

    @property
    def nnz(self) -> int:
        return self.csr.nnz

    @property
    def step_counts(self) -> Int64Array:
        """Time steps of each sample, shape (n_samples,)."""
        return np.full(self.shape[0], self.shape[1]) if self.lengths is None else self.lengths

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"SparseStreams(shape={self.shape}, nnz={self.nnz})"

    @overload
    def __getitem__(self, key: int) -> Array: ...
    @overload
    def __getitem__(self, key: slice | ArrayLike) -> SparseStreams: ...
    def __getitem__(self, key):
        if isinstance(key, tuple):
            rest = [part for part in key[1:] if part is not Ellipsis and part != slice(None)]
            if rest:
                raise IndexError("SparseStreams are indexed by samples alone; toarray() has time steps and features.")
            key = key[0]
        if isinstance(key, Integral):
            if not -len(self) <= key < len(self):
                raise IndexError(f"sample {key} is not there: X has {len(self)} samples.")
            return self[[key]].toarray()[0]
        if not isinstance(key, slice):
            key = np.asarray(key)
            key = key if key.size else key.astype(np.intp)
        picked = object.__new__(SparseStreams)
        picked.csr = self.csr[key]
        picked.shape = (picked.csr.shape[0], *self.shape[1:])
        picked.lengths = None if self.lengths is None else self.lengths[key]
        return picked

    def with_csr(self, csr: Sparse) -> SparseStreams:
        """Streams of the same shape and lengths with other values."""
        return SparseStreams(csr, self.shape[1], self.lengths)

    def toarray(self) -> Array:
        """A dense 3-D array. The ends of shorter samples are NaN."""
        X = self.csr.toarray().reshape(self.shape)
        if self.lengths is None or (self.lengths == self.shape[1]).all():
            return X
        ended = np.arange(self.shape[1]) >= self.lengths[:, np.newaxis]
        return np.where(ended[..., np.newaxis], np.nan, X).astype(np.result_type(X.dtype, np.float32))


class Sequences:
    """Dense streams of unequal length, as checked X: vectors one after the other, and where each
    sample starts and how long it is."""

    ndim = 3

    def __init__(self, frames, starts, lengths):
        self.frames = frames  # (n_vectors, n_features)
        self.starts = starts  # int64, (n_samples,)
        self.lengths = lengths  # int64, (n_samples,)

    @property
    def shape(self):
        return len(self.lengths), int(self.lengths.max()) if len(self.lengths) else 0, self.frames.shape[1]

    @property
    def step_counts(self):
        return self.lengths

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, key):
        return Sequences(self.frames, self.starts[key], self.lengths[key])

    def toarray(self):
        """A 3-D array. The ends of shorter samples are zero."""
        X = np.zeros(self.shape, dtype=self.frames.dtype)
        for row, start, length in zip(X, self.starts, self.lengths, strict=True):
            row[:length] = self.frames[start : start + length]
        return X

    def frame_numbers(self):
        """The vectors of all samples, in order."""
        return np.concatenate([np.arange(s, s + n) for s, n in zip(self.starts, self.lengths, strict=True)])


def is_list(X):
    """Whether X is a list of samples: a list, a tuple, or an array of objects, which scikit-learn
    splits and shuffles as it does lists."""
    return isinstance(X, (list, tuple)) or (type(X) is np.ndarray and X.dtype.kind == "O" and X.ndim == 1)


def is_stream(X):
    """Whether X has three dimensions: samples, time steps, features.

    Raises ValueError for a list of samples of one dimension and unequal length, which is neither a
    table nor a list of streams.
    """
    if not is_list(X):
        return getattr(X, "ndim", None) == 3
    if len(X) and _ndim(X[0]) == 2:
        return True
    dimensions = [_ndim(x) for x in X]
    if dimensions and set(dimensions) <= {1} and len({len(x) for x in X}) > 1:
        raise ValueError(
            "X is a list of series of one dimension and unequal length. Streams of one feature have the shape "
            "(n_time_steps_i, 1): pass [np.asarray(x)[:, None] for x in X]."
        )
    if 2 in dimensions:
        _refuse_dimensions(dimensions)
    return False


def check_no_events(X):
    """Raises ValueError where X is a recording of events, or a list of them."""
    dtype = getattr(X[0] if is_list(X) and len(X) else X, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.fields is not None:
        raise ValueError(
            f"X holds records with the fields {', '.join(dtype.names)}. Estimators take recordings of events behind "
            "EventFrames, a list of them: make_pipeline(sk_dsn.events.EventFrames(sensor_size, time_step), estimator)."
        )


def _refuse_dimensions(dimensions):
    found = " and ".join(map(str, sorted(set(dimensions), key=str)))
    raise ValueError(f"X is a list whose samples have {found} dimensions; streams have two: (n_time_steps_i, n_features).")


def _ndim(x):
    """The dimensions of a sample, or None where it is ragged itself."""
    try:
        return x.ndim if hasattr(x, "ndim") else np.ndim(x)
    except ValueError:
        return None


def step_counts(X):
    """Time steps of each sample of checked streams, shape (n_samples,)."""
    return X.step_counts if isinstance(X, (Sequences, SparseStreams)) else np.full(X.shape[0], X.shape[1])


def nan_lengths(X):
    """Time steps of each sample of a 3-D array whose ends are NaN, or None where none are."""
    if X.dtype.kind != "f" or not X.size or not np.isnan(X[:, -1]).all(axis=1).any():
        return None
    missing = np.isnan(X).all(axis=2)
    lengths = X.shape[1] - np.argmin(missing[:, ::-1], axis=1)
    lengths[missing.all(axis=1)] = 0
    if not lengths.all():
        raise ValueError(f"Sample {np.argmin(lengths)} of X is an empty sequence: all its time steps are NaN.")
    return lengths.astype(np.int64)


def as_sequences(X, dtype):
    """Unchecked streams as a 3-D array, `Sequences` or `SparseStreams`, with values of `dtype`.

    Values may not be finite, except that ends of NaN are cut off.
    """
    if isinstance(X, (Sequences, SparseStreams)):
        return X
    if issparse(X):
        raise ValueError(
            "X is a sparse array of three dimensions. Make streams of it, of its coordinates (samples, time steps, "
            "features): SparseStreams(csr_matrix((X.data, (i, t * n_features + f)), (n_samples, n_time_steps * "
            "n_features)), n_time_steps)."
        )
    if is_list(X):
        if any(issparse(x) for x in X):
            raise ValueError(
                "X is a list of sparse matrices. Where each is a stream (n_time_steps_i, n_features), pass "
                "SparseStreams.from_list(X); where each is a row, scipy.sparse.vstack(X)."
            )
        arrays = [np.asarray(x) for x in X]
        if any(x.ndim != 2 for x in arrays):
            _refuse_dimensions([x.ndim for x in arrays])
        if len({x.shape for x in arrays}) > 1:
            return _sequences_of_list(arrays, dtype)
        X = np.stack(arrays)
    X = np.asarray(X)
    lengths = nan_lengths(X)
    if lengths is None:
        return X
    frames = np.ascontiguousarray(X, dtype=dtype).reshape(-1, X.shape[2])
    return Sequences(frames, np.arange(len(X), dtype=np.int64) * X.shape[1], lengths)


def _sequences_of_list(X, dtype):
    lengths = np.array([len(x) for x in X], dtype=np.int64)
    widths = sorted({x.shape[1] for x in X})
    if any(x.dtype.kind == "c" for x in X):
        raise ValueError("Complex data not supported: X holds complex numbers.")
    if not lengths.all():
        raise ValueError(f"Sample {np.argmin(lengths)} of X is an empty sequence: it has no time steps.")
    _check_widths(widths, lengths)
    with np.errstate(over="ignore"):
        frames = np.concatenate([x.astype(dtype, order="C") for x in X])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return Sequences(frames, starts, lengths)


def _check_widths(widths, lengths):
    """Raises where the streams of a list differ in features."""
    if len(widths) > 1:
        swapped = len(set(lengths)) == 1
        hint = " If their axes are (n_features, n_time_steps_i), pass [x.T for x in X]." if swapped else ""
        raise ValueError(
            f"The arrays of a list must have the shape (n_time_steps_i, n_features) with the same features, but they have "
            f"{', '.join(map(str, widths[:5]))}{', …' if len(widths) > 5 else ''} of them.{hint}"
        )


def check_axes(X, n_features, taker):
    """Raises where X has features and time steps in each other's place."""
    if X.shape[2] != n_features == X.shape[1]:
        raise ValueError(
            f"X has {X.shape[2]} features, but {taker} is expecting {n_features} features as input. X has the shape "
            f"{X.shape}, as if its axes were (n_samples, n_features, n_time_steps); pass X.transpose(0, 2, 1)."
        )

"""Streams: samples that are sequences of vectors, sparse ones, their scaling, and live ones.

All estimators take streams as 3-D arrays of shape (n_samples, n_time_steps, n_features), as lists
of arrays of shape (n_time_steps_i, n_features), as 3-D arrays whose ends are NaN, and as
`SparseStreams`. A signed network without `leak` sees only the sum of a stream.

Examples
--------
Which of two features is active first? Streams of 10 to 14 steps, a search over the leak, a model
that is saved and loaded, and an answer after each time step:

>>> import tempfile
>>> import joblib
>>> import numpy as np
>>> from sklearn.model_selection import GridSearchCV, train_test_split
>>> from sklearn.pipeline import make_pipeline
>>> from sk_dsn import SpikingMLPClassifier
>>> from sk_dsn.streams import StreamScaler
>>> rng = np.random.default_rng(0)
>>> y = rng.integers(0, 2, 300)
>>> X = [rng.normal(scale=0.5, size=(rng.integers(10, 15), 2)) for _ in y]
>>> for x, label in zip(X, y):
...     x[1:4, label] += 4
...     x[6:9, 1 - label] += 4
>>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
>>> network = SpikingMLPClassifier((20,), max_iter=20, random_state=0)
>>> pipeline = make_pipeline(StreamScaler(), network)
>>> search = GridSearchCV(pipeline, {"spikingmlpclassifier__leak": [0, 0.1, 0.3]}, cv=3)
>>> search = search.fit(X_train, y_train)
>>> search.best_params_["spikingmlpclassifier__leak"] > 0
True
>>> search.score(X_test, y_test) > 0.95
True
>>> with tempfile.TemporaryDirectory() as folder:
...     file = joblib.dump(search.best_estimator_, f"{folder}/model.joblib")[0]
...     loaded = joblib.load(file)
>>> bool((loaded.predict(X_test) == search.predict(X_test)).all())
True
>>> scaled = loaded[:-1].transform(X_test)
>>> staged = [float((labels == y_test).mean()) for labels in loaded[-1].staged_predict(scaled)]
>>> len(staged)
14
>>> staged[0] < staged[-1]
True
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._compat import DocumentationLink
from ._sequences import Sequences, SparseStreams, as_sequences, check_axes, is_list, is_stream
from ._stream import ClassifierStream, LiveStream

if TYPE_CHECKING:
    from ._typing import Float64Array, Streams

__all__ = ["ClassifierStream", "LiveStream", "SparseStreams", "StreamScaler"]


class StreamScaler(DocumentationLink, OneToOneFeatureMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Standardise the features of streams: each to mean 0 and standard deviation 1 over all samples
    and time steps.

    Parameters
    ----------
    with_mean : bool, default=True
        Whether to subtract the mean. Sparse streams would not stay sparse: for them it must be
        False.
    with_std : bool, default=True
        Whether to divide by the standard deviation; of sparse streams it counts the zeros too.

    Attributes
    ----------
    mean_ : ndarray of float64, shape (n_features,)
        Mean of each feature.
    var_ : ndarray of float64, shape (n_features,)
        Variance of each feature.
    scale_ : ndarray of float64, shape (n_features,)
        Divisor of each feature; 1 where a feature is constant, and without `with_std`.
    n_samples_seen_ : int
        Vectors seen: time steps of all samples.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    SparseStreams : Streams that are mostly zero.
    sklearn.preprocessing.StandardScaler : The same for static vectors.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_dsn.streams import StreamScaler
    >>> X = [np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([[5.0, 2.0]])]
    >>> scaler = StreamScaler().fit(X)
    >>> scaler.mean_
    array([3., 2.])
    >>> [x.shape for x in scaler.transform(X)]
    [(2, 2), (1, 2)]
    """

    mean_: Float64Array
    var_: Float64Array
    scale_: Float64Array
    n_samples_seen_: int
    n_features_in_: int

    def __init__(self, *, with_mean: bool = True, with_std: bool = True) -> None:
        self.with_mean = with_mean
        self.with_std = with_std

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Streams, y: Any = None) -> Self:
        """Learn mean and scale.

        Parameters
        ----------
        X : streams
            As the estimators take them.
        y : ignored

        Returns
        -------
        self : StreamScaler
        """
        for name in ("mean_", "var_", "scale_", "n_samples_seen_", "n_features_in_"):
            vars(self).pop(name, None)
        return self.partial_fit(X)

    def partial_fit(self, X: Streams, y: Any = None) -> Self:
        """Learn from more streams.

        Parameters
        ----------
        X : streams
        y : ignored

        Returns
        -------
        self : StreamScaler
        """
        X = self._checked(X, reset=not hasattr(self, "mean_"))
        n, mean, var = _moments(X)
        if hasattr(self, "mean_"):
            seen, total = self.n_samples_seen_, self.n_samples_seen_ + n
            apart = mean - self.mean_
            var = (seen * self.var_ + n * var + apart**2 * seen * n / total) / total
            mean = self.mean_ + apart * n / total
            n = total
        self.n_samples_seen_, self.mean_, self.var_ = int(n), mean, var
        scale = np.sqrt(var)
        constant = scale <= 10 * np.finfo(np.float64).eps * np.maximum(1, np.abs(mean))
        self.scale_ = np.where(constant, 1.0, scale) if self.with_std else np.ones_like(mean)
        return self

    def transform(self, X: Streams) -> Any:
        """Scale streams.

        Parameters
        ----------
        X : streams

        Returns
        -------
        X : streams
            Of the kind given: 3-D array (with its NaN ends), list of arrays, or SparseStreams.
        """
        check_is_fitted(self)
        return self._map(X, lambda values: (values - self._shift()) / self.scale_, 1 / self.scale_)

    def inverse_transform(self, X: Streams) -> Any:
        """Undo `transform`.

        Parameters
        ----------
        X : streams

        Returns
        -------
        X : streams
        """
        check_is_fitted(self)
        return self._map(X, lambda values: values * self.scale_ + self._shift(), self.scale_)

    def _shift(self):
        return self.mean_ if self.with_mean else 0.0

    def _map(self, X, dense, factors):
        checked = self._checked(X, reset=False)
        if isinstance(checked, SparseStreams):
            csr = checked.csr
            data = (csr.data * factors[csr.indices % checked.shape[2]]).astype(np.result_type(csr.dtype, np.float32))
            return checked.with_csr(csr_matrix((data, csr.indices, csr.indptr), csr.shape))
        if is_list(X):
            return [dense(np.asarray(x, dtype=np.float64)) for x in X]
        return dense(np.asarray(X, dtype=np.float64))

    def _checked(self, X, reset):
        if not is_stream(X):
            raise ValueError(
                f"Streams of shape (n_samples, n_time_steps, n_features) are needed, got "
                f"{'a sparse matrix' if issparse(X) else f'{np.ndim(X)} dimension(s)'}. Static vectors are scaled by "
                "sklearn.preprocessing.StandardScaler."
            )
        X = as_sequences(X, np.float64)
        if isinstance(X, SparseStreams) and self.with_mean:
            raise ValueError("Sparse streams would not stay sparse without their mean; set with_mean=False.")
        _check_finite(X)
        if reset:
            self.n_features_in_ = X.shape[2]
        check_axes(X, self.n_features_in_, type(self).__name__)
        if X.shape[2] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[2]} features, but {type(self).__name__} is expecting {self.n_features_in_} features as "
                "input."
            )
        return X


def _check_finite(X):
    """Raises where a value of streams is not finite. Ends of NaN are no values."""
    values = X.csr.data if isinstance(X, SparseStreams) else X.frames[X.frame_numbers()] if isinstance(X, Sequences) else X
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise ValueError("Input X contains NaN, infinity or what is no number, other than ends that are NaN.")


def _moments(X):
    """Number, mean and variance of all vectors of streams."""
    if isinstance(X, SparseStreams):
        n, features = int(X.step_counts.sum()), X.csr.indices % X.shape[2]
        values = X.csr.data.astype(np.float64)
        mean = np.bincount(features, values, X.shape[2]) / n
        return n, mean, np.maximum(0, np.bincount(features, values**2, X.shape[2]) / n - mean**2)
    vectors = X.frames[X.frame_numbers()] if isinstance(X, Sequences) else X.reshape(-1, X.shape[2])
    return len(vectors), vectors.mean(axis=0), vectors.var(axis=0)

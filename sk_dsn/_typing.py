"""Types for annotations alone: the running program does not import this module."""
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import sparray, spmatrix
from sklearn.base import BaseEstimator

from ._sequences import SparseStreams

Array: TypeAlias = NDArray[Any]
Float32Array: TypeAlias = NDArray[np.float32]
Float64Array: TypeAlias = NDArray[np.float64]
Int64Array: TypeAlias = NDArray[np.int64]

# Frames of pandas and polars, and lists of arrays, are ArrayLike.
Sparse: TypeAlias = spmatrix | sparray
Streams: TypeAlias = ArrayLike | SparseStreams
Samples: TypeAlias = Streams | Sparse
Targets: TypeAlias = ArrayLike | Sparse
Weights: TypeAlias = Sequence[ArrayLike]

# An estimator of this package, or a Pipeline that ends with one. scikit-learn has no types.
Network: TypeAlias = BaseEstimator
NetworkType = TypeVar("NetworkType", bound=BaseEstimator)

LayerSizes: TypeAlias = int | Sequence[int] | NDArray[np.integer[Any]]
RandomState: TypeAlias = int | np.random.RandomState | None
LearningRate: TypeAlias = Literal["linear", "constant", "adaptive"]
Simulation: TypeAlias = Literal["auto", "counting", "clock-driven", "event-driven", "event-driven-depth-first"]
Against: TypeAlias = Literal["time_steps", "synaptic_operations"]
Style: TypeAlias = dict[str, Any] | None

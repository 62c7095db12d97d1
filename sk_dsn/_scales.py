"""Whether features, targets and layers have scales that a network can learn from, and the warnings
where they do not.

A network sees a feature by the spikes of its input quantiser, which fires where the sum of the
feature over the time steps passes 1/2. Features are judged by a sample of rows.
"""
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, issparse

from ._sequences import Sequences, SparseStreams, is_stream, step_counts

# Rows and numbers that are looked at. Fewer rows tell nothing about a feature.
MOST_ROWS, MOST_NUMBERS = 256, 2**16
FEWEST_ROWS = 10

# Sums over the time steps, in absolute value: an input fires above the first; below the second a
# static value is known by its sign alone.
FIRING_SUM, COARSE_SUM = 0.5, 2.0
# Shares of the features from which on they are reported.
SILENT_SHARE, COARSE_SHARE = 0.1, 0.5
# Root mean squares of a feature: the largest, and its ratio to the tenth percentile of all.
LARGEST_SIZE, LARGEST_RATIO = 30.0, 100.0
# Where no feature reaches the first, and no vector the second, on average, steps of learning, which
# are normalised by 1 + the squared norm, are too small.
SMALLEST_SIZE, SMALLEST_SQUARED_NORM = 1 / LARGEST_SIZE, 0.1
# The spread of targets that are learned as they are, and its reciprocal.
LARGEST_SPREAD = 30.0
# A hidden layer with fewer spikes a sample is silent.
FEWEST_SPIKES = 0.01

SCALERS = "StandardScaler or MinMaxScaler (of sparse features MaxAbsScaler)"


class FeatureScales(NamedTuple):
    """Of each feature that is not zero in all rows of a sample of X."""

    largest_sums: np.ndarray  # over the time steps, in absolute value
    sizes: np.ndarray  # root mean square of the values that are not zero
    squared_norm: float  # of a vector, mean
    n_time_steps: int
    streams: bool

    @classmethod
    @np.errstate(all="ignore")  # X may hold values that are not finite: the core tells
    def of(cls, X, rows, n_time_steps):
        """Of (at most MOST_ROWS of) the rows of checked X."""
        width = X.nnz / max(1, X.shape[0]) if hasattr(X, "nnz") else np.prod(X.shape[1:])
        n_rows = int(max(FEWEST_ROWS, min(MOST_ROWS, MOST_NUMBERS // max(1, width))))
        X = X[rows[:: -(-len(rows) // n_rows)]]
        n_vectors = step_counts(X).sum() if is_stream(X) else X.shape[0]
        if isinstance(X, Sequences):
            X = X.toarray()
        if isinstance(X, SparseStreams):
            # The sum of absolute values stands for the largest sum so far: it is that of events of one sign.
            features, values = X.csr.indices % X.shape[2], np.abs(X.csr.data).astype(np.float64)
            samples = np.repeat(np.arange(X.shape[0]), np.diff(X.csr.indptr))
            counts = np.bincount(features, minlength=X.shape[2])
            squares = np.bincount(features, values**2, X.shape[2])
            sums = csr_matrix((values, (samples, features)), (X.shape[0], X.shape[2])).max(axis=0).toarray().ravel()
        elif issparse(X):
            counts = np.bincount(X.indices, minlength=X.shape[1])
            squares = np.bincount(X.indices, X.data.astype(np.float64) ** 2, X.shape[1])
            sums = n_time_steps * abs(X).max(axis=0).toarray().ravel()
        else:
            sums = np.abs(np.cumsum(X, axis=1, dtype=np.float64)).max(axis=(0, 1)) if is_stream(X) else None
            values = X.reshape(-1, X.shape[-1])
            if sums is None:
                sums = n_time_steps * np.maximum(values.max(axis=0), -values.min(axis=0)).astype(np.float64)
            counts = np.count_nonzero(values, axis=0)
            squares = np.einsum("ij,ij->j", values, values, dtype=np.float64)
        there = counts > 0
        sizes = np.sqrt(squares[there] / counts[there])
        return cls(sums[there], sizes, squares.sum() / max(1, n_vectors), n_time_steps, is_stream(X))

    @property
    def largest(self):
        return self.sizes.max(initial=0.0)

    @property
    def ratio(self):
        """Of the largest feature to the tenth percentile of all."""
        smallest = np.sort(self.sizes)[(len(self.sizes) - 1) // 10] if len(self.sizes) else 1.0
        return self.largest / smallest if smallest > 0 else 1.0

    def share_up_to(self, limit):
        """The share of features whose sum never passes a limit."""
        return np.count_nonzero(self.largest_sums <= limit) / max(1, len(self.largest_sums))

    def too_small(self):
        """The complaint about features that the network does not see, or None."""
        n_time_steps = self.n_time_steps
        if self.share_up_to(FIRING_SUM) >= SILENT_SHARE:
            n_silent = np.count_nonzero(self.largest_sums <= FIRING_SUM)
            return (
                f"{n_silent} of {len(self.largest_sums)} features that are not always zero never spike: their sum over the "
                f"{n_time_steps} time steps does not pass 1/2, so the network does not see them. Scale the features, for "
                f"instance with {SCALERS}, or raise n_time_steps."
            )
        if 0 < self.largest < SMALLEST_SIZE and self.squared_norm < SMALLEST_SQUARED_NORM:
            return (
                f"Features are far below 1 (the largest has a root mean square of {self.largest:.2g}), so they raise few "
                f"spikes and the steps of learning are small. Scale the features, for instance with {SCALERS}."
            )
        # 0/1 events, and values that are meant to be known by their sign, are no mistake.
        if not self.streams and n_time_steps >= 2 * COARSE_SUM and self.share_up_to(COARSE_SUM) >= COARSE_SHARE:
            return (
                f"Most features spike fewer than {COARSE_SUM:.0f} times in {n_time_steps} time steps (the largest value of "
                f"half of them is at most {np.median(self.largest_sums) / n_time_steps:.2g}), so the network sees little of "
                f"their values. Scale the features, for instance with {SCALERS}, or raise n_time_steps."
            )
        return None

    def too_large(self):
        """The complaint about features far above one, or of scales far apart, or None."""
        if not np.isfinite(self.largest) or (self.largest <= LARGEST_SIZE and self.ratio <= LARGEST_RATIO):
            return None
        if self.ratio > LARGEST_RATIO:
            fault = f"The scales of the features differ by a factor of {self.ratio:.2g}, so the largest drown the others"
        else:
            fault = f"Features are far above 1 (the largest has a root mean square of {self.largest:.2g})"
        return f"{fault}. Scale the features, for instance with {SCALERS}."


def target_complaint(encoded, rows):
    """The complaint about values that are learned as they are and are far from 1, or None."""
    values = encoded[rows]
    sizes = np.maximum(values.std(axis=0, dtype=np.float64), np.abs(values.mean(axis=0, dtype=np.float64)))
    largest = sizes.max(initial=0.0)
    if largest == 0 or 1 / LARGEST_SPREAD <= largest <= LARGEST_SPREAD:
        return None
    return (
        f"Targets are far from unit scale (mean or standard deviation {largest:.2g}), and are learned as they are, though "
        "error spikes and rates are made for errors of about 1. Set scale_target=True (it is off for rectifying outputs "
        "and where a network starts with given weights), or scale y, for instance with TransformedTargetRegressor."
    )


def silent_layer_complaint(spikes, n_samples):
    """The complaint about a hidden layer that has not fired, or None.

    `spikes` are those of each layer, input and output included, in so many samples.
    """
    if spikes[0] == 0:
        return None  # of which the features tell
    for layer, n_spikes in enumerate(spikes[1:-1], start=1):
        if n_spikes < FEWEST_SPIKES * n_samples:
            return (
                f"Hidden layer {layer} of {len(spikes) - 2} never fires (its spikes in the first epoch: {n_spikes}), so "
                "the network cannot learn. Raise weight_init_scale (None fits it to the layers) or n_time_steps, or scale "
                f"the features, for instance with {SCALERS}."
            )
    return None

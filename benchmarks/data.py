"""The data sets of the benchmarks, as float32."""
import os
import sys
from collections import namedtuple
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sk_dsn.streams import SparseStreams

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
QUICK_SAMPLES = 500

MAKE_MNIST = """\
import numpy as np
from scipy.sparse import csr_matrix
from sklearn.datasets import fetch_openml
X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
X, y = X.astype(np.uint8), y.astype(np.uint8)
np.savez_compressed("mnist.npz", X_train=X[:60000], y_train=y[:60000], X_test=X[60000:], y_test=y[60000:])"""

Dataset = namedtuple("Dataset", "name X_train y_train X_test y_test")


def load_mnist(options):
    """MNIST from 0 to 1.

    A smoke run takes its first samples, or the digits where MNIST is missing.
    """
    path = Path(options.data or os.environ.get("SK_DSN_DATA") or SHARED_DATA) / "mnist.npz"
    if path.is_file():
        stop = QUICK_SAMPLES if options.quick else None
        with np.load(path) as file:
            X_train, y_train, X_test, y_test = (file[n][:stop] for n in ("X_train", "y_train", "X_test", "y_test"))
        return Dataset("MNIST", unit_scale(X_train, 255), y_train, unit_scale(X_test, 255), y_test)
    if options.quick and options.data is None:
        print(f"MNIST skipped, {path} is not there: scikit-learn's digits stand in for it.\n")
        return load_digits_split()
    sys.exit(f"{path} is missing. Name its folder with --data or SK_DSN_DATA, or make the file with\n\n{MAKE_MNIST}")


def load_digits_split():
    """scikit-learn's digits from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    return split_in_two("digits", unit_scale(X, 16), y)


def load_iris_split():
    """Iris, standardised."""
    X, y = load_iris(return_X_y=True)
    return split_in_two("iris", StandardScaler().fit_transform(X).astype(np.float32), y)


def split_in_two(name, X, y):
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    return Dataset(name, X_train, y_train, X_test, y_test)


def without_test_set(data, held_out):
    """The training samples alone: the last `held_out` of them take the place of the test samples.
    """
    X, y = data.X_train, data.y_train
    return Dataset(data.name, X[:-held_out], y[:-held_out], X[-held_out:], y[-held_out:])


def unit_scale(X, largest):
    return np.ascontiguousarray(X, dtype=np.float32) / np.float32(largest)


def order_task(n_samples=400, n_time_steps=20, n_features=20, seed=0):
    """Two bursts of spikes on disjoint halves of the features; the label says which came first.

    The totals of both classes are the same, so that without memory of time the order is lost.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n_samples)
    X = np.zeros((n_samples, n_time_steps, n_features), np.float32)
    half, steps = n_features // 2, n_time_steps // 4
    first = rng.integers(0, n_time_steps // 2 - steps + 1, n_samples)
    second = n_time_steps // 2 + rng.integers(0, n_time_steps // 2 - steps + 1, n_samples)
    for x, label, *begins in zip(X, y, first, second, strict=True):
        bursts = [(rng.permutation(steps * half) < steps * half // 2).reshape(steps, half) for _ in begins]
        for burst, begin, part in zip(bursts, begins, (label, 1 - label), strict=True):
            x[begin : begin + steps, part * half : (part + 1) * half] = burst
    return X, y


def gap_task(n_samples=400, n_time_steps=20, n_features=20, seed=0):
    """Two bursts of spikes on the same features, with a short or a long pause between them.

    The second burst ends with the stream; the label says whether the pause is long.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n_samples)
    X = np.zeros((n_samples, n_time_steps, n_features), np.float32)
    steps = n_time_steps // 5
    pause = np.where(y, 2 * steps, 0) + rng.integers(0, steps, n_samples)
    for x, silent in zip(X, pause, strict=True):
        for end in (n_time_steps, n_time_steps - steps - silent):
            x[end - steps : end] = (rng.permutation(steps * n_features) < steps * n_features // 2).reshape(steps, -1)
    return X, y


def load_event_streams(options, step=10_000):
    """N-MNIST as `SparseStreams`: events of each pixel and polarity in steps of so many µs.

    A smoke run takes its first recordings, or noise where the file is missing.
    """
    path = Path(options.data or os.environ.get("SK_DSN_DATA") or SHARED_DATA) / "nmnist_small.npz"
    if not path.is_file():
        if not options.quick:
            sys.exit(f"{path} is missing. Name its folder with --data or SK_DSN_DATA.")
        rng = np.random.default_rng(0)
        return SparseStreams.from_dense(rng.poisson(0.1, (40, 8, 60)).astype(np.float32)), np.arange(40) % 2
    streams, labels = [], []
    with np.load(path) as file:
        for part in ("train", "test"):
            t, x, y, p = (file[f"{part}_{name}"] for name in "txyp")
            feature = p.astype(np.int64) * 34 * 34 + y.astype(np.int64) * 34 + x
            offsets = file[f"{part}_offsets"]
            kept = 40 if options.quick else len(offsets) - 1
            for first, end in pairwise(offsets[: kept + 1]):
                frame = (t[first:end] // step).astype(np.int64)
                ones = np.ones(end - first, np.float32)
                shape = int(frame[-1]) + 1, 2 * 34 * 34
                streams.append(csr_matrix((ones, (frame, feature[first:end])), shape))
            labels.append(file[f"{part}_labels"][:kept])
    return SparseStreams.from_list(streams), np.concatenate(labels)

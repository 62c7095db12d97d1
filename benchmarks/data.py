"""The data sets of the benchmarks, as float32."""
import os
import sys
from collections import namedtuple
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
QUICK_SAMPLES = 500
N_MNIST_SENSOR = (34, 34)  # pixels

MAKE_MNIST = """\
import numpy as np
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


def load_series(options, name):
    """A set of time series with its usual split, standardised by feature. X is a list of (n_time_steps_i, n_features).

    A smoke run takes noise where the file is missing.
    """
    path = Path(options.data or os.environ.get("SK_DSN_DATA") or SHARED_DATA) / "timeseries.npz"
    if not path.is_file():
        if not options.quick:
            sys.exit(f"{path} is missing. Name its folder with --data or SK_DSN_DATA.")
        X, y = np.random.default_rng(0).random((40, 8, 2), dtype=np.float32), np.arange(40) % 2
        return Dataset(name, list(X[:20]), y[:20], list(X[20:]), y[20:])
    with np.load(path) as file:
        parts = {part: [file[f"{name}_{part}_{kind}"] for kind in ("X", "offsets", "y")] for part in ("train", "test")}
    deviation, centre = parts["train"][0].std(axis=0), parts["train"][0].mean(axis=0)
    split = []
    for X, offsets, y in parts.values():
        split += [np.split(((X - centre) / deviation).astype(np.float32), offsets[1:-1]), y]
    return Dataset(name, *split)


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


def load_recordings(options):
    """The recordings of a piece of N-MNIST, as structured arrays, and their labels.

    A smoke run takes the first ones, or noise where the file is missing.
    """
    path = Path(options.data or os.environ.get("SK_DSN_DATA") or SHARED_DATA) / "nmnist_small.npz"
    dtype = [("t", np.uint32), ("x", np.uint8), ("y", np.uint8), ("p", np.uint8)]
    if not path.is_file():
        if not options.quick:
            sys.exit(f"{path} is missing. Name its folder with --data or SK_DSN_DATA.")
        rng = np.random.default_rng(0)
        ends = 80_000, *N_MNIST_SENSOR, 2
        made = [np.sort(np.rec.fromarrays([rng.integers(0, end, 500) for end in ends], dtype), order="t") for _ in range(40)]
        return made, np.arange(40) % 2
    recordings, labels = [], []
    with np.load(path) as file:
        for part in ("train", "test"):
            offsets = file[f"{part}_offsets"][: 41 if options.quick else None]
            events = np.empty(offsets[-1], dtype)
            for name in "txyp":
                events[name] = file[f"{part}_{name}"][: offsets[-1]]
            recordings += [events[first:end] for first, end in pairwise(offsets)]
            labels.append(file[f"{part}_labels"][: len(offsets) - 1])
    return recordings, np.concatenate(labels)

"""The data sets of the benchmarks, as float32."""
import os
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
QUICK_SAMPLES = 500

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
    """A set of time series of one length, standardised by feature; the file holds their usual split.

    A smoke run takes noise where the file is missing.
    """
    path = Path(options.data or os.environ.get("SK_DSN_DATA") or SHARED_DATA) / "timeseries.npz"
    if not path.is_file():
        if not options.quick:
            sys.exit(f"{path} is missing. Name its folder with --data or SK_DSN_DATA.")
        X, y = np.random.default_rng(0).random((40, 8, 2), dtype=np.float32), np.arange(40) % 2
        return Dataset(name, X[:20], y[:20], X[20:], y[20:])
    with np.load(path) as file:
        parts = {part: [file[f"{name}_{part}_{kind}"] for kind in ("X", "offsets", "y")] for part in ("train", "test")}
    deviation, centre = parts["train"][0].std(axis=0), parts["train"][0].mean(axis=0)
    split = []
    for X, offsets, y in parts.values():
        scaled = ((X - centre) / deviation).astype(np.float32)
        split += [scaled.reshape(len(y), offsets[1] - offsets[0], -1), y]
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

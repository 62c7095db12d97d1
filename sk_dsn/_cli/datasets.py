"""Samples to train on: from a file, or a data set known by name."""
import os
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml, load_digits

from .csv_files import Columns, read_csv
from .inputs import CSV, NPZ, data_kind, is_stdin, source_name
from .messages import FAILURE, CommandError, quoted, say
from .npz_files import feature_matrix, read_arrays, target_column
from .targets import CLASSIFICATION, read_targets

MNIST_TRAINING_ROWS = 60_000
MNIST_SETTINGS = {
    "hidden_layer_sizes": (200, 200),
    "n_time_steps": 10,
    "learning_rate_init": 0.015,
    "normalized_step": False,
    "max_iter": 5,
}

# Arrays of uint8 with values above this are pixels, which go up to PIXEL_SCALE.
SMALL_BYTES = 127
PIXEL_SCALE = 255


@dataclass
class Data:
    """Samples and targets, with what is known about them. Without a test part, one is split off."""

    name: str
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    task: str = CLASSIFICATION
    task_reason: str | None = None  # What the task was seen from.
    full_scale: float | None = None  # The largest value a feature can take, where that is known.
    feature_names: list | None = None
    target: str | None = None
    identifiers: list = field(default_factory=list)  # Names of columns that tell rows apart.
    categories: list = field(default_factory=list)  # Indices of the features that hold text.
    missing: dict = field(default_factory=dict)  # Feature index: its csv_files.MissingCells.
    settings: dict = field(default_factory=dict)  # Parameters of the network that suit it.


@dataclass(frozen=True)
class ReadingOptions:
    """How the user wants a file to be read."""

    target: str | None = None
    task: str | None = None
    identifiers: tuple = ()
    categories: tuple = ()
    header: bool | None = None


def digits_data():
    X, y = load_digits(return_X_y=True)
    return Data("digits", X, y, full_scale=16)


def mnist_file():
    folder = os.environ.get("SK_DSN_DATA")
    return Path(folder, "mnist.npz") if folder else None


def mnist_data():
    path = mnist_file()
    if path is None or not path.is_file():
        return mnist_from_openml(path)
    return replace(npz_data(path, ReadingOptions()), name="MNIST", settings=MNIST_SETTINGS, target=None, task_reason=None)


def mnist_from_openml(missing_path):
    say("fetching MNIST from OpenML (11 MB; scikit-learn keeps it for the next time) …")
    parser = "pandas" if find_spec("pandas") else "liac-arff"
    try:
        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser=parser)
    except (OSError, ValueError) as error:
        sought = f"{missing_path} is not there" if missing_path else "SK_DSN_DATA is not set"
        raise CommandError(
            f"MNIST is missing: {sought}, and OpenML did not send it ({error}). Connect to the network and try again, "
            "or set SK_DSN_DATA to a folder with a file mnist.npz that holds X_train, y_train, X_test and y_test "
            "(pixels 0 to 255 as uint8).",
            FAILURE,
        ) from error
    X, y, n = X.astype(np.float32), y.astype(np.int64), MNIST_TRAINING_ROWS
    return Data("MNIST", X[:n], y[:n], X[n:], y[n:], full_scale=PIXEL_SCALE, settings=MNIST_SETTINGS)


def csv_data(path, options):
    source = source_name(path)

    def choose_columns(names):
        known = set(names)
        for option, chosen in [("id", options.identifiers), ("category", options.categories)]:
            absent = [name for name in chosen if name not in known]
            if absent:
                raise CommandError(
                    f"{source} has no column {quoted(absent)} for --{option}; its columns are {quoted(names)}."
                )
        kept_apart = set(options.identifiers)
        target = options.target
        if target is None:
            target = next((name for name in reversed(names) if name not in kept_apart), None)
        if target is None or target in kept_apart:
            raise CommandError(f"{source}: the target cannot be the column of an --id; name another with --target.")
        if target not in known:
            raise CommandError(f"{source} has no column {target!r} for --target; its columns are {quoted(names)}.")
        features = [name for name in names if name != target and name not in kept_apart]
        if not features:
            raise CommandError(f"{source} has only the column {target!r}; columns must be separated by commas.")
        return Columns(features, target, options.identifiers, frozenset(options.categories))

    table = read_csv(path, choose_columns, options.header)
    targets = read_targets(table.labels, f"{source}, column {table.target!r}", options.task)
    return Data(
        source,
        table.X,
        targets.y,
        task=targets.task,
        task_reason=targets.reason,
        feature_names=table.feature_names,
        target=table.target,
        identifiers=list(table.identifiers),
        categories=table.categories,
        missing=table.missing,
    )


def npz_data(path, options):
    source = source_name(path)
    if options.identifiers or options.categories or options.header is not None:
        raise CommandError(f"{source}: --id, --category and --header go with a CSV file; arrays have no named columns.")
    target = options.target or "y"
    X, y, *test = read_arrays(path, ("X", target), ("X_train", f"{target}_train", "X_test", f"{target}_test"))
    parts, task, reason = [], options.task, None
    for samples, labels in [(X, y), test] if test else [(X, y)]:
        samples = feature_matrix(samples, source)
        labels = target_column(labels, len(samples), source, target)
        read = read_targets(labels, f"{source}, labels {target!r}", task)
        task, reason = read.task, reason or read.reason
        parts += [samples, read.y]
    full_scale = PIXEL_SCALE if X.dtype == np.uint8 and X.max() > SMALL_BYTES else None
    return Data(source, *parts, task=task, task_reason=reason, target=target, full_scale=full_scale)


NAMED_DATA = {"digits": digits_data, "mnist": mnist_data}
FILE_READERS = {CSV: csv_data, NPZ: npz_data}

def input_files(name):
    """The files that `load_data` reads, which a result must not replace."""
    if name == "mnist":
        return [path for path in [mnist_file()] if path is not None]
    return [] if name in NAMED_DATA or is_stdin(name) else [Path(name)]


def load_data(name, options):
    if name not in NAMED_DATA:
        path = Path(name)
        kind = data_kind(path, f", or a name: {' or '.join(NAMED_DATA)}")
        return FILE_READERS[kind](path, options)
    if options.target is not None:
        raise CommandError(f"--target goes with a file; the labels of {name} are known.")
    if options != ReadingOptions():
        raise CommandError(f"--task, --id, --category and --header go with a file; {name} needs none of them.")
    return NAMED_DATA[name]()

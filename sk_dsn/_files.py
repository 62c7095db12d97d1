"""What the command line reads and writes: tables of samples, data sets known by name, saved models."""
import csv
import math
import os
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from sklearn.datasets import fetch_openml, load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

PROGRAM = "python -m sk_dsn"
FAILURE, USAGE_ERROR, INTERRUPTED = 1, 2, 130

DEFAULT_TEST_FRACTION = 0.25
MNIST_TRAINING_ROWS = 60_000
MNIST_SETTINGS = {
    "hidden_layer_sizes": (200, 200),
    "n_time_steps": 10,
    "learning_rate_init": 0.015,
    "normalized_step": False,
    "max_iter": 5,
}


class CommandError(Exception):
    """What the user has to know, in a sentence with a remedy, instead of a traceback."""

    def __init__(self, message, exit_code=USAGE_ERROR):
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def value_errors_reported():
    """scikit-learn's and our own ValueErrors speak to users: their sentence is the command's."""
    try:
        yield
    except ValueError as error:
        raise CommandError(str(error)) from error


def say(message):
    print(f"{PROGRAM}: {message}", file=sys.stderr, flush=True)


def show_warning(message, category, filename, lineno, file=None, line=None):
    say(f"warning: {message}")


# Files


def check_writable(path):
    """Finds out before the work, not after it, that its result cannot be written."""
    if path is None:
        return
    if os.path.exists(path) and not os.path.isfile(path):
        raise CommandError(f"{path} is not a regular file; give the name of a file to write.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise CommandError(
            f"cannot write to folder {path.parent}: {error.strerror}. Name a folder that you can write to."
        ) from error


@contextmanager
def replaced_file(path):
    """A file opened for writing that takes the place of `path` when all is written, and leaves it alone otherwise."""
    target = path.resolve()
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(unfinished, "wb") as file:
            yield file
        os.replace(unfinished, target)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror or error}.", FAILURE) from error
    finally:
        unfinished.unlink(missing_ok=True)


def save_model(scaler, network, target, path):
    model = Pipeline([("scaler", scaler), ("network", network)])
    model.target_name_ = target
    with replaced_file(path) as file:
        joblib.dump(model, file)


def load_model(path):
    try:
        model = joblib.load(path)
    except OSError as error:
        raise CommandError(f"cannot read model {path}: {error.strerror or error}.") from error
    except Exception as error:  # Unpickling raises whatever the bytes of a foreign file lead it to.
        raise CommandError(f"{path} is not a model ({type(error).__name__}: {error}): use train --save.") from error
    if not hasattr(model, "predict") or not hasattr(model, "n_features_in_"):
        raise CommandError(f"{path} holds a {type(model).__name__}, not a fitted model: make one with train --save.")
    return model


def quoted(names):
    shown = ", ".join(repr(str(name)) for name in names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


def is_finite_number(text):
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def numeric_row(cells, names, place):
    try:
        row = np.array([float(cell) for cell in cells])
        if np.isfinite(row).all():
            return row
    except ValueError:
        pass
    name, cell = next(pair for pair in zip(names, cells, strict=True) if not is_finite_number(pair[1]))
    raise CommandError(
        f"{place}: column {name!r} holds {cell!r}, but a feature must be a finite number. "
        "Encode the column as numbers, fill in its missing values, or remove it."
    )


def column_names(path, reader):
    names = [name.strip() for name in next(reader, [])]
    if not names:
        raise CommandError(f"{path} is empty; its first line must name the columns.")
    if "" in names:
        raise CommandError(
            f"{path}: line 1 leaves column {names.index('') + 1} without a name; every column needs one. "
            "(pandas writes its index like that: use to_csv(index=False).)"
        )
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        raise CommandError(f"{path}: line 1 names {quoted(repeated)} more than once; every column needs its own name.")
    if all(map(is_finite_number, names)):
        say(f"warning: {path}: line 1 holds only numbers; it is read as the names of the columns.")
    return names


class Table(NamedTuple):
    X: np.ndarray
    labels: np.ndarray | None  # Strings, as in the file; None without a target.
    feature_names: list
    target: str | None


def read_table(path, file, choose_columns):
    reader = csv.reader(file, skipinitialspace=True)
    names = column_names(path, reader)
    features, target = choose_columns(names)
    place = {name: k for k, name in enumerate(names)}
    rows, labels = [], []
    for cells in filter(None, reader):
        line = f"{path}, line {reader.line_num}"
        if len(cells) != len(names):
            raise CommandError(f"{line} has {len(cells)} fields, but line 1 names {len(names)} columns.")
        rows.append(numeric_row([cells[place[name]] for name in features], features, line))
        if target is not None:
            labels.append(cells[place[target]].strip())
    if not rows:
        raise CommandError(f"{path} has no rows below the names of the columns.")
    return Table(np.array(rows), None if target is None else np.array(labels), features, target)


def read_csv(path, choose_columns):
    """A Table of some columns: `choose_columns` turns the names of all into those of the features and of the target."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return read_table(path, file, choose_columns)
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror or error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} is not a CSV file in UTF-8 ({error}).") from error


def read_arrays(path, *choices):
    """The arrays of the first of `choices` (tuples of names) that are all in an NPZ file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            for names in choices:
                if set(names) <= set(file.files):
                    return [file[name] for name in names]
            found = file.files
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror or error}.") from error
    except Exception as error:  # numpy passes on what zipfile and its parser of headers raise.
        raise CommandError(f"{path} is not an NPZ file of numbers and strings ({error}).") from error
    wanted = ", or ".join(map(quoted, choices))
    raise CommandError(
        f"{path} has the arrays {quoted(found)}; looked for {wanted}. Save it with numpy.savez under these names."
    )


def feature_matrix(X, path):
    """Samples in rows, images flattened, as floats."""
    if X.dtype.kind not in "biuf":
        raise CommandError(f"{path}: the features are of type {X.dtype}; they must be numbers.")
    if X.ndim < 2 or X.size == 0:
        raise CommandError(f"{path}: the features have shape {X.shape}; (n_samples, n_features) or images are needed.")
    X = X.reshape(len(X), -1).astype(np.result_type(X.dtype, np.float32), copy=False)
    finite = np.isfinite(X).all(axis=1)
    if not finite.all():
        index = np.argmin(finite)
        raise CommandError(f"{path}: the features of sample [{index}] are not all finite; mend it or leave it out.")
    return X


def class_labels(y, source):
    """Labels as integers where they read the same as integers, else as strings."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise CommandError(f"{source}: the labels have shape {y.shape}; one label a sample is needed.")
    if y.dtype.kind in "biu":
        return y
    if y.dtype.kind == "f":
        return whole_numbers(y, source)
    if y.dtype.kind not in "US":
        raise CommandError(f"{source}: the labels are of type {y.dtype}; they must be integers or strings.")
    y = y.astype(str)
    n_empty = np.sum(y == "")
    if n_empty:
        raise CommandError(f"{source}: {n_empty} of {len(y)} labels are empty; fill them in or remove their rows.")
    try:
        integers = whole_numbers(y.astype(np.float64), source)
    except ValueError:
        return y
    return integers if np.all(integers.astype(str) == y) else y


def labelled_samples(path, X, y, target):
    """Arrays of an NPZ file as feature matrix and labels, one a sample."""
    X, y = feature_matrix(X, path), class_labels(y, f"{path}, labels {target!r}")
    if len(X) != len(y):
        raise CommandError(f"{path} has {len(X)} samples but {len(y)} labels; every sample needs one.")
    return X, y


def whole_numbers(numbers, source):
    """Labels that are numbers as int64: one with a fraction is a quantity, not the label of a class."""
    broken = numbers[~(np.isfinite(numbers) & (numbers == np.trunc(numbers)))]
    if broken.size:
        raise CommandError(
            f"{source}: {broken[0]} is not the label of a class, which is a whole number or a string. "
            "Name the column (or array) that holds the classes with --target."
        )
    return np.clip(numbers, -(2**53), 2**53).astype(np.int64)


# Data to train on


@dataclass
class Data:
    """Samples and labels, with what is known about them. Without a test part, one is split off."""

    name: str
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    feature_names: list | None = None
    target: str | None = None
    full_scale: float | None = None  # The largest value a feature can take, where that is known.
    settings: dict = field(default_factory=dict)  # Parameters of the network that suit it.


def digits_data():
    X, y = load_digits(return_X_y=True)
    return Data("digits", X, y, full_scale=16)


def mnist_data():
    folder = os.environ.get("SK_DSN_DATA")
    path = Path(folder, "mnist.npz") if folder else None
    data = npz_data(path, None) if path and os.path.isfile(path) else mnist_from_openml(path)
    return replace(data, name="MNIST", settings=MNIST_SETTINGS)


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
    return Data("mnist", X[:n], y[:n], X[n:], y[n:], full_scale=255)


def csv_data(path, target):
    def choose_columns(names):
        chosen = names[-1] if target is None else target
        if chosen not in names:
            raise CommandError(f"{path} has no column {chosen!r} for --target; its columns are {quoted(names)}.")
        if len(names) == 1:
            raise CommandError(f"{path} has only the column {chosen!r}; columns must be separated by commas.")
        return [name for name in names if name != chosen], chosen

    table = read_csv(path, choose_columns)
    y = class_labels(table.labels, f"{path}, column {table.target!r}")
    return Data(str(path), table.X, y, feature_names=table.feature_names, target=table.target)


def npz_data(path, target):
    target = target or "y"
    arrays = read_arrays(path, ("X", target), ("X_train", f"{target}_train", "X_test", f"{target}_test"))
    pixels = arrays[0].dtype == np.uint8
    parts = []
    for X, y in zip(arrays[::2], arrays[1::2], strict=True):
        parts += labelled_samples(path, X, y, target)
    return Data(str(path), *parts, target=target, full_scale=255 if pixels else None)


NAMED_DATA = {"digits": digits_data, "mnist": mnist_data}
FILE_READERS = {".csv": csv_data, ".npz": npz_data}


def file_suffix(path):
    suffix = path.suffix.lower()
    if suffix not in FILE_READERS:
        raise CommandError(
            f"{path}: data must be a file whose name ends in {' or '.join(FILE_READERS)} "
            f"(or, to train, a name: {' or '.join(NAMED_DATA)})."
        )
    return suffix


def load_data(name, target):
    if name not in NAMED_DATA:
        path = Path(name)
        return FILE_READERS[file_suffix(path)](path, target)
    if target is not None:
        raise CommandError(f"--target goes with a file; the labels of {name} are known.")
    return NAMED_DATA[name]()


def with_test_part(data, test_fraction):
    """The data with rows held out to test on, the same whatever the seed of the networks."""
    if data.X_test is not None:
        if test_fraction is not None:
            raise CommandError(f"--test-fraction does not go with {data.name}, which has a test part of its own.")
        return data
    with value_errors_reported():
        X, X_test, y, y_test = train_test_split(
            data.X, data.y, test_size=test_fraction or DEFAULT_TEST_FRACTION, random_state=0
        )
    return replace(data, X=X, y=y, X_test=X_test, y_test=y_test)

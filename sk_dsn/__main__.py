"""The command line: trains on bundled digits, MNIST or a file, and predicts with a saved model."""
import argparse
import csv
import io
import math
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.datasets import fetch_openml, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

from . import SpikingMLPClassifier, __version__
from .metrics import dense_operations, spike_counts, synaptic_operations

PROGRAM = "python -m sk_dsn"
FAILURE, USAGE_ERROR, INTERRUPTED = 1, 2, 130

DEFAULT_TEST_FRACTION = 0.25
MNIST_TRAINING_ROWS = 60_000
MNIST_SETTINGS = {
    "hidden_layer_sizes": (200, 200),
    "n_time_steps": 10,
    "learning_rate_init": 0.01,
    "normalized_step": False,
    "max_iter": 5,
}

# A comparison trains each side this often, unless that takes longer than is worth waiting for.
COMPARISON_ROUNDS = 5
COMPARISON_SECONDS = 4.0

STAGES_SHOWN = 20

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "none": FunctionTransformer}


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


class LateProgress(io.TextIOBase):
    """Takes lines that report progress and passes on at most one a second to stderr, none before the third second."""

    def __init__(self, name):
        self.name = name
        self.text = ""
        self.next_time = time.monotonic() + 2

    def write(self, text):
        *lines, self.text = (self.text + text).split("\n")
        if lines and time.monotonic() >= self.next_time:
            self.next_time = time.monotonic() + 1
            print(f"{self.name}: {lines[-1]}", file=sys.stderr, flush=True)
        return len(text)


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


# Training


def fitted_scaler(scale, data):
    if scale is None and data.full_scale is not None:
        scaler = MinMaxScaler().fit(np.outer([0, data.full_scale], np.ones(data.X.shape[1])))
    else:
        scaler = SCALERS[scale or "standard"]().fit(data.X)
    if data.feature_names is not None:
        scaler.feature_names_in_ = np.array(data.feature_names, dtype=object)
    return scaler


def new_network(args, data):
    chosen = {
        "hidden_layer_sizes": args.hidden,
        "n_time_steps": args.time_steps,
        "max_iter": args.epochs,
        "learning_rate_init": args.learning_rate,
        "dropout": args.dropout,
    }
    settings = data.settings | {name: value for name, value in chosen.items() if value is not None}
    return SpikingMLPClassifier(**settings, random_state=args.seed)


def conventional_network(network):
    """scikit-learn's network with the same layers, epochs and seed, and its own defaults for the rest."""
    return MLPClassifier(
        hidden_layer_sizes=network.hidden_layer_sizes, max_iter=network.max_iter, random_state=network.random_state
    )


def fit_timed(network, X, y):
    """Trains on one core; returns CPU seconds, and whether Ctrl-C ended it, with the weights reached by then."""
    network.set_params(verbose=True)
    progress = LateProgress(type(network).__name__)
    with threadpool_limits(1), redirect_stdout(progress), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ConvergenceWarning)
        began = time.process_time()
        with value_errors_reported():
            network.fit(X, y)
        seconds = time.process_time() - began
    network.set_params(verbose=False)
    interrupted = False
    for warning in caught:
        # Both networks catch KeyboardInterrupt in fit and tell of it in a warning.
        if str(warning.message).startswith("Training interrupted"):
            interrupted = True
        else:
            say(f"warning: {warning.message}")
    return seconds, interrupted


@dataclass
class Comparison:
    """The spiking network and, once trained, the conventional one, with CPU seconds of each run of their training."""

    network: SpikingMLPClassifier
    seconds: list
    rival: MLPClassifier | None = None
    rival_seconds: list = field(default_factory=list)


def compare(comparison, X, y):
    """Trains the conventional network and the spiking one in turn; returns whether Ctrl-C ended it."""
    began = time.monotonic()
    while True:
        rival = conventional_network(comparison.network)
        seconds, interrupted = fit_timed(rival, X, y)
        if interrupted:
            return True
        comparison.rival = rival
        comparison.rival_seconds.append(seconds)
        if len(comparison.seconds) == COMPARISON_ROUNDS or time.monotonic() - began > COMPARISON_SECONDS:
            return False
        seconds, interrupted = fit_timed(clone(comparison.network), X, y)
        if interrupted:
            return True
        comparison.seconds.append(seconds)


def train(args):
    check_writable(args.save)
    data = with_test_part(load_data(args.data, args.target), args.test_fraction)
    scaler, network = fitted_scaler(args.scale, data), new_network(args, data)
    with value_errors_reported(), column_names_known():
        data = replace(data, X=scaler.transform(data.X), X_test=scaler.transform(data.X_test))
    seconds, interrupted = fit_timed(network, data.X, data.y)
    if args.save is not None:
        save_model(scaler, network, data.target, args.save)
    if interrupted:
        outcome = "is not saved (--save does that)" if args.save is None else f"is saved to {args.save}"
        say(f"interrupted after {network.n_iter_} whole epochs; the network with the weights reached {outcome}.")
        return INTERRUPTED
    comparison = Comparison(network, [seconds])
    interrupted = args.compare and compare(comparison, data.X, data.y)
    if interrupted:
        say("the comparison is interrupted; the report is of what was trained before.")
    with value_errors_reported():
        print_report(data, comparison, target_chosen=args.target is not None)
    if args.save is not None:
        print(f"\nThe model is saved; to use it: {PROGRAM} predict {args.save} FILE")
    return INTERRUPTED if interrupted else 0


# Report


def print_table(rows):
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for label, *cells in rows:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        print("   ".join([label.ljust(widths[0]), *padded]).rstrip())


def accuracy_text(share):
    return f"{share:.4f}"


def print_report(data, comparison, target_chosen):
    network = comparison.network
    layers = "-".join(str(n) for n in [network.n_features_in_, *map(len, network.intercepts_)])
    print(f"{data.name}: {len(data.X)} samples to train on, {len(data.X_test)} others to test on")
    if data.feature_names is not None:
        print(f"Label: column {data.target!r}" + ("" if target_chosen else " (the last; --target names another)"))
    print(f"Network: {layers} neurons, {network.n_time_steps} time steps, seed {network.random_state}")
    print()
    print_comparison(comparison, data.X_test, data.y_test)
    print()
    print_stages(network, data.X_test, data.y_test)


def print_comparison(comparison, X_test, y_test):
    network, rival = comparison.network, comparison.rival
    additions = synaptic_operations(network, X_test)[:, -1].mean()
    columns = [
        ["", "Test accuracy", "CPU seconds of training", "Epochs", "Operations per prediction"],
        comparison_column(network, X_test, y_test, comparison.seconds, f"{additions:,.0f} additions"),
    ]
    if rival is not None:
        operations = f"{dense_operations(network):,} multiply-adds"
        columns.append(comparison_column(rival, X_test, y_test, comparison.rival_seconds, operations))
    print_table(zip(*columns, strict=True))
    accuracy, n_runs = network.score(X_test, y_test), len(comparison.seconds)
    standard_error = math.sqrt(accuracy * (1 - accuracy) / len(y_test))
    runs = "one run" if n_runs == 1 else f"median of {n_runs} runs in turn"
    print(f"(accuracy: standard error {standard_error:.4f}; seconds: {runs}, on one core)")


def comparison_column(network, X_test, y_test, seconds, operations):
    accuracy = accuracy_text(network.score(X_test, y_test))
    return [type(network).__name__, accuracy, f"{statistics.median(seconds):.3f}", str(network.n_iter_), operations]


def print_stages(network, X_test, y_test):
    n_steps = network.n_time_steps
    shown = {int(t) for t in np.linspace(1, n_steps, min(n_steps, STAGES_SHOWN)).round()}
    spikes = spike_counts(network, X_test).mean(axis=0)
    spikes_so_far = spikes.sum(axis=1).cumsum()
    additions_so_far = synaptic_operations(network, X_test).mean(axis=0)
    stages = zip(network.staged_predict(X_test), spikes_so_far, additions_so_far, strict=True)
    rows = [
        [str(t), accuracy_text(np.mean(labels == y_test)), f"{n_spikes:,.0f}", f"{additions:,.0f}"]
        for t, (labels, n_spikes, additions) in enumerate(stages, start=1)
        if t in shown
    ]
    print("The network can be asked after any time step; spikes and additions so far, mean of the test samples:")
    print()
    print_table([["Time step", "Test accuracy", "Spikes", "Additions"], *rows])
    layers = ["the input", *(f"hidden layer {k}" for k in range(1, spikes.shape[1]))]
    by_layer = ", ".join(f"{n:,.0f} of {layer}" for n, layer in zip(spikes.sum(axis=0), layers, strict=True))
    print(f"(spikes: {by_layer}; a spike is added to each neuron of the next layer)")


# Prediction


@contextmanager
def column_names_known():
    """The columns have been matched by name already: arrays without names are no cause for a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        yield


def read_samples(path, model):
    """The features that the model knows, and labels as strings (empty where unknown), or None."""
    known = getattr(model, "feature_names_in_", None)
    target = getattr(model, "target_name_", None)

    def choose_columns(names):
        missing = [] if known is None else [name for name in known if name not in names]
        if missing:
            raise CommandError(f"{path} lacks columns that the model was trained on: {quoted(missing)}.")
        features = [name for name in names if name != target] if known is None else list(known)
        return features, target if target in names else None

    if file_suffix(path) == ".csv":
        table = read_csv(path, choose_columns)
        return table.X, table.labels
    target = target or "y"
    X, *y = read_arrays(path, ("X", target), ("X",), ("X_test", f"{target}_test"), ("X_test",))
    if not y:
        return feature_matrix(X, path), None
    X, labels = labelled_samples(path, X, *y, target)
    return X, labels.astype(str)


def predict(args):
    check_writable(args.output)
    model = load_model(args.model)
    X, labels = read_samples(args.file, model)
    if X.shape[1] != model.n_features_in_:
        raise CommandError(f"{args.file} has {X.shape[1]} features; the model was trained on {model.n_features_in_}.")
    if args.proba and not hasattr(model, "predict_proba"):
        raise CommandError(f"{args.model} gives no probabilities; leave out --proba.")
    with value_errors_reported(), column_names_known():
        predictions = model.predict(X)
        probabilities = model.predict_proba(X) if args.proba else None
    write_predictions(args.output, model, predictions, probabilities)
    if labels is not None:
        report_accuracy(predictions, labels)
    return 0


def write_predictions(output, model, predictions, probabilities):
    if output is None and probabilities is None:
        sys.stdout.writelines(f"{label}\n" for label in predictions)
        return
    header, columns = ["prediction"], [predictions]
    if probabilities is not None:
        header += [f"probability of {label}" for label in model.classes_]
        columns += list(probabilities.T)
    if output is None:
        write_csv(sys.stdout, header, columns)
        return
    with replaced_file(output) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        write_csv(text, header, columns)


def write_csv(file, header, columns):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*columns, strict=True))


def report_accuracy(predictions, labels):
    known = labels != ""
    if np.any(known):
        accuracy = np.mean(predictions[known].astype(str) == labels[known])
        say(f"accuracy {accuracy_text(accuracy)} on {np.sum(known)} labelled samples")


# Arguments


def checked(convert, accept, meaning):
    """A type for argparse: what `convert` makes of the text if `accept` takes it, else an error that says `meaning`."""

    def parse(text):
        try:
            value = convert(text)
            if accept(value):
                return value
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"{text!r} is not {meaning}")

    return parse


def integers(text):
    return tuple(int(part) for part in text.split(","))


COUNT = checked(int, lambda n: n >= 1, "an integer of at least 1")
SEED = checked(int, lambda n: 0 <= n < 2**32, "an integer from 0 to 2**32 - 1")
SIZES = checked(integers, lambda sizes: min(sizes) >= 1, "one or more integers of at least 1, such as 200,200")
FRACTION = checked(float, lambda share: 0 < share < 1, "a number between 0 and 1")
PROBABILITY = checked(float, lambda share: 0 <= share < 1, "a number from 0 to below 1")
RATE = checked(float, lambda rate: 0 <= rate < math.inf, "a number of at least 0")


def build_parser():
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Trains a deep spiking network beside scikit-learn's MLPClassifier. Without a command: on "
        "scikit-learn's handwritten digits, a matter of seconds.",
    )
    parser.add_argument("--version", action="version", version=f"sk_dsn {__version__}")
    parser.add_argument("--seed", type=SEED, default=0, help="seed of both networks (default: 0)")
    commands = parser.add_subparsers(dest="command", metavar="{train,predict}")
    add_train_parser(commands)
    add_predict_parser(commands)
    return parser


def add_train_parser(commands):
    parser = commands.add_parser(
        "train",
        help="train on data of your own, on digits or on MNIST, and save the model",
        description="Trains a spiking network, and reports how it does on samples held out, beside MLPClassifier. "
        "Ctrl-C ends the training and keeps what was learned.",
    )
    parser.set_defaults(run=train)
    parser.add_argument(
        "data",
        metavar="DATA",
        help="a CSV file (its first line names the columns, features are numbers), an NPZ file (arrays X and y, or "
        "X_train, y_train, X_test and y_test; images are flattened), or a name: digits, or mnist (from mnist.npz in "
        "the folder SK_DSN_DATA, else from OpenML)",
    )
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="column with the labels (default: the last), or in an NPZ file the name that stands for y",
    )
    parser.add_argument("--save", metavar="MODEL", type=Path, help="file for the trained model, replaced if it exists")
    parser.add_argument(
        "--scale",
        choices=SCALERS,
        help="how features are scaled; saved with the model (default: pixels, which are uint8, by their largest value "
        "255, all else to mean 0 and variance 1)",
    )
    parser.add_argument(
        "--test-fraction",
        metavar="SHARE",
        type=FRACTION,
        help=f"share of the samples held out (default: {DEFAULT_TEST_FRACTION})",
    )
    parser.add_argument(
        "--seed",
        type=SEED,
        default=argparse.SUPPRESS,
        help="seed of both networks (default: 0); the samples held out do not depend on it",
    )
    parser.add_argument("--hidden", metavar="SIZES", type=SIZES, help="neurons of each hidden layer, such as 200,200")
    parser.add_argument("--time-steps", metavar="N", type=COUNT, help="time steps for which a sample is shown")
    parser.add_argument("--epochs", metavar="N", type=COUNT, help="passes over the data at most, for both networks")
    parser.add_argument("--learning-rate", metavar="RATE", type=RATE, help="of the spiking network, at the start")
    parser.add_argument("--dropout", metavar="P", type=PROBABILITY, help="of the spiking network's hidden neurons")
    parser.add_argument("--no-compare", dest="compare", action="store_false", help="do not train MLPClassifier too")


def add_predict_parser(commands):
    parser = commands.add_parser(
        "predict",
        help="predict with a saved model",
        description="Prints the predicted label of each sample in FILE, one a line; if FILE has labels, the accuracy "
        "goes to stderr.",
        epilog="A model file is a Python pickle, and loading one can run any code: use only files you trust.",
    )
    parser.set_defaults(run=predict)
    parser.add_argument("model", metavar="MODEL", type=Path, help="file written by train --save")
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="CSV file with the columns that the model was trained on, in any order (others are ignored), or NPZ file "
        "with X, or else X_test",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="write a CSV file instead of printing")
    parser.add_argument("--proba", action="store_true", help="add the probability of each class; prints CSV")


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments without the program's name; None takes those of the process.

    Returns
    -------
    exit_code : int
        0, or 1 for a failure, 2 for bad usage or input, 130 after Ctrl-C.
    """
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        args = parser.parse_args(["--seed", str(args.seed), "train", "digits"])
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show_warning
            exit_code = args.run(args)
        sys.stdout.flush()
        return exit_code
    except CommandError as error:
        say(f"error: {error}")
        return error.exit_code
    except MemoryError as error:
        say(f"error: not enough memory ({error}); use fewer neurons, time steps or samples.")
        return FAILURE
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on. What is left in the buffer would raise again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE


if __name__ == "__main__":
    sys.exit(main())

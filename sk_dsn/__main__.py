"""The command line: trains on bundled digits, MNIST or a file, and predicts with a saved model."""
import argparse
import csv
import io
import math
import os
import statistics
import sys
import time
import warnings
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

from . import SpikingMLPClassifier, __version__
from ._files import (
    DEFAULT_TEST_FRACTION,
    FAILURE,
    INTERRUPTED,
    PROGRAM,
    CommandError,
    check_writable,
    feature_matrix,
    file_suffix,
    labelled_samples,
    load_data,
    load_model,
    quoted,
    read_arrays,
    read_csv,
    replaced_file,
    save_model,
    say,
    show_warning,
    value_errors_reported,
    with_test_part,
)
from .metrics import dense_operations, spike_counts, synaptic_operations

# A comparison trains each side this often, unless that takes longer than is worth waiting for.
COMPARISON_ROUNDS = 5
COMPARISON_SECONDS = 4.0

STAGES_SHOWN = 20

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "none": FunctionTransformer}


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

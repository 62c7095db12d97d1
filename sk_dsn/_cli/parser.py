"""The arguments of the command line."""
import argparse
import math
from pathlib import Path

from sk_dsn import __version__

from .messages import PROGRAM
from .preprocessing import MAX_CATEGORIES, SCALERS
from .splitting import DEFAULT_TEST_FRACTION
from .targets import CLASSIFICATION, REGRESSION


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
LEAK = checked(float, lambda share: 0 <= share <= 1, "a number from 0 to 1")
DURATION = checked(float, lambda duration: 0 < duration < math.inf, "a number above 0")
RATE = checked(float, lambda rate: 0 <= rate < math.inf, "a number of at least 0")


def build_parser():
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Trains a deep spiking network beside scikit-learn's MLPClassifier or MLPRegressor. Without a "
        "command: on scikit-learn's handwritten digits, a matter of seconds.",
    )
    parser.add_argument("--version", action="version", version=f"sk_dsn {__version__}")
    parser.add_argument("--seed", type=SEED, default=0, help="seed of both networks (default: 0)")
    commands = parser.add_subparsers(dest="command", metavar="{train,predict,watch}")
    add_train_parser(commands)
    add_predict_parser(commands)
    add_watch_parser(commands)
    return parser


def add_train_parser(commands):
    parser = commands.add_parser(
        "train",
        help="train on data of your own, on digits or on MNIST, and save the model",
        description="Trains a spiking network, and reports how it does on samples held out, beside scikit-learn's "
        "network. Ctrl-C ends the training and keeps what was learned.",
        epilog="Recordings of events: DATA is a folder that holds one folder for each class (or folders Train and Test "
        "that do), with files as sk_dsn.events.read takes them; or, with --recordings, a CSV file. scikit-learn's network "
        "is then trained on the number of each feature's events.",
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        help="a CSV file (its first line names the columns), an NPZ file (arrays X and y, or X_train, y_train, X_test "
        "and y_test; images are flattened), - for either from stdin, or a name: digits, or mnist (from mnist.npz in "
        "the folder SK_DSN_DATA, else from OpenML), or a folder of recordings of events (see below). In a CSV file, missing "
        "numbers are replaced by the median of their "
        f"column, and each text of a column (the {MAX_CATEGORIES - 1} most frequent if there are more than "
        f"{MAX_CATEGORIES}) becomes a feature of 0 or 1",
    )
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="column with the labels (default: the last), or in an NPZ file the name that stands for y",
    )
    parser.add_argument(
        "--task",
        choices=[CLASSIFICATION, REGRESSION],
        help="whether targets are classes or values (default: values if there are fractions among them, or nearly as many "
        "different numbers as samples)",
    )
    add_table_options(parser)
    parser.add_argument(
        "--category",
        metavar="NAME",
        action="append",
        default=[],
        help="a column to read as text even where it holds numbers; can be given several times",
    )
    parser.add_argument(
        "--recordings",
        action="store_true",
        help="DATA is a CSV file whose first column names files of recordings, and whose last column (or --target) is their "
        "label",
    )
    parser.add_argument(
        "--step",
        metavar="DURATION",
        type=DURATION,
        help="length of a time step of recordings, in the unit of their time (default: 10000, 10 ms in µs)",
    )
    parser.add_argument(
        "--sensor",
        metavar="W,H",
        type=SIZES,
        help="pixels of the sensor of recordings (default: as many as their events need)",
    )
    parser.add_argument("--leak", metavar="SHARE", type=LEAK, help="of the spiking network, in each time step of recordings")
    parser.add_argument("--save", metavar="MODEL", type=Path, help="file for the trained model, replaced if it exists")
    parser.add_argument(
        "--skops", action="store_true", help="save in the format of skops, which can be loaded without trusting it"
    )
    parser.add_argument(
        "--scale",
        choices=SCALERS,
        help="how features are scaled; saved with the model (default: pixels, which are uint8 and go above 127, by their "
        "largest value 255, all else to mean 0 and variance 1)",
    )
    parser.add_argument(
        "--test-fraction",
        metavar="SHARE",
        type=FRACTION,
        help=f"share of the samples, and of each class, held out (default: {DEFAULT_TEST_FRACTION})",
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
    parser.add_argument(
        "--no-compare", dest="compare", action="store_false", help="do not train scikit-learn's network too"
    )


def add_predict_parser(commands):
    parser = commands.add_parser(
        "predict",
        help="predict with a saved model",
        description="Prints the prediction for each sample in FILE, one a line, or CSV with the columns of --id; if FILE "
        "has labels, the accuracy goes to stderr.",
        epilog="A model file is a Python pickle, and loading one can run any code: use only files you trust. Files of "
        "train --skops need no trust.",
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="file written by train --save")
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="CSV file with the columns that the model was trained on, in any order (others are ignored), NPZ file "
        "with X, or else X_test, or - for either from stdin",
    )
    add_table_options(parser)
    parser.add_argument("--output", metavar="FILE", type=Path, help="write a CSV file instead of printing")
    parser.add_argument("--proba", action="store_true", help="add the probability of each class; prints CSV")
    parser.add_argument("--skops", action="store_true", help="load only a file of train --skops")


def add_watch_parser(commands):
    parser = commands.add_parser(
        "watch",
        help="answer while the events of a recording come in",
        description="Prints the answer of a model for a recording of events, whenever it changes and at the end, as CSV, "
        "and how much faster than the events it is.",
        epilog="A model file is a Python pickle, and loading one can run any code: use only files you trust. Files of "
        "train --skops need no trust.",
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="file written by train FOLDER --save")
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="a recording, or - for lines of t,x,y,p (or of the columns that the first line names) from stdin",
    )
    parser.add_argument(
        "--speed", metavar="FACTOR", type=DURATION, help="play a file so many times as fast as it was recorded"
    )
    parser.add_argument(
        "--unit", metavar="SECONDS", type=DURATION, default=1e-6, help="the unit of the events' time (default: 1e-6, a µs)"
    )
    parser.add_argument("--skops", action="store_true", help="load only a file of train --skops")


def add_table_options(parser):
    parser.add_argument(
        "--id",
        metavar="NAME",
        action="append",
        default=[],
        help="a column that tells rows apart: no feature, and repeated beside the predictions; can be given several times "
        "(default of predict: as in training)",
    )
    parser.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line of a CSV file names the columns (default: unless it looks like data)",
    )

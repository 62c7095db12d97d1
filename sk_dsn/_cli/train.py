"""The command `train`: fits a network beside scikit-learn's, saves and reports it."""
import sys
import time
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace

from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn.events import EventFrames

from .datasets import ReadingOptions, input_files, load_data
from .messages import INTERRUPTED, PROGRAM, CommandError, LateProgress, say, value_errors_reported
from .models import new_model, save_model, skops_io
from .output_files import check_output
from .preprocessing import column_names_known, fitted_preprocessor
from .recordings import are_recordings, load_recordings, static_features
from .report import print_report
from .splitting import with_test_part
from .targets import CLASSIFICATION, REGRESSION

# A comparison trains each side this often, unless that takes longer than is worth waiting for.
COMPARISON_ROUNDS = 5
COMPARISON_SECONDS = 4.0

NETWORKS = {CLASSIFICATION: SpikingMLPClassifier, REGRESSION: SpikingMLPRegressor}
RIVALS = {CLASSIFICATION: MLPClassifier, REGRESSION: MLPRegressor}


def train(args):
    check_output(args.save, input_files(args.data))
    if args.skops:
        skops_io()
    # The report shows labels and names of files; a character that stdout cannot show must not end it.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    if are_recordings(args):
        data, preprocessor = load_recordings(args)
        data = with_test_part(data, args.test_fraction)
    else:
        given = [f"--{name}" for name in ("step", "sensor") if getattr(args, name) is not None]
        if given:
            raise CommandError(
                f"{', '.join(given)} goes with recordings, and {args.data} is no folder of them; --recordings says that a "
                "CSV file names them."
            )
        options = ReadingOptions(args.target, args.task, tuple(args.id), tuple(args.category), args.header)
        data = with_test_part(load_data(args.data, options), args.test_fraction)
        with value_errors_reported():
            preprocessor = fitted_preprocessor(args.scale, data)
    with value_errors_reported(), column_names_known():
        network = new_network(args, data)
        data = replace(data, X=preprocessor.transform(data.X), X_test=preprocessor.transform(data.X_test))
    seconds, interrupted, ending = fit_timed(network, data.X, data.y)
    if args.save is not None:
        save_model(new_model(preprocessor, network, data), args.save, args.skops)
    if interrupted:
        outcome = "is not saved (--save does that)" if args.save is None else f"is saved to {args.save}"
        say(f"interrupted after {network.n_iter_} whole epochs; the network with the weights reached {outcome}.")
        return INTERRUPTED
    comparison = Comparison(network, ending, [seconds])
    interrupted = args.compare and compare(comparison, data)
    if interrupted:
        say("the comparison is interrupted; the report is of what was trained before.")
    with value_errors_reported():
        print_report(data, comparison, target_chosen=args.target is not None)
    if args.save is not None:
        skops = " --skops" if args.skops else ""
        command = "watch" if isinstance(preprocessor, EventFrames) else "predict"
        print(f"\nThe model is saved; to use it: {PROGRAM} {command} {args.save} FILE{skops}")
    return INTERRUPTED if interrupted else 0


def new_network(args, data):
    chosen = {
        "hidden_layer_sizes": args.hidden,
        "n_time_steps": args.time_steps,
        "max_iter": args.epochs,
        "learning_rate_init": args.learning_rate,
        "dropout": args.dropout,
        "leak": args.leak,
    }
    settings = data.settings | {name: value for name, value in chosen.items() if value is not None}
    return NETWORKS[data.task](**settings, random_state=args.seed)


def conventional_network(network, task):
    """scikit-learn's network with the same layers and seed, epochs that were chosen, and its own defaults for the rest."""
    chosen = network.max_iter != type(network)().max_iter
    epochs = {"max_iter": network.max_iter} if chosen else {}
    return RIVALS[task](hidden_layer_sizes=network.hidden_layer_sizes, random_state=network.random_state, **epochs)


def fit_timed(network, X, y):
    """Trains on one core; returns CPU seconds, whether Ctrl-C ended it, with the weights reached by then, and the last line
    that the network printed, in which ours says why training ended."""
    network.set_params(verbose=True)
    progress = LateProgress(type(network).__name__)
    with threadpool_limits(1), redirect_stdout(progress), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # The number of epochs is the user's, or the default.
        warnings.filterwarnings("ignore", "Training reached max_iter|Stochastic Optimizer", ConvergenceWarning)
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
    return seconds, interrupted, progress.last_line


@dataclass
class Comparison:
    """The spiking network and, once trained, the conventional one, with CPU seconds of each run of their training."""

    network: SpikingMLPClassifier | SpikingMLPRegressor
    ending: str  # why its training ended
    seconds: list
    rival: MLPClassifier | MLPRegressor | None = None
    rival_seconds: list = field(default_factory=list)

    def encoded(self, y):
        """Targets as the conventional network learns them: it does not scale values."""
        network = self.network
        return y if isinstance(network, SpikingMLPClassifier) else (y - network.target_mean_) / network.target_scale_


def compare(comparison, data):
    """Trains the conventional network and the spiking one in turn; returns whether Ctrl-C ended it."""
    began = time.monotonic()
    X, y = data.X, comparison.encoded(data.y)
    static = static_features(X)
    while True:
        rival = conventional_network(comparison.network, data.task)
        seconds, interrupted, _ = fit_timed(rival, static, y)
        if interrupted:
            return True
        comparison.rival = rival
        comparison.rival_seconds.append(seconds)
        if len(comparison.seconds) == COMPARISON_ROUNDS or time.monotonic() - began > COMPARISON_SECONDS:
            return False
        seconds, interrupted, _ = fit_timed(clone(comparison.network), X, data.y)
        if interrupted:
            return True
        comparison.seconds.append(seconds)

"""What the benchmarks share, so that their figures compare: timer, summaries, record of the machine, data, report."""
import argparse
import json
import operator
import os
import platform
import re
import subprocess
import sys
import time
import warnings
from collections import namedtuple
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import mean, median
from unittest.mock import patch

import numpy as np
import scipy
import sklearn
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

import sk_dsn
from sk_dsn._core import network, training

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
QUICK_SAMPLES = 500
UNITS = {"s": 1, "ms": 1e3, "µs": 1e6, "ns": 1e9}
# Options that say where things are on a machine, which is not for a record.
PLACES = ("json", "figure", "markdown", "data")
# The columns of times: of one, "median µs", "min", "max"; of several in a row, "training median µs", "training min", …
MEDIAN = re.compile(rf"(.*?)median ({'|'.join(UNITS)})")
RELATIONS = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}

MAKE_MNIST = """\
import numpy as np
from sklearn.datasets import fetch_openml
X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
X, y = X.astype(np.uint8), y.astype(np.uint8)
np.savez_compressed("mnist.npz", X_train=X[:60000], y_train=y[:60000], X_test=X[60000:], y_test=y[60000:])"""

Dataset = namedtuple("Dataset", "name X_train y_train X_test y_test")


# Time


class Stopwatch:
    """CPU seconds of this process, all threads together, spent inside ``with watch:``; or, if asked for, elapsed seconds."""

    def __init__(self, elapsed=False):
        self.seconds = 0.0
        self._clock = time.perf_counter if elapsed else time.process_time

    def __enter__(self):
        self._began = self._clock()

    def __exit__(self, *exception):
        self.seconds += self._clock() - self._began


def alternate(sides, repeats, per=1, elapsed=False):
    """Seconds of each side, measured in turn: first, second, …, first, second, …

    Parameters
    ----------
    sides : dict of str to callable
        Each is called as side(watch, k) in round k and does what is to be timed inside ``with watch:``.
    repeats : int
        Rounds.
    per : int
        Units of work (epochs, predictions) in one call; the result is seconds per unit.
    elapsed : bool
        Whether seconds are those that pass (of threads), not those of the processor.

    Returns
    -------
    seconds : dict of str to list of float
    """
    seconds = {name: [] for name in sides}
    for k in range(repeats):
        for name, side in sides.items():
            watch = Stopwatch(elapsed)
            side(watch, k)
            seconds[name].append(watch.seconds / per)
    return seconds


def predict_each(estimator, inputs, watch, k, method="predict"):
    """A side for `alternate`: the answers to each of the inputs."""
    answer = getattr(estimator, method)
    with watch:
        for X in inputs:
            answer(X)


def learn_copy(estimator, X, y, watch, k):
    """A side for `alternate`: an epoch of training, of a copy, so that each starts from the same network."""
    estimator = deepcopy(estimator)
    with watch:
        estimator.partial_fit(X, y)


# Spikes


def learn_and_count(estimator, X, y, classes=None):
    """An epoch of training by `partial_fit`, and its spikes, shape (n_samples, 3, n_layers): spikes, error spikes, and
    error spikes past the gate of each layer, the input first. The counting simulation has none but error spikes."""
    # The core counts on request; the estimators do not ask.
    n_layers = len(estimator.hidden_layer_sizes) + 2
    counts = np.full((X.shape[0], 3 * n_layers + 1), -1, dtype=np.int64)
    with patch("sk_dsn._base.train_epoch", partial(training.train_epoch, counts=counts)):
        estimator.partial_fit(X, y, classes)
    return counts[:, :-1].reshape(X.shape[0], 3, n_layers)


# Summaries


def ratios(seconds, base):
    """Ratio of medians, and its spread: the smallest and the largest ratio within a round."""
    rounds = [a / b for a, b in zip(seconds, base, strict=True)]
    return {"ratio": median(seconds) / median(base), "ratio min": min(rounds), "ratio max": max(rounds)}


def spread(seconds, unit):
    """Median and spread, as columns of a table."""
    scaled = [UNITS[unit] * s for s in seconds]
    return {f"median {unit}": median(scaled), "min": min(scaled), "max": max(scaled), "runs": len(scaled)}


def span(values, digits=2):
    """The smallest and the largest of several values."""
    return f"{min(values):.{digits}f}–{max(values):.{digits}f}" if len(values) > 1 else None


def percentages(fractions):
    """Mean and spread in percent."""
    return {"mean %": 100 * mean(fractions), "min %": 100 * min(fractions), "max %": 100 * max(fractions)}


@dataclass(frozen=True)
class Target:
    """What a value is required to be."""

    relation: str
    limit: float

    def __str__(self):
        return f"{self.relation} {self.limit:.4g}"

    def judge(self, value):
        return "pass" if RELATIONS[self.relation](value, self.limit) else "miss"


# The machine


def _processor():
    try:
        return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        return platform.processor() or platform.machine()


def _commit():
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _compile_flags():
    """What the compiler recorded of its switches in the core, where it did."""
    record = re.search(rb"GNU C\d* [ -~]+", Path(network.__file__).read_bytes())
    return record.group().decode() if record else None


def environment():
    """Where and with what the figures were measured; None for what is unknown."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "sk_dsn": sk_dsn.__version__,
        "commit": _commit(),
        "instruction set": network.DEFAULT_INSTRUCTION_SET,
        "compile flags": _compile_flags(),
        "threads": {Path(pool["filepath"]).name: pool["num_threads"] for pool in threadpool_info()},
    }


# Data


def load_mnist(options):
    """MNIST as float32 from 0 to 1; with --quick its first samples, or the digits where there is none."""
    path = _data_folder(options) / "mnist.npz"
    if path.is_file():
        stop = QUICK_SAMPLES if options.quick else None
        with np.load(path) as file:
            X_train, y_train, X_test, y_test = (file[n][:stop] for n in ("X_train", "y_train", "X_test", "y_test"))
        return Dataset("MNIST", _unit_scale(X_train, 255), y_train, _unit_scale(X_test, 255), y_test)
    if options.quick and options.data is None:
        print(f"MNIST skipped, {path} is not there: scikit-learn's digits stand in for it.\n")
        return load_digits_split()
    sys.exit(f"{path} is missing. Name its folder with --data or SK_DSN_DATA, or make the file with\n\n{MAKE_MNIST}")


def load_digits_split():
    """Scikit-learn's digits as float32 from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    return _split("digits", _unit_scale(X, 16), y)


def load_iris_split():
    """Iris, standardised, as float32."""
    X, y = load_iris(return_X_y=True)
    return _split("iris", StandardScaler().fit_transform(X).astype(np.float32), y)


def _split(name, X, y):
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    return Dataset(name, X_train, y_train, X_test, y_test)


def _data_folder(options):
    return Path(options.data or os.environ.get("SK_DSN_DATA") or SHARED_DATA)


def _unit_scale(X, largest):
    return np.ascontiguousarray(X, dtype=np.float32) / np.float32(largest)


# The report


def progress(line):
    """Says how far a long benchmark is."""
    print(line, file=sys.stderr, flush=True)


class Report:
    """Tables, printed as Markdown when they are complete and kept for --json and --markdown; and panels of --figure."""

    def __init__(self, description, options):
        self.quick = options.quick
        self._panels = []
        question, _, details = description.strip().partition("\n")
        self.record = {
            "question": question,
            "details": details.strip(),
            "options": {name: value for name, value in vars(options).items() if name not in PLACES},
            "environment": environment(),
            "tables": [],
        }
        print(f"# {question}\n{details}\n")
        for name, value in self.record["environment"].items():
            print(f"- {name}: {value}")
        print(f"\nSide by side in one process, CPU time.{' Smoke run: sizes and figures mean nothing.' * self.quick}\n")

    def judgement(self, value, target):
        """Columns that hold `value` against `target`; empty where there is none, and in a smoke run."""
        if target is None or self.quick:
            return {"target": None, "verdict": None}
        return {"target": str(target), "verdict": target.judge(value)}

    def table(self, title, rows, **details):
        """Rows are dicts from column to value, of which the first columns tell them apart; `details` go to --json only."""
        self.record["tables"].append({"title": title, "key": key_columns(title, rows), "rows": rows, **details})
        print(f"## {title}\n\n{markdown(rows)}\n", flush=True)

    def panel(self, draw):
        """A panel of the figure; `draw` is called with its axes."""
        self._panels.append(draw)

    def write_figure(self, file):
        """Draws the panels there. Returns whether there are any."""
        if not self._panels:
            print(f"{file} is not written: none of the parts that were run draws anything.")
            return False
        from matplotlib.figure import Figure

        columns = min(2, len(self._panels))
        rows = -(-len(self._panels) // columns)
        figure = Figure(figsize=(7 * columns, 5 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).flat
        for draw, panel in zip(self._panels, axes, strict=False):
            draw(panel)
            for axis in (panel.xaxis, panel.yaxis):
                if axis.get_scale() == "log":
                    low, high = axis.get_view_interval()
                    between = "25" if high < 500 * low else ""
                    axis.set_major_formatter("{x:g}")
                    axis.set_minor_formatter(lambda x, _, digits=between: f"{x:g}" if f"{x:e}"[0] in digits else "")
        for panel in axes[len(self._panels) :]:
            panel.remove()
        figure.savefig(file, dpi=100)
        return True

    def write_markdown(self, file, figure=None):
        lines = [f"# {self.record['question']}\n", listed(self.record["environment"])]
        if figure:
            lines.append(f"\n![The figures of these tables]({figure.name})")
        lines += [f"\n## {table['title']}\n\n{markdown(table['rows'])}" for table in self.record["tables"]]
        file.write_text("\n".join(lines) + "\n")

    def comparison(self, title, seconds, base, targets=None, unit="s", columns=None):
        """A table of the `seconds` that `alternate` returned: each side's median and spread, and its ratio to `base`.

        `targets` maps a side to what its ratio is required to be, `columns` a side to further columns.
        """
        targets, columns = targets or {}, columns or {}
        self.table(
            title,
            [
                {"side": side}
                | spread(seconds[side], unit)
                | (ratio := ratios(seconds[side], seconds[base]))
                | self.judgement(ratio["ratio"], targets.get(side))
                | columns.get(side, {})
                for side in seconds
            ],
            seconds=seconds,
        )


def listed(environment):
    """What is known of an environment, as a list in Markdown."""
    return "\n".join(f"- {name}: {value}" for name, value in environment.items() if value)


def key_columns(title, rows):
    """The fewest columns, from the first, that tell the rows apart, so that another run's are found; where there are times,
    the columns before them must do."""
    columns = list(rows[0])
    timed = [k for k, column in enumerate(columns) if MEDIAN.fullmatch(column)]
    for n in range(1, 1 + (timed[0] if timed else len(columns))):
        if len({tuple(str(row.get(column)) for column in columns[:n]) for row in rows}) == len(rows):
            return columns[:n]
    if timed:
        raise ValueError(f"rows of {title!r} that {', '.join(columns[: timed[0]])} do not tell apart")
    return columns[:1]


def markdown(rows):
    """A Markdown table of dicts, with the columns of all of them in order of appearance."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(column)) for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value):
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# The command line


def option_parser(description, data=None, parts=()):
    """What every benchmark understands; --data for one that reads the file `data`, --parts for one made of several (a dict
    with their names)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="smoke run at the smallest size")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write everything there as well")
    parser.add_argument("--seeds", metavar="N", type=int, help="take random_state from 0 to N-1")
    if data is not None:
        parser.add_argument("--data", metavar="FOLDER", help=f"where {data} is (or SK_DSN_DATA)")
    if parts:
        kinds = partial(_chosen_parts, parts)
        parser.add_argument("--parts", type=kinds, default=list(parts), help=f"some of {','.join(parts)}")
    parser.add_argument("--figure", metavar="FILE", type=Path, help="draw the curves there (needs matplotlib)")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the tables there as well")
    return parser


def _chosen_parts(parts, names):
    chosen = names.split(",")
    if unknown := set(chosen) - set(parts):
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(sorted(unknown))}; choose from {', '.join(parts)}")
    return chosen


def n_seeds(options, default):
    """How many seeds a part takes: as asked for, else one for a smoke run and `default` for a full one."""
    return options.seeds or (1 if options.quick else default)


@contextmanager
def session(description, options):
    """A Report, with everything inside run on one thread; --json is written even if something fails, --figure and
    --markdown if nothing does.

    The first line of `description`, the benchmark's docstring, is its question.
    """
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # Numbers of epochs are set, not found: reaching max_iter is what is wanted.
        warnings.simplefilter("ignore", ConvergenceWarning)
        report = Report(description, options)
        try:
            yield report
        finally:
            if options.json:
                options.json.write_text(json.dumps(report.record, indent=1, default=str))
        drawn = options.figure and report.write_figure(options.figure)
        if options.markdown:
            report.write_markdown(options.markdown, options.figure if drawn else None)

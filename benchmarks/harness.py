"""How the benchmarks measure: sides that run in turn, here or in other processes."""
import operator
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import mean, median

from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

UNITS = {"s": 1, "ms": 1e3, "µs": 1e6, "ns": 1e9}
RELATIONS = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}


# Time


class Stopwatch:
    """Seconds spent inside ``with watch:``: CPU seconds of this process and all its threads, or, on
    request, elapsed ones."""

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
        Round k calls each side as side(watch, k). The side does its timed work inside ``with watch:``.
    repeats : int
        Rounds.
    per : int
        Units of work (epochs, predictions) in one call; the result is seconds per unit.
    elapsed : bool
        Whether to measure elapsed seconds (for threads) in place of CPU seconds.

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
    """A side for `alternate`: one epoch of training.

    It trains a copy, so every round starts from the same network.
    """
    estimator = deepcopy(estimator)
    with watch:
        estimator.partial_fit(X, y)


@contextmanager
def worker(**variables):
    """A process of its own with these environment variables. Yields ``run(function, *arguments)``,
    which returns the result.

    SK_DSN_CHECKOUT and SK_DSN_INSTRUCTION_SET are read on import, so each of their values needs
    such a process.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=prepare_worker) as pool:
        before = dict(os.environ)
        os.environ.update(variables)
        try:
            pool.submit(int).result()  # the process starts here
        finally:
            os.environ.clear()
            os.environ.update(before)
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


def prepare_worker():
    threadpool_limits(limits=1)
    warnings.simplefilter("ignore", ConvergenceWarning)


def run_elsewhere(run, side, watch, k):
    """A side for `alternate`, run in the process of a `worker`."""
    watch.seconds += run(seconds_of, side)


def seconds_of(side):
    watch = Stopwatch()
    side(watch, 0)
    return watch.seconds


# Summaries


def ratios(seconds, base):
    """Ratio of medians, and its spread: the smallest and the largest ratio within a round."""
    rounds = [a / b for a, b in zip(seconds, base, strict=True)]
    return {"ratio": median(seconds) / median(base), "ratio min": min(rounds), "ratio max": max(rounds)}


def spread(seconds, unit):
    """Median and spread, as columns of a table."""
    scaled = [UNITS[unit] * s for s in seconds]
    return {f"median {unit}": median(scaled), "min": min(scaled), "max": max(scaled), "runs": len(scaled)}


def spread_of(kind, seconds, unit):
    """As `spread`, for one of several times in a row: "training median µs", "training min",
    "training max"."""
    return {f"{kind} {column}": value for column, value in spread(seconds, unit).items() if column != "runs"}


def span(values, digits=2):
    """The smallest and the largest of several values."""
    return f"{min(values):.{digits}f}–{max(values):.{digits}f}" if len(values) > 1 else None


def percentages(fractions):
    """Mean and spread in percent."""
    return {"mean %": 100 * mean(fractions), "min %": 100 * min(fractions), "max %": 100 * max(fractions)}


@dataclass(frozen=True)
class Target:
    """A requirement on a value: a relation ("<", "<=", ">=") and a limit."""

    relation: str
    limit: float

    def __str__(self):
        return f"{self.relation} {self.limit:.4g}"

    def judge(self, value):
        return "pass" if RELATIONS[self.relation](value, self.limit) else "miss"


@dataclass(frozen=True)
class Band:
    """A requirement on a value: that it lie between two limits."""

    lowest: float
    highest: float

    def __str__(self):
        return f"{self.lowest:.4g} to {self.highest:.4g}"

    def judge(self, value):
        return "pass" if self.lowest <= value <= self.highest else "miss"

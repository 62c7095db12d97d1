"""How much time does Python add to the compiled core?

Parts: "mnist", `fit` on MNIST, 784-200-200-10, by type of data and labels and by epochs; "iris",
`fit` on iris with default parameters and with early stopping; "single", `partial_fit` and `predict`
of one sample, by a large and a small network. Python has all the time that the core's functions for
training and prediction do not take.
"""
from contextlib import contextmanager
from functools import partial
from statistics import median

import numpy as np
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from sk_dsn import SpikingMLPClassifier
from sk_dsn._epochs import Learner
from sk_dsn._network import FittedNetwork

from ..data import load_mnist
from ..harness import Stopwatch, Target, alternate, spread
from ..report import option_parser, run_parts

HIDDEN = (200, 200)
TYPES = {
    "float32": lambda X, y: (X, y),
    "float32, labels are text": lambda X, y: (X, y.astype(str)),
    "float64": lambda X, y: (X.astype(np.float64), y),
}
EPOCHS = (1, 5)

MNIST_PERCENT = Target("<", 5)
IRIS_MILLISECONDS = Target("<", 1)


@contextmanager
def watched_core():
    """A watch that runs while the estimators are in the core."""
    watch = Stopwatch()

    def watched(function):
        def call(*args, **kwargs):
            with watch:
                return function(*args, **kwargs)

        return staticmethod(call)

    train_epoch, outputs = Learner.core_train_epoch, FittedNetwork.core_outputs
    Learner.core_train_epoch, FittedNetwork.core_outputs = watched(train_epoch), watched(outputs)
    try:
        yield watch
    finally:
        Learner.core_train_epoch, FittedNetwork.core_outputs = staticmethod(train_epoch), staticmethod(outputs)


def outside_core(call, core_seconds, watch, k):
    """A side for `alternate`: the time of a call outside of the core. Its time in the core is
    appended to `core_seconds`."""
    with watched_core() as core, watch:
        call()
    core_seconds.append(core.seconds)
    watch.seconds -= core.seconds


def python_rows(calls, repeats, unit, per=1):
    """Rows of a table: the seconds of each call outside of the core and in the core, and the
    former's share."""
    core = {name: [] for name in calls}
    python = alternate({name: partial(outside_core, calls[name], core[name]) for name in calls}, repeats, per)
    for name in calls:
        within = spread([s / per for s in core[name]], unit)[f"median {unit}"]
        row = {"call": name} | spread(python[name], unit) | {f"core {unit}": within}
        yield row | {"share %": 100 * median(python[name]) / (median(python[name]) + median(core[name]) / per)}


def fit_mnist(report, options):
    data = load_mnist(options)
    given = {name: of_type(data.X_train, data.y_train) for name, of_type in TYPES.items()}
    calls = {
        f"{name}, {epochs} epoch{'s' * (epochs > 1)}": partial(
            SpikingMLPClassifier(HIDDEN, n_time_steps=10, max_iter=epochs, random_state=0).fit, *given[name]
        )
        for name in given
        for epochs in EPOCHS
    }
    rows = [
        row | report.judgement(row["share %"], MNIST_PERCENT)
        for row in python_rows(calls, 2 if options.quick else 5, "ms")
    ]
    report.table(f"The Python side of fit, {data.name}", rows)


def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def fit_iris(report, options):
    X, y = iris()
    estimators = {
        "nothing set": SpikingMLPClassifier(random_state=0),
        "nothing set, 4-10-3": SpikingMLPClassifier((10,), random_state=0),
        "early_stopping=True": SpikingMLPClassifier(early_stopping=True, random_state=0),
    }
    calls = {name: partial(estimator.fit, X, y) for name, estimator in estimators.items()}
    rows = []
    for row in python_rows(calls, 2 if options.quick else 101, "ms"):
        estimator = estimators[row["call"]]
        target = None if estimator.early_stopping else IRIS_MILLISECONDS
        rows.append(row | {"epochs": estimator.n_iter_} | report.judgement(row["median ms"], target))
    report.table("The Python side of fit, iris", rows)


def one_sample(report, options):
    data = load_mnist(options)
    X, y = iris()
    large = SpikingMLPClassifier(HIDDEN, n_time_steps=10, max_iter=1, random_state=0)
    networks = {
        "784-200-200-10": (large.fit(data.X_train[:2000], data.y_train[:2000]), data.X_test[:1], data.y_test[:1]),
        "4-10-3": (SpikingMLPClassifier((10,), random_state=0).fit(X, y), X[:1], y[:1]),
    }
    n_calls, calls = 10 if options.quick else 500, {}
    for name, (estimator, x, label) in networks.items():
        steps = {
            "partial_fit": partial(estimator.partial_fit, x, label),
            "partial_fit of lists": partial(estimator.partial_fit, x.tolist(), label.tolist()),
            "predict": partial(estimator.predict, x),
        }
        calls |= {f"{step}, {name}": partial(call_often, call, n_calls) for step, call in steps.items()}
    report.table("The Python side of one sample", list(python_rows(calls, 2 if options.quick else 9, "µs", n_calls)))


def call_often(call, n_calls):
    for _ in range(n_calls):
        call()


PARTS = {"mnist": fit_mnist, "iris": fit_iris, "single": one_sample}


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz", parts=PARTS).parse_args(argv)
    run_parts(PARTS, __doc__, options)


if __name__ == "__main__":
    main()

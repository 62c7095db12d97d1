"""How fast is each instruction set of this machine, and do all give the same bits?

Training and prediction of MNIST, 784-200-200-10, T = 10, with the kernels of each instruction set
that this machine can run (SK_DSN_INSTRUCTION_SET chooses one), in each simulation, beside
MLPClassifier. "same bits" tells whether the weights after an epoch, and the outputs of all
simulated samples, are those of the baseline. Each instruction set has a process of its own.
"""
from contextlib import ExitStack
from functools import partial
from statistics import median

import numpy as np
from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier
from sk_dsn._core.kernels import dispatch

from ..data import load_mnist
from ..harness import alternate, learn_copy, predict_each, run_elsewhere, spread_of, worker
from ..networks import ADAM, SETTINGS
from ..report import option_parser, session

BASELINE, PEER = "baseline", "MLPClassifier"
NETWORKS = {
    "signed, counting": SETTINGS["deep"] | {"simulation": "counting"},
    "signed, clock-driven": SETTINGS["deep"] | {"simulation": "clock-driven"},
    "rectifying, clock-driven": SETTINGS["rectifying"] | {"simulation": "clock-driven"},
    "rectifying, event-driven": SETTINGS["rectifying"] | {"simulation": "event-driven"},
}
SAMPLES, REPEATS = 5000, 7
QUICK_SAMPLES, QUICK_REPEATS = 100, 2


def same_bits(results, base):
    return all(np.array_equal(a, b) for a, b in zip(results, base, strict=True))


def results(settings, X, y, X_test):
    """All weights after an epoch, and outputs."""
    estimator = SpikingMLPClassifier(**settings, max_iter=1, random_state=0).fit(X, y)
    return [*estimator.coefs_, *estimator.intercepts_, estimator.decision_function(X_test)]


def compare(report, name, settings, data, workers, options):
    """A table of a network's times. `workers` has a process for each instruction set."""
    samples, repeats = (QUICK_SAMPLES, QUICK_REPEATS) if options.quick else (SAMPLES, REPEATS)
    X, y, X_test = data.X_train[:samples], data.y_train[:samples], data.X_test[:samples]
    # Signed neurons learn the same in every simulation. Counting is the quickest.
    quickest = {"simulation": "counting"} if settings.get("neuron") != "rectifying" else {}
    learned = SpikingMLPClassifier(**settings | quickest, max_iter=1, random_state=0)
    learned.fit(data.X_train, data.y_train).set_params(simulation=settings["simulation"])
    peer = MLPClassifier(**ADAM | {"batch_size": min(len(X), ADAM["batch_size"])}, max_iter=1, random_state=0).fit(X, y)
    sides = {
        "training": lambda estimator: partial(learn_copy, estimator, X, y),
        "prediction": lambda estimator: partial(predict_each, estimator, [X_test]),
    }
    seconds = {
        kind: alternate(
            {name: partial(run_elsewhere, run, side(learned)) for name, run in workers.items()} | {PEER: side(peer)},
            repeats,
            per=len(X),
        )
        for kind, side in sides.items()
    }
    found = {name: run(results, settings, X, y, X_test) for name, run in workers.items()}
    rows = []
    for side in [*workers, PEER]:
        row = {"instruction set": side, "runs": repeats}
        for kind in sides:
            row |= spread_of(kind, seconds[kind][side], "µs")
            row[f"{kind} speed-up"] = median(seconds[kind][BASELINE]) / median(seconds[kind][side])
        if side != PEER:
            row["same bits"] = "yes" if same_bits(found[side], found[BASELINE]) else "NO"
        rows.append(row)
    report.table(f"{name}: a sample, by instruction set", rows, seconds=seconds)
    return rows


def draw(tables, kind, axes):
    sets = [row["instruction set"] for row in next(iter(tables.values()))]
    width = 0.8 / len(sets)
    for k, instruction_set in enumerate(sets):
        heights = [rows[k][f"{kind} median µs"] for rows in tables.values()]
        axes.bar(np.arange(len(tables)) + (k - (len(sets) - 1) / 2) * width, heights, width, label=instruction_set)
    axes.set_xticks(range(len(tables)), [name.replace(", ", "\n") for name in tables])
    axes.set(title=f"{kind.capitalize()} of a sample", ylabel="µs", yscale="log")
    axes.legend()


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz").parse_args(argv)
    data = load_mnist(options)
    with session(__doc__, options) as report, ExitStack() as stack:
        names = dispatch.instruction_sets()
        chosen = (names[0], BASELINE) if options.quick else names
        workers = {name: stack.enter_context(worker(SK_DSN_INSTRUCTION_SET=name)) for name in chosen}
        tables = {name: compare(report, name, settings, data, workers, options) for name, settings in NETWORKS.items()}
        for kind in ("training", "prediction"):
            report.panel(partial(draw, tables, kind))


if __name__ == "__main__":
    main()

"""What do the instruction sets of the machine give, and do they give the same bits?

Training and prediction of MNIST, 784-200-200-10, T = 10, by the kernels of each instruction set that this machine can run
(what SK_DSN_INSTRUCTION_SET chooses), in each simulation, beside MLPClassifier. "same bits": whether the weights after an
epoch, and the outputs of all simulated samples, are those of the baseline.
"""
from functools import partial
from unittest.mock import patch

import numpy as np
from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier
from sk_dsn._core import network

from .harness import alternate, learn_copy, load_mnist, option_parser, predict_each, session, spread
from .mnist import ADAM, SETTINGS

BASELINE, PEER = "baseline", "MLPClassifier"
NETWORKS = {
    "signed, counting": SETTINGS["deep"] | {"simulation": "counting"},
    "signed, clock-driven": SETTINGS["deep"] | {"simulation": "clock-driven"},
    "rectifying, clock-driven": SETTINGS["rectifying"] | {"simulation": "clock-driven"},
    "rectifying, event-driven": SETTINGS["rectifying"] | {"simulation": "event-driven"},
}
SAMPLES, REPEATS = 5000, 7
QUICK_SAMPLES, QUICK_REPEATS = 100, 2


def with_instruction_set(name, side):
    """The side, run by an instruction set; `network.DEFAULT_INSTRUCTION_SET` is what the estimators take."""

    def run(watch, k):
        with patch.object(network, "DEFAULT_INSTRUCTION_SET", name):
            return side(watch, k)

    return run


def same_bits(results, base):
    return all(np.array_equal(a, b) for a, b in zip(results, base, strict=True))


def results(settings, X, y, X_test):
    """All weights after an epoch, and outputs."""
    estimator = SpikingMLPClassifier(**settings, max_iter=1, random_state=0).fit(X, y)
    return [*estimator.coefs_, *estimator.intercepts_, estimator.decision_function(X_test)]


def compare(report, name, settings, data, options):
    samples, repeats = (QUICK_SAMPLES, QUICK_REPEATS) if options.quick else (SAMPLES, REPEATS)
    X, y, X_test = data.X_train[:samples], data.y_train[:samples], data.X_test[:samples]
    # Signed neurons learn the same in every simulation, and so by counting, which is the quickest.
    quickest = {"simulation": "counting"} if settings.get("neuron") != "rectifying" else {}
    learned = SpikingMLPClassifier(**settings | quickest, max_iter=1, random_state=0)
    learned.fit(data.X_train, data.y_train).set_params(simulation=settings["simulation"])
    sets = network.instruction_sets()
    peer = MLPClassifier(**ADAM | {"batch_size": min(len(X), ADAM["batch_size"])}, max_iter=1, random_state=0).fit(X, y)
    sides = {
        "training": lambda estimator: partial(learn_copy, estimator, X, y),
        "prediction": lambda estimator: partial(predict_each, estimator, [X_test]),
    }
    seconds = {
        kind: alternate({s: with_instruction_set(s, side(learned)) for s in sets} | {PEER: side(peer)}, repeats, per=len(X))
        for kind, side in sides.items()
    }
    found = {}
    for instruction_set in sets:
        with patch.object(network, "DEFAULT_INSTRUCTION_SET", instruction_set):
            found[instruction_set] = results(settings, X, y, X_test)
    rows = []
    for side in [*sets, PEER]:
        row = {"instruction set": side, "runs": repeats}
        for kind in sides:
            of, base = (spread(seconds[kind][which], "µs") for which in (side, BASELINE))
            row |= {f"{kind} {column}": value for column, value in of.items() if column != "runs"}
            row[f"{kind} speed-up"] = base["median µs"] / of["median µs"]
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
    with session(__doc__, options) as report:
        tables = {name: compare(report, name, settings, data, options) for name, settings in NETWORKS.items()}
        for kind in ("training", "prediction"):
            report.panel(partial(draw, tables, kind))


if __name__ == "__main__":
    main()

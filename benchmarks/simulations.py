"""Which neuron and which simulation costs what, in training and in prediction?

784-200-200-10 on MNIST, T = 10: error, spikes and synaptic operations of a prediction, and times of
a sample, of trained networks of both neurons in all simulations, and of the paper's network. All
times are measured in turn, in one run. Targets are those of the paper's network, whose authors'
program takes about 1500 µs for a training sample and 1250 µs for a prediction.

With --against, a folder with another checkout that is built in place: the same times of its sk_dsn,
in turn with ours, and their ratio. Networks that it does not have are left out. Takes about two
minutes, and twice that with --against.

Spikes include those taken back and those fired in passing; those of the input are part of them.
"counting" has the spikes of the clock-driven simulation, because both have the same states.
"""
from functools import cache, partial
from pathlib import Path
from statistics import mean
from types import SimpleNamespace

import numpy as np

from sk_dsn import PAPER_SETTINGS, SpikingMLPClassifier
from sk_dsn.metrics import spike_counts, synaptic_operations

from .data import load_mnist
from .harness import Target, alternate, learn_copy, predict_each, ratios, run_elsewhere, span, spread_of, worker
from .networks import SETTINGS
from .report import commit, n_seeds, option_parser, session

EPOCHS, REPEATS, QUICK_REPEATS = 5, 5, 2
PAPER = PAPER_SETTINGS | {"hidden_layer_sizes": (200, 200)}
NETWORKS = {
    "signed, counting": SETTINGS["deep"] | {"simulation": "counting"},
    "signed, clock-driven": SETTINGS["deep"] | {"simulation": "clock-driven"},
    "signed, event-driven": SETTINGS["deep"] | {"simulation": "event-driven"},
    "rectifying, clock-driven": SETTINGS["rectifying"] | {"simulation": "clock-driven"},
    "rectifying, event-driven": SETTINGS["rectifying"] | {"simulation": "event-driven"},
    "the paper's, clock-driven": PAPER | {"simulation": "clock-driven"},
    "the paper's, event-driven": PAPER | {"simulation": "event-driven"},
}
# Microseconds of a training sample and of a prediction.
TARGETS = {
    "the paper's, clock-driven": {"training": Target("<=", 20), "prediction": Target("<=", 13)},
    "the paper's, event-driven": {"training": Target("<=", 25), "prediction": Target("<=", 18)},
}
# A round takes about so many additions, so that fast and slow networks are timed alike.
OPERATIONS, QUICK_OPERATIONS = 3e9, 1e6
FEWEST_SAMPLES = 50
KINDS = ("training", "prediction")


def exists(name):
    """Whether this checkout has the parameters of a network."""
    return NETWORKS[name].keys() <= SpikingMLPClassifier().get_params(deep=False).keys()


@cache
def trained(name, quick, folder, seed=0):
    """The data and a trained network.

    Signed neurons learn the same in every simulation, and counting is the quickest.
    """
    data = load_mnist(SimpleNamespace(quick=quick, data=folder))
    settings = NETWORKS[name]
    quickest = {} if settings.get("neuron") == "rectifying" else {"simulation": "counting"}
    network = SpikingMLPClassifier(**settings | quickest, random_state=seed).set_params(max_iter=1 if quick else EPOCHS)
    network.fit(data.X_train, data.y_train)
    return data, network.set_params(simulation=settings["simulation"])


def mean_operations(network, X):
    """Synaptic operations of a prediction."""
    return float(synaptic_operations(network, X)[:, -1].mean())


def enough_samples(network, X, operations):
    """How many of the samples take about this many additions to predict."""
    return int(np.clip(operations / mean_operations(network, X[:FEWEST_SAMPLES]), FEWEST_SAMPLES, X.shape[0]))


def n_timed(name, quick, folder):
    data, network = trained(name, quick, folder)
    return enough_samples(network, data.X_test, QUICK_OPERATIONS if quick else OPERATIONS)


def timed(kind, name, quick, folder, n, watch, k):
    """A side for `alternate`: n samples. The process that calls it trains the network first."""
    data, network = trained(name, quick, folder)
    if kind == "training":
        learn_copy(network, data.X_train[:n], data.y_train[:n], watch, k)
    else:
        predict_each(network, [data.X_test[:n]], watch, k)


def seconds_a_sample(kind, networks, places, options):
    """Seconds of a training sample or of a prediction, by (network, place).

    `places` maps names to how a side is run there.
    """
    counts = {name: n_timed(name, options.quick, options.data) for name in networks}
    sides = {
        (name, place): partial(run, partial(timed, kind, name, options.quick, options.data, counts[name]))
        for name in networks
        for place, run in places.items()
    }
    seconds = alternate(sides, QUICK_REPEATS if options.quick else REPEATS)
    return {side: [s / counts[side[0]] for s in seconds[side]] for side in sides}


def here(side, watch, k):
    side(watch, k)


def activity(name, options):
    """Columns with the errors of a network over the seeds, and the spikes and operations of its
    prediction."""
    seeds = n_seeds(options, 1)
    data, network = trained(name, options.quick, options.data)
    networks = [trained(name, options.quick, options.data, seed)[1] for seed in range(seeds)]
    errors = [100 * (1 - network.score(data.X_test, data.y_test)) for network in networks]
    X = data.X_test[: n_timed(name, options.quick, options.data)]
    return {
        "neuron, simulation": name,
        "test error %": mean(errors),
        "seeds": span(errors),
        "spikes": float(spike_counts(network, X).sum(axis=(1, 2)).mean()),
        "operations": mean_operations(network, X),
        "samples timed": len(X),
    }


def compare_networks(report, options):
    seconds = {kind: seconds_a_sample(kind, NETWORKS, {"here": here}, options) for kind in KINDS}
    rows = []
    for name in NETWORKS:
        row = activity(name, options)
        for kind in KINDS:
            row |= spread_of(kind, seconds[kind][name, "here"], "µs")
            target = TARGETS.get(name, {}).get(kind)
            judged = report.judgement(row[f"{kind} median µs"], target)
            row |= {f"{kind} {column}": value for column, value in judged.items()}
        rows.append(row | {"runs": len(seconds[kind][name, "here"])})
    report.table("Neurons and simulations", rows)


def compare_checkouts(report, options):
    """A table for each kind of time: this checkout and the one of --against, in turn, each in a
    process of its own."""
    with worker() as ours, worker(SK_DSN_CHECKOUT=str(options.against.resolve())) as theirs:
        networks = [name for name in NETWORKS if ours(exists, name) and theirs(exists, name)]
        report.table("Checkouts", [{"side": "ours", "commit": ours(commit)}, {"side": "theirs", "commit": theirs(commit)}])
        places = {"ours": partial(run_elsewhere, ours), "theirs": partial(run_elsewhere, theirs)}
        for kind in KINDS:
            seconds = seconds_a_sample(kind, networks, places, options)
            rows = [
                {"neuron, simulation": name, "runs": len(seconds[name, "ours"])}
                | {c: v for place in places for c, v in spread_of(place, seconds[name, place], "µs").items()}
                | ratios(seconds[name, "ours"], seconds[name, "theirs"])
                for name in networks
            ]
            report.table(f"{kind.capitalize()} of a sample, beside the other checkout", rows)


def main(argv=None):
    parser = option_parser(__doc__, data="mnist.npz")
    parser.add_argument("--against", metavar="FOLDER", type=Path, help="another checkout, built in place")
    options = parser.parse_args(argv)
    with session(__doc__, options) as report:
        if options.against:
            compare_checkouts(report, options)
        else:
            compare_networks(report, options)


if __name__ == "__main__":
    main()

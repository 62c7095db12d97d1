"""How accurate do fully connected spiking networks become on MNIST, and which means earn it?

Parts: (a) 784-200-200-10, (b) the same with one means taken away at a time, (c) two hidden layers of 500, (d) of
1000, (e) one hidden layer of 1000, (f) networks side by side: trained each by itself, and then one network, whose hidden
layers are theirs and whose outputs are the means of theirs, (g) 784-500-500-10 that sees each image shifted by up to a
pixel, anew in each epoch: unlike the other means it knows that features are pixels. Targets are printed beside what they
concern.
"""
from copy import deepcopy
from functools import partial
from statistics import median, stdev

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import block_diag
from sklearn.model_selection import ParameterGrid

from sk_dsn import SpikingMLPClassifier

from .harness import Stopwatch, Target, load_mnist, n_seeds, option_parser, percentages, session
from .mnist import EVERY_EPOCH, HELD_OUT

# Chosen with the last 10,000 training images held out, by --select, and then fixed.
COMMON = {
    "n_time_steps": 10,
    "normalized_step": False,
    "learning_rate": "linear",
    "learning_rate_init": 0.015,
    "error_resolution": 8,
    "input_dropout": 0.3,
    "max_norm": 1.5,
    **EVERY_EPOCH,
}
SETTINGS = {
    "200-200": COMMON | {"hidden_layer_sizes": (200, 200), "max_iter": 60},
    "500-500": COMMON | {"hidden_layer_sizes": (500, 500), "max_norm": 1.0, "max_iter": 100},
    "1000-1000": COMMON | {"hidden_layer_sizes": (1000, 1000), "max_norm": 1.0, "max_iter": 40},
    "1000": COMMON | {"hidden_layer_sizes": (1000,), "max_iter": 60},
    "4 x 250-250": COMMON | {"hidden_layer_sizes": (250, 250), "n_networks": 4, "max_iter": 50},
    "500-500, shifted": COMMON | {"hidden_layer_sizes": (500, 500), "input_dropout": 0.1, "shifted": True, "max_iter": 80},
}
TARGETS = {
    "200-200": Target("<", 1.5),
    "500-500": Target("<", 1.1),
    "1000-1000": Target("<", 1.1),
    "1000": Target("<=", 1.25),
    "4 x 250-250": Target("<", 1.1),
    "500-500, shifted": Target("<", 1.1),
}
CHANGES = {
    "without input dropout": {"input_dropout": 0.0},
    "without a limit on norms": {"max_norm": None},
    "without either": {"input_dropout": 0.0, "max_norm": None},
    "rate constant": {"learning_rate": "constant"},
    "15 epochs": {"max_iter": 15},
    "error_resolution=1": {"error_resolution": 1},
}
GRIDS = {
    "200-200": [
        {"input_dropout": [0.0, 0.2, 0.3, 0.4]},
        {"max_norm": [None, 1.0, 2.0]},
        {"learning_rate_init": [0.007, 0.03]},
        {"dropout": [0.1]},
        {"error_resolution": [32]},
        {"n_time_steps": [32]},
        {"max_iter": [120]},
    ],
    "500-500": [
        {"max_iter": [60], "max_norm": [1.0, 1.5]},
        {"max_iter": [60], "max_norm": [1.5], "dropout": [0.1]},
    ],
    "1000-1000": [
        {"max_norm": [1.0, 1.5]},
        {"max_norm": [1.0], "input_dropout": [0.4], "learning_rate_init": [0.01]},
        {"max_iter": [20], "max_norm": [1.5], "input_dropout": [0.2], "dropout": [0.3, 0.5], "learning_rate_init": [0.005]},
    ],
    "1000": [
        {"max_iter": [50]},
        {"max_iter": [50], "dropout": [0.5], "input_dropout": [0.2], "max_norm": [2.0], "learning_rate_init": [0.01]},
    ],
    "500-500, shifted": [
        {"max_iter": [40], "max_norm": [1.0], "input_dropout": [0.3]},
        {"max_iter": [40, 80]},
        {"max_iter": [50], "hidden_layer_sizes": [(1000, 1000)]},
    ],
    "4 x 250-250": [
        {"max_norm": [1.0, 1.5]},
        {"max_iter": [100]},
        {"input_dropout": [0.2]},
        {"error_resolution": [1]},
        {"hidden_layer_sizes": [(125, 125)], "n_networks": [8]},
        {"hidden_layer_sizes": [(200, 200)], "n_networks": [5]},
        {"hidden_layer_sizes": [(333, 333)], "n_networks": [3], "max_norm": [1.2], "max_iter": [60]},
        {"hidden_layer_sizes": [(500, 500)], "n_networks": [2], "max_norm": [1.0], "max_iter": [60]},
    ],
}


def fit(data, seed, n_networks=1, shifted=False, **settings):
    if shifted:
        return fit_shifted(data, seed, **settings)
    networks = [
        SpikingMLPClassifier(**settings, random_state=seed * n_networks + k).fit(data.X_train, data.y_train)
        for k in range(n_networks)
    ]
    return networks[0] if n_networks == 1 else joined(networks)


def fit_shifted(data, seed, max_iter, learning_rate_init, **settings):
    """The schedule is that of `learning_rate="linear"`, a step an epoch."""
    network = SpikingMLPClassifier(**settings | {"learning_rate": "constant"}, random_state=seed)
    images = data.X_train.reshape(-1, 28, 28)
    rng = np.random.default_rng(seed)
    for epoch in range(max_iter):
        network.set_params(learning_rate_init=learning_rate_init * (1 - (epoch + 0.5) / max_iter))
        network.partial_fit(shifted_at_random(images, rng), data.y_train, classes=range(10))
    return network


def shifted_at_random(images, rng):
    """Each by -1, 0 or 1 rows and columns; what comes in is black."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down, right = rng.integers(3, size=(2, len(images)))
    windows = sliding_window_view(padded, images.shape[1:], axis=(1, 2))
    return windows[np.arange(len(images)), down, right].reshape(len(images), -1)


def joined(networks):
    """One network of some side by side, with the means of their outputs."""
    network = deepcopy(networks[0])
    first, *middle, last = zip(*(part.coefs_ for part in networks), strict=True)
    *hidden, output = zip(*(part.intercepts_ for part in networks), strict=True)
    network.hidden_layer_sizes = tuple(len(networks) * width for width in network.hidden_layer_sizes)
    means = np.vstack(last) / np.float32(len(networks))
    network.coefs_ = [np.hstack(first), *(block_diag(*coefs) for coefs in middle), means]
    network.intercepts_ = [*map(np.concatenate, hidden), np.mean(output, axis=0)]
    return network


def errors_of(network, data, seeds, **changes):
    """A row: the errors of a fit with each seed on the test samples, and CPU seconds of a fit."""
    settings = SETTINGS[network] | changes
    errors, seconds = [], []
    for seed in range(seeds):
        watch = Stopwatch()
        with watch:
            estimator = fit(data, seed, **settings)
        errors.append(1 - estimator.score(data.X_test, data.y_test))
        seconds.append(watch.seconds)
    deviation = {"deviation %": 100 * stdev(errors)} if seeds > 1 else {}
    return {**percentages(errors), **deviation, "epochs": settings["max_iter"], "s a fit": median(seconds)}


def report_lines(report, data, options, title, lines, default=5):
    """A table with a row for each (network, means, changed parameters, target)."""
    seeds, rows = n_seeds(options, default), []
    for network, means, changes, target in lines:
        errors = errors_of(network, data, seeds, **changes | ({"max_iter": 1} if options.quick else {}))
        rows.append({"hidden": network, "means": means, **errors, **report.judgement(errors["mean %"], target)})
    report.table(f"{title}, seeds: {seeds}", rows)


def all_means(network, report, data, options):
    settings = {name: value for name, value in SETTINGS[network].items() if name not in EVERY_EPOCH}
    title = f"Test error of 784-{network}-10 with {settings}"
    report_lines(report, data, options, title, [(network, "all", {}, TARGETS[network])])


def one_at_a_time(report, data, options):
    changes = list(CHANGES.items())[: 2 if options.quick else None]
    lines = [("200-200", means, changed, None) for means, changed in changes]
    report_lines(report, data, options, "b. Test error with one means taken away", lines, 3)


def select(report, data, options):
    """Errors of the grids on training images held out; the test images are not looked at."""
    held_out = len(data.X_train) // 6 if options.quick else HELD_OUT
    split = data._replace(
        X_train=data.X_train[:-held_out],
        y_train=data.y_train[:-held_out],
        X_test=data.X_train[-held_out:],
        y_test=data.y_train[-held_out:],
    )
    seeds = n_seeds(options, 1)
    for network in options.select or GRIDS:
        grid = list(ParameterGrid(GRIDS[network]))[: 2 if options.quick else None]
        if options.quick:
            grid = [params | {"max_iter": 1} for params in grid]
        rows = [params | errors_of(network, split, seeds, **params) for params in grid]
        report.table(f"Error on {held_out} held-out samples, {network}, seeds: {seeds}", rows)


PARTS = {
    "a": partial(all_means, "200-200"),
    "b": one_at_a_time,
    "c": partial(all_means, "500-500"),
    "d": partial(all_means, "1000-1000"),
    "e": partial(all_means, "1000"),
    "f": partial(all_means, "4 x 250-250"),
    "g": partial(all_means, "500-500, shifted"),
}


def main(argv=None):
    parser = option_parser(__doc__, data="mnist.npz", parts=PARTS)
    parser.add_argument("--select", nargs="*", choices=list(GRIDS), help="errors of grids of settings on held-out images")
    options = parser.parse_args(argv)
    data = load_mnist(options)
    with session(__doc__, options) as report:
        if options.select is not None:
            select(report, data, options)
            return
        for part in options.parts:
            PARTS[part](report, data, options)


if __name__ == "__main__":
    main()

"""How accurate do fully connected spiking networks become on MNIST, and which means earn it?

Parts: (a) 784-200-200-10, (b) the same with one means taken away at a time, (c) two hidden layers of 500, (d) of
1000, (e) one hidden layer of 1000, (f) 784-500-500-10 that sees each image shifted by up to a pixel, anew in each epoch:
unlike the other means it knows that features are pixels. Networks that learn from principal components are tested on
pixels: the components are linear, and become part of the weights of the first layer. Targets are printed beside what they
concern.
"""
from copy import deepcopy
from functools import partial
from math import isqrt
from statistics import median, stdev

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.decomposition import PCA
from sklearn.model_selection import ParameterGrid

from sk_dsn import SpikingMLPClassifier

from .harness import Stopwatch, Target, load_mnist, n_seeds, option_parser, percentages, session
from .mnist import EVERY_EPOCH, HELD_OUT

# Chosen with the last 10,000 training images held out, by --select, and then fixed.
COMMON = {
    "n_components": 70,
    "input_noise": 0.8,
    "n_time_steps": 10,
    "normalized_step": False,
    "learning_rate": "linear",
    "learning_rate_init": 0.01,
    "error_resolution": 8,
    "max_norm": 1.0,
    **EVERY_EPOCH,
}
PIXELS = {"n_components": None, "input_noise": 0.0, "input_dropout": 0.3, "learning_rate_init": 0.015, "max_norm": 1.5}
SETTINGS = {
    "200-200": COMMON | {"hidden_layer_sizes": (200, 200), "max_iter": 100},
    "500-500": COMMON | {"hidden_layer_sizes": (500, 500), "max_iter": 100},
    "1000-1000": COMMON | {"hidden_layer_sizes": (1000, 1000), "max_iter": 60},
    "1000": COMMON | {"hidden_layer_sizes": (1000,), "max_iter": 60},
    "500-500, shifted": COMMON | {"hidden_layer_sizes": (500, 500), "shifted": True, "max_iter": 80},
}
TARGETS = {
    "200-200": Target("<", 1.5),
    "500-500": Target("<", 1.1),
    "1000-1000": Target("<", 1.1),
    "1000": Target("<=", 1.25),
    "500-500, shifted": Target("<", 1.1),
}
CHANGES = {
    "without input noise": {"input_noise": 0.0},
    "without a limit on norms": {"max_norm": None},
    "without either": {"input_noise": 0.0, "max_norm": None},
    "pixels, with a noise of 0.2": {"n_components": None, "input_noise": 0.2},
    "pixels, left out at random (input_dropout)": PIXELS,
    "rate and noise constant": {"learning_rate": "constant"},
    "15 epochs": {"max_iter": 15},
    "error_resolution=1": {"error_resolution": 1},
}
PIXELS_GRID = {name: [value] for name, value in PIXELS.items()}
GRIDS = {
    "200-200": [
        {"input_noise": [0.0, 0.6, 0.8]},
        {"max_norm": [None, 1.2]},
        {"n_components": [100]},
        {"input_dropout": [0.1]},
        {"max_iter": [60]},
        PIXELS_GRID,
    ],
    "500-500": [
        {"max_iter": [60, 100]},
        {"max_iter": [60], "learning_rate_init": [0.005, 0.0075, 0.013]},
        {"max_iter": [60], "input_noise": [1.0]},
        {"max_iter": [60], "max_norm": [1.2]},
        {"max_iter": [60], "n_components": [100]},
        {"max_iter": [60], "n_time_steps": [16]},
        {"max_iter": [60], "dropout": [0.1]},
        {"max_iter": [60], "n_components": [None], "input_noise": [0.2, 0.3]},
        PIXELS_GRID | {"max_norm": [1.0]},
    ],
    "1000-1000": [{"max_iter": [40, 60]}, {"learning_rate_init": [0.005, 0.0075]}],
    "1000": [{}, PIXELS_GRID],
    "500-500, shifted": [
        {"input_noise": [0.4, 0.8]},
        {"input_noise": [0.4], "n_components": [100], "max_norm": [1.5]},
        PIXELS_GRID | {"input_dropout": [0.1]},
    ],
}


def fit(data, seed, n_components=None, shifted=False, **settings):
    """A fitted network on pixels."""
    if n_components is None:
        return (fit_shifted if shifted else fit_plain)(data, seed, np.asarray, **settings)
    components = PCA(min(n_components, data.X_train.shape[1])).fit(data.X_train)
    network = (fit_shifted if shifted else fit_plain)(data, seed, components.transform, **settings)
    return with_components(network, components)


def fit_plain(data, seed, features_of, **settings):
    return SpikingMLPClassifier(**settings, random_state=seed).fit(features_of(data.X_train), data.y_train)


def fit_shifted(data, seed, features_of, max_iter, learning_rate_init, input_noise, **settings):
    """The schedule is that of `learning_rate="linear"`, a step an epoch."""
    network = SpikingMLPClassifier(**settings | {"learning_rate": "constant"}, random_state=seed)
    side = isqrt(data.X_train.shape[1])
    images = data.X_train.reshape(-1, side, side)
    rng = np.random.default_rng(seed)
    for epoch in range(max_iter):
        share = 1 - (epoch + 0.5) / max_iter
        network.set_params(learning_rate_init=share * learning_rate_init, input_noise=share * input_noise)
        network.partial_fit(features_of(shifted_at_random(images, rng)), data.y_train, classes=range(10))
    return network


def shifted_at_random(images, rng):
    """Each by -1, 0 or 1 rows and columns; what comes in is black."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down, right = rng.integers(3, size=(2, len(images)))
    windows = sliding_window_view(padded, images.shape[1:], axis=(1, 2))
    return windows[np.arange(len(images)), down, right].reshape(len(images), -1)


def with_components(network, components):
    """The network on features of which the principal components were the input of the one given."""
    network = deepcopy(network)
    first, bias = components.components_.T @ network.coefs_[0], network.intercepts_[0]
    network.coefs_[0] = first
    network.intercepts_[0] = bias - components.mean_ @ first
    network.n_features_in_ = len(first)
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
    title = f"Test error, hidden layers {network}, {settings}"
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
    "f": partial(all_means, "500-500, shifted"),
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

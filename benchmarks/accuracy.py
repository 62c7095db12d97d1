"""How accurate do fully connected spiking networks become on MNIST, and which means earn it?

Parts: "epochs", 784-200-200-10 after 5 and 10 epochs with the settings of the timed benchmarks;
"dropout", one layer of 1000 with dropout. The other parts train for longer, with input noise, a
limit on norms and principal components as features: "200-200", "500-500", "1000-1000" and "1000"
are named after the hidden layers. "500-500-shifted" sees each image shifted by up to a pixel, anew
in each epoch; unlike the other means this one knows that features are pixels. "means" takes one of
the means away at a time.

Networks that learn from principal components are tested on pixels: the components are linear, so
they become part of the first layer's weights. Targets are printed beside the figures. All parts
take about half an hour.
"""
from copy import deepcopy
from functools import partial
from math import isqrt
from statistics import median, stdev

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.decomposition import PCA

from sk_dsn import SpikingMLPClassifier

from .data import load_mnist
from .harness import Stopwatch, Target, percentages
from .networks import EVERY_EPOCH, WIDE_EPOCHS
from .networks import SETTINGS as FAST_SETTINGS
from .report import n_seeds, option_parser, run_parts

ERROR_PERCENT = {5: Target("<=", 1.75), 10: Target("<=", 1.70)}
WIDE_ERROR_PERCENT = Target("<=", 1.25)

# Chosen by benchmarks.studies.selection and then fixed.
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
    "500-500-shifted": COMMON | {"hidden_layer_sizes": (500, 500), "shifted": True, "max_iter": 80},
}
TARGETS = {
    "200-200": Target("<", 1.5),
    "500-500": Target("<", 1.1),
    "1000-1000": Target("<", 1.1),
    "1000": Target("<=", 1.25),
    "500-500-shifted": Target("<", 1.1),
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
    """The schedule of `learning_rate="linear"`, with one step in each epoch."""
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
    """Each image is shifted by -1, 0 or 1 rows and columns; pixels that enter are black."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down, right = rng.integers(3, size=(2, len(images)))
    windows = sliding_window_view(padded, images.shape[1:], axis=(1, 2))
    return windows[np.arange(len(images)), down, right].reshape(len(images), -1)


def with_components(network, components):
    """The same network for the original features: the components become part of the first layer's
    weights."""
    network = deepcopy(network)
    first, bias = components.components_.T @ network.coefs_[0], network.intercepts_[0]
    network.coefs_[0] = first
    network.intercepts_[0] = bias - components.mean_ @ first
    network.n_features_in_ = len(first)
    return network


def errors_of(network, data, seeds, **changes):
    """A row: mean and spread of the errors of a fit with each seed on the test samples, and CPU
    seconds of a fit."""
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


def errors_by_seed(settings, data, seeds, **changes):
    """Mean and spread, in percent, of the errors of a fit with each seed on the test samples."""
    errors = []
    for seed in range(seeds):
        network = SpikingMLPClassifier(**settings | changes, random_state=seed).fit(data.X_train, data.y_train)
        errors.append(1 - network.score(data.X_test, data.y_test))
    return percentages(errors)


def few_epochs(report, data, options):
    seeds, rows = n_seeds(options, 5), []
    for epochs, target in ERROR_PERCENT.items():
        errors = errors_by_seed(FAST_SETTINGS["deep"], data, seeds, max_iter=1 if options.quick else epochs)
        rows.append({"epochs": epochs, **errors, **report.judgement(errors["mean %"], target)})
    report.table(f"Test error of 784-200-200-10 after few epochs, seeds: {seeds}", rows)


def wide_with_dropout(report, data, options):
    epochs, seeds = 1 if options.quick else WIDE_EPOCHS, n_seeds(options, 3)
    errors = errors_by_seed(FAST_SETTINGS["wide"], data, seeds, max_iter=epochs)
    row = {"epochs": epochs, **errors, **report.judgement(errors["mean %"], WIDE_ERROR_PERCENT)}
    report.table(f"Test error of one hidden layer of 1000 with dropout, seeds: {seeds}", [row])


def report_lines(report, data, options, title, lines, default=5):
    """A table with a row for each (network, means, changed parameters, target)."""
    seeds, rows = n_seeds(options, default), []
    for network, means, changes, target in lines:
        errors = errors_of(network, data, seeds, **changes | ({"max_iter": 1} if options.quick else {}))
        rows.append({"hidden": network, "means": means, **errors, **report.judgement(errors["mean %"], target)})
    report.table(f"{title}, seeds: {seeds}", rows)


def all_means(network, report, data, options):
    report_lines(report, data, options, f"Test error, hidden layers {network}", [(network, "all", {}, TARGETS[network])])


def one_at_a_time(report, data, options):
    changes = list(CHANGES.items())[: 2 if options.quick else None]
    lines = [("200-200", means, changed, None) for means, changed in changes]
    report_lines(report, data, options, "Test error with one means taken away", lines, 3)


PARTS = {
    "epochs": few_epochs,
    "dropout": wide_with_dropout,
    **{network: partial(all_means, network) for network in SETTINGS},
    "means": one_at_a_time,
}


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz", parts=PARTS).parse_args(argv)
    run_parts(PARTS, __doc__, options, load_mnist(options))


if __name__ == "__main__":
    main()

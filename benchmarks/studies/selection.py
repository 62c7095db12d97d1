"""Which hyperparameters should the networks of the other benchmarks have?

Errors of grids of settings on training images that are held out; the test images are not used. The
parts are the names of the networks: "deep", "wide" and "rectifying" are those of
`benchmarks/networks.py`, the others those of `benchmarks/accuracy.py`. All parts take some hours.
"""
from functools import partial

from sklearn.model_selection import ParameterGrid

from .. import accuracy
from ..data import load_mnist, without_test_set
from ..networks import HELD_OUT, SETTINGS, WIDE_EPOCHS
from ..report import n_seeds, option_parser, run_parts

GRIDS = {
    "deep": {
        "max_iter": [5, 10],
        "learning_rate_init": [0.005, 0.01, 0.015, 0.02],
        "error_resolution": [4, 8, 16, 32],
    },
    "wide": {
        "max_iter": [WIDE_EPOCHS],
        "learning_rate_init": [0.005, 0.01, 0.02, 0.04],
        "error_resolution": [4, 8, 32],
        "dropout": [0.3, 0.5],
    },
    "rectifying": {
        "max_iter": [5],
        "learning_rate_init": [0.01, 0.02, 0.03],
        "error_resolution": [1, 4],
    },
}
PIXELS_GRID = {name: [value] for name, value in accuracy.PIXELS.items()}
ACCURACY_GRIDS = {
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
    "500-500-shifted": [
        {"input_noise": [0.4, 0.8]},
        {"input_noise": [0.4], "n_components": [100], "max_norm": [1.5]},
        PIXELS_GRID | {"input_dropout": [0.1]},
    ],
}


def errors_of_network(network, data, seeds, params):
    if network in GRIDS:
        return accuracy.errors_by_seed(SETTINGS[network], data, seeds, **params)
    return accuracy.errors_of(network, data, seeds, **params)


def select(network, report, data, options):
    """A table of the errors of a network's grid, the smallest first."""
    held_out = len(data.X_train) // 6 if options.quick else HELD_OUT
    data, seeds = without_test_set(data, held_out), n_seeds(options, 3 if network in GRIDS else 1)
    grid = list(ParameterGrid((GRIDS | ACCURACY_GRIDS)[network]))
    if options.quick:
        grid = [params | {"max_iter": 1} for params in (grid[0], grid[-1])]
    rows = [params | errors_of_network(network, data, seeds, params) for params in grid]
    rows.sort(key=lambda row: (row.get("max_iter", 0), row["mean %"]))
    report.table(f"Error on {held_out} held-out samples, {network}, seeds: {seeds}", rows)


PARTS = {network: partial(select, network) for network in GRIDS | ACCURACY_GRIDS}


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz", parts=PARTS).parse_args(argv)
    run_parts(PARTS, __doc__, options, load_mnist(options))


if __name__ == "__main__":
    main()

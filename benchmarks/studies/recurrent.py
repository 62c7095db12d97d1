"""Which defaults should recurrent networks have?

Accuracy on a quarter of the training samples held out, over initial recurrent weights, rates and
error resolutions: MNIST by rows (10,000 images), and the time series of the UCR/UEA archive. It reads
training data alone. `benchmarks.recurrent` takes its settings from here.
"""
from itertools import product
from statistics import mean

import numpy as np
from sklearn.model_selection import train_test_split

from sk_dsn import SpikingRNNClassifier

from ..data import load_mnist, load_series
from ..recurrent import as_rows
from ..report import n_seeds, option_parser, progress, session

INITIAL = [("identity", 0.7), ("identity", 0.9), ("identity", 1.0), ("orthogonal", 0.9)]
RATES = [0.001, 0.003, 0.01]
RESOLUTIONS = [4.0, 16.0, 64.0]


def settings(options):
    """Parameters to compare: one changes at a time."""
    base = {"recurrent_init": "identity", "recurrent_init_scale": None, "learning_rate_init": 0.001}
    base["error_resolution"] = 16.0
    yield base
    if options.quick:
        return
    for (init, scale), rate in product(INITIAL, RATES):
        yield base | {"recurrent_init": init, "recurrent_init_scale": scale, "learning_rate_init": rate}
    for resolution in RESOLUTIONS:
        yield base | {"error_resolution": resolution}


def problems(options):
    """Name -> training sequences, labels, hidden layers, epochs."""
    n = 100 if options.quick else 10_000
    data = load_mnist(options)
    yield "MNIST by rows", as_rows(data).__next__()[:n], data.y_train[:n], (128, 128), 5
    for name in ("italy_power_demand", "basic_motions"):
        data = load_series(options, name)
        yield name, data.X_train, data.y_train, (100,), 100


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz and timeseries.npz").parse_args(argv)
    with session(__doc__, options) as report:
        for name, X, y, hidden, epochs in problems(options):
            rows = []
            for changes in settings(options):
                scores = []
                for seed in range(n_seeds(options, 1 if len(X) > 1000 else 5)):
                    X_train, X_held, y_train, y_held = train_test_split(X, y, random_state=seed, stratify=y, test_size=0.25)
                    stop = {"max_iter": 1 if options.quick else epochs, "n_iter_no_change": np.inf}
                    network = SpikingRNNClassifier(hidden, **changes, **stop, random_state=seed)
                    scores.append(network.fit(X_train, y_train).score(X_held, y_held))
                scale = changes["recurrent_init_scale"]
                rows.append(changes | {"recurrent_init_scale": scale or "None", "accuracy %": 100 * mean(scores)})
                progress(f"{name}: {rows[-1]}")
            report.table(f"{name}, {len(X)} training samples, {epochs} epochs", rows)


if __name__ == "__main__":
    main()

"""Which defaults should recurrent networks have?

Accuracy on a quarter of the training samples held out, while one parameter at a time moves away
from the defaults, on MNIST by rows (10,000 images), time series of the UCR/UEA archive, and the order
and gap tasks. Training that diverges counts 0. The study reads training data alone.
`benchmarks.recurrent` takes its settings for the series from the second part, a search over grids.
"resolution" repeats one parameter with more splits, "peers" searches settings for the libraries beside
us in `benchmarks.recurrent`, and "wide" chooses those of its 256-256 network. Takes about an hour.
Parts: "defaults", "resolution", "series", "peers", "wide".
"""
from statistics import mean

import numpy as np
from sklearn.metrics import log_loss
from sklearn.model_selection import ParameterGrid, StratifiedShuffleSplit, train_test_split

from sk_dsn import SpikingRNNClassifier

from ..data import gap_task, load_mnist, load_series, order_task
from ..harness import Stopwatch
from ..recurrent import as_rows
from ..report import n_seeds, option_parser, progress, run_parts
from .sequence_peers import EchoStateClassifier, TimeWarpingNeighbour, missing

SERIES = ("italy_power_demand", "japanese_vowels", "basic_motions")
# Around the defaults, one at a time.
CHANGES = {
    "recurrent_init, scale": [
        {"recurrent_init": init, "recurrent_init_scale": scale}
        for init, scale in [("identity", 0.5), ("identity", 0.8), ("identity", 0.95), ("identity", 1.0), ("orthogonal", 0.9)]
    ],
    "learning_rate_init": [0.0005, 0.002, 0.004, 0.008],
    "error_resolution": [4.0, 32.0, 64.0],
    "batch_size": [4, 16, 32],
    "threshold": [0.125, 0.5],
    "leak": [0.5, 0.2],
    "max_grad_norm": [None, 0.3, 3.0],
    "dropout": [0.2],
    "feedback": [{"feedback": "step", "readout": "mean"}],
}
# The default of error_resolution, and others; so many times the splits of "defaults".
RESOLUTIONS, RESOLUTION_SPLITS = (16.0, 32.0, 64.0), 5
# Of 256-256 with dropout=0.2 and a rate of 0.001 in 12 epochs.
LARGE_BATCHES = {"batch_size": 32, "learning_rate_init": 0.002}
LONG = {"input_dropout": 0.1, "max_iter": 20}
WIDE_CHANGES = [
    {},
    {"max_iter": 20},
    {"max_iter": 20, "dropout": 0.4},
    LARGE_BATCHES,
    {"batch_size": 64, "learning_rate_init": 0.003},
    LARGE_BATCHES | {"dropout": 0.4},
    LARGE_BATCHES | {"input_noise": 0.3},
    LARGE_BATCHES | {"input_dropout": 0.1},
    LARGE_BATCHES | {"input_dropout": 0.1, "max_iter": 30},
    LARGE_BATCHES | {"input_dropout": 0.05, "max_iter": 20, "dropout": 0.1},
    LONG | {"batch_size": 16},
    LONG | {"batch_size": 32},
    LONG | {"batch_size": 64},
]
# Of the series: splits, and grids to search.
NOISE = {"input_noise": [0.0, 0.3]}
IDENTITY = {"recurrent_init": ["identity"]}
GRIDS = {
    "italy_power_demand": (
        12,
        [
            NOISE | IDENTITY | {"recurrent_init_scale": [0.7, 0.9, 1.0], "dropout": [0.0, 0.4]},
            NOISE | IDENTITY | {"recurrent_init_scale": [0.7, 0.9, 1.0], "learning_rate_init": [0.004]},
            NOISE | {"recurrent_init": ["orthogonal"], "recurrent_init_scale": [0.7, 0.9], "dropout": [0.0, 0.4]},
        ],
    ),
    "japanese_vowels": (4, [NOISE | IDENTITY | {"recurrent_init_scale": [0.8, 0.9], "dropout": [0.0, 0.3]}]),
    "basic_motions": (5, [NOISE | IDENTITY | {"dropout": [0.0, 0.3], "learning_rate_init": [0.001, 0.002]}]),
}
# Of the peers, around settings by hand, which come first.
RESERVOIRS = {"input_scaling": [0.4, 0.1, 1.0], "leakage": [0.3, 0.1, 1.0], "spectral_radius": [0.9]}
PEER_GRIDS = {
    EchoStateClassifier: [
        RESERVOIRS | {"alpha": [1e-5, 1e-2, 1.0], "decision": ["mean"]},
        RESERVOIRS | {"alpha": [1e-2], "decision": ["last"]},
    ],
    TimeWarpingNeighbour: [{"k": [1, 3, 5], "window": [1.0, 0.2], "independent": [False, True]}],
}


def settings():
    """Name of the change -> parameters."""
    yield "the defaults", {}
    for name, values in CHANGES.items():
        for value in values:
            changes = value if isinstance(value, dict) else {name: value}
            yield ", ".join(f"{k}={v}" for k, v in changes.items()), changes


def problems(options):
    """Name -> training sequences, labels, parameters, seeds."""
    n = 100 if options.quick else 10_000
    data = load_mnist(options)
    parameters = {"hidden_layer_sizes": (128, 128), "max_iter": 5}
    yield "MNIST by rows", as_rows(data).__next__()[:n], data.y_train[:n], parameters, 2
    for name in SERIES:
        data = load_series(options, name)
        yield name, data.X_train, data.y_train, {"max_iter": 60}, 8
    for name, task in [("order task", order_task), ("gap task", gap_task)]:
        X, y = task(60 if options.quick else 400)
        yield name, list(X), y, {"max_iter": 20}, 3


def held_out_scores(X, y, parameters, seeds):
    """Scores on a quarter of the samples, a split for each seed; 0 where training diverges."""
    scores = []
    for seed in range(seeds):
        X_train, X_held, y_train, y_held = train_test_split(X, y, random_state=seed, stratify=y, test_size=0.25)
        network = SpikingRNNClassifier(**parameters, n_iter_no_change=np.inf, random_state=seed)
        try:
            scores.append(network.fit(X_train, y_train).score(X_held, y_held))
        except ValueError as error:
            if "diverged" not in str(error):
                raise
            progress(str(error))
            scores.append(0.0)
    return scores


def defaults(report, options):
    rows = {name: {"change": name} for name, _ in settings()}
    for name, X, y, common, seeds in problems(options):
        common = common | ({"max_iter": 1} if options.quick else {})
        for change, parameters in list(settings())[: 2 if options.quick else None]:
            scores = held_out_scores(X, y, common | parameters, n_seeds(options, seeds))
            rows[change][f"{name} %"] = 100 * mean(scores)
            progress(f"{name}, {change}: {100 * mean(scores):.2f} %")
    report.table("Accuracy on held-out training samples", list(rows.values()))


def resolution(report, options):
    """As "defaults", of one parameter and with more splits: the mean over problems decides."""
    rows, gains = [], {g: [] for g in RESOLUTIONS}
    for name, X, y, common, seeds in problems(options):
        if "task" in name:  # all of them solve it
            continue
        common = common | ({"max_iter": 1} if options.quick else {})
        n_splits = n_seeds(options, RESOLUTION_SPLITS * seeds)
        scores = {g: np.array(held_out_scores(X, y, common | {"error_resolution": g}, n_splits)) for g in RESOLUTIONS}
        for g, of_g in scores.items():
            gain = 100 * (of_g - scores[RESOLUTIONS[0]])
            gains[g].append(float(gain.mean()))
            row = {"problem": name, "error_resolution": g, "splits": n_splits, "accuracy %": 100 * float(of_g.mean())}
            error = float(gain.std(ddof=1) / n_splits**0.5) if n_splits > 1 else None
            rows.append(row | {"gain": gains[g][-1], "standard error of the gain": error})
            progress(f"{name}: {rows[-1]}")
    report.table("error_resolution: accuracy on held-out training samples, and the gain over the first", rows)
    report.table("Mean gain over problems", [{"error_resolution": g, "gain": mean(of_g)} for g, of_g in gains.items()])


def wide(report, options):
    """One seed a setting; two runs of one setting differ by about 0.1 %."""
    data = load_mnist(options)
    X, y, n_held = next(as_rows(data)), data.y_train, len(data.y_train) // 6
    rows = []
    X, X_held, y, y_held = train_test_split(X, y, random_state=0, stratify=y, test_size=n_held)
    for changes in WIDE_CHANGES[: 1 if options.quick else None]:
        parameters = {"hidden_layer_sizes": (256, 256), "error_resolution": 64.0, "dropout": 0.2, "max_iter": 12} | changes
        parameters |= {"hidden_layer_sizes": (16,), "max_iter": 1} if options.quick else {}
        network, watch = SpikingRNNClassifier(**parameters, n_iter_no_change=np.inf, random_state=0), Stopwatch()
        with watch:
            network.fit(X, y)
        found = network.predict_proba(X_held).astype(float)
        loss = log_loss(y_held, found / found.sum(axis=1, keepdims=True))
        row = {"changes": ", ".join(f"{k}={v}" for k, v in changes.items())}
        row |= {"error %": 100 * (1 - network.score(X_held, y_held)), "log loss": loss, "training loss": network.loss_}
        rows.append(row | {"training µs a sample": 1e6 * watch.seconds / (parameters["max_iter"] * len(y))})
        progress(f"{rows[-1]}")
    report.table(f"{data.name} by rows, 256-256: {n_held} held-out training samples", rows)


def training_splits(data, n_splits, options):
    """Of the training samples: X, y, held-out X, held-out y."""
    splitter = StratifiedShuffleSplit(1 if options.quick else n_splits, test_size=0.25, random_state=0)
    for training, held in splitter.split(data.y_train, data.y_train):
        X, X_held = ([data.X_train[k] for k in part] for part in (training, held))
        yield X, data.y_train[training], X_held, data.y_train[held]


def points_of(grids, options):
    return list(ParameterGrid(grids))[: 1 if options.quick else None]


def series(report, options):
    """The best accuracy decides, among equals the smallest loss."""
    for name, (n_splits, grids) in GRIDS.items():
        data, rows = load_series(options, name), []
        splits = list(training_splits(data, n_splits, options))
        for point in points_of(grids, options):
            network = SpikingRNNClassifier(**point, max_iter=1 if options.quick else 60, n_iter_no_change=np.inf)
            scores, losses = [], []
            for seed, (X, y, X_held, y_held) in enumerate(splits):
                network.set_params(random_state=seed).fit(X, y)
                found = network.predict_proba(X_held).clip(1e-4, 1)
                losses.append(log_loss(y_held, found, labels=network.classes_))
                scores.append(network.score(X_held, y_held))
            rows.append({k: str(v) for k, v in point.items()} | {"accuracy %": 100 * mean(scores), "log loss": mean(losses)})
            progress(f"{name}: {rows[-1]}")
        report.table(f"{name}, held-out training samples", rows)


def peers(report, options):
    """The best accuracy decides, among equals the first."""
    for kind, grids in PEER_GRIDS.items():
        if absent := missing(*kind.packages):
            print(f"{kind.__name__} is left out: {absent}.\n")
            continue
        for name in SERIES:
            data, rows = load_series(options, name), []
            splits = list(training_splits(data, max(5, GRIDS[name][0]), options))
            for point in points_of(grids, options):
                scores = [
                    kind(**point, random_state=seed).fit(X, y).score(X_held, y_held)
                    for seed, (X, y, X_held, y_held) in enumerate(splits)
                ]
                rows.append({k: str(v) for k, v in point.items()} | {"accuracy %": 100 * mean(scores)})
                progress(f"{name}, {kind.__name__}: {rows[-1]}")
            report.table(f"{kind.__name__}, {name}, held-out training samples", rows)


PARTS = {"defaults": defaults, "resolution": resolution, "series": series, "peers": peers, "wide": wide}


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz and timeseries.npz", parts=PARTS).parse_args(argv)
    run_parts(PARTS, __doc__, options)


if __name__ == "__main__":
    main()

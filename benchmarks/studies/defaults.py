"""Are the defaults better than those of scikit-learn's networks, on data of many kinds?

Nothing is set but random_state. Both sides are fitted in turn in the same five folds of sets to
choose the defaults by (development) and of sets that took no part in the choice (check), each
standardised and scaled to [0, 1]. Parts: classification; depth (digits, a quarter held out);
regression. With --study, beside the defaults the candidates from which they were chosen.
"""
from itertools import pairwise
from statistics import mean

import numpy as np
from sklearn import datasets
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor

from ..data import SHARED_DATA
from ..harness import Stopwatch, Target
from ..report import n_seeds, option_parser, progress, session

SCALERS = {"standardised": StandardScaler, "min-max": MinMaxScaler}
SEEDS = 3

# Parameters beside the defaults; `start` replaces the rule for the first weights.
CLASSIFIERS = {
    "He's first weights": {"start": True},
    "no dropout": {"dropout": 0.0},
    "16 time steps": {"n_time_steps": 16},
    "a rate of 0.6": {"learning_rate_init": 0.6},
    "80 epochs": {"max_iter": 80},
}
REGRESSORS = {
    "a rate of 0.1": {"learning_rate_init": 0.1},
    "a rate of 0.4": {"learning_rate_init": 0.4},
    "80 epochs": {"max_iter": 80},
}
DEPTHS = [(width,) * depth for width in (20, 50, 100) for depth in (1, 2, 3, 5, 8)]
DEEP = {
    "He's first weights": {"start": True},
    "no dropout": {"dropout": 0.0},
    "the whole rate in each layer": {"shared": False},
}
MEAN_DIFFERENCE, WORST_DIFFERENCE, TIME_RATIO = Target(">=", 3), Target(">=", -1), Target("<=", 0.25)


# Data


def checkerboard(seed):
    generator = np.random.default_rng(seed)
    X = generator.uniform(-1, 1, (600, 2))
    return X + 0.05 * generator.standard_normal(X.shape), ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(int)


def spirals(seed):
    generator = np.random.default_rng(seed)
    y = np.arange(600) % 2
    radius = np.sqrt(generator.uniform(0.02, 1, 600)) * 2.5 * np.pi
    X = np.c_[radius * np.cos(radius + np.pi * y), radius * np.sin(radius + np.pi * y)]
    return X + 0.3 * generator.standard_normal(X.shape), y


def skewed(seed):
    X, y = make_classification(800, 12, n_informative=6, n_classes=3, random_state=seed)
    return np.exp(X), y


def friedman_classes(seed):
    X, values = datasets.make_friedman1(800, random_state=seed)
    return X, np.digitize(values, np.quantile(values, [1 / 3, 2 / 3]))


def wave(seed):
    generator = np.random.default_rng(seed)
    X = generator.uniform(-3, 3, (300, 1))
    return X, np.sin(2 * X[:, 0]) + 0.2 * generator.standard_normal(300)


def offset_linear(seed):
    X, y = datasets.make_regression(500, 10, noise=20, random_state=seed)
    return X, y + 1000


def series(name):
    """Sequences as vectors: all steps where lengths agree, else mean and spread of each feature."""
    with np.load(SHARED_DATA / "timeseries.npz") as file:
        parts = [[file[f"{name}_{part}_{field}"] for field in ("X", "offsets", "y")] for part in ("train", "test")]
    sequences = [X[begin:end] for X, offsets, _ in parts for begin, end in pairwise(offsets)]
    if name == "italy_power_demand":
        X = np.array([s.ravel() for s in sequences])
    else:
        X = np.array([np.r_[s.mean(axis=0), s.std(axis=0)] for s in sequences])
    return X.astype(float), np.concatenate([y for _, _, y in parts])


def mnist():
    with np.load(SHARED_DATA / "mnist.npz") as file:
        return file["X_train"][:1000].astype(float), file["y_train"][:1000]


def blobs(n_samples, n_features, centers, spread, seed):
    return datasets.make_blobs(n_samples, n_features, centers=centers, cluster_std=spread, random_state=seed)


def quantiles(n_samples, n_features, n_classes, seed):
    return datasets.make_gaussian_quantiles(
        n_samples=n_samples, n_features=n_features, n_classes=n_classes, random_state=seed
    )


def drawn(n_samples, n_features, seed=0, **options):
    return make_classification(n_samples, n_features, random_state=seed, **options)


DEVELOPMENT = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "moons": lambda: datasets.make_moons(400, noise=0.25, random_state=0),
    "circles": lambda: datasets.make_circles(400, noise=0.1, factor=0.6, random_state=0),
    "blobs": lambda: blobs(400, 2, 6, 2.0, 0),
    "checkerboard": lambda: checkerboard(0),
    "classification": lambda: drawn(800, 20, n_informative=6, n_classes=3),
    "many clusters": lambda: drawn(800, 10, n_informative=8, n_redundant=0, n_classes=4),
    "label noise": lambda: drawn(800, 20, n_informative=5, flip_y=0.2),
    "quantiles": lambda: quantiles(800, 4, 3, 0),
    "Hastie": lambda: datasets.make_hastie_10_2(1000, random_state=0),
    "more features than samples": lambda: drawn(200, 500, n_informative=20, n_redundant=200),
    "imbalanced": lambda: drawn(800, 10, n_informative=5, weights=[0.93]),
    "skewed": lambda: skewed(0),
}
CHECK = {
    "MNIST, 1000 images": mnist,
    "ItalyPowerDemand": lambda: series("italy_power_demand"),
    "JapaneseVowels": lambda: series("japanese_vowels"),
    "BasicMotions": lambda: series("basic_motions"),
    "spirals": lambda: spirals(1),
    "Friedman classes": lambda: friedman_classes(1),
    "label noise 2": lambda: drawn(600, 30, 1, n_informative=8, n_classes=3, flip_y=0.3),
    "imbalanced 2": lambda: drawn(900, 15, 1, n_informative=6, n_classes=3, weights=[0.8, 0.15]),
    "more features than samples 2": lambda: drawn(100, 300, 1, n_informative=10, n_redundant=100, class_sep=2),
    "quantiles 2": lambda: quantiles(600, 10, 2, 1),
    "blobs 2": lambda: blobs(500, 8, 10, 3.0, 1),
}
VALUES = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "Friedman 1": lambda: datasets.make_friedman1(500, noise=1.0, random_state=0),
    "linear, offset 1000": lambda: offset_linear(0),
    "Friedman 2": lambda: datasets.make_friedman2(500, noise=50, random_state=0),
    "Friedman 3": lambda: datasets.make_friedman3(500, noise=0.1, random_state=0),
    "sparse uncorrelated": lambda: datasets.make_sparse_uncorrelated(500, random_state=0),
    "wave": lambda: wave(0),
}


# Candidates


def he(seed, sizes):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in) for n_in, n_out in pairwise(sizes)]


class Candidate:
    """A classifier with parameters, or rules, other than the defaults."""

    def __init__(self, seed, start=False, shared=True, **params):
        self.estimator = SpikingMLPClassifier(random_state=seed, **params)
        self.seed, self.start = seed, start
        if not shared:
            n_shares = len(self.estimator.hidden_layer_sizes) + 1
            self.estimator.learning_rate_init *= n_shares / 2  # as in a network of one hidden layer

    def fit(self, X, y):
        sizes = [X.shape[1], *self.estimator.hidden_layer_sizes, len(np.unique(y))]
        self.estimator.fit(X, y, coefs_init=he(self.seed, sizes) if self.start else None)
        return self

    def predict(self, X):
        return self.estimator.predict(X)


def regressor(seed, **params):
    return SpikingMLPRegressor(random_state=seed, **params)


def candidates(others, options):
    return {"defaults": {}} | (others if options.study else {})


# Measurements


def compare(report, title, sets, chosen, make, peer, splitter, score, options):
    """A row a setting and candidate, and one a candidate; both sides learn the same folds in turn."""
    rows, sides = [], {"peer": lambda seed: peer(random_state=seed)}
    sides |= {name: (lambda seed, p=params: make(seed, **p)) for name, params in chosen.items()}
    for name, load in sets.items():
        try:
            X, y = load()
        except FileNotFoundError as error:
            progress(f"{name} skipped: {error}")
            continue
        for scaling, scaler in SCALERS.items():
            scores, seconds = ({side: [] for side in sides} for _ in range(2))
            for seed in range(n_seeds(options, SEEDS)):
                for train, test in splitter(2 if options.quick else 5, shuffle=True, random_state=seed).split(X, y):
                    scaled = scaler().fit(X[train])
                    X_train, X_test = scaled.transform(X[train]), scaled.transform(X[test])
                    for side, build in sides.items():
                        model, watch = build(seed), Stopwatch()
                        try:
                            with watch:
                                model.fit(X_train, y[train])
                            scores[side].append(score(y[test], model.predict(X_test)))
                        except ValueError as error:
                            if "diverged" not in str(error):
                                raise
                            scores[side].append(0.0)
                        seconds[side].append(watch.seconds)
            rows += [
                {
                    "data": name,
                    "scaling": scaling,
                    "candidate": side,
                    "score": mean(scores[side]),
                    "peer's": mean(scores["peer"]),
                    "difference": mean(scores[side]) - mean(scores["peer"]),
                    "fit s": sum(seconds[side]),
                    "peer's fit s": sum(seconds["peer"]),
                }
                for side in chosen
            ]
            progress(f"{name}, {scaling}: done")
    report.table(title, rows)
    return rows


def summarise(report, title, rows, names, unit, targets):
    lines = []
    for name in names:
        own = [row for row in rows if row["candidate"] == name]
        worst = min(own, key=lambda row: row["difference"])
        overall = unit * mean(row["difference"] for row in own)
        ratio = sum(row["fit s"] for row in own) / sum(row["peer's fit s"] for row in own)
        by_scaling = {s: unit * mean(row["difference"] for row in own if row["scaling"] == s) for s in SCALERS}
        passed = [
            target.judge(value)
            for target, value in zip(targets, (overall, unit * worst["difference"], ratio), strict=True)
        ]
        lines.append(
            {
                "candidate": name,
                "mean difference": overall,
                **by_scaling,
                "worst": f"{worst['data']}, {worst['scaling']}",
                "its difference": unit * worst["difference"],
                "time ratio": ratio,
                "targets": None if report.quick else f"{', '.join(map(str, targets))}: {', '.join(passed)}",
            }
        )
    report.table(title, lines)


def smallest(sets, options):
    return dict(list(sets.items())[: 1 if options.quick else None])


def classification(report, options):
    targets = (MEAN_DIFFERENCE, WORST_DIFFERENCE, TIME_RATIO)
    chosen = candidates(CLASSIFIERS, options)
    for kind, sets in (("development", DEVELOPMENT), ("check", CHECK)):
        if options.quick:
            sets = {name: sets[name] for name in ("iris", "spirals") if name in sets}
        rows = compare(
            report,
            f"Accuracy, {kind} sets",
            sets,
            chosen,
            Candidate,
            MLPClassifier,
            StratifiedKFold,
            accuracy_score,
            options,
        )
        summarise(report, f"Points of accuracy, {kind} sets", rows, chosen, 100, targets)


def regression(report, options):
    sets, chosen = dict(list(VALUES.items())[: 1 if options.quick else None]), candidates(REGRESSORS, options)
    rows = compare(report, "R²", sets, chosen, regressor, MLPRegressor, KFold, r2_score, options)
    summarise(report, "R², all sets", rows, chosen, 1, (Target(">=", 0), Target(">=", 0), TIME_RATIO))


def depth(report, options):
    X, y = datasets.load_digits(return_X_y=True)
    rows = []
    for sizes in DEPTHS[:1] if options.quick else DEPTHS:
        for name, params in candidates(DEEP, options).items():
            scores = []
            for seed in range(n_seeds(options, 5)):
                X_train, X_test, y_train, y_test = train_test_split(
                    X / 16, y, test_size=0.25, random_state=seed, stratify=y
                )
                model = Candidate(seed, hidden_layer_sizes=sizes, **params).fit(X_train, y_train)
                scores.append(accuracy_score(y_test, model.predict(X_test)))
            rows.append(
                {
                    "neurons": sizes[0],
                    "layers": len(sizes),
                    "candidate": name,
                    "smallest": min(scores),
                    "mean": mean(scores),
                    **report.judgement(min(scores), Target(">=", 0.94 if sizes[0] == 20 else 0.96)),
                }
            )
        progress(f"{sizes}: done")
    report.table("Digits, share of right answers on the quarter held out", rows)


PARTS = {"classification": classification, "depth": depth, "regression": regression}


def main(argv=None):
    parser = option_parser(__doc__, parts=PARTS)
    parser.add_argument("--study", action="store_true", help="measure the candidates too")
    options = parser.parse_args(argv)
    with session(__doc__, options) as report:
        for part in options.parts:
            PARTS[part](report, options)


if __name__ == "__main__":
    main()

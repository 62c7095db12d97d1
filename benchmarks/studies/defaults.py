"""Are the defaults at least as good as those of scikit-learn's MLPClassifier?

Only random_state is set. Both classifiers are cross-validated on the same folds of scikit-learn's
small data sets, standardised and scaled to [0, 1] in a pipeline. Then the time to fit, and the
results without scaling. With --study: the grid from which the defaults were chosen.
"""
from functools import partial
from statistics import mean, median

from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.model_selection import ParameterGrid, RepeatedStratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sk_dsn import SpikingMLPClassifier

from ..harness import Target, alternate
from ..report import n_seeds, option_parser, session

OURS, PEER = "SpikingMLPClassifier", "MLPClassifier"
CLASSIFIERS = {OURS: SpikingMLPClassifier, PEER: MLPClassifier}
LOADERS = {"iris": load_iris, "wine": load_wine, "breast cancer": load_breast_cancer, "digits": load_digits}
SCALERS = {"standardised": StandardScaler, "min-max": MinMaxScaler}
UNSCALED = ("breast cancer", "wine")
SEEDS = 3

MEAN_DIFFERENCE = Target(">=", 0)
WORST_DIFFERENCE = Target(">=", -1)
FIT_TIME_RATIO = Target("<", 1)

GRID = [
    {
        "normalized_step": [True],
        "learning_rate_init": [0.2, 0.3, 0.5, 0.8],
        "n_time_steps": [10, 16, 32],
        "error_resolution": [8.0, 32.0],
        "dropout": [0.0, 0.2],
    },
    {"normalized_step": [False], "learning_rate_init": [0.005, 0.01, 0.02, 0.05]},
]


def folds(options):
    n_splits, n_repeats = (2, 1) if options.quick else (5, 3)
    return RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=0)


def load_sets(options):
    """Data sets by name; for a smoke run the two smallest."""
    return {name: LOADERS[name](return_X_y=True) for name in list(LOADERS)[: 2 if options.quick else None]}


def accuracies(make, X, y, scaler, options):
    """Mean cross-validated accuracy in percent for each seed."""
    return [accuracy(make(random_state=seed), X, y, scaler, options) for seed in range(n_seeds(options, SEEDS))]


def accuracy(classifier, X, y, scaler, options):
    estimator = classifier if scaler is None else make_pipeline(scaler(), classifier)
    try:
        return 100 * float(cross_val_score(estimator, X, y, cv=folds(options), error_score="raise").mean())
    except ValueError as error:
        if "diverged" in str(error):
            return 0.0
        raise


def accuracy_table(make, sets, options):
    """Accuracies of one classifier for every data set and scaling."""
    return {
        (name, scaling): accuracies(make, X, y, scaler, options)
        for name, (X, y) in sets.items()
        for scaling, scaler in SCALERS.items()
    }


def compare_accuracy(report, sets, options):
    ours, peer = (accuracy_table(make, sets, options) for make in CLASSIFIERS.values())
    rows = [
        {
            "data": name,
            "scaling": scaling,
            f"{OURS} %": mean(ours[name, scaling]),
            f"{PEER} %": mean(peer[name, scaling]),
            "difference": points,
            **report.judgement(points, WORST_DIFFERENCE),
        }
        for (name, scaling), points in differences(ours, peer).items()
    ]
    overall = mean(row["difference"] for row in rows)
    rows.append({"data": "mean", "difference": overall, **report.judgement(overall, MEAN_DIFFERENCE)})
    seeds = n_seeds(options, SEEDS)
    report.table(f"Mean accuracy, seeds: {seeds}", rows)
    report.table(
        "Mean difference by random_state",
        [{"random_state": seed, **mean_and_worst(differences(ours, peer, [seed]))} for seed in range(seeds)],
    )


def differences(ours, peer, seeds=None):
    """Ours minus the peer's, in points, averaged over the seeds named or all."""
    pairs = {key: [a - b for a, b in zip(ours[key], peer[key], strict=True)] for key in ours}
    return {key: mean(points if seeds is None else [points[s] for s in seeds]) for key, points in pairs.items()}


def mean_and_worst(points):
    worst = min(points, key=points.get)
    return {"mean difference": mean(points.values()), "worst": " ".join(worst), "its difference": points[worst]}


def largest(sets):
    return max(sets, key=lambda name: sets[name][0].size)


def fit_each(make, X, y, watch, k):
    classifier = make(random_state=k)
    with watch:
        classifier.fit(X, y)


def fit_sides(X, y):
    return {name: partial(fit_each, make, X, y) for name, make in CLASSIFIERS.items()}


def compare_fit_time(report, sets, options):
    name = largest(sets)
    X, y = sets[name]
    for scaling, scaler in SCALERS.items():
        seconds = alternate(fit_sides(scaler().fit_transform(X), y), 2 if options.quick else 7)
        report.comparison(f"Time to fit {name}, {scaling}", seconds, PEER, {OURS: FIT_TIME_RATIO})


def compare_unscaled(report, sets, options):
    for name in filter(sets.__contains__, UNSCALED):
        X, y = sets[name]
        seconds = alternate(fit_sides(X, y), 2 if options.quick else 7)
        columns = {side: {"accuracy %": mean(accuracies(make, X, y, None, options))} for side, make in CLASSIFIERS.items()}
        report.comparison(f"Time to fit {name} as it comes, and mean accuracy", seconds, PEER, columns=columns)


def study(report, sets, options):
    """The grid, best first. Parameters outside the grid have their defaults; a fit that diverges
    counts as 0 %."""
    peer = accuracy_table(MLPClassifier, sets, options)
    timed = largest(sets)
    defaults = SpikingMLPClassifier().get_params()
    rows = []
    for params in list(ParameterGrid(GRID))[:: 20 if options.quick else 1]:
        make = partial(SpikingMLPClassifier, **params)
        rows.append(
            {
                **{name: (defaults | params)[name] for name in GRID[0]},
                "default": "*" if params.items() <= defaults.items() else "",
                **mean_and_worst(differences(accuracy_table(make, sets, options), peer)),
                f"{timed} s": fit_time(make, *sets[timed]),
            }
        )
    rows.sort(key=lambda row: -row["mean difference"])
    report.table(f"The grid against {PEER}, seeds: {n_seeds(options, SEEDS)}", rows)


def fit_time(make, X, y):
    """Median seconds of a fit on standardised features; infinite where training diverges."""
    X = StandardScaler().fit_transform(X)
    try:
        return median(alternate({OURS: partial(fit_each, make, X, y)}, 3)[OURS])
    except ValueError:
        return float("inf")


def main(argv=None):
    parser = option_parser(__doc__)
    parser.add_argument("--study", action="store_true", help="run the grid from which the defaults were chosen")
    options = parser.parse_args(argv)
    sets = load_sets(options)
    with session(__doc__, options) as report:
        if options.study:
            study(report, sets, options)
            return
        compare_accuracy(report, sets, options)
        compare_fit_time(report, sets, options)
        compare_unscaled(report, sets, options)


if __name__ == "__main__":
    main()

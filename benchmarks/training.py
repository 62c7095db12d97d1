"""How much time in training buys how little error, beside the alternatives?

Test error against CPU seconds of training, of networks with the same layers: sk_dsn with both
neurons and all simulations, scikit-learn's MLPClassifier in float32 with the best settings that we
found, and the libraries for spiking networks that are installed (T = 10, as their tutorials do it:
`benchmarks/studies/peers.py`). Where the rate falls to zero, training must know its end, so every
point of such a curve is a fit of its own. The others go on training, and are tested after each
epoch outside the timer.

Parts: "mnist", 784-200-200-10; "digits", 64-200-200-10; "wide", 784-2000-2000-10 on 10,000 images
of MNIST; "narrow", 4-10-3 on iris. Times of a sample are of the first five epochs. Targets are
printed beside the figures.
"""
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean, median

import numpy as np
from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier

from .data import load_digits_split, load_iris_split, load_mnist
from .harness import Stopwatch, Target, span, spread
from .networks import ADAM, EVERY_EPOCH, FRACTIONAL, SETTINGS, SGD
from .report import n_seeds, option_parser, progress, session
from .studies.peers import installed, library_rows

OURS, ADAM_NAME, SGD_NAME = "sk_dsn: signed, counting", "MLPClassifier: adam", "MLPClassifier: sgd with momentum"
FIRST_EPOCHS = 5
TABLED_EPOCHS = (1, 2, 3, 5, 10, 20)
QUICK_SAMPLES, QUICK_ERROR = 200, 95.0

Point = namedtuple("Point", "epochs seconds error first")
Point.__doc__ = """The test error in percent after a number of epochs and CPU seconds of training. `first` is the seconds of
an epoch if it counts as a measurement of the first epochs, else None."""


@dataclass(frozen=True)
class Fits:
    """Training whose rate falls to zero: a fit of each length in epochs."""

    make: Callable
    lengths: tuple
    seeds: int = 3

    def points(self, data, seed):
        timed = max((epochs for epochs in self.lengths if epochs <= FIRST_EPOCHS), default=None)
        for epochs in self.lengths:
            network, watch = self.make(max_iter=epochs, random_state=seed), Stopwatch()
            with watch:
                network.fit(data.X_train, data.y_train)
            yield Point(epochs, watch.seconds, error(network, data), watch.seconds / epochs if epochs == timed else None)

    def shortened(self):
        return replace(self, lengths=self.lengths[:2])


@dataclass(frozen=True)
class Epochs:
    """Training at a constant rate, epoch by epoch."""

    make: Callable
    epochs: int
    seeds: int = 3

    def points(self, data, seed):
        # Not the seed: scikit-learn's partial_fit would start it anew and shuffle every epoch alike.
        network, watch = self.make(random_state=np.random.RandomState(seed)), Stopwatch()
        classes = np.unique(data.y_train)
        for epoch in range(1, self.epochs + 1):
            before = watch.seconds
            with watch:
                network.partial_fit(data.X_train, data.y_train, classes=classes)
            first = watch.seconds - before if epoch <= FIRST_EPOCHS else None
            yield Point(epoch, watch.seconds, error(network, data), first)

    def shortened(self):
        return replace(self, epochs=1)


@dataclass(frozen=True)
class Scenario:
    """Data, the sides that learn it, and the errors in percent whose price in seconds is reported.

    `fastest` is the target of our microseconds a sample. `times_ours` is the target of
    MLPClassifier's seconds to the last of the errors, as a multiple of ours.
    """

    title: str
    load: Callable
    errors: tuple
    sides: dict
    fastest: Target | None = None
    times_ours: Target | None = None


def error(network, data):
    return 100 * float(np.mean(network.predict(data.X_test) != data.y_test))


def ours(settings, simulation, **changes):
    return partial(SpikingMLPClassifier, **settings | EVERY_EPOCH | {"simulation": simulation} | changes)


def peer(settings, **changes):
    return partial(MLPClassifier, **settings | EVERY_EPOCH | changes)


def libraries(hidden, epochs):
    """The libraries that are installed, one seed of each: every epoch is a measurement."""
    return {name: Epochs(partial(library, hidden), epochs, seeds=1) for name, library in installed().items()}


def some_mnist(options):
    data = load_mnist(options)
    return data._replace(X_train=data.X_train[:10_000], y_train=data.y_train[:10_000])


HIDDEN, WIDE, NARROW = (200, 200), (2000, 2000), (10,)
# The package's defaults, but for T.
DEFAULTS = {"hidden_layer_sizes": HIDDEN, "n_time_steps": 10}
DEFAULT_RECTIFYING = DEFAULTS | {"neuron": "rectifying", "learning_rule": FRACTIONAL}
FITS, FEW_FITS = (1, 2, 3, 5, 10), (1, 3, 5)
SMALL_FITS = (1, 2, 3, 5, 10, 20, 40)

SCENARIOS = {
    "mnist": Scenario(
        "MNIST, 784-200-200-10",
        load_mnist,
        (3.0, 2.0),
        {
            OURS: Fits(ours(SETTINGS["deep"], "counting"), FITS, seeds=5),
            "sk_dsn: signed, clock-driven": Fits(ours(SETTINGS["deep"], "clock-driven"), FEW_FITS),
            "sk_dsn: signed, event-driven": Fits(ours(SETTINGS["deep"], "event-driven"), (1,), seeds=1),
            "sk_dsn: rectifying, clock-driven": Fits(ours(SETTINGS["rectifying"], "clock-driven"), FITS),
            "sk_dsn: rectifying, event-driven": Fits(ours(SETTINGS["rectifying"], "event-driven"), FEW_FITS),
            ADAM_NAME: Epochs(peer(ADAM), 20),
            SGD_NAME: Epochs(peer(SGD), 15),
            **libraries(HIDDEN, 5),
        },
        fastest=Target("<=", 3.5),
        times_ours=Target(">=", 10),
    ),
    "digits": Scenario(
        "digits, 64-200-200-10",
        lambda options: load_digits_split(),
        (4.0, 3.0),
        {
            OURS: Fits(ours(DEFAULTS, "counting"), SMALL_FITS, seeds=5),
            "sk_dsn: signed, clock-driven": Fits(ours(DEFAULTS, "clock-driven"), SMALL_FITS),
            "sk_dsn: signed, event-driven": Fits(ours(DEFAULTS, "event-driven"), (1, 2, 5), seeds=1),
            "sk_dsn: rectifying, clock-driven": Fits(ours(DEFAULT_RECTIFYING, "clock-driven"), SMALL_FITS),
            "sk_dsn: rectifying, event-driven": Fits(ours(DEFAULT_RECTIFYING, "event-driven"), SMALL_FITS),
            ADAM_NAME: Epochs(peer(ADAM, batch_size=32), 40),
            SGD_NAME: Epochs(peer(SGD), 40),
            **libraries(HIDDEN, 30),
        },
    ),
    "wide": Scenario(
        "wide, 784-2000-2000-10, 10,000 images of MNIST",
        some_mnist,
        (6.0, 5.0),
        {
            OURS: Fits(ours(SETTINGS["deep"], "counting", hidden_layer_sizes=WIDE), (1, 2, 3)),
            ADAM_NAME: Epochs(peer(ADAM, hidden_layer_sizes=WIDE), 4),
        },
        times_ours=Target(">=", 1),
    ),
    "narrow": Scenario(
        "narrow, 4-10-3, iris",
        lambda options: load_iris_split(),
        (8.0, 5.0),
        {
            OURS: Fits(ours(DEFAULTS, "counting", hidden_layer_sizes=NARROW), (1, 2, 3, 5, 10, 20, 50), seeds=5),
            ADAM_NAME: Epochs(peer(ADAM, hidden_layer_sizes=NARROW, batch_size=10, learning_rate_init=0.01), 50, seeds=5),
            SGD_NAME: Epochs(peer(SGD, hidden_layer_sizes=NARROW, batch_size=10, learning_rate_init=0.1), 50, seeds=5),
        },
        times_ours=Target(">=", 1),
    ),
}


def train_in_turn(sides, data, options):
    """The curves (lists of points) of each side, one for each seed.

    All sides are measured in turn, one point at a time.
    """
    seeds = {side: n_seeds(options, course.seeds) for side, course in sides.items()}
    courses = {(side, seed): sides[side].points(data, seed) for side in sides for seed in range(seeds[side])}
    curves = {key: [] for key in courses}
    while courses:
        for key, points in list(courses.items()):
            if (point := next(points, None)) is None:
                del courses[key]
            else:
                curves[key].append(point)
                progress(f"{key[0]}, seed {key[1]}, {point.epochs} epochs: {point.error:.2f} %, {point.seconds:.1f} s")
    return {side: [curves[side, seed] for seed in range(seeds[side])] for side in sides}


def compare(report, scenario, options):
    data, sides, errors = scenario.load(options), scenario.sides, scenario.errors
    title = scenario.title
    if options.quick:
        data = data._replace(**{name: getattr(data, name)[:QUICK_SAMPLES] for name in data._fields[1:]})
        sides, errors = {side: course.shortened() for side, course in sides.items()}, (QUICK_ERROR,)
    curves = train_in_turn(sides, data, options)
    report.table(
        f"{title}: time of a training sample, and test error in % after so many epochs",
        [speed_row(report, side, found, curves[OURS], len(data.X_train), scenario) for side, found in curves.items()],
        curves=curves,
    )
    for percent in errors:
        target = scenario.times_ours if percent == scenario.errors[-1] else None
        report.table(
            f"{title}: CPU seconds of training to a test error of {percent:g} %",
            [reach_row(report, side, found, curves[OURS], percent, target) for side, found in curves.items()],
        )
    report.panel(partial(draw, title, curves, errors))


def speed_row(report, side, curves, base, n_samples, scenario):
    """Time of a sample, its ratio to ours, and errors."""
    times = spread(firsts(curves, n_samples), "µs")
    row = {"side": side, **times, "times ours": times["median µs"] / (1e6 * median(firsts(base, n_samples)))}
    row |= report.judgement(times["median µs"], scenario.fastest if side == OURS else None)
    for epochs in TABLED_EPOCHS:
        errors = [point.error for curve in curves for point in curve if point.epochs == epochs]
        row[f"{epochs} epoch{'s' * (epochs > 1)}"] = mean(errors) if errors else None
    last = [curve[-1].error for curve in curves]
    return row | {"last": f"{mean(last):.2f} after {curves[0][-1].epochs}", "seeds": span(last)}


def firsts(curves, n_samples):
    """Seconds of a sample in the first epochs."""
    return [point.first / n_samples for curve in curves for point in curve if point.first is not None]


def reach_row(report, side, curves, base, percent, target):
    """The epochs and seconds to an error, or a remark that some seed does not reach it."""
    reached, by_us = (first_below(found, percent) for found in (curves, base))
    if len(reached) < len(curves):
        return {"side": side, "remark": f"{len(reached)} of {len(curves)} seeds, in {curves[0][-1].epochs} epochs"}
    row = {"side": side, "epochs": mean(point.epochs for point in reached)}
    row |= spread([point.seconds for point in reached], "s")
    if len(by_us) < len(base):
        return row
    times_ours = row["median s"] / median(point.seconds for point in by_us)
    target = target if side in (ADAM_NAME, SGD_NAME) else None
    return row | {"times ours": times_ours} | report.judgement(times_ours, target)


def first_below(curves, percent):
    """The first point of each curve with at most this error; a curve without one is left out."""
    found = (next((point for point in curve if point.error <= percent), None) for curve in curves)
    return [point for point in found if point]


def draw(title, curves, errors, axes):
    """Medians over the seeds; sk_dsn solid, others dashed."""
    for k, (side, found) in enumerate(curves.items()):
        seconds, percent = (
            np.median([[getattr(point, axis) for point in curve] for curve in found], axis=0)
            for axis in ("seconds", "error")
        )
        style = "o-" if side.startswith("sk_dsn") else "s--"
        color = f"C{k}" if k < 10 else "black"  # matplotlib has ten
        axes.plot(seconds, percent, style, color=color, markersize=4, linewidth=1.2, label=side)
    for percent in errors:
        axes.axhline(percent, color="grey", linewidth=0.7, linestyle=":")
    some = all(point.error for found in curves.values() for curve in found for point in curve)
    axes.set(title=title, xlabel="CPU seconds of training", ylabel="test error, %", xscale="log")
    axes.set_yscale("log" if some else "linear")
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1))


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz", parts=SCENARIOS).parse_args(argv)
    with session(__doc__, options) as report:
        report.table("Libraries for spiking networks", library_rows())
        for part in options.parts:
            compare(report, SCENARIOS[part], options)


if __name__ == "__main__":
    main()

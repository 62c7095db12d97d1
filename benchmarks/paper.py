"""Do our networks do what the paper's did?

The tables that the authors of "Deep Spiking Networks" published with their program, computed again
on MNIST with 784-200-200-10 units, T = 10, PAPER_SETTINGS; ours beside theirs. Parts: "long", 20
epochs, beside a conventional rectified-linear network, with weights swapped between the two;
"variants", after 4 epochs; "curve", errors and spikes of the first 6 epochs, beside a run of the
authors' program.

As in their program, samples come one at a time in the order of the file, never shuffled. In "long"
and "variants" the first 50,000 training images train and the last 10,000, their "test" set, are
held out; the 10,000 test images are reported too. In "curve" all 60,000 train and the test images
test. Seeds differ in initial weights (and random potentials). Figures are medians of the seeds,
because networks with rectifying outputs now and then lose an output for good. All parts take hours.
"""
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from statistics import median

import numpy as np
from joblib import Parallel, delayed

from sk_dsn import PAPER_SETTINGS, SpikingBackprop, SpikingMLPClassifier
from sk_dsn._base import count_training_spikes

from .data import load_mnist
from .harness import Stopwatch, span
from .networks import HELD_OUT
from .report import n_seeds, option_parser, progress, run_parts

HIDDEN = (200, 200)
CLASSES = np.arange(10)
QUICK_SAMPLES, QUICK_HELD_OUT = 400, 100
BASELINE = PAPER_SETTINGS | {"shuffle": False}
# The paper calls it Spiking SGD. The rule "paper" has fractional updates instead.
RULE = {"feedback": "step", "weight_update": "sgd", "output_activation": "rectifying", "mask_negative_inputs": True}
RATE = BASELINE["learning_rate_init"]

CONVENTIONAL, HALVED = "conventional", "conventional, half the squared error"
IN_RECTIFIED, IN_SPIKING = "{}, weights run conventionally", "conventional, weights run spiking"
SGD, FRACTIONAL = "spiking sgd", "spiking fractional"
KEPT, RANDOM = "spiking sgd, forward potentials kept", "spiking sgd, backward potentials random"
AT_HALF_RATE = "{}, half the rate"

LONG_EPOCHS = 20
LONG = {
    SGD: {},
    FRACTIONAL: {"rule": {"weight_update": "fractional"}},
    KEPT: {"rule": {"forward_reset": "keep"}},
    RANDOM: {"rule": {"backward_reset": "random"}},
    # Their figures for sgd look like half the rate: at the rate itself the error rises again after
    # some ten epochs.
    AT_HALF_RATE.format(SGD): {"learning_rate_init": RATE / 2},
    AT_HALF_RATE.format(RANDOM): {"learning_rate_init": RATE / 2, "rule": {"backward_reset": "random"}},
}
# Error % of held-out and of training images.
THEIRS_LONG = {
    CONVENTIONAL: (1.81, 0.23),
    SGD: (2.68, 1.59),
    FRACTIONAL: (2.34, 0.93),
    KEPT: (2.44, 1.46),
    RANDOM: (2.76, 1.68),
    IN_RECTIFIED.format(SGD): (2.79, 1.68),
    IN_RECTIFIED.format(FRACTIONAL): (2.20, 0.88),
    IN_SPIKING: (1.92, 0.25),
}

VARIANT_EPOCHS = 4
VARIANTS = {
    "baseline (sgd)": {},
    "fractional": {"rule": {"weight_update": "fractional"}},
    "smooth": {"rule": {"smooth_gradient": True}},
    "smooth and fractional": {"rule": {"smooth_gradient": True, "weight_update": "fractional"}},
    "depth-first": {"simulation": "event-driven-depth-first"},
    "depth-first, error not held": {"simulation": "event-driven-depth-first", "rule": {"hold_error": False}},
    "backward potentials zero": {"rule": {"backward_reset": "zero"}},
    "backward potentials random": {"rule": {"backward_reset": "random"}},
    "T = 5": {"n_time_steps": 5},
    "T = 20": {"n_time_steps": 20},
}
THEIRS_VARIANTS = dict(zip(VARIANTS, (3.38, 3.10, 2.85, 3.07, 3.38, 81.47, 87.87, 3.15, 4.41, 2.65), strict=True))

CURVE_EPOCHS = 6
CURVE = {"fractional": {"rule": {"weight_update": "fractional"}}, "sgd": {}}
THEIRS_CURVE = {
    "fractional": (6.13, 4.26, 3.46, 3.11, 2.96, 2.54),
    "sgd": (5.44, 4.13, 3.60, 3.23, 3.34, 2.86),
}
# Spikes a sample, lowest and highest of the fractional network's epochs.
THEIRS_SPIKES = {"input": (1028, 1028), "forward": (520, 680), "error": (85, 120)}


# The networks


def spiking(seed, rule=None, **changes):
    """The paper's network with sgd; `rule` are changes of its learning rule."""
    rule = SpikingBackprop(**RULE | (rule or {}))
    return SpikingMLPClassifier(HIDDEN, **BASELINE | changes | {"learning_rule": rule}, random_state=seed)


class RectifiedNetwork:
    """The conventional network, independent of the package: rectified-linear units, the outputs
    too, no biases; online gradient descent on the squared error."""

    def __init__(self, coefs, rate=RATE):
        self.coefs = [np.array(w, dtype=np.float32) for w in coefs]
        self.rate = np.float32(rate)

    @classmethod
    def drawn(cls, seed, n_features, rate):
        generator = np.random.default_rng(seed)
        sizes = [n_features, *HIDDEN, len(CLASSES)]
        scale = BASELINE["weight_init_scale"]
        return cls([generator.normal(scale=scale, size=shape) for shape in pairwise(sizes)], rate)

    def partial_fit(self, X, y, classes):
        for x, target in zip(X, y[:, np.newaxis] == classes, strict=True):
            self._learn(x, target)
        return self

    def _learn(self, x, target):
        """One step. Units that are zero take no part in it, which most inputs are."""
        active, sent, passed = [], x, []
        for w in self.coefs:
            units = np.flatnonzero(sent)
            active.append((units, sent[units]))
            sent = rectified(sent[units] @ w[units])
            passed.append(sent > 0)
        error = 2 * (sent - target) * passed[-1]
        for l in reversed(range(len(self.coefs))):
            units, values = active[l]
            sent_down = self.coefs[l] @ error * passed[l - 1] if l else None
            self.coefs[l][units] -= np.outer(values, self.rate * error)
            error = sent_down

    def predict(self, X):
        for w in self.coefs:
            X = rectified(X @ w)
        return CLASSES[X.argmax(axis=1)]


def rectified(sums):
    return np.maximum(sums, 0)


def spiking_with(coefs, X, y):
    """A spiking network with these weights: one that has seen one sample at rate zero."""
    return spiking(0, learning_rate_init=0).partial_fit(X[:1], y[:1], CLASSES, coefs_init=coefs)


# Runs


@dataclass
class Run:
    """A network's training."""

    network: object
    errors: list = field(default_factory=list)  # % of the images held out, after each epoch
    spikes: list = field(default_factory=list)  # a sample, in each epoch
    seconds: list = field(default_factory=list)
    remark: str | None = None


def train(name, network, training, held_out, epochs):
    """Train for so many epochs, or until it diverges; `training` and `held_out` are (X, y)."""
    run = Run(network)
    for epoch in range(1, epochs + 1):
        watch = Stopwatch()
        try:
            with watch:
                run.network, spikes = learn(run.network, *training)
        except ValueError as error:
            if "diverged" not in str(error):
                raise
            run.remark = f"diverges in epoch {epoch}"
            break
        run.seconds.append(watch.seconds)
        run.spikes.append(spikes)
        run.errors.append(error_percent(run.network, *held_out))
        progress(f"{name}, epoch {epoch} of {epochs}: {run.errors[-1]:.2f} %, {watch.seconds:.1f} s")
    return run


def learn(network, X, y):
    """The network after an epoch of training, and its spikes in a sample: those of the input, those
    of all layers above it, and the error spikes of all layers. A conventional network has None.
    """
    if isinstance(network, RectifiedNetwork):
        return network.partial_fit(X, y, CLASSES), None
    network, counts = count_training_spikes(network, X, y, CLASSES)
    forward, errors = counts.spikes.mean(axis=0), counts.error_spikes.mean(axis=0)
    return network, {
        "input": float(forward[0]),
        "forward": float(forward[1:].sum()),
        "error": float(errors.sum()),
    }


def error_percent(network, X, y):
    return 100 * float(np.mean(network.predict(X) != y))


def train_all(make, training, held_out, epochs, seeds, jobs):
    """Train every network with every seed. Return a dict from name to list of Run. `make(seed)`
    returns networks by name."""
    tasks = [(name, seed, network) for seed in range(seeds) for name, network in make(seed).items()]
    runs = Parallel(n_jobs=jobs)(
        delayed(train)(f"{name}, seed {seed}", network, training, held_out, epochs) for name, seed, network in tasks
    )
    found = {}
    for (name, _, _), run in zip(tasks, runs, strict=True):
        found.setdefault(name, []).append(run)
    return found


# The parts


def published_split(data, options):
    """(X, y) of the images held out, of those that train, and of the test images."""
    n = QUICK_HELD_OUT if options.quick else HELD_OUT
    return {
        "held out": (data.X_train[-n:], data.y_train[-n:]),
        "training": (data.X_train[:-n], data.y_train[:-n]),
        "test": (data.X_test, data.y_test),
    }


def twenty_epochs(report, data, options):
    sets = published_split(data, options)
    epochs, seeds = 1 if options.quick else LONG_EPOCHS, n_seeds(options, 1)
    make = partial(long_networks, data.X_train.shape[1])
    runs = train_all(make, sets["training"], sets["held out"], epochs, seeds, options.jobs)
    with_swaps = runs | swapped(runs, *sets["training"])
    rows = [comparison(name, found, sets, THEIRS_LONG.get(name, ())) for name, found in with_swaps.items()]
    report.table(f"Error % after {epochs} epochs, seeds: {seeds}", rows, runs=curves(runs))
    report.panel(partial(draw_long, runs))


def long_networks(n_features, seed):
    # Theirs descends on the squared error, the spiking network on half of it. At the same rate their
    # steps are twice as long.
    rates = {CONVENTIONAL: RATE, HALVED: RATE / 2}
    conventional = {name: RectifiedNetwork.drawn(seed, n_features, rate) for name, rate in rates.items()}
    return conventional | spiking_networks(LONG, seed)


def spiking_networks(settings, seed):
    return {name: spiking(seed, **changes) for name, changes in settings.items()}


def swapped(runs, X, y):
    """The weights of each network run in the other kind."""
    swaps = {
        IN_RECTIFIED.format(name): [Run(RectifiedNetwork(run.network.coefs_)) for run in runs[name] if not run.remark]
        for name in LONG
    }
    swaps[IN_SPIKING] = [Run(spiking_with(run.network.coefs, X, y)) for run in runs[CONVENTIONAL]]
    return {name: found for name, found in swaps.items() if found}


def variants(report, data, options):
    sets = published_split(data, options)
    training = sets.pop("training")
    epochs, seeds = 1 if options.quick else VARIANT_EPOCHS, n_seeds(options, 3)
    make = partial(spiking_networks, VARIANTS)
    runs = train_all(make, training, sets["held out"], epochs, seeds, options.jobs)
    rows = [comparison(name, found, sets, (THEIRS_VARIANTS[name],)) for name, found in runs.items()]
    report.table(f"Error % of variants after {epochs} epochs, seeds: {seeds}", rows, runs=curves(runs))
    report.panel(partial(draw_variants, runs))


def comparison(name, runs, sets, theirs):
    """A row of ours, over seeds, beside theirs of the first of the sets."""
    progress(f"{name}: final errors")
    ended = [run for run in runs if not run.remark]
    published = dict(zip(sets, theirs, strict=False))
    row = {"network": name}
    for title, images in sets.items():
        errors = [error_percent(run.network, *images) for run in ended]
        row |= {title: middle(errors), f"{title}, theirs": published.get(title)}
        if title == "held out":
            row |= {"seeds": span(errors), "last 5 epochs": span(late_errors(ended))}
    row["s an epoch"] = middle([seconds for run in runs for seconds in run.seconds])
    row["remark"] = ", ".join(sorted({run.remark for run in runs if run.remark})) or None
    return {column: cell for column, cell in row.items() if cell is not None}


def late_errors(runs):
    """The errors after each of the last five epochs of long trainings."""
    return [error for run in runs if len(run.errors) > 5 for error in run.errors[-5:]]


def learning_curve(report, data, options):
    data_sets = (data.X_train, data.y_train), (data.X_test, data.y_test)
    epochs, seeds = 2 if options.quick else CURVE_EPOCHS, n_seeds(options, 3)

    runs = train_all(partial(spiking_networks, CURVE), *data_sets, epochs, seeds, options.jobs)
    rows = [epoch_row(name, k, found) for name, found in runs.items() for k in range(epochs)]
    report.table(f"Test error % and spikes a sample by epoch, seeds: {seeds}", rows, runs=curves(runs))
    spikes = [
        {"spikes": kind, "ours": span(spike_means(runs["fractional"], kind), 0), "theirs": span(theirs, 0)}
        for kind, theirs in THEIRS_SPIKES.items()
    ]
    report.table("Spikes a sample of the fractional network, lowest and highest epoch", spikes)
    report.panel(partial(draw_curve, runs))
    report.panel(partial(draw_spikes, runs))


def epoch_row(name, k, runs):
    errors = [run.errors[k] for run in runs]
    return {
        "network": name,
        "epoch": k + 1,
        "test": middle(errors),
        "seeds": span(errors),
        "theirs": THEIRS_CURVE[name][k],
        **{f"{kind} spikes": middle([run.spikes[k][kind] for run in runs]) for kind in THEIRS_SPIKES},
        "s an epoch": middle([run.seconds[k] for run in runs]),
    }


def spike_means(runs, kind):
    """Spikes a sample in each epoch, the median of the seeds."""
    return [median(spikes[kind] for spikes in epoch) for epoch in zip(*(run.spikes for run in runs), strict=True)]


def curves(runs):
    """The part of each training that --json keeps."""
    return {
        name: [{"errors": run.errors, "spikes": run.spikes, "seconds": run.seconds} for run in found]
        for name, found in runs.items()
    }


def middle(values):
    """The median, or None of nothing."""
    return median(values) if values else None


# The figure


def draw_long(runs, axes):
    for name, found in runs.items():
        if not found[0].errors:
            continue
        (line,) = axes.plot(*median_curve(found), label=name)
        if name in THEIRS_LONG:
            axes.plot(LONG_EPOCHS, THEIRS_LONG[name][0], "x", color=line.get_color(), markersize=8, clip_on=False)
    axes.plot([], [], "kx", label="theirs")
    axes.set(title="Error of held-out images", xlabel="epoch", ylabel="error %", yscale="log")
    axes.legend(fontsize="small")


def draw_variants(runs, axes):
    for row, (name, found) in enumerate(runs.items()):
        errors = [run.errors[-1] for run in found if not run.remark]
        axes.plot(errors, [row] * len(errors), "o", color="C0", alpha=0.6, label="ours, each seed" if not row else None)
        axes.plot(THEIRS_VARIANTS[name], row, "kx", markersize=8, label="theirs" if not row else None)
    axes.set(title=f"Variants after {VARIANT_EPOCHS} epochs", xlabel="error of held-out images, %", xscale="log")
    axes.set_yticks(range(len(runs)), runs)
    axes.invert_yaxis()
    axes.legend(fontsize="small")


def draw_curve(runs, axes):
    for name, found in runs.items():
        (line,) = axes.plot(*median_curve(found), "o-", label=name)
        axes.fill_between(*bounds(found), color=line.get_color(), alpha=0.2, linewidth=0)
        epochs = range(1, len(found[0].errors) + 1)
        axes.plot(epochs, THEIRS_CURVE[name][: len(epochs)], "x--", color=line.get_color(), label=f"{name}, theirs")
    axes.set(title="Test error (bands: seeds)", xlabel="epoch", ylabel="error %")
    axes.legend(fontsize="small")


def draw_spikes(runs, axes):
    for kind, (low, high) in THEIRS_SPIKES.items():
        means = spike_means(runs["fractional"], kind)
        (line,) = axes.plot(range(1, len(means) + 1), means, "o-", label=kind)
        axes.fill_between([1, len(means)], low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(title="Spikes a sample, fractional (bands: theirs)", xlabel="epoch", ylabel="spikes", yscale="log")
    axes.legend(fontsize="small")


def median_curve(runs):
    errors = np.median([run.errors for run in runs], axis=0)
    return np.arange(1, len(errors) + 1), errors


def bounds(runs):
    errors = np.array([run.errors for run in runs])
    return np.arange(1, errors.shape[1] + 1), errors.min(axis=0), errors.max(axis=0)


PARTS = {"long": twenty_epochs, "variants": variants, "curve": learning_curve}


def main(argv=None):
    parser = option_parser(__doc__, data="mnist.npz", parts=PARTS)
    parser.add_argument("--jobs", metavar="N", type=int, default=1, help="networks to train at a time")
    options = parser.parse_args(argv)
    data = load_mnist(options)
    if options.quick:
        data = data._replace(**{name: getattr(data, name)[:QUICK_SAMPLES] for name in data._fields[1:]})
    run_parts(PARTS, __doc__, options, data)


if __name__ == "__main__":
    main()

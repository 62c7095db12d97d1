"""How long does an answer take, of one sample and of many, and how much do threads help?

Parts: "single", prediction of one sample by 784-200-200-10 after 10 time steps, beside the time of
its network alone, which is the core's time in a large batch; "batches" of 10,000, of 100 and of
one, beside MLPClassifier in float32 and the libraries for spiking networks that are installed,
which predict in batches of 1,000 at most; "threads", the same batches in one and in two threads, in
elapsed seconds; "sizes", a wide and a narrow network, 784-2000-2000-10 and 4-10-3. Targets are
printed beside the figures.
"""
import io
from copy import deepcopy
from functools import partial
from statistics import median

import joblib
import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sk_dsn import SpikingMLPClassifier
from sk_dsn._network import FittedNetwork

from .data import load_iris_split, load_mnist
from .harness import Target, alternate, predict_each, ratios, spread
from .networks import SETTINGS
from .report import option_parser, run_parts
from .studies.peers import SurrogateGradientNetwork, installed, library_rows

OURS, PEER, NETWORK = "SpikingMLPClassifier", "MLPClassifier", "its network alone"
COUNTING, CLOCK_DRIVEN = "sk_dsn: signed, counting", "sk_dsn: signed, clock-driven"
LOADED = f"{COUNTING}, loaded from a file"
EVENT_DRIVEN = "sk_dsn: rectifying, event-driven"
HIDDEN = (200, 200)
# Sizes of a batch, and how many samples are predicted with it in a round.
BATCHES, QUICK_BATCHES = {10_000: 10_000, 100: 5000, 1: 100}, {100: 100, 10: 20, 1: 4}
OTHER_NETWORKS = {"784-2000-2000-10": (load_mnist, (2000, 2000)), "4-10-3, iris": (lambda options: load_iris_split(), (10,))}

PREDICT_MICROSECONDS = Target("<=", 60)
BEYOND_NETWORK_MICROSECONDS = Target("<=", 25)
BATCH_MICROSECONDS = Target("<=", 2.5)
HALF, NO_MORE = Target("<=", 0.5), Target("<=", 1)
SPEEDUP = Target(">=", 1.8)


def fitted(data, hidden=HIDDEN, **params):
    ours = SpikingMLPClassifier(hidden, n_time_steps=10, max_iter=1, random_state=0, **params)
    return ours.fit(data.X_train, data.y_train)


def fitted_peer(data, hidden=HIDDEN):
    return MLPClassifier(hidden, max_iter=1, random_state=0).fit(data.X_train, data.y_train)


def single_samples(report, data, options):
    ours, peer = fitted(data), fitted_peer(data)
    calls, repeats = (20, 2) if options.quick else (1000, 15)
    singles = [data.X_test[k % len(data.X_test)][np.newaxis] for k in range(calls)]
    batch = np.tile(data.X_test, (calls // len(data.X_test) + 1, 1))[:calls]
    sides = {
        f"{OURS}.{method}": partial(predict_each, ours, singles, method=method)
        for method in ("predict", "decision_function", "predict_proba")
    }
    sides[NETWORK] = partial(predict_each, FittedNetwork.of(ours), [batch], method="outputs")
    sides[f"{PEER}.predict"] = partial(predict_each, peer, singles)
    seconds = alternate(sides, repeats, per=calls)
    targets = {f"{OURS}.predict": PREDICT_MICROSECONDS}
    rows = [
        {"side": side} | spread(seconds[side], "µs") | report.judgement(1e6 * median(seconds[side]), targets.get(side))
        for side in sides
    ]
    beyond = [a - b for a, b in zip(seconds[f"{OURS}.decision_function"], seconds[NETWORK], strict=True)]
    judgement = report.judgement(1e6 * median(beyond), BEYOND_NETWORK_MICROSECONDS)
    rows.append({"side": f"decision_function less {NETWORK}"} | spread(beyond, "µs") | judgement)
    report.table("One sample", rows, seconds=seconds)


def everyone(data, options):
    """All trained networks that predict MNIST, by name.

    Ours are trained until their spikes are few. The times of the others do not depend on their
    weights.
    """
    epochs = {"max_iter": 1 if options.quick else 5, "random_state": 0}
    ours = SpikingMLPClassifier(**SETTINGS["deep"] | epochs).fit(data.X_train, data.y_train)
    rectifying = SpikingMLPClassifier(**SETTINGS["rectifying"] | epochs, simulation="clock-driven")
    rectifying.fit(data.X_train, data.y_train)
    found = {
        COUNTING: ours,
        LOADED: dumped_and_loaded(ours),
        CLOCK_DRIVEN: deepcopy(ours).set_params(simulation="clock-driven"),
        EVENT_DRIVEN: rectifying.set_params(simulation="event-driven"),
        PEER: fitted_peer(data),
    }
    for name, library in installed().items():
        found[name] = library(HIDDEN, np.random.RandomState(0)).partial_fit(data.X_train[:5000], data.y_train[:5000])
    return found


def dumped_and_loaded(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def in_batches(data, size, n_samples):
    """The first so many test samples in arrays of `size`."""
    return [data.X_test[first : first + size] for first in range(0, n_samples, size)]


def batches(report, data, options):
    networks = everyone(data, options)
    report.table("Libraries for spiking networks", library_rows())
    for size, n_samples in (QUICK_BATCHES if options.quick else BATCHES).items():
        inputs = in_batches(data, size, n_samples)
        sides = {name: partial(predict_each, network, inputs) for name, network in networks.items()}
        seconds = alternate(sides, 2 if options.quick else 7, per=n_samples)
        targets, columns = {COUNTING: HALF, LOADED: HALF}, {}
        if size == max(BATCHES):
            verdict = BATCH_MICROSECONDS.judge(1e6 * median(seconds[COUNTING]))
            columns[COUNTING] = {"required µs": str(BATCH_MICROSECONDS), "met": verdict}
        report.comparison(f"A sample, predicted {size} at a time", seconds, PEER, targets, "µs", columns)
        report.panel(partial(draw, size, seconds))


def draw(size, seconds, axes):
    names = list(seconds)[::-1]
    µs = [[1e6 * s for s in seconds[name]] for name in names]
    medians = [median(times) for times in µs]
    errors = [[m - min(t) for m, t in zip(medians, µs, strict=True)], [max(t) - m for m, t in zip(medians, µs, strict=True)]]
    axes.errorbar(medians, names, xerr=errors, fmt="none", ecolor="black", elinewidth=1)
    axes.scatter(medians, names, color=["C0" if name.startswith("sk_dsn") else "C7" for name in names])
    for name, m in zip(names, medians, strict=True):
        axes.annotate(
            f"{m:.3g}" if m < 100 else f"{m:,.0f}", (m, name), (0, 6), textcoords="offset points", ha="center", fontsize=8
        )
    axes.set(title=f"A sample, {size} at a time, one thread", xlabel="CPU time, µs (log)", xscale="log")
    axes.grid(alpha=0.3)


def threads(report, data, options):
    networks = everyone(data, options)
    for name in (LOADED, EVENT_DRIVEN):
        del networks[name]
    for size, n_samples in (QUICK_BATCHES if options.quick else BATCHES).items():
        inputs, rows = in_batches(data, size, n_samples), []
        sides = {(name, n): partial(predict_in_threads, networks[name], inputs, n) for name in networks for n in (1, 2)}
        seconds = alternate(sides, 2 if options.quick else 7, per=n_samples, elapsed=True)
        for name in networks:
            speedup = ratios(seconds[name, 1], seconds[name, 2])
            one, two = (spread(seconds[name, n], "µs") for n in (1, 2))
            target = SPEEDUP if name == COUNTING and size == max(BATCHES) else None
            rows.append(
                {"side": name, "runs": one["runs"]}
                | {f"1 thread, {column}": value for column, value in one.items() if column != "runs"}
                | {f"2 threads, {column}": value for column, value in two.items() if column != "runs"}
                | {column.replace("ratio", "speed-up"): value for column, value in speedup.items()}
                | report.judgement(speedup["ratio"], target)
            )
        report.table(f"A sample, predicted {size} at a time in threads, seconds that pass", rows)


def predict_in_threads(network, inputs, n, watch, k):
    with threadpool_limits(limits=n):  # those of the linear algebra that MLPClassifier uses
        if isinstance(network, SpikingMLPClassifier):
            network.set_params(n_jobs=n)
        elif isinstance(network, SurrogateGradientNetwork):
            network.set_threads(n)
        predict_each(network, inputs, watch, k)


def wide_and_narrow(report, data, options):
    for name, (load, hidden) in OTHER_NETWORKS.items():
        data = load(options)
        n = 200 if options.quick else 5000
        data = data._replace(X_train=data.X_train[:n], y_train=data.y_train[:n])
        networks = {COUNTING: fitted(data, hidden), PEER: fitted_peer(data, hidden)}
        largest = min(len(data.X_test), 20 if options.quick else 5000)
        for size, n_samples in {largest: largest, 1: min(largest, 100)}.items():
            inputs = in_batches(data, size, n_samples) * (1 if options.quick else max(1, 200 // n_samples))
            sides = {side: partial(predict_each, network, inputs) for side, network in networks.items()}
            seconds = alternate(sides, 2 if options.quick else 7, per=sum(map(len, inputs)))
            report.comparison(f"{name}: a sample, predicted {size} at a time", seconds, PEER, {COUNTING: NO_MORE}, "µs")


PARTS = {"single": single_samples, "batches": batches, "threads": threads, "sizes": wide_and_narrow}


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz", parts=PARTS).parse_args(argv)
    run_parts(PARTS, __doc__, options, load_mnist(options))


if __name__ == "__main__":
    main()

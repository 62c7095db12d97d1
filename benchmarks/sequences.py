"""Does a leak tell what comes when, and what does it cost?

Parts: "tasks", accuracy of signed networks on two tasks of equal sums, against the leak: which of
two bursts comes first (order), and how long the pause between them is (gap); "values", time of a
sample against the values that a sparse stream stores; "costs", time per row addition with a leak
and without. What a leak gives on recordings of events, beside totals, is a part of
`benchmarks.events`.

Whether networks without leak became slower is seen by `benchmarks.simulations --against` a checkout
from before leak.
"""
from functools import partial
from statistics import mean, median

import numpy as np

from sk_dsn import SpikingMLPClassifier
from sk_dsn.metrics import spike_counts
from sk_dsn.streams import SparseStreams

from .data import gap_task, order_task
from .harness import Target, alternate, predict_each, ratios, spread
from .report import n_seeds, option_parser, run_parts

LEAKS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5)
ORDER, GAP = Target(">=", 1.0), Target(">=", 0.98)
POWER = Target("<=", 1.1)
COST = Target("<=", 1.15)


def tasks(report, options):
    """The lowest accuracy over the seeds has to pass, at the best leak."""
    n, epochs = (60, 2) if options.quick else (600, 20)
    for name, task, target in [("order", order_task, ORDER), ("gap", gap_task, GAP)]:
        rows = []
        for leak in LEAKS[::5] if options.quick else LEAKS:
            scores = []
            for seed in range(n_seeds(options, 3)):
                X, y = task(n, seed=seed)
                network = SpikingMLPClassifier((50,), leak=leak, max_iter=epochs, random_state=seed)
                scores.append(network.fit(X[: 2 * n // 3], y[: 2 * n // 3]).score(X[2 * n // 3 :], y[2 * n // 3 :]))
            rows.append({"leak": leak, "accuracy": mean(scores), "lowest": min(scores), "highest": max(scores)})
        best = max(range(len(rows)), key=lambda k: rows[k]["lowest"])
        rows[best] |= report.judgement(rows[best]["lowest"], target)
        report.table(f"The {name} task", rows)


def stored_values(report, options):
    """Streams of the same shape with more and more values; a power of 1 is proportional."""
    n_samples, n_steps, n_features = (20, 10, 200) if options.quick else (200, 30, 2000)
    rng = np.random.default_rng(0)
    shares = (0.01, 0.08) if options.quick else (0.01, 0.02, 0.04, 0.08, 0.16)
    sets = {share: streams_of(rng, (n_samples, n_steps, n_features), share) for share in shares}
    y = np.arange(n_samples) % 10
    for simulation in ("counting", "clock-driven", "event-driven"):
        leak = 0.0 if simulation == "counting" else 0.1
        network = SpikingMLPClassifier((200,), simulation=simulation, leak=leak, max_iter=1, random_state=0)
        network.fit(sets[shares[0]], y)
        sides = {share: partial(predict_each, network, [X]) for share, X in sets.items()}
        seconds = alternate(sides, 2 if options.quick else 5, per=n_samples)
        values = [sets[share].nnz / n_samples for share in shares]
        times = [median(seconds[share]) for share in shares]
        power = float(np.polyfit(np.log(values), np.log(np.maximum(times, 1e-9)), 1)[0])
        rows = [
            {"stored values": int(n)} | spread(seconds[share], "µs") for n, share in zip(values, shares, strict=True)
        ]
        rows[-1] |= {"power": power} | report.judgement(power, POWER)
        report.table(f"{simulation}, leak {leak}: a prediction against stored values", rows)


def streams_of(rng, shape, share):
    return SparseStreams.from_dense((rng.random(shape) < share).astype(np.float32))


def costs(report, options):
    """Row additions differ with the leak, so times are compared per addition."""
    n_samples = 20 if options.quick else 400
    rng = np.random.default_rng(0)
    X = (rng.random((n_samples, 30, 700)) < 0.05).astype(np.float32)
    y = np.arange(n_samples) % 10
    for simulation in ("clock-driven", "event-driven"):
        networks, additions = {}, {}
        for leak in (0.0, 0.02, 0.1):
            network = SpikingMLPClassifier((200, 200), simulation=simulation, leak=leak, max_iter=1, random_state=0)
            networks[leak] = network.fit(X, y)
            additions[leak] = int(spike_counts(network, X).sum())
        seconds = alternate({leak: partial(predict_each, n, [X]) for leak, n in networks.items()}, 2 if options.quick else 9)
        per = {leak: [s / additions[leak] for s in times] for leak, times in seconds.items()}
        report.table(
            f"{simulation}: a row addition",
            [
                {"leak": leak, "additions a sample": additions[leak] / n_samples}
                | spread(per[leak], "ns")
                | (ratio := ratios(per[leak], per[0.0]))
                | report.judgement(ratio["ratio"], COST if leak else None)
                for leak in networks
            ],
        )


PARTS = {"tasks": tasks, "values": stored_values, "costs": costs}


def main(argv=None):
    options = option_parser(__doc__, parts=PARTS).parse_args(argv)
    run_parts(PARTS, __doc__, options)


if __name__ == "__main__":
    main()

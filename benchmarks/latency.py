"""How long does one answer take, how much do threads help, and what does importing sk_dsn cost?

Parts: (a) prediction of one sample by 784-200-200-10 after 10 time steps, beside what its network needs, which is the core's
time in a large batch, and beside MLPClassifier; (b) batches of 10,000 in one and in two threads, in seconds that pass;
(c) importing sk_dsn where scikit-learn is imported already. Targets are printed beside what they concern.
"""
import subprocess
import sys
from functools import partial
from statistics import median

import numpy as np
from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier

from .harness import Target, alternate, load_mnist, option_parser, ratios, session, spread

OURS, PEER, NETWORK = "SpikingMLPClassifier", "MLPClassifier", "its network alone"
HIDDEN = (200, 200)
SIMULATIONS = ("counting", "clock-driven")

PREDICT_MICROSECONDS = Target("<=", 60)
BEYOND_NETWORK_MICROSECONDS = Target("<=", 25)
SPEEDUP = Target(">=", 1.8)
IMPORT_MILLISECONDS = Target("<=", 50)

IMPORT = """
import time
import sklearn.base
began = time.process_time()
import sk_dsn
print(time.process_time() - began)
"""


def fitted(data):
    ours = SpikingMLPClassifier(HIDDEN, n_time_steps=10, max_iter=1, random_state=0)
    return ours.fit(data.X_train, data.y_train)


def call_each(method, inputs, watch, k):
    with watch:
        for X in inputs:
            method(X)


def single_samples(report, data, options):
    ours = fitted(data)
    peer = MLPClassifier(HIDDEN, max_iter=1, random_state=0).fit(data.X_train, data.y_train)
    calls, repeats = (20, 2) if options.quick else (1000, 15)
    singles = [data.X_test[k % len(data.X_test)][np.newaxis] for k in range(calls)]
    batch = np.tile(data.X_test, (calls // len(data.X_test) + 1, 1))[:calls]
    sides = {
        f"{OURS}.predict": partial(call_each, ours.predict, singles),
        f"{OURS}.decision_function": partial(call_each, ours.decision_function, singles),
        f"{OURS}.predict_proba": partial(call_each, ours.predict_proba, singles),
        NETWORK: partial(call_each, ours._outputs, [batch]),
        f"{PEER}.predict": partial(call_each, peer.predict, singles),
    }
    seconds = alternate(sides, repeats, per=calls)
    targets = {f"{OURS}.predict": PREDICT_MICROSECONDS}
    rows = [
        {"side": side} | spread(seconds[side], "µs") | report.judgement(1e6 * median(seconds[side]), targets.get(side))
        for side in sides
    ]
    beyond = [a - b for a, b in zip(seconds[f"{OURS}.decision_function"], seconds[NETWORK], strict=True)]
    judgement = report.judgement(1e6 * median(beyond), BEYOND_NETWORK_MICROSECONDS)
    rows.append({"side": f"decision_function less {NETWORK}"} | spread(beyond, "µs") | judgement)
    report.table("a. One sample", rows, seconds=seconds)


def threads(report, data, options):
    ours, rows = fitted(data), []
    repeats = 2 if options.quick else 9
    for simulation in SIMULATIONS:
        ours.set_params(simulation=simulation)

        def predict(n_jobs, watch, k):
            ours.set_params(n_jobs=n_jobs)
            with watch:
                ours.predict(data.X_test)

        sides = {n_jobs: partial(predict, n_jobs) for n_jobs in (1, 2)}
        seconds = alternate(sides, repeats, elapsed=True)
        speedup = ratios(seconds[1], seconds[2])
        target = SPEEDUP if simulation == "counting" else None
        rows.append(
            {"simulation": simulation}
            | {f"{n_jobs} thread{'s' * (n_jobs > 1)}, ms": 1e3 * median(seconds[n_jobs]) for n_jobs in sides}
            | {name.replace("ratio", "speedup"): value for name, value in speedup.items()}
            | report.judgement(speedup["ratio"], target)
        )
    report.table(f"b. {len(data.X_test)} samples at once, in one and in two threads", rows)


def importing(report, data, options):
    command = [sys.executable, "-c", IMPORT]
    seconds = [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(1 if options.quick else 11)
    ]
    judgement = report.judgement(1e3 * median(seconds), IMPORT_MILLISECONDS)
    report.table("c. Importing sk_dsn after scikit-learn", [spread(seconds, "ms") | judgement])


PARTS = {"a": single_samples, "b": threads, "c": importing}


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz", parts=PARTS).parse_args(argv)
    data = load_mnist(options)
    with session(__doc__, options) as report:
        for part in options.parts:
            PARTS[part](report, data, options)


if __name__ == "__main__":
    main()

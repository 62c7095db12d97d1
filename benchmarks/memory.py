"""How much memory does training take beyond the data?

Each kind of data is made and fitted in a process of its own; what its resident memory peaks at, above the peak before
`fit`, is compared with the size of X in float32. Then the same over chunks, where memory must not grow.
"""
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from sk_dsn import SpikingMLPClassifier

from .harness import Target, option_parser, session

N_FEATURES, N_CLASSES = 784, 10
MEGABYTE = 2**20
RSS_UNIT = 1 if sys.platform == "darwin" else 1024

NOTHING_COPIED = Target("<=", 0.1)
ONE_COPY = Target("<=", 1.1)
FLAT = Target("<=", 0.1)

# Each is made in place: no peak before fit hides a peak of fit.
KINDS = {
    "float32, C-ordered": lambda rng, n: rng.random((n, N_FEATURES), dtype=np.float32),
    "float64, C-ordered": lambda rng, n: rng.random((n, N_FEATURES)),
    "float32, Fortran-ordered": lambda rng, n: rng.random((N_FEATURES, n), dtype=np.float32).T,
    "uint8": lambda rng, n: rng.integers(0, 2, (n, N_FEATURES), dtype=np.uint8),
    "pandas, float64": lambda rng, n: pd.DataFrame(rng.random((n, N_FEATURES)), copy=False),
    "pandas, float32": lambda rng, n: pd.DataFrame(rng.random((n, N_FEATURES), dtype=np.float32), copy=False),
}
WAYS = {
    "fit": {},
    "fit, weighted": {},
    "fit, early stopping": {"early_stopping": True},
}
CASES = [(kind, "fit") for kind in KINDS] + [("float32, C-ordered", way) for way in WAYS if way != "fit"]


def peak():
    """Bytes of resident memory at most so far."""
    import resource  # which Windows does not have

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


def network(**params):
    return SpikingMLPClassifier((20,), n_time_steps=4, max_iter=1, random_state=0, **params)


def fit_extra(kind, way, n_samples):
    """Bytes that `fit` adds to the peak."""
    rng = np.random.default_rng(0)
    network(**WAYS[way]).fit(*load_digits(return_X_y=True))  # what is imported only now is not the data's
    X, y = KINDS[kind](rng, n_samples), rng.integers(0, N_CLASSES, n_samples)
    weights = rng.random(n_samples) if way == "fit, weighted" else None
    before = peak()
    network(**WAYS[way]).fit(X, y, weights)
    return peak() - before


def chunks_extra(n_chunks, n_samples):
    """Bytes that chunks after the third add to the peak."""
    rng = np.random.default_rng(0)
    classifier = network()
    for k in range(n_chunks):
        X = rng.random((n_samples, N_FEATURES))
        classifier.partial_fit(X, rng.integers(0, N_CLASSES, n_samples), classes=range(N_CLASSES))
        if k == 2:
            before = peak()
    return peak() - before


def in_own_process(function, *arguments):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main(argv=None):
    options = option_parser(__doc__).parse_args(argv)
    n_samples, chunk, n_chunks = (200, 20, 4) if options.quick else (60_000, 2_000, 50)
    with session(__doc__, options) as report:
        size = 4 * n_samples * N_FEATURES
        rows = []
        for kind, way in CASES[: 1 if options.quick else None]:
            extra = in_own_process(fit_extra, kind, way, n_samples)
            target = NOTHING_COPIED if kind == "float32, C-ordered" else ONE_COPY
            rows.append(
                {"X": kind, "call": way, "extra MB": extra / MEGABYTE, "of X in float32": extra / size}
                | report.judgement(extra / size, target)
            )
        report.table(f"Training on {n_samples} x {N_FEATURES}, {size / MEGABYTE:.0f} MB in float32", rows)
        extra, size = in_own_process(chunks_extra, n_chunks, chunk), 4 * chunk * N_FEATURES
        report.table(
            f"partial_fit over {n_chunks} chunks of {chunk} x {N_FEATURES}, {size / MEGABYTE:.1f} MB each in float32",
            [
                {"chunks": f"4 to {n_chunks}", "extra MB": extra / MEGABYTE, "of a chunk": extra / size}
                | report.judgement(extra / size, FLAT)
            ],
        )


if __name__ == "__main__":
    main()

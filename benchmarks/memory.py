"""How much memory, disk and import time does it take, beside scikit-learn and PyTorch's libraries?

Parts: "training", each kind of data is made and fitted in a process of its own, and the rise of its
peak resident memory during `fit` is compared with the size of X in float32; then the same over
chunks, where memory must not grow; "prediction", as much data predicted at once; "model", the size
of 784-200-200-10 and of its file; "import", importing in a new process; "install", the files that a
wheel of each package installs, without its dependencies. Targets are printed beside the figures.
"""
import pickle
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from operator import call
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier

from .harness import Target, spread, worker
from .report import option_parser, run_parts
from .studies.peers import LIBRARIES, installed

N_FEATURES, N_CLASSES = 784, 10
MEGABYTE = 2**20
RSS_UNIT = 1 if sys.platform == "darwin" else 1024

NOTHING_COPIED = Target("<=", 0.1)
ONE_COPY = Target("<=", 1.1)
FLAT = Target("<=", 0.1)
IMPORT_MILLISECONDS = Target("<=", 50)

# Each is made in place, so that no peak before fit hides a peak of fit.
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
PLAIN = "float32, C-ordered"
CASES = [(kind, "fit") for kind in KINDS] + [(PLAIN, way) for way in WAYS if way != "fit"]
NETWORKS = {
    "SpikingMLPClassifier": partial(SpikingMLPClassifier, (20,), n_time_steps=4),
    "MLPClassifier": partial(MLPClassifier, (20,)),
}
OURS, PEER = NETWORKS

TIME_IMPORT = "import time; {before}; began = time.process_time(); import {module}; print(time.process_time() - began)"
# Files in the repository's folder that a wheel does not install.
SOURCES = (".c", ".h", ".pyx", ".pxd")


def peak():
    """The largest resident memory so far, in bytes."""
    import resource  # which Windows does not have

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


def make(network, way="fit"):
    return NETWORKS[network](max_iter=1, random_state=0, **WAYS[way])


def fit_extra(network, kind, way, n_samples):
    """Bytes that `fit` adds to the peak."""
    rng = np.random.default_rng(0)
    make(network, way).fit(*load_digits(return_X_y=True))  # imports take memory too
    X, y = KINDS[kind](rng, n_samples), rng.integers(0, N_CLASSES, n_samples)
    weights = (rng.random(n_samples),) if way == "fit, weighted" else ()
    before = peak()
    make(network, way).fit(X, y, *weights)
    return peak() - before


def predict_extra(network, n_samples):
    """Bytes that `predict` adds to the peak."""
    rng = np.random.default_rng(0)
    X, y = KINDS[PLAIN](rng, n_samples), rng.integers(0, N_CLASSES, n_samples)
    fitted = make(network).fit(X[:1000], y[:1000])
    fitted.predict(X[:1])
    before = peak()
    fitted.predict(X)
    return peak() - before


def chunks_extra(n_chunks, n_samples):
    """Bytes that chunks after the third add to the peak."""
    rng = np.random.default_rng(0)
    classifier = make(OURS)
    for k in range(n_chunks):
        X = rng.random((n_samples, N_FEATURES))
        classifier.partial_fit(X, rng.integers(0, N_CLASSES, n_samples), classes=range(N_CLASSES))
        if k == 2:
            before = peak()
    return peak() - before


def in_own_process(function, *arguments):
    with worker() as run:
        return run(function, *arguments)


def training(report, options):
    n_samples, chunk, n_chunks = (200, 20, 4) if options.quick else (60_000, 2_000, 50)
    size = 4 * n_samples * N_FEATURES
    cases = [(OURS, *case) for case in CASES] + [(PEER, PLAIN, "fit")]
    rows = []
    for network, kind, way in cases[-1:] if options.quick else cases:
        extra = in_own_process(fit_extra, network, kind, way, n_samples)
        row = {"network": network, "X": kind, "call": way, "extra MB": extra / MEGABYTE, "of X in float32": extra / size}
        target = None if network == PEER else NOTHING_COPIED if kind == PLAIN else ONE_COPY
        rows.append(row | report.judgement(extra / size, target))
    title = f"Training on {n_samples} x {N_FEATURES}, {size / MEGABYTE:.0f} MB in float32"
    report.table(title, rows)
    run = call if options.quick else in_own_process  # a process takes a second
    extra, size = run(chunks_extra, n_chunks, chunk), 4 * chunk * N_FEATURES
    report.table(
        f"partial_fit over {n_chunks} chunks of {chunk} x {N_FEATURES}, {size / MEGABYTE:.1f} MB each in float32",
        [
            {"chunks": f"4 to {n_chunks}", "extra MB": extra / MEGABYTE, "of a chunk": extra / size}
            | report.judgement(extra / size, FLAT)
        ],
    )


def prediction(report, options):
    n_samples = 2000 if options.quick else 60_000
    rows = []
    for network in [OURS] if options.quick else NETWORKS:
        extra = (call if options.quick else in_own_process)(predict_extra, network, n_samples)
        size = 4 * n_samples * N_FEATURES
        target = NOTHING_COPIED if network == OURS else None
        rows.append(
            {"network": network, "extra MB": extra / MEGABYTE, "of X in float32": extra / size}
            | report.judgement(extra / size, target)
        )
    report.table(f"Predicting {n_samples} x {N_FEATURES} in float32 at once", rows)


def model_size(report, options):
    """MLPClassifier is trained in float32 here. In float64 its arrays are twice as large."""
    rng = np.random.default_rng(0)
    X, y = rng.random((1000, N_FEATURES), dtype=np.float32), np.arange(1000) % N_CLASSES
    fitted = {
        name: network.set_params(hidden_layer_sizes=(200, 200)).fit(X, y)
        for name, network in ((name, make(name)) for name in NETWORKS)
    }
    base = len(pickle.dumps(fitted[PEER]))
    rows = []
    for name, network in fitted.items():
        file = len(pickle.dumps(network))
        weights = sum(array.nbytes for array in [*network.coefs_, *network.intercepts_])
        rows.append({"model": name, "pickle, bytes": file, "weights and biases, bytes": weights, "ratio": file / base})
    report.table("A model, 784-200-200-10", rows)


def importing(report, options):
    """Each in a new process: by itself, and where scikit-learn or PyTorch is there already."""
    cases = {
        "sk_dsn": ("pass", "sk_dsn"),
        "sk_dsn, after scikit-learn": ("import sklearn.base", "sk_dsn"),
        "sklearn.neural_network": ("pass", "sklearn.neural_network"),
        "sklearn.neural_network, after scikit-learn": ("import sklearn.base", "sklearn.neural_network"),
    }
    if installed():
        cases["torch"] = ("pass", "torch")
    cases |= {f"{name}, after torch": ("import torch", library.module_name) for name, library in installed().items()}
    if options.quick:
        cases = {"sk_dsn": cases["sk_dsn"]}
    seconds = {name: [] for name in cases}
    for _ in range(1 if options.quick else 7):
        for name, (before, module) in cases.items():
            command = [sys.executable, "-W", "ignore", "-c", TIME_IMPORT.format(before=before, module=module)]
            ended = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds[name].append(float(ended.stdout.splitlines()[-1]))
    targets = {"sk_dsn, after scikit-learn": IMPORT_MILLISECONDS}
    rows = [
        {"import": name}
        | spread(seconds[name], "ms")
        | {"ratio": median(seconds[name]) / median(seconds["sk_dsn"])}
        | report.judgement(1e3 * median(seconds[name]), targets.get(name))
        for name in cases
    ]
    report.table("Importing, CPU time", rows, seconds=seconds)


def installed_size(report, options):
    packages = ["sk_dsn", "sklearn", "torch", *(library.package for library in LIBRARIES.values())]
    sizes = {name: package_size(name) for name in packages}
    rows = [
        {"package": name, "MB": None if size is None else size / MEGABYTE, "ratio": size and size / sizes["sk_dsn"]}
        | {"remark": "missing" if size is None else None}
        for name, size in sizes.items()
    ]
    report.table("Installed files of a package", rows)


def package_size(name):
    """Bytes that a wheel of a package installs, or None if it is not installed."""
    spec = find_spec(name)
    if spec is None:
        return None
    # scikit-learn's wheel brings libraries along, in a folder of that name beside it.
    folders = [Path(folder) for folder in spec.submodule_search_locations]
    folders += [folder.with_name("scikit_learn.libs") for folder in folders if name == "sklearn"]
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    left_out = SOURCES if name == "sk_dsn" else ()
    return sum(f.stat().st_size for f in files if f.parent.name != "__pycache__" and f.suffix not in left_out)


PARTS = {
    "training": training,
    "prediction": prediction,
    "model": model_size,
    "import": importing,
    "install": installed_size,
}


def main(argv=None):
    options = option_parser(__doc__, parts=PARTS).parse_args(argv)
    run_parts(PARTS, __doc__, options)


if __name__ == "__main__":
    main()

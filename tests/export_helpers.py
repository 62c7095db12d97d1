"""Networks of every kind that becomes C, and programs that compile them."""
import shutil
import subprocess
import warnings

import numpy as np

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier, SpikingRNNRegressor
from sk_dsn.export import to_c

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
WARNINGS += ["-Wconversion", "-Wsign-conversion", "-Wdouble-promotion"]


def random_network(seed, recurrent, target, hidden, **parameters):
    """A fitted estimator with random weights, and its number of features."""
    rng = np.random.default_rng(seed)
    n_features, n_outputs = rng.integers(1, 7), rng.integers(1, 5)
    X = rng.normal(size=(12, 4, n_features) if recurrent else (12, n_features))
    if target == "values":
        kind = SpikingRNNRegressor if recurrent else SpikingMLPRegressor
        y = 3 + 2 * rng.normal(size=(12, n_outputs) if n_outputs > 1 else 12)
        parameters.pop("loss", None)
    else:
        kind = SpikingRNNClassifier if recurrent else SpikingMLPClassifier
        y = np.arange(12) % max(2, n_outputs) if target == "labels" else np.array([[1, 0, 1], [0, 1, 0]] * 6)
    estimator = kind(hidden, max_iter=1, learning_rate_init=0, random_state=0, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, y)
    for w in estimator.coefs_:
        w[:] = rng.normal(size=w.shape) * rng.choice([0.3, 1])
    for w in getattr(estimator, "recurrent_coefs_", []):
        w[:] = 0.3 * rng.normal(size=w.shape)
    for b in estimator.intercepts_ if parameters.get("fit_intercept", True) else []:
        b[:] = 0.2 * rng.normal(size=b.shape)
    return estimator, int(n_features)


# The kinds of C, each with all its parts.
KINDS = {
    "counting": (False, "labels", (5, 4), {"n_time_steps": 6}, "int8"),
    "rectifying": (False, "indicators", (5,), {"n_time_steps": 6, "neuron": "rectifying", "loss": "squared_error"}, "int16"),
    "forgetful": (False, "values", (5, 4), {"n_time_steps": 6, "leak": 1.0, "fit_intercept": False}, "int8"),
    "recurrent": (True, "labels", (5, 4), {"leak": 1.0}, "int8"),
    "recurrent, adding up": (True, "values", (4,), {"leak": 0.0, "neuron": "rectifying"}, "int16"),
    "float, counting": (False, "labels", (5, 4), {"n_time_steps": 6}, "float32"),
    "float, leaky": (False, "values", (5,), {"n_time_steps": 6, "leak": 0.3, "readout": "mean"}, "float32"),
    "float, stepped": (False, "labels", (5,), {"n_time_steps": 6, "simulation": "clock-driven"}, "float32"),
    "float, recurrent": (True, "indicators", (5, 4), {"leak": 0.2, "readout": "mean"}, "float32"),
}


def export_kind(kind, folder, name="network", layout="files"):
    recurrent, target, hidden, parameters, weights = KINDS[kind]
    estimator, _ = random_network(1, recurrent, target, hidden, **parameters)
    if weights != "float32":
        estimator = estimator.quantize(8 if weights == "int8" else 9, input_range=(-2, 2))
    return to_c(estimator, folder, name, weights=weights, layout=layout, n_time_steps=6 if recurrent else None)


def run(command, folder):
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)

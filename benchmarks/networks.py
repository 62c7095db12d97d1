"""The networks for MNIST that several benchmarks measure, each with its permanent name.

Their hyperparameters were chosen with the last 10,000 training images held out (`python -m
benchmarks.studies.selection`) and then fixed.
"""
import numpy as np

try:
    from sk_dsn import SpikingBackprop
except ImportError:
    FRACTIONAL = None  # SK_DSN_CHECKOUT names a checkout that cannot run the rectifying network
else:
    FRACTIONAL = SpikingBackprop(feedback="step", weight_update="fractional")

HELD_OUT = 10_000
EVERY_EPOCH = {"tol": 0, "n_iter_no_change": np.inf}
COMMON = {"n_time_steps": 10, "normalized_step": False, "learning_rate": "linear", **EVERY_EPOCH}
SETTINGS = {
    "deep": COMMON | {"hidden_layer_sizes": (200, 200), "learning_rate_init": 0.015, "error_resolution": 8},
    "wide": COMMON | {"hidden_layer_sizes": (1000,), "learning_rate_init": 0.01, "error_resolution": 8, "dropout": 0.5},
    "rectifying": COMMON
    | {
        "hidden_layer_sizes": (200, 200),
        "neuron": "rectifying",
        "learning_rule": FRACTIONAL,
        "learning_rate_init": 0.02,
        "error_resolution": 1,  # 4: 0.05 points less error, four times the error spikes
    },
}
WIDE_EPOCHS = 40

# MLPClassifier: its defaults, and of all settings that we tried the fastest to 98 %.
ADAM = {"hidden_layer_sizes": (200, 200), "solver": "adam", "batch_size": 200, **EVERY_EPOCH}
SGD = {"hidden_layer_sizes": (200, 200), "solver": "sgd", "batch_size": 32, "learning_rate_init": 0.01, "momentum": 0.9}

"""What does a network lose as integers, is its C right, and how fast and how large is it?

Parts: "quantize", error of 784-200-200-10 on MNIST with weights of 8 to 2 bits beside float32;
"equality", the undivided sums of the C against the estimator's at every time step, on all digits and
on the test images of MNIST; "speed", one image of MNIST in C, counting, beside the core, CPU time on
this machine; "sizes", flash, state and stack of networks as `size` tells, by each compiler that is
installed, and additions of a prediction. Targets are printed beside the figures.
"""
import shutil
import sys
from functools import partial

import numpy as np
from sklearn.datasets import load_digits

from sk_dsn import SpikingMLPClassifier
from sk_dsn._network import fitted_network
from sk_dsn.export import to_c
from sk_dsn.export._toolchain import host_compiler, load_library

from .data import Dataset, load_mnist, unit_scale
from .harness import Target, alternate
from .networks import SETTINGS
from .report import n_seeds, option_parser, progress, run_parts

EPOCHS = 10
BITS = (8, 6, 5, 4, 3, 2)
LOSS_POINTS = {8: Target("<=", 0.1), 4: Target("<=", 0.4)}
NONE_DIFFERENT = Target("<=", 0)
TIMES_CORE = Target("<=", 3)
UNIT_RANGE = (0, 1)
ALONE, IN_BATCH = "the core, one image", "the core, in a batch"
LEVELS = (("-O3", "-march=native"), ("-O2",), ("-Os",))
PROCESSORS = {
    "this machine": (None, ("-Os",)),
    "Cortex-M0+": ("arm-none-eabi-gcc", ("-mcpu=cortex-m0plus", "-mthumb", "-Os")),
    "Cortex-M4": ("arm-none-eabi-gcc", ("-mcpu=cortex-m4", "-mthumb", "-Os")),
    "AVR (ATmega328P)": ("avr-gcc", ("-mmcu=atmega328p", "-Os")),
}
# Predicts images one after the other.
LOOP = """
#include "network.c"
void predict_each(const network_value *x, int n, int32_t *classes);
void predict_each(const network_value *x, int n, int32_t *classes)
{
    static network_state state;
    int k;
    for (k = 0; k < n; k++)
        classes[k] = network_predict_static(&state, x + k * (long)NETWORK_N_INPUTS);
}
"""


def fitted(data, trained, options, seed=0):
    """The network of MNIST. Parts share it: `trained` holds those that are there, by seed."""
    if seed not in trained:
        progress(f"{data.name}, seed {seed}")
        settings = SETTINGS["deep"] | {"max_iter": 1 if options.quick else EPOCHS}
        if options.quick:
            settings["hidden_layer_sizes"] = (20,)
        trained[seed] = SpikingMLPClassifier(**settings, random_state=seed).fit(data.X_train, data.y_train)
    return trained[seed]


def load_all_digits():
    """All digits, in both parts."""
    X, y = load_digits(return_X_y=True)
    X = unit_scale(X, 16)
    return Dataset("digits", X, y, X, y)


def fitted_digits(data, options, **parameters):
    epochs = 1 if options.quick else 10
    return SpikingMLPClassifier((50,), n_time_steps=16, max_iter=epochs, random_state=0, **parameters).fit(*data[1:3])


def quantizing(report, data, trained, options):
    scores = {bits: [] for bits in (None, *BITS)}
    for seed in range(n_seeds(options, 3)):
        clf = fitted(data, trained, options, seed)
        for bits in scores:
            quantized = clf.quantize(bits, input_range=UNIT_RANGE) if bits else clf
            scores[bits].append(100 * (1 - quantized.score(data.X_test, data.y_test)))
    rows = []
    for bits, errors in scores.items():
        lost = np.subtract(errors, scores[None])
        row = {"weights": f"{bits} bits" if bits else "float32", "error %": float(np.mean(errors))}
        if bits:
            row |= {"points lost": float(lost.mean()), "least": float(lost.min()), "most": float(lost.max())}
            row |= report.judgement(float(lost.mean()), LOSS_POINTS.get(bits))
        rows.append(row | {"seeds": len(errors)})
    report.table(f"Quantised networks, {data.name}", rows)


def equality(report, data, trained, options):
    small = load_all_digits()
    clf, of_digits = fitted(data, trained, options), partial(fitted_digits, small, options)
    counting = of_digits()
    networks = [
        (small, "64-50-10, counting", counting, "int8", 8),
        (small, "64-50-10, counting", counting, "int8", 4),
        (small, "64-50-10, rectifying, clock-driven", of_digits(neuron="rectifying"), "int16", 10),
        (small, "64-50-10, leak 1/4", of_digits(leak=0.25), "float32", None),
        (data, "MNIST's, counting", clf, "int8", 8),
        (data, "MNIST's, counting", clf, "int8", 4),
        (data, "MNIST's, counting", clf, "float32", None),
    ]
    rows = []
    for samples, name, network, weights, bits in networks:
        progress(f"{samples.name}, {weights}")
        X = samples.X_test
        estimator = network.quantize(bits, input_range=UNIT_RANGE) if bits else network
        fitted_one, checked = fitted_network(estimator, X)
        wanted = fitted_one.staged_outputs(checked)
        different = int((to_c(estimator, weights=weights).staged_answers(X) != wanted).sum())
        rows.append(
            {"samples": f"{len(X)} of {samples.name}", "network": name, "weights": weights, "bits": bits}
            | {"time steps": len(wanted), "sums": wanted.size, "different": different}
            | report.judgement(different, NONE_DIFFERENT)
        )
    report.table("Sums of the C that differ from the estimator's", rows)


def speed(report, data, trained, options):
    calls, repeats = (20, 2) if options.quick else (1000, 15)
    clf = fitted(data, trained, options)
    exported = to_c(clf.quantize(8, input_range=UNIT_RANGE))
    X = data.X_test[:calls]
    network, X = fitted_network(clf, X)
    values = exported._source.values_of(fitted_network(exported._source.network, X)[1])
    sides = {
        ALONE: partial(answer_each, network, [x[np.newaxis] for x in X]),
        IN_BATCH: partial(answer_each, network, [X]),
    }
    judged = " ".join(LEVELS[0])
    for flags in LEVELS:
        library = load_library(exported.files | {"loop.c": LOOP}, "loop.c", flags)
        sides[" ".join(flags)] = partial(predict_in_c, library, values)
    seconds = alternate(sides, repeats, per=len(X))
    report.comparison(f"One image of {data.name}, int8, C by {host_compiler()}", seconds, ALONE, {judged: TIMES_CORE}, "µs")


def answer_each(network, inputs, watch, k):
    with watch:
        for X in inputs:
            network.outputs(X)


def predict_in_c(library, values, watch, k):
    classes = np.empty(len(values), dtype=np.int32)
    with watch:
        library.predict_each(values.ctypes, len(values), classes.ctypes)


def sizes(report, data, trained, options):
    small = load_all_digits()
    of_digits = fitted_digits(small, options)
    networks = {
        "digits, 64-50-10, int8": (small, of_digits, "int8"),
        "digits, 64-50-10, float32": (small, of_digits, "float32"),
        f"{data.name}, int8": (data, fitted(data, trained, options), "int8"),
    }
    rows = []
    for name, (samples, clf, weights) in networks.items():
        estimator = clf if weights == "float32" else clf.quantize(8, input_range=UNIT_RANGE)
        exported = to_c(estimator, weights=weights)
        additions = exported.report(samples.X_test[: 20 if options.quick else 1000])
        for processor, (compiler, flags) in PROCESSORS.items():
            if compiler is not None and shutil.which(compiler) is None:
                continue
            if compiler == "avr-gcc" and samples is data:
                continue  # more flash than it has
            built = exported.report(compiler=compiler, flags=flags)
            rows.append(
                {"network": name, "processor": processor, "flags": " ".join(flags)}
                | {"flash": built.flash, "state": built.state, "stack, at most": built.stack}
                | {"additions, mean": additions.additions_mean, "largest": additions.additions_largest}
            )
    report.table("Bytes, and additions of a prediction", rows)


PARTS = {"quantize": quantizing, "equality": equality, "speed": speed, "sizes": sizes}


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz", parts=PARTS).parse_args(argv)
    try:
        host_compiler()
    except RuntimeError as missing:
        sys.exit(str(missing))
    run_parts(PARTS, __doc__, options, load_mnist(options), {})


if __name__ == "__main__":
    main()

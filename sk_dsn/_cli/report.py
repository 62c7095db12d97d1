"""The report of a training: both networks side by side, the answers of the spiking one after a few time steps and what they
cost, and why training ended."""
import copy
import math
import statistics

import numpy as np
from sklearn.metrics import accuracy_score, r2_score

from sk_dsn.metrics import dense_operations, energy_estimate, exit_steps, spike_counts, synaptic_operations

from .recordings import static_features
from .targets import CLASSIFICATION, REGRESSION

STEPS_SHOWN = (1, 2, 4, 8, 16)
MARGINS = (1, 2, 3, 4, 6, 8, 12)
# So many training samples, at regular intervals, choose the time step and the margin.
CHOOSING_SAMPLES = 1000

SCORES = {CLASSIFICATION: ("Test accuracy", accuracy_score), REGRESSION: ("Test R²", r2_score)}


def print_report(data, comparison, target_chosen):
    network = comparison.network
    layers = "-".join(str(n) for n in [network.n_features_in_, *map(len, network.intercepts_)])
    print(f"{data.name}: {len(data.X)} samples to train on, {len(data.X_test)} others to test on")
    if data.feature_names is not None:
        kind = "Label" if data.task == CLASSIFICATION else "Target"
        print(f"{kind}: column {data.target!r}" + ("" if target_chosen else " (the last; --target names another)"))
    if data.task_reason is not None:
        print(f"Task: {data.task}, {data.task_reason} (--task names another)")
    steps = f"leak {network.leak:g}" if data.X_test.ndim == 3 else f"{network.n_time_steps} time steps"
    print(f"Network: {layers} neurons, {steps}, seed {network.random_state}")
    print()
    print_comparison(data, comparison)
    print()
    print_stages(data, network)
    print()
    print(comparison.ending)


def print_table(rows):
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for label, *cells in rows:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        print("   ".join([label.ljust(widths[0]), *padded]).rstrip())


def share_text(share):
    return f"{share:.4f}"


def print_comparison(data, comparison):
    network, rival = comparison.network, comparison.rival
    additions = synaptic_operations(network, data.X_test)[:, -1].mean()
    score_name, _ = SCORES[data.task]
    score = network.score(data.X_test, data.y_test)
    columns = [
        ["", score_name, "CPU seconds of training", "Epochs", "Operations per prediction"],
        comparison_column(network, score, comparison.seconds, f"{additions:,.0f} additions"),
    ]
    if rival is not None:
        rival_score = rival.score(static_features(data.X_test), comparison.encoded(data.y_test))
        operations = f"{dense_operations(network):,} multiply-adds"
        columns.append(comparison_column(rival, rival_score, comparison.rival_seconds, operations))
    print_table(zip(*columns, strict=True))
    n_runs = len(comparison.seconds)
    remarks = []
    if data.task == CLASSIFICATION:
        remarks.append(f"accuracy: standard error {math.sqrt(score * (1 - score) / len(data.y_test)):.4f}")
    runs = "one run" if n_runs == 1 else f"median of {n_runs} runs in turn"
    remarks.append(f"seconds: {runs}, on one core")
    print(f"({'; '.join(remarks)})")


def comparison_column(network, score, seconds, operations):
    return [type(network).__name__, share_text(score), f"{statistics.median(seconds):.3f}", str(network.n_iter_), operations]


def print_stages(data, network):
    score_name, score = SCORES[data.task]
    spikes = spike_counts(network, data.X_test).mean(axis=0).sum(axis=1).cumsum()
    additions = synaptic_operations(network, data.X_test).mean(axis=0)
    scores = [score(data.y_test, answers) for answers in network.staged_predict(data.X_test)]
    print("The network can be asked after any time step; spikes and additions so far, mean of the test samples:")
    print()
    is_stream = data.X_test.ndim == 3
    shown = sorted({*(2**k for k in range(len(scores).bit_length())), len(scores)}) if is_stream else STEPS_SHOWN
    rows = [
        [str(t), share_text(scores[t - 1]), f"{spikes[t - 1]:,.0f}", f"{additions[t - 1]:,.0f}"]
        for t in shown
        if t <= len(scores)
    ]
    print_table([["Time step", score_name, "Spikes", "Additions"], *rows])
    rows = np.linspace(0, len(data.y) - 1, min(len(data.y), CHOOSING_SAMPLES)).astype(int)
    X, y = data.X[rows], data.y[rows]
    known = [score(y, answers) for answers in network.staged_predict(X)]
    # Of streams the training samples may be longer.
    first = min(len(scores), next(t for t, reached in enumerate(known, start=1) if reached >= known[-1]))
    cost = additions[first - 1]
    reached = f"{score_name[0].lower()}{score_name[1:]} {share_text(scores[first - 1])}"
    print(f"On training samples step {first} is the first that is as good as the last: {reached}, {cost:,.0f} additions.")
    if data.task == CLASSIFICATION and not is_stream:
        cost = print_exit(data, network, first, X, y, known[-1]) or cost
    dense, energy = dense_operations(network), energy_estimate(network, data.X_test)
    share = energy.spiking.mean() / max(1, additions[-1]) / (energy.dense / dense)
    print(
        f"An addition takes {share:.2f} of a multiply-add's energy (45 nm hardware), so {cost:,.0f} of them take "
        f"{share * cost / dense:.2f} of the energy of {dense:,} multiply-adds."
    )


def print_exit(data, network, n_time_steps, X, y, aim):
    """The smallest margin at which so many time steps reach the aim on X; returns the additions of a test sample."""
    for margin in MARGINS:
        hasty = copy.copy(network).set_params(n_time_steps=n_time_steps, exit_margin=margin)
        if hasty.score(X, y) >= aim:
            steps = exit_steps(hasty, data.X_test).mean()
            additions = synaptic_operations(hasty, data.X_test)[:, -1].mean()
            reached = share_text(hasty.score(data.X_test, data.y_test))
            print(
                f"With n_time_steps={n_time_steps}, exit_margin={margin} a sample ends as soon as it is clear: "
                f"test accuracy {reached}, {steps:.1f} steps, {additions:,.0f} additions."
            )
            return additions
    return None

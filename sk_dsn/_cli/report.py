"""The report of a training: both networks side by side, and the spiking one after each time step."""
import math
import statistics

import numpy as np
from sklearn.metrics import accuracy_score, r2_score

from sk_dsn.metrics import dense_operations, spike_counts, synaptic_operations

from .recordings import static_features
from .targets import CLASSIFICATION, REGRESSION

STAGES_SHOWN = 20

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
    n_steps = data.X_test.shape[1] if data.X_test.ndim == 3 else network.n_time_steps
    shown = {int(t) for t in np.linspace(1, n_steps, min(n_steps, STAGES_SHOWN)).round()}
    spikes = spike_counts(network, data.X_test).mean(axis=0)
    spikes_so_far = spikes.sum(axis=1).cumsum()
    additions_so_far = synaptic_operations(network, data.X_test).mean(axis=0)
    stages = zip(network.staged_predict(data.X_test), spikes_so_far, additions_so_far, strict=True)
    rows = [
        [str(t), share_text(score(data.y_test, answers)), f"{n_spikes:,.0f}", f"{additions:,.0f}"]
        for t, (answers, n_spikes, additions) in enumerate(stages, start=1)
        if t in shown
    ]
    print("The network can be asked after any time step; spikes and additions so far, mean of the test samples:")
    print()
    print_table([["Time step", score_name, "Spikes", "Additions"], *rows])
    layers = ["the input", *(f"hidden layer {k}" for k in range(1, spikes.shape[1]))]
    by_layer = ", ".join(f"{n:,.0f} of {layer}" for n, layer in zip(spikes.sum(axis=0), layers, strict=True))
    print(f"(spikes: {by_layer}; a spike is added to each neuron of the next layer)")

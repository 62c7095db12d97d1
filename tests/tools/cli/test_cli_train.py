"""The command `train`: what it trains, reports and saves."""
import re
import signal
import time

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from command_line import QUICK, cells, run, start
from sk_dsn import SpikingMLPClassifier
from sk_dsn._cli import datasets, splitting, train
from sk_dsn.metrics import exit_steps, synaptic_operations


def test_without_arguments_it_compares_both_networks_on_digits(capsys, monkeypatch):
    monkeypatch.setattr(train, "COMPARISON_ROUNDS", 1)
    assert run() == 0
    report = capsys.readouterr().out
    X, y = load_digits(return_X_y=True)
    train_rows, test_rows = splitting.stratified_split(y, 0.25, np.random.RandomState(0))
    X_train, X_test, y_train, y_test = X[train_rows] / 16, X[test_rows] / 16, y[train_rows], y[test_rows]
    network = SpikingMLPClassifier(random_state=0).fit(X_train, y_train)
    with threadpool_limits(1), pytest.warns(Warning, match="Maximum iterations"):
        rival = MLPClassifier(random_state=0).fit(X_train, y_train)
    accuracies = [f"{estimator.score(X_test, y_test):.4f}" for estimator in (network, rival)]
    assert cells(report, "Test accuracy") == accuracies
    assert cells(report, "Epochs") == [str(network.n_iter_), str(rival.n_iter_)]
    staged = [np.mean(labels == y_test) for labels in network.staged_predict(X_test)]
    additions = synaptic_operations(network, X_test).mean(axis=0)
    for t in (1, 2, 4, 8, 16):
        assert cells(report, t)[::2] == [f"{staged[t - 1]:.4f}", f"{additions[t - 1]:,.0f}"]
    assert cells(report, "Operations per prediction") == [f"{additions[-1]:,.0f} additions", "7,400 multiply-adds"]
    # Step and margin are chosen on training samples, and scored on the others.
    rows = np.linspace(0, len(y_train) - 1, 1000).astype(int)
    known = [np.mean(labels == y_train[rows]) for labels in network.staged_predict(X_train[rows])]
    first = 1 + next(t for t, accuracy in enumerate(known) if accuracy >= known[-1])
    accuracy, cost = f"test accuracy {staged[first - 1]:.4f}", f"{additions[first - 1]:,.0f} additions"
    assert f"\nOn training samples step {first} is the first that is as good as the last: {accuracy}, {cost}.\n" in report
    margin = int(re.search(rf"\nWith n_time_steps={first}, exit_margin=(\d+) ", report)[1])
    hasty = network.set_params(n_time_steps=first, exit_margin=margin)
    assert hasty.score(X_train[rows], y_train[rows]) >= known[-1]
    assert f" a sample ends as soon as it is clear: test accuracy {hasty.score(X_test, y_test):.4f}, " in report
    taken = synaptic_operations(hasty, X_test)[:, -1].mean()
    assert f" {exit_steps(hasty, X_test).mean():.1f} steps, {taken:,.0f} additions.\n" in report
    assert f"so {taken:,.0f} of them take {0.9 / 4.6 * taken / 7400:.2f} of the energy of 7,400 multiply-adds.\n" in report
    assert report.endswith(
        "Training ended after epoch 50: max_iter=50 epochs are done and the learning rate has fallen to zero.\n"
    )


def test_times_are_medians_of_alternating_runs(capsys, iris_csv, monkeypatch):
    trained = []
    seconds = iter([9.0, 5.0, 1.0, 6.0, 2.0, 70.0])

    def fit_timed(network, X, y):
        trained.append(type(network))
        network.fit(X, y)
        return next(seconds), False, ""

    monkeypatch.setattr(train, "fit_timed", fit_timed)
    monkeypatch.setattr(train, "COMPARISON_ROUNDS", 3)
    assert run("train", iris_csv, "--epochs", 2) == 0
    report = capsys.readouterr().out
    assert trained == [SpikingMLPClassifier, MLPClassifier] * 3
    assert cells(report, "CPU seconds of training") == ["2.000", "6.000"]
    assert "median of 3 runs" in report


def test_slow_comparison_is_not_repeated(capsys, iris_csv, monkeypatch):
    monkeypatch.setattr(train, "COMPARISON_SECONDS", 0)
    assert run("train", iris_csv, "--epochs", 2) == 0
    assert "one run" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--seed", "1", "train", "digits"], ["train", "digits", "--seed", "1"]])
def test_seed_is_taken_before_and_after_the_command(arguments, capsys):
    assert run(*arguments, *QUICK) == 0
    assert "seed 1\n" in capsys.readouterr().out


def test_options_reach_the_network(tmp_path, iris_csv):
    path = tmp_path / "model"
    options = ["--hidden", "7,5", "--time-steps", 4, "--epochs", 2, "--learning-rate", 0.25, "--dropout", 0.1]
    assert run("train", iris_csv, "--save", path, "--no-compare", "--seed", 3, *options) == 0
    parameters = joblib.load(path)["network"].get_params()
    expected = {
        "hidden_layer_sizes": (7, 5),
        "n_time_steps": 4,
        "max_iter": 2,
        "learning_rate_init": 0.25,
        "dropout": 0.1,
        "random_state": 3,
        "verbose": False,
    }
    assert {name: parameters[name] for name in expected} == expected


def test_many_time_steps_are_reported_in_few_rows(capsys, iris_csv):
    assert run("train", iris_csv, "--time-steps", 100, *QUICK) == 0
    table = capsys.readouterr().out
    shown = [int(line.split()[0]) for line in table.splitlines() if re.match(r"\d+\s\s", line)]
    assert shown == [1, 2, 4, 8, 16]


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize(
    ("scale", "mean", "largest"), [("standard", 0.0, None), ("minmax", None, 1.0), ("none", None, 7.9)]
)
def test_scale_is_part_of_the_model(tmp_path, iris_csv, scale, mean, largest):
    model = tmp_path / "model"
    assert run("train", iris_csv, "--scale", scale, "--save", model, *QUICK) == 0
    X, y = load_iris(return_X_y=True)
    X_train = X[splitting.stratified_split(y, 0.25, np.random.RandomState(0))[0]]
    scaled = joblib.load(model)[:-1].transform(np.ascontiguousarray(X_train))
    if mean is not None:
        np.testing.assert_allclose(scaled.mean(axis=0), mean, atol=1e-6)
    if largest is not None:
        assert scaled.max() == pytest.approx(largest)


def test_ctrl_c_keeps_the_weights_reached(tmp_path):
    rng = np.random.default_rng(0)
    data, model = tmp_path / "noise.npz", tmp_path / "model"
    X, y = rng.integers(0, 256, (20_000, 100)).astype(np.uint8), rng.integers(0, 10, 20_000)
    np.savez(data, X=X, y=y)
    process = start("train", data, "--save", model, "--hidden", "200,200", "--epochs", 1000)
    assert process.stderr.readline().startswith("SpikingMLPClassifier: Epoch")
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    lines = iter(process.stderr.readline, "")
    answer = next(line for line in lines if not line.startswith("SpikingMLPClassifier: Epoch"))
    assert time.monotonic() - began < 10  # of some minutes
    assert re.fullmatch(rf"python -m sk_dsn: interrupted after \d+ whole epochs; .* is saved to {model}\.\n", answer)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "")
    assert joblib.load(model).predict(X[:3].reshape(3, -1)).shape == (3,)


def test_ctrl_c_without_save_says_that_nothing_is_saved(iris_csv, capsys, interrupted_training):
    interrupted_training("SpikingMLPClassifier")
    assert run("train", iris_csv) == 130
    captured = capsys.readouterr()
    assert "is not saved" in captured.err
    assert captured.out == ""


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_ctrl_c_in_the_comparison_leaves_the_report_and_the_model(tmp_path, iris_csv, capsys, interrupted_training):
    interrupted_training("MLPClassifier")
    assert run("train", iris_csv, "--save", tmp_path / "model", "--epochs", 3) == 130
    captured = capsys.readouterr()
    assert "the comparison is interrupted; the report is of what was trained before" in captured.err
    assert len(cells(captured.out, "Test accuracy")) == 1
    assert joblib.load(tmp_path / "model").predict([[5, 3, 1, 0.2]]).shape == (1,)


def test_ctrl_c_outside_training(monkeypatch, capsys):
    def interrupt(return_X_y):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "load_digits", interrupt)
    assert run() == 130
    assert capsys.readouterr().err == "python -m sk_dsn: interrupted\n"


def test_too_little_memory_is_no_traceback(iris_csv, capsys):
    assert run("train", iris_csv, "--hidden", 10**13, "--no-compare") == 1
    assert "error: not enough memory" in capsys.readouterr().err

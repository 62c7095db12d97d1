"""MNIST by name."""
from urllib.error import URLError

import joblib
import numpy as np
import pytest

from command_line import cells, run
from sk_dsn._cli import datasets, train


def fake_mnist(n_train, n_test):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n_train + n_test, 784)).astype(np.uint8)
    return X, np.arange(n_train + n_test) % 10


def test_mnist_comes_from_the_folder_in_the_environment(tmp_path, monkeypatch, capsys):
    X, y = fake_mnist(60, 20)
    np.savez(tmp_path / "mnist.npz", X_train=X[:60], y_train=y[:60], X_test=X[60:], y_test=y[60:])
    monkeypatch.setenv("SK_DSN_DATA", str(tmp_path))
    monkeypatch.setattr(train, "COMPARISON_ROUNDS", 1)
    assert run("train", "mnist") == 0
    report = capsys.readouterr().out
    assert "MNIST: 60 samples to train on, 20 others to test on" in report
    assert "784-200-200-10 neurons, 10 time steps" in report
    assert cells(report, "Epochs") == ["5", "5"]


def test_mnist_is_fetched_otherwise(tmp_path, monkeypatch, capsys):
    X, y = fake_mnist(60, 20)
    monkeypatch.delenv("SK_DSN_DATA", raising=False)
    monkeypatch.setattr(datasets, "MNIST_TRAINING_ROWS", 60)
    monkeypatch.setattr(datasets, "fetch_openml", lambda *_, **__: (X.astype(np.int64), y.astype(str)))
    model = tmp_path / "model"
    assert run("train", "mnist", "--no-compare", "--hidden", "10", "--save", model) == 0
    captured = capsys.readouterr()
    assert "60 samples to train on, 20 others" in captured.out
    assert "fetching MNIST" in captured.err
    assert joblib.load(model).classes_.tolist() == list(range(10))
    np.testing.assert_allclose(joblib.load(model)[:-1].transform(X[:2].astype(np.float32)), X[:2] / 255, rtol=1e-6)


@pytest.mark.parametrize("folder_is_set", [True, False])
def test_missing_mnist_says_how_to_get_it(tmp_path, monkeypatch, capsys, folder_is_set):
    def fetch(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(datasets, "fetch_openml", fetch)
    monkeypatch.delenv("SK_DSN_DATA", raising=False)
    if folder_is_set:
        monkeypatch.setenv("SK_DSN_DATA", str(tmp_path))
    assert run("train", "mnist") == 1
    error = capsys.readouterr().err
    assert (f"{tmp_path / 'mnist.npz'} is not there" if folder_is_set else "SK_DSN_DATA is not set") in error
    assert "no route to host" in error
    assert "set SK_DSN_DATA to a folder with a file mnist.npz that holds X_train, y_train, X_test and y_test" in error

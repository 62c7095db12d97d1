"""Files for the command line."""
import numpy as np
import pytest
from sklearn.datasets import load_digits

from command_line import IRIS_FEATURES, iris_rows, run, write_csv
from sk_dsn._cli.messages import LateProgress


@pytest.fixture
def iris_csv(tmp_path):
    return write_csv(tmp_path / "iris.csv", [*IRIS_FEATURES, "species"], iris_rows())


@pytest.fixture
def iris_model(tmp_path, iris_csv, capsys):
    path = tmp_path / "iris.joblib"
    assert run("train", iris_csv, "--save", path, "--no-compare", "--epochs", 20) == 0
    capsys.readouterr()
    return path


@pytest.fixture
def image_npz(tmp_path):
    """Digits as images of uint8, most of them in a training part."""
    X, y = load_digits(return_X_y=True)
    X = (X * 15.9).astype(np.uint8).reshape(-1, 8, 8)
    path = tmp_path / "images.npz"
    np.savez(path, X_train=X[:300], y_train=y[:300], X_test=X[300:400], y_test=y[300:400])
    return path


@pytest.fixture
def interrupted_training(monkeypatch):
    """Makes Ctrl-C fall into the first epoch of the network of the given name."""

    def interrupt(name):
        def write(progress, text):
            if progress.name == name:
                monkeypatch.undo()
                raise KeyboardInterrupt

        monkeypatch.setattr(LateProgress, "write", write)

    return interrupt

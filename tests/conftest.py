"""Fixtures for data that is too large for the repository, and the settings of Hypothesis.

Tests marked `exhaustive` are left out by default, see `addopts` in pyproject.toml.
"""
import os
import signal
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from sklearn.utils import Bunch

# No test depends on chance or on the load of the machine: the same examples are drawn every time.
settings.register_profile("sk_dsn", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("sk_dsn")

# A script's background jobs start with SIGINT ignored, and the tests of Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Skips the examples of the displays where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        for item in items:
            if item.path.name == "plotting.py":
                item.add_marker(pytest.mark.skip(reason="matplotlib is not installed"))


@pytest.fixture(scope="session")
def shared():
    """The folder with goldens of the authors' program (reference/) and data sets (data/)."""
    folder = Path(os.environ.get("SK_DSN_SHARED") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; set SK_DSN_SHARED to the folder that holds reference/ and data/")
    return folder


@pytest.fixture(scope="session")
def mnist(request):
    """MNIST as X_train, y_train, X_test, y_test, read-only; X in [0, 1] of shape (n, 784)."""
    folder = os.environ.get("SK_DSN_DATA") or request.getfixturevalue("shared") / "data"
    path = Path(folder, "mnist.npz")
    if not path.is_file():
        pytest.skip(f"{path} is not there; set SK_DSN_DATA to a folder with MNIST (X_train, y_train, X_test, y_test)")
    with np.load(path) as arrays:
        data = Bunch(**arrays)
    for part in ("X_train", "X_test"):
        data[part] = data[part].astype(np.float32) / np.float32(255)
    for array in data.values():
        array.flags.writeable = False
    return data

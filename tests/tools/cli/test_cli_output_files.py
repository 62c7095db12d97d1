"""Files that are written: complete, or as they were before, whatever goes wrong."""
import os

import joblib
import pytest

from command_line import QUICK, run
from sk_dsn._cli import models


def test_folder_to_save_in_is_checked_before_training(tmp_path, capsys):
    assert run("train", tmp_path / "absent.csv", "--save", tmp_path / "no" / "model") == 2
    assert f"cannot write to folder {tmp_path / 'no'}: No such file" in capsys.readouterr().err
    assert run("train", tmp_path / "absent.csv", "--save", tmp_path) == 2
    assert f"{tmp_path} is not a regular file" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a folder that the user cannot write to")
def test_folder_without_permission_is_refused(tmp_path, iris_csv, capsys):
    folder = tmp_path / "closed"
    folder.mkdir()
    for mode in (0o500, 0o000):
        folder.chmod(mode)
        assert run("train", iris_csv, "--save", folder / "model") == 2
        assert f"cannot write to folder {folder}: Permission denied" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists(os.devnull) or os.name != "posix", reason="needs a device file")
def test_device_is_not_replaced(iris_csv, capsys):
    assert run("train", iris_csv, "--save", os.devnull) == 2
    assert "is not a regular file" in capsys.readouterr().err


def test_failed_training_leaves_the_model_saved_before(tmp_path, iris_csv, iris_model, capsys):
    before = iris_model.read_bytes()
    assert run("train", iris_csv, "--save", iris_model, "--learning-rate", "1e30", "--no-compare") == 2
    assert "error: Training diverged" in capsys.readouterr().err
    assert iris_model.read_bytes() == before


def test_unfinished_file_is_removed_and_the_old_one_kept(tmp_path, iris_csv, iris_model, capsys, monkeypatch):
    def dump(model, file):
        file.write(b"half a model")
        raise OSError(28, "No space left on device")

    before = iris_model.read_bytes()
    monkeypatch.setattr(models.joblib, "dump", dump)
    assert run("train", iris_csv, "--save", iris_model, *QUICK) == 1
    assert f"error: cannot write {iris_model}: No space left on device" in capsys.readouterr().err
    assert iris_model.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [iris_csv, iris_model]


def test_model_is_replaced(iris_csv, iris_model):
    before = joblib.load(iris_model)
    assert run("train", iris_csv, "--save", iris_model, *QUICK) == 0
    assert joblib.load(iris_model)["network"].n_iter_ != before["network"].n_iter_

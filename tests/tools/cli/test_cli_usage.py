"""Arguments, help and progress."""

import joblib
import pytest

from command_line import run, without_trust, write_csv
from sk_dsn import __version__
from sk_dsn._cli import messages


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "absent.csv"], "cannot read absent.csv: No such file or directory"),
        (["train", "absent.npz"], "cannot read absent.npz: No such file or directory"),
        (["train", "absent"], "absent: data must be a file whose name ends in .csv or .npz"),
        (["train", "iris.csv", "--target", "kind"], "iris.csv has no column 'kind' for --target; its columns are"),
        (["train", "digits", "--target", "y"], "--target goes with a file"),
        (["train", "images.npz", "--test-fraction", "0.5"], "images.npz, which has a test part of its own"),
        (["predict", "absent", "iris.csv"], "cannot read model absent: No such file or directory"),
        (["predict", "iris.csv", "iris.csv"], "iris.csv is not a model"),
        (["predict", "list.joblib", "iris.csv"], "list.joblib holds a list, not a fitted model"),
        (["predict", "iris.joblib", "absent.csv"], "cannot read absent.csv: No such file or directory"),
        (["predict", "iris.joblib", "mnist"], "mnist: data must be a file"),
        (["predict", "iris.joblib", "images.npz"], "images.npz has 64 features; the model was trained on 4"),
        (["predict", "iris.joblib", "x.csv"], "lacks columns that the model was trained on: 'sepal width', 'petal"),
        (["predict", "iris.joblib", "iris.csv", "--output", "no/a"], "cannot write to folder no"),
    ],
)
@pytest.mark.usefixtures("iris_model", "image_npz")
def test_wrong_files_and_names_are_explained(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    joblib.dump([1], "list.joblib")
    write_csv(tmp_path / "x.csv", ["sepal length", "other"], [[1, 2]])
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert without_trust(captured.err).startswith("python -m sk_dsn: error: ")
    assert message in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist"], "invalid choice: 'mnist'"),
        (["train"], "the following arguments are required: DATA"),
        (["--seed", "-1"], "'-1' is not an integer from 0 to 2**32 - 1"),
        (["train", "digits", "--hidden", "20,x"], "'20,x' is not one or more integers of at least 1, such as 200,200"),
        (["train", "digits", "--hidden", "0"], "'0' is not one or more integers of at least 1"),
        (["train", "digits", "--epochs", "0"], "'0' is not an integer of at least 1"),
        (["train", "digits", "--time-steps", "1.5"], "'1.5' is not an integer of at least 1"),
        (["train", "digits", "--test-fraction", "1"], "'1' is not a number between 0 and 1"),
        (["train", "digits", "--dropout", "1"], "'1' is not a number from 0 to below 1"),
        (["train", "digits", "--learning-rate", "nan"], "'nan' is not a number of at least 0"),
    ],
)
def test_wrong_usage_is_explained(capsys, arguments, message):
    with pytest.raises(SystemExit) as exit:
        run(*arguments)
    assert exit.value.code == 2
    assert message in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as exit:
        run("--version")
    assert exit.value.code == 0
    assert capsys.readouterr().out == f"sk_dsn {__version__}\n"


def test_help_of_predict_warns_of_foreign_pickles(capsys):
    with pytest.raises(SystemExit):
        run("predict", "--help")
    assert "use only files you trust" in " ".join(capsys.readouterr().out.split())


def test_progress_waits_two_seconds_and_then_comes_once_a_second(monkeypatch, capsys):
    clock = iter([100.0, 101.9, 102.0, 102.0, 102.5, 103.0, 103.0])
    monkeypatch.setattr(messages.time, "monotonic", lambda: next(clock))
    progress = messages.LateProgress("net")
    for line in ["early", "first", "soon", "second"]:
        progress.write(f"{line}\n")
    assert capsys.readouterr().err == "net: first\nnet: second\n"

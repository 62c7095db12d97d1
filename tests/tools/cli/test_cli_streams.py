"""stdin, stdout and stderr: pipes, other encodings, and none at all."""
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris

from command_line import QUICK, run, start, write_csv

needs_shell = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


def shell(command):
    command = command.replace("PROGRAM", f"{sys.executable} -m sk_dsn")
    return subprocess.run(["sh", "-c", command], capture_output=True, check=False)


@pytest.fixture
def set_stdin(monkeypatch):
    def set_bytes(data):
        monkeypatch.setattr(sys, "stdin", None if data is None else io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))

    return set_bytes


# Input


def test_csv_comes_from_stdin(tmp_path, iris_csv, iris_model, capsys, set_stdin):
    assert run("predict", iris_model, iris_csv) == 0
    expected = capsys.readouterr()
    set_stdin(iris_csv.read_bytes())
    assert run("predict", iris_model, "-") == 0
    assert capsys.readouterr() == expected
    set_stdin(b"\xef\xbb\xbf" + iris_csv.read_bytes())
    model = tmp_path / "model"
    assert run("train", "-", "--save", model, "--no-compare", "--epochs", 20) == 0
    assert "stdin: 112 samples to train on" in capsys.readouterr().out
    assert run("predict", model, iris_csv) == 0
    assert capsys.readouterr().out == expected.out


def test_arrays_come_from_stdin(tmp_path, capsys, set_stdin):
    X, y = load_iris(return_X_y=True)
    file = io.BytesIO()
    np.savez(file, X=X, y=y)
    model = tmp_path / "model"
    set_stdin(file.getvalue())
    assert run("train", "-", "--save", model, "--no-compare", "--epochs", 20) == 0
    assert "stdin: 112 samples to train on" in capsys.readouterr().out
    set_stdin(file.getvalue())
    assert run("predict", model, "-") == 0
    assert "on 150 labelled samples" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "stdin is closed; give the name of a file"),
        (b"", "stdin is empty; its first line must name the columns"),
        (b"PK\x03\x04 and no more", "stdin is not an NPZ file of numbers and strings"),
        (b"x,y\n1,\xff\n", "stdin, line 2 is not text in UTF-8"),
    ],
)
def test_unusable_stdin_is_explained(capsys, set_stdin, data, message):
    set_stdin(data)
    assert run("train", "-", *QUICK) == 2
    assert message in capsys.readouterr().err


@needs_shell
def test_pipe_is_read(iris_csv, iris_model):
    process = shell(f"cat {iris_csv} | PROGRAM predict {iris_model} - | wc -l")
    assert process.stdout.split() == [b"150"]


# Output


@pytest.fixture
def umlaut_model(tmp_path, capsys):
    """A model whose labels ASCII does not have, and its data."""
    path = write_csv(tmp_path / "wörter.csv", ["länge", "tier"], [[k % 2, ["Kätzchen", "Löwe"][k % 2]] for k in range(40)])
    model = tmp_path / "model"
    assert run("train", path, "--save", model, "--no-compare") == 0
    capsys.readouterr()
    return model, path


def test_labels_outside_the_encoding_of_stdout_are_explained(tmp_path, umlaut_model, capsys, monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert run("predict", *umlaut_model) == 2
    narrow.flush()
    assert narrow.buffer.getvalue() == b""
    error = capsys.readouterr().err
    assert "The encoding of stdout, ascii, has no '\\xe4', which an answer holds. Write to a file with --output" in error
    answers = tmp_path / "answers.csv"
    assert run("predict", *umlaut_model, "--output", answers) == 0
    assert answers.read_text(encoding="utf-8").splitlines()[:3] == ["prediction", "Kätzchen", "Löwe"]


def test_report_is_shown_in_any_encoding(umlaut_model, capsys, monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert run("train", umlaut_model[1], *QUICK) == 0
    narrow.flush()
    report = narrow.buffer.getvalue().decode("ascii")
    assert "w\\xf6rter.csv: 30 samples to train on" in report
    assert "Label: column 'tier' (the last" in report


@needs_shell
def test_closed_stdout_is_explained(iris_csv, iris_model):
    process = shell(f"PROGRAM predict {iris_model} {iris_csv} >&-")
    assert process.returncode == 2
    assert process.stderr.endswith(b"error: stdout is closed; name a file with --output.\n")


def test_closed_stdout_is_no_matter_where_files_are_written(tmp_path, iris_csv, iris_model, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    assert run("predict", iris_model, iris_csv, "--output", tmp_path / "answers.csv") == 0
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 151
    assert run("train", iris_csv, "--save", tmp_path / "model", *QUICK) == 0


def test_closed_stderr_leaves_stdout_alone(iris_csv, iris_model, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    assert run("predict", iris_model, iris_csv) == 0
    assert len(capsys.readouterr().out.splitlines()) == 150
    assert run("train", "absent.csv") == 2
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_stdout_is_explained(iris_csv, iris_model):
    process = shell(f"PROGRAM predict {iris_model} {iris_csv} >/dev/full")
    assert process.returncode == 1
    assert process.stderr.endswith(b"python -m sk_dsn: error: cannot write to stdout: No space left on device.\n")
    assert b"Traceback" not in process.stderr


def test_reader_that_goes_away_causes_no_traceback(iris_csv, iris_model):
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = start("predict", iris_model, iris_csv, env=buffered)
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait() == 1
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors

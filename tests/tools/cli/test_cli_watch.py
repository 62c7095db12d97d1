"""Answers while events come in: of files, and of text from stdin, however it is cut."""
import io
from itertools import pairwise

import joblib
import numpy as np
import pytest

from command_line import moving, run, start, write_classes
from sk_dsn.events import read


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch")
    write_classes(folder / "recordings", 20)
    path = folder / "model.joblib"
    assert run("train", folder / "recordings", "--save", path, "--no-compare", "--leak", 0.3, "--sensor", "8,2") == 0
    return path


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "recording.npy"
    np.save(path, moving(True, 100))
    return path


def rows(text):
    header, *lines = text.splitlines()
    assert header == "time,answer,probability"
    return [line.split(",") for line in lines]


def text_of(events, header=""):
    return header + "".join(f"{t},{x},{y},{int(p)}\n" for t, x, y, p in events.tolist())


class Stdin:
    """Bytes that come so many at a time."""

    def __init__(self, data, size):
        self.buffer = self
        self.rest = io.BytesIO(data)
        self.size = size

    def read1(self, n):
        return self.rest.read(min(n, self.size))


def test_a_file_is_answered_as_it_plays(model, recording, capsys):
    assert run("watch", model, recording) == 0
    captured = capsys.readouterr()
    told = rows(captured.out)
    frames, network = pipeline = joblib.load(model)
    events = read(recording)
    staged = [answers[0] for answers in network.staged_predict(frames.transform([events]))]
    assert told[-1][1] == staged[-1] == pipeline.predict([events])[0]
    changes = [staged[0], *(after for before, after in pairwise(staged) if before != after)]
    assert [answer for _, answer, _ in told[:-1]] == changes[: len(told) - 1]
    assert float(told[-1][2]) == pytest.approx(pipeline.predict_proba([events]).max(), abs=1e-4)
    assert "60 events in 8 time steps: 0.0" in captured.err
    assert "times real time" in captured.err


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("header", ["", "t,x,y,on\n"])
def test_text_is_answered_as_it_comes_however_it_is_cut(model, recording, capsys, monkeypatch, size, header):
    events = read(recording)
    assert run("watch", model, recording) == 0
    expected = rows(capsys.readouterr().out)[-1]
    monkeypatch.setattr("sys.stdin", Stdin(text_of(events, header)[:-1].encode(), size))
    assert run("watch", model, "-") == 0
    assert rows(capsys.readouterr().out)[-1] == expected


def test_an_answer_is_there_before_the_end(model, recording):
    events = read(recording)
    process = start("watch", model, "-", stdin=-1)
    process.stdin.write(text_of(events[:40]))
    process.stdin.flush()
    assert process.stdout.readline() == "time,answer,probability\n"
    early = process.stdout.readline().split(",")
    assert early[1] in ("left", "right") and int(early[0]) <= events["t"][39]
    rest, err = process.communicate(text_of(events[40:]))
    assert rest.splitlines()[-1].split(",")[1] == joblib.load(model).predict([events])[0]
    assert process.returncode == 0 and "60 events in 8 time steps" in err


def test_a_reader_that_goes_away_is_not_the_models_fault(model, recording):
    events = read(recording)
    process = start("watch", model, "-", stdin=-1)
    process.stdin.write(text_of(events[:40]))
    process.stdin.flush()
    process.stdout.readline()
    process.stdout.close()
    try:
        process.stdin.write(text_of(events[40:]))
        process.stdin.close()
    except BrokenPipeError:
        pass
    errors = process.stderr.read()
    assert process.wait() == 1
    assert "Traceback" not in errors and "BrokenPipe" not in errors


def test_a_file_plays_at_its_speed(model, recording, capsys, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    assert run("watch", model, recording, "--speed", 0.001, "--unit", 1e-3) == 0
    capsys.readouterr()
    assert len(slept) == 8
    assert slept == sorted(slept)
    assert slept[-1] == pytest.approx(1e-3 * np.ptp(read(recording)["t"]) / 0.001, rel=0.01)


@pytest.mark.parametrize(("text", "message"), [
    ("", "stdin holds no events"), ("t,x,y,p\n", "stdin holds no events"), ("1,2,two,0\n", "Events are lines of t,x,y,p"),
    ("5,0,0,1\n4,0,0,1\n", "Event 1 is at t=4, before event 0 at t=5"), ("5,8,0,1\n", "Event 0 has x=8, outside"),
    ("x,y\n1,1\n", "have no time"),
])
def test_bad_text_is_refused(model, capsys, monkeypatch, text, message):
    monkeypatch.setattr("sys.stdin", Stdin(text.encode(), 100))
    assert run("watch", model, "-") == 2
    assert message in capsys.readouterr().err


def test_models_and_commands_that_do_not_fit_are_refused(model, recording, iris_model, iris_csv, capsys):
    assert run("watch", iris_model, recording) == 2
    assert "was not trained on recordings of events" in capsys.readouterr().err
    assert run("predict", model, iris_csv) == 2
    assert "was trained on recordings of events; use python -m sk_dsn watch" in capsys.readouterr().err
    assert run("watch", model, "-", "--speed", 2) == 2
    assert "--speed goes with a file" in capsys.readouterr().err
    assert run("watch", model, recording.with_name("none.npy")) == 2
    assert "cannot read recording" in capsys.readouterr().err

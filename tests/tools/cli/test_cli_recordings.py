"""Training on recordings of events: folders of classes and lists of files."""
import joblib
import numpy as np
import pytest

from command_line import QUICK, cells, moving, run, write_classes
from sk_dsn import SpikingMLPClassifier
from sk_dsn.events import EventFrames, read


@pytest.fixture
def folder(tmp_path):
    made = write_classes(tmp_path / "recordings")
    (made / "README.md").write_text("Not a recording.")
    (made / "left" / ".hidden.npy").write_text("Not a recording.")
    (made / ".git").mkdir()
    return made


def test_a_folder_of_classes_is_learned_and_saved(folder, tmp_path, capsys):
    path = tmp_path / "model.joblib"
    assert run("train", folder, "--save", path, "--no-compare", "--leak", 0.3) == 0
    captured = capsys.readouterr()
    assert "18 samples to train on, 6 others to test on" in captured.out
    assert "32-100-2 neurons, leak 0.3" in captured.out
    assert f"watch {path} FILE" in captured.out
    assert "sensor is taken to be of 8 x 2 pixels" in captured.err
    assert float(cells(captured.out, "Test accuracy")[0]) > 0.8
    frames, network = model = joblib.load(path)
    assert isinstance(frames, EventFrames) and isinstance(network, SpikingMLPClassifier)
    assert (frames.sensor_size, frames.time_step, network.leak) == ((8, 2), 10_000, 0.3)
    files = sorted(folder.glob("*/[0-9]*.npy"))
    answers = model.predict([read(file) for file in files])
    assert np.mean(answers == [file.parent.name for file in files]) > 0.8


def test_the_conventional_network_sees_the_totals(folder, capsys):
    assert run("train", folder, "--epochs", 2, "--sensor", "8,2", "--step", 20_000) == 0
    captured = capsys.readouterr()
    assert "MLPClassifier" in captured.out and "sensor is taken" not in captured.err


def test_folders_train_and_test_keep_apart(tmp_path, capsys):
    write_classes(tmp_path / "Train", 6)
    write_classes(tmp_path / "Test", 3, first=6)
    assert run("train", tmp_path, *QUICK) == 0
    assert "12 samples to train on, 6 others to test on" in capsys.readouterr().out
    assert run("train", tmp_path, *QUICK, "--test-fraction", 0.5) == 2
    assert "has a test part of its own" in capsys.readouterr().err


def write_list(folder, *names):
    files = sorted(folder.glob("*/[0-9]*.npy"))
    lines = [",".join(names), *(f"{file.relative_to(folder)},{file.parent.name},7" for file in files)]
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    return folder / "list.csv"


@pytest.mark.parametrize("options", [[], ["--target", "side"]])
def test_a_csv_file_names_recordings(folder, capsys, options):
    listed = write_list(folder, "file", "side", "weight")
    assert run("train", listed, "--recordings", *QUICK, *options) == (0 if options else 2)
    captured = capsys.readouterr()
    if options:
        assert "18 samples to train on" in captured.out
    else:
        assert "7" in captured.err  # the last column, in which all labels are the same


def corrupt(folder, events):
    np.save(folder / "left" / "3.npy", events)


@pytest.mark.parametrize(("change", "options", "message"), [
    (lambda f: corrupt(f, moving(True, 0)[::-1]), [], "Event 1 of {folder}/left/3.npy is at t="),
    (lambda f: corrupt(f, moving(True, 0)[:0]), [], "{folder}/left/3.npy holds no events; leave it out"),
    (lambda f: corrupt(f, np.zeros(3)), [], "{folder}/left/3.npy is no recording that can be read"),
    (lambda f: None, ["--sensor", "8,1"], "outside sensor_size=(8, 1)"),
    (lambda f: None, ["--target", "y"], "the labels of a folder are the names of its folders"),
    (lambda f: None, ["--id", "y", "--scale", "none"], "--id, --scale does not go with recordings"),
    (lambda f: None, ["--time-steps", 5], "--time-steps does not go with recordings"),
], ids=range(7))
def test_what_does_not_fit_is_refused_with_its_name(folder, capsys, change, options, message):
    change(folder)
    assert run("train", folder, *QUICK, *options) == 2
    assert message.format(folder=folder) in capsys.readouterr().err


@pytest.mark.parametrize(("text", "message"), [
    ("", "is empty"), ("file\na.npy\n", "needs a column of paths"), ("file,y\na.npy\n", "line 2: there is no label"),
    ("file,y\na.npy,1\n", "cannot read recording {folder}/a.npy: No such file"), ("file,y\n", "names no recordings"),
])
def test_lists_that_name_no_recordings_are_refused(tmp_path, capsys, text, message):
    path = tmp_path / "list.csv"
    path.write_text(text)
    assert run("train", path, "--recordings", *QUICK) == 2
    assert message.format(folder=tmp_path) in capsys.readouterr().err


def test_a_folder_without_recordings_is_refused(tmp_path, capsys):
    assert run("train", tmp_path, *QUICK) == 2
    assert "holds no recordings: it needs a folder for each class" in capsys.readouterr().err


def test_options_of_recordings_are_refused_elsewhere(iris_csv, capsys):
    for data in (iris_csv, "nowhere"):
        assert run("train", data, "--step", 5, *QUICK) == 2
        assert f"--step goes with recordings, and {data} is no folder of them" in capsys.readouterr().err


def test_models_of_recordings_fit_into_skops_files(folder, tmp_path, capsys):
    pytest.importorskip("skops.io", reason="skops is not installed")
    from sk_dsn._cli.models import load_model

    path = tmp_path / "model.skops"
    assert run("train", folder, "--save", path, "--skops", *QUICK) == 0
    assert load_model(path, only_skops=True)[0].sensor_size == (8, 2)

"""NPZ files."""

import io
import zipfile

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.preprocessing import StandardScaler

from command_line import QUICK, cells, run, without_trust


def test_images_are_flattened_and_pixels_divided_by_255(tmp_path, image_npz, capsys):
    model = tmp_path / "model"
    assert run("train", image_npz, "--save", model, *QUICK) == 0
    assert "300 samples to train on, 100 others to test on" in capsys.readouterr().out
    pixels = np.arange(128, dtype=np.float32).reshape(2, 64)
    np.testing.assert_allclose(joblib.load(model)[:-1].transform(pixels), pixels / 255, rtol=1e-6)


@pytest.mark.parametrize("largest", [1, 3, 16, 127])
def test_bytes_that_are_no_pixels_are_scaled_like_other_numbers(tmp_path, capsys, largest):
    rng = np.random.default_rng(0)
    X = rng.integers(0, largest + 1, (200, 4)).astype(np.uint8)
    y = (X[:, 0] > largest / 2).astype(int)
    scores = []
    for kind in (np.uint8, np.float64):
        path, model = tmp_path / "data.npz", tmp_path / "model"
        np.savez(path, X=X.astype(kind), y=y)
        assert run("train", path, "--save", model, "--no-compare") == 0
        scores.append(float(cells(capsys.readouterr().out, "Test accuracy")[0]))
        assert isinstance(joblib.load(model)[0], StandardScaler)
    assert scores[0] == scores[1] > 0.9


def test_digits_as_bytes_are_learned_as_well_as_digits(tmp_path, capsys):
    X, y = load_digits(return_X_y=True)
    path = tmp_path / "digits.npz"
    np.savez(path, X=X.astype(np.uint8), y=y)
    assert run("train", path, "--no-compare") == 0
    assert float(cells(capsys.readouterr().out, "Test accuracy")[0]) > 0.96


@pytest.mark.parametrize("option", ["--id", "--category"])
def test_options_of_tables_do_not_go_with_arrays(image_npz, capsys, option):
    assert run("train", image_npz, option, "name", *QUICK) == 2
    assert "--id, --category and --header go with a CSV file" in capsys.readouterr().err


@pytest.mark.parametrize("member", ["X.txt", "X", "X.npy"])
def test_member_that_is_no_array_is_explained(tmp_path, capsys, member):
    path = tmp_path / "data.npz"
    np.savez(path, y=np.arange(4))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(member, "1,2,3")
    assert run("train", path) == 2
    message = {
        "X": "'X' is no array. Save it with numpy.savez",
        "X.txt": "has the arrays 'y', 'X.txt'; looked for",
        "X.npy": "'X' is no array. Save it with numpy.savez",
    }
    assert message[member] in capsys.readouterr().err


def test_other_files_by_the_name_of_npz_are_explained(tmp_path, capsys):
    path = tmp_path / "data.npz"
    array = io.BytesIO()
    np.save(array, np.eye(3))
    for data in (array.getvalue(), b"1,2", b""):
        path.write_bytes(data)
        assert run("train", path) == 2
        assert f"{path} is not an NPZ file of numbers and strings" in capsys.readouterr().err


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_npz_is_explained(image_npz, capsys, share):
    data = image_npz.read_bytes()
    image_npz.write_bytes(data[: int(share * len(data))])
    assert run("train", image_npz) == 2
    assert f"{image_npz} is not an NPZ file of numbers and strings" in capsys.readouterr().err


def test_npz_with_x_and_y_is_split(tmp_path, capsys):
    X, y = load_iris(return_X_y=True)
    path = tmp_path / "iris.npz"
    np.savez(path, X=X, kind=y)
    assert run("train", path, "--target", "kind", "--test-fraction", "0.2", *QUICK) == 0
    assert "120 samples to train on, 30 others to test on" in capsys.readouterr().out


def test_npz_is_predicted_from_its_test_part(tmp_path, image_npz, capsys):
    model = tmp_path / "model"
    assert run("train", image_npz, "--save", model, "--no-compare", "--epochs", 20) == 0
    accuracy = cells(capsys.readouterr().out, "Test accuracy")[0]
    assert run("predict", model, image_npz) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 100
    assert without_trust(captured.err) == f"python -m sk_dsn: accuracy {accuracy} on 100 labelled samples\n"
    alone = tmp_path / "alone.npz"
    np.savez(alone, X=np.load(image_npz)["X_test"])
    assert run("predict", model, alone) == 0
    captured_alone = capsys.readouterr()
    assert (captured_alone.out, without_trust(captured_alone.err)) == (captured.out, "")


def test_test_samples_out_of_range_are_explained(tmp_path, capsys):
    path = tmp_path / "data.npz"
    np.savez(path, X_train=np.eye(4), y_train=[0, 1, 0, 1], X_test=np.full((2, 4), 1e20), y_test=[0, 1])
    assert run("train", path, "--scale", "none", *QUICK) == 2
    assert "error: Sample 0 of X drives the network out of the range" in capsys.readouterr().err


def test_labels_must_be_as_many_as_samples_to_predict(tmp_path, iris_model, capsys):
    path = tmp_path / "data.npz"
    np.savez(path, X=load_iris().data, species=["setosa"])
    assert run("predict", iris_model, path) == 2
    assert "has 150 samples but 1 labels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"images": np.ones((2, 2)), "y": [0, 1]},
            "has the arrays 'images', 'y'; looked for 'X', 'y', or 'X_train', 'y_train', 'X_test', 'y_test'",
        ),
        ({"X": np.ones(4), "y": np.arange(4)}, "the features have shape (4,)"),
        ({"X": np.array([["a"], ["b"]]), "y": [0, 1]}, "the features are of type <U1; they must be numbers"),
        ({"X": [[0.0], [np.nan]], "y": [0, 1]}, "the features of sample [1] are not all finite"),
        ({"X": np.ones((3, 2)), "y": [0, 1]}, "has 3 samples but 2 labels"),
        (
            {"X_train": np.eye(3), "y_train": [0, 1, 1], "X_test": np.ones((2, 2)), "y_test": [0, 1]},
            "X has 2 features, but StandardScaler is expecting 3 features",
        ),
        ({"X": np.ones((2, 2)), "y": np.eye(2)}, "the labels have shape (2, 2); one label a sample is needed"),
        ({"X": np.ones((2, 2)), "y": [np.nan, 1]}, "nan is neither a class nor a value"),
        ({"X": np.ones((2, 2)), "y": np.array([b"\xff", b"a"])}, "labels 'y': b'\\xff' is not text in UTF-8"),
        ({"X": np.ones((2, 2)), "y": np.array([1, 2], dtype="datetime64[s]")}, "the labels are of type datetime64[s]"),
        ({"X": np.ones((2, 2)), "y": 3}, "the labels have shape ()"),
        ({"X": np.ones((2, 2)), "y": np.array([0, "a"], dtype=object)}, "is not an NPZ file of numbers and strings"),
    ],
)
def test_unusable_npz_is_explained(tmp_path, capsys, arrays, message):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    assert run("train", path) == 2
    assert message in capsys.readouterr().err

"""The command line, as its users meet it."""
import importlib
import os
import re
import signal
import subprocess
import sys
import time
from urllib.error import URLError

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sk_dsn import SpikingMLPClassifier, __version__

command_line = importlib.import_module("sk_dsn.__main__")
files = importlib.import_module("sk_dsn._files")

QUICK = ["--no-compare", "--epochs", "3", "--hidden", "10"]
IRIS_FEATURES = ["sepal length", "sepal width", "petal length", "petal width"]


def run(*arguments):
    return command_line.main([str(argument) for argument in arguments])


def start(*arguments, **options):
    command = [sys.executable, "-m", "sk_dsn", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def cells(report, label):
    """The cells of the table row that starts with `label`."""
    (line,) = [line for line in report.splitlines() if re.match(rf"{label}\s\s", line)]
    return re.split(r"\s{2,}", line)[1:]


def write_csv(path, names, rows):
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in [names, *rows]))
    return path


def iris_rows():
    iris = load_iris()
    return [[*row, iris.target_names[k]] for row, k in zip(iris.data.tolist(), iris.target, strict=True)]


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


# Training


def test_without_arguments_it_compares_both_networks_on_digits(capsys, monkeypatch):
    monkeypatch.setattr(command_line, "COMPARISON_ROUNDS", 1)
    assert run() == 0
    report = capsys.readouterr().out
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    network = SpikingMLPClassifier(random_state=0).fit(X_train, y_train)
    with threadpool_limits(1), pytest.warns(Warning, match="Maximum iterations"):
        rival = MLPClassifier(random_state=0).fit(X_train, y_train)
    accuracies = [f"{estimator.score(X_test, y_test):.4f}" for estimator in (network, rival)]
    assert cells(report, "Test accuracy") == accuracies
    assert cells(report, "Epochs") == [str(network.n_iter_), str(rival.n_iter_)]
    stages = [cells(report, t)[0] for t in range(1, 17)]
    assert stages == [f"{np.mean(labels == y_test):.4f}" for labels in network.staged_predict(X_test)]
    additions = cells(report, 16)[2]
    assert cells(report, "Operations per prediction") == [f"{additions} additions", "7,400 multiply-adds"]


def test_times_are_medians_of_alternating_runs(capsys, iris_csv, monkeypatch):
    trained = []
    seconds = iter([9.0, 5.0, 1.0, 6.0, 2.0, 70.0])

    def fit_timed(network, X, y):
        trained.append(type(network))
        network.fit(X, y)
        return next(seconds), False

    monkeypatch.setattr(command_line, "fit_timed", fit_timed)
    monkeypatch.setattr(command_line, "COMPARISON_ROUNDS", 3)
    assert run("train", iris_csv, "--epochs", 2) == 0
    report = capsys.readouterr().out
    assert trained == [SpikingMLPClassifier, MLPClassifier] * 3
    assert cells(report, "CPU seconds of training") == ["2.000", "6.000"]
    assert "median of 3 runs" in report


def test_slow_comparison_is_not_repeated(capsys, iris_csv, monkeypatch):
    monkeypatch.setattr(command_line, "COMPARISON_SECONDS", 0)
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
    report = capsys.readouterr().out
    shown = [int(line.split()[0]) for line in report.splitlines() if re.match(r"\d+\s\s", line)]
    assert (shown[0], shown[-1], len(shown)) == (1, 100, command_line.STAGES_SHOWN)


def test_last_column_is_the_target_unless_another_is_named(tmp_path, capsys):
    rows = [[name, *numbers] for *numbers, name in iris_rows()]
    path = write_csv(tmp_path / "first.csv", ["species", *IRIS_FEATURES], rows)
    model = tmp_path / "model"
    assert run("train", path, "--target", "species", "--save", model, *QUICK) == 0
    assert "Label: column 'species'\n" in capsys.readouterr().out
    assert joblib.load(model).classes_.tolist() == ["setosa", "versicolor", "virginica"]
    path = write_csv(tmp_path / "last.csv", [*IRIS_FEATURES, "species"], iris_rows())
    assert run("train", path, *QUICK) == 0
    assert "Label: column 'species' (the last; --target names another)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["0", "1"], [0, 1]),
        (["-1", "10"], [-1, 10]),
        (["01", "02"], ["01", "02"]),
        (["1.0", "2.0"], ["1.0", "2.0"]),
        (["a", "1"], ["1", "a"]),
        ([str(10**20), "1"], ["1", str(10**20)]),
    ],
)
def test_labels_are_integers_only_where_they_read_the_same(tmp_path, texts, labels):
    path = write_csv(tmp_path / "data.csv", ["x", "label"], [[k, texts[k % 2]] for k in range(20)])
    model = tmp_path / "model"
    assert run("train", path, "--save", model, *QUICK) == 0
    assert joblib.load(model).classes_.tolist() == labels


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize(
    ("scale", "mean", "largest"), [("standard", 0.0, None), ("minmax", None, 1.0), ("none", None, 7.9)]
)
def test_scale_is_part_of_the_model(tmp_path, iris_csv, scale, mean, largest):
    model = tmp_path / "model"
    assert run("train", iris_csv, "--scale", scale, "--save", model, *QUICK) == 0
    X = load_iris().data
    X_train = train_test_split(X, random_state=0)[0]
    scaled = joblib.load(model)[:-1].transform(np.ascontiguousarray(X_train))
    if mean is not None:
        np.testing.assert_allclose(scaled.mean(axis=0), mean, atol=1e-6)
    if largest is not None:
        assert scaled.max() == pytest.approx(largest)


def test_images_are_flattened_and_pixels_divided_by_255(tmp_path, image_npz, capsys):
    model = tmp_path / "model"
    assert run("train", image_npz, "--save", model, *QUICK) == 0
    assert "300 samples to train on, 100 others to test on" in capsys.readouterr().out
    pixels = np.arange(128, dtype=np.float32).reshape(2, 64)
    np.testing.assert_allclose(joblib.load(model)[:-1].transform(pixels), pixels / 255, rtol=1e-6)


def test_npz_with_x_and_y_is_split(tmp_path, capsys):
    X, y = load_iris(return_X_y=True)
    path = tmp_path / "iris.npz"
    np.savez(path, X=X, kind=y)
    assert run("train", path, "--target", "kind", "--test-fraction", "0.2", *QUICK) == 0
    assert "120 samples to train on, 30 others to test on" in capsys.readouterr().out


# Training that ends otherwise


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


@pytest.fixture
def interrupted_training(monkeypatch):
    """Makes Ctrl-C fall into the first epoch of the network of the given name."""

    def interrupt(name):
        def write(progress, text):
            if progress.name == name:
                raise KeyboardInterrupt

        monkeypatch.setattr(command_line.LateProgress, "write", write)

    return interrupt


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

    monkeypatch.setattr(files, "load_digits", interrupt)
    assert run() == 130
    assert capsys.readouterr().err == "python -m sk_dsn: interrupted\n"


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
    monkeypatch.setattr(files.joblib, "dump", dump)
    assert run("train", iris_csv, "--save", iris_model, *QUICK) == 1
    assert f"error: cannot write {iris_model}: No space left on device" in capsys.readouterr().err
    assert iris_model.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [iris_csv, iris_model]


def test_model_is_replaced(iris_csv, iris_model):
    before = joblib.load(iris_model)
    assert run("train", iris_csv, "--save", iris_model, *QUICK) == 0
    assert joblib.load(iris_model)["network"].n_iter_ != before["network"].n_iter_


def test_too_little_memory_is_no_traceback(iris_csv, capsys):
    assert run("train", iris_csv, "--hidden", 10**13, "--no-compare") == 1
    assert "error: not enough memory" in capsys.readouterr().err


# MNIST by name


def fake_mnist(n_train, n_test):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n_train + n_test, 784)).astype(np.uint8)
    return X, np.arange(n_train + n_test) % 10


def test_mnist_comes_from_the_folder_in_the_environment(tmp_path, monkeypatch, capsys):
    X, y = fake_mnist(60, 20)
    np.savez(tmp_path / "mnist.npz", X_train=X[:60], y_train=y[:60], X_test=X[60:], y_test=y[60:])
    monkeypatch.setenv("SK_DSN_DATA", str(tmp_path))
    monkeypatch.setattr(command_line, "COMPARISON_ROUNDS", 1)
    assert run("train", "mnist") == 0
    report = capsys.readouterr().out
    assert "MNIST: 60 samples to train on, 20 others to test on" in report
    assert "784-200-200-10 neurons, 10 time steps" in report
    assert cells(report, "Epochs") == ["5", "5"]


def test_mnist_is_fetched_otherwise(tmp_path, monkeypatch, capsys):
    X, y = fake_mnist(60, 20)
    monkeypatch.delenv("SK_DSN_DATA", raising=False)
    monkeypatch.setattr(files, "MNIST_TRAINING_ROWS", 60)
    monkeypatch.setattr(files, "fetch_openml", lambda *_, **__: (X.astype(np.int64), y.astype(str)))
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

    monkeypatch.setattr(files, "fetch_openml", fetch)
    monkeypatch.delenv("SK_DSN_DATA", raising=False)
    if folder_is_set:
        monkeypatch.setenv("SK_DSN_DATA", str(tmp_path))
    assert run("train", "mnist") == 1
    error = capsys.readouterr().err
    assert (f"{tmp_path / 'mnist.npz'} is not there" if folder_is_set else "SK_DSN_DATA is not set") in error
    assert "no route to host" in error
    assert "set SK_DSN_DATA to a folder with a file mnist.npz that holds X_train, y_train, X_test and y_test" in error


# Prediction


def test_another_process_predicts_the_same(iris_csv, iris_model):
    X = load_iris().data
    model = joblib.load(iris_model)
    with pytest.warns(UserWarning, match="feature names"):
        expected = model.predict(X)
    process = start("predict", iris_model, iris_csv)
    out, err = process.communicate()
    assert process.returncode == 0
    assert out.splitlines() == expected.tolist()
    accuracy = np.mean(expected == load_iris().target_names[load_iris().target])
    assert err == f"python -m sk_dsn: accuracy {accuracy:.4f} on 150 labelled samples\n"


def test_columns_are_found_by_name(tmp_path, iris_csv, iris_model, capsys):
    assert run("predict", iris_model, iris_csv) == 0
    expected = capsys.readouterr().out
    names = ["remark", *reversed(IRIS_FEATURES)]
    path = write_csv(tmp_path / "new.csv", names, [["none", *reversed(row[:4])] for row in iris_rows()])
    assert run("predict", iris_model, path) == 0
    captured = capsys.readouterr()
    assert captured.out == expected
    assert captured.err == ""


def test_pandas_users_can_load_the_model(iris_csv, iris_model, capsys):
    pandas = pytest.importorskip("pandas")
    assert run("predict", iris_model, iris_csv) == 0
    frame = pandas.read_csv(iris_csv)[IRIS_FEATURES]
    assert joblib.load(iris_model).predict(frame).tolist() == capsys.readouterr().out.splitlines()


def test_samples_without_label_do_not_count(tmp_path, iris_model, capsys):
    rows = [[*row[:4], row[4] if k < 2 else ""] for k, row in enumerate(iris_rows()[:6])]
    path = write_csv(tmp_path / "some.csv", [*IRIS_FEATURES, "species"], rows)
    assert run("predict", iris_model, path) == 0
    assert "accuracy 1.0000 on 2 labelled samples" in capsys.readouterr().err


def test_probabilities_are_printed_as_csv(iris_csv, iris_model, capsys):
    assert run("predict", iris_model, iris_csv, "--proba") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "prediction,probability of setosa,probability of versicolor,probability of virginica"
    probabilities = np.array([[float(cell) for cell in line.split(",")[1:]] for line in lines])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    names = load_iris().target_names[probabilities.argmax(axis=1)]
    assert names.tolist() == [line.split(",")[0] for line in lines]


def test_output_goes_to_a_file(tmp_path, iris_csv, iris_model, capsys):
    path = tmp_path / "answers.csv"
    assert run("predict", iris_model, iris_csv) == 0
    printed = capsys.readouterr().out
    assert run("predict", iris_model, iris_csv, "--output", path) == 0
    assert capsys.readouterr().out == ""
    assert path.read_text() == f"prediction\n{printed}"


def test_npz_is_predicted_from_its_test_part(tmp_path, image_npz, capsys):
    model = tmp_path / "model"
    assert run("train", image_npz, "--save", model, "--no-compare", "--epochs", 20) == 0
    accuracy = cells(capsys.readouterr().out, "Test accuracy")[0]
    assert run("predict", model, image_npz) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 100
    assert captured.err == f"python -m sk_dsn: accuracy {accuracy} on 100 labelled samples\n"
    alone = tmp_path / "alone.npz"
    np.savez(alone, X=np.load(image_npz)["X_test"])
    assert run("predict", model, alone) == 0
    assert capsys.readouterr() == (captured.out, "")


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


def test_estimators_saved_from_python_predict_too(tmp_path, capsys):
    X, y = load_iris(return_X_y=True)
    model, data = tmp_path / "model", tmp_path / "data.npz"
    joblib.dump(SpikingMLPClassifier(max_iter=3, random_state=0).fit(X, y), model)
    np.savez(data, X=X)
    assert run("predict", model, data) == 0
    assert [int(line) for line in capsys.readouterr().out.splitlines()] == joblib.load(model).predict(X).tolist()


def test_reader_that_goes_away_causes_no_traceback(iris_csv, iris_model):
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = start("predict", iris_model, iris_csv, env=buffered)
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait() == 1
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


# Errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; its first line must name the columns"),
        ("x,y\n", "has no rows below the names of the columns"),
        ("y\n1\n2\n", "has only the column 'y'; columns must be separated by commas"),
        ("x,,y\n1,2,3\n", "line 1 leaves column 2 without a name"),
        ("x,x,y\n1,2,3\n", "line 1 names 'x' more than once"),
        ("x,y\n1,a\n1,2,3\n", "line 3 has 3 fields, but line 1 names 2 columns"),
        ("x,z,y\n1,2,a\n1,high,b\n", "line 3: column 'z' holds 'high', but a feature must be a finite number"),
        ("x,y\n,a\n", "line 2: column 'x' holds '', but a feature must be a finite number"),
        ("x,y\n1,a\nnan,b\n", "line 3: column 'x' holds 'nan', but a feature must be a finite number"),
        ("x,y\n1,a\n2,\n", "column 'y': 1 of 2 labels are empty"),
        ("x,y\n1,2.5\n2,3\n", "column 'y': 2.5 is not the label of a class"),
        ("x,y\n1,a\n2,a\n3,a\n4,a\n", "only one class: ['a']"),
        ("x,y\n1,a\n", "n_samples=1"),
    ],
)
def test_unusable_csv_is_explained(tmp_path, capsys, text, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert run("train", path) == 2
    error = capsys.readouterr().err
    assert error.startswith("python -m sk_dsn: error: ")
    assert message in error


def test_header_of_numbers_is_pointed_out(tmp_path, capsys):
    path = write_csv(tmp_path / "data.csv", [5.1, 0], [[k, k % 2] for k in range(20)])
    assert run("train", path, *QUICK) == 0
    assert "line 1 holds only numbers; it is read as the names of the columns" in capsys.readouterr().err


def test_csv_with_byte_order_mark_and_blank_lines(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("x, y\n\n" + "".join(f"{k}, {'ab'[k % 2]}\n\n" for k in range(20)), encoding="utf-8-sig")
    assert run("train", path, "--target", "x", *QUICK) == 2
    assert "line 3: column 'y' holds 'a'" in capsys.readouterr().err


def test_file_that_is_not_text_is_explained(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_bytes(b"x,y\n\xff\xfe,1\n")
    assert run("train", path) == 2
    assert f"{path} is not a CSV file in UTF-8" in capsys.readouterr().err


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
        ({"X": np.ones((2, 2)), "y": [0.5, 1]}, "0.5 is not the label of a class"),
        ({"X": np.ones((2, 2)), "y": np.array([0, "a"], dtype=object)}, "is not an NPZ file of numbers and strings"),
    ],
)
def test_unusable_npz_is_explained(tmp_path, capsys, arrays, message):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    assert run("train", path) == 2
    assert message in capsys.readouterr().err


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
    assert captured.err.startswith("python -m sk_dsn: error: ")
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
    monkeypatch.setattr(command_line.time, "monotonic", lambda: next(clock))
    progress = command_line.LateProgress("net")
    for line in ["early", "first", "soon", "second"]:
        progress.write(f"{line}\n")
    assert capsys.readouterr().err == "net: first\nnet: second\n"

"""The command `predict`."""

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris

from command_line import IRIS_FEATURES, iris_rows, run, start, without_trust, write_csv
from sk_dsn import SpikingMLPClassifier


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
    assert err.startswith(f"python -m sk_dsn: {iris_model} is a pickle, and loading one can run any code")
    assert without_trust(err) == f"python -m sk_dsn: accuracy {accuracy:.4f} on 150 labelled samples\n"


def test_columns_are_found_by_name(tmp_path, iris_csv, iris_model, capsys):
    assert run("predict", iris_model, iris_csv) == 0
    expected = capsys.readouterr().out
    names = ["remark", *reversed(IRIS_FEATURES)]
    path = write_csv(tmp_path / "new.csv", names, [["none", *reversed(row[:4])] for row in iris_rows()])
    assert run("predict", iris_model, path) == 0
    captured = capsys.readouterr()
    assert captured.out == expected
    assert without_trust(captured.err) == ""


def test_pandas_users_can_load_the_model(iris_csv, iris_model, capsys):
    pandas = pytest.importorskip("pandas")
    assert run("predict", iris_model, iris_csv) == 0
    frame = pandas.read_csv(iris_csv)[IRIS_FEATURES]
    assert joblib.load(iris_model).predict(frame).tolist() == capsys.readouterr().out.splitlines()


def test_probabilities_are_printed_as_csv(iris_csv, iris_model, capsys):
    assert run("predict", iris_model, iris_csv, "--proba") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "prediction,probability of setosa,probability of versicolor,probability of virginica"
    probabilities = np.array([[float(cell) for cell in line.split(",")[1:]] for line in lines])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=2e-6)
    assert all(len(cell) == len("0.123456") for line in lines for cell in line.split(",")[1:])
    names = load_iris().target_names[probabilities.argmax(axis=1)]
    assert names.tolist() == [line.split(",")[0] for line in lines]


def test_output_goes_to_a_file(tmp_path, iris_csv, iris_model, capsys):
    path = tmp_path / "answers.csv"
    assert run("predict", iris_model, iris_csv) == 0
    printed = capsys.readouterr().out
    assert run("predict", iris_model, iris_csv, "--output", path) == 0
    assert capsys.readouterr().out == ""
    assert path.read_text() == f"prediction\n{printed}"


def test_estimators_saved_from_python_predict_too(tmp_path, capsys):
    X, y = load_iris(return_X_y=True)
    model, data = tmp_path / "model", tmp_path / "data.npz"
    joblib.dump(SpikingMLPClassifier(max_iter=3, random_state=0).fit(X, y), model)
    np.savez(data, X=X)
    assert run("predict", model, data) == 0
    assert [int(line) for line in capsys.readouterr().out.splitlines()] == joblib.load(model).predict(X).tolist()

"""Saved models: what is trusted, and files that are no models."""
import os
import pickle
import zipfile

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from command_line import IRIS_FEATURES, QUICK, run, without_trust
from sk_dsn import SpikingMLPClassifier
from sk_dsn._cli import models

skops_io = pytest.importorskip("skops.io", reason="skops is not installed")


@pytest.fixture
def skops_model(tmp_path, iris_csv, capsys):
    path = tmp_path / "iris.skops"
    assert run("train", iris_csv, "--save", path, "--skops", "--no-compare", "--epochs", 20) == 0
    assert f"predict {path} FILE --skops" in capsys.readouterr().out
    return path


def test_pickle_is_said_to_need_trust(iris_csv, iris_model, capsys):
    assert run("predict", iris_model, iris_csv) == 0
    first_line = capsys.readouterr().err.splitlines()[0]
    assert f"{iris_model} is a pickle, and loading one can run any code: use only files that you trust" in first_line


def test_skops_file_needs_no_trust(iris_csv, iris_model, skops_model, capsys):
    assert run("predict", iris_model, iris_csv) == 0
    expected = capsys.readouterr()
    for options in ([], ["--skops"]):
        assert run("predict", skops_model, iris_csv, *options) == 0
        captured = capsys.readouterr()
        assert captured.out == expected.out
        assert captured.err == without_trust(expected.err)


@pytest.mark.parametrize("scale", ["standard", "minmax", "none"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_model_fits_into_a_skops_file(tmp_path, capsys, scale, task):
    rows = [f"{k},{k if k % 5 else ''},{['red', 'blue', ''][k % 3]},{k % 3}\n" for k in range(60)]
    path, model = tmp_path / "data.csv", tmp_path / "model"
    path.write_text("name,size,colour,y\n" + "".join(rows))
    options = ["--task", task, "--id", "name", "--scale", scale, "--skops"]
    assert run("train", path, "--save", model, *options, *QUICK) == 0
    capsys.readouterr()
    assert run("predict", model, path, "--skops") == 0
    assert capsys.readouterr().out.startswith("name,prediction\n0,")


def test_pickle_is_not_loaded_where_skops_is_asked_for(tmp_path, iris_csv, capsys):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    path = tmp_path / "model"
    path.write_bytes(pickle.dumps(Trap()))
    assert run("predict", path, iris_csv, "--skops") == 2
    assert f"{path} is not a file of train --skops; leave out --skops if you trust it" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_file_of_labels_alone_has_too_few_features(tmp_path, capsys):
    path, new = tmp_path / "model", tmp_path / "new.csv"
    joblib.dump(LinearRegression().fit(np.eye(4), np.arange(4)), path)
    new.write_text("y\n1\n2\n")
    assert run("predict", path, new, "--id", "y") == 2
    assert f"{new} has 0 features; the model was trained on 4" in capsys.readouterr().err


def test_transformer_is_no_model(tmp_path, iris_csv, capsys):
    path = tmp_path / "model"
    joblib.dump(StandardScaler().fit(np.eye(4)), path)
    assert run("predict", path, iris_csv) == 2
    assert f"{path} holds a StandardScaler, not a fitted model: make one with" in capsys.readouterr().err


def test_skops_file_with_other_types_is_not_loaded(tmp_path, iris_csv, capsys):
    model = LinearRegression().fit(np.eye(4), np.arange(4))
    model.extra = pickle.Unpickler
    path = tmp_path / "model"
    skops_io.dump(model, path)
    assert run("predict", path, iris_csv) == 2
    error = capsys.readouterr().err
    assert "Unpickler', which a model of train --skops does not; it is not loaded" in error


def test_skops_files_made_from_python_predict_too(tmp_path, iris_csv, capsys):
    X, y = load_iris(return_X_y=True)
    path, data = tmp_path / "model", tmp_path / "data.npz"
    model = make_pipeline(StandardScaler(), SpikingMLPClassifier(max_iter=3, random_state=0)).fit(X, y)
    skops_io.dump(model, path)
    np.savez(data, X=X)
    assert run("predict", path, data, "--skops") == 0
    captured = capsys.readouterr()
    assert captured.out.split() == model.predict(X).astype(str).tolist()
    assert captured.err == ""


def test_missing_or_old_skops_is_said_before_training(tmp_path, iris_csv, capsys, monkeypatch):
    monkeypatch.setattr(models, "version", lambda name: "0.11")
    assert run("train", iris_csv, "--save", tmp_path / "model", "--skops") == 2
    assert 'skops 0.11 has known holes: pip install "skops>=0.12"' in capsys.readouterr().err

    def absent(name):
        raise models.PackageNotFoundError(name)

    monkeypatch.setattr(models, "version", absent)
    assert run("train", tmp_path / "absent.csv", "--save", tmp_path / "model", "--skops") == 2
    assert '--skops needs skops: pip install "skops>=0.12"' in capsys.readouterr().err


# Files that are no models


@pytest.mark.parametrize("format", ["joblib", "skops"])
def test_truncated_model_is_explained(iris_csv, iris_model, skops_model, capsys, format):
    path = iris_model if format == "joblib" else skops_model
    data = path.read_bytes()
    lengths = {0, 1, 2, 10, *np.linspace(0, len(data) - 1, 60).astype(int).tolist()}
    for length in lengths:
        path.write_bytes(data[:length])
        assert run("predict", path, iris_csv) == 2, length
        captured = capsys.readouterr()
        assert captured.out == ""
        assert f"error: {path} is not a model (" in captured.err, length
        assert "make one with python -m sk_dsn train --save" in captured.err


def test_damaged_skops_file_is_explained(iris_csv, skops_model, capsys):
    data = skops_model.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(data), 60):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        skops_model.write_bytes(damaged)
        assert run("predict", skops_model, iris_csv) in (0, 2), place
        capsys.readouterr()


@pytest.mark.parametrize("schema", ["", "[]", "{}", "[" * 100_000, '{"__class__": "x"}'])
def test_skops_file_of_nonsense_is_explained(tmp_path, iris_csv, capsys, schema):
    path = tmp_path / "model"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("schema.json", schema)
    assert run("predict", path, iris_csv) == 2
    assert f"{path} is not a model (" in capsys.readouterr().err


class Hostile:
    """An object that could pass for a model, one attribute after the other."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def predict(self, X):
        raise self.error

    def __getattr__(self, name):
        raise RuntimeError(f"no {name}")


FITTED = {"n_features_in_": 4, "feature_names_in_": IRIS_FEATURES, "trained_on_": None}


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "holds a Hostile, not a fitted model"),
        ({"n_features_in_": "4"}, "holds a Hostile, not a fitted model"),
        ({"n_features_in_": 4}, "cannot predict (RuntimeError: no trained_on_)"),
        (FITTED | {"error": KeyError("w")}, "cannot predict (KeyError: 'w')"),
        (FITTED | {"error": ZeroDivisionError("0")}, "cannot predict (ZeroDivisionError: 0)"),
        (FITTED | {"error": RecursionError("deep")}, "cannot predict (RecursionError: deep)"),
        (FITTED | {"error": ValueError("told")}, "error: told"),
        (FITTED | {"feature_names_in_": 3}, "cannot predict (TypeError"),
        (FITTED | {"trained_on_": {"target": "species", "identifiers": 4}}, "cannot predict (TypeError"),
        (FITTED | {"trained_on_": {"has_named_columns": True}}, "cannot predict (TypeError"),
    ],
)
def test_hostile_models_end_in_a_sentence(tmp_path, iris_csv, capsys, monkeypatch, attributes, message):
    model = Hostile(**attributes)
    path = tmp_path / "model"
    path.write_bytes(b"a pickle")
    monkeypatch.setattr(models.joblib, "load", lambda path: model)
    assert run("predict", path, iris_csv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


@pytest.mark.parametrize(
    "spoil",
    [
        lambda network: setattr(network, "coefs_", [w[:1] for w in network.coefs_]),
        lambda network: setattr(network, "coefs_", 3),
        lambda network: network.coefs_.reverse(),
        lambda network: network.coefs_.pop(),
        lambda network: setattr(network, "intercepts_", []),
        lambda network: setattr(network, "n_time_steps", "many"),
        lambda network: delattr(network, "classes_"),
    ],
)
def test_spoiled_networks_end_in_a_sentence(tmp_path, iris_csv, iris_model, capsys, spoil):
    model = joblib.load(iris_model)
    spoil(model[-1])
    joblib.dump(model, iris_model)
    assert run("predict", iris_model, iris_csv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "python -m sk_dsn: error: " in captured.err


def test_estimators_of_others_predict_too(tmp_path, capsys):
    path = tmp_path / "model"
    X = np.random.default_rng(0).normal(size=(20, 4))
    joblib.dump(LinearRegression().fit(X, X @ [1, 2, 3, 4] + 5), path)
    new = tmp_path / "new.csv"
    new.write_text("a,b,c,d\n1,2,3,4\n0,1,0,0\n")
    assert run("predict", path, new) == 0
    np.testing.assert_allclose([float(line) for line in capsys.readouterr().out.split()], [35, 7])

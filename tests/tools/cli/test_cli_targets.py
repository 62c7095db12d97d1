"""Labels and values: how they are read, split and compared."""

import joblib
import pytest

from command_line import IRIS_FEATURES, QUICK, iris_rows, run, write_csv


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


def test_samples_without_label_do_not_count(tmp_path, iris_model, capsys):
    rows = [[*row[:4], row[4] if k < 2 else ""] for k, row in enumerate(iris_rows()[:6])]
    path = write_csv(tmp_path / "some.csv", [*IRIS_FEATURES, "species"], rows)
    assert run("predict", iris_model, path) == 0
    assert "accuracy 1.0000 on 2 labelled samples" in capsys.readouterr().err

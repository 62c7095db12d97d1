"""Columns of text, missing values, and columns that tell rows apart."""
import joblib
import numpy as np
import pytest

from command_line import IRIS_FEATURES, QUICK, iris_rows, run, without_trust, write_csv
from sk_dsn.metrics import spike_counts, synaptic_operations

pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")

COLOURS = ["red", "green", "blue"]


def mixed_rows(n=60):
    """Rows of a name, a size, a colour that tells the kind, and the kind."""
    rng = np.random.default_rng(0)
    return [[f"row {k}", f"{rng.normal():.3f}", COLOURS[k % 3], ["ant", "bee", "cow"][k % 3]] for k in range(n)]


@pytest.fixture
def train_mixed(tmp_path, capsys):
    """Trains on rows of `mixed_rows`; returns the file, the model's and what is said on stderr."""

    def train(rows, *options):
        path, model = write_csv(tmp_path / "mixed.csv", ["name", "size", "colour", "kind"], rows), tmp_path / "mixed.joblib"
        assert run("train", path, "--id", "name", "--save", model, "--no-compare", *options) == 0
        return path, model, capsys.readouterr().err

    return train


def test_text_becomes_features(train_mixed, capsys):
    path, model, said = train_mixed(mixed_rows())
    assert said == "python -m sk_dsn: text becomes features of 0 or 1, one for each text: 'colour' (3 texts).\n"
    assert run("predict", model, path) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[:4] == ["name,prediction", "row 0,ant", "row 1,bee", "row 2,cow"]
    assert without_trust(captured.err) == "python -m sk_dsn: accuracy 1.0000 on 60 labelled samples\n"
    X = np.array([[0.5, "red"], [-0.5, "blue"]], dtype=object)
    encoded = joblib.load(model)[:-1].transform(X)
    np.testing.assert_array_equal(encoded[:, 1:], [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("scale", ["standard", "minmax", "none"])
def test_numbers_beside_text_are_scaled_as_asked(train_mixed, scale):
    _, model, _ = train_mixed(mixed_rows(), "--scale", scale, "--epochs", 2)
    sizes = np.array([float(row[1]) for row in mixed_rows()])
    X = np.array([[size, "red"] for size in sizes], dtype=object)
    scaled = joblib.load(model)[:-1].transform(X)[:, 0].astype(float)
    slope, offset = np.polyfit(sizes, scaled, 1)
    np.testing.assert_allclose(scaled, slope * sizes + offset, atol=1e-12)
    assert (slope == pytest.approx(1)) == (scale == "none")


def test_metrics_look_through_the_encoder(train_mixed):
    _, model, _ = train_mixed(mixed_rows(), "--epochs", 5)
    model = joblib.load(model)
    X = np.array([[0.5, "red"], [-0.5, "blue"]], dtype=object)
    n_time_steps = model[-1].n_time_steps
    assert spike_counts(model, X).shape == (2, n_time_steps, 2)
    assert synaptic_operations(model, X).shape == (2, n_time_steps)


@pytest.mark.filterwarnings("error")
def test_pandas_users_can_load_a_model_of_text(train_mixed, capsys):
    pandas = pytest.importorskip("pandas")
    rows = mixed_rows()
    for k in range(0, 60, 7):
        rows[k][1] = ""
        rows[k + 1][2] = "NA"
    path, model, _ = train_mixed(rows)
    assert run("predict", model, path) == 0
    expected = [line.split(",")[1] for line in capsys.readouterr().out.splitlines()[1:]]
    frame = pandas.read_csv(path)
    assert joblib.load(model).predict(frame[["size", "colour"]]).tolist() == expected
    assert joblib.load(model).predict(frame).tolist() == expected


def test_text_that_training_did_not_have_is_said_aloud(train_mixed, tmp_path, capsys):
    _, model, _ = train_mixed(mixed_rows())
    path = write_csv(tmp_path / "new.csv", ["size", "colour", "name"], [[1, "mauve", "a"], [2, "red", "b"], [3, "", "c"]])
    assert run("predict", model, path) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[2] == "b,ant"
    assert "no sample to train on had this text: column 'colour', 2 cells of 3: '', 'mauve'." in captured.err


def test_many_texts_share_a_feature(tmp_path, capsys):
    texts = [f"text {k // 2}" for k in range(400)]
    path = write_csv(tmp_path / "many.csv", ["x", "y"], [[text, "ab"[k % 2]] for k, text in enumerate(texts)])
    model = tmp_path / "model"
    assert run("train", path, "--save", model, *QUICK) == 0
    assert "rare texts share the last feature of their column" in capsys.readouterr().err
    assert joblib.load(model)[-1].n_features_in_ == 100


def test_column_of_numbers_can_be_read_as_text(tmp_path, capsys):
    codes = ["7", "12", "A1", "7", "12", "A1"] * 5
    path = write_csv(tmp_path / "codes.csv", ["code", "y"], [[code, code] for code in codes])
    model = tmp_path / "model"
    assert run("train", path, "--category", "code", "--save", model, "--no-compare") == 0
    assert joblib.load(model)[-1].n_features_in_ == 3
    capsys.readouterr()
    assert run("predict", model, path) == 0
    assert capsys.readouterr().out.split() == codes


def test_column_that_tells_rows_apart_is_no_feature(tmp_path, capsys):
    path = write_csv(tmp_path / "mixed.csv", ["name", "size", "colour", "kind"], mixed_rows())
    assert run("train", path, *QUICK) == 2
    error = capsys.readouterr().err
    assert "column 'name' holds another text in each row" in error
    assert "pass --id 'name'" in error


# Missing values


@pytest.mark.parametrize("missing", ["", "NA", "NaN", "nan", "None", "null", "N/A"])
def test_missing_numbers_are_replaced_by_the_median(tmp_path, capsys, missing):
    rows = iris_rows()
    for row in rows[::10]:
        row[1] = missing
    path, model = write_csv(tmp_path / "holes.csv", [*IRIS_FEATURES, "species"], rows), tmp_path / "model"
    assert run("train", path, "--save", model, "--no-compare", "--epochs", 20) == 0
    said = "python -m sk_dsn: missing numbers are replaced by the median of their column: 'sepal width' (15 cells).\n"
    assert capsys.readouterr().err == said
    imputer = joblib.load(model)[0].named_transformers_["numbers"][0]
    median = imputer.statistics_[1]
    assert run("predict", model, path) == 0
    holes = capsys.readouterr()
    assert "missing numbers are replaced by the median of the samples trained on: 'sepal width' (15 cells)" in holes.err
    for row in rows[::10]:
        row[1] = median
    filled = write_csv(tmp_path / "filled.csv", [*IRIS_FEATURES, "species"], rows)
    assert run("predict", model, filled) == 0
    assert capsys.readouterr().out == holes.out


@pytest.mark.parametrize("missing", ["", "nan", "NAN", "NA"])
def test_missing_number_where_training_had_none_is_refused(tmp_path, iris_model, capsys, missing):
    rows = iris_rows()[:5]
    rows[3][2] = missing
    path = write_csv(tmp_path / "hole.csv", [*IRIS_FEATURES, "species"], rows)
    assert run("predict", iris_model, path) == 2
    error = capsys.readouterr().err
    assert f"{path}, line 5: column 'petal length' holds {missing!r}, but a feature must be a finite number" in error
    assert "none was missing when the model was trained" in error


@pytest.mark.parametrize("text", ["high", "inf", "1_0"])
def test_text_in_a_column_of_numbers_is_refused(tmp_path, iris_model, capsys, text):
    rows = iris_rows()[:5]
    rows[3][2] = text
    path = write_csv(tmp_path / "text.csv", [*IRIS_FEATURES, "species"], rows)
    assert run("predict", iris_model, path) == 2
    assert f"line 5: column 'petal length' holds {text!r}, but a feature must be a finite number" in capsys.readouterr().err


def test_missing_text_is_a_text_of_its_own(train_mixed, capsys):
    rows = mixed_rows()
    for row in rows[2::3]:
        row[2] = ""
    path, model, said = train_mixed(rows)
    assert "missing text counts as a text of its own: 'colour' (20 cells)" in said
    assert run("predict", model, path) == 0
    captured = capsys.readouterr()
    assert "accuracy 1.0000" in captured.err
    assert "no sample to train on had" not in captured.err


# Columns that tell rows apart


def test_identifiers_are_kept_in_the_predictions(tmp_path, capsys, train_mixed):
    path, model, _ = train_mixed(mixed_rows())
    assert run("predict", model, path, "--proba") == 0
    out = capsys.readouterr().out
    header, first, *_ = out.splitlines()
    assert header == "name,prediction,probability of ant,probability of bee,probability of cow"
    assert first.startswith("row 0,ant,0.")
    answers = tmp_path / "answers.csv"
    assert run("predict", model, path, "--proba", "--output", answers) == 0
    assert answers.read_text() == out
    assert run("predict", model, path, "--id", "colour", "--id", "name") == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["colour,name,prediction", "red,row 0,ant"]


def test_file_without_the_identifiers_is_predicted_all_the_same(tmp_path, capsys, train_mixed):
    _, model, _ = train_mixed(mixed_rows())
    path = write_csv(tmp_path / "new.csv", ["size", "colour"], [[1, "red"], [2, "blue"]])
    assert run("predict", model, path) == 0
    captured = capsys.readouterr()
    assert captured.out == "ant\ncow\n"
    assert "lacks columns that tell rows apart: 'name'" in captured.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--id", "label"], "has no column 'label' for --id; its columns are 'name', 'size'"),
        (["--category", "label"], "has no column 'label' for --category"),
        (["--id", "kind", "--target", "kind"], "the target cannot be the column of an --id"),
    ],
)
def test_wrong_columns_are_explained(tmp_path, capsys, options, message):
    path = write_csv(tmp_path / "mixed.csv", ["name", "size", "colour", "kind"], mixed_rows())
    assert run("train", path, *options, *QUICK) == 2
    assert message in capsys.readouterr().err


def test_last_column_that_is_no_identifier_is_the_target(tmp_path, capsys):
    rows = [[*row[1:], row[0]] for row in mixed_rows()]
    path = write_csv(tmp_path / "mixed.csv", ["size", "colour", "kind", "name"], rows)
    assert run("train", path, "--id", "name", *QUICK) == 0
    assert "Label: column 'kind' (the last; --target names another)" in capsys.readouterr().out

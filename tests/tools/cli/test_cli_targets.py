"""Targets: classes or values, and predictions that agree with them."""
import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from command_line import IRIS_FEATURES, QUICK, cells, iris_rows, run, without_trust, write_csv
from sk_dsn._cli import splitting, targets
from sk_dsn._cli.messages import CommandError
from sk_dsn.metrics import synaptic_operations


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
        ([str(2**53), str(2**53 + 1)], [2**53, 2**53 + 1]),
        ([str(2**63), str(2**63 + 1)], [str(2**63), str(2**63 + 1)]),
    ],
)
def test_labels_are_integers_only_where_they_read_the_same(tmp_path, texts, labels):
    path = write_csv(tmp_path / "data.csv", ["x", "label"], [[k, texts[k % 2]] for k in range(20)])
    model = tmp_path / "model"
    assert run("train", path, "--save", model, *QUICK) == 0
    assert joblib.load(model).classes_.tolist() == labels


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        ([2.0**53, 2.0**53 + 2, 2.0**60], [2**53, 2**53 + 2, 2**60]),
        ([-(2.0**63), 0.0, 2.0**62], [-(2**63), 0, 2**62]),
        ([1e20, 2e20, 3.0], ["1e+20", "2e+20", "3.0"]),
        (np.array([2**64 - 1, 2**64 - 2, 5], dtype=np.uint64), [5, 2**64 - 2, 2**64 - 1]),
        (np.array([b"a", "ö".encode()]), ["a", "ö"]),
    ],
)
def test_large_labels_and_bytes_of_arrays_stay_apart(tmp_path, y, labels):
    path, model = tmp_path / "data.npz", tmp_path / "model"
    np.savez(path, X=np.eye(3)[np.arange(30) % len(y)], y=np.asarray(y)[np.arange(30) % len(y)])
    assert run("train", path, "--save", model, "--no-compare", "--epochs", 30) == 0
    assert joblib.load(model).classes_.tolist() == labels


def test_large_float_labels_are_printed_as_they_are_in_the_file(tmp_path, capsys):
    y = np.array([2.0**60, 2.0**61])[np.arange(30) % 2]
    path, model = tmp_path / "data.npz", tmp_path / "model"
    np.savez(path, X=np.eye(2)[np.arange(30) % 2], y=y)
    assert run("train", path, "--save", model, "--no-compare", "--epochs", 30) == 0
    capsys.readouterr()
    assert run("predict", model, path) == 0
    captured = capsys.readouterr()
    assert [float(line) for line in captured.out.splitlines()] == y.tolist()
    assert "accuracy 1.0000 on 30" in captured.err


@pytest.mark.parametrize("missing", ["NA", "NaN", "None", "null", "nan", "N/A"])
def test_labels_that_stand_for_missing_values_are_refused(tmp_path, capsys, missing):
    rows = [[k, "ab"[k % 2] if k % 5 else missing] for k in range(20)]
    assert run("train", write_csv(tmp_path / "data.csv", ["x", "y"], rows), *QUICK) == 2
    assert f"column 'y': 4 of 20 labels are '{missing}', which stands for a missing value" in capsys.readouterr().err


def test_same_number_written_in_two_ways_is_refused(tmp_path, capsys):
    rows = [[k, ["1", "1.0", "2"][k % 3]] for k in range(20)]
    assert run("train", write_csv(tmp_path / "data.csv", ["x", "y"], rows), *QUICK) == 2
    assert "column 'y': the labels '1' and '1.0' are the same number; write them alike" in capsys.readouterr().err


# Agreement with labels in the file to predict


def test_samples_without_label_do_not_count(tmp_path, iris_model, capsys):
    rows = [[*row[:4], row[4] if k < 2 else ["", "NA", "nan"][k % 3]] for k, row in enumerate(iris_rows()[:6])]
    path = write_csv(tmp_path / "some.csv", [*IRIS_FEATURES, "species"], rows)
    assert run("predict", iris_model, path) == 0
    assert "accuracy 1.0000 on 2 labelled samples" in capsys.readouterr().err


def test_labels_are_compared_as_numbers(tmp_path, capsys):
    rows = [[k % 3, k % 3 + 1] for k in range(30)]
    model = tmp_path / "model"
    assert run("train", write_csv(tmp_path / "data.csv", ["x", "y"], rows), "--save", model, "--no-compare") == 0
    new = write_csv(tmp_path / "new.csv", ["x", "y"], [[0, "1.0"], [1, "2.0"], [2, ""], [2, "3e0"], [2, "03"]])
    capsys.readouterr()
    assert run("predict", model, new) == 0
    captured = capsys.readouterr()
    assert captured.out.split() == ["1", "2", "3", "3", "3"]
    assert without_trust(captured.err) == "python -m sk_dsn: accuracy 1.0000 on 4 labelled samples\n"


@pytest.mark.parametrize(
    ("label", "other", "equal"),
    [
        ("1", "1.0", True),
        ("01", "1", True),
        ("1e3", "1000", True),
        (str(2**53), str(2**53 + 1), False),
        ("1_0", "10", False),
        ("a", " a ", True),
        ("a", "A", False),
        ("inf", "infinity", False),
    ],
)
def test_labels_agree_where_they_are_the_same_number_or_text(label, other, equal):
    assert targets.agreement(np.array([label]), np.array([other])).tolist() == [equal]


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_agree_with_themselves_however_they_are_held(number):
    assert targets.label_key(np.int64(number)) == targets.label_key(str(number)) == number
    assert targets.label_key(float(number)) == targets.label_key(str(float(number)))


def test_labels_that_are_no_classes_are_said_aloud(tmp_path, iris_model, capsys):
    rows = [[*row[:4], "Setosa" if k < 2 else row[4]] for k, row in enumerate(iris_rows()[:6])]
    path = write_csv(tmp_path / "new.csv", [*IRIS_FEATURES, "species"], rows)
    assert run("predict", iris_model, path) == 0
    error = capsys.readouterr().err
    assert "2 labels of 6, such as 'Setosa', are no class of the model; its classes are 'setosa', 'versicolor'" in error
    assert "accuracy 0.6667 on 6 labelled samples" in error


def test_fraction_among_labels_is_no_error_of_predict(tmp_path, capsys, iris_model):
    rows = [[*row[:4], 2.5] for row in iris_rows()[:6]]
    assert run("predict", iris_model, write_csv(tmp_path / "new.csv", [*IRIS_FEATURES, "species"], rows)) == 0
    error = capsys.readouterr().err
    assert "6 labels of 6, such as '2.5', are no class of the model" in error
    assert "--target" not in error


# Values


@pytest.fixture
def diabetes_csv(tmp_path):
    data = load_diabetes()
    rows = np.column_stack([data.data, data.target])
    return write_csv(tmp_path / "diabetes.csv", [*data.feature_names, "progression"], rows)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_values_are_learned_by_a_regressor_in_their_own_units(tmp_path, diabetes_csv, capsys):
    model = tmp_path / "model"
    assert run("train", diabetes_csv, "--save", model, "--epochs", 10, "--time-steps", 16) == 0
    captured = capsys.readouterr()
    assert "Target: column 'progression' (the last; --target names another)" in captured.out
    assert "Task: regression, seen from its 214 different numbers in 442 samples (--task names another)" in captured.out
    X, y = load_diabetes(return_X_y=True)
    _, test = train_test_split(np.arange(442), test_size=0.25, random_state=0)
    pipeline = joblib.load(model)
    score = r2_score(y[test], pipeline.predict(X[test]))
    assert score > 0.2
    own, rival = cells(captured.out, "Test R²")
    assert own == f"{score:.4f}"
    assert float(rival) > -5
    assert cells(captured.out, "16")[0] == own
    assert "standard error" not in captured.out
    assert synaptic_operations(pipeline, X[:2]).shape == (2, 16)
    assert run("predict", model, diabetes_csv) == 0
    captured = capsys.readouterr()
    answers = np.array([float(line) for line in captured.out.splitlines()])
    np.testing.assert_allclose(answers, pipeline.predict(X), rtol=1e-6)
    error = np.sqrt(np.mean((answers - y) ** 2))
    assert without_trust(captured.err) == (
        f"python -m sk_dsn: R² {r2_score(y, answers):.4f}, root mean squared error {error:.6g} on 442 labelled samples\n"
    )
    assert run("predict", model, diabetes_csv, "--proba") == 2
    assert "gives no probabilities; leave out --proba" in capsys.readouterr().err


@pytest.mark.parametrize(("offset", "factor"), [(0, 1), (1e6, 1), (0, 1e6), (-5, 1e-6)])
def test_predictions_follow_the_units_of_the_values(tmp_path, offset, factor):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X @ [1, 2, -1] + 0.25
    predictions = []
    for name, values in [("plain", y), ("moved", offset + factor * y)]:
        path, model = tmp_path / f"{name}.npz", tmp_path / f"{name}.model"
        np.savez(path, X=X, y=values)
        assert run("train", path, "--save", model, "--no-compare", "--epochs", 5) == 0
        predictions.append(joblib.load(model).predict(X))
    error = np.abs(predictions[1] - (offset + factor * predictions[0])).max()
    assert error < 1e-3 * factor + 1e-6 * abs(offset)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["1.5", "2", "3"], targets.REGRESSION),
        (["1", "2", "3"], targets.CLASSIFICATION),
        (["1.0", "2.0", "3.0"], targets.CLASSIFICATION),
        ([str(k) for k in range(30)], targets.REGRESSION),
        ([str(k % 30) for k in range(90)], targets.CLASSIFICATION),
        (["a", "1", "2.5"], targets.CLASSIFICATION),
        (np.linspace(0, 1, 9), targets.REGRESSION),
        (np.arange(9), targets.CLASSIFICATION),
        (np.arange(9) > 4, targets.CLASSIFICATION),
    ],
)
def test_task_is_seen_from_the_targets(values, task):
    assert targets.read_targets(np.array(values), "y").task == task


def test_task_can_be_named(tmp_path, capsys):
    path, model = write_csv(tmp_path / "data.csv", ["x", "y"], [[k, k % 7] for k in range(50)]), tmp_path / "model"
    assert run("train", path, "--task", "regression", "--save", model, *QUICK) == 0
    assert "Task: regression, as --task says" in capsys.readouterr().out
    assert not hasattr(joblib.load(model), "classes_")
    path = write_csv(tmp_path / "data.csv", ["x", "y"], [[k, k] for k in range(50)])
    assert run("train", path, "--task", "classification", *QUICK) == 2
    assert "as many classes as samples (50)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["1.5", "2"], "classification", "which is a whole number or a string. Use --task regression"),
        ([1.5, 2], "classification", "y: 1.5 is not the label of a class"),
        (["1.5", "high"], "regression", "y: 'high' is not a number, and regression needs numbers"),
        ([1.5, np.inf], None, "y: inf is neither a class nor a value"),
        (np.array([1, 2], dtype=np.longdouble) + np.finfo(np.longdouble).eps, None, "more digits than float64"),
    ],
)
def test_targets_that_do_not_suit_the_task_are_refused(values, task, message):
    values = np.array(values)
    if values.dtype == np.longdouble and np.finfo(np.longdouble).eps == np.finfo(np.float64).eps:
        pytest.skip("longdouble is float64 here")
    with pytest.raises(CommandError, match=message):
        targets.read_targets(values, "y", task)


def test_constant_values_are_learned(tmp_path, capsys):
    path, model = write_csv(tmp_path / "data.csv", ["x", "y"], [[k, 2.5] for k in range(20)]), tmp_path / "model"
    assert run("train", path, "--save", model, "--no-compare") == 0
    capsys.readouterr()
    assert run("predict", model, path) == 0
    captured = capsys.readouterr()
    np.testing.assert_allclose([float(line) for line in captured.out.split()], 2.5, atol=0.3)
    assert "R²" not in captured.err


def test_cells_that_are_no_numbers_are_no_targets_of_a_regressor(tmp_path, diabetes_csv, capsys):
    model = tmp_path / "model"
    assert run("train", diabetes_csv, "--save", model, *QUICK) == 0
    names, *lines = diabetes_csv.read_text().splitlines()
    answers = [lines[0].rpartition(",")[2], "NA", "high"]
    rows = [line.rpartition(",")[0] + f",{target}" for line, target in zip(lines[:3], answers, strict=True)]
    new = tmp_path / "new.csv"
    new.write_text("\n".join([names, *rows]))
    assert run("predict", model, new) == 0
    error = capsys.readouterr().err
    assert "not counted as targets, since they are no numbers: 'high'." in error
    assert "on 1 labelled sample\n" in error


# The test part


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 5),
)
def test_test_part_is_stratified_and_leaves_no_class_out_of_training(sizes, share, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    if len(y) == len(sizes):
        with pytest.raises(CommandError, match="leave no sample to test on"):
            splitting.stratified_split(y, share, np.random.RandomState(seed))
        return
    train, test = splitting.stratified_split(y, share, np.random.RandomState(seed))
    assert sorted([*train, *test]) == list(range(len(y)))
    assert len(test) == min(int(np.ceil(share * len(y))), len(y) - len(sizes))
    assert set(y[train].tolist()) == set(range(len(sizes)))
    for k, size in enumerate(sizes):
        n_test = np.sum(y[test] == k)
        assert n_test >= min(int(size * share), size - 1)
        assert n_test <= size * share + 1 or len(test) > np.floor(np.array(sizes) * share).sum()


def test_class_of_one_sample_stays_in_the_model(tmp_path):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        y = rng.permutation(["rare", *["a"] * 12, *["b"] * 12])
        path, model = write_csv(tmp_path / "data.csv", ["x", "y"], list(enumerate(y))), tmp_path / "model"
        assert run("train", path, "--save", model, *QUICK) == 0
        assert joblib.load(model).classes_.tolist() == ["a", "b", "rare"]


def test_three_samples_of_two_classes_are_enough(tmp_path, capsys):
    path = write_csv(tmp_path / "data.csv", ["x", "y"], [[1, "a"], [2, "b"], [3, "b"]])
    assert run("train", path, *QUICK) == 0
    assert "2 samples to train on, 1 others to test on" in capsys.readouterr().out

"""CSV files: read strictly, with or without names of columns, and with the line number in every complaint."""
import csv
import io
import time

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line import IRIS_FEATURES, QUICK, iris_rows, run, without_trust, write_csv
from sk_dsn._cli import csv_files


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; its first line must name the columns"),
        ("x,y\n", "has no rows below the names of the columns"),
        ("y\n1\n2\n", "has only the column 'y'; columns must be separated by commas"),
        ("x,,y\n1,2,3\n", "line 1 leaves column 2 without a name"),
        ("x,x,y\n1,2,3\n", "line 1 names 'x' more than once"),
        ("1.5,a\n1,b\n1,2,3\n", "line 3 has 3 fields, but line 1 has 2 columns"),
        ("x,y\n1,a\n1,2,3\n", "line 3 has 3 fields, but line 1 names 2 columns"),
        ("x,z,y\n1,2,a\n1,high,b\n", "line 3: column 'z' holds 'high', but in line 2 '2'. A column holds numbers or text"),
        ("x,z,y\n1,low,a\n1,2,b\n", "line 3: column 'z' holds '2', but in line 2 'low'. A column holds numbers or text"),
        ("x,z,y\n,2,a\n1,high,b\n", "line 3: column 'z' holds 'high', but in line 2 '2'"),
        ("x,y\n1,a\ninf,b\n", "line 3: column 'x' holds 'inf', but a feature must be a finite number"),
        ("x,y\n1,a\n1e999,b\n", "line 3: column 'x' holds '1e999', but a feature must be a finite number"),
        ("x,y\n1,a\n1_000,b\n", "line 3: column 'x' holds '1_000', but in line 2 '1'"),
        ("x,y\n1,a\n2,\n", "column 'y': 1 of 2 labels are empty"),
        ("x,y\n1,a\n2,a\n3,a\n4,a\n", "only one class: ['a']"),
        ("x,y\n1,a\n", "as many classes as samples (1) leave no sample to test on"),
        ("x,y\n1,a\n2,b\n", "as many classes as samples (2) leave no sample to test on"),
    ],
)
def test_unusable_csv_is_explained(tmp_path, capsys, text, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert run("train", path) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("python -m sk_dsn: error: ")
    assert message in error


def test_csv_with_byte_order_mark_and_blank_lines(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("x, y\n\n" + "".join(f"{k}, {'ab'[k % 2]}\n\n" for k in range(20)) + "1,", encoding="utf-8-sig")
    assert run("train", path, *QUICK) == 2
    assert "column 'y': 1 of 21 labels are empty" in capsys.readouterr().err
    path.write_text(path.read_text(encoding="utf-8-sig") + "a, b", encoding="utf-8-sig")
    assert run("train", path, *QUICK) == 2
    assert "line 43 has 3 fields" in capsys.readouterr().err


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(tmp_path, capsys, newline):
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(20)), newline=newline)
    assert run("train", path, *QUICK) == 0
    assert "15 samples to train on, 5 others" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "line"), [(b"x,y\n\xff\xfe,1\n", 2), ("x,y\n1,a\n".encode("utf-16"), 1), (b"x,y\n1,\0\n", 2)]
)
def test_file_that_is_not_text_is_explained(tmp_path, capsys, data, line):
    path = tmp_path / "data.csv"
    path.write_bytes(data)
    assert run("train", path) == 2
    assert f"{path}, line {line} is not text in UTF-8" in capsys.readouterr().err


# Quotes


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ('"setosa', None),
        ('setosa"', None),
        ('se"to"sa', None),
        ('"setosa" x', None),
        ('"se"tosa"', None),
        ('"setosa"', ["setosa"]),
        ('1,"a,b"', ["1", "a,b"]),
        ('1, "a ""b"" c"', ["1", 'a "b" c']),
        ('"",""', ["", ""]),
        ("1,,", ["1", "", ""]),
    ],
)
def test_quotes_enclose_whole_cells(row, cells):
    if cells is not None:
        assert csv_files.split_line(row, "line 1") == cells
        return
    with pytest.raises(csv_files.CommandError, match="line 7: a quote is not closed on its line, or stands inside a cell"):
        csv_files.split_line(row, "line 7")


@pytest.mark.parametrize("closed_after", [None, 15])
def test_unclosed_quote_swallows_no_rows(tmp_path, capsys, closed_after):
    rows = [[*row[:4], row[4]] for row in iris_rows()]
    rows[56][4] = '"versicolor'
    if closed_after is not None:
        rows[56 + closed_after][4] = 'versicolor"'
    path = write_csv(tmp_path / "iris.csv", [*IRIS_FEATURES, "species"], rows)
    assert run("train", path, *QUICK) == 2
    assert f"{path}, line 58: a quote is not closed on its line" in capsys.readouterr().err


def test_row_of_many_spaces_before_a_broken_quote_takes_no_time():
    began = time.process_time()
    with pytest.raises(csv_files.CommandError):
        csv_files.split_line(", ".join([" " * 50] * 2000) + '"', "line 1")
    assert time.process_time() - began < 2


CHARACTERS = st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])
CELLS = st.text(CHARACTERS).filter(lambda text: text == text.lstrip())


@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=5), min_size=1, max_size=5))
def test_cells_are_those_that_the_csv_module_wrote(rows):
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    written.seek(0)
    assert [cells for _, cells in csv_files.records("data", written)] == rows


# Names of the columns


@pytest.mark.parametrize(
    ("first", "second", "is_data"),
    [
        ("5.1,3.5,1.4,0.2,setosa", "4.9,3.0,1.4,0.2,setosa", True),
        ("0,0,5,0,7", "0,1,5,0,3", True),
        ("5.1,,1.4,a", "4.9,3.0,NA,a", True),
        ("5.1,3.5,red,a", "4.9,3.0,blue,b", True),
        ("sepal,petal,species", "5.1,3.5,setosa", False),
        ("id,2019,2021,kind", "7,1.5,2.5,a", False),
        ("0,1,2,3,species", "5.1,3.5,1.4,0.2,setosa", False),
        ("1990,1991,1992", "5,6,7", False),
        ("colour,kind", "red,a", False),
    ],
)
def test_first_line_that_looks_like_data_is_data(first, second, is_data):
    assert csv_files.looks_like_data(first.split(","), second.split(",")) == is_data


def test_file_without_names_keeps_its_first_row(tmp_path, iris_csv, iris_model, capsys):
    lines = iris_csv.read_text().splitlines(keepends=True)[1:]
    bare = tmp_path / "bare.csv"
    bare.write_text("".join(lines))
    model = tmp_path / "bare.joblib"
    assert run("train", bare, "--save", model, "--no-compare", "--epochs", 20) == 0
    captured = capsys.readouterr()
    assert "line 1 looks like data; the columns are called 'column 1' to 'column 5'" in captured.err
    assert "112 samples to train on, 38 others to test on" in captured.out
    assert joblib.load(model).classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert run("predict", iris_model, iris_csv) == 0
    expected = capsys.readouterr().out
    assert run("predict", model, bare) == 0
    captured = capsys.readouterr()
    assert captured.out == expected
    assert "on 150 labelled samples" in captured.err
    bare.write_text("".join(line.rpartition(",")[0] + "\n" for line in lines))
    assert run("predict", model, bare) == 0
    assert capsys.readouterr().out == expected


def test_single_row_without_names_is_predicted(tmp_path, iris_csv, capsys):
    bare, model = tmp_path / "bare.csv", tmp_path / "bare.joblib"
    bare.write_text("".join(iris_csv.read_text().splitlines(keepends=True)[1:]))
    assert run("train", bare, "--save", model, "--no-compare", "--epochs", 20) == 0
    bare.write_text("5.1,3.5,1.4,0.2\n")
    capsys.readouterr()
    assert run("predict", model, bare) == 0
    assert capsys.readouterr().out == "setosa\n"


def test_header_of_numbers_is_pointed_out(tmp_path, capsys):
    path = write_csv(tmp_path / "data.csv", [0, 1], [[k, k % 2] for k in range(20)])
    assert run("train", path, *QUICK) == 0
    captured = capsys.readouterr()
    assert "line 1 holds only numbers; it is read as the names of the columns" in captured.err
    assert "Label: column '1'" in captured.out


@pytest.mark.parametrize(("names", "option", "n_samples"), [([5.1, 0], "--header", 20), ([0, 1], "--no-header", 21)])
def test_options_say_whether_the_first_line_names_the_columns(tmp_path, capsys, names, option, n_samples):
    path = write_csv(tmp_path / "data.csv", names, [[k, k % 2] for k in range(20)])
    model = tmp_path / "model"
    assert run("train", path, option, "--save", model, *QUICK) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert f": {n_samples - 5 - n_samples % 2} samples to train on" in captured.out
    assert run("predict", model, path, option) == 0
    assert len(capsys.readouterr().out.splitlines()) == n_samples


# Many columns


def test_time_does_not_grow_with_the_square_of_the_columns(tmp_path, capsys):
    names = [f"pixel {k}" for k in range(100_000)]
    rng = np.random.default_rng(0)
    rows = [[*rng.integers(0, 9, len(names)).tolist(), "ab"[k % 2]] for k in range(4)]
    path, model = write_csv(tmp_path / "wide.csv", [*names, "y"], rows), tmp_path / "model"
    began = time.process_time()
    assert run("train", path, "--save", model, "--no-compare", "--epochs", 1, "--hidden", 2, "--time-steps", 8) == 0
    assert run("predict", model, path) == 0
    assert time.process_time() - began < 20  # of which reading the columns took 60 when each was searched for
    captured = capsys.readouterr()
    assert without_trust(captured.err).endswith("on 4 labelled samples\n")

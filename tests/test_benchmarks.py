"""Benchmarks: their arithmetic on made-up seconds, and a smoke run of each, so that none can rot."""
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import numpy as np
import pytest

from sk_dsn import SpikingMLPClassifier

ROOT = Path(__file__).resolve().parents[1]
# Behind everything else, so that the sk_dsn under test stays the one that is installed.
sys.path.append(str(ROOT))

from benchmarks import defaults as defaults_benchmark  # noqa: E402
from benchmarks import harness, scaling  # noqa: E402

MODULES = [importlib.import_module(f"benchmarks.{m.name}") for m in pkgutil.iter_modules([str(ROOT / "benchmarks")])]
BENCHMARKS = {module.__name__.removeprefix("benchmarks."): module for module in MODULES if hasattr(module, "main")}
TIMES = {"median s", "median ms", "median µs", "min", "max", "ratio", "ratio min", "ratio max", "wine s"}


@pytest.fixture
def made_up_clock(monkeypatch):
    """A clock that only moves when told to."""

    class Clock:
        now = 0.0

        def advance(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(harness.time, "process_time", lambda: clock.now)
    return clock


def run(name, tmp_path, *arguments):
    """What a smoke run of a benchmark writes for machines."""
    file = tmp_path / f"{name}.json"
    BENCHMARKS[name].main(["--quick", "--json", str(file), *arguments])
    return json.loads(file.read_text())


def figures(record):
    """All cells of a record's tables but the times."""
    return [
        {column: cell for column, cell in row.items() if column not in TIMES}
        for table in record["tables"]
        for row in table["rows"]
    ]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_smoke_run_reports_tables_and_the_machine(name, tmp_path, capsys):
    record = run(name, tmp_path)
    assert record["tables"]
    assert all(table["rows"] for table in record["tables"])
    assert set(record["environment"]["threads"].values()) <= {1}
    printed = capsys.readouterr().out
    assert f"# {record['question']}\n" in printed
    assert all(f"## {table['title']}\n\n| " in printed for table in record["tables"])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_opens_with_its_question(name):
    assert BENCHMARKS[name].__doc__.splitlines()[0].endswith("?")


@pytest.mark.parametrize(("name", "option"), [("mnist", "--select"), ("accuracy", "--select"), ("defaults", "--study")])
def test_smoke_run_of_the_choice_of_hyperparameters(name, option, tmp_path):
    assert run(name, tmp_path, option)["tables"]


def test_the_anytime_benchmark_draws_a_figure(tmp_path):
    image = pytest.importorskip("matplotlib.image")
    run("anytime", tmp_path, "--figure", str(tmp_path / "figure.png"))
    assert np.ptp(image.imread(tmp_path / "figure.png")) == 1


def test_elapsed_time_is_asked_for(monkeypatch, made_up_clock):
    monkeypatch.setattr(harness.time, "perf_counter", lambda: 7 * made_up_clock.now)

    def side(watch, k):
        with watch:
            made_up_clock.advance(2)

    assert harness.alternate({"a": side}, 2, elapsed=True) == {"a": [14, 14]}


@pytest.mark.parametrize(("name", "arguments"), [("mnist", ["--parts", "c,e"]), ("defaults", ["--study"]), ("anytime", [])])
def test_runs_differ_in_times_only(name, arguments, tmp_path):
    first, second = (run(name, tmp_path, *arguments) for _ in range(2))
    assert figures(first) == figures(second)


def test_the_study_covers_the_defaults():
    defaults = SpikingMLPClassifier().get_params()
    assert {name for name, values in defaults_benchmark.GRID[0].items() if defaults[name] not in values} == set()


def test_sides_run_in_turn():
    calls = []
    sides = {name: lambda watch, k, name=name: calls.append((name, k)) for name in ("a", "b")}
    harness.alternate(sides, 3)
    assert calls == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_only_what_the_watch_encloses_is_timed(made_up_clock):
    def side(watch, k):
        made_up_clock.advance(100)
        for _ in range(2):
            with watch:
                made_up_clock.advance(k + 1)

    assert harness.alternate({"a": side}, 3, per=2) == {"a": [1, 2, 3]}


def test_ratio_is_of_medians_and_its_spread_of_rounds():
    assert harness.ratios([1, 2, 9], [2, 4, 3]) == {"ratio": 2 / 3, "ratio min": 0.5, "ratio max": 3}


def test_comparison_reports_each_side_in_the_unit_asked_for(capsys):
    report = harness.Report("Which?", harness.option_parser("").parse_args([]))
    seconds = {"ours": [0.001, 0.003, 0.002], "peer": [0.004, 0.004, 0.008]}
    report.comparison("Both", seconds, "peer", {"ours": harness.Target("<=", 0.5)}, unit="ms")
    assert "| ours | 2 | 1 | 3 | 3 | 0.5 | 0.25 | 0.75 | <= 0.5 | pass |" in capsys.readouterr().out
    assert report.record["tables"][0]["seconds"] == seconds


@pytest.mark.parametrize(
    ("relation", "value", "verdict"),
    [("<=", 1, "pass"), ("<=", 1.1, "miss"), ("<", 1, "miss"), (">=", 1, "pass"), (">=", 0.9, "miss")],
)
def test_target_judges_by_its_relation(relation, value, verdict):
    assert harness.Target(relation, 1).judge(value) == verdict


def test_a_smoke_run_judges_nothing():
    report = harness.Report("Which?", harness.option_parser("").parse_args(["--quick"]))
    assert set(report.judgement(0.1, harness.Target("<=", 1)).values()) == {None}


def test_markdown_has_the_columns_of_all_rows():
    lines = harness.markdown([{"a": 1.23456, "b": None}, {"a": "x", "c": 2}]).splitlines()
    assert lines == ["| a | b | c |", "| --- | --- | --- |", "| 1.235 |  |  |", "| x |  | 2 |"]


def test_json_is_written_when_a_part_fails(tmp_path):
    options = harness.option_parser("").parse_args(["--json", str(tmp_path / "report.json")])

    def fail_after_a_table():
        with harness.session("Which?", options) as report:
            report.table("Before", [{"a": 1}])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_a_table()
    assert json.loads(options.json.read_text())["tables"] == [{"title": "Before", "rows": [{"a": 1}]}]


@pytest.mark.parametrize("name", ["reproduce_paper", "scaling"])
def test_figure_and_markdown_are_written(name, tmp_path):
    pytest.importorskip("matplotlib")
    figure, tables = tmp_path / "figure.png", tmp_path / "tables.md"
    record = run(name, tmp_path, "--parts", "b", "--figure", str(figure), "--markdown", str(tables))
    assert figure.read_bytes().startswith(b"\x89PNG")
    text = tables.read_text()
    assert "(figure.png)" in text
    assert all(f"## {table['title']}\n\n{harness.markdown(table['rows'])}\n" in text for table in record["tables"])


def test_parts_that_draw_nothing_write_no_figure(tmp_path, capsys):
    figure, tables = tmp_path / "figure.png", tmp_path / "tables.md"
    arguments = ["--figure", str(figure), "--markdown", str(tables)]
    with harness.session("Which?", harness.option_parser("", figure=True).parse_args(arguments)) as report:
        report.table("Before", [{"a": 1}])
    assert not figure.exists()
    assert f"{figure} is not written" in capsys.readouterr().out
    assert "figure.png" not in tables.read_text()


@pytest.mark.parametrize("name", ["mnist", "reproduce_paper", "scaling"])
def test_an_unknown_part_is_refused(name, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(name, tmp_path, "--parts", "a,x")
    assert "there is no part x; choose from a, b, c" in capsys.readouterr().err


def test_fit_finds_the_exponents_and_the_line():
    # Spikes double while operations grow fourfold, and each operation takes 2 ns.
    curve = [
        {"spikes": 2.0**k, "operations": 4.0**k, "median µs": 4.0**k / 500, "ns a spike": 2.0 * 2**k} for k in range(1, 5)
    ]
    found = scaling.fit("width", "counting", curve)
    assert found["ns a spike"] == "4.00–32.00"
    exponents = [found[column] for column in ("slope by spikes", "slope by operations", "ns a further operation")]
    assert exponents == pytest.approx([2, 1, 2])
    assert found["µs without operations"] == pytest.approx(0, abs=1e-9)


def test_digits_stand_in_for_mnist_in_a_smoke_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SK_DSN_DATA", str(tmp_path))
    data = harness.load_mnist(harness.option_parser("", data="mnist.npz").parse_args(["--quick"]))
    assert (data.name, data.X_train.dtype, data.X_train.max()) == ("digits", "float32", 1)
    assert "skipped" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--quick"]])
def test_data_that_was_named_but_is_missing_ends_with_how_to_get_it(arguments, tmp_path):
    options = harness.option_parser("", data="mnist.npz").parse_args(["--data", str(tmp_path), *arguments])
    with pytest.raises(SystemExit, match=r"(?s)mnist\.npz is missing.*SK_DSN_DATA.*fetch_openml"):
        harness.load_mnist(options)

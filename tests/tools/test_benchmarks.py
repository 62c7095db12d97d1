"""Benchmarks: their arithmetic on invented seconds, and a smoke run of each, so that none can rot."""
import importlib
import json
import pkgutil
import sys
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import shift
from sklearn.decomposition import PCA

from sk_dsn import SpikingMLPClassifier

ROOT = Path(__file__).resolve().parents[2]
# Behind everything else, so that the sk_dsn under test stays the one that is installed.
sys.path.append(str(ROOT))

from benchmarks import __main__ as suite  # noqa: E402
from benchmarks import accuracy, compare, data, harness, report, saccades, scaling, simulations, training  # noqa: E402
from benchmarks.studies import defaults as defaults_study  # noqa: E402
from benchmarks.studies import peers  # noqa: E402

FOLDER = ROOT / "benchmarks"
NAMES = [m.name for m in pkgutil.walk_packages([str(FOLDER)], "benchmarks.") if not m.name.endswith("__main__")]
MODULES = {name.removeprefix("benchmarks."): importlib.import_module(name) for name in NAMES}
BENCHMARKS = {name: module for name, module in MODULES.items() if hasattr(module, "main")}
TIMES = {"median s", "median ms", "median µs", "min", "max", "ratio", "ratio min", "ratio max", "times ours", "wine s"}
TIMES |= {"fit s", "peer's fit s", "time ratio"}


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
def test_smoke_run_reports_tables_and_the_machine_and_draws(name, tmp_path, capsys):
    figure = tmp_path / "figure.png"
    record = run(name, tmp_path, *(["--figure", str(figure)] if find_spec("matplotlib") else []))
    assert compare.compare({name: record}, {name: record}) == []
    assert not figure.exists() or figure.read_bytes().startswith(b"\x89PNG")
    assert record["tables"]
    assert all(table["rows"] for table in record["tables"])
    assert set(record["environment"]["threads"].values()) <= {1}
    printed = capsys.readouterr().out
    assert f"# {record['question']}\n" in printed
    assert all(f"## {table['title']}\n\n| " in printed for table in record["tables"])


def test_a_network_takes_pixels_where_components_have_become_part_of_its_weights():
    digits = data.load_digits_split()
    components = PCA(20).fit(digits.X_train)
    network = SpikingMLPClassifier((50,), random_state=0).fit(components.transform(digits.X_train), digits.y_train)
    network.set_params(n_time_steps=1024)
    of_components = network.decision_function(components.transform(digits.X_test))
    of_pixels = accuracy.with_components(network, components).decision_function(digits.X_test)
    np.testing.assert_allclose(of_pixels, of_components, atol=0.05)


def test_a_shifted_image_is_one_of_nine():
    images = np.random.default_rng(0).random((200, 5, 5))
    shifts = list(product((-1, 0, 1), repeat=2))
    expected = np.array([[shift(image, by, order=0) for by in shifts] for image in images]).reshape(200, 9, 25)
    found = accuracy.shifted_at_random(images, np.random.default_rng(1))
    same = (expected == found[:, np.newaxis]).all(axis=2)
    assert same.any(axis=1).all()
    assert same.any(axis=0).all()


def test_a_simulated_camera_sees_each_image_by_itself(tmp_path):
    images = np.random.default_rng(0).random((5, 28, 28), dtype=np.float32)
    events, offsets = saccades.simulate(images, range(5))
    for k in range(5):
        part = events[offsets[k] : offsets[k + 1]]
        alone, _ = saccades.simulate(images[k : k + 1], [k])
        np.testing.assert_array_equal(part, alone)
        assert len(part) and (np.diff(part["t"].astype(int)) >= 0).all()
    files = saccades.write_chunks(tmp_path, images, np.arange(5), size=2, batch=3)
    read = [saccades.read_chunk(file) for file in files]
    assert [len(recordings) for recordings, _ in read] == [2, 2, 1]
    assert np.concatenate([labels for _, labels in read]).tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(read[1][0][1], saccades.simulate(images[3:4], [(0, 3)])[0])


def test_pixels_of_a_simulated_camera_follow_the_brightness(monkeypatch):
    monkeypatch.setattr(saccades, "NOISE", 0.0)
    monkeypatch.setattr(saccades, "MISMATCH", 0.0)
    images = np.random.default_rng(0).random((1, 28, 28), dtype=np.float32)
    events, _ = saccades.simulate(images, [0])
    change = np.zeros((34, 34))
    before = events[events["t"] < saccades.SIDE]
    np.add.at(change, (before["y"], before["x"]), np.where(before["p"], saccades.THRESHOLD, -saccades.THRESHOLD))
    start, end = (saccades.seen(images, np.array(saccades.CORNERS[k]))[0] for k in (0, 1))
    assert np.abs(end - start).max() > saccades.THRESHOLD
    assert np.abs(change - (end - start)).max() < saccades.THRESHOLD + 1e-5


@pytest.fixture
def other_checkout(tmp_path):
    """Another folder with the sk_dsn under test."""
    folder = tmp_path / "other"
    folder.symlink_to(report.package_folder().parent)
    return folder


def test_a_worker_measures_another_checkout(other_checkout):
    with harness.worker(SK_DSN_CHECKOUT=str(other_checkout)) as run_there:
        assert run_there(report.package_folder) == other_checkout / "sk_dsn"


def test_another_checkout_is_measured_in_turn_with_this_one(other_checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(simulations, "NETWORKS", {"signed, counting": simulations.NETWORKS["signed, counting"]})
    checkouts, *times = run("simulations", tmp_path, "--against", str(other_checkout))["tables"]
    assert [row["side"] for row in checkouts["rows"]] == ["ours", "theirs"]
    assert len(times) == 2
    for table in times:
        assert all(row["ours median µs"] > 0 < row["theirs median µs"] for row in table["rows"])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_opens_with_its_question(name):
    assert BENCHMARKS[name].__doc__.splitlines()[0].endswith("?")


def test_smoke_run_of_the_choice_of_the_defaults(tmp_path):
    assert run("studies.defaults", tmp_path, "--study")["tables"]


def test_elapsed_time_is_asked_for(monkeypatch, made_up_clock):
    monkeypatch.setattr(harness.time, "perf_counter", lambda: 7 * made_up_clock.now)

    def side(watch, k):
        with watch:
            made_up_clock.advance(2)

    assert harness.alternate({"a": side}, 2, elapsed=True) == {"a": [14, 14]}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("accuracy", ["--parts", "epochs,dropout"]),
        ("studies.defaults", ["--study"]),
        ("studies.anytime", []),
        ("training", ["--parts", "narrow"]),
    ],
)
def test_runs_differ_in_times_only(name, arguments, tmp_path):
    first, second = (run(name, tmp_path, *arguments) for _ in range(2))
    assert figures(first) == figures(second)


def test_no_candidate_of_the_study_is_the_default():
    defaults = SpikingMLPClassifier().get_params()
    for name, params in defaults_study.CLASSIFIERS.items():
        assert not params.items() <= defaults.items(), name


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
    made = report.Report("Which?", report.option_parser("").parse_args([]))
    seconds = {"ours": [0.001, 0.003, 0.002], "peer": [0.004, 0.004, 0.008]}
    made.comparison("Both", seconds, "peer", {"ours": harness.Target("<=", 0.5)}, unit="ms")
    assert "| ours | 2 | 1 | 3 | 3 | 0.5 | 0.25 | 0.75 | <= 0.5 | pass |" in capsys.readouterr().out
    assert made.record["tables"][0]["seconds"] == seconds


@pytest.mark.parametrize(
    ("relation", "value", "verdict"),
    [("<=", 1, "pass"), ("<=", 1.1, "miss"), ("<", 1, "miss"), (">=", 1, "pass"), (">=", 0.9, "miss")],
)
def test_target_judges_by_its_relation(relation, value, verdict):
    assert harness.Target(relation, 1).judge(value) == verdict


def test_a_smoke_run_judges_nothing():
    made = report.Report("Which?", report.option_parser("").parse_args(["--quick"]))
    assert set(made.judgement(0.1, harness.Target("<=", 1)).values()) == {None}


def test_markdown_has_the_columns_of_all_rows():
    lines = report.markdown([{"a": 1.23456, "b": None}, {"a": "x", "c": 2}]).splitlines()
    assert lines == ["| a | b | c |", "| --- | --- | --- |", "| 1.235 |  |  |", "| x |  | 2 |"]


def test_json_is_written_when_a_part_fails(tmp_path):
    options = report.option_parser("").parse_args(["--json", str(tmp_path / "report.json")])

    def fail_after_a_table():
        with report.session("Which?", options) as made:
            made.table("Before", [{"a": 1}])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_a_table()
    assert json.loads(options.json.read_text())["tables"] == [{"title": "Before", "key": ["a"], "rows": [{"a": 1}]}]


@pytest.mark.parametrize(("name", "part"), [("paper", "variants"), ("scaling", "spikes")])
def test_a_figure_is_written(name, part, tmp_path):
    pytest.importorskip("matplotlib")
    figure = tmp_path / "figure.png"
    run(name, tmp_path, "--parts", part, "--figure", str(figure))
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_parts_that_draw_nothing_write_no_figure(tmp_path, capsys):
    figure = tmp_path / "figure.png"
    with report.session("Which?", report.option_parser("").parse_args(["--figure", str(figure)])) as tables:
        tables.table("Before", [{"a": 1}])
    assert not figure.exists()
    assert f"{figure} is not written" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "parts"), [("training", "mnist, digits"), ("scaling", "spikes, sizes")])
def test_an_unknown_part_is_refused(name, parts, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(name, tmp_path, "--parts", f"{parts.split(', ')[0]},x")
    assert f"there is no part x; choose from {parts}" in capsys.readouterr().err


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
    loaded = data.load_mnist(report.option_parser("", data="mnist.npz").parse_args(["--quick"]))
    assert (loaded.name, loaded.X_train.dtype, loaded.X_train.max()) == ("digits", "float32", 1)
    assert "skipped" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--quick"]])
def test_data_that_was_named_but_is_missing_ends_with_how_to_get_it(arguments, tmp_path):
    options = report.option_parser("", data="mnist.npz").parse_args(["--data", str(tmp_path), *arguments])
    with pytest.raises(SystemExit, match=r"(?s)mnist\.npz is missing.*SK_DSN_DATA.*fetch_openml"):
        data.load_mnist(options)


def test_the_first_columns_tell_rows_apart():
    rows = [{"side": "ours", "T": 1, "median µs": 3.0}, {"side": "ours", "T": 2, "median µs": 4.0}]
    assert report.key_columns("By T", rows) == ["side", "T"]
    assert report.key_columns("By T", rows[:1]) == ["side"]
    rows[1]["T"] = 1
    with pytest.raises(ValueError, match="side, T do not tell apart"):
        report.key_columns("By T", rows)


# Training curves


def curve(*points):
    """A curve of (epochs, seconds, error)."""
    return [training.Point(*point, first=None) for point in points]


def test_the_price_of_an_error_is_the_first_point_that_has_it():
    curves = [curve((1, 2.0, 9.0), (2, 4.0, 5.0), (3, 6.0, 4.0)), curve((1, 3.0, 5.0), (2, 5.0, 8.0))]
    ours = [curve((1, 0.5, 1.0))]
    made = report.Report("Which?", report.option_parser("").parse_args([]))
    row = training.reach_row(made, training.ADAM_NAME, curves, ours, 5.0, harness.Target(">=", 8))
    assert (row["epochs"], row["median s"], row["min"], row["max"]) == (1.5, 3.5, 3.0, 4.0)
    assert (row["times ours"], row["verdict"]) == (7.0, "miss")
    row = training.reach_row(made, training.ADAM_NAME, curves, ours, 4.0, None)
    assert row == {"side": training.ADAM_NAME, "remark": "1 of 2 seeds, in 3 epochs"}


def test_only_training_is_timed(made_up_clock):
    class Learner:
        def __init__(self, **params):
            self.epochs = params.get("max_iter", 1)

        def fit(self, X, y, **params):
            made_up_clock.advance(self.epochs)

        partial_fit = fit

        def predict(self, X):
            made_up_clock.advance(100)
            return np.array([0, 1])

    two = data.Dataset("two", np.zeros((2, 1)), np.array([0, 1]), np.zeros((2, 1)), np.array([0, 0]))
    sides = {"fits": training.Fits(Learner, (1, 3), seeds=1), "epochs": training.Epochs(Learner, 2, seeds=1)}
    curves = training.train_in_turn(sides, two, report.option_parser("").parse_args([]))
    assert curves["fits"] == [[(1, 1, 50.0, None), (3, 3, 50.0, 1.0)]]
    assert curves["epochs"] == [[(1, 1, 50.0, 1), (2, 2, 50.0, 1)]]


# Peers


@pytest.mark.parametrize("name", peers.LIBRARIES)
def test_a_library_learns_or_is_named_as_missing(name, monkeypatch):
    library = peers.LIBRARIES[name]
    if library.missing():
        (row,) = [row for row in peers.library_rows() if row["library"] == name]
        assert "not installed" in row["missing"]
        assert name not in peers.installed()
        pytest.skip(row["missing"])
    monkeypatch.setattr(peers, "BATCH_SIZE", 32)
    digits = data.load_digits_split()
    scores = []
    for _ in range(2):
        network = library((50,), np.random.RandomState(0))
        for _ in range(4):
            network.partial_fit(digits.X_train, digits.y_train)
        scores.append(np.mean(network.predict(digits.X_test) == digits.y_test))
    assert scores[0] == scores[1] > 0.4


# Comparison with a stored run


def suite_of(rows, title="A sample", name="latency", quick=False, **environment):
    table = {"title": title, "key": ["side", "T"], "rows": rows}
    environment = {"processor": "one", "numpy": "2"} | environment
    return {name: {"options": {"quick": quick}, "environment": environment, "tables": [table]}}


def timed(side, *µs, T=10):
    return {"side": side, "T": T, **harness.spread([m / 1e6 for m in µs], "µs")}


def test_a_run_is_no_slower_than_itself(capsys):
    stored = suite_of([timed("ours", 1, 2, 3), timed("MLPClassifier", 4, 5, 6)])
    assert compare.compare(stored, stored) == []
    printed = capsys.readouterr().out
    assert "# 2 times of the stored run beside the new one" in printed
    assert "0 slower beyond noise." in printed
    assert "not of the same machine" not in printed


@pytest.mark.parametrize(
    ("new", "verdict"),
    [
        ((12.0, 12.1, 12.2), "slower"),
        ((10.3, 12.0, 13.0), ""),  # the quickest of it was there before
        ((10.5, 10.6, 10.7), ""),  # by little
        ((8.0, 8.1, 8.2), "faster"),
        ((20.0, 21.0), "too few runs"),
    ],
)
def test_slower_is_what_is_beyond_both_spreads(new, verdict, capsys):
    slower = compare.compare(suite_of([timed("ours", 9.8, 10.0, 10.4)]), suite_of([timed("ours", *new)]))
    assert [row["row"] for row in slower] == (["ours, 10"] if verdict == "slower" else [])
    assert f"| {verdict} |" in capsys.readouterr().out


def test_what_others_take_excuses_a_slow_machine_but_not_us(capsys):
    stored = suite_of([timed("ours", 10, 10, 10), timed("worse", 10, 10, 10), timed("MLPClassifier", 20, 20, 20)])
    new = suite_of([timed("ours", 13, 13, 13), timed("worse", 16, 16, 16), timed("MLPClassifier", 26, 26, 26)])
    assert [row["row"] for row in compare.compare(stored, new)] == ["worse, 10"]
    printed = capsys.readouterr().out
    assert "factors that are allowed for: latency 1.30." in printed
    assert "- latency, A sample, worse, 10: 10 to 16 µs, 1.60 times" in printed
    # A machine that is quicker now makes nobody slower.
    new = suite_of([timed("ours", 10, 10, 10), timed("worse", 10, 10, 10), timed("MLPClassifier", 10, 10, 10)])
    assert compare.compare(stored, new) == []


def test_times_of_several_kinds_in_a_row_are_compared_each(capsys):
    def row(training, prediction):
        kinds = {"training": training, "prediction": prediction}
        return {"side": "ours", "T": 1, "runs": 3} | {
            f"{kind} {column}": value for kind, µs in kinds.items() for column, value in timed("ours", µs, µs, µs).items()
        }

    slower = compare.compare(suite_of([row(1, 1)]), suite_of([row(2, 1)]))
    assert [row["of"] for row in slower] == ["training"]
    assert "- latency, A sample, ours, 1, training: 1 to 2 µs, 2.00 times" in capsys.readouterr().out


def test_another_machine_and_what_only_one_run_has_are_said(capsys):
    stored = suite_of([timed("ours", 1, 1, 1), timed("gone", 1, 1, 1)]) | suite_of([timed("ours", 1, 1, 1)], name="memory")
    new = suite_of([timed("ours", 1, 1, 1)], processor="another") | suite_of([timed("ours", 1, 1, 1)], name="limits")
    assert compare.compare(stored, new) == []
    printed = capsys.readouterr().out
    assert "processor was one, is another" in printed
    assert "Only in the stored run: latency / A sample; memory / A sample." in printed
    assert "Only in the new run: limits / A sample." in printed


def test_a_smoke_run_is_not_compared_with_a_full_one(capsys):
    assert compare.compare(suite_of([timed("ours", 1, 1, 1)]), suite_of([timed("ours", 9, 9, 9)], quick=True)) == []
    assert "not compared: latency." in capsys.readouterr().out


# The suite


@pytest.fixture
def made_up_runs(monkeypatch):
    """Runs of the suite that take no time: the median of each benchmark's only row, by name; None fails."""
    medians = dict.fromkeys(suite.AVAILABLE, 10.0)

    def run(name, folder, options):
        if medians[name] is None:
            return None
        record = suite_of([timed("ours", *[medians[name]] * 3)], name=name, date="today")[name]
        return record | {"question": f"{name}?", "details": "", "command": f"python -m benchmarks.{name}", "minutes": 1.0}

    monkeypatch.setattr(suite, "run", run)
    return medians


def test_a_benchmark_of_the_suite_runs_in_a_process_of_its_own(tmp_path):
    assert suite.main(["--quick", "--only", "studies.costs", "--output", str(tmp_path)]) == 0
    stored = json.loads((tmp_path / "suite.json").read_text())["benchmarks"]
    assert list(stored) == ["studies.costs"]
    text = (tmp_path / "README.md").read_text()
    assert "## What does a prediction cost" in text
    assert "`python -m benchmarks.studies.costs --quick`" in text
    assert all(report.markdown(table["rows"]) in text for table in stored["studies.costs"]["tables"])


def test_the_suite_has_every_benchmark_and_runs_all_but_the_longest(made_up_runs, tmp_path):
    assert set(BENCHMARKS) == set(suite.AVAILABLE)
    suite.main(["--output", str(tmp_path)])
    assert set(suite.AVAILABLE) - set(compare.load_suite(tmp_path / "suite.json")) == suite.LONG


def test_the_stored_page_is_that_of_the_stored_records():
    stored = compare.load_suite(FOLDER / "results" / "suite.json")
    assert set(stored) <= set(suite.AVAILABLE)
    assert (FOLDER / "results" / "README.md").read_text() == suite.page(stored)


def test_a_part_of_the_suite_renews_its_part_of_the_page(made_up_runs, tmp_path):
    suite.main(["--output", str(tmp_path)])
    made_up_runs["memory"] = 77.0
    suite.main(["--only", "memory", "--output", str(tmp_path)])
    stored = compare.load_suite(tmp_path / "suite.json")
    assert list(stored) == suite.USUAL
    medians = {name: record["tables"][0]["rows"][0]["median µs"] for name, record in stored.items()}
    assert medians == pytest.approx({name: made_up_runs[name] for name in suite.USUAL})
    assert "| ours | 10 | 77 |" in (tmp_path / "README.md").read_text()


def test_the_page_can_be_made_anew_without_a_run(made_up_runs, tmp_path):
    suite.main(["--only", "memory", "--output", str(tmp_path)])
    text = (tmp_path / "README.md").read_text()
    (tmp_path / "README.md").unlink()
    made_up_runs["memory"] = 77.0
    assert suite.main(["--page", "--output", str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_text() == text


def test_the_exit_code_says_whether_something_is_slower_or_failed(made_up_runs, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    assert suite.main(["--output", str(first)]) == 0
    assert suite.main(["--compare", str(first / "suite.json")]) == 0
    made_up_runs["scaling"] = 20.0
    assert suite.main(["--compare", str(first / "suite.json"), "--output", str(second)]) == 1
    assert "- scaling, A sample, ours, 10: 10 to 20 µs, 2.00 times" in capsys.readouterr().out
    assert suite.main(["--compare", str(first / "suite.json"), str(second / "suite.json")]) == 1
    assert suite.main(["--compare", str(second / "suite.json"), str(first / "suite.json")]) == 0
    made_up_runs["memory"] = None
    assert suite.main(["--output", str(second)]) == 1
    assert "Failed: memory" in capsys.readouterr().out
    assert "memory" in compare.load_suite(second / "suite.json")


def test_only_a_full_run_writes_where_nothing_is_named(made_up_runs, tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "RESULTS", tmp_path)
    for arguments in (["--quick"], ["--only", "memory"]):
        suite.main(arguments)
        assert not list(tmp_path.iterdir())
    suite.main([])
    assert {file.name for file in tmp_path.iterdir()} == {"README.md", "suite.json"}


def test_an_unknown_benchmark_is_refused(capsys):
    with pytest.raises(SystemExit):
        suite.main(["--only", "memory,speed"])
    assert "there is no speed; choose from training" in capsys.readouterr().err

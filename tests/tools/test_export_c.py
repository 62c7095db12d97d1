"""to_c: C that computes what the estimator computes, bit for bit."""
import itertools
import pickle
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from export_helpers import COMPILERS, KINDS, WARNINGS, export_kind, random_network, run
from sk_dsn import SpikingMLPClassifier
from sk_dsn._network import network_of
from sk_dsn.export import to_c
from sk_dsn.export._proof import LIMIT, largest_sums

pytestmark = pytest.mark.skipif(not COMPILERS, reason="no C compiler")

LEVELS = [
    ["-O0"],
    ["-O1"],
    ["-O2"],
    ["-O3", "-march=native"],
    ["-Os"],
    ["-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all"],
]
HIDDEN = [(), (3,), (5, 4), (7,)]


@st.composite
def exportable(draw):
    """Arguments of random_network, and the weights of C that can compute it."""
    recurrent, weights = draw(st.booleans()), draw(st.sampled_from(["int8", "int16", "float32"]))
    integer = weights != "float32"
    leak = draw(st.sampled_from([0.0, 1.0] if integer else [0.0, 1.0, 0.2, 0.5]))
    parameters = {
        "neuron": draw(st.sampled_from(["signed", "rectifying"])),
        "leak": leak,
        "readout": draw(st.sampled_from(["last"] if integer and leak == 0 else ["last", "mean"])),
        "fit_intercept": draw(st.booleans()),
        "loss": draw(st.sampled_from(["log_loss", "squared_error"])),
    }
    if recurrent:
        parameters["threshold"] = draw(st.sampled_from([0.125, 0.25, 1.0, 2.0]))
    else:
        parameters["n_time_steps"] = draw(st.integers(1, 12))
        counts = parameters["neuron"] == "signed" and leak == 0 and parameters["readout"] == "last"
        simulations = ["clock-driven", *(["auto"] if counts else [])]
        if integer and parameters["neuron"] == "signed":
            simulations += ["event-driven", "event-driven-depth-first"]
        parameters["simulation"] = draw(st.sampled_from(simulations))
    hidden = draw(st.sampled_from(HIDDEN[recurrent:]))
    target = draw(st.sampled_from(["labels", "indicators", "values"]))
    return draw(st.integers(0, 2**32)), recurrent, target, hidden, parameters, weights


def check_equal(seed, recurrent, target, hidden, parameters, weights):
    estimator, n_features = random_network(seed, recurrent, target, hidden, **parameters)
    rng = np.random.default_rng(seed)
    if weights != "float32":
        bits = rng.integers(2, 9) if weights == "int8" else rng.integers(9, 13)
        estimator = estimator.quantize(int(bits), input_range=(-3, 2.5))
    exported = to_c(estimator, weights=weights, n_time_steps=6 if recurrent else None)
    n_steps = rng.integers(1, 7) if recurrent else rng.integers(1, parameters["n_time_steps"] + 1)
    inputs = [rng.normal(size=(5, n_steps, n_features))]
    if not recurrent:
        inputs.append(rng.normal(size=(7, n_features)))
    network = network_of(estimator)
    for X in inputs:
        staged = network.staged_outputs(network.check_input(X))
        np.testing.assert_array_equal(exported.staged_answers(X), staged)
        np.testing.assert_array_equal(exported.predict(X), estimator.predict(X))
        if target != "values":
            np.testing.assert_array_equal(exported.decision_function(X), estimator.decision_function(X))


@settings(max_examples=10, deadline=None)
@given(exportable())
def test_a_random_network_gives_the_same_bits(arguments):
    check_equal(*arguments)


@pytest.mark.exhaustive
@settings(max_examples=120, deadline=None)
@given(exportable())
def test_many_random_networks_give_the_same_bits(arguments):
    check_equal(*arguments)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


@pytest.fixture(scope="module")
def digits_classifier(digits):
    return SpikingMLPClassifier((30, 20), n_time_steps=16, max_iter=5, random_state=0).fit(*digits)


@pytest.mark.parametrize("bits", [4, 8])
def test_all_digits_give_the_same_bits_at_every_step(digits, digits_classifier, bits):
    X, _ = digits
    quantized = digits_classifier.quantize(bits, input_range=(0, 1))
    exported = to_c(quantized)
    sums = exported.output_sums(X, staged=True)
    staged = network_of(quantized).staged_outputs(network_of(quantized).check_input(X))
    step = np.float32(quantized.grid_["steps"][-1])
    divisors = np.arange(1, 17, dtype=np.float32)[:, None, None]
    np.testing.assert_array_equal(sums.astype(np.float32) * step / divisors, staged)
    # Quotients of small integers tell the integers.
    assert np.abs(sums).max() < 2**22
    np.testing.assert_array_equal(exported.predict(X), quantized.predict(X))


def test_a_stream_is_computed_at_its_own_length(digits, digits_classifier):
    X, _ = digits
    quantized = digits_classifier.quantize(8, input_range=(0, 1))
    streams = [np.repeat(x[None], 1 + k % 5, axis=0) for k, x in enumerate(X[:20])]
    np.testing.assert_array_equal(to_c(quantized).decision_function(streams), quantized.decision_function(streams))
    with pytest.raises(ValueError, match="pass n_time_steps=17 to to_c"):
        to_c(quantized).predict(np.zeros((1, 17, 64)))


def compile_and_run(folder, compiler, flags, name="network"):
    """The exit status of the known-answer test."""
    built = run([compiler, *flags, f"{name}.c", f"{name}_test.c", "-o", "test", "-lm"], folder)
    assert built.returncode == 0, built.stderr
    return run(["./test"], folder).returncode


@pytest.mark.parametrize("kind", KINDS)
def test_it_compiles_without_a_warning_and_knows_its_answers(kind, tmp_path):
    export_kind(kind, tmp_path)
    assert compile_and_run(tmp_path, COMPILERS[-1], [*WARNINGS, "-O2"]) == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize(("kind", "compiler"), list(itertools.product(KINDS, COMPILERS)))
def test_every_level_of_optimisation_gives_the_same_answers(kind, compiler, tmp_path):
    export_kind(kind, tmp_path)
    for level in LEVELS:
        assert compile_and_run(tmp_path, compiler, [*WARNINGS, *level]) == 0, level


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("float")])
def test_products_are_not_contracted_with_sums_by_compilers_that_do_so(kind, compiler, tmp_path):
    export_kind(kind, tmp_path)
    # GCC contracts by default then; Clang would disregard the pragma if it was told to contract.
    assert compile_and_run(tmp_path, compiler, ["-std=gnu99", "-O3", "-march=native"]) == 0


def test_float_sums_that_a_compiler_may_change_are_refused(tmp_path):
    export_kind("float, counting", tmp_path)
    built = run([COMPILERS[0], "-std=c99", "-ffast-math", "-c", "network.c"], tmp_path)
    assert built.returncode != 0 and "compile without it" in built.stderr


@pytest.mark.parametrize("kind", ["counting", "float, recurrent"])
def test_the_known_answer_test_finds_a_changed_weight(kind, tmp_path):
    exported = export_kind(kind, tmp_path)
    text = exported.files["network.c"]
    place = text.index("weights_2[")
    start = text.index("    ", place) + 4
    end = text.index(",", start)
    changed = text[:start] + ("9" if KINDS[kind][-1] == "int8" else "9.0f") + text[end:]
    (tmp_path / "network.c").write_text(changed)
    assert compile_and_run(tmp_path, COMPILERS[0], ["-std=c99", "-O1"]) != 0


@pytest.mark.parametrize("kind", KINDS)
def test_cppcheck_finds_nothing(kind, tmp_path):
    if shutil.which("cppcheck") is None:
        pytest.skip("cppcheck is not installed")
    export_kind(kind, tmp_path)
    hidden = ["missingIncludeSystem", "unusedFunction"]  # functions are the interface
    options = ["-q", "--enable=all", "--std=c99", "--error-exitcode=1", *(f"--suppress={name}" for name in hidden)]
    checked = run(["cppcheck", *options, "network.c", "network_test.c"], tmp_path)
    assert checked.returncode == 0, checked.stderr


DRIVER = """
#include "network.h"
#include <stdio.h>
static network_state state;
int main(void)
{
    int t, unit, sign, count;
    network_reset(&state);
    while (scanf("%d", &count) == 1) {
        for (t = 0; t < count; t++) {
            if (scanf("%d %d", &unit, &sign) != 2)
                return 1;
            printf("%d ", network_event(&state, (uint_fast16_t)unit, sign));
        }
        printf("%d ", network_step(&state));
        for (t = 0; t < NETWORK_N_OUTPUTS; t++)
            printf("%.9g ", (double)network_outputs(&state)[t]);
        printf("%d\\n", (int)network_predict(&state));
    }
    return 0;
}
"""


def drive(folder, steps):
    """Feeds events, pairs of unit and sign, of each time step; returns the numbers that each prints."""
    (folder / "driver.c").write_text(DRIVER)
    built = run([COMPILERS[0], "-std=c99", "network.c", "driver.c", "-o", "driver"], folder)
    assert built.returncode == 0, built.stderr
    text = "\n".join(" ".join(map(str, [len(events), *itertools.chain(*events)])) for events in steps)
    done = subprocess.run(["./driver"], cwd=folder, input=text, capture_output=True, text=True, check=True)
    return [list(map(float, line.split())) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", ["counting", "recurrent", "float, stepped"])
def test_events_are_the_stream_of_their_sums(kind, tmp_path):
    exported = export_kind(kind, tmp_path)
    n_features = network_of(exported._source.network.estimator).n_units[0]
    rng = np.random.default_rng(0)
    steps = [[(int(rng.integers(n_features)), int(rng.choice([-1, 1]))) for _ in range(n)] for n in (2, 0, 3, 1)]
    X = np.zeros((1, len(steps), n_features))
    for x, events in zip(X[0], steps, strict=True):
        for unit, sign in events:
            x[unit] += sign
    assert np.abs(X).max() <= 2
    sums, labels = exported.output_sums(X, staged=True)[:, 0], []
    for line, events, wanted in zip(drive(tmp_path, steps), steps, sums, strict=True):
        assert line[: len(events) + 1] == [0] * (len(events) + 1)
        np.testing.assert_array_equal(np.float32(line[len(events) + 1 : -1]), wanted.astype(np.float32))
        labels.append(line[-1])
    assert labels[-1] == exported._source.network.targets.classes.tolist().index(exported.predict(X)[0])


def test_what_the_proof_does_not_cover_is_refused(tmp_path):
    exported = export_kind("counting", tmp_path)
    n_features = network_of(exported._source.network.estimator).n_units[0]
    (line,) = drive(tmp_path, [[(0, 1), (0, 1), (0, 1), (n_features, 1), (0, 2)]])
    # Two spikes of a unit in a time step are in the range of -2 to 2.
    assert line[:5] == [0, 0, -1, -1, -1]
    lines = drive(tmp_path, [[]] * 7)
    assert [line[0] for line in lines] == [0] * 6 + [-1]


def test_a_recurrent_unit_that_fires_too_often_is_refused():
    estimator, n_features = random_network(0, True, "labels", (3,), leak=1.0)
    estimator.coefs_[0][:] = 1
    estimator.recurrent_coefs_[0][:] = 1
    exported = to_c(estimator.quantize(8, input_range=(0, 1)))
    with pytest.raises(ValueError, match="would have fired more spikes than its proof allows"):
        exported.predict(np.ones((1, 30, n_features)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(3, 4, 2), (4, 5, 3, 2), (2, 3, 3, 3, 2)]), st.booleans(), st.booleans())
def test_no_sum_is_larger_than_the_proof_says(seed, sizes, rectifying, corners):
    rng = np.random.default_rng(seed)
    coefs = [rng.integers(-7, 8, size=shape) / 8 for shape in itertools.pairwise(sizes)]
    intercepts = [rng.integers(-7, 8, size=n) / 8 for n in sizes[1:]]
    low, high, n_steps = int(rng.integers(-2, 1)), int(rng.integers(1, 3)), int(rng.integers(1, 8))
    bounds = largest_sums(coefs, intercepts, [1 / 8] * len(coefs), n_steps, low, high, rectifying)
    counts = [np.zeros(n) for n in sizes]
    potential = np.zeros(sizes[0])
    x = rng.choice([low, high], sizes[0]) if corners else None
    for t in range(1, n_steps + 1):
        potential += rng.uniform(low, high, sizes[0]) if x is None else x
        before = [n.copy() for n in counts]
        counts[0] = np.ceil(potential - 0.5)
        for l, (w, b) in enumerate(zip(coefs, intercepts, strict=True), start=1):
            counted = np.cumsum(counts[l - 1][:, None] * w, axis=0)
            sums = counted[-1] + t * b
            assert np.abs([*counted, sums]).max() * 8 <= bounds.counted[l - 1]
            # Rows are added to the sums of the step before.
            changes = np.cumsum((counts[l - 1] - before[l - 1])[:, None] * w, axis=0)
            stepped = before[l - 1] @ w + (t - 1) * b + changes
            assert np.abs(stepped).max() * 8 <= bounds.stepped[l - 1] <= bounds.any_order[l - 1]
            if l < len(sizes) - 1:
                due = np.maximum(0, np.ceil(sums - 0.5))
                counts[l] = np.maximum(counts[l], due) if rectifying else due
                assert counts[l].max() <= bounds.spikes[l]


def test_what_cannot_be_proved_is_refused_with_remedies_that_help():
    rng = np.random.default_rng(0)
    X, y = rng.random((20, 30)), np.arange(20) % 2
    clf = SpikingMLPClassifier((40, 40), n_time_steps=128, max_iter=1, random_state=0).fit(X, y)
    for w in clf.coefs_:
        w[:] = rng.normal(size=w.shape)
    wide = clf.quantize(8, input_range=(-4, 4))
    with pytest.raises(ValueError, match="the most bits that can be proved") as refusal:
        to_c(wide)
    message = str(refusal.value)
    bits = int(message.split("quantize(bits=")[1].split(")")[0])
    fewer = int(message.split("n_time_steps=")[1].split(";")[0])
    assert 2 <= bits < 8 and 1 <= fewer < 128
    assert "2^" in to_c(wide.quantize(bits, input_range=(-4, 4))).proof
    with pytest.raises(ValueError, match="cannot be proved"):
        to_c(wide.quantize(bits + 1, input_range=(-4, 4)))
    to_c(wide, n_time_steps=fewer)
    assert max(int(line.split()[4]) for line in to_c(wide, n_time_steps=fewer).proof.splitlines()[2:-1]) < LIMIT


def quantized(recurrent=False, **parameters):
    return random_network(0, recurrent, "labels", (3,), **parameters)[0].quantize(8, input_range=(-1, 1))


@pytest.mark.parametrize(
    ("estimator", "arguments", "message"),
    [
        (lambda: quantized(leak=0.2), {}, "leak=0.2, only with leak 0 or 1; pass weights='float32'"),
        (lambda: quantized(readout="mean"), {}, "set readout='last'"),
        (lambda: quantized(neuron="rectifying", simulation="event-driven"), {}, "set simulation='clock-driven'"),
        (lambda: quantized().set_params(exit_margin=1.0), {}, "set exit_margin=None"),
        (lambda: quantized(True, leak=0.0), {}, "as n_time_steps"),
        (lambda: quantized(), {"weights": "float32"}, "export the one that quantize was called of"),
        (lambda: random_network(0, False, "labels", (3,))[0].quantize(12, input_range=(0, 1)), {}, "pass weights='int16'"),
        (lambda: random_network(0, False, "labels", (3,))[0].quantize(), {}, "input_range="),
        (
            lambda: random_network(0, False, "labels", (3,), simulation="event-driven")[0],
            {"weights": "float32"},
            "set simulation='clock-driven'",
        ),
        (quantized, {"weights": "int4"}, "weights must be one of"),
        (quantized, {"layout": "zip"}, "layout must be one of"),
        (quantized, {"name": "My-net"}, "name must be a C identifier"),
        (quantized, {"n_time_steps": 0}, "n_time_steps must be"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_its_reason(estimator, arguments, message):
    with pytest.raises(ValueError, match=message):
        to_c(estimator(), **arguments)


def test_files_are_saved_where_they_are_asked_for_and_the_network_is_pickled(tmp_path):
    exported = export_kind("counting", None, "net")
    exported.save(tmp_path / "new" / "folder")
    assert {path.name: path.read_text() for path in (tmp_path / "new" / "folder").iterdir()} == exported.files
    X = np.zeros((1, network_of(exported._source.network.estimator).n_units[0]))
    exported.predict(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(exported)).predict(X), exported.predict(X))


def test_the_report_tells_sizes_and_additions(digits, digits_classifier):
    X, _ = digits
    quantized = digits_classifier.quantize(8, input_range=(0, 1))
    exported = to_c(quantized)
    report = exported.report(X)
    n_weights = sum(w.size for w in quantized.coefs_)
    assert n_weights < report.flash < n_weights + 8192
    assert report.bss == 0
    assert 4 * 60 < report.state < 4 * 60 + 4 * 50 + 4 * 64 + 64
    assert report.stack is None or 0 < report.stack < 1024
    # Counting adds a row for each unit that has fired.
    network = network_of(quantized)
    units = network.unit_spike_counts(network.check_input(X[:50]))
    fired = [(u[..., 0].astype(int) - u[..., 1]).sum(axis=1) != 0 for u in units]
    additions = sum(f.sum(axis=1) * w.shape[1] for f, w in zip(fired, quantized.coefs_, strict=True))
    report = exported.report(X[:50])
    assert report.additions_mean == additions.mean() and report.additions_largest == additions.max()


def test_a_missing_compiler_is_named(monkeypatch):
    exported = export_kind("counting", None)
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(RuntimeError, match="'no-such-compiler' was not found"):
        exported.predict(np.zeros((1, network_of(exported._source.network.estimator).n_units[0])))

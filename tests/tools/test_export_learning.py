"""to_c(learning=True): C that goes on learning, with the weights of `IntegerNetwork`, bit for bit."""
import pickle
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sk_dsn import PAPER_SETTINGS, SpikingMLPClassifier
from sk_dsn.export import CLearner, IntegerNetwork, to_c

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
pytestmark = pytest.mark.skipif(not COMPILERS, reason="no C compiler")

WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wdouble-promotion"]
WARNINGS += ["-Wshadow", "-Werror"]
LEVELS = [["-O0"], ["-O3", "-march=native"], ["-Os"], ["-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all"]]
KINDS = {
    "breadth-first": {},
    "depth-first": {"simulation": "event-driven-depth-first"},
    "sgd": {"weight_update": "sgd", "simulation": "event-driven-depth-first"},
    "error not held": {"hold_error": False},
}

# Learns samples from the standard input, one by one, until it ends; then prints the weights, and the answers to the
# samples of the second argument.
PROGRAM = """
#include <stdio.h>
#include "digits.h"
static digits_learner learner;
int main(int n_arguments, char **arguments)
{
    int32_t x[DIGITS_N_INPUTS], label;
    FILE *asked = fopen(arguments[n_arguments - 1], "rb");
    digits_begin(&learner);
    while (fread(x, sizeof(x), 1, stdin) && fread(&label, sizeof(label), 1, stdin))
        if (digits_learn(&learner, x, label) != DSN_DONE)
            return 1;
    fwrite(learner.memory, sizeof(int32_t), DIGITS_N_KEPT, stdout);
    while (fread(x, sizeof(x), 1, asked)) {
        if (digits_predict(&learner, x) != DSN_DONE)
            return 2;
        label = dsn_largest_output(&learner.net);
        fwrite(&label, sizeof(label), 1, stdout);
    }
    return 0;
}
"""


def random_coefs(sizes, scale, seed=0):
    rng = np.random.default_rng(seed)
    return [scale * rng.standard_normal(shape) for shape in pairwise(sizes)]


def small_network(**parameters):
    return IntegerNetwork(random_coefs((64, 20, 10), 0.1), **{"classes": np.arange(10)} | parameters)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def assert_same_network(one, other):
    for name in ("weights", "error_potentials"):
        for array, wanted in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(array, wanted)


def run(command, folder, **options):
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, check=False, **options)


def build(folder, compiler, flags, *sources):
    built = run([compiler, *flags, *sources, "-o", "program"], folder, text=True)
    assert built.returncode == 0, built.stderr


def test_a_c_program_learns_digits_from_scratch_sample_by_sample(digits, tmp_path):
    X, y = digits
    held_out = np.arange(len(X)) % 3 == 0
    coefs, n_epochs, simulation = random_coefs((64, 50, 10), 0.01), 10, "event-driven-depth-first"
    network = IntegerNetwork(coefs, simulation=simulation, classes=np.arange(10))
    to_c(network, tmp_path, "digits", learning=True)
    (tmp_path / "main.c").write_text(PROGRAM)
    build(tmp_path, COMPILERS[0], [*WARNINGS, "-O2"], "main.c", "digits.c", "engine.c")
    in_units = (X * np.float32(network.scale)).astype(np.int32)
    in_units[held_out].tofile(tmp_path / "asked")
    epoch = np.column_stack([in_units, y])[~held_out].astype(np.int32).tobytes()
    done = run(["./program", "asked"], tmp_path, input=n_epochs * epoch)
    assert done.returncode == 0
    numbers = np.frombuffer(done.stdout, dtype=np.int32)

    floats = SpikingMLPClassifier((50,), **PAPER_SETTINGS | {"simulation": simulation, "shuffle": False})
    for k in range(n_epochs):
        network.learn(X[~held_out], y[~held_out])
        start = {"classes": np.arange(10), "coefs_init": coefs} if k == 0 else {}
        floats.partial_fit(X[~held_out], y[~held_out], **start)
    kept = np.concatenate([a.ravel() for a in [*network.weights, *network.error_potentials]])
    np.testing.assert_array_equal(numbers[: kept.size], kept)
    np.testing.assert_array_equal(numbers[kept.size :], network.predict(X[held_out]))
    accuracy = (numbers[kept.size :] == y[held_out]).mean()
    assert accuracy > 0.93
    assert accuracy > floats.score(X[held_out], y[held_out]) - 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_and_predicts_as_the_integer_network(digits, kind):
    X, y = digits
    network = small_network(**KINDS[kind])
    learner = to_c(network, learning=True)
    before = [w.copy() for w in network.weights]
    for rows in (slice(0, 100), slice(100, 150)):
        record = network.learn(X[rows], y[rows])
        np.testing.assert_array_equal(learner.learn(X[rows], y[rows]).additions, record.additions)
        assert_same_network(learner, network)
    np.testing.assert_array_equal(learner.outputs(X), network.outputs(X))
    np.testing.assert_array_equal(learner.predict(X), network.predict(X))
    again = pickle.loads(pickle.dumps(learner))
    np.testing.assert_array_equal(again.predict(X), network.predict(X))
    assert any((w != b).any() for w, b in zip(network.weights, before, strict=True))


def test_streams_are_learned_at_their_own_length(digits):
    X, y = digits
    network = small_network()
    learner = CLearner(network)
    for streams in (np.repeat(X[:40, None], 3, axis=1), X[40:80, None]):
        network.learn(streams, y[: len(streams)])
        learner.learn(streams, y[: len(streams)])
        assert_same_network(learner, network)
        np.testing.assert_array_equal(learner.predict(streams), network.predict(streams))


def test_values_are_learned_as_by_the_integer_network(digits):
    X, y = digits
    network = IntegerNetwork(random_coefs((64, 20, 2), 0.1))
    learner = to_c(network, learning=True)
    Y = np.column_stack([y / 10, 1 - y / 10])
    for samples in (X[:60], np.repeat(X[:20, None], 4, axis=1)):
        network.learn(samples, Y[: len(samples)])
        learner.learn(samples, Y[: len(samples)])
        assert_same_network(learner, network)
        np.testing.assert_array_equal(learner.predict(samples), network.predict(samples))


def test_an_estimator_goes_on_learning_in_c(digits):
    X, y = digits
    clf = SpikingMLPClassifier((15,), random_state=0, **PAPER_SETTINGS)
    clf.partial_fit(X[:500], y[:500], classes=np.arange(10))
    network, learner = IntegerNetwork.from_estimator(clf), to_c(clf, learning=True)
    network.learn(X[:50], y[:50])
    learner.learn(X[:50], y[:50])
    assert_same_network(learner, network)


def export_kind(kind, folder):
    network = IntegerNetwork(random_coefs((6, 5, 2), 0.3)) if kind == "values" else small_network(**KINDS[kind])
    to_c(network, folder, "learner", learning=True)


@pytest.mark.exhaustive
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kind", [*KINDS, "values"])
def test_every_level_of_optimisation_gives_the_same_weights(kind, compiler, tmp_path):
    export_kind(kind, tmp_path)
    for level in LEVELS:
        build(tmp_path, compiler, [*WARNINGS, *level], "learner.c", "learner_test.c", "engine.c")
        assert run(["./program"], tmp_path).returncode == 0, level


@pytest.mark.parametrize("kind", ["breadth-first", "sgd", "values"])
def test_it_compiles_without_a_warning_and_knows_its_answers(kind, tmp_path):
    export_kind(kind, tmp_path)
    build(tmp_path, COMPILERS[-1], [*WARNINGS, "-O1"], "learner.c", "learner_test.c", "engine.c")
    assert run(["./program"], tmp_path).returncode == 0
    text = (tmp_path / "learner.c").read_text()
    assert text.count("first[") == 2
    (tmp_path / "learner.c").write_text(text.replace("{\n    ", "{\n    1+", 1))  # the first weight
    build(tmp_path, COMPILERS[0], ["-O1"], "learner.c", "learner_test.c", "engine.c")
    assert run(["./program"], tmp_path).returncode == 100


def test_the_constants_have_the_smallest_type_that_holds_them():
    for scale, kind in [(1e-4, "int8_t"), (0.1, "int16_t"), (50, "int32_t")]:
        text = to_c(IntegerNetwork(random_coefs((6, 5, 2), scale)), learning=True).files["network.c"]
        assert f"static const {kind} first[" in text


def test_the_report_has_sizes_and_additions_and_learns_nothing(digits):
    X, y = digits
    network = small_network()
    learner = to_c(network, learning=True)
    report = learner.report(X[:50], y[:50])
    assert report.bss == 0 and report.flash > 2 * learner.weights[0].size
    assert network.footprint <= report.state < network.footprint + 1000
    assert_same_network(learner, network)
    assert report.additions_mean == network.learn(X[:50], y[:50]).additions.mean()
    assert learner.report(X[:50]).additions_largest < report.additions_largest
    assert "additions_mean" not in learner.report()


@pytest.mark.skipif(shutil.which("cppcheck") is None, reason="cppcheck is not installed")
def test_cppcheck_finds_nothing(tmp_path):
    to_c(small_network(), tmp_path, learning=True)
    flags = ["--error-exitcode=1", "--enable=warning,portability,performance", "--inline-suppr", "--std=c99"]
    checked = run(["cppcheck", *flags, "network.c", "network_test.c", "engine.c"], tmp_path, text=True)
    assert checked.returncode == 0, checked.stderr


def test_what_would_overflow_is_refused_and_changes_nothing(digits):
    X, y = digits
    learner = to_c(small_network(), learning=True)
    before = [w.copy() for w in learner.weights]
    with pytest.raises(ValueError, match="Sample 2 of X drives the network out of 32 bits"):
        learner.learn(np.vstack([X[:2], np.full((1, 64), 1e5)]), y[:3])
    for found, wanted in zip(learner.weights, before, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_more_error_spikes_than_there_is_room_for_are_refused(digits):
    X, y = digits
    learner = to_c(small_network(), learning=True)
    learner._host = "#define NETWORK_ROOM 1\n" + learner._host
    with pytest.raises(ValueError, match=r"NETWORK_ROOM allows.*event-driven-depth-first"):
        learner.learn(X[:100], y[:100])
    assert_same_network(learner, small_network())


@pytest.mark.parametrize("parameters", [{"weights": "float32"}, {"n_time_steps": 5}])
def test_arguments_without_a_meaning_are_refused(parameters):
    with pytest.raises(ValueError, match="learning=True has weights of 32 bits"):
        to_c(small_network(), learning=True, **parameters)


def test_other_networks_are_refused_by_the_parameter(digits):
    clf = SpikingMLPClassifier((5,), max_iter=1, random_state=0).fit(digits[0][:100], digits[1][:100])
    with pytest.raises(ValueError, match="needs simulation='event-driven'"):
        to_c(clf, learning=True)

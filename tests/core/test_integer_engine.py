"""The integer engine, in Python and on its own in C, against the program of the paper's authors
(docs/semantics.md, "Integer arithmetic") and the oracle, exactly."""
import json
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference_integer
from sk_dsn._core.integer.integer_network import LIMIT, IntegerEngine, TrainIsFull
from sk_dsn.export import IntegerNetwork

NAMES = ["int_fine_scale_frac", "int_frac_depth", "int_frac_eta01", "int_fwd_T10", "int_nohold_frac", "int_real_xy_frac"]


@pytest.fixture(params=NAMES)
def golden(request, shared):
    """X, Y and the results of the authors' program; `network` has the initial weights."""
    with np.load(shared / "reference" / "goldens" / f"{request.param}.npz") as arrays:
        golden = SimpleNamespace(**arrays)
    config = json.loads(str(golden.config))
    golden.n_steps = config["n_steps"]
    golden.numbered = lambda name: [v for k, v in sorted(vars(golden).items()) if k.startswith(f"{name}_")]
    coefs = [vars(golden)[f"w0_{layer}"] for layer in range(len(config["sizes"]) - 1)]
    golden.network = IntegerNetwork(
        coefs,
        n_time_steps=golden.n_steps,
        learning_rate_init=config["eta"],
        simulation="event-driven-depth-first" if config["depth_first"] else "event-driven",
        weight_update="fractional" if config["fractional"] else "sgd",
        hold_error=config["hold_error"],
    )
    return golden


def assert_all_equal(found, expected):
    for array, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)


def truncated(outputs, n_steps):
    return np.trunc(outputs / n_steps)


def test_no_golden_is_left_out(shared):
    assert {path.stem for path in (shared / "reference" / "goldens").glob("int_*.npz")} == set(NAMES)


def test_the_network_learns_and_predicts_as_the_authors_program(golden):
    network = golden.network
    assert_all_equal(network.weights, golden.numbered("w0_int"))
    np.testing.assert_array_equal(truncated(network.outputs(golden.X), golden.n_steps), golden.P)
    first = network.learn(golden.X[:1], golden.Y[:1])
    assert_all_equal(network.weights, golden.numbered("wfirst"))
    record = network.learn(golden.X[1:], golden.Y[1:])
    assert_all_equal(network.weights, golden.numbered("w1"))
    assert_all_equal(record.potentials, golden.numbered("phi_fwd"))
    assert_all_equal(network.error_potentials, golden.numbered("phi_bwd"))
    np.testing.assert_array_equal(truncated(network.outputs(golden.X), golden.n_steps), golden.P1)
    counts = {name: np.concatenate([first[name], record[name]]) for name in first if name != "potentials"}
    # The authors' program does not count the errors that are not held.
    counted = golden.bwd_spikes != -1
    np.testing.assert_array_equal(counts["spikes"], golden.fwd_spikes)
    np.testing.assert_array_equal(counts["error_spikes"][counted], golden.bwd_spikes[counted])
    np.testing.assert_array_equal(counts["passed_error_spikes"], golden.filt_spikes)
    np.testing.assert_array_equal(counts["target_spikes"], golden.tgt_spikes)


def test_the_oracle_learns_as_the_authors_program(golden):
    network = golden.network
    oracle = oracle_of(network)
    X, Y = (reference_integer.to_units(a, network.scale) for a in (golden.X, golden.Y))
    X, Y = (np.reshape(a, (len(golden.X), -1)) for a in (X, Y))
    for k, (x, y) in enumerate(zip(X, Y, strict=True)):
        record = oracle.learn(x, y)
        counted = golden.bwd_spikes[k] != -1
        np.testing.assert_array_equal(record.spikes, golden.fwd_spikes[k])
        np.testing.assert_array_equal(np.array(record.error_spikes)[counted], golden.bwd_spikes[k][counted])
        np.testing.assert_array_equal(record.passed, golden.filt_spikes[k])
        assert record.target_spikes == golden.tgt_spikes[k]
    assert_all_equal(oracle.weights, golden.numbered("w1"))
    assert_all_equal([v.potential for v in oracle.neurons[1:]], golden.numbered("phi_fwd"))
    assert_all_equal([v.potential for v in oracle.errors], golden.numbered("phi_bwd"))
    np.testing.assert_array_equal(truncated(np.array([oracle.predict(x) for x in X]), golden.n_steps), golden.P1)


def oracle_of(network):
    return reference_integer.IntegerNetwork(
        network.weights,
        network.scale,
        network.n_time_steps,
        depth_first=network.simulation == "event-driven-depth-first",
        fractional=network.weight_update == "fractional",
        hold_error=network.hold_error,
    )


@st.composite
def problems(draw):
    """A network of odd or even scale, where potentials are often equal or at the threshold, and data."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    scale = draw(st.integers(60, 127))
    grid = draw(st.sampled_from([1, scale // 2, scale // 4]))
    n_steps = draw(st.integers(1, 3))

    def draw_numbers(low, high, shape):
        return (rng.integers(low * scale, high * scale, shape) // grid * grid).astype(np.int32)

    return SimpleNamespace(
        sizes=np.array(sizes, dtype=np.int32),
        weights=[draw_numbers(-1, 1, shape) for shape in pairwise(sizes)],
        settings={
            "scale": scale,
            "depth_first": draw(st.booleans()),
            "fractional": draw(st.booleans()),
            "hold_error": draw(st.booleans()),
        },
        n_steps=n_steps,
        X=draw_numbers(-1, 2, (3, n_steps if draw(st.booleans()) else 1, sizes[0])),
        Y=draw_numbers(0, 2, (3, sizes[-1])),
    )


@given(problems())
def test_the_engine_equals_the_oracle(problem):
    engine = IntegerEngine(problem.sizes, **problem.settings, room=2**16)
    n_weights = sum(w.size for w in problem.weights)
    engine.kept[:n_weights] = np.concatenate([w.ravel() for w in problem.weights])
    settings = dict(problem.settings)
    oracle = reference_integer.IntegerNetwork(problem.weights, settings.pop("scale"), problem.n_steps, **settings)
    samples = [x[0] if len(x) == 1 else x for x in problem.X]
    outputs = np.empty(problem.Y.shape, dtype=np.int32)

    def assert_equal_outputs():
        assert engine.predict(problem.X, problem.n_steps, outputs) == -1
        np.testing.assert_array_equal(outputs, [oracle.predict(x) for x in samples])

    assert_equal_outputs()
    counts = np.empty((3, 3 * len(problem.sizes)), dtype=np.int32)
    assert engine.learn(problem.X, problem.n_steps, problem.Y, counts) == -1
    for row, x, y in zip(counts, samples, problem.Y, strict=True):
        record = oracle.learn(x, y)
        wanted = [*record.spikes, *record.error_spikes, *record.passed, record.target_spikes]
        np.testing.assert_array_equal(row[:-1], wanted)
    np.testing.assert_array_equal(engine.potentials[-1], oracle.neurons[-1].potential)
    wanted = [np.ravel(w) for w in oracle.weights] + [v.potential for v in oracle.errors]
    np.testing.assert_array_equal(engine.kept, np.concatenate(wanted))
    assert_equal_outputs()


def test_a_number_that_would_overflow_is_refused_and_every_stored_one_stays_in_range():
    engine = IntegerEngine(np.array([1, 1, 1], np.int32), scale=1000, depth_first=1, fractional=1, hold_error=1, room=8)
    x = np.full((1, 1, 1), 1000, dtype=np.int32)
    y = np.zeros((1, 1), dtype=np.int32)
    outputs = np.empty((1, 1), dtype=np.int32)
    engine.kept[:2] = 500, LIMIT - 1
    assert engine.predict(x, 2, outputs) == -1 and outputs[0, 0] == LIMIT - 1
    assert engine.predict(x, 4, outputs) == 0  # two spikes of nearly LIMIT
    engine.kept[:2] = LIMIT, 1
    assert engine.learn(x, 2, y) == 0
    assert np.abs(engine.kept).max() <= LIMIT
    engine.kept[:2] = -LIMIT, 1
    assert engine.predict(x, 2, outputs) == 0
    assert engine.predict(np.full_like(x, 2**31 - 1), 1, outputs) == 0
    assert engine.predict(np.full_like(x, -(2**31)), 1, outputs) == 0
    assert engine.learn(x, 2, np.full_like(y, 2**31 - 1)) == 0


def test_a_weight_at_the_limit_is_not_changed_beyond_it():
    engine = IntegerEngine(np.array([1, 2], np.int32), scale=1000, depth_first=1, fractional=1, hold_error=1, room=8)
    engine.kept[:] = 0, LIMIT
    x = np.full((1, 1, 1), 1000, dtype=np.int32)
    # The second output's target is far above, so its weight would grow, but it cannot take input.
    assert engine.learn(x, 2, np.array([[0, 5000]], dtype=np.int32)) == 0
    assert engine.kept.max() == LIMIT


def test_an_error_potential_at_the_limit_is_not_changed_beyond_it():
    engine = IntegerEngine(np.array([1, 1, 1], np.int32), scale=1000, depth_first=1, fractional=1, hold_error=1, room=8)
    engine.kept[:] = 1000, 2000, LIMIT
    x, y = np.full((1, 1, 1), 1000, dtype=np.int32), np.zeros((1, 1), dtype=np.int32)
    assert engine.learn(x, 1, y) == 0
    assert engine.kept[2] == LIMIT


def test_more_spikes_together_than_there_is_room_for_are_refused():
    sizes = np.array([1, 9, 1], np.int32)
    engine = IntegerEngine(sizes, scale=10, depth_first=0, fractional=1, hold_error=1, room=2)
    engine.kept[:] = np.repeat([0, 30, 0], [9, 9, 9])
    x, y = np.full((1, 1, 1), 10, dtype=np.int32), np.full((1, 1), 20, dtype=np.int32)
    with pytest.raises(TrainIsFull):
        engine.learn(x, 1, y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_units": np.array([3], np.int32)}, "two layers"),
        ({"n_units": np.array([3, 0], np.int32)}, "none empty"),
        ({"scale": 0}, "scale"),
        ({"scale": 2**30}, "scale"),
        ({"room": 0}, "room"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(arguments, message):
    usual = {"n_units": np.array([2, 3], np.int32), "scale": 10, "room": 1}
    rule = {"depth_first": True, "fractional": True, "hold_error": True}
    with pytest.raises(ValueError, match=message):
        IntegerEngine(**usual | rule | arguments)


def test_arrays_that_do_not_fit_are_refused():
    engine = IntegerEngine(np.array([2, 3], np.int32), scale=10, depth_first=1, fractional=1, hold_error=1, room=1)
    X, Y = np.zeros((4, 1, 2), np.int32), np.zeros((4, 3), np.int32)
    for bad in (X[:0], X[:, :, :1].copy(), np.zeros((4, 3, 2), np.int32)):
        with pytest.raises(ValueError, match="X must have shape"):
            engine.predict(bad, 2, Y)
    with pytest.raises(ValueError, match="outputs must have shape"):
        engine.predict(X, 2, Y[:3])
    with pytest.raises(ValueError, match="Y must have shape"):
        engine.learn(X, 2, Y[:, :2].copy())
    with pytest.raises(ValueError, match="counts must have shape"):
        engine.learn(X, 2, Y, Y)

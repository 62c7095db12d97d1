"""Live streams: the same answers as for whole recordings, to the bit, however they come in."""
import copy
import itertools
import pickle
import re
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix

from helpers import STEPPED
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier, SpikingRNNRegressor
from sk_dsn.events import EventFrames
from sk_dsn.metrics import synaptic_operations
from sk_dsn.streams import ClassifierStream, LiveStream, SparseStreams

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EVENT = np.dtype([("t", "u4"), ("x", "u1"), ("y", "u1"), ("p", "?")])
SIZE = (5, 4)
FRAMES = EventFrames(SIZE, time_step=10)
N_FEATURES = 40

NETWORKS = {
    "counting": (SpikingMLPClassifier, {"simulation": "counting"}),
    **{
        f"{simulation}, {neuron}, leak {leak}":
            (SpikingMLPClassifier, {"simulation": simulation, "neuron": neuron, "leak": leak})
        for simulation in STEPPED for neuron in ("signed", "rectifying") for leak in (0, 0.2)
    },
    "mean": (SpikingMLPClassifier, {"simulation": "clock-driven", "leak": 0.2, "readout": "mean"}),
    "mean without leak": (SpikingMLPClassifier, {"simulation": "event-driven", "readout": "mean"}),
    "leak 1": (SpikingMLPClassifier, {"simulation": "clock-driven", "leak": 1}),
    "no biases": (SpikingMLPClassifier, {"simulation": "clock-driven", "leak": 0.2, "fit_intercept": False}),
    "no biases, mean": (SpikingMLPClassifier, {"leak": 0.2, "fit_intercept": False, "readout": "mean"}),
    "regressor": (SpikingMLPRegressor, {"leak": 0.1}),
    "recurrent": (SpikingRNNClassifier, {}),
    "recurrent, leak 0.2": (SpikingRNNClassifier, {"leak": 0.2}),
    "recurrent, mean": (SpikingRNNClassifier, {"leak": 0.2, "readout": "mean", "feedback": "step"}),
    "recurrent, leak 0": (SpikingRNNClassifier, {"leak": 0, "neuron": "rectifying"}),
    "recurrent regressor": (SpikingRNNRegressor, {"leak": 0.5}),
}


def fitted(name, hidden=(7, 6), **changes):
    """A network with weights and biases by which all its layers spike."""
    kind, params = NETWORKS[name]
    params = params | changes
    rng = np.random.default_rng(0)
    sizes = [N_FEATURES, *hidden, 3]
    coefs = [rng.normal(scale=1.5 / np.sqrt(n), size=(n, m)) for n, m in itertools.pairwise(sizes)]
    intercepts = [rng.normal(scale=0.1, size=n) for n in sizes[1:]]
    initial = {"coefs_init": coefs, "intercepts_init": intercepts if params.get("fit_intercept", True) else None}
    y = np.arange(6) % 3
    estimator = kind(hidden, max_iter=1, learning_rate_init=0.0, random_state=0, **params)
    return estimator.fit(rng.random((6, 4, N_FEATURES)), y if "Classifier" in kind.__name__ else np.eye(3)[y], **initial)


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    return fitted(request.param)


def recording(n_events=120, duration=300, seed=0):
    """Bursts, pauses, and several events of a pixel in a step."""
    rng = np.random.default_rng(seed)
    events = np.zeros(n_events, EVENT)
    events["t"] = np.sort(np.abs(rng.normal(rng.integers(0, 6, n_events) * duration / 6, 8)))
    events["x"], events["y"] = rng.integers(0, SIZE[0], n_events), rng.integers(0, SIZE[1], n_events)
    events["p"] = rng.integers(0, 2, n_events)
    return events


def staged(estimator, X):
    """The answers after each step, shape (n_steps, n_outputs or ...)."""
    name = "staged_decision_function" if hasattr(estimator, "staged_decision_function") else "staged_predict"
    return np.array([answer[0] for answer in getattr(estimator, name)(X)])


def answer(stream):
    return stream.decision_function()[0] if hasattr(stream, "decision_function") else stream.predict()[0]


def state(stream):
    """All that can be seen of a stream."""
    last = answer(stream).tolist() if stream.n_steps_ else None  # counting computes it now
    return stream.time_, stream.n_events_, stream.n_steps_, stream.operations_, last


# --- The same answers.


def test_answers_are_those_of_the_whole_recording_to_the_bit(network):
    events = recording()
    X = FRAMES.transform([events])
    expected, rng = staged(network, X), np.random.default_rng(1)
    stream = network.create_stream(FRAMES)
    for packet in np.split(events, np.sort(rng.integers(0, len(events), 40))):
        stream.feed(packet)
        if stream.n_steps_:
            assert_array_equal(answer(stream), expected[stream.n_steps_ - 1])
    stream.advance(10 * len(expected))
    assert stream.n_steps_ == len(expected) == X.shape[1]
    assert_array_equal(answer(stream), expected[-1])
    assert (stream.time_, stream.n_events_) == (10 * len(expected), len(events))
    if getattr(network, "simulation", None) != "counting":
        assert stream.operations_ == synaptic_operations(network, X)[0, -1] > 900


@pytest.mark.parametrize("share", [1.0, 0.2])
def test_vectors_of_any_numbers_give_the_answers_of_the_whole_sequence(network, share):
    rng = np.random.default_rng(2)
    X = rng.normal(scale=0.8, size=(1, 50, N_FEATURES)) * (rng.random((1, 50, N_FEATURES)) < share)
    X[0, 20:30] = 0
    expected = staged(network, X)
    stream, sparse = network.create_stream(n_features=N_FEATURES), network.create_stream()
    for k, vector in enumerate(X[0]):
        stream.feed(vector)
        assert_array_equal(answer(stream), expected[k])
    cut = 17
    sparse.feed(csr_matrix(X[0, :cut])).feed(X[0, cut:20].tolist()).advance(30).feed(csr_matrix(X[0, 30:]))
    assert_array_equal(answer(sparse), expected[-1])
    assert (sparse.time_, sparse.n_events_, sparse.n_steps_) == (stream.time_, stream.n_events_, stream.n_steps_)
    if getattr(network, "simulation", None) != "counting":  # which adds as often as it is asked
        assert sparse.operations_ == stream.operations_
    assert stream.n_events_ == np.count_nonzero(X)


def test_all_answers_have_the_shape_that_the_estimator_gives_one_sample():
    events = recording()
    X = FRAMES.transform([events])
    for name in ("mean", "recurrent", "regressor", "counting"):
        estimator = fitted(name)
        stream = estimator.create_stream(FRAMES).feed(events).advance(10 * X.shape[1])
        assert type(stream) is (LiveStream if name == "regressor" else ClassifierStream)
        assert isinstance(stream, LiveStream)
        for method in ("predict", "predict_proba", "decision_function"):
            assert hasattr(stream, method) == hasattr(estimator, method)
            if hasattr(stream, method):
                assert_array_equal(getattr(stream, method)(), getattr(estimator, method)(X), strict=True)


@st.composite
def calls(draw):
    """A recording, and how it is cut: packets, and times that are told in between."""
    n = draw(st.integers(1, 12))
    gaps = draw(st.lists(st.sampled_from([0, 0, 1, 4, 10, 25, 400]), min_size=n, max_size=n))
    pixels = draw(st.lists(st.integers(0, 39), min_size=n, max_size=n))
    cuts = draw(st.lists(st.integers(0, n), max_size=6))
    advances = draw(st.lists(st.booleans(), min_size=len(cuts), max_size=len(cuts)))
    return gaps, pixels, sorted(cuts), advances


SPLIT = ["event-driven, signed, leak 0.2", "clock-driven, signed, leak 0", "no biases, mean", "recurrent, mean", "counting"]


@pytest.fixture(scope="module")
def split_networks():
    return [fitted(name) for name in SPLIT]


@settings(max_examples=25)
@given(calls())
def test_any_split_of_the_same_events_gives_the_same_bits(split_networks, drawn):
    gaps, pixels, cuts, advances = drawn
    events = np.zeros(len(gaps), EVENT)
    events["t"], events["x"], events["y"] = np.cumsum(gaps), np.array(pixels) % 5, np.array(pixels) // 5 % 4
    events["p"] = np.array(pixels) // 20
    end = (int(events["t"][-1]) // 10 + 1) * 10
    for estimator in split_networks:
        whole = estimator.create_stream(FRAMES).feed(events).advance(end)
        stream = estimator.create_stream(FRAMES)
        for first, last, advances_too in zip([0, *cuts], [*cuts, len(events)], [*advances, False], strict=True):
            stream.feed(events[first:last])
            if advances_too and last < len(events):
                stream.advance(int(events["t"][last]))
        stream.advance(end)
        assert_array_equal(answer(stream), answer(whole))
        assert_array_equal(answer(whole), staged(estimator, FRAMES.transform([events]))[-1])
        if estimator is not split_networks[-1]:  # counting adds as often as it is asked
            assert stream.operations_ == whole.operations_


@pytest.mark.parametrize("options", [
    {"polarity": "signed"}, {"n_time_steps": 12}, {"t0": "first"}, {"downsample": 2, "time_step": 3.5},
], ids=str)
def test_the_options_of_frames_are_those_of_the_stream(options):
    frames = EventFrames(SIZE, **{"time_step": 10} | options)
    events = recording()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # events after n_time_steps
        X = frames.fit([]).transform([events])
    estimator = SpikingMLPClassifier((8,), leak=0.1, max_iter=1, random_state=0).fit(X[[0, 0]], [0, 1])
    stream = estimator.create_stream(frames=frames)
    for packet in np.array_split(events, 7):
        stream.feed(packet)
    if frames.n_time_steps is None:
        stream.advance((events["t"][0] if frames.t0 == "first" else 0) + X.shape[1] * frames.time_step)
    assert stream.n_steps_ == X.shape[1]
    assert_array_equal(stream.decision_function(), estimator.decision_function(X))
    if frames.n_time_steps:  # the stream has ended
        assert stream.advance(10**6).n_steps_ == 12
        assert_array_equal(stream.decision_function(), estimator.decision_function(X))


@pytest.mark.parametrize("input_range", [None, (-0.5, 1.5)])
@pytest.mark.parametrize("name", ["counting", "mean", "recurrent"])
def test_streams_of_quantised_networks_round_their_input(name, input_range):
    quantised = fitted(name).quantize(6, input_step=0.25, input_range=input_range)
    rng = np.random.default_rng(3)
    X, events = rng.normal(size=(1, 20, N_FEATURES)), recording()
    events[:60]["x"] = events[:60]["y"] = 0  # several a step
    for stream, packet, whole in (
        (quantised.create_stream(), X[0], X), (quantised.create_stream(FRAMES), events, FRAMES.transform([events]))
    ):
        expected = staged(quantised, whole)
        stream.feed(packet).advance(len(expected) if packet is not events else 10 * len(expected))
        assert_array_equal(answer(stream), expected[-1])


# --- Gaps.


@pytest.mark.parametrize("gap", [40, 3000])
def test_a_gap_is_crossed_as_if_every_step_were_run(network, gap):
    events = recording(60, 150)
    late = events.copy()
    late["t"] += 10 * (gap + 20)
    X = FRAMES.transform([np.concatenate([events, late])])
    expected = staged(network, X)
    stream = network.create_stream(FRAMES).feed(events)
    for n_steps in (30, gap // 2, gap - 1, gap, gap + 20):
        if n_steps > stream.n_steps_:
            stream.advance(10 * n_steps)
            assert_array_equal(answer(stream), expected[n_steps - 1])
    stream.feed(late).advance(10 * len(expected))
    assert_array_equal(answer(stream), expected[-1])
    jump = network.create_stream(FRAMES).feed(events).feed(late).advance(10 * len(expected))
    assert_array_equal(answer(jump), expected[-1])
    if getattr(network, "simulation", None) != "counting":
        assert jump.operations_ == stream.operations_ == synaptic_operations(network, X)[0, -1]


# Without leak, biases drive a time-stepped simulation on; mean answers are added up.
AT_REST = [name for name in NETWORKS if not name.endswith("leak 0") and "mean" not in name]


@pytest.mark.parametrize("name", AT_REST)
def test_a_network_at_rest_skips_a_gap_of_any_length(name):
    # Without biases counting, whose counts are limited, has the same at any time.
    stream = fitted(name, **({"fit_intercept": False} if name == "counting" else {})).create_stream(FRAMES)
    stream.feed(recording()).advance(10 * 10**6)
    # Without skipping it would take days. Counting counts time steps in 31 bits.
    stream.advance(10 * (10**9 if name == "counting" else 10**12))
    assert np.isfinite(answer(stream)).all()
    if name == "no biases":
        assert_array_equal(answer(stream), 0)


def test_an_hour_of_silence_without_leak_or_biases_ends_at_once():
    estimator = fitted("clock-driven, signed, leak 0", fit_intercept=False)
    stream = estimator.create_stream(FRAMES).feed(recording()).advance(400)
    sums = answer(stream) * np.float32(40)
    stream.advance(10 * 3_600_000)
    np.testing.assert_allclose(answer(stream), sums / 3_600_000, rtol=1e-6)
    stream.advance(10**13)  # c_t stands still at 2**24, as it does in float32
    np.testing.assert_allclose(answer(stream), sums / 2**24, rtol=1e-6)


# --- Learning.


LEARNERS = ["counting", "event-driven, signed, leak 0.2", "mean", "recurrent", "regressor", "recurrent regressor"]


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("kind", ["events", "vectors", "sparse vectors"])
def test_partial_fit_of_a_stream_is_that_of_the_recording(name, kind):
    estimator = fitted(name).set_params(learning_rate_init=0.1)
    twin = copy.deepcopy(estimator)
    y = [1] if "Classifier" in type(estimator).__name__ else [[0.5, 1.0, -1.0]]
    if kind == "events":
        events = recording()
        X, packets = FRAMES.transform([events]), np.array_split(events, 5)
        stream = estimator.create_stream(FRAMES, learn=True)
    else:
        X = np.random.default_rng(0).normal(size=(1, 20, N_FEATURES)).astype(np.float32)
        X[0, 8:12] = 0
        packets = X[0, :8], X[0, 12:]
        stream = estimator.create_stream(learn=True)
        if kind == "sparse vectors":
            X, packets = SparseStreams.from_dense(X), [csr_matrix(packets[0]), packets[1]]
    for seen in (y, y[0], y):  # three recordings, one after the other
        for k, packet in enumerate(packets):
            stream.feed(packet)
            if kind != "events" and k == 0:
                stream.advance(12)
        twin.partial_fit(X, y)
        stream.partial_fit(seen)
        assert (stream.n_steps_, stream.n_events_, stream.operations_) == (0, 0, 0)
        for name in ("coefs_", "intercepts_", "recurrent_coefs_", "backward_potentials_"):
            for a, b in zip(getattr(estimator, name, []), getattr(twin, name, []), strict=True):
                assert_array_equal(a, b)
    stream.feed(packets[0])
    assert stream.n_steps_ > 0


def test_sensors_may_have_many_pixels():
    frames, rng = EventFrames((70, 90), time_step=10), np.random.default_rng(0)  # 12,600 features: four words of words
    events = np.zeros(500, EVENT)
    events["t"] = np.sort(rng.integers(0, 100, 500))
    events["x"], events["y"], events["p"] = rng.integers(0, 70, 500), rng.integers(0, 90, 500), rng.integers(0, 2, 500)
    X = frames.transform([events, events[:300], events[100:]])
    estimator = SpikingMLPClassifier((9,), leak=0.2, max_iter=2, random_state=0).fit(X, [0, 1, 2])
    stream = estimator.create_stream(frames)
    for packet in np.array_split(events, 7):
        stream.feed(packet)
    assert_array_equal(stream.advance(100).decision_function(), estimator.decision_function(X[:1]))
    assert stream.operations_ > 400 * 9


@pytest.mark.parametrize("options", [{"frames": FRAMES}, {"n_features": N_FEATURES}])
def test_nothing_is_learned_of_a_recording_without_a_time_step(options):
    stream = fitted("mean").create_stream(**options, learn=True)
    with pytest.raises(ValueError, match="nothing to learn: feed more first"):
        stream.partial_fit(2)


def test_what_is_learned_includes_the_silence_that_was_told():
    estimator = fitted("mean").set_params(learning_rate_init=0.1)
    twin = copy.deepcopy(estimator)
    events = recording()
    X = FRAMES.transform([events])
    longer = SparseStreams(csr_matrix((X.csr.data, X.csr.indices, X.csr.indptr), (1, 50 * N_FEATURES)), 50)
    estimator.create_stream(FRAMES, learn=True).feed(events).advance(500).partial_fit(2)
    twin.partial_fit(longer, [2])
    assert_array_equal(estimator.coefs_[0], twin.coefs_[0])


def test_multilabel_streams():
    rng = np.random.default_rng(0)
    X, y = rng.random((10, 6, 4)).astype(np.float32), rng.integers(0, 2, (10, 3))
    estimator = SpikingMLPClassifier((5,), leak=0.1, max_iter=1, random_state=0).fit(X, y)
    stream = estimator.create_stream(learn=True).feed(X[0])
    assert_array_equal(stream.predict(), estimator.predict(X[:1]), strict=True)
    assert_array_equal(stream.predict_proba(), estimator.predict_proba(X[:1]), strict=True)
    assert stream.partial_fit(y[0]).feed(X[1]).partial_fit(y[1:2]).n_steps_ == 0


def test_other_streams_raise_once_one_has_learned():
    estimator = fitted("mean").set_params(learning_rate_init=0.1)
    stream, other = estimator.create_stream(FRAMES, learn=True), estimator.create_stream(FRAMES)
    events = recording()
    stream.feed(events)
    other.feed(events)
    twin = copy.copy(stream)
    stream.partial_fit(0)
    for open_stream in (other, twin):
        for call in (
            open_stream.predict, lambda s=open_stream: s.feed(events), lambda s=open_stream: s.advance(10**4),
            open_stream.reset, lambda s=open_stream: copy.copy(s), lambda s=open_stream: s.partial_fit(0),
        ):
            with pytest.raises(ValueError, match="not those that the stream was opened with"):
                call()
    stream.feed(events)


CHANGES = {
    "fit": lambda clf, X: clf.fit(X, [0, 1, 2]),
    "partial_fit": lambda clf, X: clf.partial_fit(X, [0, 1, 2]),
    "other weights": lambda clf, X: setattr(clf, "coefs_", [w.copy() for w in clf.coefs_]),
    "another array": lambda clf, X: clf.intercepts_.__setitem__(0, np.zeros(7, np.float32)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["counting", "mean", "recurrent"])
def test_weights_that_change_under_an_open_stream_are_an_error(name, change):
    estimator = fitted(name)
    stream = estimator.create_stream(FRAMES).feed(recording())
    assert stream.predict().shape == (1,)
    CHANGES[change](estimator, np.ones((3, 4, N_FEATURES)))
    with pytest.raises(ValueError, match=r"Open another stream: estimator\.create_stream"):
        stream.predict()


def test_parameters_are_those_of_when_the_stream_was_opened():
    estimator = fitted("mean")
    stream, events = estimator.create_stream(FRAMES), recording()
    expected = estimator.create_stream(FRAMES).feed(events).predict_proba()
    estimator.set_params(leak=0.9, readout="last", simulation="event-driven")
    assert_array_equal(stream.feed(events).predict_proba(), expected)
    assert_array_equal(copy.copy(stream).predict_proba(), expected)


# --- Copies.


COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda s: pickle.loads(pickle.dumps(s))}


@pytest.mark.parametrize("how", COPIES)
def test_copies_go_on_in_mid_stream(network, how):
    events = recording()
    stream = network.create_stream(FRAMES, learn=True)
    for packet in np.array_split(events, 9):
        stream.feed(packet)
        other = COPIES[how](stream)
        assert state(other) == state(stream)
        stream, other = other, stream
        other.advance(10**4)  # nothing is shared
    whole = network.create_stream(FRAMES).feed(events).advance(500)
    assert state(stream.advance(500))[:3] == state(whole)[:3]
    assert_array_equal(answer(stream), answer(whole))
    assert len(stream._packets) == 9


def test_reset_begins_anew(network):
    events = recording()
    stream = network.create_stream(FRAMES)
    fresh = state(stream)
    whole = state(stream.feed(events).advance(900))
    assert state(stream.reset()) == fresh
    assert state(stream.feed(events).advance(900)) == whole


# --- Threads.


@pytest.mark.parametrize("name", ["event-driven, signed, leak 0.2", "recurrent", "counting"])
def test_two_streams_of_an_estimator_run_in_two_threads(name):
    estimator = fitted(name)
    recordings = [recording(400, 900, seed) for seed in range(2)]
    expected = [state(estimator.create_stream(FRAMES).feed(events).advance(10**4)) for events in recordings]
    found = [[], []]

    def listen(k):
        stream = estimator.create_stream(FRAMES)
        for _ in range(20):
            for packet in np.array_split(recordings[k], 50):
                stream.feed(packet)
            found[k].append(state(stream.advance(10**4)))
            stream.reset()

    threads = [threading.Thread(target=listen, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[expected[0]] * 20, [expected[1]] * 20]


ENDLESS = "clock-driven, signed, leak 0"  # biases drive it on, so that it runs every step of a gap


def test_a_stream_that_another_thread_uses_says_so():
    stream = fitted(ENDLESS).create_stream(FRAMES).feed(recording())
    expected = state(stream)
    thread = threading.Thread(target=lambda: stream.advance(10 * 3_000_000))

    def ask_until_it_has_advanced():
        while thread.is_alive():
            stream.predict()

    thread.start()
    with pytest.raises(RuntimeError, match="in use"):
        ask_until_it_has_advanced()
    thread.join()
    assert stream.n_steps_ == 3_000_000 > expected[2]


# --- What is refused.


def bad_events(**values):
    events = np.zeros(1, [("t", "f8"), ("x", "i4"), ("y", "i4"), ("p", "?")])
    events["t"] = 10**4
    for name, value in values.items():
        events[name] = value
    return events


BAD_PACKETS = {
    "in the past": (bad_events(t=3.0), "before"),
    "not a number": (bad_events(t=np.nan), "not finite"),
    "outside": (bad_events(x=5), "outside"),
    "no events": (np.zeros((3, N_FEATURES)), "structured"),
    "other fields": (np.zeros(3, [("x", "i4"), ("y", "i4")]), "no time"),
    "a list": ([1, 2, 3], "structured"),
    "one event": (recording()[0], r"events\[k : k \+ 1\]"),
    "masked": (np.ma.array(bad_events(), mask=True), "masked"),
}


@pytest.mark.parametrize("name", ["event-driven, signed, leak 0.2", "counting", "recurrent"])
def test_a_bad_packet_leaves_the_stream_as_it_was(name):
    estimator, events = fitted(name), recording()
    stream = estimator.create_stream(FRAMES, learn=True).feed(events[:80])
    before = state(stream)
    for packet, message in BAD_PACKETS.values():
        with pytest.raises(ValueError, match=message):
            stream.feed(packet)
        assert state(stream) == before
    for t, message in ((3, "before"), (np.nan, "finite"), ("5", "finite"), (1e30, "too many steps")):
        with pytest.raises(ValueError, match=message):
            stream.advance(t)
        assert state(stream) == before
    stream.feed(events[:0])
    assert state(stream) == before
    stream.feed(events[80:]).advance(1000)
    whole = estimator.create_stream(FRAMES).feed(events).advance(1000)
    assert state(stream)[:3] == state(whole)[:3]
    assert_array_equal(answer(stream), answer(whole))


BAD_VECTORS = {
    "not a number": (np.full((2, N_FEATURES), np.nan), "Frame 0 holds nan in feature 0"),
    "infinite": (np.where(np.arange(3 * N_FEATURES) == 50, np.inf, 0).reshape(3, -1), "Frame 1 holds inf in feature 10"),
    "sparse and not a number": (csr_matrix(np.full((2, N_FEATURES), np.nan)), "NaN or infinity"),
    "too large": (np.full(N_FEATURES, 1e300), "inf"),
    "other features": (np.zeros((2, 7)), r"shape \(n_time_steps, 40\) or \(40,\), got \(2, 7\)"),
    "no features": (np.zeros((2, 0)), "shape"),
    "three dimensions": (np.zeros((1, 2, N_FEATURES)), "shape"),
    "complex": (np.zeros(N_FEATURES, complex), "real numbers"),
    "text": (np.full(N_FEATURES, "a"), "real numbers"),
    "events": (recording(), r"create_stream\(frames="),
    "out of range": (np.full((3, N_FEATURES), 2.0**25), "out of the range"),
    "out of range later": (np.eye(3, N_FEATURES) * 2.0**25 * [[0], [0], [1]], "out of the range"),
}


@pytest.mark.parametrize("kind", BAD_VECTORS)
def test_bad_vectors_leave_the_stream_as_it_was(network, kind):
    X = np.random.default_rng(0).normal(size=(20, N_FEATURES))
    stream = network.create_stream().feed(X)
    before = state(stream)
    packet, message = BAD_VECTORS[kind]
    if "recurrent" in str(type(network)).lower() or "RNN" in type(network).__name__:
        message = message.replace("the input ", "")
    with pytest.raises(ValueError, match=message):
        stream.feed(packet)
    assert state(stream) == before
    stream.feed(np.empty((0, N_FEATURES))).feed([])
    assert state(stream) == before
    for t in (3, np.nan, "20", None):
        with pytest.raises(ValueError, match=r"t=3 is before 20|must be a number of time steps"):
            stream.advance(t)
    assert_array_equal(answer(stream.feed(X)), staged(network, np.concatenate([X, X])[None])[-1])


def test_a_call_that_is_interrupted_leaves_the_stream_as_it_was():
    stream = fitted(ENDLESS).create_stream(FRAMES).feed(recording())
    before = state(stream)

    def interrupt(*_):
        raise KeyboardInterrupt

    handler = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            stream.advance(10**13)
        assert time.monotonic() - start < 5
    finally:
        signal.signal(signal.SIGALRM, handler)
    assert state(stream) == before
    twin = fitted(ENDLESS).create_stream(FRAMES).feed(recording()).advance(400)
    assert state(stream.advance(400)) == state(twin)


def test_spikes_of_a_stream_without_leak_are_limited_and_those_of_a_leaky_one_are_not():
    # The input unit spikes 2**20 times in each of 20 steps.
    for leak in (0.0, 0.5):
        clf = SpikingMLPClassifier((), leak=leak, simulation="clock-driven", max_iter=1, learning_rate_init=0.0)
        stream = clf.fit(np.zeros((2, 1, 1)), [0, 1], coefs_init=[np.array([[0.0, 1.0]])]).create_stream()
        stream.feed(np.full((15, 1), 2.0**20))
        if leak:
            assert stream.feed(np.full((20, 1), 2.0**20)).n_steps_ == 35
            continue
        before = state(stream)
        with pytest.raises(ValueError, match=r"from the last reset\(\) on.*call reset\(\)"):
            stream.feed(np.full((20, 1), 2.0**20))
        assert state(stream) == before
        assert stream.reset().feed([[1.0]]).n_steps_ == 1


def test_no_answer_before_the_first_complete_step(network):
    stream = network.create_stream(FRAMES)
    for events in (recording()[:0], bad_events(t=5)):
        stream.feed(events)
        with pytest.raises(ValueError, match=r"advance\(t\)"):
            stream.predict()
    assert stream.advance(9).n_steps_ == 0
    assert stream.advance(10).predict().shape[0] == 1


def test_how_streams_are_opened():
    estimator = fitted("mean")
    with pytest.raises(ValueError, match="not both"):
        estimator.create_stream(FRAMES, n_features=N_FEATURES)
    with pytest.raises(ValueError, match="was fitted on 40"):
        estimator.create_stream(EventFrames((3, 3), 10))
    with pytest.raises(ValueError, match="was fitted on 40"):
        estimator.create_stream(n_features=3)
    with pytest.raises(TypeError, match="EventFrames"):
        estimator.create_stream(frames=10)
    with pytest.raises(ValueError, match="time_step"):
        estimator.create_stream(EventFrames(SIZE, time_step=-1))
    with pytest.raises(ValueError, match="learn=True"):
        estimator.create_stream(FRAMES).feed(recording()).partial_fit(0)
    with pytest.raises(Exception, match="not fitted"):
        SpikingMLPClassifier().create_stream()
    stream = estimator.create_stream(FRAMES, learn=True).feed(recording())
    before = state(stream)
    with pytest.raises(ValueError, match=re.escape("not among the classes")):
        stream.partial_fit(7)
    assert state(stream) == before
    assert repr(stream) == f"ClassifierStream(n_steps_={stream.n_steps_}, time_={stream.time_})"

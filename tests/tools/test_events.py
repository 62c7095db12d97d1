"""Recordings of events: fields by name, `EventFrames` against counting event by event, and files."""
import copy
import pickle
import re
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier, SpikingRNNRegressor
from sk_dsn.events import EventFrames, read
from sk_dsn.events._files import EVENT
from sk_dsn.events._frames import EventMapper
from sk_dsn.events._recordings import find_fields
from sk_dsn.streams import StreamScaler

PACKED = [("t", "u4"), ("x", "u1"), ("y", "u1"), ("p", "?")]


def recording(n_events=200, size=(6, 4), duration=1000, dtype=PACKED, seed=0):
    rng = np.random.default_rng(seed)
    events = np.empty(n_events, dtype)
    events["t"] = np.sort(rng.integers(0, duration, n_events))
    events["x"], events["y"] = rng.integers(0, size[0], n_events), rng.integers(0, size[1], n_events)
    events["p"] = rng.integers(0, 2, n_events)
    return events


def counted(events, size, time_step, n_time_steps=None, t0=0, polarity="channels", downsample=(1, 1)):
    """The frames of a recording, event by event, in exact arithmetic."""
    width, height = -(-size[0] // downsample[0]), -(-size[1] // downsample[1])
    t0 = events["t"][0].item() if t0 == "first" else t0
    sums, last = {}, -1
    for t, x, y, p in zip(*(events[name].tolist() for name in "txyp"), strict=True):
        step = int((Fraction(t) - Fraction(t0)) // Fraction(time_step))
        if n_time_steps is not None and step >= n_time_steps:
            continue
        channel = int(p > 0) if polarity == "channels" else 0
        feature = channel * width * height + y // downsample[1] * width + x // downsample[0]
        value = -1 if polarity == "signed" and not p > 0 else 1
        sums[step, feature] = sums.get((step, feature), 0) + value
        last = step
    n_steps = last + 1 if n_time_steps is None else n_time_steps
    frames = np.zeros((n_steps, width * height * (2 if polarity == "channels" else 1)), np.float32)
    for (step, feature), value in sums.items():
        frames[step, feature] = value
    return frames


@pytest.mark.parametrize("polarity", ["channels", "merge", "signed"])
@pytest.mark.parametrize("options", [
    {}, {"n_time_steps": 4}, {"t0": "first"}, {"t0": -70}, {"t0": -0.5}, {"downsample": 2}, {"downsample": (4, 3), "t0": 1},
    {"time_step": 62.5}, {"time_step": 1},
], ids=str)
@pytest.mark.filterwarnings("ignore:.*lie after n_time_steps")
def test_frames_are_those_counted_event_by_event(polarity, options):
    options = {"time_step": 100, "polarity": polarity} | options
    # Fields are read in blocks of 256 events.
    X = [recording(n, seed=n, duration=700 + n) for n in (200, 256, 257, 600)]
    for events in X:
        events["t"] += 1
    frames = EventFrames((6, 4), **options).fit(X)
    made = frames.transform(X)
    assert frames.n_features_out_ == made.shape[2] == len(frames.get_feature_names_out())
    downsample = options.pop("downsample", 1)
    for k, events in enumerate(X):
        expected = counted(
            events, (6, 4), downsample=downsample if isinstance(downsample, tuple) else (downsample, downsample), **options
        )
        assert made.step_counts[k] == len(expected)
        assert_array_equal(made[k][: len(expected)], expected)
    assert (made.csr.data != 0).all()
    assert made.dtype == np.float32


@pytest.mark.parametrize("dtype", [
    [("t", "u4"), ("x", "u1"), ("y", "u1"), ("p", "i1")],
    [("t", "<i8"), ("x", "<i2"), ("y", "<i4"), ("p", "<f4")],
    [("timestamp", "<u8"), ("x", "<u2"), ("y", "<u2"), (("p", "on"), "?")],  # faery's
    [("x", ">u2"), ("y", ">i8"), ("polarity", "?"), ("ts", ">f8")],
    [("pad", "S3"), ("ts", "<f4"), ("y", "u8"), ("x", "i8"), ("on", "f8"), ("more", "f8", (2,))],
    [("t", "<f2"), ("x", "u1"), ("y", "u1"), ("p", "?")],
    [("t", "longdouble"), ("x", "u1"), ("y", "u1"), ("p", "longdouble")],
], ids=str)
def test_fields_of_every_type_are_found_by_name(dtype):
    plain = recording()
    events = np.zeros(len(plain), dtype)
    for name, alias in zip("txyp", find_fields(events.dtype).names.values(), strict=True):
        events[alias] = plain[name]
    before = events.tobytes()
    made, expected = (EventFrames((6, 4), 50).fit_transform([r]) for r in (events, plain))
    assert_array_equal(made.toarray(), expected.toarray())
    assert events.tobytes() == before


@pytest.mark.parametrize("view", [lambda e: e[::2], lambda e: e[::-1][::-3], lambda e: np.rec.array(e), lambda e: e.copy()])
def test_views_of_events_are_read_in_place(view):
    events = view(recording())
    events.flags.writeable = False
    made = EventFrames((6, 4), 50).fit_transform([events])
    assert_array_equal(made[0], counted(events, (6, 4), 50))


def test_on_is_above_zero():
    events = np.zeros(3, [("t", "i8"), ("x", "i8"), ("p", "i1")])
    events["p"] = [-1, 0, 1]
    events["t"] = [0, 1, 2]
    assert_array_equal(EventFrames((1, 1), 1).fit_transform([events])[0], [[1, 0], [1, 0], [0, 1]])


def test_a_line_sensor_needs_no_y_and_a_sensor_of_one_polarity_no_p():
    events = np.array([(0, 3), (1, 0), (1, 3)], [("t", "u8"), ("x", "u4")])
    made = EventFrames((4, 1, 1), 1).fit_transform([events])
    assert_array_equal(made[0], [[0, 0, 0, 1], [1, 0, 0, 1]])
    with pytest.raises(ValueError, match=r"no polarity.*sensor_size=\(4, 1, 1\)"):
        EventFrames((4, 1), 1).fit_transform([events])
    with pytest.raises(ValueError, match=r"recording 0 have no field y, but sensor_size is \(4, 2\)"):
        EventFrames((4, 2, 1), 1).fit_transform([events])


def test_times_in_seconds_fall_into_the_steps_that_users_mean():
    events = np.zeros(1000, [("t", "f8")])
    events["t"] = np.arange(1000) * 0.1
    assert_array_equal(EventFrames((1, 1, 1), 0.1).fit_transform([events])[0], np.ones((1000, 1)))


def test_unsigned_and_large_times_do_not_wrap():
    events = np.zeros(2, [("t", "u4")])
    events["t"] = 5, 2**32 - 1
    made = EventFrames((1, 1, 1), 2**31, t0=-(2**40)).fit_transform([events])
    assert made.shape[1] == (2**32 - 1 + 2**40) // 2**31 + 1
    epoch = np.zeros(2, [("t", "i8")])
    epoch["t"] = 1_700_000_000_000_000_000, 1_700_000_000_000_000_003  # ns, beyond float64
    assert EventFrames((1, 1, 1), 1, t0="first").fit_transform([epoch]).shape[1] == 4
    assert EventFrames((1, 1, 1), 1.5, t0=1_700_000_000_000_000_000).fit_transform([epoch]).shape[1] == 3
    late = np.array([(2**63,)], [("t", "u8")])
    with pytest.raises(ValueError, match=r"Event 0 of recording 0 is at t=9223372036854775808; times must stay below"):
        EventFrames((1, 1, 1), 2**60).fit_transform([late])
    apart = np.array([(-(2**63),), (2**63 - 1,)], [("t", "i8")])
    with pytest.raises(ValueError, match=r"Event 1 of recording 0 is at t=9223372036854775807, too many steps after"):
        EventFrames((1, 1, 1), 2**62, t0="first").fit_transform([apart])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_split_of_a_recording_gives_the_same_steps(data):
    n = data.draw(st.integers(0, 30))
    events = recording(n, duration=50, seed=data.draw(st.integers(0, 9)))
    frames = EventFrames(
        (6, 4), data.draw(st.sampled_from([1, 7, 2.5])), t0=data.draw(st.sampled_from([0, "first", -3.5])),
        n_time_steps=data.draw(st.sampled_from([None, 3])), polarity=data.draw(st.sampled_from(["channels", "signed"])),
    )
    whole, mapper = EventMapper(frames), EventMapper(frames)
    expected = whole.map(events)
    parts = [mapper.map(part) for part in np.split(events, sorted(data.draw(st.lists(st.integers(0, n), max_size=4))))]
    for made, wanted in zip(zip(*parts, strict=True), expected, strict=True):
        made = np.concatenate(made)
        assert made.dtype == wanted.dtype
        assert_array_equal(made, wanted)
    assert all(vars(mapper)[name] == vars(whole)[name] for name in ("t0", "last_time", "n_events", "n_dropped"))


def bad_recordings():
    good = recording(20)
    gone_back, outside, too_low, not_a_number, no_polarity = (good.copy() for _ in range(5))
    gone_back["t"][7] = 0
    masked = np.ma.array(good)
    masked["p"][4] = np.ma.masked
    outside["x"][9] = 6
    too_low["y"][3] = 4
    wide = [("t", "f8"), ("x", "i2"), ("y", "i2"), ("p", "f4")]
    not_a_number, no_polarity, negative = (good.astype(wide) for _ in range(3))
    not_a_number["t"][5] = np.nan
    no_polarity["p"][6] = np.nan
    negative["y"][2] = -1
    early, late = good.astype(wide), good.astype(wide)
    early["t"][0] = -2
    late["t"] += 2**20 * 10 + 100
    return {
        f"Event 7 of recording 1 is at t=0, before event 6 at t={good['t'][6]}. Sort": gone_back,
        "Event 9 of recording 1 has x=6, outside sensor_size=(6, 4): x is from 0 to 5": outside,
        "Event 3 of recording 1 has y=4, outside sensor_size=(6, 4)": too_low,
        "Event 2 of recording 1 has y=-1, outside": negative,
        "Event 5 of recording 1 is at t=nan, which is not finite": not_a_number,
        "Event 6 of recording 1 has the polarity NaN": no_polarity,
        "Event 0 of recording 1 is at t=-2.0, before t0=0. Set t0": early,
        "more than 2**20 steps of 10 after t0=0": late,
        "Recording 1 has no events": good[:0],
        "Events of recording 1 are structured arrays of shape (n_events,), got list": [(1, 2, 3, 0)],
        "got ndarray of shape (3, 4) and type float64. Make them with": np.zeros((3, 4)),
        "got DataFrame": pd.DataFrame({name: good[name] for name in good.dtype.names}),
        "Of one event k, pass events[k : k + 1]": good[0],
        "Event 4 of recording 1 is masked": masked,
        "Events have no time: none of their fields ('x', 'y', 'p')": good[["x", "y", "p"]],
        "Events of recording 1 have no field y": good[["t", "x", "p"]],
        "Events of recording 1 have no polarity": good[["t", "x", "y"]],
        "Fields t and ts of events both say t": np.zeros(3, [*PACKED, ("ts", "u4")]),
        "Field x of events must hold integers, one an event, got float64": np.zeros(3, [("t", "u4"), ("x", "f8")]),
        "Field t of events must hold numbers": np.zeros(3, [("t", "M8[us]"), *PACKED[1:]]),
    }


@pytest.mark.parametrize("message", bad_recordings())
def test_bad_recordings_are_refused_with_index_and_value(message):
    with pytest.raises(ValueError, match=re.escape(message)):
        EventFrames((6, 4), 10).fit_transform([recording(20), bad_recordings()[message]])


@pytest.mark.parametrize("k", [1, 255, 256, 599])
def test_the_first_bad_event_is_refused(k):
    events = recording(600, dtype=[("t", "u4"), ("x", "u1"), ("y", "i2"), ("p", "f4")])
    frames = EventFrames((6, 4), 10)
    for field, value, message in (("x", 6, "x=6"), ("y", -1, "y=-1"), ("p", np.nan, "the polarity NaN")):
        bad = events.copy()
        bad[field][k:] = value
        for earlier, other in (("x", 7), ("y", 5), ("p", np.nan)):
            bad[earlier][k + 1 :] = other
        with pytest.raises(ValueError, match=f"Event {k} of recording 0 has {message}"):
            frames.transform([bad])
    bad = events.copy()
    bad["x"][k], bad["p"][k] = 6, np.nan
    with pytest.raises(ValueError, match=f"Event {k} of recording 0 has x=6"):
        frames.transform([bad])
    bad = events.copy()
    bad["t"][k] = 2000
    last = k == len(events) - 1
    if last:
        bad["t"][k] = bad["t"][k - 1] - 1
    with pytest.raises(ValueError, match=f"Event {k if last else k + 1} of recording 0 is at t=.*, before event"):
        frames.transform([bad])


@pytest.mark.parametrize("message", [m for m in bad_recordings() if m.startswith("Event ")])
def test_a_refused_packet_leaves_the_mapper_as_it_was(message):
    mapper = EventMapper(EventFrames((6, 4), 10))
    bad = bad_recordings()[message]
    if "before t0" not in message:
        mapper.map(recording(1))
    before = pickle.dumps({k: v for k, v in vars(mapper).items() if not k.startswith("_")})
    with pytest.raises(ValueError, match=r"^Event \d+ (is|has)"):
        mapper.map(bad)
    assert pickle.dumps({k: v for k, v in vars(mapper).items() if not k.startswith("_")}) == before


@pytest.mark.parametrize(("options", "message"), [
    ({"sensor_size": 34}, "sensor_size must be"), ({"sensor_size": (34,)}, "sensor_size must be"),
    ({"sensor_size": (3, 0)}, "sensor_size must be"), ({"sensor_size": (3, 2, 3)}, "with 1 or 2 polarities"),
    ({"sensor_size": (2**16, 2**15)}, "too many pixels"),
    ({"time_step": 0}, "time_step must be above 0"), ({"time_step": "1 ms"}, "time_step must be a finite number"),
    ({"time_step": np.nan}, "time_step must be a finite number"), ({"n_time_steps": 0}, "n_time_steps must be None or"),
    ({"n_time_steps": 2.0}, "n_time_steps must be None or"), ({"t0": "start"}, 'a finite number or "first"'),
    ({"t0": np.inf}, 'a finite number or "first"'), ({"polarity": "on"}, "polarity must be one of channels, merge, signed"),
    ({"downsample": 0}, "downsample must be"), ({"downsample": (1, 2, 3)}, "downsample must be"),
])
def test_bad_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        EventFrames(**{"sensor_size": (6, 4), "time_step": 10} | options).fit()


@pytest.mark.parametrize("X", [recording(), 5, "recordings", pd.DataFrame({"t": [0]}), (recording() for _ in range(2))])
def test_what_is_no_sequence_of_recordings_is_refused(X):
    with pytest.raises(ValueError, match=r"pass \[X\]|must be a sequence of recordings"):
        EventFrames((6, 4), 10).transform(X)


def test_sequences_of_recordings_may_be_of_any_kind():
    frames, X = EventFrames((6, 4), 10), [recording(seed=seed) for seed in range(3)]
    expected = frames.transform(X).toarray()
    for kind in (tuple, pd.Series, lambda X: [np.ma.array(events) for events in X], np.stack):
        assert_array_equal(frames.transform(kind(X)).toarray(), expected)


def test_more_columns_than_a_sparse_matrix_of_the_core_has_are_refused():
    events = np.array([(0, 0), (2**30, 1)], [("t", "i8"), ("x", "u1")])
    with pytest.raises(ValueError, match=r"must stay below 2\*\*31. Use a longer time_step"):
        EventFrames((2, 1, 1), 1).transform([events])


def test_dropped_events_are_counted_in_one_warning():
    X = [recording(seed=seed) for seed in range(3)]
    late = sum(int((events["t"] >= 900).sum()) for events in X)
    with pytest.warns(UserWarning, match=rf"^{late} event\(s\) of 3 recording\(s\) lie after n_time_steps"):
        made = EventFrames((6, 4), 100, n_time_steps=9).fit_transform(X)
    assert made.shape[1] == 9 and made.lengths is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert EventFrames((6, 4), 100, n_time_steps=12).fit_transform([*X, X[0][:0]]).shape == (4, 12, 48)


def test_advance_tells_how_many_steps_are_complete():
    mapper = EventMapper(EventFrames((6, 4), 100, n_time_steps=12))
    assert mapper.advance(0) == 0
    mapper.map(recording(5, duration=300))
    assert mapper.advance(399.5) == 3
    assert mapper.advance(400) == 4
    with pytest.raises(ValueError, match=r"t=399 is before 400"):
        mapper.advance(399)
    with pytest.raises(ValueError, match=r"Event 0 is at t=\d+, before 400"):
        mapper.map(recording(5, duration=300))
    twin = copy.copy(mapper)
    assert twin.advance(10**30) == 12 and mapper.last_time == 400
    endless = EventMapper(EventFrames((6, 4), 100))
    with pytest.raises(ValueError, match="too many steps of 100 after t0=0"):
        endless.advance(1e30)
    assert endless.last_time is None
    mapper.reset()
    assert (mapper.last_time, mapper.n_events) == (None, 0)
    first = EventMapper(EventFrames((6, 4), 100, t0="first"))
    assert first.advance(1000) == 0 and first.t0 is None
    late = recording(2)
    late["t"] = 1001, 1101
    assert_array_equal(first.map(late)[0], [0, 1])
    assert first.advance(1202) == 2


def moving(label, seed):
    """A dot that moves to the right (label 1) or to the left (label 0), with noise."""
    rng = np.random.default_rng(seed)
    events = np.empty(60, PACKED)
    events["t"] = np.sort(rng.integers(0, 80, 60))
    x = events["t"] // 10
    events["x"] = np.where(rng.random(60) < 0.1, rng.integers(0, 8, 60), x if label else 7 - x)
    events["y"], events["p"] = rng.integers(0, 2, 60), rng.random(60) < 0.5
    return events


LABELS = np.arange(24) % 2
RECORDINGS = [moving(label, seed) for seed, label in enumerate(LABELS)]


@pytest.mark.parametrize("estimator", [
    SpikingMLPClassifier((12,), max_iter=12, leak=0.3, random_state=0),
    SpikingRNNClassifier((12,), max_iter=12, random_state=0),
    SpikingMLPRegressor((12,), max_iter=12, leak=0.3, random_state=0),
    SpikingRNNRegressor((12,), max_iter=30, random_state=0),
], ids=lambda estimator: type(estimator).__name__)
def test_all_estimators_learn_recordings_in_pipelines_and_grid_searches(estimator):
    pipeline = make_pipeline(EventFrames((8, 2), 10, n_time_steps=8), estimator)
    y = LABELS if hasattr(estimator, "predict_proba") else LABELS * 2.0
    search = GridSearchCV(pipeline, {"eventframes__time_step": [10, 20]}, cv=2).fit(RECORDINGS, y)
    assert search.best_score_ > 0.5
    assert cross_val_score(clone(pipeline), np.array(RECORDINGS), y, cv=2).mean() == search.cv_results_["mean_test_score"][0]
    dense = pipeline.fit(RECORDINGS, y)[-1].predict(pipeline[0].transform(RECORDINGS).toarray())
    assert_array_equal(pipeline.predict(RECORDINGS), dense)


@pytest.mark.parametrize("kind", [SpikingMLPClassifier, SpikingRNNClassifier, SpikingMLPRegressor, SpikingRNNRegressor])
def test_estimators_name_event_frames_where_they_get_recordings(kind):
    fitted = kind((3,), max_iter=1).fit(np.eye(4)[:, None], [0, 1, 0, 1])
    unequal = [events[: 20 + k] for k, events in enumerate(RECORDINGS)]
    one = RECORDINGS[0]
    for X in (RECORDINGS, unequal, np.array(unequal, dtype=object), np.stack(RECORDINGS), one, list(one)):
        for call in (kind().fit, fitted.partial_fit, lambda X, y: fitted.predict(X)):
            with pytest.raises(ValueError, match=r"records with the fields t, x, y, p.*make_pipeline\(.*EventFrames"):
                call(X, LABELS)


def test_streams_stay_streams_where_tables_are_asked_for():
    network = SpikingMLPClassifier((5,), leak=0.3, max_iter=1, random_state=0)
    with config_context(transform_output="pandas"):
        frames = EventFrames((8, 2), 10, n_time_steps=8)
        pipeline = make_pipeline(frames, StreamScaler(with_mean=False), network).fit(RECORDINGS, LABELS)
        assert len(pipeline.predict(RECORDINGS)) == len(LABELS)


def test_frames_are_those_of_tonic():
    transforms = pytest.importorskip("tonic.transforms", reason="tonic is not installed")
    for seed in range(5):
        events = recording(seed=seed, duration=1000, dtype=[("t", "i8"), ("x", "i8"), ("y", "i8"), ("p", "i8")])
        events["t"][-1] += events["t"][-1] % 50 == 0  # tonic drops a last event at the very beginning of a window
        for t0, ours in ((0, 0), (int(events["t"][0]), "first")):
            convert = transforms.ToFrame((6, 4, 2), time_window=50, start_time=t0, include_incomplete=True)
            theirs = convert(events.copy())
            assert_array_equal(
                EventFrames((6, 4, 2), 50, t0=ours).fit_transform([events])[0], theirs.reshape(len(theirs), -1)
            )


def written(folder, name, events):
    path = folder / name
    if name.endswith(".npy"):
        np.save(path, events)
    elif name == "array.npz":
        np.savez(path, events=events)
    elif name.endswith(".npz"):
        np.savez(path, **{field: events[field] for field in events.dtype.names}, width=6)
    elif name == "names.csv":
        path.write_text("x,y,on,t,comment\n" + "".join(f"{x},{y},{bool(p)},{t},7\n" for t, x, y, p in events.tolist()))
    elif name.endswith("csv"):
        path.write_text("".join(f"{t},{x},{y},{int(p)}\n" for t, x, y, p in events.tolist()))
    else:
        path.write_text("# t x y p\n" + "".join(f"{t / 1000:.6f} {x} {y} {int(p)}\n" for t, x, y, p in events.tolist()))
    return path


@pytest.mark.parametrize("name", ["a.npy", "array.npz", "fields.npz", "names.csv", "plain.csv", "seconds.txt"])
def test_recordings_are_read_from_files(tmp_path, name):
    events = recording()
    made = read(str(written(tmp_path, name, events)))
    names = find_fields(made.dtype).names
    for field in "xyp":
        assert_array_equal(made[names[field]], events[field])
    if name == "seconds.txt":
        np.testing.assert_allclose(made["t"], events["t"] / 1000)
    else:
        assert_array_equal(made[names["t"]], events["t"])


def test_n_mnists_files_are_read_with_their_overflows(tmp_path):
    """Of the format's description: x, y, then polarity and 23 bits of time, high bits first."""
    records = [(3, 4, 1, 5), (0, 240, 0, 8000), (33, 0, 0, 70_000), (0, 240, 0, 0), (0, 240, 0, 0), (1, 2, 1, 2**23 - 1)]
    data = b"".join(bytes([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255]) for x, y, p, t in records)
    path = tmp_path / "00001.bin"
    path.write_bytes(data)
    events = read(path)
    assert events.dtype == EVENT
    assert events.tolist() == [(5, 3, 4, True), (70_000 + 8192, 33, 0, False), (2**23 - 1 + 3 * 8192, 1, 2, True)]
    path.write_bytes(data[:-1])
    with pytest.raises(ValueError, match=r"00001.bin is no recording.*29 bytes are no whole number of events"):
        read(path)


@pytest.mark.parametrize(("name", "content", "message"), [
    ("a.mp4", b"", "its name tells no format"), ("a.npy", b"nothing", "does not begin as a file .npy does"),
    ("a.npz", b"nothing", "does not begin as a file .npz does"), ("a.npz", b"PK\3\4", "File is not a zip file"),
    ("a.csv", b"t,x\n1,2\n1,two\n", "no recording that can be read: the line '1,two' has 'two' as x, which is no number"),
    ("a.csv", b"1,2,3,1\n\n1,2\n", r"the line '1,2' has 2 value\(s\), not 4 \(t, x, y, p\)"),
    ("a.txt", b"1 2 3 1\n" + b"1 " * 50, r"the line '(1 )+…' has 50 value\(s\), not 4"),
    ("a.csv", b"x,y\n1,2\n", "have no time"),
])
def test_files_that_are_no_recordings_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read(path)


@pytest.mark.parametrize("content", ["", "\n", "t,x,y,p\n", "# t,x,y,p\n"])
def test_texts_without_events_are_empty_recordings(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_text(content)
    assert len(read(path)) == 0
    assert read(path).dtype.names == ("t", "x", "y", "p")


def test_arrays_of_other_shapes_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", t=np.arange(3), x=np.arange(2))
    with pytest.raises(ValueError, match=r"Arrays t, x, y and p of the same length are needed, got t \(3,\), x \(2,\)"):
        read(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"a.npy is no recording .* shape \(2, 4\)"):
        read(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["a.dat", "a.es", "a.raw", "evt2.raw", "a.aedat4"])
def test_formats_of_cameras_are_read_by_faery(tmp_path, name):
    faery = pytest.importorskip("faery", reason="faery is not installed")
    events = np.zeros(200, faery.EVENTS_DTYPE)
    plain = recording(dtype=EVENT)
    plain["t"] -= plain["t"][0]  # ES files do not keep the time of the first event
    for field in EVENT.names:
        events[field] = plain[field]
    options = {"version": "evt2"} if name == "evt2.raw" else {}
    faery.events_stream_from_array(events, (6, 4)).to_file(tmp_path / name, **options)
    assert_array_equal(read(tmp_path / name), plain)


def test_the_missing_faery_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faery", None)
    with pytest.raises(ImportError, match=r'pip install "sk-dsn\[events\]"'):
        read(tmp_path / "a.aedat4")

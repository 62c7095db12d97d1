"""From events to time steps: `EventMapper` for the events of one recording as they come, and
`EventFrames`, the transformer, for whole recordings."""
from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin

from .._compat import DocumentationLink
from .._core.events import Polarity, Records, Refusal
from .._sequences import SparseStreams
from ._recordings import NAMES, check_events, check_recordings, find_fields

if TYPE_CHECKING:
    from .._typing import Array

POLARITIES = {"channels": Polarity.CHANNELS, "merge": Polarity.MERGE, "signed": Polarity.SIGNED}
MOST_STEPS_TO_FIRST = 2**20
MOST_STEPS = 2**62
MOST_COLUMNS = 2**31
LATEST = 2**63 - 1
ROUNDING = 1 + 2**-51  # a real time that lies before a step by rounding alone belongs to it


class EventFrames(DocumentationLink, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Sum the events of recordings in time steps: recordings in, `SparseStreams` out.

    Step k of a recording holds the events of times t0 + k·time_step (inclusive) to
    t0 + (k + 1)·time_step. Its feature p·H·W + y·W + x is the number of events of pixel (x, y) and
    polarity p. Only events cost time and memory; steps without any stay.

    Parameters
    ----------
    sensor_size : tuple of int
        (width, height) or (width, height, polarities), in pixels, as in tonic. Polarities are 2 (the
        default) or 1; with 1 the polarity of events is not read.
    time_step : float
        Length of a step, in the unit of the events' time.
    n_time_steps : int, default=None
        Steps of every recording. Later events are dropped, with a warning that counts them. None:
        each recording ends with the step of its last event, so that a prediction never depends on
        other recordings.
    t0 : float or "first", default=0
        The time at which the first step begins; "first": the time of the recording's first event.
    polarity : {"channels", "merge", "signed"}, default="channels"
        "channels": features of events that are OFF, then of those that are ON; "merge": one channel
        of both; "signed": one channel, in which ON counts 1 and OFF -1.
    downsample : int or tuple of int, default=1
        Width and height of the blocks of pixels that share a feature.

    Attributes
    ----------
    n_features_out_ : int
        Features of a step.

    See Also
    --------
    sk_dsn.streams.SparseStreams : What it makes.
    sk_dsn.events.read : Recordings from files.

    Notes
    -----
    A recording is a structured array of shape (n_events,) whose fields are found by name, or by the
    title of a field: ``t``, ``timestamp`` or ``ts``; ``x``; ``y``, which sensors of height 1 need
    not have; ``p``, ``on``, ``polarity`` or ``pol``, above 0 for ON. A recording that has its
    events in another order than that of time, or outside the sensor, or before `t0`, is refused. So
    is one whose first event is more than 2**20 steps after `t0`, and without `n_time_steps` one
    without events.

    Real times that lie before a step by rounding alone, as 3·0.1 before 0.3, belong to it.

    Frames are those of tonic's ``ToFrame(time_window=time_step, start_time=t0,
    include_incomplete=True)``, flattened, but that tonic leaves out a last event at the very
    beginning of a step.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_dsn.events import EventFrames
    >>> events = [(5, 0, 0, True), (40, 2, 1, False), (41, 2, 1, False)]
    >>> dtype = [("t", np.uint32), ("x", np.uint8), ("y", np.uint8), ("p", bool)]
    >>> X = EventFrames((3, 2), time_step=10).fit_transform([np.array(events, dtype)])
    >>> X
    SparseStreams(shape=(1, 5, 12), nnz=2)
    >>> X[0].reshape(5, 2, 2, 3)[4, 0]
    array([[0., 0., 0.],
           [0., 0., 2.]], dtype=float32)
    """

    n_features_out_: int

    def __init__(
        self,
        sensor_size: Sequence[int],
        time_step: float,
        *,
        n_time_steps: int | None = None,
        t0: float | Literal["first"] = 0,
        polarity: Literal["channels", "merge", "signed"] = "channels",
        downsample: int | tuple[int, int] = 1,
    ) -> None:
        self.sensor_size = sensor_size
        self.time_step = time_step
        self.n_time_steps = n_time_steps
        self.t0 = t0
        self.polarity = polarity
        self.downsample = downsample

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        tags.requires_fit = False
        return tags

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Check the parameters. Nothing is learned.

        Parameters
        ----------
        X : ignored
        y : ignored

        Returns
        -------
        self : EventFrames
        """
        self.n_features_out_ = EventMapper(self).n_features
        return self

    def transform(self, X: Sequence[Array]) -> SparseStreams:
        """Sum recordings in time steps.

        Parameters
        ----------
        X : sequence of structured ndarrays of shape (n_events,)

        Returns
        -------
        X : SparseStreams of float32, shape (n_recordings, n_time_steps, n_features)
            With the length of each recording.
        """
        recordings = check_recordings(X)
        columns, values, lengths, dropped = [], [], [], []
        for number, events in enumerate(recordings):
            mapper = EventMapper(self, f" of recording {number}")
            steps, features, signs = mapper.map(events)
            if self.n_time_steps is None and not len(steps):
                raise ValueError(f"Recording {number} has no events and so no length; leave it out, or set n_time_steps.")
            columns.append(steps * mapper.n_features + features)
            values.append(signs)
            lengths.append(self.n_time_steps or int(steps[-1]) + 1)
            dropped.append(mapper.n_dropped)
        n_features = EventMapper(self).n_features
        _warn_of_dropped(dropped)
        return _streams(columns, values, lengths, n_features)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the features: channel, row and column.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        names : ndarray of str
        """
        width, height, _, _, channels = sensor = EventMapper(self).sensor
        names = {1: [self.polarity if sensor.polarities == 2 else "events"], 2: ["off", "on"]}[channels]
        return np.array([f"{name}_y{y}_x{x}" for name in names for y in range(height) for x in range(width)], dtype=object)


class Sensor(NamedTuple):
    """The grid of pixels, after downsampling."""

    width: int
    height: int
    polarities: int
    pixels: tuple  # width and height of the sensor itself
    channels: int


class EventMapper:
    """Maps the events of one recording, packet by packet, to time steps and features.

    Parameters
    ----------
    frames : EventFrames
        Its parameters are checked and copied.
    where : str
        What error messages say after the number of an event.

    Attributes
    ----------
    n_features : int
    n_time_steps : int or None
    time_step : int or float
    t0 : int, float or None
        None until the first event, where it says the beginning.
    last_time : int, float or None
        The latest time that was told.
    n_events, n_dropped : int
        Events so far within `n_time_steps`, and those after it.

    Notes
    -----
    Where `map` or `advance` raises, the mapper is as it was. Its attributes are plain values: it can
    be copied and pickled.
    """

    def __init__(self, frames, where=""):
        self.sensor = _checked_sensor(frames)
        self.n_features = self.sensor.channels * self.sensor.height * self.sensor.width
        if self.n_features >= MOST_COLUMNS:
            raise ValueError(f"sensor_size={frames.sensor_size!r} has too many pixels: downsample.")
        self.polarity = frames.polarity if self.sensor.polarities == 2 else "merge"
        self.time_step = _checked_number(frames.time_step, "time_step")
        if self.time_step <= 0:
            raise ValueError(f"time_step must be above 0, got {frames.time_step!r}.")
        self.n_time_steps = frames.n_time_steps
        if self.n_time_steps is not None and not (_is_integer(self.n_time_steps) and self.n_time_steps >= 1):
            raise ValueError(f"n_time_steps must be None or an integer of at least 1, got {frames.n_time_steps!r}.")
        self.first = None if isinstance(frames.t0, str) and frames.t0 == "first" else _checked_number(frames.t0, "t0")
        self.where = where
        blocks = _checked_pair(frames.downsample, "downsample")
        area = self.sensor.width * self.sensor.height
        self._grid = (*self.sensor.pixels, *blocks, self.sensor.width, area, int(POLARITIES[self.polarity]))
        self._dtype = self._fields = None
        self.reset()

    def reset(self):
        """Begin a new recording."""
        self.t0 = self.first
        self.last_time = None
        self.n_events = self.n_dropped = 0

    def map(self, events):
        """The time step, feature and value of the next events of the recording.

        Parameters
        ----------
        events : structured ndarray of shape (n_events,)
            It is not changed. Its times are at or after all those told before.

        Returns
        -------
        steps : ndarray of int64, shape (n_kept,)
            In ascending order, 0 at t0. Events after `n_time_steps` are left out.
        features : ndarray of int32, shape (n_kept,)
        values : ndarray of float32, shape (n_kept,)
            1, and -1 for OFF where the polarity is signed.
        """
        events = check_events(events, self.where)
        fields = self._fields_of(events.dtype)
        if not len(events):
            return np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)
        read = events
        if fields.readable is not None:
            read = np.empty(len(events), fields.readable)
            for field, name in fields.names.items():
                read[field] = events[name]
        records = Records(read, fields.layout)
        refusal, k, first, last = records.check_times()
        if refusal:
            self._refuse(refusal, k, events, fields)
        t0 = first if self.t0 is None else self.t0
        self._check_span(first, last, t0, len(events) - 1)
        refusal, k, steps, features, values = records.map(t0, self.time_step, self._grid)
        if refusal:
            self._refuse(refusal, k, events, fields)
        if self.n_time_steps is not None and steps[-1] >= self.n_time_steps:
            kept = np.searchsorted(steps, self.n_time_steps)
            steps, features, values = steps[:kept], features[:kept], values[:kept]
            self.n_dropped += len(events) - kept
        self.t0, self.last_time = t0, last
        self.n_events += len(steps)
        return steps, features, values

    def advance(self, t):
        """Say that no event before time `t` will come any more.

        Parameters
        ----------
        t : float
            Not before any time told so far.

        Returns
        -------
        n_complete : int
            Steps that end at or before `t`, at most `n_time_steps`; 0 before t0 is known.
        """
        t = _checked_number(t, "t")
        if self.last_time is not None and t < self.last_time:
            raise ValueError(f"t={t} is before {self.last_time}, the latest time so far; time does not go back.")
        n_complete = 0
        if self.t0 is not None and t >= self.t0:
            n_complete = _step_of(t, self.t0, self.time_step)
            if self.n_time_steps is not None:
                n_complete = min(n_complete, self.n_time_steps)
        if n_complete > MOST_STEPS:
            raise ValueError(f"t={t} is too many steps of {self.time_step} after t0={self.t0}.")
        self.last_time = t
        return n_complete

    def _fields_of(self, dtype):
        """The fields of events of a type, which the sensor must fit."""
        if dtype is self._dtype:
            return self._fields
        fields = find_fields(dtype)
        width, height = self.sensor.pixels
        for axis, size in (("x", width), ("y", height)):
            if axis not in fields.names and size > 1:
                raise ValueError(f"Events{self.where} have no field {axis}, but sensor_size is {(width, height)}.")
        if "p" not in fields.names and self.polarity != "merge":
            raise ValueError(
                f"Events{self.where} have no polarity: none of their fields {dtype.names} is {', '.join(NAMES['p'])}. Set "
                f"sensor_size=({width}, {height}, 1)."
            )
        self._dtype, self._fields = dtype, fields
        return fields

    def _check_span(self, first, last, t0, last_number):
        """Raises where the first of some events comes too early, or the last one too late."""
        if self.last_time is not None:
            if first < self.last_time:
                raise ValueError(f"Event 0{self.where} is at t={first}, before {self.last_time}, the latest time so far.")
        elif first < t0:
            raise ValueError(
                f"Event 0{self.where} is at t={first}, before t0={t0}. Set t0 to the time at which recordings begin, or "
                't0="first".'
            )
        elif _step_of(first, t0, self.time_step) > MOST_STEPS_TO_FIRST:
            raise ValueError(
                f"Event 0{self.where} is at t={first}, more than 2**20 steps of {self.time_step} after t0={t0}. Set t0 to "
                'the time at which recordings begin, or t0="first".'
            )
        if last - t0 > LATEST or _step_of(last, t0, self.time_step) > MOST_STEPS:
            raise ValueError(f"Event {last_number}{self.where} is at t={last}, too many steps after t0={t0}.")

    def _refuse(self, refusal, k, events, fields):
        """Raises the error for event k, which the core has refused."""
        record, event = events[k], f"Event {k}{self.where}"
        t, (width, height) = record[fields.names["t"]], self.sensor.pixels
        if refusal == Refusal.NOT_FINITE:
            raise ValueError(f"{event} is at t={t}, which is not finite.")
        if refusal == Refusal.GOES_BACK:
            raise ValueError(
                f"{event} is at t={t}, before event {k - 1} at t={events[k - 1][fields.names['t']]}. Sort events by time: "
                f'events[np.argsort(events["{fields.names["t"]}"], kind="stable")].'
            )
        if refusal == Refusal.TOO_LATE:
            raise ValueError(f"{event} is at t={t}; times must stay below 2**63.")
        if refusal == Refusal.NO_POLARITY:
            raise ValueError(f"{event} has the polarity NaN.")
        axis, size = ("x", width) if refusal == Refusal.OUTSIDE_WIDTH else ("y", height)
        raise ValueError(
            f"{event} has {axis}={record[fields.names[axis]]}, outside sensor_size={(width, height)}: {axis} is from 0 to "
            f"{size - 1}."
        )


def _step_of(t, t0, time_step):
    """The step of a time at or after t0."""
    elapsed = t - t0
    if isinstance(elapsed, int) and isinstance(time_step, int):
        return elapsed // time_step
    return math.floor(elapsed / time_step * ROUNDING)


def _streams(columns, values, lengths, n_features):
    """`SparseStreams` of float32 of the columns and values of each recording."""
    n_time_steps = max(lengths, default=1)
    if n_time_steps * n_features >= MOST_COLUMNS:
        raise ValueError(
            f"{n_time_steps} steps of {n_features} features are too many: their product must stay below 2**31. Use a longer "
            "time_step, downsample, n_time_steps, or shorter recordings."
        )
    indptr = np.concatenate([[0], np.cumsum([len(c) for c in columns], dtype=np.int64)])
    columns = np.concatenate([np.empty(0, np.int64), *columns]).astype(np.int32)
    values = np.concatenate([np.empty(0, np.float32), *values])
    csr = csr_matrix((values, columns, indptr), (len(lengths), n_time_steps * n_features))
    csr.sum_duplicates()
    csr.eliminate_zeros()
    lengths = np.array(lengths, np.int64)
    return SparseStreams(csr, n_time_steps, None if (lengths == n_time_steps).all() else lengths)


def _warn_of_dropped(dropped):
    total = sum(dropped)
    if total:
        warnings.warn(
            f"{total} event(s) of {sum(n > 0 for n in dropped)} recording(s) lie after n_time_steps and are dropped.",
            UserWarning, stacklevel=3,
        )


def _is_integer(value):
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))


def _checked_number(value, name):
    """A finite number as an int, where it is whole, or a float."""
    if not isinstance(value, Real) or isinstance(value, (bool, np.bool_)) or not math.isfinite(value):
        meant = 'a finite number or "first"' if name == "t0" else "a finite number"
        raise ValueError(f"{name} must be {meant}, got {value!r}.")
    return int(value) if value == int(value) and abs(value) <= LATEST else float(value)


def _checked_pair(value, name):
    pair = (value, value) if _is_integer(value) else value
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(_is_integer(n) and n >= 1 for n in pair):
        raise ValueError(f"{name} must be an integer of at least 1 or two of them, (width, height), got {value!r}.")
    return int(pair[0]), int(pair[1])


def _checked_sensor(frames):
    size = frames.sensor_size
    if (
        not isinstance(size, (tuple, list, np.ndarray))
        or len(size) not in (2, 3)
        or not all(_is_integer(n) and n >= 1 for n in size)
        or (len(size) == 3 and size[2] > 2)
    ):
        raise ValueError(
            f"sensor_size must be (width, height) or (width, height, polarities), with 1 or 2 polarities, got {size!r}."
        )
    if frames.polarity not in POLARITIES:
        raise ValueError(f"polarity must be one of {', '.join(POLARITIES)}, got {frames.polarity!r}.")
    width, height, polarities = (*map(int, size), 2)[:3]
    across, down = _checked_pair(frames.downsample, "downsample")
    channels = 2 if polarities == 2 and frames.polarity == "channels" else 1
    return Sensor(-(-width // across), -(-height // down), polarities, (width, height), channels)

"""Live streams, public in `sk_dsn.streams`: events or vectors in, an answer at any moment.

How to read it: `LiveStream` is what `create_stream` returns. Its `_source` knows time: it turns
packets into time steps and keeps the recording, `EventSource` of events and `VectorSource` of
vectors. Its core (`FittedNetwork.core_stream`) holds the state of the network.
"""
from __future__ import annotations

import copy
from numbers import Real
from operator import is_
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import csr_matrix, issparse

from ._network import network_of, state_of
from ._sequences import SparseStreams
from ._targets import Values

if TYPE_CHECKING:
    from ._typing import Array, ArrayLike, Float32Array, Float64Array, Network, Sparse


def open_stream(estimator, frames, n_features, learn):
    """The stream of a fitted estimator that its `create_stream` returns."""
    network = network_of(estimator)
    expected = network.n_units[0]
    if frames is not None:
        if n_features is not None:
            raise ValueError("frames say how many features there are: pass frames or n_features, not both.")
        source = EventSource(frames)
        if source.n_features != expected:
            raise ValueError(
                f"frames make {source.n_features} features a time step, but {type(estimator).__name__} was fitted on "
                f"{expected}. Pass the EventFrames that it was trained behind."
            )
    else:
        if n_features is not None and n_features != expected:
            raise ValueError(f"n_features={n_features!r}, but {type(estimator).__name__} was fitted on {expected} features.")
        source = VectorSource(expected)
    kind = LiveStream if isinstance(network.targets, Values) else ClassifierStream
    return kind(estimator, network, source, [] if learn else None)


class LiveStream:
    """The answer of a fitted network to one recording while it comes in.

    Made by `create_stream` of the estimators. Of events, a time step is complete once a later event,
    or `advance`, says so; a vector is a complete time step. Answers are those of complete steps:
    the ones that `staged_predict` gives for the whole recording, to the bit, however the recording
    is cut into packets.

    Attributes
    ----------
    time_ : int, float or None
        The latest time that was told, in the unit of the events; None before. Of vectors, the time
        steps so far.
    n_events_ : int
        Events so far; of vectors, values that are not zero.
    n_steps_ : int
        Complete time steps.
    operations_ : int
        Additions of weights so far: each spike is added to each of the neurons that it reaches. (By
        the counting simulation, which computes an answer when it is asked for one, a unit's spikes
        are added together.)

    See Also
    --------
    ClassifierStream : That of a classifier.

    Notes
    -----
    A stream has the parameters and weights that the estimator had when the stream was opened. Once
    the estimator has other weights, as after `fit`, the stream raises; open another one. (It does
    not notice numbers that are written into the arrays of `coefs_` or `intercepts_`.) `exit_margin`
    does not end a stream.

    Where a call raises, the stream is as it was, also after Ctrl-C. Streams can be copied, and
    pickled together with their estimator. Threads may use streams of the same estimator, each its
    own.

    In a gap without input the network is run step by step until its state repeats, and then the
    steps are skipped. So a gap takes no longer than the network takes to come to rest: about
    100·ln(2)/leak steps without biases. With biases, units may repeat with different periods, and
    without leak biases drive a time-stepped simulation on: all steps are run then, about 10**6 a
    second. The counting simulation skips them.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_dsn import SpikingMLPClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 200)
    >>> X = rng.normal(size=(200, 12, 2))
    >>> X[np.arange(200), 2:5, y] += 3
    >>> X[np.arange(200), 7:10, 1 - y] += 3
    >>> clf = SpikingMLPClassifier((20,), leak=0.1, max_iter=20, random_state=0).fit(X, y)
    >>> stream = clf.create_stream(n_features=2)
    >>> answers = [stream.feed(x).predict()[0] for x in X[0]]
    >>> answers == [labels[0] for labels in clf.staged_predict(X[:1])]
    True
    >>> stream.n_steps_
    12
    """

    def __init__(self, estimator: Network, network: Any, source: Any, packets: list[Any] | None) -> None:
        self._estimator = estimator
        self._source = source
        self._packets = packets  # None: the recording is not kept
        self._open(network)

    def _open(self, network):
        self._network = network
        weights = {"coefs_": network.coefs, "intercepts_": network.intercepts, "recurrent_coefs_": network.recurrent_coefs}
        self._weights = [(name, arrays, list(arrays)) for name, arrays in weights.items() if arrays]
        self._core = network.core_stream()
        if network.grid is not None:
            self._core.round_input(network.grid["input_step"], *(network.grid["input_range"] or (-np.inf, np.inf)))

    # Input.

    def feed(self, packet: ArrayLike | Sparse) -> Self:
        """Take the next events or vectors.

        Parameters
        ----------
        packet : structured ndarray of shape (n_events,), or array-like or sparse matrix of shape \
(n_time_steps, n_features) or (n_features,)
            Events, none before the latest time so far, of a stream opened with `frames`; else the
            vectors of the next time steps. It may be empty.

        Returns
        -------
        self : LiveStream

        Raises
        ------
        ValueError
            For events or vectors that are refused, and where they drive the network out of the range
            in which spikes can be counted. The stream is as it was.
        """
        kept = self._run(self._source.feed, packet)
        if self._packets is not None:
            self._packets.append(kept)
        return self

    def advance(self, t: float) -> Self:
        """Say that nothing comes before time `t` any more. The time steps up to then are complete.

        Parameters
        ----------
        t : float
            In the unit of the events, not before the latest time so far. Of vectors, a number of
            time steps in all: those that are missing are zero.

        Returns
        -------
        self : LiveStream
        """
        self._run(self._source.advance, t)
        return self

    def reset(self) -> Self:
        """Forget the recording, to begin another one.

        Returns
        -------
        self : LiveStream
        """
        self._check_weights()
        self._core.reset()
        self._source.reset()
        if self._packets is not None:
            self._packets = []
        return self

    def _run(self, take, argument):
        """Has the source take a packet or a time; where that fails, all is as it was."""
        self._check_weights()
        before = self._source.time()
        try:
            failed, kept = take(argument, self._core)
            if failed >= 0:
                raise ValueError(self._out_of_range(failed))
        except BaseException:
            self._source.go_back(before)
            raise
        return kept

    def _check_weights(self):
        """Raises where the estimator no longer has the weights that the stream runs."""
        state = vars(self._estimator)
        for name, arrays, opened in self._weights:
            if state.get(name) is not arrays or not all(map(is_, arrays, opened)):
                raise ValueError(
                    f"The weights of {type(self._estimator).__name__} are not those that the stream was opened with: it "
                    "was trained, or given others. Open another stream: estimator.create_stream(...)."
                )

    def _out_of_range(self, layer):
        unlimited = self._network.dynamics.leak > 0 or self._network.recurrent_coefs
        limit = "2**24 a layer and time step" if unlimited else "2**24 a layer from the last reset() on"
        return (
            f"The stream drives {'the input' if layer == 0 else f'layer {layer}'} out of the range in which spikes can be "
            f"counted ({limit}), and is left as it was. Scale the input as in training"
            f"{'' if unlimited else ', call reset() between recordings, or train with a leak'}."
        )

    # Answers.

    def predict(self) -> Array:
        """The answer after the last complete time step.

        Returns
        -------
        y : ndarray of shape (1,) or (1, n_outputs)
            As `predict` of the estimator gives for one sample.
        """
        return self._network.targets.decode(self._answers())

    def _answers(self):
        self._check_weights()
        if self._core.n_complete == 0:
            raise ValueError(
                "There is no answer before the first complete time step: feed more, or complete it with advance(t)."
            )
        answers = self._core.answers()
        if isinstance(answers, int):
            raise ValueError(self._out_of_range(answers))
        return answers

    # Learning.

    def partial_fit(self, y: ArrayLike) -> Self:
        """Learn the recording so far, open step included, as `partial_fit` of the estimator does, and
        begin another one.

        The stream goes on with the new weights. Other streams of the estimator then raise.

        Parameters
        ----------
        y : scalar, or array-like of shape (1,), (n_outputs,) or (1, n_outputs)
            The target of the recording.

        Returns
        -------
        self : LiveStream
        """
        self._check_weights()
        if self._packets is None:
            raise ValueError("The stream does not keep its recording: open it with create_stream(..., learn=True).")
        X = self._source.recording(self._packets, self._core)
        estimator, y = self._estimator, np.asarray(y)
        n_dimensions = 1 if self._network.targets.single else 2
        estimator.partial_fit(X, y if y.ndim == n_dimensions else y[np.newaxis])
        self._open(network_of(estimator))
        self._source.reset()
        self._packets = []
        return self

    # The state.

    @property
    def time_(self) -> float | None:
        return self._source.last_time

    @property
    def n_events_(self) -> int:
        return self._source.n_events

    @property
    def n_steps_(self) -> int:
        return self._core.n_complete

    @property
    def operations_(self) -> int:
        return self._core.n_operations

    def __repr__(self):
        return f"{type(self).__name__}(n_steps_={self.n_steps_}, time_={self.time_})"

    def __getstate__(self):
        self._check_weights()
        state = {name: value for name, value in vars(self).items() if name not in ("_core", "_weights")}
        # The estimator has the weights.
        state["_network"] = self._network._replace(coefs=None, intercepts=None, recurrent_coefs=None, estimator=None)
        state["_source"] = copy.copy(self._source)
        state["_packets"] = None if self._packets is None else list(self._packets)
        return state | {"core": self._core.state()}

    def __setstate__(self, state):
        state = dict(state)
        core = state.pop("core")
        vars(self).update(state)
        estimator = state_of(self._estimator)
        self._open(
            self._network._replace(
                coefs=estimator.coefs_,
                intercepts=estimator.intercepts_,
                recurrent_coefs=getattr(estimator, "recurrent_coefs_", ()),
                estimator=estimator,
            )
        )
        self._core.restore(core)


class ClassifierStream(LiveStream):
    """A `LiveStream` of a classifier.

    See Also
    --------
    LiveStream : All that both kinds do.
    """

    def decision_function(self) -> Float32Array:
        """The outputs after the last complete time step.

        Returns
        -------
        decision : ndarray of float32, shape (1, n_classes), or (1,) for two classes
            As `decision_function` of the estimator gives for one sample.
        """
        return self._network.targets.decision(self._answers())

    def predict_proba(self) -> Float64Array:
        """Probabilities after the last complete time step.

        Returns
        -------
        probabilities : ndarray of float64, shape (1, n_classes)
            As `predict_proba` of the estimator gives for one sample.
        """
        return self._network.targets.probabilities(self._answers())


class EventSource:
    """Events: which time step and feature they belong to."""

    def __init__(self, frames):
        # A part of the time of importing sk_dsn.
        from .events import EventFrames
        from .events._frames import EventMapper

        if not isinstance(frames, EventFrames):
            raise TypeError(f"frames must be sk_dsn.events.EventFrames, got {type(frames).__name__}.")
        self.mapper = EventMapper(frames)
        self.n_features = self.mapper.n_features

    def __copy__(self):
        other = object.__new__(EventSource)
        other.mapper, other.n_features = copy.copy(self.mapper), self.n_features
        return other

    @property
    def last_time(self):
        return self.mapper.last_time

    @property
    def n_events(self):
        return self.mapper.n_events

    def time(self):
        """The state that `go_back` restores."""
        mapper = self.mapper
        return mapper.t0, mapper.last_time, mapper.n_events, mapper.n_dropped

    def go_back(self, time):
        mapper = self.mapper
        mapper.t0, mapper.last_time, mapper.n_events, mapper.n_dropped = time

    def reset(self):
        self.mapper.reset()

    def feed(self, events, core):
        """Returns the layer that failed or -1, and the packet as it is kept."""
        mapped = self.mapper.map(events)
        # Later events say that all steps are complete.
        return core.feed(*mapped, self.mapper.n_time_steps if self.mapper.n_dropped else 0), mapped

    def advance(self, t, core):
        return core.advance(self.mapper.advance(t)), None

    def recording(self, packets, core):
        n_steps = self.mapper.n_time_steps
        if n_steps is None:
            n_steps = core.n_complete + core.has_open_events
        check_not_empty(n_steps)
        return sparse_recording(packets, n_steps, self.n_features)


class VectorSource:
    """Vectors, one a time step. Time is the number of steps."""

    def __init__(self, n_features):
        self.n_features = n_features
        self.reset()

    def time(self):
        return self.last_time, self.n_events

    def go_back(self, time):
        self.last_time, self.n_events = time

    def reset(self):
        self.last_time = self.n_events = 0

    def feed(self, vectors, core):
        vectors = check_vectors(vectors, self.n_features)
        first, n_steps = self.last_time, vectors.shape[0]
        if isinstance(vectors, np.ndarray):
            values, kept = vectors, (first, vectors)
            failed = core.feed_frames(vectors)
        else:
            values = vectors.data
            steps = first + np.repeat(np.arange(n_steps), np.diff(vectors.indptr))
            kept = steps, vectors.indices.astype(np.int32), values
            failed = core.feed(*kept, first + n_steps)
        self.last_time += n_steps
        self.n_events += int(np.count_nonzero(values))
        return failed, kept

    def advance(self, t, core):
        if not isinstance(t, Real) or isinstance(t, bool) or not t < 2**62:
            raise ValueError(f"t must be a number of time steps, got {t!r}.")
        if t < self.last_time:
            raise ValueError(f"t={t} is before {self.last_time}, the time steps so far; time does not go back.")
        self.last_time = int(t)
        return core.advance(self.last_time), None

    def recording(self, packets, core):
        n_steps = self.last_time
        check_not_empty(n_steps)
        if any(len(packet) == 3 for packet in packets):
            return sparse_recording(map(triples, packets), n_steps, self.n_features)
        X = np.zeros((1, n_steps, self.n_features), np.float32)
        for first, vectors in packets:
            X[0, first : first + len(vectors)] = vectors
        return X


def check_vectors(vectors, n_features):
    """A copy of vectors in float32, as a C-ordered array or a CSR matrix of shape (n_time_steps,
    n_features). Whether an array's values are finite is left to the core."""
    sparse = issparse(vectors)
    if sparse:
        vectors = csr_matrix(vectors)
    else:
        vectors = np.asarray(vectors)
        if vectors.shape == (0,):
            vectors = np.empty((0, n_features))
        elif vectors.ndim == 1:
            vectors = vectors[np.newaxis]
    dtype = vectors.dtype
    if dtype.fields is not None:
        raise ValueError("The packet holds events; open a stream of events: create_stream(frames=EventFrames(...)).")
    if dtype.kind not in "fiub":
        raise ValueError(f"Vectors must hold real numbers, got an array of type {dtype}.")
    if vectors.ndim != 2 or vectors.shape[1] != n_features:
        raise ValueError(
            f"Vectors must have the shape (n_time_steps, {n_features}) or ({n_features},), got {vectors.shape}."
        )
    if dtype == np.float32 and not sparse:  # a few µs sooner
        return vectors.copy()
    with np.errstate(over="ignore"):
        vectors = vectors.astype(np.float32, order="C") if not sparse else vectors.astype(np.float32)
    if sparse and not np.isfinite(vectors.data).all():
        raise ValueError("Vectors hold NaN or infinity.")
    return vectors


def check_not_empty(n_steps):
    if not n_steps:
        raise ValueError("The recording has no time step yet, and nothing to learn: feed more first.")


def triples(packet):
    """Time steps, features and values of kept vectors."""
    if len(packet) == 3:
        return packet
    first, vectors = packet
    steps, features = np.nonzero(vectors)
    return first + steps, features, vectors[steps, features]


def sparse_recording(packets, n_steps, n_features):
    """Streams of one sample, of time steps, features and values in the order of time."""
    steps, features, values = (np.concatenate(parts) for parts in zip(EMPTY, *packets, strict=True))
    if n_steps * n_features >= 2**31:
        raise ValueError(
            f"A recording of {n_steps} time steps of {n_features} features is too long to learn: their product must stay "
            "below 2**31. Learn shorter recordings, or take a longer time_step."
        )
    csr = csr_matrix((values, (np.zeros(len(steps), np.int64), steps * n_features + features)), (1, n_steps * n_features))
    csr.eliminate_zeros()
    return SparseStreams(csr, n_steps)


EMPTY = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)

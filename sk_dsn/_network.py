"""FittedNetwork: weights and dynamics that can be run. Everything that runs a fitted network takes
one.

How to read it: `FittedNetwork.of` reads an estimator, `answers`, `outputs`, `staged_outputs` and
`exit_steps` run the network, `core_stream` opens a live stream, `spike_counts` and its kin count
spikes. `fitted_network` also unwraps a Pipeline. The core is called here alone to predict.
"""
from numbers import Integral, Real
from operator import is_
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._compat import check_parameters
from ._core.network import Network, is_padded, padded_copy
from ._core.simulate.outputs import outputs as core_outputs
from ._core.simulate.spikes import spike_counts as core_spike_counts
from ._core.simulate.stream import CountingStream, SteppedStream
from ._grid import round_input
from ._inputs import active_features, check_finite, check_input, core_samples, is_stream
from ._parameters import Dynamics, core_dynamics, dynamics_of, time_steps
from ._sequences import step_counts
from ._targets import fitted_targets
from ._threads import row_blocks, run_in_threads, thread_count

# From so many samples on, a copy of the weights in the core's own layout costs less than it saves.
MANY_ROWS = 1000


class IdleNetworks:
    """Core networks of a fitted estimator that wait for its next single sample, since to make one
    takes longer than to run it.

    They borrow the estimator's own arrays, so they notice values that change; arrays that were
    replaced are noticed here. They are no part of the estimator's state: its copies and pickles
    have none.
    """

    def __init__(self):
        self._waiting = []

    def __eq__(self, other):
        return isinstance(other, IdleNetworks)

    __hash__ = None

    def __deepcopy__(self, memo):
        return IdleNetworks()

    def __reduce__(self):
        return IdleNetworks, ()

    def take(self, kind, arrays):
        """A network of the kind and of these arrays, or None."""
        try:
            network, kind_then, arrays_then = self._waiting.pop()
        except IndexError:  # other threads use those that there are
            return None
        same = kind_then == kind and len(arrays_then) == len(arrays) and all(map(is_, arrays_then, arrays))
        return network if same else None

    def put(self, network, kind, arrays):
        self._waiting.append((network, kind, arrays))


class FittedNetwork(NamedTuple):
    """A fitted network, with the parameters that its estimator had when it was read. It is frozen.

    Its arrays are those of the estimator, not copies. X, where it is not said to be unchecked,
    comes from `check_input`.
    """

    coefs: list  # of ndarray, shape (n_in, n_out)
    intercepts: list  # of ndarray, shape (n_out,)
    dynamics: Dynamics
    n_time_steps: int  # of static samples; a stream brings its own
    targets: Any  # Labels, Indicators or Values
    fit_intercept: bool
    exit_margin: float | None
    n_jobs: int | None
    estimator: Any  # knows the names of the features, by which X is checked, and how it was trained
    grid: dict | None = None  # of a quantised network, see `_grid`
    recurrent_coefs: list | tuple = ()  # of ndarray, shape (n, n), one a hidden layer; empty without recurrence

    # Additions of a block of rows, as if every unit spiked at every step: some milliseconds, so
    # that a block is worth a thread, and one that is running ends soon after Ctrl-C.
    work_of_block = 1e8
    # Spikes of single units are counted in batches of about so many numbers.
    numbers_of_batch = 2**22
    core_outputs = staticmethod(core_outputs)
    core_spike_counts = staticmethod(core_spike_counts)

    @classmethod
    def of(cls, estimator):
        """The network of a fitted estimator.

        It is of one state: where another thread trains the estimator, of that before or that after.

        Raises NotFittedError, or ValueError for parameters with which it cannot be run.
        """
        estimator = state_of(estimator)
        if not hasattr(estimator, "coefs_"):
            check_is_fitted(estimator)
        exit_margin = exit_margin_of(estimator)
        return cls(
            estimator.coefs_,
            estimator.intercepts_,
            dynamics_of(estimator),
            time_steps(estimator),
            fitted_targets(estimator),
            estimator.fit_intercept,
            exit_margin,
            estimator.n_jobs,
            estimator,
            getattr(estimator, "grid_", None),
        )

    # Sizes.

    @property
    def n_units(self):
        """Units of each layer, input first."""
        return [self.coefs[0].shape[0], *(w.shape[1] for w in self.coefs)]

    @property
    def n_weights(self):
        return sum(w.size for w in [*self.coefs, *self.recurrent_coefs])

    @property
    def fan_out(self):
        """Of each layer that spikes, the units that a spike reaches."""
        own = [0, *(w.shape[1] for w in self.recurrent_coefs)] if self.recurrent_coefs else [0] * len(self.coefs)
        return [above + itself for above, itself in zip(self.n_units[1:], own, strict=True)]

    @property
    def n_connections(self):
        """Of each unit that spikes, layer after layer, the weights to other units that are not zero."""
        counts = [np.count_nonzero(w, axis=1) for w in self.coefs]
        for count, w in zip(counts[1:], self.recurrent_coefs, strict=False):
            count += np.count_nonzero(w, axis=1)
        return np.concatenate(counts)

    # Input and arrays.

    def check_input(self, X):
        """Unchecked X as the other methods take it, on the input grid of a quantised network.

        Raises ValueError where it does not have the features of the estimator.
        """
        X = self.check_features(X)
        return X if self.grid is None else round_input(self.estimator, X, self.grid)

    def check_features(self, X):
        """Unchecked X as an array of the core's kind, with the features of the estimator."""
        return check_input(self.estimator, X)

    def steps_of(self, X):
        """Time steps of the samples of X, of the longest one."""
        return X.shape[1] if is_stream(X) else self.n_time_steps

    def step_counts(self, X):
        """Time steps of each sample of X, shape (n_samples,)."""
        return step_counts(X) if is_stream(X) else np.full(X.shape[0], self.n_time_steps, dtype=np.int64)

    def arrays(self, n_rows=1):
        """Weights and biases as the core reads them, to predict so many samples.

        They are copied where a user has put in another kind of array, and where that is soon made
        good, as weights from a file are not in the layout that is read fastest.
        """
        coefs = [
            w
            if w.dtype == np.float32
            and w.strides[1] == w.itemsize
            and w.flags.aligned
            and (n_rows < MANY_ROWS or is_padded(w))
            else padded_copy(w)
            for w in self.coefs
        ]
        return coefs, [orderly(b) for b in self.intercepts]

    # Outputs.

    def core_network(self, weights, n_time_steps, n_rows):
        """The core's network of weights from `arrays`, to predict so many samples."""
        return Network(core_dynamics(self.dynamics, n_time_steps), *weights, n_together=max(1, n_rows))

    def answer_options(self):
        """Arguments of the core's `outputs` that say which answers are read."""
        return {"mean": self.dynamics.readout == "mean"}

    def answers(self, X):
        """The outputs of each sample when it exits, shape (n_samples, n_outputs)."""
        return self._run(X, exits=self.exit_margin is not None)[0][0]

    def outputs(self, X, rows=None):
        """Outputs after the last time step for (rows of) X, shape (n_rows, n_outputs)."""
        return self._run(X, rows=rows)[0][0]

    def staged_outputs(self, X):
        """Outputs after each time step, shape (n_time_steps, n_samples, n_outputs)."""
        return self._run(X, n_steps=self.steps_of(X))[0]

    def exit_steps(self, X):
        """The time step after which each sample ends, shape (n_samples,)."""
        if self.exit_margin is None:
            return self.step_counts(X)
        return self._run(X, exits=True)[1]

    def _run(self, X, n_steps=1, rows=None, exits=False):
        """Outputs after the last n_steps time steps for (rows of) X, shape (n_steps, n_rows,
        n_outputs).

        With `exits` samples may end early; then also the time step at which each row ended, else
        None.
        """
        n_rows = X.shape[0] if rows is None else len(rows)
        out = np.empty((n_steps, n_rows, self.targets.n_outputs), dtype=np.float32)
        options, exit_steps = self.answer_options(), None
        if exits:
            options |= {"exit_margin": float(self.exit_margin), "exit_threshold": self.targets.exit_threshold}
            exit_steps = np.empty(n_rows, dtype=np.int64)
        if n_rows == 1 and rows is None:
            failed_row = self._run_one(X, out, options if exit_steps is None else options | {"exit_steps": exit_steps})
        else:
            failed_row = self._run_blocks(X, out, rows, exit_steps, options)
        if failed_row >= 0:
            self._raise_out_of_range(X, failed_row)
        return out, exit_steps

    def _run_one(self, X, out, options):
        """Runs the one sample of X. Returns the row that failed, or -1."""
        n_time_steps = self.steps_of(X)
        kind = self.dynamics, n_time_steps
        own, idle = [*self.coefs, *self.recurrent_coefs, *self.intercepts], getattr(self.estimator, "_idle_networks", None)
        network = idle and idle.take(kind, own)
        if network is None:
            network = self.core_network(self.arrays(), n_time_steps, 1)
            if not all(map(is_, network.arrays, own)):  # copies would not notice changed values
                idle = None
        failed_row = self.core_outputs(network, core_samples(X), out, **options)
        if idle and failed_row < 0:
            idle.put(network, kind, own)
        return failed_row

    def _run_blocks(self, X, out, rows, exit_steps, options):
        """Runs (rows of) X, block by block, in threads. Returns the first row that failed, or -1."""
        n_time_steps = self.steps_of(X)
        n_steps, n_rows, _ = out.shape
        weights = self.arrays(n_rows)
        samples, failed_rows, networks = core_samples(X), [], []

        def run(queue):
            network = self.core_network(weights, n_time_steps, n_rows)
            networks.append(network)
            while queue:
                try:
                    block = queue.popleft()
                except IndexError:  # another thread was faster
                    return
                failed_row = self.core_outputs(
                    network,
                    samples,
                    out[:, block],
                    rows=rows if rows is None else rows[block],
                    exit_steps=exit_steps if exit_steps is None else exit_steps[block],
                    **options,
                )
                if failed_row >= 0:
                    failed_rows.append(failed_row)

        blocks, n_threads = [slice(0, n_rows)], 1
        if n_rows > 1:
            stepped = self.dynamics.simulation != "counting"
            n_looks = n_time_steps if stepped or is_stream(X) else n_steps
            shared = row_blocks(n_rows, n_looks * self.work_of_look(X), self.work_of_block)
            n_threads = min(len(shared), self._n_threads())
        if n_threads > 1:
            blocks = shared
            rows = np.arange(n_rows) if rows is None else rows
        run_in_threads(run, blocks, n_threads, lambda: [network.stop() for network in networks])
        return min(failed_rows, default=-1)

    def work_of_look(self, X):
        """Additions that a sample of X takes at most each time the network looks at it."""
        return active_features(X) * self.coefs[0].shape[1] + sum(w.size for w in self.coefs[1:])

    def _n_threads(self):
        if not isinstance(self.n_jobs, Integral | None):
            check_parameters(self.estimator, "n_jobs")
        return thread_count(self.n_jobs)

    def _raise_out_of_range(self, X, row):
        check_finite(self.estimator, X)
        raise ValueError(
            f"Sample {row} of X drives the network out of the range in which spikes can be counted (2**24 a layer) in "
            f"{self.steps_of(X)} time steps. Scale the features as in training, or lower n_time_steps."
        )

    def core_stream(self):
        """The core's state of a live stream of the network."""
        network = self.core_network(self.arrays(), 1, 1)
        if self.dynamics.simulation == "counting":
            return CountingStream(network)
        return SteppedStream(network, **self.answer_options())

    # Spikes.

    def spike_counts(self, X):
        """Spikes of the input and of each hidden layer.

        The shape is (n_samples, n_time_steps, n_layers - 1).
        """
        return self._count(X)[0]

    def unit_spike_counts(self, X):
        """Spikes of each unit by sign.

        A list of arrays (n_samples, n_time_steps, n_units, 2), one a layer, input first.
        """
        return np.split(self._count(X, by_unit=True)[1], np.cumsum(self.n_units[:-2]), axis=2)

    def unit_batches(self, X):
        """Yield spikes of each unit, of all layers, for batches of samples: arrays (n_rows,
        n_time_steps, n_units).

        Memory does not grow with the number of samples.
        """
        n_rows = max(1, self.numbers_of_batch // (2 * sum(self.n_units[:-1]) * self.steps_of(X)))
        for first in range(0, X.shape[0], n_rows):
            units = self._count(X[first : first + n_rows], by_unit=True, first_row=first)[1]
            yield units[..., 0] + units[..., 1]

    def counting_network(self, n_time_steps, by_unit):
        """The core's network, to count spikes of layers, or of units."""
        dynamics = core_dynamics(self.dynamics.stepped, n_time_steps)
        return Network(dynamics, *self.arrays(), tallied=by_unit and self.dynamics.is_event_driven)

    def _count(self, X, by_unit=False, first_row=0):
        """Spikes by layer, and by unit and sign or None. A sample that has ended has none."""
        n_time_steps = self.steps_of(X)
        network = self.counting_network(n_time_steps, by_unit)
        shape = (X.shape[0], n_time_steps)
        counts = np.empty((*shape, len(self.coefs)), dtype=np.int64)
        units = np.empty((*shape, sum(self.n_units[:-1]), 2), dtype=np.int32) if by_unit else None
        failed_row = self.core_spike_counts(network, core_samples(X), counts, units)
        if failed_row >= 0:
            self._raise_out_of_range(X, first_row + failed_row)
        ended = np.arange(n_time_steps) >= self.exit_steps(X)[:, np.newaxis]
        counts[ended] = 0
        if by_unit:
            units[ended] = 0
        return counts, units

    def without_exits(self):
        """The same network, whose samples run to the last time step."""
        return self._replace(exit_margin=None)


def orderly(array):
    """The array itself where it is float32 in C order and aligned, else a copy that is."""
    flags = array.flags
    if array.dtype == np.float32 and flags.c_contiguous and flags.aligned:
        return array  # of an array from a file numpy.require makes a view
    return np.require(array, np.float32, "CA")


def exit_margin_of(estimator):
    """The exit margin of an estimator, checked; None where it has none."""
    exit_margin = getattr(estimator, "exit_margin", None)
    if exit_margin is not None and (not isinstance(exit_margin, Real) or not 0 < exit_margin < np.inf):
        check_parameters(estimator, "exit_margin")
    return exit_margin


def network_of(estimator):
    """The network of a fitted estimator, of the kind that it has."""
    return estimator._network_class.of(estimator)


def state_of(estimator):
    """The estimator in its present state, by one reference: training gives an estimator a new
    `__dict__`, and does not change the old one."""
    state = object.__new__(type(estimator))
    state.__dict__ = estimator.__dict__
    return state


def _transform(steps, X):
    """X as it comes out of all steps of a fitted pipeline.

    Those without a transform resample training data (as those of imbalanced-learn) or do nothing.
    """
    for _, step in steps:
        if step is not None and step != "passthrough" and not hasattr(step, "fit_resample"):
            X = step.transform(X)
    return X


def fitted_network(estimator, X=None):
    """The network of a fitted estimator, or of the one that a Pipeline ends with, and X, checked,
    as it reaches the network.

    Pipelines may be nested, and frozen. A FittedNetwork is taken as it is.
    """
    if isinstance(estimator, FittedNetwork):
        return estimator, X
    # A part of the time of importing sk_dsn.
    from sklearn.frozen import FrozenEstimator
    from sklearn.pipeline import Pipeline

    from ._base import BaseSpikingNetwork

    while isinstance(estimator, (Pipeline, FrozenEstimator)):
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        else:
            X = X if X is None else _transform(estimator.steps[:-1], X)
            estimator = estimator.steps[-1][1]
    if not isinstance(estimator, BaseSpikingNetwork):
        raise TypeError(
            f"A SpikingMLPClassifier or SpikingMLPRegressor, or a Pipeline that ends with one, is needed, got "
            f"{type(estimator).__name__}. Of a search, pass best_estimator_."
        )
    network = network_of(estimator)
    return network, X if X is None else network.check_input(X)

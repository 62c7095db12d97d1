"""IntegerNetwork: the paper's network in integers, which predicts and learns with additions alone."""
from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from sklearn.utils import Bunch, check_array
from sklearn.utils.validation import check_is_fitted

from .._base import BaseSpikingNetwork
from .._core.integer.integer_network import LIMIT, IntegerEngine, TrainIsFull
from .._parameters import EVENT_DRIVEN, MOST_TIME_STEPS, checked_simulation, rule_of
from .._targets import Indicators, Labels, Values, fitted_targets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Array, Network, Weights

__all__ = ["IntegerNetwork"]

# The learning rule that the integers have; `weight_update` and `hold_error` may be either.
RULE = {
    "feedback": "step",
    "output_activation": "rectifying",
    "smooth_gradient": False,
    "backward_reset": "keep",
    "forward_reset": "zero",
    "mask_negative_inputs": True,
}
PARAMETERS = {
    "neuron": "rectifying",
    "leak": 0,
    "readout": "last",
    "loss": "squared_error",
    "error_resolution": 1,
    "learning_rate": "constant",
    "normalized_step": False,
    "dropout": 0,
    "input_dropout": 0,
    "input_noise": 0,
    "max_norm": None,
    "spike_penalty": 0,
}


class IntegerNetwork:
    """The network of the paper's authors in 32-bit integers: it predicts and learns with additions,
    comparisons and indices alone.

    The engine is a C99 file without dependencies, which `to_c` ships for microcontrollers: the same
    weights, inputs and targets give the same bits there. Its float twin is an estimator with
    `PAPER_SETTINGS`. Integers round weights and rates, so the two agree in accuracy, not in bits.

    All numbers are in units of 1/`scale`, with which an update is a count of spikes: the learning
    rate is in the unit. A number that would pass 2³⁰ - 1 units is refused before it overflows, and
    the network is left as it was.

    Parameters
    ----------
    coefs : list of array-like of float, shape (n_in, n_out)
        Weights of each layer, as `coefs_` of an estimator; rounded toward zero to units.
    n_time_steps : int, default=10
        T. A stream brings its own.
    learning_rate_init : float, default=0.01
        The paper's eta. With T it sets `scale`.
    simulation : {"event-driven", "event-driven-depth-first"}, default="event-driven"
        Whether errors that travel together go down layer by layer, or each error spike goes all the
        way down before the next. The second needs less memory.
    weight_update : {"fractional", "sgd"}, default="fractional"
        Whether weights change at each error spike or at the end of the sample.
    hold_error : bool, default=True
        Whether the difference of output and target spikes is sent at the end of a time step, or
        every output spike at once.
    classes : array-like of shape (n_outputs,), or None
        Sorted labels of the outputs. None: targets are numbers of at least 0.

    Attributes
    ----------
    scale : int
        int(float32(T²/eta)); T² and eta as float32. It is what a spike is worth, in units.
    weights : list of ndarray of int32, shape (n_in, n_out)
        In units. They may be set.
    error_potentials : list of ndarray of int32, shape (n_units,)
        Of each hidden layer, in units. They are kept from sample to sample, and may be set.

    See Also
    --------
    sk_dsn.PAPER_SETTINGS : The parameters of the float network.

    Notes
    -----
    docs/semantics.md, "Integer arithmetic", has the rules. Sums and weights are exact, so a result
    depends neither on the machine nor on the compiler.

    References
    ----------
    .. [1] P. O'Connor and M. Welling (2016). "Deep Spiking Networks". arXiv:1602.08323.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn.export import IntegerNetwork
    >>> X, y = load_digits(return_X_y=True)
    >>> rng = np.random.default_rng(0)
    >>> coefs = [0.02 * rng.standard_normal(shape) for shape in [(64, 50), (50, 10)]]
    >>> network = IntegerNetwork(coefs, classes=np.arange(10))
    >>> for _ in range(10):
    ...     record = network.learn(X[:1000] / 16, y[:1000])
    >>> bool((network.predict(X[1000:] / 16) == y[1000:]).mean() > 0.8)
    True
    """

    def __init__(
        self,
        coefs: Weights,
        *,
        n_time_steps: int = 10,
        learning_rate_init: float = 0.01,
        simulation: Literal["event-driven", "event-driven-depth-first"] = "event-driven",
        weight_update: Literal["fractional", "sgd"] = "fractional",
        hold_error: bool = True,
        classes: ArrayLike | None = None,
    ) -> None:
        if not isinstance(n_time_steps, Integral) or not 1 <= n_time_steps <= MOST_TIME_STEPS:
            raise ValueError(f"n_time_steps must be an int from 1 to {MOST_TIME_STEPS}, got {n_time_steps!r}.")
        if not isinstance(learning_rate_init, Real) or not 0 < learning_rate_init < np.inf:
            raise ValueError(f"learning_rate_init must be a positive number, got {learning_rate_init!r}.")
        if simulation not in EVENT_DRIVEN:
            raise ValueError(f"simulation must be one of {sorted(EVENT_DRIVEN)}, got {simulation!r}.")
        if weight_update not in ("fractional", "sgd"):
            raise ValueError(f"weight_update must be 'fractional' or 'sgd', got {weight_update!r}.")
        self.n_time_steps = int(n_time_steps)
        self.learning_rate_init = learning_rate_init
        self.simulation = simulation
        self.weight_update = weight_update
        self.hold_error = bool(hold_error)
        self.scale = _scale(learning_rate_init, self.n_time_steps)
        coefs = [check_array(w, dtype=np.float32, input_name="coefs") for w in coefs]
        self.weights = [self._units(w, f"coefs[{l}]") for l, w in enumerate(coefs)]
        self.error_potentials = [np.zeros(w.shape[1], dtype=np.int32) for w in coefs[:-1]]
        self._check_weights()
        n_outputs = coefs[-1].shape[1]
        if classes is None:
            self._targets = Values(n_outputs == 1, np.zeros(n_outputs), np.ones(n_outputs))
        else:
            self._targets = Labels(np.asarray(classes), "squared_error")
            if self.classes.shape != (n_outputs,) or not np.array_equal(np.unique(self.classes), self.classes):
                raise ValueError(f"classes must hold {n_outputs} sorted labels, one an output, got {classes!r}.")

    @classmethod
    def from_estimator(cls, estimator: Network) -> Self:
        """The network of a fitted estimator, in integers.

        Parameters
        ----------
        estimator : SpikingMLPClassifier or SpikingMLPRegressor
            Of rectifying neurons, without biases, which learns by the paper's rule: any with
            `PAPER_SETTINGS`, of either order, update and kind of error. Of a Pipeline pass the last
            step, and transform X yourself.

        Returns
        -------
        network : IntegerNetwork
            Its error potentials are those of the estimator.

        Raises
        ------
        ValueError
            For a network that the integers do not have; the message names the parameter.
        """
        if not isinstance(estimator, BaseSpikingNetwork) or not hasattr(estimator, "learning_rule"):
            raise TypeError(
                "A SpikingMLPClassifier or SpikingMLPRegressor is needed, got "
                f"{type(estimator).__name__}. Of a Pipeline pass the last step, and transform X yourself."
            )
        check_is_fitted(estimator, "coefs_")
        simulation, rule, targets = checked_simulation(estimator), rule_of(estimator), fitted_targets(estimator)
        _refuse(simulation in EVENT_DRIVEN, "simulation", "event-driven", simulation)
        for name, value in PARAMETERS.items():
            _refuse(getattr(estimator, name) == value, name, value, getattr(estimator, name))
        for name, value in RULE.items():
            _refuse(getattr(rule, name) == value, f"learning_rule.{name}", value, getattr(rule, name))
        _refuse(not any(b.any() for b in estimator.intercepts_), "fit_intercept", False, True)
        if isinstance(targets, Indicators):
            raise ValueError("An integer network has one label a sample; train one for each column of y.")
        network = cls(
            estimator.coefs_,
            n_time_steps=estimator.n_time_steps,
            learning_rate_init=estimator.learning_rate_init,
            simulation=simulation,
            weight_update=rule.weight_update,
            hold_error=rule.hold_error,
            classes=targets.classes if isinstance(targets, Labels) else None,
        )
        network._targets = targets
        network.error_potentials = [network._units(v, "backward_potentials_") for v in estimator.backward_potentials_[:-1]]
        return network

    @property
    def classes(self) -> Array | None:
        """The labels of the outputs, or None."""
        return getattr(self._targets, "classes", None)

    @property
    def n_units(self) -> list[int]:
        """Units of each layer, input first."""
        return [len(self.weights[0]), *(w.shape[1] for w in self.weights)]

    @property
    def footprint(self) -> int:
        """Bytes of memory that the engine needs, weights included; breadth-first it may need more
        for error spikes that travel together."""
        self._check_weights()
        return 4 * self._engine().n_words

    def predict(self, X: ArrayLike) -> Array:
        """The label, or the values, of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples[, n_time_steps], n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,), or (n_samples, n_outputs)
            The class of the largest output; without classes the outputs as float64.
        """
        X, n_steps = self._check_X(X)
        return self._decode(self._outputs(X, n_steps), n_steps)

    def outputs(self, X: ArrayLike) -> NDArray[np.int32]:
        """The sums of input to the output units, in units and not divided by T.

        Parameters
        ----------
        X : array-like of shape (n_samples[, n_time_steps], n_features)

        Returns
        -------
        outputs : ndarray of int32, shape (n_samples, n_outputs)
        """
        return self._outputs(*self._check_X(X))

    def learn(self, X: ArrayLike, y: ArrayLike) -> Bunch:
        """Learns each sample once, in order.

        Parameters
        ----------
        X : array-like of shape (n_samples[, n_time_steps], n_features)
            Features are rounded toward zero to units.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels, or targets of at least 0.

        Returns
        -------
        record : Bunch
            Counts of each sample, ndarrays of int32 with n_samples rows: `spikes` of each layer,
            input first; `error_spikes` of each layer above the input, and the
            `passed_error_spikes` that passed the gate; `target_spikes`; `additions`, where a column
            of weights counts as many as it has. Also `potentials`, of each layer above the input
            after the last sample, in units.

        Raises
        ------
        ValueError
            Also where a number would overflow. The network is then as it was, as after Ctrl-C.
        """
        X, n_steps = self._check_X(X)
        return self._learn(X, n_steps, self._check_y(y, len(X)))

    def _learn(self, X, n_steps, Y):
        """The record of samples X in units, of shape (n, n_steps or 1, n_features), and targets."""
        n_layers = len(self.weights) + 1
        counts = np.empty((len(X), 3 * n_layers), dtype=np.int32)
        room = None
        while True:
            engine = self._engine(room)
            try:
                failed_row = engine.learn(X, n_steps, Y, counts)
            except TrainIsFull:
                room = 2 * engine.room
                continue
            break
        self._refuse_overflow(failed_row)
        self.weights, self.error_potentials = self._unpack(engine.kept)
        spikes, error_spikes, passed, rest = np.split(counts, [n_layers, 2 * n_layers - 1, 3 * n_layers - 2], axis=1)
        return Bunch(
            spikes=spikes,
            error_spikes=error_spikes,
            passed_error_spikes=passed,
            target_spikes=rest[:, 0],
            additions=rest[:, 1],
            potentials=engine.potentials,
        )

    def _engine(self, room=None):
        """The engine with these weights and error potentials."""
        engine = self._empty_engine(4 * max(self.n_units) if room is None else room)
        engine.kept[:] = self._kept()
        return engine

    def _empty_engine(self, room):
        """The engine, whose weights are 0; `room`: error spikes that travel together."""
        return IntegerEngine(
            np.array(self.n_units, dtype=np.int32),
            scale=self.scale,
            depth_first=self.simulation == "event-driven-depth-first",
            fractional=self.weight_update == "fractional",
            hold_error=self.hold_error,
            room=room,
        )

    def _kept(self):
        """All that is learned, as it lies in the engine's memory."""
        return np.concatenate([a.ravel() for a in [*self.weights, *self.error_potentials]])

    def _unpack(self, kept):
        """Weights and error potentials, as they lie in the engine's memory."""
        arrays = [*self.weights, *self.error_potentials]
        parts = np.split(kept, np.cumsum([a.size for a in arrays])[:-1])
        parts = [part.reshape(a.shape).copy() for part, a in zip(parts, arrays, strict=True)]
        return parts[: len(self.weights)], parts[len(self.weights) :]

    def _decode(self, outputs, n_steps):
        if self.classes is not None:
            return self._targets.decode(outputs)
        return self._targets.decode(outputs / (n_steps * self.scale))

    def _outputs(self, X, n_steps):
        outputs = np.empty((len(X), self.weights[-1].shape[1]), dtype=np.int32)
        self._refuse_overflow(self._engine().predict(X, n_steps, outputs))
        return outputs

    def _check_X(self, X):
        """X in units, of shape (n, T or 1, n_features), and T."""
        self._check_weights()
        X = check_array(X, dtype=np.float32, allow_nd=True)
        if X.ndim > 3 or X.shape[-1] != len(self.weights[0]):
            raise ValueError(
                f"X must have shape (n_samples[, n_time_steps], {len(self.weights[0])}), as the first weights say, "
                f"got {X.shape}."
            )
        n_steps = X.shape[1] if X.ndim == 3 else self.n_time_steps
        return self._units(X.reshape(len(X), -1, X.shape[-1]), "X"), n_steps

    def _check_y(self, y, n_samples):
        """Targets in units, shape (n_samples, n_outputs)."""
        if self.classes is not None:
            encoded = self._targets.encode(np.asarray(y), None)
            Y = np.eye(len(self.classes), dtype=np.float32)[encoded]
        else:
            y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
            Y = self._targets.encode(y.reshape(len(y), -1))
            if (Y < 0).any():
                raise ValueError("y holds negative targets, which rectifying outputs cannot reach; shift the targets.")
        if len(Y) != n_samples:
            raise ValueError(f"X has {n_samples} samples, y has {len(Y)}.")
        return self._units(Y, "y")

    def _units(self, values, name):
        """Finite values in units, rounded toward zero."""
        values = np.ascontiguousarray(values, dtype=np.float32) * np.float32(self.scale)
        if (np.abs(values) > LIMIT).any():
            raise ValueError(
                f"{name} holds numbers above {LIMIT / self.scale:.3g}, too many for 32 bits in units of 1/{self.scale}. "
                "Scale the features and targets to about 1, or raise learning_rate_init."
            )
        return values.astype(np.int32)

    def _check_weights(self):
        n_in = [self.weights[0].shape[0], *(w.shape[1] for w in self.weights[:-1])]
        for l, (w, n) in enumerate(zip(self.weights, n_in, strict=True)):
            _check_integers(w, (n, w.shape[-1]), f"weights[{l}]")
        if len(self.error_potentials) != len(self.weights) - 1:
            raise ValueError(f"error_potentials must hold {len(self.weights) - 1} arrays, one a hidden layer.")
        for l, v in enumerate(self.error_potentials):
            _check_integers(v, (self.weights[l].shape[1],), f"error_potentials[{l}]")

    def _refuse_overflow(self, row):
        if row >= 0:
            raise ValueError(
                f"Sample {row} of X drives the network out of 32 bits, in units of 1/{self.scale}; the network is as it "
                "was. Scale the features as in training, lower n_time_steps, or raise learning_rate_init."
            )


def _scale(learning_rate_init, n_time_steps):
    scale = np.float32(1 / float(np.float32(learning_rate_init)) * n_time_steps * n_time_steps)
    if not 1 <= scale <= LIMIT:
        raise ValueError(
            f"The scale n_time_steps²/learning_rate_init is {scale:.3g} and must be from 1 to {LIMIT}: change "
            "learning_rate_init or n_time_steps."
        )
    return int(scale)


def _refuse(holds, name, needed, value):
    if not holds:
        raise ValueError(f"An integer network needs {name}={needed!r}, got {value!r}; see PAPER_SETTINGS.")


def _check_integers(array, shape, name):
    fits = isinstance(array, np.ndarray) and array.dtype == np.int32 and array.shape == shape and array.size > 0
    if not fits or (np.abs(array.astype(np.int64)) > LIMIT).any():
        raise ValueError(f"{name} must be an int32 array of shape {shape} that holds numbers up to {LIMIT}.")

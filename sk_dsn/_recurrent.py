"""Recurrent networks: their parameters, and how they are run and trained.

How to read it: `FittedRecurrentNetwork` runs a network, `RecurrentLearner` trains it; both are the
ones of `_network` and `_epochs` with another core behind them. `BaseRecurrentNetwork` is what the
two estimators of `_rnn` share.
"""
from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from ._base import BaseSpikingNetwork
from ._compat import Interval, StrOptions, check_parameters, fit_context
from ._core.network import is_padded, padded_copy, padded_zeros
from ._core.recurrent.epoch import train_epoch
from ._core.recurrent.learner import RecurrentLearner as CoreLearner
from ._core.recurrent.outputs import outputs, spike_counts
from ._core.recurrent.recurrent_network import RecurrentNetwork
from ._core.recurrent.stream import RecurrentStream
from ._epochs import Learner
from ._inputs import check_finite, check_input
from ._network import FittedNetwork, exit_margin_of, orderly, state_of
from ._parameters import CONSTRAINTS, NEURONS
from ._scales import FEWEST_ROWS
from ._sequences import check_no_events, is_stream, step_counts
from ._targets import fitted_targets
from ._weights import continue_network, copy_into, start_network

if TYPE_CHECKING:
    from ._typing import ArrayLike, Float32Array, Streams, Targets, Weights

# Sequences of more time steps on average start with recurrent weights of the identity.
LONG_SEQUENCES = 64

READOUTS = ("last", "mean")
FEEDBACKS = ("sample", "step")

# In the order and the groups of the signatures.
RECURRENT_CONSTRAINTS = {
    # network
    "hidden_layer_sizes": CONSTRAINTS["hidden_layer_sizes"],
    "leak": [Interval(Real, 0, 1, closed="both")],
    "threshold": [Interval(Real, 2.0**-100, 2.0**100, closed="both")],
    "neuron": CONSTRAINTS["neuron"],
    "readout": [StrOptions(set(READOUTS))],
    "recurrent_init": [StrOptions({"identity", "orthogonal"})],
    "recurrent_init_scale": [None, Interval(Real, 0, None, closed="left")],
    "weight_init_scale": CONSTRAINTS["weight_init_scale"],
    "fit_intercept": CONSTRAINTS["fit_intercept"],
    # learning
    "feedback": [StrOptions(set(FEEDBACKS))],
    "loss": CONSTRAINTS["loss"],
    "error_resolution": CONSTRAINTS["error_resolution"],
    "solver": [StrOptions({"adam", "sgd"})],
    "momentum": [Interval(Real, 0, 1, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "learning_rate_init": CONSTRAINTS["learning_rate_init"],
    "learning_rate": CONSTRAINTS["learning_rate"],
    "max_grad_norm": [None, Interval(Real, 0, None, closed="neither")],
    **{
        name: CONSTRAINTS[name]
        for name in [
            "max_iter",
            "shuffle",
            "random_state",
            "warm_start",
            "verbose",
            # regularisation
            "dropout",
            "input_dropout",
            "input_noise",
            # stopping
            "tol",
            "early_stopping",
            "validation_fraction",
            "n_iter_no_change",
            # prediction
            "n_jobs",
        ]
    },
}


class RecurrentDynamics(NamedTuple):
    """The parameters that say how a recurrent network runs, whatever its weights."""

    neuron: str
    leak: float
    threshold: float
    readout: str

    simulation = "clock-driven"
    is_event_driven = False


def recurrent_dynamics_of(estimator):
    """The dynamics of an estimator's network.

    Raises ValueError for parameters with which it cannot be run.
    """
    # Checking constraints takes longer than a short sequence.
    leak, threshold = estimator.leak, estimator.threshold
    plain = type(leak) in (int, float) and 0 <= leak <= 1 and type(threshold) in (int, float) and 0 < threshold <= 2.0**100
    if not (plain and estimator.neuron in NEURONS and estimator.readout in READOUTS and estimator.feedback in FEEDBACKS):
        check_parameters(estimator, "neuron", "leak", "threshold", "readout", "feedback")
    if math.frexp(threshold)[0] != 0.5:
        raise ValueError(
            f"threshold must be a power of two, as 0.125, 0.25 or 0.5, so that sums of spikes are exact; got "
            f"{estimator.threshold!r}."
        )
    if exit_margin_of(estimator) is not None and estimator.feedback != "step":
        raise ValueError(
            "exit_margin needs feedback='step': only then are the answers before the last time step trained. Set "
            "feedback='step' and fit again, or exit_margin=None."
        )
    return RecurrentDynamics(estimator.neuron, float(estimator.leak), float(estimator.threshold), estimator.readout)


def core_recurrent_dynamics(dynamics):
    """The dynamics as the core reads them."""
    return {
        "neuron": NEURONS[dynamics.neuron],
        "leak": dynamics.leak,
        "threshold": dynamics.threshold,
        "mean_readout": dynamics.readout == "mean",
    }


def check_is_sequences(X):
    """Raises ValueError where X is a table, which is no sequence."""
    check_no_events(X)
    if not is_stream(X) and np.ndim(X) == 2:
        raise ValueError(
            f"X must hold sequences, of shape (n_samples, n_time_steps, n_features), but has shape {np.shape(X)}. If a row "
            "is a sequence of one feature a time step, pass X[:, :, None]; if it is one time step, X[:, None]."
        )


class FittedRecurrentNetwork(FittedNetwork):
    """A fitted recurrent network. Its samples bring their own time steps."""

    core_outputs = staticmethod(outputs)
    core_spike_counts = staticmethod(spike_counts)

    @classmethod
    def of(cls, estimator):
        estimator = state_of(estimator)
        if not hasattr(estimator, "coefs_"):
            check_is_fitted(estimator)
        return cls(
            estimator.coefs_,
            estimator.intercepts_,
            recurrent_dynamics_of(estimator),
            1,
            fitted_targets(estimator),
            estimator.fit_intercept,
            exit_margin_of(estimator),
            estimator.n_jobs,
            estimator,
            getattr(estimator, "grid_", None),
            estimator.recurrent_coefs_,
        )

    def check_features(self, X):
        """Unchecked X as an array of the core's kind, with the features of the estimator.

        Values of plain arrays that are not finite are left to the core, which finds them.
        """
        estimator = self.estimator
        plain = type(X) is np.ndarray and X.ndim == 3 and X.dtype.char in "fd" and X.size > 0
        plain = plain and X.shape[2] == estimator.n_features_in_ and not hasattr(estimator, "feature_names_in_")
        if plain and not np.isnan(X[:, -1]).any():  # no sequence ends before the last time step
            with np.errstate(over="ignore"):
                return orderly(X)
        check_is_sequences(X)
        return check_input(estimator, X)

    def arrays(self, n_rows=1):
        coefs, recurrent_coefs = (
            [w if is_padded(w) else padded_copy(w) for w in arrays] for arrays in (self.coefs, self.recurrent_coefs)
        )
        return coefs, recurrent_coefs, [orderly(b) for b in self.intercepts]

    def core_network(self, weights, n_time_steps, n_rows):
        return RecurrentNetwork(core_recurrent_dynamics(self.dynamics), *weights)

    def answer_options(self):
        return {}

    def core_stream(self):
        return RecurrentStream(self.core_network(self.arrays(), 1, 1))

    def counting_network(self, n_time_steps, by_unit):
        return self.core_network(self.arrays(), n_time_steps, 1)

    def work_of_look(self, X):
        return self.n_weights

    def _raise_out_of_range(self, X, row):
        check_finite(self.estimator, X)
        raise ValueError(
            f"Sample {row} of X drives the network out of the range in which spikes can be counted (2**24 a layer and time "
            "step). Scale the features as in training, or raise threshold."
        )


class RecurrentLearner(Learner):
    """The recurrent network of an estimator in training. It changes the estimator's weights and the
    optimizer's moments in place."""

    core_train_epoch = staticmethod(train_epoch)
    keeps_potentials = False

    def __init__(self, estimator, X):
        self.estimator = estimator
        self.targets = fitted_targets(estimator)
        self.n_time_steps = X.shape[1]
        self.core_options = {"batch_size": int(estimator.batch_size)}
        self.n_shares = 1
        self.totals = np.zeros(0, dtype=np.int64)
        optimizer = estimator.optimizer_
        moments = optimizer["moments"] if estimator.fit_intercept else optimizer["moments"][: -len(estimator.coefs_)]
        self.core = CoreLearner(
            {
                "dynamics": core_recurrent_dynamics(recurrent_dynamics_of(estimator)),
                "error_rule": {
                    "loss": self.targets.core_loss,
                    "error_resolution": estimator.error_resolution,
                    "step_feedback": estimator.feedback == "step",
                },
                "optimizer_rule": {
                    "adam": estimator.solver == "adam",
                    "momentum": estimator.momentum,
                    "max_grad_norm": 0 if estimator.max_grad_norm is None else estimator.max_grad_norm,
                },
                "dropping": {"dropout": estimator.dropout, "input_dropout": estimator.input_dropout},
            },
            estimator.coefs_,
            estimator.recurrent_coefs_,
            estimator.intercepts_ if estimator.fit_intercept else None,
            estimator.backward_potentials_,
            moments=moments,
            n_updates=optimizer["n_updates"],
            n_time_steps=self.n_time_steps,
        )

    def notices(self, samples):
        complaint = self.targets.complaint(samples.targets, samples.rows)
        return [] if complaint is None or len(samples.rows) < FEWEST_ROWS else [(complaint, ConvergenceWarning)]

    def sent_errors(self):
        # The optimizer moves weights by past errors, too.
        return True

    def _raise_failed(self, samples, layer):
        X = samples.X
        if layer == 0:
            check_finite(self.estimator, X)
            raise ValueError(
                "Input contains values that mean more than 2**24 spikes in a time step. Scale the features, for instance to "
                "[0, 1] or to a standard deviation of 1, or raise threshold, or lower input_noise."
            )
        raise ValueError(
            f"Training diverged: layer {layer} had more than 2**24 spikes or error spikes in a time step, or its "
            "potentials, gradients or weights left the range of float32. Lower learning_rate_init, set max_grad_norm (for "
            "instance to 1), lower recurrent_init_scale, or scale the features."
        )

    def check_finite(self, samples):
        super().check_finite(samples)
        if not all(np.isfinite(w).all() for w in self.estimator.recurrent_coefs_):
            self._raise_failed(samples, self.estimator.n_layers_ - 1)

    def store_potentials(self):
        super().store_potentials()
        self.estimator.optimizer_["n_updates"] = self.core.n_updates

    def state(self):
        estimator = self.estimator
        return {
            **super().state(),
            "recurrent_coefs_": [padded_copy(w) for w in estimator.recurrent_coefs_],
            "optimizer_": optimizer_copy(estimator) | {"n_updates": self.core.n_updates},
        }


def new_optimizer(estimator):
    """The state of an optimizer that has seen no gradient: for each array of weights, recurrent
    weights and biases two moments, in the layout that training takes."""
    shapes = [w.shape for w in [*estimator.coefs_, *estimator.recurrent_coefs_]]
    shapes += [(1, len(b)) for b in estimator.intercepts_]
    return {
        "solver": estimator.solver,
        "n_updates": 0,
        "moments": [[padded_zeros(*shape), padded_zeros(*shape)] for shape in shapes],
    }


def optimizer_copy(estimator):
    optimizer = estimator.optimizer_
    return optimizer | {"moments": [[padded_copy(m) for m in pair] for pair in optimizer["moments"]]}


def initial_recurrent_weights(estimator, n_units, generator):
    """Recurrent weights of a hidden layer: a multiple of the identity, or of an orthogonal matrix."""
    scale = estimator.recurrent_init_scale
    if scale is None:
        scale = 1.0 if estimator.mean_time_steps_ > LONG_SEQUENCES else 0.9
    matrix = np.eye(n_units)
    if estimator.recurrent_init == "orthogonal":
        q, r = np.linalg.qr(generator.standard_normal((n_units, n_units)))
        matrix = q * np.sign(np.diag(r))
    return padded_copy((scale * matrix).astype(np.float32))


class BaseRecurrentNetwork(BaseSpikingNetwork):
    """A recurrent spiking network behind scikit-learn's interface."""

    _parameter_constraints = RECURRENT_CONSTRAINTS
    _network_class = FittedRecurrentNetwork
    _learner_class = RecurrentLearner
    _fitted_attributes = (
        *(name for name in BaseSpikingNetwork._fitted_attributes if name != "forward_potentials_"),
        "recurrent_coefs_",
        "optimizer_",
        "mean_time_steps_",
    )

    recurrent_coefs_: list[Float32Array]
    optimizer_: dict[str, Any]
    mean_time_steps_: float

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Streams,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Streams | None = None,
        y_val: Targets | None = None,
        sample_weight_val: ArrayLike | None = None,
        coefs_init: Weights | None = None,
        recurrent_coefs_init: Weights | None = None,
        intercepts_init: Weights | None = None,
    ) -> Self:
        """Train the network, from new weights unless `warm_start`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_time_steps, n_features)
            Sequences. A table is refused: pass X[:, :, None] where a row is a sequence of one
            feature, X[:, None] where it is one time step.
        y : array-like of shape (n_samples,), (n_samples, n_outputs) or (n_samples, n_labels)
            Targets of a regressor; of a classifier labels of at least two classes, or, multilabel,
            a column for each label, 1 where a sample has it and else 0.
        sample_weight : array-like of shape (n_samples,), default=None
            Multiplies the error of each sample: scale weights to a mean of about 1. 0 leaves the
            sample out, as if it were not there. None is 1 for all.
        X_val : array-like, shaped as X, default=None
            Samples to score after each epoch with `early_stopping=True`, in place of samples held
            out of X.
        y_val : array-like, shaped as y, default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Their weights in the score.
        coefs_init : list of array-like of shape (n_in, n_out), default=None
            Weights to start from, one array per layer above the input; None draws them.
        recurrent_coefs_init : list of array-like of shape (n, n), default=None
            Recurrent weights to start from, one array per hidden layer; None is as `recurrent_init`
            says.
        intercepts_init : list of array-like of shape (n_out,), default=None
            Biases to start from; None is zero.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If X, y or weights are unusable, if the tape of a sequence would take more than 1 GiB, or
            if training diverges; the estimator is then as it was before.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            (X_val, y_val, sample_weight_val),
            coefs_init=coefs_init,
            recurrent_coefs_init=recurrent_coefs_init,
            intercepts_init=intercepts_init,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = False
        return tags

    def _check_samples(self, X, y, sample_weight, classes=None, *, reset, **options):
        check_is_sequences(X)
        recurrent_dynamics_of(self)
        samples = super()._check_samples(X, y, sample_weight, classes, reset=reset, **options)
        if reset:
            self.mean_time_steps_ = float(np.mean(step_counts(samples.X)))
        return samples

    def _start_network(self, coefs_init=None, recurrent_coefs_init=None, intercepts_init=None):
        start_network(self, coefs_init, intercepts_init)
        del self.forward_potentials_
        generator = np.random.default_rng([self.seed_, 1])
        self.recurrent_coefs_ = [initial_recurrent_weights(self, w.shape[1], generator) for w in self.coefs_[:-1]]
        copy_into(self.recurrent_coefs_, recurrent_coefs_init, "recurrent_coefs_init", "one per hidden layer")
        self.optimizer_ = new_optimizer(self)

    def _continue_network(self):
        continue_network(self)
        self.recurrent_coefs_ = [padded_copy(w) for w in self.recurrent_coefs_]
        same = self.optimizer_["solver"] == self.solver
        self.optimizer_ = optimizer_copy(self) if same else new_optimizer(self)

"""The base of the estimators: fit, partial_fit, prediction, persistence.

It knows nothing of labels: a subclass says which targets it takes (`_learn_targets`) and decodes
outputs.
"""
from __future__ import annotations

import copy
import warnings
from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from ._compat import CallbackSupport, CheckedParameters, parse_version
from ._core.network import is_padded, padded_copy
from ._epochs import Learner, Samples, fitted_copy, train
from ._grid import quantized_state
from ._inputs import check_finite, check_training_input, check_weights, combined_weights, core_samples
from ._learning_rule import SpikingBackprop
from ._network import FittedNetwork, IdleNetworks, state_of
from ._parameters import CONSTRAINTS, choose_simulation, rule_of
from ._stream import open_stream
from ._targets import fitted_targets
from ._weights import continue_network, start_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._stream import LiveStream
    from ._typing import Array, Float32Array
    from .events import EventFrames


class BaseSpikingNetwork(CallbackSupport, CheckedParameters, metaclass=ABCMeta):
    """A deep spiking network behind scikit-learn's interface."""

    _parameter_constraints = CONSTRAINTS
    # The classes that run and that train the estimator's network.
    _network_class = FittedNetwork
    _learner_class = Learner
    # Arguments of validate_data for y.
    _target_checks = {}
    # `partial_fit` keeps so many losses in `loss_curve_`: it may be called for ever.
    _losses_kept = 1000

    # Fitted attributes.
    coefs_: list[Float32Array]
    intercepts_: list[Float32Array]
    forward_potentials_: list[Float32Array]
    backward_potentials_: list[Float32Array]
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    n_iter_: int
    t_: int
    n_features_in_: int
    feature_names_in_: Array
    n_layers_: int
    n_outputs_: int
    seed_: int

    @abstractmethod
    def _learn_targets(self, y, classes, known, weights, weights_given):
        """The targets, as in `_targets`, and the array y in their code.

        `known` are the targets of the fitted network; None learns them from y, whose samples have
        these weights (None: all 1). `weights_given`: whether the network starts with a user's
        weights.
        """

    def _class_weights(self, targets, encoded, weights):
        """Per-sample factors from the targets (class weights), or None."""
        return None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True  # streams
        tags.input_tags.sparse = True
        return tags

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also of the learning rule, as `learning_rule__feedback`.

        Parameters
        ----------
        **params : dict
            Parameters of the estimator. Those of a rule need a rule: set
            `learning_rule=SpikingBackprop()` before, or in the same call.

        Returns
        -------
        self : object
        """
        of_rule = [name for name in params if name.startswith("learning_rule__") and hasattr(self, "learning_rule")]
        if of_rule and not isinstance(params.get("learning_rule", self.learning_rule), SpikingBackprop):
            raise ValueError(f"{of_rule[0]} is a parameter of a rule; set learning_rule=SpikingBackprop() to have one.")
        return super().set_params(**params)

    # Training

    def _start_network(self, **initial):
        """New weights, or those given: arguments of `fit` by name."""
        start_network(self, **initial)

    def _continue_network(self):
        """Copies of the weights to train on."""
        continue_network(self)

    def _fit(self, X, y, sample_weight, validation, **initial):
        """`validation` is X_val, y_val, sample_weight_val as passed to `fit`, `initial` the weights to
        start from."""
        call = {"estimator": self, "X": X, "y": y, "metadata": None}
        if sample_weight is not None:
            call["metadata"] = {"sample_weight": sample_weight}
        context = self._init_callback_context(max_subtasks=self.max_iter)
        context.call_on_fit_task_begin(**call)
        trained = copy.copy(self)
        before = dict(vars(trained))
        vars(trained).pop("grid_", None)
        going_on = self.warm_start and hasattr(trained, "coefs_")
        given = any(weights is not None for weights in initial.values())
        samples = trained._check_samples(X, y, sample_weight, reset=not going_on, weights_given=given)
        validation = trained._check_validation(*validation)
        if going_on:
            if given:
                raise ValueError(
                    f"{_listed(initial)} start a new network, but warm_start=True goes on with the fitted one; "
                    "set warm_start=False, or do not pass them."
                )
            trained._continue_network()
        else:
            trained._start_network(**initial)
        notices = train(trained, samples, validation, context, call)
        context.call_on_fit_task_end(**call, reconstruction_attributes=lambda: fitted_copy(trained))
        self._commit(trained, before)
        # Where warnings are errors, training is not lost.
        for message, category in notices:
            warnings.warn(message, category, stacklevel=4)
        return self

    def _commit(self, trained, before):
        """Takes the state of a trained copy, which was `before`, and keeps of its own what others,
        as callbacks, have set since.

        It is one assignment: another thread sees all of it, or nothing.
        """
        state, now = vars(trained), dict(vars(self))
        trained_names = {*self._fitted_attributes, *fitted_targets(trained).fitted_attributes(), "feature_names_in_"}
        trained._idle_networks = IdleNetworks()
        trained_names.add("_idle_networks")
        for name in {*before, *now} - trained_names:
            if name not in now:
                state.pop(name, None)
            elif name not in before or now[name] is not before[name]:
                state[name] = now[name]
        self.__dict__ = state

    def _partial_fit(self, X, y, classes, sample_weight, **initial):
        trained, samples, before = self._prepare_partial_fit(X, y, classes, sample_weight, **initial)
        notices = trained._learn_once(samples)
        self._commit(trained, before)
        for message, category in notices:
            warnings.warn(message, category, stacklevel=4)
        return self

    def _prepare_partial_fit(self, X, y, classes=None, sample_weight=None, **initial):
        """A copy of the estimator with weights to train on, checked samples, and the attributes that
        the copy was made with."""
        self._validate_params()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True; set early_stopping=False, or use fit.")
        trained = copy.copy(self)
        before = dict(vars(trained))
        vars(trained).pop("grid_", None)
        first = not hasattr(trained, "coefs_")
        given = any(weights is not None for weights in initial.values())
        samples = trained._check_samples(X, y, sample_weight, classes, reset=first, weights_given=given)
        if first:
            trained._start_network(**initial)
        elif given:
            raise ValueError(
                f"{_listed(initial)} start a network and go with the first call of partial_fit only; "
                "to start anew, use clone(estimator)."
            )
        else:
            trained._continue_network()
        return trained, samples, before

    def _learn_once(self, samples, counts=None):
        """Returns messages and categories of warnings, as `train` does."""
        learner, first = self._learner_class(self, samples.X), self.t_ == 0
        loss = learner.learn_epoch(samples, counts=counts)
        # A new list: the old one may be a copy's, too.
        self.loss_curve_ = [*self.loss_curve_[1 - self._losses_kept :], loss]
        self.n_iter_ += 1
        learner.store_potentials()
        return learner.notices(samples) if first else []

    def _check_samples(self, X, y, sample_weight, classes=None, *, reset, weights_given=False, learned=True):
        """Checked samples to train on, or (not `learned`) only to score."""
        X, y, is_finite = check_training_input(self, X, y, self._target_checks, reset)
        weights = check_weights(sample_weight, X)
        if weights is not None and not weights.all():
            # As if they were not there: they say nothing of which targets there are.
            y = np.where(weights.reshape(-1, *[1] * (y.ndim - 1)) > 0, y, y[weights.argmax()])
        targets, encoded = self._learn_targets(y, classes, None if reset else fitted_targets(self), weights, weights_given)
        if reset:
            vars(self).update(targets.fitted_attributes())
        weights = combined_weights(weights, self._class_weights(targets, encoded, weights))
        rows = np.arange(X.shape[0]) if weights is None else np.flatnonzero(weights)
        # An epoch of counting, which is quick, finds values that are not finite where it learns
        # them, if it learns them all.
        all_learned = learned and len(rows) == X.shape[0] and not self.input_dropout
        if not is_finite and not (all_learned and choose_simulation(self, rule_of(self)) == "counting"):
            check_finite(self, X)
        return Samples(X, core_samples(X), encoded, weights, rows)

    def _check_validation(self, X_val, y_val, sample_weight_val):
        """Samples to score for early stopping, or None to hold some out."""
        given = {"X_val": X_val, "y_val": y_val}
        missing = [name for name, value in given.items() if value is None]
        if len(missing) == 2 and sample_weight_val is None:
            return None
        if missing:
            raise ValueError(
                f"Validation samples need X_val and y_val, but {' and '.join(missing)} "
                f"{'was' if len(missing) == 1 else 'were'} not passed to fit; pass both, or "
                "none of X_val, y_val and sample_weight_val."
            )
        if not self.early_stopping:
            raise ValueError(
                "X_val and y_val were passed to fit, but early_stopping is False and nothing would come of them; set "
                "early_stopping=True (with n_iter_no_change=np.inf it does not stop, but records scores and keeps the best "
                "weights)."
            )
        try:
            return self._check_samples(X_val, y_val, sample_weight_val, reset=False, learned=False)
        except ValueError as error:
            raise ValueError(f"Validation samples (X_val, y_val, sample_weight_val): {error}") from error

    @property
    def loss_(self) -> float:
        if not getattr(self, "loss_curve_", None):
            raise AttributeError("loss_ is there after the first epoch of training.")
        return self.loss_curve_[-1]

    # Prediction

    def _predict(self, X):
        """The targets, and the outputs to decode."""
        network = self._network_class.of(self)
        return network.targets, network.answers(network.check_input(X))

    def _staged_predict(self, X):
        """Yield the targets and the outputs after each time step."""
        network = self._network_class.of(self)
        for outputs in network.staged_outputs(network.check_input(X)):
            yield network.targets, outputs

    def create_stream(
        self, frames: EventFrames | None = None, *, n_features: int | None = None, learn: bool = False
    ) -> LiveStream:
        """Open a live stream: the answer of the fitted network to one recording while it comes in.

        Parameters
        ----------
        frames : EventFrames, default=None
            How events become time steps and features: the `sk_dsn.events.EventFrames` that the
            network was trained behind. The stream then takes events. None: it takes the vectors of
            time steps.
        n_features : int, default=None
            Without `frames`, the features of a vector, which must be `n_features_in_`. None is
            `n_features_in_`.
        learn : bool, default=False
            Whether the stream keeps its recording, so that its `partial_fit` can learn it.

        Returns
        -------
        stream : sk_dsn.streams.LiveStream
        """
        return open_stream(self, frames, n_features, learn)

    # Quantisation

    def quantize(
        self,
        bits: int | Sequence[int] = 8,
        *,
        input_step: float | None = None,
        input_range: tuple[float, float] | None = None,
    ) -> Self:
        """A copy of the fitted estimator with weights of few bits, whose arithmetic integers repeat.

        Weights and biases of each layer become multiples of a power of two, the one that changes
        the weights least (squared changes, those of a row times its squared norm). X is rounded to
        multiples of a power of two in every prediction. `sk_dsn.export.to_c` makes C of such an
        estimator.

        Parameters
        ----------
        bits : int or list of int, default=8
            Bits of a weight, 2 to 16, of all layers or of each layer above the input. A weight of b
            bits is at most 2**(b - 1) - 1 steps. Biases have as many bits as they need.
        input_step : float, default=None
            The power of two, 1/2 at most, whose multiples X is rounded to. None is 1/256, or less
            where `n_time_steps` vectors add up: an eighth of a spike over all time steps.
        input_range : (float, float), default=None
            The smallest and the largest value of X, 0 among them; values beyond become these. None
            does not limit X. An export needs it to prove that no sum overflows.

        Returns
        -------
        quantized : estimator
            Of the same class, fitted. Its attribute `grid_` holds the bits and steps of the layers,
            `input_step` and `input_range`. `fit` and `partial_fit` leave the grid.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            For bits, a step or a range that cannot be.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sk_dsn import SpikingMLPClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> clf = SpikingMLPClassifier(random_state=0).fit(X / 16, y)
        >>> small = clf.quantize(bits=4, input_range=(0, 1))
        >>> small.grid_["steps"]
        [0.125, 0.125]
        >>> bool(clf.score(X / 16, y) - small.score(X / 16, y) < 0.01)
        True
        """
        estimator = state_of(self)
        check_is_fitted(estimator, "coefs_")
        copied = copy.copy(estimator)
        vars(copied).update(quantized_state(estimator, bits, input_step, input_range))
        return copied

    # Persistence

    # The attributes that a fitted network has from `fit` on, whatever its parameters.
    _fitted_attributes = (
        "coefs_",
        "intercepts_",
        "backward_potentials_",
        "forward_potentials_",
        "n_features_in_",
        "n_layers_",
        "n_outputs_",
        "n_iter_",
        "t_",
        "seed_",
        "loss_curve_",
        "validation_scores_",
        "best_validation_score_",
    )

    def __copy__(self):
        copied = object.__new__(type(self))
        copied.__dict__.update(vars(self))
        if "_idle_networks" in copied.__dict__:
            copied._idle_networks = IdleNetworks()
        return copied

    def __getstate__(self):
        from . import __version__

        state = {name: value for name, value in super().__getstate__().items() if name != "_idle_networks"}
        return state | {"_sk_dsn_version": __version__}

    def __setstate__(self, state):
        """Takes the state of a saved model. Parameters that did not exist when it was saved get
        their defaults.

        Raises ValueError if the state lacks an attribute that is needed, or if it is of an earlier
        layout, and warns (InconsistentVersionWarning) if it was saved by a version newer than this.
        """
        from . import __version__

        state = dict(state)
        saved_by = state.pop("_sk_dsn_version", "0.0")
        if "learning_rule" not in state and hasattr(type(self)(), "learning_rule"):
            raise ValueError(
                f"This {type(self).__name__} was saved in an earlier layout of sk_dsn, without learning_rule, and cannot be "
                "loaded. Train it anew; or load it with the sk_dsn that saved it, save its coefs_ and intercepts_ as "
                "arrays, and pass them to fit as coefs_init and intercepts_init."
            )
        if saved_by != __version__:
            missing = [name for name in self._fitted_attributes if "coefs_" in state and name not in state]
            if missing:
                raise ValueError(
                    f"This {type(self).__name__} was saved by sk_dsn {saved_by} without {', '.join(missing)}, which sk_dsn "
                    f"{__version__} needs. Load it with the version that saved it, or train it anew."
                )
            if parse_version(saved_by) > parse_version(__version__):
                warnings.warn(
                    InconsistentVersionWarning(
                        estimator_name=f"{type(self).__name__} (sk_dsn)",
                        current_sklearn_version=__version__,
                        original_sklearn_version=saved_by,
                    ),
                    stacklevel=2,
                )
            state = {**type(self)().get_params(deep=False), **state}
        if "coefs_" in state:
            state["_idle_networks"] = IdleNetworks()
            for name in {"coefs_", "recurrent_coefs_"} & state.keys():
                # In the list itself, which a stream that was saved with the estimator shares.
                state[name][:] = [padded_copy(w) if _is_movable(w) else w for w in state[name]]
        super().__setstate__(state)


def _is_movable(weights):
    """Whether weights, as from a file, are better copied to the layout that the core reads fastest."""
    plain = type(weights) is np.ndarray and weights.dtype == np.float32 and weights.ndim == 2
    return plain and weights.size > 0 and not is_padded(weights)


def _listed(names):
    """Names as a sentence lists them."""
    *others, last = names
    return f"{', '.join(others)} and {last}"


def count_training_spikes(estimator, X, y, classes=None, sample_weight=None):
    """One `partial_fit` of a copy of an estimator, with the spikes of each sample.

    Returns
    -------
    trained : estimator
        The copy after the call; `estimator` is as it was.
    counts : Bunch
        Arrays of int64 with a row for each sample, in the order of training: `spikes`,
        `error_spikes` and `passed` (error spikes past the gate), of shape (n_samples, n_layers),
        the input first, and `target_spikes`, of shape (n_samples,). The counting simulation has no
        spikes but error spikes; its other entries mean nothing.
    """
    trained, samples, _ = estimator._prepare_partial_fit(X, y, classes, sample_weight)
    counts = np.full((len(samples.rows), 3 * trained.n_layers_ + 1), -1, dtype=np.int64)
    trained._learn_once(samples, counts)
    spikes, error_spikes, passed = np.split(counts[:, :-1], 3, axis=1)
    return trained, Bunch(spikes=spikes, error_spikes=error_spikes, passed=passed, target_spikes=counts[:, -1])

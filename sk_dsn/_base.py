"""What the estimators share: parameters, validation, epochs, stopping, prediction."""
import copy
import inspect
import time
import warnings
from abc import ABCMeta, abstractmethod
from functools import partial
from itertools import pairwise
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning, InconsistentVersionWarning
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ._compat import (
    CallbackSupport,
    Interval,
    Options,
    StrOptions,
    check_sample_weight,
    make_constraint,
    parse_version,
)
from ._core.network import Network, is_padded, padded_copy, padded_zeros
from ._core.prediction import outputs
from ._core.stimulus import Samples as CoreSamples
from ._core.training import epoch_order, train_epoch
from ._settings import LOSSES, NEURONS, RESETS, SIMULATIONS, choose_simulation, core_settings
from ._threads import row_blocks, run_in_threads, thread_count

# The adaptive rate is divided by this when training stalls, until it is below the minimum (as in MLPClassifier).
ADAPTIVE_DIVISOR = 5.0
ADAPTIVE_MINIMUM = 1e-6
# From so many samples on, a copy of the weights in the core's own layout costs less than it saves.
MANY_ROWS = 1000


class Samples(NamedTuple):
    """Checked samples to learn from or to score. Which take part is said by index, so that none are copied."""

    X: np.ndarray  # float32, shape (n_samples, n_features) or (n_samples, n_time_steps, n_features); or a CSR matrix
    shown: CoreSamples  # the same for the core
    targets: np.ndarray  # as `_encode_targets` returns them
    weights: np.ndarray | None  # float32, shape (n_samples,); None: all 1
    rows: np.ndarray  # those that take part: of a weight above 0


class BaseSpikingMLP(CallbackSupport, BaseEstimator, metaclass=ABCMeta):
    """A deep spiking network behind scikit-learn's interface.

    Subclasses encode targets (`_encode_targets`), name the number of outputs and judge validation samples.
    """

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "n_time_steps": [Interval(Integral, 1, 2**24, closed="both")],
        "neuron": [StrOptions(set(NEURONS))],
        "simulation": [StrOptions({"auto", *SIMULATIONS})],
        "propagation": [StrOptions({"breadth-first", "depth-first"})],
        "feedback": [StrOptions({"sample", "step"})],
        "weight_update": [StrOptions({"sgd", "fractional"})],
        "loss": [StrOptions(set(LOSSES))],
        "output_activation": [StrOptions({"linear", "rectifying"})],
        "error_resolution": [Interval(Real, 0, None, closed="neither")],
        "fit_intercept": ["boolean"],
        "weight_init_scale": [None, Interval(Real, 0, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [StrOptions({"linear", "constant", "adaptive"})],
        "normalized_step": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "input_noise": [Interval(Real, 0, None, closed="left")],
        "max_norm": [None, Interval(Real, 0, None, closed="neither")],
        "backward_reset": [StrOptions(set(RESETS))],
        "forward_reset": [StrOptions({"zero", "keep"})],
        "hold_error": ["boolean"],
        "smooth_gradient": ["boolean"],
        "spike_penalty": [Interval(Real, 0, None, closed="left")],
        "mask_negative_inputs": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        hidden_layer_sizes,
        *,
        n_time_steps,
        neuron,
        simulation,
        propagation,
        feedback,
        weight_update,
        loss,
        output_activation,
        error_resolution,
        fit_intercept,
        weight_init_scale,
        learning_rate_init,
        learning_rate,
        normalized_step,
        dropout,
        input_dropout,
        input_noise,
        max_norm,
        backward_reset,
        forward_reset,
        hold_error,
        smooth_gradient,
        spike_penalty,
        mask_negative_inputs,
        max_iter,
        shuffle,
        random_state,
        tol,
        verbose,
        warm_start,
        early_stopping,
        validation_fraction,
        n_iter_no_change,
        n_jobs,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_time_steps = n_time_steps
        self.neuron = neuron
        self.simulation = simulation
        self.propagation = propagation
        self.feedback = feedback
        self.weight_update = weight_update
        self.loss = loss
        self.output_activation = output_activation
        self.error_resolution = error_resolution
        self.fit_intercept = fit_intercept
        self.weight_init_scale = weight_init_scale
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.normalized_step = normalized_step
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.input_noise = input_noise
        self.max_norm = max_norm
        self.backward_reset = backward_reset
        self.forward_reset = forward_reset
        self.hold_error = hold_error
        self.smooth_gradient = smooth_gradient
        self.spike_penalty = spike_penalty
        self.mask_negative_inputs = mask_negative_inputs
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_jobs = n_jobs

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        defaults = inspect.signature(cls).parameters
        cls._made_constraints = {
            name: (defaults[name].default, [make_constraint(constraint) for constraint in constraints])
            for name, constraints in cls._parameter_constraints.items()
            if name in defaults
        }

    def _validate_params(self):
        """As scikit-learn's, which makes the constraints and inspects the signature in each call: half of learning a sample.
        Defaults need no check."""
        for name, (default, constraints) in self._made_constraints.items():
            value = getattr(self, name)
            if value is not default and not any(constraint.is_satisfied_by(value) for constraint in constraints):
                super()._validate_params()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True  # streams
        tags.input_tags.sparse = True
        return tags

    # What validate_data is told of y.
    _target_checks = {}

    @abstractmethod
    def _encode_targets(self, y, classes, reset):
        """Targets as the core takes them; sets what `fit` learns of y (the classes)."""

    @abstractmethod
    def _score_outputs(self, outputs, targets, weights):
        """Score of network outputs, shape (n_samples, n_outputs), against encoded targets; larger is better."""

    def _target_weights(self, targets, weights):
        """What the targets multiply the samples' weights by (the class weights), or None."""
        return None

    # Training

    def _fit(self, X, y, sample_weight, validation, coefs_init, intercepts_init):
        """`validation` is X_val, y_val, sample_weight_val as passed to `fit`."""
        told = {"estimator": self, "X": X, "y": y, "metadata": None}
        if sample_weight is not None:
            told["metadata"] = {"sample_weight": sample_weight}
        context = self._init_callback_context(max_subtasks=self.max_iter)
        context.call_on_fit_task_begin(**told)
        trained = copy.copy(self)
        going_on = self.warm_start and hasattr(self, "coefs_")
        samples = trained._check_samples(X, y, sample_weight, classes=None, reset=not going_on)
        validation = trained._check_validation(*validation)
        if going_on:
            if coefs_init is not None or intercepts_init is not None:
                raise ValueError(
                    "coefs_init and intercepts_init start a new network, but warm_start=True goes on with the fitted one; "
                    "set warm_start=False, or do not pass them."
                )
            trained._continue_network()
        else:
            trained._start_network(coefs_init, intercepts_init)
        trained._train(samples, validation, context, told)
        context.call_on_fit_task_end(**told, reconstruction_attributes=trained._fitted_copy)
        self.__dict__ = trained.__dict__
        return self

    def _partial_fit(self, X, y, classes, sample_weight, coefs_init, intercepts_init):
        self._validate_params()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True; set early_stopping=False, or use fit.")
        trained = copy.copy(self)
        first = not hasattr(self, "coefs_")
        samples = trained._check_samples(X, y, sample_weight, classes, reset=first)
        if first:
            trained._start_network(coefs_init, intercepts_init)
        elif coefs_init is not None or intercepts_init is not None:
            raise ValueError(
                "coefs_init and intercepts_init start a network and go with the first call of partial_fit only; "
                "to start anew, use clone(estimator)."
            )
        else:
            trained._continue_network()
        settings = trained._settings(samples.X)
        network = trained._training_network(settings)
        trained.loss_curve_.append(trained._train_epoch(network, settings, samples, (1, 1)))
        trained.n_iter_ += 1
        trained._store_potentials(network)
        self.__dict__ = trained.__dict__
        return self

    def _check_samples(self, X, y, sample_weight, classes, reset, learned=True):
        """Checked samples to train on, or (not `learned`) only to score."""
        plain = self._plain_input(X, reset)
        if plain is not None:
            X, y = plain, self._check_targets(y)
            if reset:
                self.n_features_in_ = X.shape[1]
                self.__dict__.pop("feature_names_in_", None)
            if len(X) != y.shape[0]:
                check_consistent_length(X, y)
        elif _is_stream(X):
            X, y = self._check_stream(X, reset), self._check_targets(y)
            check_consistent_length(X, y)
        else:
            X, y = validate_data(
                self, X, y, accept_sparse="csr", dtype=np.float32, order="C", reset=reset, **self._target_checks
            )
            X = _orderly(X)
        targets = self._encode_targets(y.toarray() if issparse(y) else y, classes, reset)
        weights = self._check_weights(sample_weight, X, targets)
        rows = np.arange(X.shape[0]) if weights is None else np.flatnonzero(weights)
        # An epoch of counting, which is quick, finds values that are not finite where it learns them, if it learns them all.
        all_learned = learned and len(rows) == X.shape[0] and not self.input_dropout
        if plain is not None and not (all_learned and choose_simulation(self) == "counting"):
            self._check_finite(X)
        return Samples(X, CoreSamples(frames(X)), targets, weights, rows)

    def _check_targets(self, y):
        """y as an array."""
        plain = _plain_array(y, "biufU")
        if plain is not None and (plain.dtype.kind != "f" or np.isfinite(plain).all()):
            return plain
        return validate_data(self, y=y, **self._target_checks)

    def _check_weights(self, sample_weight, X, targets):
        """Weights of the samples in float32, or None where all are 1."""
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        factors = self._target_weights(targets, weights)
        if factors is not None:
            weights = factors if weights is None else weights * factors
        if weights is None:
            return None
        with np.errstate(over="ignore"):
            weights = weights.astype(np.float32)
        if not np.isfinite(weights).all():
            raise ValueError("Sample weights (times class weights) are too large for float32; scale them to a mean of 1.")
        if not weights.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return weights

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
            return self._check_samples(X_val, y_val, sample_weight_val, classes=None, reset=False, learned=False)
        except ValueError as error:
            raise ValueError(f"Validation samples (X_val, y_val, sample_weight_val): {error}") from error

    def _check_stream(self, X, reset):
        """A stream as C-ordered float32; its features are the last axis."""
        kind = type(X[0]).__name__ if isinstance(X, (list, tuple)) else None
        X = np.asarray(X)
        if X.ndim != 3:
            raise ValueError(
                f"X is a list of {kind}, of which no array (n_samples, n_time_steps, n_features) can be made. Samples that "
                "are sparse matrices of a row each go into one sparse matrix: scipy.sparse.vstack(X)."
            )
        if X.shape[1] < 1:
            raise ValueError(f"A stream needs at least one time step; X (n_samples, n_time_steps, n_features) is {X.shape}.")
        flat = X.reshape(X.shape[0] * X.shape[1], X.shape[2])
        return _orderly(validate_data(self, flat, dtype=np.float32, order="C", reset=reset)).reshape(X.shape)

    def _settings(self, X):
        """Parameters for the core, for a checked X: a stream brings its own number of time steps."""
        return core_settings(self, X.shape[1] if _is_stream(X) else self._check_time_steps())

    def _layer_sizes(self):
        hidden = self.hidden_layer_sizes
        hidden = [hidden] if isinstance(hidden, Integral) else list(hidden)
        if any(not isinstance(n, Integral) or n < 1 for n in hidden):
            raise ValueError(f"hidden_layer_sizes must hold integers of at least 1, got {self.hidden_layer_sizes!r}.")
        return [self.n_features_in_, *(int(n) for n in hidden), self.n_outputs_]

    def _start_network(self, coefs_init, intercepts_init):
        """A network with new weights, or with those given."""
        sizes = self._layer_sizes()
        shapes = list(pairwise(sizes))
        if intercepts_init is not None and not self.fit_intercept:
            raise ValueError("intercepts_init was passed with fit_intercept=False; set fit_intercept=True to have biases.")
        self.seed_ = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        generator = np.random.default_rng(self.seed_)
        self.coefs_ = []
        for n_in, n_out in shapes:
            scale = np.sqrt(2.0 / n_in) if self.weight_init_scale is None else self.weight_init_scale
            weights = padded_zeros(n_in, n_out)
            if coefs_init is None:
                with np.errstate(over="ignore"):
                    weights[:] = generator.standard_normal((n_in, n_out), dtype=np.float32) * np.float32(scale)
            self.coefs_.append(weights)
        self.intercepts_ = [padded_zeros(1, n_out)[0] for _, n_out in shapes]
        _copy_into(self.coefs_, coefs_init, "coefs_init")
        _copy_into(self.intercepts_, intercepts_init, "intercepts_init")
        self.backward_potentials_ = [np.zeros(n_out, dtype=np.float32) for _, n_out in shapes]
        self.forward_potentials_ = [np.zeros(n_out, dtype=np.float32) for _, n_out in shapes]
        self.n_layers_ = len(sizes)
        self.n_iter_ = 0
        self.t_ = 0
        self.loss_curve_ = []
        self.validation_scores_ = None
        self.best_validation_score_ = None

    def _continue_network(self):
        """Copies of the weights to train on: if training fails, nothing has changed."""
        sizes = self._layer_sizes()
        if [w.shape for w in self.coefs_] != list(pairwise(sizes)):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} does not fit the weights trained so far, of shapes "
                f"{[w.shape for w in self.coefs_]}; set it back, or call fit with warm_start=False to start anew."
            )
        if not self.fit_intercept and any(b.any() for b in self.intercepts_):
            raise ValueError("The network has learned biases; set fit_intercept=True, or start anew with warm_start=False.")
        self.coefs_, self.intercepts_ = self._weights_copy()

    def _weights_copy(self):
        """Copies of weights and biases in the layout that training takes."""
        return [padded_copy(w) for w in self.coefs_], [padded_copy(b[np.newaxis])[0] for b in self.intercepts_]

    def _training_network(self, settings):
        return Network(
            self.coefs_,
            self.intercepts_ if self.fit_intercept else None,
            self.backward_potentials_,
            potentials=self.forward_potentials_ if self.forward_reset == "keep" else None,
            stepped=settings["simulation"] != SIMULATIONS["counting"],
            dropout=self.dropout > 0,
        )

    def _store_potentials(self, network):
        """What the next call goes on with."""
        self.backward_potentials_ = network.error_potentials()
        if self.forward_reset == "keep":
            self.forward_potentials_ = network.potentials()

    def _fitted_copy(self, network=None):
        """Copies of all that `fit` has set so far, and of what a network in training would go on with."""
        if network is not None:
            self._store_potentials(network)
        return copy.deepcopy({name: value for name, value in vars(self).items() if name.endswith("_")})

    def _epoch_order(self, rows):
        """The rows in the order in which the next epoch takes them: a function of the seed and of `t_` alone."""
        return epoch_order(rows, self.seed_, self.t_) if self.shuffle else rows

    def _train_epoch(self, network, settings, samples, shares):
        """`shares` of the initial rate and noise, at the first sample and where one after the last would stand."""
        labels, values = (samples.targets, None) if samples.targets.ndim == 1 else (None, samples.targets)
        order = self._epoch_order(samples.rows)
        epoch, self.t_ = self.t_, self.t_ + len(order)  # an interrupted epoch is not drawn again
        loss, failed_layer = train_epoch(
            network,
            settings,
            samples.shown,
            labels,
            values,
            order,
            rate_first=self.learning_rate_init * shares[0],
            rate_last=self.learning_rate_init * shares[1],
            noise_first=self.input_noise * shares[0],
            noise_last=self.input_noise * shares[1],
            seed=self.seed_,
            epoch=epoch,
            weights=samples.weights,
        )
        if failed_layer == 0:
            self._check_finite(samples.X)
            raise ValueError(
                f"Input contains values that mean more than 2**24 spikes in {settings['n_time_steps']} time steps. "
                "Scale the features, for instance with StandardScaler or MinMaxScaler, or lower n_time_steps or input_noise."
            )
        if failed_layer > 0:
            raise ValueError(
                f"Training diverged: layer {failed_layer} had more than 2**24 spikes in a sample of "
                f"{settings['n_time_steps']} time steps, or its potentials or weights left the range of float32. Lower "
                "learning_rate_init (or sample and class weights, which multiply it), scale the features (StandardScaler, "
                "MinMaxScaler), set normalized_step=True or lower n_time_steps."
            )
        return loss

    def _train(self, samples, validation, context, told):
        """Epochs until max_iter, until nothing improves any more or until a callback says so. Ctrl-C ends it with the
        weights reached. `context` is the callbacks' of this fit, `told` what each of their hooks is."""
        if self.early_stopping:
            if validation is None:
                samples, validation = self._split(samples)
            self.validation_scores_ = list(self.validation_scores_ or [])
        self.loss_curve_ = list(self.loss_curve_)
        settings = self._settings(samples.X)
        network = self._training_network(settings)
        best_loss, best_score, best_state, stalled = np.inf, -np.inf, None, 0
        share, began = 1, time.perf_counter()
        self.n_iter_ = 0
        try:
            for epoch in range(self.max_iter):
                subcontext = context.subcontext(task_name="epoch")
                subcontext.call_on_fit_task_begin(**told)
                falling = self.learning_rate == "linear"
                shares = [1 - k / self.max_iter for k in (epoch, epoch + 1)] if falling else [share, share]
                loss = self._train_epoch(network, settings, samples, shares)
                self.loss_curve_.append(loss)
                self.n_iter_ += 1
                if self.early_stopping:
                    score = self._score_samples(validation)
                    self.validation_scores_.append(score)
                    improved = score >= best_score + self.tol
                    if score > best_score:
                        best_score, best_state = score, (*self._weights_copy(), network.error_potentials())
                else:
                    improved = loss <= best_loss - self.tol
                    best_loss = min(best_loss, loss)
                if self.verbose:
                    scored = f", validation score {score:.4f}" if self.early_stopping else ""
                    seconds = time.perf_counter() - began
                    print(f"Epoch {self.n_iter_}/{self.max_iter}, loss {loss:.6f}{scored}, {seconds:.1f} s")
                if subcontext.call_on_fit_task_end(**told, reconstruction_attributes=partial(self._fitted_copy, network)):
                    break
                stalled = 0 if improved else stalled + 1
                if stalled >= self.n_iter_no_change:
                    share /= ADAPTIVE_DIVISOR
                    stalled = 0
                    if self.learning_rate != "adaptive" or self.learning_rate_init * share < ADAPTIVE_MINIMUM:
                        break
            else:
                if self.learning_rate != "linear":
                    warnings.warn(
                        f"Training reached max_iter={self.max_iter} epochs and was still improving. Raise max_iter, or set "
                        "learning_rate='linear' to end at a rate of zero.",
                        ConvergenceWarning,
                        stacklevel=5,
                    )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted: the estimator keeps the weights reached.", stacklevel=5)
        self._store_potentials(network)
        if best_state is not None:
            self.coefs_, self.intercepts_, self.backward_potentials_ = best_state
            self.best_validation_score_ = best_score

    def _split(self, samples):
        """Samples to train on, and samples held out."""
        # Half of all that importing sk_dsn would cost.
        from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

        rows, targets = samples.rows, samples.targets[samples.rows]
        splitter = StratifiedShuffleSplit if targets.ndim == 1 else ShuffleSplit
        split = splitter(1, test_size=self.validation_fraction, random_state=self.seed_).split(rows, targets)
        try:
            training, validation = next(split)
        except ValueError as error:
            raise ValueError(
                f"early_stopping=True could not hold out validation_fraction={self.validation_fraction} of {len(rows)} "
                f"samples: {str(error).rstrip('.')}. Set early_stopping=False, change validation_fraction, or pass more "
                "samples."
            ) from error
        return samples._replace(rows=rows[training]), samples._replace(rows=rows[validation])

    def _score_samples(self, samples):
        weights = None if samples.weights is None else samples.weights[samples.rows]
        return self._score_outputs(self._outputs(samples.X, samples.rows), samples.targets[samples.rows], weights)

    @property
    def loss_(self):
        if not getattr(self, "loss_curve_", None):
            raise AttributeError("loss_ is there after the first epoch of training.")
        return self.loss_curve_[-1]

    # Persistence

    # What a fitted network has from `fit` on, whatever its parameters.
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

    def __getstate__(self):
        from . import __version__

        return {**super().__getstate__(), "_sk_dsn_version": __version__}

    def __setstate__(self, state):
        """Takes the state of a saved model. Parameters that did not exist when it was saved get their defaults.

        Raises ValueError if what was saved does not suffice, and warns (InconsistentVersionWarning) if it was saved by a
        version newer than this.
        """
        from . import __version__

        state = dict(state)
        saved_by = state.pop("_sk_dsn_version", "0.0")
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
        super().__setstate__(state)

    # Conversion. Its module is imported when used: scikit-learn's networks would take a part of the time to import this one.

    @classmethod
    def from_mlp(cls, mlp, X=None, *, percentile=99.9, **params):
        """The spiking network with the weights of a fitted rectified-linear one.

        Its outputs approach those of `mlp` as 1 / `n_time_steps`; it can be trained further (`partial_fit`, or `fit` with
        `warm_start=True`).

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Fitted, of the kind of this estimator, with `activation="relu"`. Its classes, biases and names of features are
            kept. The one output of a binary classifier becomes two, with weights -w/2 and w/2.
        X : array-like or sparse matrix of shape (n_samples, n_features), default=None
            Samples to rescale the hidden layers by, for instance the training data ([1]_, [2]_): a layer's weights and
            biases are divided by a percentile of its positive activations, and the next layer's weights multiplied by it,
            which leaves the function of `mlp` as it is. The neurons of every layer then spike at a rate of up to about 1 a
            time step: more finely where activations were small, with fewer spikes where they were large. None keeps the
            weights as they are.
        percentile : float, default=99.9
            Which percentile, above 0 and at most 100 (the largest activation, as in [1]_). Used with X.
        **params : dict
            Parameters of the estimator other than `hidden_layer_sizes`, for instance `n_time_steps` or `neuron`.

        Returns
        -------
        estimator : object of this class
            Fitted; `n_iter_` and `t_` are 0.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `mlp` is not fitted.
        TypeError
            If `mlp` is of another kind.
        ValueError
            If `mlp` has neurons or outputs that a spiking network does not have (another activation, a Poisson
            loss), or if X, percentile or params are unusable.

        See Also
        --------
        to_mlp : The other way.

        References
        ----------
        .. [1] P. U. Diehl, D. Neil, J. Binas, M. Cook, S.-C. Liu and M. Pfeiffer (2015). "Fast-classifying, high-accuracy
           spiking deep networks through weight and threshold balancing". International Joint Conference on Neural
           Networks.
        .. [2] B. Rueckauer, I.-A. Lungu, Y. Hu, M. Pfeiffer and S.-C. Liu (2017). "Conversion of continuous-valued deep
           networks to efficient event-driven networks for image classification". Frontiers in Neuroscience 11:682.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.neural_network import MLPClassifier
        >>> from sk_dsn import SpikingMLPClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> mlp = MLPClassifier(early_stopping=True, random_state=0).fit(X[:1000] / 16, y[:1000])
        >>> clf = SpikingMLPClassifier.from_mlp(mlp, n_time_steps=64)
        >>> bool((clf.predict(X[1000:] / 16) == mlp.predict(X[1000:] / 16)).mean() > 0.99)
        True
        """
        from .conversion import start_from_mlp

        return start_from_mlp(cls, mlp, X, percentile, params)

    def to_mlp(self):
        """The conventional rectified-linear network with these weights.

        Returns
        -------
        mlp : MLPClassifier or MLPRegressor
            Fitted, with float32 weights. Two outputs of a binary classifier become one, their difference. What it does
            not share with this estimator, such as its solver, has scikit-learn's defaults.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If this estimator is not fitted.

        See Also
        --------
        from_mlp : The other way.
        """
        from .conversion import mlp_from

        return mlp_from(self)

    # Prediction

    def _check_time_steps(self):
        if not isinstance(self.n_time_steps, Integral) or not 1 <= self.n_time_steps <= 2**24:
            self._validate_params()
        return int(self.n_time_steps)

    def _check_prediction_input(self, X):
        """X in float32 and C order, static (n_samples, n_features) or streams (n_samples, n_time_steps, n_features)."""
        if not hasattr(self, "coefs_"):
            check_is_fitted(self)
        plain = self._plain_input(X, reset=False)
        if plain is not None:
            return plain
        if _is_stream(X):
            return self._check_stream(X, reset=False)
        return _orderly(validate_data(self, X, accept_sparse="csr", dtype=np.float32, order="C", reset=False))

    def _plain_input(self, X, reset):
        """X in float32 and C order where it is an array or a list of lists of numbers, of the right shape; else None.

        It skips scikit-learn's validation, which costs more than a prediction: the core finds values that are not finite.
        """
        X = _plain_array(X, "fiub")
        if X is None or X.ndim != 2:
            return None
        if not reset and (X.shape[1] != self.n_features_in_ or hasattr(self, "feature_names_in_")):
            return None
        if X.dtype.char != "f":
            with np.errstate(over="ignore"):
                X = X.astype(np.float32)
        return _orderly(np.ascontiguousarray(X, dtype=np.float32))

    def _check_finite(self, X):
        """Raises as scikit-learn does where values of a checked X are not finite."""
        X = X.reshape(-1, X.shape[-1])
        check_array(X, accept_sparse="csr", dtype=np.float32, input_name="X", estimator=self)

    def _network_arrays(self, n_rows=1):
        """Weights and biases as the core reads them, to predict so many samples: copied where a user has put in another kind
        of array, and where that is soon made good, as weights from a file are not in the layout that is read fastest."""
        coefs = [
            w
            if w.dtype == np.float32
            and w.strides[1] == w.itemsize
            and w.flags.aligned
            and (n_rows < MANY_ROWS or is_padded(w))
            else padded_copy(w)
            for w in self.coefs_
        ]
        return coefs, [np.ascontiguousarray(b, dtype=np.float32) for b in self.intercepts_]

    def _outputs(self, X, rows=None):
        """Output of the network after its last time step for (rows of) checked X, shape (n_rows, n_outputs)."""
        return self._run_network(X, rows=rows)[0][0]

    def _predicted_outputs(self, X):
        """What predictions are made of: the outputs for unchecked X, of each sample when it exits."""
        return self._run_network(self._check_prediction_input(X), **self._exit_rule())[0][0]

    def _exit_rule(self):
        """When samples end before their last time step, as `_core.prediction.outputs` takes it; here never."""
        return {}

    def _run_network(self, X, n_steps=1, rows=None, **exit_rule):
        """Outputs after the last n_steps time steps for (rows of) checked X, shape (n_steps, n_rows, n_outputs), and with an
        `exit_rule` the time step at which each row ended, else None."""
        settings = self._settings(X)
        stepped = settings["simulation"] != SIMULATIONS["counting"]
        n_rows = X.shape[0] if rows is None else len(rows)
        coefs, intercepts = self._network_arrays(n_rows)
        out = np.empty((n_steps, n_rows, self.n_outputs_), dtype=np.float32)
        exit_steps = np.empty(n_rows, dtype=np.int64) if exit_rule else None
        shown, failed_rows = CoreSamples(frames(X)), []

        def run(queue):
            network = Network(coefs, intercepts, stepped=stepped, n_together=1 if stepped else n_rows)
            while queue:
                try:
                    block = queue.popleft()
                except IndexError:  # another thread was faster
                    return
                failed_row = outputs(
                    network,
                    settings,
                    shown,
                    out[:, block],
                    rows=rows if rows is None else rows[block],
                    exit_steps=exit_steps if exit_steps is None else exit_steps[block],
                    **exit_rule,
                )
                if failed_row >= 0:
                    failed_rows.append(failed_row)

        blocks, n_threads = [slice(0, n_rows)], 1
        if n_rows > 1:
            n_looks = settings["n_time_steps"] if stepped or _is_stream(X) else n_steps
            n_shown = 1 + X.nnz / X.shape[0] if issparse(X) else X.shape[-1]
            work_of_look = n_shown * coefs[0].shape[1] + sum(w.size for w in coefs[1:])
            of_threads = row_blocks(n_rows, n_looks * work_of_look)
            n_threads = min(len(of_threads), self._n_threads())
        if n_threads > 1:
            blocks = of_threads
            rows = np.arange(n_rows) if rows is None else rows
        run_in_threads(run, blocks, n_threads)
        if failed_rows:
            self._raise_out_of_range(X, min(failed_rows))
        return out, exit_steps

    def _n_threads(self):
        if not isinstance(self.n_jobs, Integral | None):
            self._validate_params()
        return thread_count(self.n_jobs)

    def _raise_out_of_range(self, X, row):
        self._check_finite(X)
        raise ValueError(
            f"Sample {row} of X drives the network out of the range in which spikes can be counted (2**24 a layer). "
            "Scale the features as in training."
        )

    def _staged_outputs(self, X):
        X = self._check_prediction_input(X)
        yield from self._run_network(X, n_steps=self._settings(X)["n_time_steps"])[0]


def _plain_array(values, kinds):
    """`values` where they are an array, or can be made one of a list, of one or two dimensions and of a type among `kinds`
    (NumPy's letters); else None."""
    if type(values) is list:
        try:
            values = np.array(values)
        except ValueError:  # ragged
            return None
    plain = type(values) is np.ndarray and values.ndim in (1, 2) and values.size > 0 and values.dtype.kind in kinds
    return values if plain else None


def _orderly(X):
    """X, copied where its numbers straddle words (as in packed records: C has no floats there), or where a sparse matrix
    has its columns in disorder or twice."""
    if not issparse(X):
        return X if X.flags.aligned else X.copy()
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def frames(X):
    """Checked X as the core takes it: dense, shape (n_samples, n_frames, n_features), where a static vector is one frame;
    or sparse."""
    return X if _is_stream(X) or issparse(X) else X[:, np.newaxis]


def _is_stream(X):
    """Whether X has three dimensions: samples, time steps, features."""
    if isinstance(X, (list, tuple)) and len(X) > 0:
        return np.ndim(X[0]) == 2
    return getattr(X, "ndim", None) == 3


def _copy_into(arrays, values, name):
    """Copies a user's list of arrays into arrays of the network's shapes; None leaves them as they are."""
    if values is None:
        return
    if not isinstance(values, (list, tuple)):
        raise ValueError(f"{name} must be a list of arrays, one per layer above the input, got {type(values).__name__}.")
    if len(values) != len(arrays):
        raise ValueError(f"{name} must hold {len(arrays)} arrays, one per layer above the input, got {len(values)}.")
    for k, (array, value) in enumerate(zip(arrays, values, strict=True)):
        with np.errstate(over="ignore"):
            value = np.asarray(value, dtype=np.float32)
        if value.shape != array.shape:
            raise ValueError(f"{name}[{k}] must have shape {array.shape}, got {value.shape}.")
        if not np.isfinite(value).all():
            raise ValueError(f"{name}[{k}] holds values that are not finite in float32.")
        array[:] = value

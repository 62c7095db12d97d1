"""What the estimators share: parameters, validation, epochs, stopping, prediction."""
import copy
import time
import warnings
from abc import ABCMeta, abstractmethod
from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ._compat import Interval, Options, StrOptions
from ._core.network import Network, padded_copy, padded_zeros
from ._core.prediction import outputs
from ._core.training import train_epoch
from ._settings import LOSSES, NEURONS, RESETS, SIMULATIONS, core_settings
from ._threads import row_blocks, run_in_threads, thread_count

# The adaptive rate is divided by this when training stalls, until it is below the minimum (as in MLPClassifier).
ADAPTIVE_DIVISOR = 5.0
ADAPTIVE_MINIMUM = 1e-6


class BaseSpikingMLP(BaseEstimator, metaclass=ABCMeta):
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
        hidden_layer_sizes=(100,),
        *,
        n_time_steps=16,
        neuron="signed",
        simulation="auto",
        propagation="breadth-first",
        feedback="sample",
        weight_update="sgd",
        loss="log_loss",
        output_activation="linear",
        error_resolution=8.0,
        fit_intercept=True,
        weight_init_scale=None,
        learning_rate_init=0.5,
        learning_rate="linear",
        normalized_step=True,
        dropout=0.0,
        backward_reset="keep",
        forward_reset="zero",
        hold_error=True,
        smooth_gradient=False,
        spike_penalty=0.0,
        mask_negative_inputs=False,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        n_jobs=None,
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

    # What validate_data is told of y.
    _target_checks = {}

    @abstractmethod
    def _encode_targets(self, y, classes, reset):
        """Targets as the core takes them; sets what `fit` learns of y (the classes)."""

    @abstractmethod
    def _score_outputs(self, outputs, targets):
        """Score of network outputs, shape (n_samples, n_outputs), against encoded targets; larger is better."""

    # Training

    def _fit(self, X, y, coefs_init, intercepts_init):
        trained = copy.copy(self)
        going_on = self.warm_start and hasattr(self, "coefs_")
        X, targets = trained._check_training_input(X, y, classes=None, reset=not going_on)
        if going_on:
            if coefs_init is not None or intercepts_init is not None:
                raise ValueError(
                    "coefs_init and intercepts_init start a new network, but warm_start=True goes on with the fitted one; "
                    "set warm_start=False, or do not pass them."
                )
            trained._continue_network()
        else:
            trained._start_network(coefs_init, intercepts_init)
        trained._train(X, targets)
        self.__dict__ = trained.__dict__
        return self

    def _partial_fit(self, X, y, classes, coefs_init, intercepts_init):
        self._validate_params()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True; set early_stopping=False, or use fit.")
        trained = copy.copy(self)
        first = not hasattr(self, "coefs_")
        X, targets = trained._check_training_input(X, y, classes, reset=first)
        if first:
            trained._start_network(coefs_init, intercepts_init)
        elif coefs_init is not None or intercepts_init is not None:
            raise ValueError(
                "coefs_init and intercepts_init start a network and go with the first call of partial_fit only; "
                "to start anew, use clone(estimator)."
            )
        else:
            trained._continue_network()
        network = trained._training_network(X)
        order = trained._epoch_order(np.arange(X.shape[0]))
        rates = (self.learning_rate_init, self.learning_rate_init)
        trained.loss_curve_.append(trained._train_epoch(network, X, targets, order, rates))
        trained.n_iter_ += 1
        trained._store_potentials(network)
        self.__dict__ = trained.__dict__
        return self

    def _check_training_input(self, X, y, classes, reset):
        """Checked X (`_check_prediction_input`) and the encoded targets."""
        if _is_stream(X):
            X = self._check_stream(X, reset)
            y = validate_data(self, y=y, **self._target_checks)
            check_consistent_length(X, y)
        else:
            X, y = validate_data(self, X, y, dtype=np.float32, order="C", reset=reset, **self._target_checks)
            X = _aligned(X)
        return X, self._encode_targets(y.toarray() if issparse(y) else y, classes, reset)

    def _check_stream(self, X, reset):
        """A stream as C-ordered float32; its features are the last axis."""
        X = np.asarray(X)
        if X.shape[1] < 1:
            raise ValueError(f"A stream needs at least one time step; X (n_samples, n_time_steps, n_features) is {X.shape}.")
        flat = X.reshape(X.shape[0] * X.shape[1], X.shape[2])
        return _aligned(validate_data(self, flat, dtype=np.float32, order="C", reset=reset)).reshape(X.shape)

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

    def _training_network(self, X):
        stepped = self._settings(X)["simulation"] != SIMULATIONS["counting"]
        return Network(
            self.coefs_,
            self.intercepts_ if self.fit_intercept else None,
            self.backward_potentials_,
            potentials=self.forward_potentials_ if self.forward_reset == "keep" else None,
            stepped=stepped,
            dropout=self.dropout > 0,
        )

    def _store_potentials(self, network):
        """What the next call goes on with."""
        self.backward_potentials_ = network.error_potentials()
        if self.forward_reset == "keep":
            self.forward_potentials_ = network.potentials()

    def _epoch_order(self, rows):
        """The rows in the order in which the next epoch takes them: a function of the seed and of `t_` alone."""
        if not self.shuffle:
            return rows
        return np.random.default_rng([self.seed_, self.t_]).permutation(rows)

    def _train_epoch(self, network, X, targets, order, rates):
        settings = self._settings(X)
        labels, values = (targets, None) if targets.ndim == 1 else (None, targets)
        epoch, self.t_ = self.t_, self.t_ + len(order)  # an interrupted epoch is not drawn again
        loss, failed_layer = train_epoch(
            network,
            settings,
            frames(X),
            labels,
            values,
            order,
            rate_first=rates[0],
            rate_last=rates[1],
            seed=self.seed_,
            epoch=epoch,
        )
        if failed_layer == 0:
            raise ValueError(
                f"Input contains values that mean more than 2**24 spikes in {settings['n_time_steps']} time steps. "
                "Scale the features, for instance with StandardScaler or MinMaxScaler, or lower n_time_steps."
            )
        if failed_layer > 0:
            raise ValueError(
                f"Training diverged: layer {failed_layer} had more than 2**24 spikes in a sample of "
                f"{settings['n_time_steps']} time steps, or its potentials or weights left the range of float32. Lower "
                "learning_rate_init, scale the features (StandardScaler, MinMaxScaler), set normalized_step=True or lower "
                "n_time_steps."
            )
        return loss

    def _train(self, X, targets):
        """Epochs until max_iter, or until nothing improves any more. Ctrl-C ends it with the weights reached."""
        training_rows, validation_rows = np.arange(X.shape[0]), None
        if self.early_stopping:
            training_rows, validation_rows = self._split_rows(training_rows, targets)
            self.validation_scores_ = list(self.validation_scores_ or [])
        self.loss_curve_ = list(self.loss_curve_)
        network = self._training_network(X)
        best_loss, best_score, best_state, stalled = np.inf, -np.inf, None, 0
        rate, began = self.learning_rate_init, time.perf_counter()
        self.n_iter_ = 0
        try:
            for epoch in range(self.max_iter):
                if self.learning_rate == "linear":
                    rates = [self.learning_rate_init * (1 - k / self.max_iter) for k in (epoch, epoch + 1)]
                else:
                    rates = [rate, rate]
                order = self._epoch_order(training_rows)
                loss = self._train_epoch(network, X, targets, order, rates)
                self.loss_curve_.append(loss)
                self.n_iter_ += 1
                report = f"Epoch {self.n_iter_}/{self.max_iter}, loss {loss:.6f}"
                if self.early_stopping:
                    score = self._score_outputs(self._outputs(X, rows=validation_rows), targets[validation_rows])
                    self.validation_scores_.append(score)
                    report += f", validation score {score:.4f}"
                    improved = score >= best_score + self.tol
                    if score > best_score:
                        best_score, best_state = score, (*self._weights_copy(), network.error_potentials())
                else:
                    improved = loss <= best_loss - self.tol
                    best_loss = min(best_loss, loss)
                if self.verbose:
                    print(f"{report}, {time.perf_counter() - began:.1f} s")
                stalled = 0 if improved else stalled + 1
                if stalled >= self.n_iter_no_change:
                    rate /= ADAPTIVE_DIVISOR
                    stalled = 0
                    if self.learning_rate != "adaptive" or rate < ADAPTIVE_MINIMUM:
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

    def _split_rows(self, rows, targets):
        from sklearn.model_selection import train_test_split  # half of all that importing sk_dsn would cost

        stratify = targets if targets.ndim == 1 else None
        try:
            training, validation = train_test_split(
                rows, test_size=self.validation_fraction, random_state=self.seed_, stratify=stratify
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping=True could not hold out validation_fraction={self.validation_fraction} of {len(rows)} "
                f"samples: {str(error).rstrip('.')}. Set early_stopping=False, change validation_fraction, or pass more "
                "samples."
            ) from error
        return training, validation

    @property
    def loss_(self):
        if not getattr(self, "loss_curve_", None):
            raise AttributeError("loss_ is there after the first epoch of training.")
        return self.loss_curve_[-1]

    # Prediction

    def _check_time_steps(self):
        if not isinstance(self.n_time_steps, Integral) or not 1 <= self.n_time_steps <= 2**24:
            self._validate_params()
        return int(self.n_time_steps)

    def _check_prediction_input(self, X):
        """X in float32 and C order, static (n_samples, n_features) or streams (n_samples, n_time_steps, n_features).

        Plain arrays of the right shape skip scikit-learn's validation, which costs more than a prediction: the core finds
        values that are not finite.
        """
        if not hasattr(self, "coefs_"):
            check_is_fitted(self)
        if _is_stream(X):
            return self._check_stream(X, reset=False)
        if (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and X.dtype.char in "fd"
            and not hasattr(self, "feature_names_in_")
        ):
            if X.dtype.char == "d":
                with np.errstate(over="ignore"):
                    X = X.astype(np.float32)
            X = np.ascontiguousarray(X, dtype=np.float32)
        else:
            X = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        return _aligned(X)

    def _network_arrays(self):
        """Weights and biases as the core reads them: copied only where a user has put in another kind of array."""
        coefs = [
            w
            if w.dtype == np.float32 and w.strides[1] == w.itemsize and w.flags.aligned
            else np.array(w, dtype=np.float32, order="C")
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
        coefs, intercepts = self._network_arrays()
        n_rows = X.shape[0] if rows is None else len(rows)
        out = np.empty((n_steps, n_rows, self.n_outputs_), dtype=np.float32)
        exit_steps = np.empty(n_rows, dtype=np.int64) if exit_rule else None
        shown, failed_rows = frames(X), []

        def run(queue):
            network = Network(coefs, intercepts, stepped=stepped)
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
            of_threads = row_blocks(n_rows, n_looks * sum(w.size for w in coefs))
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
        validate_data(self, X.reshape(-1, X.shape[-1]), dtype=np.float32, reset=False)
        raise ValueError(
            f"Sample {row} of X drives the network out of the range in which spikes can be counted (2**24 a layer). "
            "Scale the features as in training."
        )

    def _staged_outputs(self, X):
        X = self._check_prediction_input(X)
        yield from self._run_network(X, n_steps=self._settings(X)["n_time_steps"])[0]


def _aligned(X):
    """X, copied where its numbers straddle words (as in packed records): C has no floats there."""
    return X if X.flags.aligned else X.copy()


def frames(X):
    """Checked X as the core takes it, shape (n_samples, n_frames, n_features): a static vector is one frame."""
    return X if _is_stream(X) else X[:, np.newaxis]


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

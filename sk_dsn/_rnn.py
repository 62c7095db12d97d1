"""SpikingRNNClassifier and SpikingRNNRegressor: recurrent spiking networks for sequences."""
from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Self

from sklearn.base import ClassifierMixin, RegressorMixin

from ._classifier import LabelOutputs, check_first_classes
from ._compat import Interval, StrOptions, fit_context
from ._parameters import CLASSIFIER_CONSTRAINTS
from ._recurrent import RECURRENT_CONSTRAINTS, BaseRecurrentNetwork
from ._targets import classification_targets, regression_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._typing import (
        ArrayLike,
        Float64Array,
        LayerSizes,
        LearningRate,
        RandomState,
        Streams,
        Targets,
        Weights,
    )


class SpikingRNNClassifier(ClassifierMixin, LabelOutputs, BaseRecurrentNetwork):
    """Recurrent spiking network classifier of sequences, trained by spikes that go back through time.

    Every hidden layer gets its own spikes of the time step before, through recurrent weights. It is
    a rectified-linear recurrent network whose activations and errors travel as spikes, so that work
    follows spikes and errors.

    The parameters stand in groups: the network (`hidden_layer_sizes` to `fit_intercept`), learning
    (`feedback` to `verbose`), regularisation (`dropout` to `class_weight`), stopping (`tol` to
    `n_iter_no_change`) and prediction (`exit_margin`, `n_jobs`).

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(100,)
        Neurons of each hidden layer. An empty sequence is a network without hidden layers, which has
        no recurrence.
    leak : float, default=1.0
        Share, in [0, 1], of all potentials, traces and sums that is lost at each time step. At 1
        spikes carry a neuron's activation anew in each step; at a smaller leak they carry its
        changes. Read when a method is called.
    threshold : float, default=0.25
        The activation that one spike is worth, a power of two. Smaller is finer and takes more
        spikes. Read when a method is called.
    neuron : {"signed", "rectifying"}, default="signed"
        Whether a hidden neuron takes spikes back when its input falls faster than the leak, or only
        ever fires. At leak 1 both are the same. Read when a method is called.
    readout : {"last", "mean"}, default="last"
        Whether the answer is that of the last time step, or the mean of all steps' answers.
    recurrent_init : {"identity", "orthogonal"}, default="identity"
        Initial recurrent weights: a multiple of the identity, with which a layer remembers, or of a
        random orthogonal matrix.
    recurrent_init_scale : float, default=None
        That multiple. None is 0.9 for sequences of at most 64 time steps on average, else 1.0: long
        sequences are learned with recurrent weights near the identity.
    weight_init_scale : float, default=None
        Standard deviation of the other initial weights; None is He's, sqrt(2 / n_in).
    fit_intercept : bool, default=True
        Whether neurons have biases.
    feedback : {"sample", "step"}, default="sample"
        Whether the loss is that of the final answer, or the mean of the losses of the answers of
        all time steps.
    loss : {"log_loss", "squared_error"}, default="log_loss"
        The loss whose gradient is the output's error. "log_loss": of the softmax of the output
        (multilabel: of the logistic function of each output). "squared_error": half the squared
        distance of the output to the one-hot target (multilabel: to y's row).
    error_resolution : float, default=16.0
        Error spikes that stand for an error of 1 (g). Fewer cost less and learn more coarsely.
    solver : {"adam", "sgd"}, default="adam"
        Adam, or gradient descent with `momentum`.
    momentum : float, default=0.9
        Share, in [0, 1), of the last update that goes into the next one, with `solver="sgd"`.
    batch_size : int, default=8
        Samples of an update, which goes down the mean of their gradients. `partial_fit` makes batches
        of its samples in the given order; the last one may be smaller.
    learning_rate_init : float, default=0.001
        Learning rate at the start.
    learning_rate : {"linear", "constant", "adaptive"}, default="linear"
        Schedule in `fit`: falling linearly to zero at `max_iter` epochs; constant; or divided by 5
        whenever `n_iter_no_change` epochs pass without improvement, until below 1e-6. `partial_fit`
        is always constant.
    max_grad_norm : float, default=1.0
        Largest Euclidean norm of the gradient of all parameters; a longer one is scaled down to it.
        None sets no limit.
    max_iter : int, default=100
        Epochs of `fit` at most.
    shuffle : bool, default=True
        Whether each epoch takes the samples in a new order.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order, dropout (features too) and validation samples. An int makes training
        reproducible bit for bit.
    warm_start : bool, default=False
        Whether `fit` goes on with the weights and the optimizer's state that it has.
    verbose : bool or int, default=False
        Whether to print a line an epoch.
    dropout : float, default=0.0
        Probability with which a hidden neuron is left out of a training sample, in [0, 1): its spikes
        do not go up, at any time step; those of the others count 1 / (1 - dropout) times. Recurrent
        spikes are not dropped.
    input_dropout : float, default=0.0
        Probability with which a feature is left out of a training sample, for all its time steps,
        in [0, 1); the others are multiplied by 1 / (1 - input_dropout).
    input_noise : float, default=0.0
        Standard deviation, in units of the features, of noise that is added to every feature of a
        training sample, the same at all time steps. It is multiplied by the rate's share of
        `learning_rate_init`.
    class_weight : dict or "balanced", default=None
        Weights of the classes, {label: weight}, 1 where a label is missing; they multiply
        `sample_weight`. "balanced": (weighted) samples / (classes x samples of the class), in `fit`
        only. They weigh validation scores too.
    tol : float, default=1e-4
        Improvement of loss (or of the validation score) that counts as one.
    early_stopping : bool, default=False
        Whether to stop when the score on validation samples no longer improves, ending with the
        weights that scored best: on those passed to `fit` as X_val and y_val, or else on
        `validation_fraction` of the training samples, held out.
    validation_fraction : float, default=0.1
        Fraction held out with `early_stopping`; not used where X_val and y_val are passed.
    n_iter_no_change : int, default=10
        Epochs without improvement by `tol` after which training stops (or the adaptive rate falls).
    exit_margin : float, default=None
        Anytime prediction: `predict`, `predict_proba` and `decision_function` end a sample, and
        with it the work, as soon as its largest output exceeds the second largest by this much
        (multilabel: as soon as every label's decision is this far from 0). It needs
        `feedback="step"`, which trains the answers before the last one. None never ends a sample.
    n_jobs : int, default=None
        Threads that share the rows of a prediction, as joblib counts them. The result is the same,
        bit for bit. Training takes one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; multilabel, the numbers of y's columns.
    multilabel_ : bool
        Whether y was an indicator matrix, and so are predictions.
    coefs_ : list of ndarray of float32, shape (n_in, n_out)
        Weights of each layer above the input. Changing them in place changes predictions.
    recurrent_coefs_ : list of ndarray of float32, shape (n, n)
        Recurrent weights of each hidden layer, from the neuron of the row to that of the column.
    intercepts_ : list of ndarray of float32, shape (n_out,)
        Biases, zero without `fit_intercept`.
    optimizer_ : dict
        State of the optimizer, with which `partial_fit` and a warm start go on: its `solver`, the
        number `n_updates` of updates, and for each array of `coefs_`, `recurrent_coefs_` and
        `intercepts_` its two `moments` (with "sgd" the velocity, and zeros).
    backward_potentials_ : list of ndarray of float32, shape (n_out,)
        Error potentials of each layer above the input, kept from sample to sample and from one
        `partial_fit` to the next.
    mean_time_steps_ : float
        Mean number of time steps of the sequences that `fit` (or the first `partial_fit`) saw.
    loss_ : float
        Last of `loss_curve_`.
    loss_curve_ : list of float
        Mean loss of each epoch (and `partial_fit`), weighted, of the outputs as seen in training.
    validation_scores_ : list of float or None
        Score on the validation samples after each epoch; None without `early_stopping`.
    best_validation_score_ : float or None
        The largest of them in the last `fit`: that of the weights kept.
    n_iter_ : int
        Epochs of the last `fit`, or calls of `partial_fit` since.
    t_ : int
        Training samples seen; those of weight 0 are not.
    n_features_in_ : int
        Number of features.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs.
    seed_ : int
        The seed that `random_state` gave; all random draws follow from it and `t_`.

    See Also
    --------
    SpikingRNNRegressor : The same network for numbers.
    SpikingMLPClassifier : The network without recurrence.

    Notes
    -----
    With a = 1 - leak and theta the threshold, hidden layer l has at time step t::

        u_l = a u_l + theta W_l^T s_(l-1)[t] + theta R_l^T s_l[t-1] + b_l
        s_l = ceil((max(u_l, 0) - a n_l) / theta - 1/2)        spikes
        n_l = a n_l + theta s_l                                trace

    so n_l follows max(0, u_l) to within theta / 2: this is the rectified-linear recurrent network
    h_l[t] = max(0, W h_(l-1)[t] + R h_l[t-1] + c_t b) on the leaky sum of the input, whose
    activations travel as spikes. Outputs never fire; their answer is their sum divided by
    c_t = a c_(t-1) + 1. The errors of that network's exact gradient go back through time as spikes
    too: an error d joins the error potential, phi += g d, which fires ceil(phi - 1/2) error spikes.
    Where nothing is wrong no error spike is sent, and nothing goes back through time. The tape of a
    sequence takes memory in proportion to its time steps.

    Examples
    --------
    Which half of a sequence holds the burst?

    >>> import numpy as np
    >>> from sk_dsn import SpikingRNNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = 0.1 * rng.random((200, 12, 3))
    >>> y = rng.integers(0, 2, 200)
    >>> X[np.arange(200), 2 + 6 * y] += 1
    >>> clf = SpikingRNNClassifier((16,), max_iter=20, random_state=0).fit(X[:150], y[:150])
    >>> clf.score(X[150:], y[150:]) > 0.95
    True
    """

    _parameter_constraints = RECURRENT_CONSTRAINTS | {
        "class_weight": CLASSIFIER_CONSTRAINTS["class_weight"],
        "exit_margin": [None, Interval(Real, 0, None, closed="neither")],
    }
    _target_checks = {"multi_output": True}
    _fitted_attributes = (*BaseRecurrentNetwork._fitted_attributes, "classes_", "multilabel_")

    def __init__(
        self,
        hidden_layer_sizes: LayerSizes = (100,),
        *,
        # network
        leak: float = 1.0,
        threshold: float = 0.25,
        neuron: Literal["signed", "rectifying"] = "signed",
        readout: Literal["last", "mean"] = "last",
        recurrent_init: Literal["identity", "orthogonal"] = "identity",
        recurrent_init_scale: float | None = None,
        weight_init_scale: float | None = None,
        fit_intercept: bool = True,
        # learning
        feedback: Literal["sample", "step"] = "sample",
        loss: Literal["log_loss", "squared_error"] = "log_loss",
        error_resolution: float = 16.0,
        solver: Literal["adam", "sgd"] = "adam",
        momentum: float = 0.9,
        batch_size: int = 8,
        learning_rate_init: float = 0.001,
        learning_rate: LearningRate = "linear",
        max_grad_norm: float | None = 1.0,
        max_iter: int = 100,
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
        verbose: bool | int = False,
        # regularisation
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        input_noise: float = 0.0,
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        # stopping
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        # prediction
        exit_margin: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.leak = leak
        self.threshold = threshold
        self.neuron = neuron
        self.readout = readout
        self.recurrent_init = recurrent_init
        self.recurrent_init_scale = recurrent_init_scale
        self.weight_init_scale = weight_init_scale
        self.fit_intercept = fit_intercept
        self.feedback = feedback
        self.loss = loss
        self.error_resolution = error_resolution
        self.solver = solver
        self.momentum = momentum
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.max_grad_norm = max_grad_norm
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.input_noise = input_noise
        self.class_weight = class_weight
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.exit_margin = exit_margin
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Streams,
        y: Targets,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        coefs_init: Weights | None = None,
        recurrent_coefs_init: Weights | None = None,
        intercepts_init: Weights | None = None,
    ) -> Self:
        """Train on each sample once, in batches of `batch_size` in the given order, at the constant
        rate `learning_rate_init`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_time_steps, n_features)
        y : array-like of shape (n_samples,), or indicator matrix of shape (n_samples, n_labels)
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; multilabel, the numbers of y's columns. Needed in the
            first call, optional later.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.
        coefs_init, recurrent_coefs_init, intercepts_init : list of array-like, default=None
            As in `fit`; first call only.

        Returns
        -------
        self : SpikingRNNClassifier

        Raises
        ------
        ValueError
            As `fit`; the estimator is then as it was before.
        """
        check_first_classes(self, classes)
        return self._partial_fit(
            X,
            y,
            classes,
            sample_weight,
            coefs_init=coefs_init,
            recurrent_coefs_init=recurrent_coefs_init,
            intercepts_init=intercepts_init,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _learn_targets(self, y, classes, known, weights, weights_given):
        return classification_targets(y, classes, known, self.loss)

    def _class_weights(self, targets, encoded, weights):
        return targets.class_weights(self.class_weight, encoded, weights)


class SpikingRNNRegressor(RegressorMixin, BaseRecurrentNetwork):
    """Recurrent spiking network regressor of sequences, trained by spikes that go back through time.

    It is the network of `SpikingRNNClassifier` with one output a target. Targets are
    scaled, see `scale_target`.

    The parameters stand in groups: the network (`hidden_layer_sizes` to `fit_intercept`), learning
    (`feedback` to `verbose`), regularisation (`dropout` to `input_noise`), stopping (`tol` to
    `n_iter_no_change`) and prediction (`n_jobs`).

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(100,)
        Neurons of each hidden layer. An empty sequence is a network without hidden layers, which has
        no recurrence.
    leak : float, default=1.0
        Share, in [0, 1], of all potentials, traces and sums that is lost at each time step. At 1
        spikes carry a neuron's activation anew in each step; at a smaller leak they carry its
        changes. Read when a method is called.
    threshold : float, default=0.25
        The activation that one spike is worth, a power of two. Smaller is finer and takes more
        spikes. Read when a method is called.
    neuron : {"signed", "rectifying"}, default="signed"
        Whether a hidden neuron takes spikes back when its input falls faster than the leak, or only
        ever fires. At leak 1 both are the same. Read when a method is called.
    readout : {"last", "mean"}, default="last"
        Whether the answer is that of the last time step, or the mean of all steps' answers.
    recurrent_init : {"identity", "orthogonal"}, default="identity"
        Initial recurrent weights: a multiple of the identity, with which a layer remembers, or of a
        random orthogonal matrix.
    recurrent_init_scale : float, default=None
        That multiple. None is 0.9 for sequences of at most 64 time steps on average, else 1.0: long
        sequences are learned with recurrent weights near the identity.
    weight_init_scale : float, default=None
        Standard deviation of the other initial weights; None is He's, sqrt(2 / n_in).
    fit_intercept : bool, default=True
        Whether neurons have biases.
    feedback : {"sample", "step"}, default="sample"
        Whether the loss is that of the final answer, or the mean of the losses of the answers of
        all time steps.
    loss : {"squared_error"}, default="squared_error"
        Half the squared distance of the output to the target.
    scale_target : bool, default=True
        Whether the network learns (y - mean) / scale, with the (weighted) mean and standard
        deviation of each output in the y of `fit`, or of the first `partial_fit`. Predictions and
        scores are in the units of y. It is off where initial weights are given.
    error_resolution : float, default=16.0
        Error spikes that stand for an error of 1 (g). Fewer cost less and learn more coarsely.
    solver : {"adam", "sgd"}, default="adam"
        Adam, or gradient descent with `momentum`.
    momentum : float, default=0.9
        Share, in [0, 1), of the last update that goes into the next one, with `solver="sgd"`.
    batch_size : int, default=8
        Samples of an update, which goes down the mean of their gradients. `partial_fit` makes batches
        of its samples in the given order; the last one may be smaller.
    learning_rate_init : float, default=0.001
        Learning rate at the start.
    learning_rate : {"linear", "constant", "adaptive"}, default="linear"
        Schedule in `fit`: falling linearly to zero at `max_iter` epochs; constant; or divided by 5
        whenever `n_iter_no_change` epochs pass without improvement, until below 1e-6. `partial_fit`
        is always constant.
    max_grad_norm : float, default=1.0
        Largest Euclidean norm of the gradient of all parameters; a longer one is scaled down to it.
        None sets no limit.
    max_iter : int, default=100
        Epochs of `fit` at most.
    shuffle : bool, default=True
        Whether each epoch takes the samples in a new order.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order, dropout (features too) and validation samples. An int makes training
        reproducible bit for bit.
    warm_start : bool, default=False
        Whether `fit` goes on with the weights and the optimizer's state that it has.
    verbose : bool or int, default=False
        Whether to print a line an epoch.
    dropout : float, default=0.0
        Probability with which a hidden neuron is left out of a training sample, in [0, 1): its spikes
        do not go up, at any time step; those of the others count 1 / (1 - dropout) times. Recurrent
        spikes are not dropped.
    input_dropout : float, default=0.0
        Probability with which a feature is left out of a training sample, for all its time steps,
        in [0, 1); the others are multiplied by 1 / (1 - input_dropout).
    input_noise : float, default=0.0
        Standard deviation, in units of the features, of noise that is added to every feature of a
        training sample, the same at all time steps. It is multiplied by the rate's share of
        `learning_rate_init`.
    tol : float, default=1e-4
        Improvement of loss (or of the validation score) that counts as one.
    early_stopping : bool, default=False
        Whether to stop when the score on validation samples no longer improves, ending with the
        weights that scored best: on those passed to `fit` as X_val and y_val, or else on
        `validation_fraction` of the training samples, held out.
    validation_fraction : float, default=0.1
        Fraction held out with `early_stopping`; not used where X_val and y_val are passed.
    n_iter_no_change : int, default=10
        Epochs without improvement by `tol` after which training stops (or the adaptive rate falls).
    n_jobs : int, default=None
        Threads that share the rows of a prediction, as joblib counts them. The result is the same,
        bit for bit. Training takes one.

    Attributes
    ----------
    single_output_ : bool
        Whether y had one dimension, and so have predictions.
    target_mean_ : ndarray of float64, shape (n_outputs,)
        What predictions are shifted by; 0 where targets are not scaled.
    target_scale_ : ndarray of float64, shape (n_outputs,)
        What outputs are multiplied by; 1 where targets are not scaled.
    coefs_ : list of ndarray of float32, shape (n_in, n_out)
        Weights of each layer above the input. Changing them in place changes predictions.
    recurrent_coefs_ : list of ndarray of float32, shape (n, n)
        Recurrent weights of each hidden layer, from the neuron of the row to that of the column.
    intercepts_ : list of ndarray of float32, shape (n_out,)
        Biases, zero without `fit_intercept`.
    optimizer_ : dict
        State of the optimizer, with which `partial_fit` and a warm start go on: its `solver`, the
        number `n_updates` of updates, and for each array of `coefs_`, `recurrent_coefs_` and
        `intercepts_` its two `moments` (with "sgd" the velocity, and zeros).
    backward_potentials_ : list of ndarray of float32, shape (n_out,)
        Error potentials of each layer above the input, kept from sample to sample and from one
        `partial_fit` to the next.
    mean_time_steps_ : float
        Mean number of time steps of the sequences that `fit` (or the first `partial_fit`) saw.
    loss_ : float
        Last of `loss_curve_`.
    loss_curve_ : list of float
        Mean loss of each epoch (and `partial_fit`), weighted, of the outputs as seen in training.
    validation_scores_ : list of float or None
        Score on the validation samples after each epoch; None without `early_stopping`.
    best_validation_score_ : float or None
        The largest of them in the last `fit`: that of the weights kept.
    n_iter_ : int
        Epochs of the last `fit`, or calls of `partial_fit` since.
    t_ : int
        Training samples seen; those of weight 0 are not.
    n_features_in_ : int
        Number of features.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs.
    seed_ : int
        The seed that `random_state` gave; all random draws follow from it and `t_`.

    See Also
    --------
    SpikingRNNClassifier : The same network for labels.
    SpikingMLPRegressor : The network without recurrence.

    Notes
    -----
    With a = 1 - leak and theta the threshold, hidden layer l has at time step t::

        u_l = a u_l + theta W_l^T s_(l-1)[t] + theta R_l^T s_l[t-1] + b_l
        s_l = ceil((max(u_l, 0) - a n_l) / theta - 1/2)        spikes
        n_l = a n_l + theta s_l                                trace

    so n_l follows max(0, u_l) to within theta / 2: this is the rectified-linear recurrent network
    h_l[t] = max(0, W h_(l-1)[t] + R h_l[t-1] + c_t b) on the leaky sum of the input, whose
    activations travel as spikes. Outputs never fire; their answer is their sum divided by
    c_t = a c_(t-1) + 1. The errors of that network's exact gradient go back through time as spikes
    too: an error d joins the error potential, phi += g d, which fires ceil(phi - 1/2) error spikes.
    Where nothing is wrong no error spike is sent, and nothing goes back through time. The tape of a
    sequence takes memory in proportion to its time steps.

    Examples
    --------
    The sum of a sequence's last three values:

    >>> import numpy as np
    >>> from sk_dsn import SpikingRNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((400, 8, 1))
    >>> y = X[:, -3:, 0].sum(axis=1)
    >>> reg = SpikingRNNRegressor(
    ...     (32,), threshold=1 / 16, recurrent_init="orthogonal", learning_rate_init=0.01, max_iter=30, random_state=0
    ... )
    >>> reg = reg.fit(X[:300], y[:300])
    >>> reg.score(X[300:], y[300:]) > 0.97
    True
    """

    _parameter_constraints = RECURRENT_CONSTRAINTS | {
        "loss": [StrOptions({"squared_error"})],
        "scale_target": ["boolean"],
    }
    _target_checks = {"multi_output": True, "y_numeric": True}
    _fitted_attributes = (*BaseRecurrentNetwork._fitted_attributes, "single_output_", "target_mean_", "target_scale_")
    single_output_: bool
    target_mean_: Float64Array
    target_scale_: Float64Array

    def __init__(
        self,
        hidden_layer_sizes: LayerSizes = (100,),
        *,
        # network
        leak: float = 1.0,
        threshold: float = 0.25,
        neuron: Literal["signed", "rectifying"] = "signed",
        readout: Literal["last", "mean"] = "last",
        recurrent_init: Literal["identity", "orthogonal"] = "identity",
        recurrent_init_scale: float | None = None,
        weight_init_scale: float | None = None,
        fit_intercept: bool = True,
        # learning
        feedback: Literal["sample", "step"] = "sample",
        loss: Literal["squared_error"] = "squared_error",
        scale_target: bool = True,
        error_resolution: float = 16.0,
        solver: Literal["adam", "sgd"] = "adam",
        momentum: float = 0.9,
        batch_size: int = 8,
        learning_rate_init: float = 0.001,
        learning_rate: LearningRate = "linear",
        max_grad_norm: float | None = 1.0,
        max_iter: int = 100,
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
        verbose: bool | int = False,
        # regularisation
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        input_noise: float = 0.0,
        # stopping
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        # prediction
        n_jobs: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.leak = leak
        self.threshold = threshold
        self.neuron = neuron
        self.readout = readout
        self.recurrent_init = recurrent_init
        self.recurrent_init_scale = recurrent_init_scale
        self.weight_init_scale = weight_init_scale
        self.fit_intercept = fit_intercept
        self.feedback = feedback
        self.loss = loss
        self.scale_target = scale_target
        self.error_resolution = error_resolution
        self.solver = solver
        self.momentum = momentum
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.max_grad_norm = max_grad_norm
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.input_noise = input_noise
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Streams,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        coefs_init: Weights | None = None,
        recurrent_coefs_init: Weights | None = None,
        intercepts_init: Weights | None = None,
    ) -> Self:
        """Train on each sample once, in batches of `batch_size` in the given order, at the constant
        rate `learning_rate_init`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_time_steps, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.
        coefs_init, recurrent_coefs_init, intercepts_init : list of array-like, default=None
            As in `fit`; first call only.

        Returns
        -------
        self : SpikingRNNRegressor

        Raises
        ------
        ValueError
            As `fit`; the estimator is then as it was before.
        """
        return self._partial_fit(
            X,
            y,
            None,
            sample_weight,
            coefs_init=coefs_init,
            recurrent_coefs_init=recurrent_coefs_init,
            intercepts_init=intercepts_init,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _learn_targets(self, y, classes, known, weights, weights_given):
        return regression_targets(y, known, "linear", self.scale_target and not weights_given, weights)

    def predict(self, X: Streams) -> Float64Array:
        """Output of the network after the last time step; with `readout="mean"` the mean of all steps'.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_time_steps, n_features)

        Returns
        -------
        values : ndarray of float64, shape (n_samples,) or (n_samples, n_outputs)
            As y was given.
        """
        targets, outputs = self._predict(X)
        return targets.decode(outputs)

    def staged_predict(self, X: Streams) -> Iterator[Float64Array]:
        """`predict` after each time step.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_time_steps, n_features)

        Yields
        ------
        values : ndarray of float64, shape (n_samples,) or (n_samples, n_outputs)
        """
        for targets, outputs in self._staged_predict(X):
            yield targets.decode(outputs)

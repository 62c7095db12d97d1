"""SpikingMLPRegressor: targets that are numbers."""
from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from sklearn.base import RegressorMixin

from ._base import BaseSpikingNetwork
from ._compat import fit_context
from ._parameters import REGRESSOR_CONSTRAINTS, rule_of
from ._targets import regression_targets
from .conversion import _ConvertibleMLP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._learning_rule import SpikingBackprop
    from ._typing import (
        ArrayLike,
        Float64Array,
        LayerSizes,
        LearningRate,
        RandomState,
        Samples,
        Simulation,
        Targets,
        Weights,
    )


class SpikingMLPRegressor(RegressorMixin, _ConvertibleMLP, BaseSpikingNetwork):
    """Deep spiking network regressor, trained by spiking backpropagation.

    The output is the last layer's accumulated input divided by time, in the units of the targets:
    real numbers, one or several a sample.

    The parameters stand in groups: the network (`hidden_layer_sizes` to `weight_init_scale`),
    learning (`loss` to `verbose`), regularisation (`dropout` to `spike_penalty`), stopping (`tol`
    to `n_iter_no_change`), prediction (`n_jobs`) and the rule (`learning_rule`).

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(100,)
        Neurons of each hidden layer. An empty sequence is a network without hidden layers.
    n_time_steps : int, default=128
        Time steps T of a sample (the paper's T). Inputs are quantised to multiples of 1/T, so a
        larger T is finer; by counting it costs nothing. Read when a method is called: a fitted
        network can predict with another T. A stream brings its own.
    neuron : {"signed", "rectifying"}, default="signed"
        Whether a hidden neuron takes a spike back when its potential falls to -1/2, so that its net
        count follows its input down as well as up, or only ever fires (the paper's, whose count
        depends on the order of its input).
    simulation : str, default="auto"
        How the network is computed. "counting": the state at the last time step directly (signed
        neurons, sgd, feedback "sample"). "clock-driven": step by step, a layer integrates all
        spikes of a step before it fires. "event-driven": spike by spike (the paper's), a layer
        takes all spikes of a time step before the next layer does. "event-driven-depth-first":
        spike by spike, each spike goes all the way up before the next. "auto" is the first of
        counting, clock-driven and event-driven that can compute the learning rule. Read when a
        method is called.
    leak : float, default=0.0
        Share of their state that neurons lose at each time step, in [0, 1]: leaky integrate-and-fire.
        At the start of a time step potentials, spike counts and the accumulated output are
        multiplied by 1 - `leak`, so that recent input weighs more and the order of a stream counts.
        0 forgets nothing: a signed network then sees only the sum of a stream, and any order of its
        steps gives the same answer. About 1 / (time steps to remember) is a good start; 1 keeps the
        present step alone. "auto" then takes the clock-driven simulation. Read when a method is
        called, as `readout` is.
    readout : {"last", "mean"}, default="last"
        What answers: the output after the last time step, or the mean of the outputs after every
        time step so far. Learning is the same for both.
    fit_intercept : bool, default=True
        Whether neurons have biases (the paper's have none).
    weight_init_scale : float, default=None
        Standard deviation of the initial weights (the paper's is 0.01). None: orthogonal weights of
        He's mean square, 2 / n_in; those of the first layer times min(1, sqrt(20 / n_features)),
        those of the output times 0.3.
    loss : {"squared_error"}, default="squared_error"
        Half the squared distance of the output to the target.
    scale_target : bool, default=True
        Whether the network learns (y - mean) / scale, with the (weighted) mean and standard
        deviation of each output in the y of `fit`, or of the first `partial_fit`; warm starts and
        later calls keep them. Predictions and scores are in the units of y. It is off where
        `coefs_init` or `intercepts_init` is given, in networks from `from_mlp`, and where the rule's
        outputs rectify.
    error_resolution : float, default=8.0
        Error spikes that stand for an error of 1 (g). The error is multiplied by g and the rate
        divided by it; 1 is the paper's network, more sends errors back more finely, at the cost of
        more error spikes.
    learning_rate_init : float, default=0.2
        Learning rate (the paper's eta) at the start. With `normalized_step=True`, to which the
        default belongs, it is divided by the number of weight layers, which move the answer
        together. Plain steps take it as it is, from about 0.001 to 0.05, smaller for more or larger
        features.
    learning_rate : {"linear", "constant", "adaptive"}, default="linear"
        Schedule in `fit`: falling linearly to zero at `max_iter` epochs; constant; or divided by 5
        whenever `n_iter_no_change` epochs pass without improvement, until below 1e-6. A linear
        schedule is run to its end, whatever the loss does, but for two cases: `early_stopping`, and
        (without dropout and noise) an epoch that sent no error spike. `partial_fit` is always
        constant.
    normalized_step : bool, default=True
        Divide a layer's rate by 1 + the squared norm of its input (normalised least mean squares)
        and by the number of weight layers, which keeps learning stable whatever the scale of the
        features and the depth. Of the squared error, sample weights raise the rate of a layer to
        1 / (number of weight layers) at most: a whole step.
    max_iter : int, default=50
        Epochs of `fit` at most. The linear schedule takes them all.
    shuffle : bool, default=True
        Whether each epoch takes the samples in a new order.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order, dropout (features too) and validation samples. An int makes training
        reproducible bit for bit.
    warm_start : bool, default=False
        Whether `fit` goes on with the weights it has, on the same classes and features.
    verbose : bool or int, default=False
        Whether to print a line an epoch, with its loss and time, and at the end why training ended;
        from 2 on, about ten epochs alone. With scikit-learn 1.9 or later, `set_callbacks` has more:
        see `fit`.
    dropout : float, default=0.0
        Probability with which a hidden neuron is left out of a training sample, in [0, 1).
    input_dropout : float, default=0.0
        Probability with which a feature is left out of a training sample, for all its time steps,
        in [0, 1); the others are multiplied by 1 / (1 - input_dropout). About 0.3 helps in
        long training where features repeat each other (pixels).
    input_noise : float, default=0.0
        Standard deviation, in units of the features, of noise that is added to every feature of a
        training sample: drawn anew in each epoch, the same at all time steps, close to normal (a
        sum of eight uniform numbers). It is multiplied by the rate's share of `learning_rate_init`,
        so it falls as the rate does. Noise as large as the features makes long training on
        principal components more accurate. A sparse sample takes as long as a dense one with it.
    max_norm : float, default=None
        Largest Euclidean norm, above 0, of the weights that lead to a hidden neuron: longer ones
        are scaled down to it after each epoch (and `partial_fit`). 1 to 2, with a falling rate and
        15 epochs or more, makes networks of pixels more accurate; None sets no limit. Biases and
        the output's weights have none.
    spike_penalty : float, default=0.0
        Pushes hidden neurons towards fewer spikes: added per spike to the error of the neuron that
        fired it.
    tol : float, default=1e-4
        Improvement of loss (or of the validation score) that counts as one; of the loss, it
        concerns the constant and the adaptive schedule alone.
    early_stopping : bool, default=False
        Whether to stop when R² on validation samples no longer improves, ending with the weights
        that scored best: on those passed to `fit` as X_val and y_val, or else on
        `validation_fraction` of the training samples, held out.
    validation_fraction : float, default=0.1
        Fraction held out with `early_stopping`; not used where X_val and y_val are passed.
    n_iter_no_change : int, default=10
        Epochs without improvement by `tol` after which training stops (or the adaptive rate falls):
        of the validation score with `early_stopping`, else of the loss.
    n_jobs : int, default=None
        Threads that share the rows of a prediction, as joblib counts them: None is 1 unless
        `joblib.parallel_config` says otherwise, -1 all processors. The result is the same, bit for
        bit. Training takes one.
    learning_rule : None, "paper" or SpikingBackprop, default=None
        The variant of spiking backpropagation. None is `SpikingBackprop()`; "paper" is the rule of
        O'Connor & Welling. Its parameters can be searched as `learning_rule__feedback` and so on,
        where an instance is given. See `SpikingBackprop` for the combinations of parameters that
        exist. It is never changed, and read when a method is called.

    Attributes
    ----------
    coefs_ : list of ndarray of float32, shape (n_in, n_out)
        Weights of each layer above the input. Changing them in place changes predictions.
    intercepts_ : list of ndarray of float32, shape (n_out,)
        Biases, zero without `fit_intercept`.
    forward_potentials_ : list of ndarray of float32, shape (n_out,)
        With `forward_reset="keep"` the potentials that the next training sample starts from.
    backward_potentials_ : list of ndarray of float32, shape (n_out,)
        Error potentials of each layer above the input, kept from sample to sample and from one
        `partial_fit` to the next.
    loss_ : float
        Last of `loss_curve_`.
    loss_curve_ : list of float
        Mean loss of each epoch, weighted, of the outputs as seen in training; of scaled targets, in
        units of `target_scale_` squared. `partial_fit` adds that of a call, and keeps the last
        1000.
    validation_scores_ : list of float or None
        R², weighted, on the validation samples after each epoch; None without `early_stopping`.
    best_validation_score_ : float or None
        The largest of them in the last `fit`: that of the weights kept.
    n_iter_ : int
        Epochs of the last `fit`, or calls of `partial_fit` since.
    t_ : int
        Training samples seen; those of weight 0 are not.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string column names.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs, one a target.
    single_output_ : bool
        Whether y was one-dimensional, and so are predictions.
    target_mean_ : ndarray of float64, shape (n_outputs,)
        What predictions are shifted by; 0 where targets are not scaled.
    target_scale_ : ndarray of float64, shape (n_outputs,)
        What the outputs of the network are multiplied by; 1 where targets are not scaled, or y is
        constant.
    seed_ : int
        The seed that `random_state` gave; all random draws follow from it and `t_`.

    See Also
    --------
    SpikingRNNRegressor : The network with recurrence, for sequences.
    SpikingBackprop : The learning rule, and its variants.
    SpikingMLPClassifier : The classifier; its notes describe the algorithm.
    sklearn.neural_network.MLPRegressor : The conventional network.

    Notes
    -----
    Errors travel as spikes, `error_resolution` of them for an error of 1, which is why targets are
    scaled. Where `scale_target` is off, give y a spread of about 1, for instance with
    `sklearn.compose.TransformedTargetRegressor`.

    References
    ----------
    .. [1] P. O'Connor and M. Welling (2016). "Deep Spiking Networks". arXiv:1602.08323.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sk_dsn import SpikingMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), SpikingMLPRegressor(random_state=0)).fit(X[:300], y[:300])
    >>> model.score(X[300:], y[300:]) > 0.3
    True
    """

    _parameter_constraints = REGRESSOR_CONSTRAINTS
    _target_checks = {"multi_output": True, "y_numeric": True}
    _fitted_attributes = (*BaseSpikingNetwork._fitted_attributes, "single_output_", "target_mean_", "target_scale_")
    single_output_: bool
    target_mean_: Float64Array
    target_scale_: Float64Array

    def __init__(
        self,
        hidden_layer_sizes: LayerSizes = (100,),
        *,
        # network
        n_time_steps: int = 128,
        neuron: Literal["signed", "rectifying"] = "signed",
        simulation: Simulation = "auto",
        leak: float = 0.0,
        readout: Literal["last", "mean"] = "last",
        fit_intercept: bool = True,
        weight_init_scale: float | None = None,
        # learning
        loss: Literal["squared_error"] = "squared_error",
        scale_target: bool = True,
        error_resolution: float = 8.0,
        learning_rate_init: float = 0.2,
        learning_rate: LearningRate = "linear",
        normalized_step: bool = True,
        max_iter: int = 50,
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
        verbose: bool | int = False,
        # regularisation
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        input_noise: float = 0.0,
        max_norm: float | None = None,
        spike_penalty: float = 0.0,
        # stopping
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        # prediction
        n_jobs: int | None = None,
        # rule
        learning_rule: SpikingBackprop | Literal["paper"] | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_time_steps = n_time_steps
        self.neuron = neuron
        self.simulation = simulation
        self.leak = leak
        self.readout = readout
        self.fit_intercept = fit_intercept
        self.weight_init_scale = weight_init_scale
        self.loss = loss
        self.scale_target = scale_target
        self.error_resolution = error_resolution
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.normalized_step = normalized_step
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.input_noise = input_noise
        self.max_norm = max_norm
        self.spike_penalty = spike_penalty
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_jobs = n_jobs
        self.learning_rule = learning_rule

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Samples,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Samples | None = None,
        y_val: Targets | None = None,
        sample_weight_val: ArrayLike | None = None,
        coefs_init: Weights | None = None,
        intercepts_init: Weights | None = None,
    ) -> Self:
        """Train the network, from new weights unless `warm_start`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)
            Static vectors, each the input of `n_time_steps` time steps, or streams of one vector a
            time step: a 3-D array, whose ends may be NaN, a list of arrays of shape
            (n_time_steps_i, n_features), or `sk_dsn.streams.SparseStreams`. C-ordered float32 is
            used as it is, anything else converted to it. A signed network without `leak` sees only
            the sum of a stream.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, one or several a sample, dense or sparse; not negative where outputs rectify.
        sample_weight : array-like of shape (n_samples,), default=None
            Multiplies the update of each sample, and so the learning rate: scale weights to a mean
            of about 1. 0 leaves the sample out, as if it were not there. None is 1 for all.
        X_val : array-like, shaped as X, default=None
            Samples to score after each epoch with `early_stopping=True`, in place of samples held
            out of X. In a `Pipeline` with metadata routing, `transform_input=["X_val"]` has them
            transformed as X is.
        y_val : array-like, shaped as y, default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Their weights in the score.
        coefs_init : list of array-like of shape (n_in, n_out), default=None
            Weights to start from, one array per layer; None draws them.
        intercepts_init : list of array-like of shape (n_out,), default=None
            Biases to start from; None is zero.

        Returns
        -------
        self : SpikingMLPRegressor

        Raises
        ------
        ValueError
            If X, y or weights are unusable, if validation samples are passed without
            `early_stopping`, or if training diverges; the estimator is then as it was before.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If features, targets or spikes show that the network cannot learn well: features that
            never spike, that are far above 1 or of scales far apart, values far from 1 that are
            learned as they are, a hidden layer that never fires; and if a constant or adaptive rate
            was still improving the loss after `max_iter` epochs.

        Notes
        -----
        Callbacks (scikit-learn 1.9 or later): `fit` is a task of at most `max_iter` tasks named
        "epoch". At the end of each, `fitted_estimator` is the network so far, the callback's to
        keep; X and y are those passed to `fit`, and metadata holds `sample_weight` where it was
        passed. Returning True ends training after that epoch; with `early_stopping` the weights
        that scored best are kept all the same.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            (X_val, y_val, sample_weight_val),
            coefs_init=coefs_init,
            intercepts_init=intercepts_init,
        )

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Samples,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        coefs_init: Weights | None = None,
        intercepts_init: Weights | None = None,
    ) -> Self:
        """Train on each sample once, at the constant rate `learning_rate_init`.

        With `early_stopping=True` it is refused: there are no epochs to stop between. After an
        early stop, set it to False to go on from the best weights.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)
            One sample is enough: error potentials are kept from call to call.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.
        coefs_init, intercepts_init : list of array-like, default=None
            As in `fit`; first call only.

        Returns
        -------
        self : SpikingMLPRegressor

        Raises
        ------
        ValueError
            If X, y or weights are unusable, or if training diverges; the estimator is then as it
            was before.
        """
        return self._partial_fit(X, y, None, sample_weight, coefs_init=coefs_init, intercepts_init=intercepts_init)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _learn_targets(self, y, classes, known, weights, weights_given):
        scaled = self.scale_target and not weights_given
        return regression_targets(y, known, rule_of(self).output_activation, scaled, weights)

    def predict(self, X: Samples) -> Float64Array:
        """Output of the network after the last time step.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)

        Returns
        -------
        values : ndarray of float64, shape (n_samples,) or (n_samples, n_outputs)
            As y was given and in its units: accumulated output divided by time, not rectified, times
            `target_scale_` plus `target_mean_`.
        """
        targets, outputs = self._predict(X)
        return targets.decode(outputs)

    def staged_predict(self, X: Samples) -> Iterator[Float64Array]:
        """`predict` after each time step 1, …, `n_time_steps`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)

        Yields
        ------
        values : ndarray of float64, shape (n_samples,) or (n_samples, n_outputs)
        """
        for targets, outputs in self._staged_predict(X):
            yield targets.decode(outputs)

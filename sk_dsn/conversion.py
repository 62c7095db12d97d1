"""From and to the conventional rectified-linear network with the same weights.

`from_mlp` and `to_mlp` are the methods of the estimators as functions.
"""
from __future__ import annotations

import warnings
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from ._compat import check_parameters
from ._inputs import check_input
from ._network import fitted_network
from ._parameters import checked_simulation
from ._scales import FeatureScales
from ._targets import Indicators, Labels, Values
from ._weights import start_network

if TYPE_CHECKING:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    from ._typing import Network, NetworkType, Samples

# scikit-learn's networks are imported when they are used: they would take a part of the time to
# import this package.

__all__ = ["from_mlp", "to_mlp"]

# The names that an MLP gives to outputs that can be converted.
_LINEAR_OUTPUTS = {"identity", "softmax", "logistic"}


def from_mlp(
    estimator_class: type[NetworkType],
    mlp: MLPClassifier | MLPRegressor,
    X: Samples | None = None,
    *,
    percentile: float = 99.9,
    **params: Any,
) -> NetworkType:
    """The spiking network with the weights of a fitted rectified-linear one:
    `estimator_class.from_mlp`.

    Parameters
    ----------
    estimator_class : type
        SpikingMLPClassifier or SpikingMLPRegressor.
    mlp, X, percentile, **params
        As `SpikingMLPClassifier.from_mlp` takes them.

    Returns
    -------
    estimator : object of `estimator_class`
        Fitted.

    See Also
    --------
    to_mlp : The other way.
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    classifying = issubclass(estimator_class, ClassifierMixin)
    _check_convertible(mlp, MLPClassifier if classifying else MLPRegressor)
    estimator = estimator_class(hidden_layer_sizes=tuple(w.shape[1] for w in mlp.coefs_[:-1]), **params)
    check_parameters(estimator)
    checked_simulation(estimator)
    if not estimator.fit_intercept and any(b.any() for b in mlp.intercepts_):
        raise ValueError("fit_intercept=False would drop the biases that the network has learned; set fit_intercept=True.")
    coefs, intercepts = (list(mlp.coefs_), list(mlp.intercepts_)) if X is None else _rescaled_layers(mlp, X, percentile)
    targets = _targets_of(mlp, classifying, estimator.loss)
    coefs[-1], intercepts[-1] = targets.widen(coefs[-1]), targets.widen(intercepts[-1])
    vars(estimator).update(targets.fitted_attributes())
    _copy_features(mlp, estimator)
    start_network(estimator, coefs, intercepts if estimator.fit_intercept else None)
    if X is not None:
        _warn_of_features(estimator, X)
    return estimator


def to_mlp(estimator: Network) -> MLPClassifier | MLPRegressor:
    """The conventional rectified-linear network with the weights of a spiking one:
    `estimator.to_mlp`.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted; of a Pipeline the last step is converted.

    Returns
    -------
    mlp : MLPClassifier or MLPRegressor
        Fitted.

    See Also
    --------
    from_mlp : The other way.
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    network, _ = fitted_network(estimator)
    estimator, targets = network.estimator, network.targets
    coefs, intercepts = [[np.array(a, dtype=np.float32) for a in arrays] for arrays in network.arrays()]
    mlp = (MLPRegressor if isinstance(targets, Values) else MLPClassifier)(
        hidden_layer_sizes=tuple(network.n_units[1:-1]), random_state=estimator.seed_, warm_start=estimator.warm_start
    )
    coefs[-1], intercepts[-1] = targets.narrow(coefs[-1], intercepts[-1])
    y = targets.examples()
    classes = {} if isinstance(targets, Values) else {"classes": targets.classes}
    # A step on zeros has scikit-learn set up all that its version keeps in a fitted network.
    mlp.partial_fit(np.zeros((len(y), network.n_units[0]), dtype=np.float32), y, **classes)
    del mlp._optimizer
    _copy_features(estimator, mlp)
    mlp.coefs_, mlp.intercepts_ = coefs, intercepts
    mlp.loss_curve_ = list(estimator.loss_curve_)
    mlp.loss_ = mlp.loss_curve_[-1] if mlp.loss_curve_ else np.inf
    mlp.best_loss_ = min(mlp.loss_curve_, default=np.inf)
    mlp.n_iter_, mlp.t_ = estimator.n_iter_, estimator.t_
    return mlp


class _ConvertibleMLP:
    """`from_mlp` and `to_mlp` as methods of an estimator."""

    @classmethod
    def from_mlp(
        cls, mlp: MLPClassifier | MLPRegressor, X: Samples | None = None, *, percentile: float = 99.9, **params: Any
    ) -> Self:
        """The spiking network with the weights of a fitted rectified-linear one.

        Its outputs approach those of `mlp` as 1 / `n_time_steps`; it can be trained further
        (`partial_fit`, or `fit` with `warm_start=True`).

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Fitted, of the kind of this estimator, with `activation="relu"`. Its classes, biases and
            names of features are kept. The one output of a binary classifier becomes two, with
            weights -w/2 and w/2.
        X : array-like or sparse matrix of shape (n_samples, n_features), default=None
            Samples to rescale the hidden layers by, for instance the training data ([1]_, [2]_): a
            layer's weights and biases are divided by a percentile of its positive activations, and
            the next layer's weights multiplied by it, which leaves the function of `mlp` as it is.
            The neurons of every layer then spike at a rate of up to about 1 a time step: more
            finely where activations were small, with fewer spikes where they were large. None keeps
            the weights as they are.
        percentile : float, default=99.9
            Which percentile, above 0 and at most 100 (the largest activation, as in [1]_). Used
            with X.
        **params : dict
            Parameters of the estimator other than `hidden_layer_sizes`, for instance `n_time_steps`
            or `neuron`.

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
            If `mlp` has neurons or outputs that a spiking network does not have (another
            activation, a Poisson loss), or if X, percentile or params are unusable.

        See Also
        --------
        to_mlp : The other way.

        References
        ----------
        .. [1] P. U. Diehl, D. Neil, J. Binas, M. Cook, S.-C. Liu and M. Pfeiffer (2015). "Fast-classifying, high-accuracy
           spiking deep networks through weight and threshold balancing". International Joint
           Conference on Neural Networks.
        .. [2] B. Rueckauer, I.-A. Lungu, Y. Hu, M. Pfeiffer and S.-C. Liu (2017). "Conversion of continuous-valued deep
           networks to efficient event-driven networks for image classification". Frontiers in
           Neuroscience 11:682.

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
        return from_mlp(cls, mlp, X, percentile=percentile, **params)

    def to_mlp(self) -> MLPClassifier | MLPRegressor:
        """The conventional rectified-linear network with these weights.

        Returns
        -------
        mlp : MLPClassifier or MLPRegressor
            Fitted, with float32 weights. Two outputs of a binary classifier become one, their
            difference. Parameters that this estimator does not have, such as the solver, have
            scikit-learn's defaults.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If this estimator is not fitted.

        See Also
        --------
        from_mlp : The other way.

        Notes
        -----
        Tools that read scikit-learn's networks read this one. ONNX, by skl2onnx, and C, by emlearn::

            skl2onnx.to_onnx(estimator.to_mlp(), X[:1].astype(np.float32))
            emlearn.convert(estimator.to_mlp(), method="inline").save(file="network.h", name="network")

        Their answers are those of the conventional network, which the spiking one's approach with
        the time steps. `sk_dsn.export.to_c` exports the spiking network itself.
        """
        return to_mlp(self)


def _check_convertible(mlp, kind):
    """Raises where mlp is not a fitted `kind` of rectified-linear network."""
    if not isinstance(mlp, kind):
        raise TypeError(
            f"from_mlp needs a fitted {kind.__name__}, got {type(mlp).__name__}. Of a Pipeline, convert the last step "
            "(pipeline[-1]) and keep the others in front of the spiking network."
        )
    check_is_fitted(mlp)
    if len(mlp.coefs_) > 1 and mlp.activation != "relu":
        raise ValueError(
            f"Spiking neurons are rectifiers: only activation='relu' can be converted, not {mlp.activation!r}. Train the "
            f"{kind.__name__} with activation='relu'."
        )
    if mlp.out_activation_ not in _LINEAR_OUTPUTS:
        raise ValueError(
            f"The outputs of the {kind.__name__} pass through {mlp.out_activation_!r} (loss={mlp.loss!r}), which a spiking "
            "network does not compute. Train it with loss='squared_error'."
        )


def _warn_of_features(estimator, X):
    """Warns the caller of `from_mlp` where X does not show itself in spikes."""
    X = check_input(estimator, X)
    complaint = FeatureScales.of(X, np.arange(X.shape[0]), estimator.n_time_steps).too_small()
    if complaint is not None:
        warnings.warn(complaint, ConvergenceWarning, stacklevel=4)


def _targets_of(mlp, classifying, loss):
    """The targets that an MLP was trained on."""
    if not classifying:
        return Values(mlp.n_outputs_ == 1, np.zeros(mlp.n_outputs_), np.ones(mlp.n_outputs_))
    if mlp.out_activation_ == "logistic" and mlp.n_outputs_ > 1:
        return Indicators(np.arange(mlp.n_outputs_), loss)
    return Labels.learn(np.repeat(mlp.classes_, 3), None, loss)


def _rescaled_layers(mlp, X, percentile):
    """The MLP's weights and biases, each hidden layer divided by a percentile of its activations.

    Only positive activations count.
    """
    if not isinstance(percentile, Real) or not 0 < percentile <= 100:
        raise ValueError(f"percentile must be above 0 and at most 100, got {percentile!r}.")
    activations = validate_data(mlp, X, accept_sparse="csr", dtype=np.float64, reset=False)
    coefs, intercepts, below = [], [], 1.0
    for weights, biases in zip(mlp.coefs_[:-1], mlp.intercepts_[:-1], strict=True):
        activations = np.maximum(activations @ weights + biases, 0)
        positive = activations[activations > 0]
        scale = np.percentile(positive, percentile) if positive.size else 1.0
        coefs.append(weights * (below / scale))
        intercepts.append(biases / scale)
        below = scale
    return [*coefs, mlp.coefs_[-1] * below], [*intercepts, mlp.intercepts_[-1]]


def _copy_features(source, target):
    target.n_features_in_ = source.n_features_in_
    if hasattr(source, "feature_names_in_"):
        target.feature_names_in_ = source.feature_names_in_.copy()

"""From and to the conventional rectified-linear network with the same weights."""
from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin, is_classifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted, validate_data

from ._settings import core_settings

# What the outputs of an MLP must be, by the name that it gives them.
LINEAR_OUTPUTS = {"identity", "softmax", "logistic"}


def start_from_mlp(estimator_class, mlp, X, percentile, params):
    """A fitted estimator that is the spiking network of a fitted MLP: `BaseSpikingMLP.from_mlp`."""
    classifying = issubclass(estimator_class, ClassifierMixin)
    check_convertible(mlp, MLPClassifier if classifying else MLPRegressor)
    estimator = estimator_class(hidden_layer_sizes=tuple(w.shape[1] for w in mlp.coefs_[:-1]), **params)
    estimator._validate_params()
    core_settings(estimator, estimator.n_time_steps)
    if not estimator.fit_intercept and any(b.any() for b in mlp.intercepts_):
        raise ValueError("fit_intercept=False would drop the biases that the network has learned; set fit_intercept=True.")
    coefs, intercepts = (list(mlp.coefs_), list(mlp.intercepts_)) if X is None else rescaled_layers(mlp, X, percentile)
    if classifying and mlp.n_outputs_ == 1:
        # The logistic function of one output is the softmax of two that differ by it.
        coefs[-1] = np.hstack([-coefs[-1] / 2, coefs[-1] / 2])
        intercepts[-1] = np.concatenate([-intercepts[-1] / 2, intercepts[-1] / 2])
    # Targets of the kind that the MLP was fitted to tell the estimator of its outputs.
    if classifying:
        targets = some_labels(mlp, is_multilabel(mlp))
    else:
        targets = np.zeros(1 if mlp.n_outputs_ == 1 else (1, mlp.n_outputs_))
    estimator._encode_targets(targets, None, reset=True)
    copy_features(mlp, estimator)
    estimator._start_network(coefs, intercepts if estimator.fit_intercept else None)
    return estimator


def check_convertible(mlp, kind):
    """Raises where a fitted `kind` of rectified-linear network is wanted and mlp is not one."""
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
    if mlp.out_activation_ not in LINEAR_OUTPUTS:
        raise ValueError(
            f"The outputs of the {kind.__name__} pass through {mlp.out_activation_!r} (loss={mlp.loss!r}), which a spiking "
            "network does not compute. Train it with loss='squared_error'."
        )


def rescaled_layers(mlp, X, percentile):
    """The MLP's weights and biases, with each hidden layer divided by a percentile of its positive activations."""
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


def mlp_from(estimator):
    """The fitted MLP with an estimator's weights: `BaseSpikingMLP.to_mlp`."""
    check_is_fitted(estimator)
    classifying = is_classifier(estimator)
    coefs, intercepts = [[np.array(a, dtype=np.float32) for a in arrays] for arrays in estimator._network_arrays()]
    hidden = tuple(w.shape[1] for w in coefs[:-1])
    mlp = (MLPClassifier if classifying else MLPRegressor)(
        hidden_layer_sizes=hidden, random_state=estimator.seed_, warm_start=estimator.warm_start
    )
    if classifying:
        y, classes = some_labels(estimator, estimator.multilabel_), {"classes": estimator.classes_}
        if estimator.multilabel_:
            intercepts[-1] -= estimator._label_threshold()
        elif estimator.n_outputs_ == 2:
            coefs[-1] = coefs[-1][:, 1:] - coefs[-1][:, :1]
            intercepts[-1] = intercepts[-1][1:] - intercepts[-1][:1]
    else:
        n_outputs = estimator.n_outputs_
        y, classes = np.zeros(2 if n_outputs == 1 else (2, n_outputs), dtype=np.float32), {}
    # A step on zeros has scikit-learn set up what its version keeps in a fitted network.
    mlp.partial_fit(np.zeros((len(y), estimator.n_features_in_), dtype=np.float32), y, **classes)
    del mlp._optimizer
    copy_features(estimator, mlp)
    mlp.coefs_, mlp.intercepts_ = coefs, intercepts
    mlp.loss_curve_ = list(estimator.loss_curve_)
    mlp.loss_ = mlp.loss_curve_[-1] if mlp.loss_curve_ else np.inf
    mlp.best_loss_ = min(mlp.loss_curve_, default=np.inf)
    mlp.n_iter_, mlp.t_ = estimator.n_iter_, estimator.t_
    return mlp


def is_multilabel(mlp):
    return mlp.out_activation_ == "logistic" and mlp.n_outputs_ > 1


def some_labels(classifier, multilabel):
    """All labels, often enough that scikit-learn does not take them for numbers to regress on."""
    labels = np.eye(classifier.n_outputs_, dtype=int) if multilabel else classifier.classes_
    return np.repeat(labels, 3, axis=0)


def copy_features(source, target):
    target.n_features_in_ = source.n_features_in_
    if hasattr(source, "feature_names_in_"):
        target.feature_names_in_ = source.feature_names_in_.copy()

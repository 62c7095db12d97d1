"""Targets: labels, indicators and values. Each kind encodes y for the core, and decodes and scores
outputs.

To learn a kind from y, `classification_targets` and `regression_targets`; the kind of a fitted
estimator is given by `fitted_targets`. An encoded y is an array with a row for each sample.
"""
import numpy as np
from scipy.special import expit, log_expit, log_softmax
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from ._core.settings import Loss
from ._parameters import LOSSES
from ._scales import target_complaint


class Labels:
    """One class a sample: y of shape (n_samples,).

    The code is the place of a label among the sorted classes, as int32.
    """

    single = True  # whether the target of a sample is a scalar
    stratified = True  # whether samples are held out in the same share of each encoded target
    fewest_scored = 1  # samples of which there is a score
    exit_threshold = None  # a sample is decided by its largest output and the second largest

    def __init__(self, classes, loss):
        self.classes = classes
        self.n_outputs = len(classes)
        self.loss = loss

    @classmethod
    def learn(cls, y, classes, loss):
        labels = _distinct_labels(y)
        labels = labels if classes is None else np.unique(classes)
        if len(labels) < 2:
            raise ValueError(f"A classifier needs at least two classes, but there is only one class: {labels.tolist()}.")
        return cls(labels, loss)

    @property
    def core_loss(self):
        """The loss whose gradient the core takes."""
        return LOSSES[self.loss]

    def fitted_attributes(self):
        """The attributes of an estimator with these targets, which `fitted_targets` reads."""
        return {"classes_": self.classes, "n_outputs_": self.n_outputs, "multilabel_": False}

    def encode(self, y, classes):
        """y in the code; `classes` are those that the caller has named again, or None."""
        if y.ndim > 1:
            raise ValueError(f"y must hold one label a sample, as in the first call, but has shape {y.shape}.")
        if classes is not None and not np.array_equal(self.classes, np.unique(classes)):
            raise ValueError(f"classes={classes!r} are not those of the first call, {self.classes.tolist()}.")
        if (y.dtype.kind in "OUS") != (self.classes.dtype.kind in "OUS"):
            check_classification_targets(y)
            raise ValueError(
                f"y holds labels of type {y.dtype}, but the classes are of type {self.classes.dtype}: "
                f"{self.classes.tolist()}."
            )
        encoded = np.searchsorted(self.classes, y).clip(max=self.n_outputs - 1)
        known = self.classes[encoded] == y
        if not known.all():
            check_classification_targets(y)
            raise ValueError(
                f"y holds labels that are not among the classes {self.classes.tolist()}: "
                f"{np.unique(y[~known]).tolist()}. Leave them out, name all classes in the first call of "
                "partial_fit, or start anew with fit and warm_start=False."
            )
        return encoded.astype(np.int32)

    def core_arrays(self, encoded):
        """`labels` and `Y`, as the core takes them."""
        return encoded, None

    def class_weights(self, class_weight, encoded, weights):
        """Per-sample factors from `class_weight`, or None.

        `weights` are those of the samples, or None.
        """
        if class_weight is None:
            return None
        if class_weight == "balanced":
            totals = np.bincount(encoded, weights=weights, minlength=self.n_outputs)
            balanced = totals.sum() / (np.count_nonzero(totals) * np.where(totals == 0, 1, totals))
            return balanced[encoded]
        factors = compute_class_weight(class_weight, classes=self.classes, y=self.classes)
        if not (factors >= 0).all():
            raise ValueError(f"class_weight must hold weights of at least 0, got {class_weight!r}.")
        return factors[encoded]

    def complaint(self, encoded, rows):
        """What makes targets hard to learn, or None."""
        return None

    def score(self, outputs, encoded, weights):
        """Accuracy."""
        return float(np.average(outputs.argmax(axis=1) == encoded, weights=weights))

    def decode(self, outputs):
        return self.classes[outputs.argmax(axis=1)]

    def decision(self, outputs):
        return outputs[:, 1] - outputs[:, 0] if self.n_outputs == 2 else outputs

    def probabilities(self, outputs):
        outputs = outputs.astype(np.float64)
        exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))  # a third of the time of scipy's softmax
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def log_probabilities(self, outputs):
        return log_softmax(outputs.astype(np.float64), axis=1)

    def examples(self):
        """Targets that hold every label.

        They repeat, as scikit-learn takes labels that do not for numbers to regress on.
        """
        return np.repeat(self.classes, 3, axis=0)

    def widen(self, weights):
        """Weights (or biases) of an MLP's output layer, for our outputs.

        The logistic function of its one output of two classes is the softmax of two outputs that
        differ by it.
        """
        return np.concatenate([-weights / 2, weights / 2], axis=-1) if weights.shape[-1] == 1 else weights

    def narrow(self, weights, biases):
        """Our output layer's weights and biases, for an MLP: of two outputs their difference."""
        if self.n_outputs > 2:
            return weights, biases
        return weights[:, 1:] - weights[:, :1], biases[1:] - biases[:1]


class Indicators:
    """Any of several labels a sample: y of shape (n_samples, n_labels), 0 or 1.

    The code is the same as float32.
    """

    single = False
    stratified = False
    fewest_scored = 1

    def __init__(self, classes, loss):
        self.classes = classes
        self.n_outputs = len(classes)
        self.loss = loss
        # The output from which a sample has a label: where the sigmoid is 1/2, or halfway between
        # the targets 0 and 1.
        self.threshold = self.exit_threshold = 0.5 if loss == "squared_error" else 0.0

    @classmethod
    def learn(cls, y, classes, loss):
        labels = np.arange(y.shape[1])
        _check_columns(classes, labels)
        return cls(labels, loss)

    @property
    def core_loss(self):
        return Loss.BINARY_LOG_LOSS if self.loss == "log_loss" else LOSSES[self.loss]

    def fitted_attributes(self):
        return {"classes_": self.classes, "n_outputs_": self.n_outputs, "multilabel_": True}

    def encode(self, y, classes):
        if y.ndim == 1 or y.shape[1] != self.n_outputs:
            raise ValueError(
                f"y must be an indicator matrix of {self.n_outputs} labels, as in the first call, but has shape {y.shape}."
            )
        _check_columns(classes, self.classes)
        return np.ascontiguousarray(y, dtype=np.float32)

    def core_arrays(self, encoded):
        return None, encoded

    def class_weights(self, class_weight, encoded, weights):
        if class_weight is not None:
            raise ValueError("class_weight does not go with multilabel targets; set it to None, and pass sample_weight.")

    def complaint(self, encoded, rows):
        """What makes targets hard to learn, or None."""
        return None

    def score(self, outputs, encoded, weights):
        """Share of samples of which all labels are right."""
        return float(np.average((self.decode(outputs) == encoded).all(axis=1), weights=weights))

    def decode(self, outputs):
        return (self.decision(outputs) > 0).astype(int)

    def decision(self, outputs):
        return outputs - np.float32(self.threshold)

    def probabilities(self, outputs):
        return expit(self.decision(outputs).astype(np.float64))

    def log_probabilities(self, outputs):
        return log_expit(self.decision(outputs).astype(np.float64))

    def examples(self):
        return np.repeat(np.eye(self.n_outputs, dtype=int), 3, axis=0)

    def widen(self, weights):
        return weights

    def narrow(self, weights, biases):
        return weights, biases - np.float32(self.threshold)


class Values:
    """Numbers: y of shape (n_samples,) or (n_samples, n_outputs).

    The code is (y - mean) / scale in float32 and has two dimensions; mean and scale, one an output,
    are 0 and 1 where y is learned as it is.
    """

    stratified = False
    fewest_scored = 2
    exit_threshold = None
    core_loss = LOSSES["squared_error"]

    def __init__(self, single, mean, scale):
        self.n_outputs = len(mean)
        self.single = single
        self.mean = mean
        self.scale = scale

    @classmethod
    def learn(cls, values, single, scaled, weights):
        """The targets of float64 values of shape (n_samples, n_outputs).

        `scaled`: whether they are to have mean 0 and variance 1, or to stay as they are.
        """
        n_outputs = values.shape[1]
        if not scaled:
            return cls(single, np.zeros(n_outputs), np.ones(n_outputs))
        if weights is not None:
            there = weights > 0
            values, weights = (values[there], weights[there] / weights.max()) if there.any() else (values, None)
        mean = np.average(values, axis=0, weights=weights)
        spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
        constant = values.min(axis=0) == values.max(axis=0)
        return cls(single, np.where(constant, values[0], mean), np.where(constant | (spread == 0), 1.0, spread))

    def fitted_attributes(self):
        return {
            "n_outputs_": self.n_outputs,
            "single_output_": self.single,
            "target_mean_": self.mean,
            "target_scale_": self.scale,
        }

    def encode(self, values):
        """Float64 values of shape (n_samples, n_outputs) in the code."""
        if values.shape[1] != self.n_outputs:
            raise ValueError(
                f"y has {values.shape[1]} outputs, but the network has {self.n_outputs}; call fit to start anew."
            )
        with np.errstate(over="ignore"):
            encoded = ((values - self.mean) / self.scale).astype(np.float32)
        if not np.isfinite(encoded).all():
            raise ValueError("y holds values too large for float32; scale the targets.")
        return encoded

    def core_arrays(self, encoded):
        return None, encoded

    def complaint(self, encoded, rows):
        """What makes targets hard to learn, or None."""
        if (self.mean != 0).any() or (self.scale != 1).any():
            return None
        return target_complaint(encoded, rows)

    def score(self, outputs, encoded, weights):
        """R², the mean of the outputs. It is the same in all units."""
        from sklearn.metrics import r2_score

        return float(r2_score(encoded, outputs, sample_weight=weights))

    def decode(self, outputs):
        values = outputs.astype(np.float64) * self.scale + self.mean
        return values.ravel() if self.single else values

    def examples(self):
        return np.zeros(2 if self.n_outputs == 1 else (2, self.n_outputs), dtype=np.float32)

    def widen(self, weights):
        return weights

    def narrow(self, weights, biases):
        """The output layer's weights and biases for answers in the units of y."""
        weights, biases = weights * self.scale, biases * self.scale + self.mean
        return weights.astype(np.float32), biases.astype(np.float32)


def classification_targets(y, classes, known, loss):
    """Targets of a classifier, and an array y in their code.

    `known` are those of a fitted network; None learns them from y.
    """
    if y.ndim == 2 and y.shape[1] > 1:
        check_classification_targets(y)
        if type_of_target(y) != "multilabel-indicator" or not np.isin(y, (0, 1)).all():
            raise ValueError(
                "y of several columns must be an indicator matrix: a column for each label, 1 where a sample has it and "
                "else 0. For several targets of more classes use sklearn.multioutput.MultiOutputClassifier."
            )
        kind = Indicators
    else:
        y, kind = y if y.ndim == 1 else column_or_1d(y, warn=True), Labels
    targets = kind.learn(y, classes, loss) if known is None else known
    return targets, targets.encode(y, classes)


def regression_targets(y, known, output_activation, scaled, weights):
    """Targets of a regressor and an array y in their code.

    `known` are those of a fitted network; None learns them from y, whose samples have these weights
    (None: all 1), to be `scaled` unless outputs rectify.
    """
    # In C order, since the order in memory changes how a mean is rounded.
    values = np.ascontiguousarray(y.reshape(len(y), -1), dtype=np.float64)
    if np.isnan(values).any():  # of strings
        raise ValueError("Input y contains NaN.")
    with np.errstate(over="ignore"):
        if not np.isfinite(values.astype(np.float32)).all():
            raise ValueError("y holds values too large for float32; scale the targets.")
    rectifying = output_activation == "rectifying"
    if rectifying and (values < 0).any():
        raise ValueError("output_activation='rectifying' cannot reach targets below 0; use 'linear', or shift them.")
    scaled = scaled and not rectifying
    targets = Values.learn(values, y.ndim == 1, scaled, weights) if known is None else known
    return targets, targets.encode(values)


def fitted_targets(estimator):
    """The targets that a fitted estimator was trained on."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return Values(estimator.single_output_, estimator.target_mean_, estimator.target_scale_)
    return (Indicators if estimator.multilabel_ else Labels)(classes, estimator.loss)


def _check_columns(classes, labels):
    if classes is not None and not np.array_equal(np.unique(classes), labels):
        raise ValueError(f"The classes of an indicator matrix are its columns, 0 to {len(labels) - 1}; got {classes!r}.")


def _distinct_labels(y):
    """The labels in y of shape (n_samples,), sorted; raises and warns as scikit-learn does where
    they are not classes.

    `check_classification_targets` sorts all of y. Where labels repeat, it gets them alone, each
    twice: once would be as many classes as samples, of which it warns.
    """
    if y.dtype.kind == "O":
        check_classification_targets(y[:1])
        labels = np.array(sorted(set(y.tolist())), dtype=object)
    else:
        labels = np.unique(y)
    if 2 * len(labels) > len(y):
        check_classification_targets(y)
    elif y.dtype.kind not in "biuO":
        check_classification_targets(np.repeat(labels, 2))
    return labels

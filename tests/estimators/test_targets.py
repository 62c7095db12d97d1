"""Targets by themselves: what is learned of y, codes and back, scores, and the loss for the core."""
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn._core.settings import Loss
from sk_dsn._targets import (
    Indicators,
    Labels,
    Values,
    classification_targets,
    fitted_targets,
    regression_targets,
)

RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(0.5, 2, 30)
LABELS = np.array(["low", "middle", "high"])[np.arange(30) % 3]
INDICATORS = RNG.integers(0, 2, (30, 4))
NUMBERS = RNG.normal(size=(30, 2))


def learned(y, loss="log_loss", scaled=True):
    if y.dtype.kind == "f":
        return regression_targets(y, None, "linear", scaled, WEIGHTS)
    return classification_targets(y, None, None, loss)


@pytest.mark.parametrize("y", [LABELS, INDICATORS, NUMBERS, NUMBERS[:, 0]], ids=["labels", "indicators", "2-d", "1-d"])
def test_targets_are_made_again_from_what_an_estimator_keeps_of_them(y):
    targets, encoded = learned(y)
    estimator = (SpikingMLPRegressor if isinstance(targets, Values) else SpikingMLPClassifier)()
    vars(estimator).update(targets.fitted_attributes())
    again = fitted_targets(estimator)
    assert type(again) is type(targets)
    assert again.n_outputs == targets.n_outputs
    np.testing.assert_equal(again.fitted_attributes(), targets.fitted_attributes())
    # Outputs as large as the code (and of labels 1 at their place) are decoded to y.
    outputs = np.eye(3)[encoded] if isinstance(targets, Labels) else encoded
    decoded = again.decode(outputs.astype(np.float32))
    np.testing.assert_allclose(decoded, y, rtol=1e-6) if y.dtype == float else np.testing.assert_array_equal(decoded, y)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_scores_are_those_of_scikit_learn(weights):
    for y, n_outputs in [(LABELS, 3), (INDICATORS, 4), (NUMBERS, 2)]:
        targets, encoded = learned(y)
        outputs = RNG.normal(size=(30, n_outputs)).astype(np.float32)
        score = r2_score if isinstance(targets, Values) else accuracy_score
        expected = score(y, targets.decode(outputs), sample_weight=weights)
        assert targets.score(outputs, encoded, weights) == pytest.approx(expected, rel=1e-6)


def test_the_core_gets_labels_or_rows_and_the_loss_of_the_kind():
    targets, encoded = learned(LABELS)
    assert encoded.dtype == np.int32 and encoded.ndim == 1
    assert targets.core_arrays(encoded) == (encoded, None) and targets.core_loss == Loss.LOG_LOSS
    targets, encoded = learned(INDICATORS)
    assert encoded.dtype == np.float32 and targets.core_arrays(encoded)[1] is encoded
    assert targets.core_loss == Loss.BINARY_LOG_LOSS
    assert learned(INDICATORS, "squared_error")[0].core_loss == Loss.SQUARED_ERROR
    assert learned(NUMBERS)[0].core_loss == Loss.SQUARED_ERROR


def test_a_label_is_decided_where_its_probability_is_a_half():
    for loss, threshold in [("log_loss", 0.0), ("squared_error", 0.5)]:
        targets = Indicators(np.arange(2), loss)
        outputs = np.array([[threshold, threshold + 0.1]], dtype=np.float32)
        assert targets.exit_threshold == threshold
        assert targets.decode(outputs).tolist() == [[0, 1]]
        assert targets.probabilities(outputs)[0, 0] == 0.5 < targets.probabilities(outputs)[0, 1]


def test_two_outputs_of_labels_become_one_and_back():
    targets = Labels(np.array([0, 1]), "log_loss")
    weights, biases = RNG.normal(size=(5, 2)), RNG.normal(size=2)
    narrow, bias = targets.narrow(weights, biases)
    assert narrow.shape == (5, 1) and bias.shape == (1,)
    wide = targets.widen(narrow)
    np.testing.assert_allclose(wide[:, 1] - wide[:, 0], weights[:, 1] - weights[:, 0])
    np.testing.assert_allclose(np.diff(targets.widen(bias)), np.diff(biases))

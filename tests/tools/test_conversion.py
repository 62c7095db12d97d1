"""Networks converted from MLPClassifier and MLPRegressor and back."""
import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SIMULATIONS = [
    ("signed", "counting"),
    ("signed", "clock-driven"),
    ("signed", "event-driven"),
    ("rectifying", "clock-driven"),
    ("rectifying", "event-driven"),
]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture(scope="module")
def mlp(digits):
    return MLPClassifier((40, 20), max_iter=40, random_state=0, learning_rate_init=0.005).fit(*(a[:1000] for a in digits))


@pytest.fixture(scope="module")
def binary():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), np.array(["malignant", "benign"])[y]


@pytest.fixture(scope="module")
def binary_mlp(binary):
    return MLPClassifier((20,), max_iter=40, random_state=0).fit(*binary)


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), (y - y.mean()) / y.std()


def logits(mlp, X):
    """The MLP's outputs before softmax or logistic function."""
    for weights, biases in zip(mlp.coefs_[:-1], mlp.intercepts_[:-1], strict=True):
        X = np.maximum(X @ weights + biases, 0)
    return X @ mlp.coefs_[-1] + mlp.intercepts_[-1]


def quantisation_bound(network, n_time_steps):
    """How far outputs can be from the conventional network's: every count is within 1/2 of its sum."""
    bound = np.full(network.n_features_in_, 0.5 / n_time_steps)
    for weights in network.coefs_[:-1]:
        bound = bound @ np.abs(weights) + 0.5 / n_time_steps
    return bound @ np.abs(network.coefs_[-1])


@pytest.mark.parametrize("rescaled", [False, True])
@pytest.mark.parametrize("n_time_steps", [1, 16, 1024])
def test_outputs_approach_the_mlps_as_one_over_the_time_steps(mlp, digits, rescaled, n_time_steps):
    X = digits[0][1000:]
    spiking = SpikingMLPClassifier.from_mlp(mlp, digits[0][:1000] if rescaled else None, n_time_steps=n_time_steps)
    differences = np.abs(spiking.decision_function(X) - logits(mlp, X))
    assert (differences <= quantisation_bound(spiking, n_time_steps) + 1e-4).all()
    assert differences.max() > 0


def test_accuracy_on_digits_is_the_mlps_after_enough_time_steps(mlp, digits):
    X, y = (a[1000:] for a in digits)
    accuracies = [SpikingMLPClassifier.from_mlp(mlp, n_time_steps=n).score(X, y) for n in (1, 8, 64)]
    assert accuracies[0] < accuracies[1] - 0.02
    assert abs(accuracies[1] - mlp.score(X, y)) < 0.02
    assert abs(accuracies[2] - mlp.score(X, y)) < 0.005


@pytest.mark.parametrize(("neuron", "simulation"), SIMULATIONS, ids=" ".join)
def test_every_neuron_and_simulation_predicts_what_the_mlp_predicts(mlp, digits, neuron, simulation):
    X = digits[0][1000:1300]
    spiking = SpikingMLPClassifier.from_mlp(mlp, n_time_steps=128, neuron=neuron, simulation=simulation)
    assert (spiking.predict(X) == mlp.predict(X)).mean() >= 0.97


def test_a_binary_classifier_gets_two_outputs_and_keeps_its_probabilities(binary_mlp, binary):
    X, _ = binary
    spiking = SpikingMLPClassifier.from_mlp(binary_mlp, n_time_steps=4096)
    np.testing.assert_array_equal(spiking.classes_, ["benign", "malignant"])
    weights = binary_mlp.coefs_[-1].astype(np.float32)
    np.testing.assert_array_equal(spiking.coefs_[-1], np.hstack([-weights / 2, weights / 2]))
    np.testing.assert_allclose(spiking.predict_proba(X), binary_mlp.predict_proba(X), atol=0.005)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_regressor_keeps_its_outputs(diabetes, n_outputs):
    X, y = diabetes
    y = y if n_outputs == 1 else np.column_stack([y, -2 * y])
    mlp = MLPRegressor(hidden_layer_sizes=(20,), max_iter=30, random_state=0).fit(X, y)
    spiking = SpikingMLPRegressor.from_mlp(mlp, n_time_steps=8192)
    assert spiking.predict(X).shape == y.shape
    np.testing.assert_allclose(spiking.predict(X), mlp.predict(X), atol=0.005)
    np.testing.assert_allclose(spiking.to_mlp().predict(X), mlp.predict(X), atol=1e-5)


def test_a_network_without_hidden_layers_is_converted_whatever_its_activation(digits):
    X, y = digits
    mlp = MLPClassifier((), activation="tanh", max_iter=5, random_state=0).fit(X, y)
    spiking = SpikingMLPClassifier.from_mlp(mlp, X, n_time_steps=4096)
    np.testing.assert_allclose(spiking.decision_function(X), logits(mlp, X), atol=0.01)
    np.testing.assert_allclose(spiking.to_mlp().predict_proba(X), mlp.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("percentile", [50, 99.9, 100])
@pytest.mark.parametrize("kind", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_rescaling_sets_the_percentile_of_every_layer_to_1_and_leaves_the_function(mlp, digits, percentile, kind):
    X = digits[0][:500]
    spiking = SpikingMLPClassifier.from_mlp(mlp, kind(X), percentile=percentile)
    activations = X
    for weights, biases in zip(spiking.coefs_[:-1], spiking.intercepts_[:-1], strict=True):
        activations = np.maximum(activations @ weights + biases, 0)
        assert np.percentile(activations[activations > 0], percentile) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(activations @ spiking.coefs_[-1] + spiking.intercepts_[-1], logits(mlp, X), atol=1e-4)


def test_rescaling_leaves_a_layer_that_is_silent_as_it_is(digits):
    X, y = digits
    mlp = MLPClassifier((5,), max_iter=1, random_state=0).fit(X, y)
    mlp.intercepts_[0][:] = -100
    spiking = SpikingMLPClassifier.from_mlp(mlp, X)
    np.testing.assert_array_equal(spiking.coefs_[0], mlp.coefs_[0].astype(np.float32))


@pytest.mark.parametrize("going_on", ["partial_fit", "fit"])
def test_training_goes_on_from_the_converted_weights(mlp, digits, going_on):
    X, y = digits
    spiking = SpikingMLPClassifier.from_mlp(mlp, warm_start=True, max_iter=5, learning_rate_init=0.3, random_state=0)
    before = spiking.score(X[1000:], y[1000:])
    getattr(spiking, going_on)(X, y)
    assert spiking.score(X[1000:], y[1000:]) > before + 0.005
    assert spiking.n_iter_ == len(spiking.loss_curve_) == (1 if going_on == "partial_fit" else 5)


def test_names_of_features_are_kept_both_ways(binary):
    X = pd.DataFrame(binary[0]).add_prefix("f")
    spiking = SpikingMLPClassifier.from_mlp(MLPClassifier((5,), max_iter=5, random_state=0).fit(X, binary[1]))
    assert spiking.to_mlp().feature_names_in_.tolist() == spiking.feature_names_in_.tolist() == list(X)
    for estimator in (spiking, spiking.to_mlp()):
        with pytest.raises(ValueError, match="feature names should match"):
            estimator.predict(X[X.columns[::-1]])


def test_the_mlp_and_the_estimator_share_nothing(mlp, digits):
    kept = copy.deepcopy(vars(mlp))
    spiking = SpikingMLPClassifier.from_mlp(mlp, digits[0]).partial_fit(*digits)
    back = spiking.to_mlp()
    np.testing.assert_equal(vars(mlp).keys(), kept.keys())
    np.testing.assert_equal(mlp.coefs_ + mlp.intercepts_, kept["coefs_"] + kept["intercepts_"])
    weights = copy.deepcopy(spiking.coefs_)
    back.partial_fit(*digits)
    np.testing.assert_equal(spiking.coefs_, weights)
    assert spiking.loss_curve_ != back.loss_curve_


@pytest.mark.parametrize("labels", ["digits", "binary"])
def test_to_mlp_gives_what_a_trained_network_approaches(request, labels):
    X, y = request.getfixturevalue(labels)
    spiking = SpikingMLPClassifier((20, 10), max_iter=10, random_state=0).fit(X, y)
    mlp = spiking.to_mlp()
    np.testing.assert_array_equal(mlp.classes_, spiking.classes_)
    spiking.set_params(n_time_steps=2**14)
    np.testing.assert_allclose(mlp.predict_proba(X), spiking.predict_proba(X), atol=0.01)
    assert (mlp.predict(X) == spiking.predict(X)).mean() > 0.99
    assert mlp.loss_curve_ == spiking.loss_curve_


LABELS = [[False, True], [2.0, -1.0, 7.0], np.array(["b", "a"], object), [3, -4, 2**40], list(range(30))]


@pytest.mark.parametrize("names", LABELS, ids=str)
def test_any_labels_go_both_ways(names):
    X = np.random.default_rng(0).normal(size=(60, 5))
    y = np.array(names)[np.arange(60) % len(names)]
    spiking = SpikingMLPClassifier((5,), max_iter=2, random_state=0).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mlp = spiking.to_mlp()
        again = SpikingMLPClassifier.from_mlp(mlp, n_time_steps=2**12)
    assert set(mlp.predict(X)) <= set(names)
    np.testing.assert_array_equal(again.classes_, np.unique(y))
    assert (again.predict(X) == mlp.predict(X)).mean() > 0.95


def test_a_column_of_targets_converts_without_a_warning(diabetes):
    X, y = diabetes
    spiking = SpikingMLPRegressor((5,), max_iter=2, random_state=0, n_time_steps=2**12).fit(X, y[:, None])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mlp = spiking.to_mlp()
    np.testing.assert_allclose(mlp.predict(X), spiking.predict(X)[:, 0], atol=0.01)


def test_a_network_from_to_mlp_is_pickled_cloned_and_trained_further(digits):
    X, y = digits
    mlp = SpikingMLPClassifier((20,), max_iter=3, random_state=0).fit(X, y).to_mlp()
    loaded = pickle.loads(pickle.dumps(mlp))
    np.testing.assert_array_equal(loaded.predict_proba(X), mlp.predict_proba(X))
    accuracy = loaded.score(X, y)
    for _ in range(20):
        loaded.partial_fit(X, y)
    assert loaded.score(X, y) > accuracy
    again = clone(mlp).set_params(max_iter=2).fit(X, y)
    assert [w.shape for w in again.coefs_] == [w.shape for w in mlp.coefs_]


def test_a_network_from_to_mlp_starts_with_a_fresh_optimiser(digits):
    X, y = digits[0][:100], digits[1][:100]
    mlp = SpikingMLPClassifier((20,), max_iter=3, random_state=0).fit(X, y).to_mlp()
    before = mlp.intercepts_[-1].copy()
    mlp.partial_fit(X, y)
    # The first step of Adam moves every parameter by the rate.
    np.testing.assert_allclose(np.abs(mlp.intercepts_[-1] - before), mlp.learning_rate_init, rtol=1e-2)


def test_to_mlp_of_a_regressor_predicts_in_the_shape_of_its_targets(diabetes):
    X, y = diabetes
    for targets in (y, np.column_stack([y, -y])):
        spiking = SpikingMLPRegressor((10,), max_iter=5, random_state=0, n_time_steps=2**13).fit(X, targets)
        np.testing.assert_allclose(spiking.to_mlp().predict(X), spiking.predict(X), atol=0.01)


def test_a_converted_network_takes_the_mlps_place_in_a_pipeline(binary):
    X, y = load_breast_cancer(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((20,), max_iter=40, random_state=0)).fit(X, y)
    spiking = make_pipeline(pipeline[:-1], SpikingMLPClassifier.from_mlp(pipeline[-1], pipeline[:-1].transform(X)))
    assert abs(spiking.score(X, y) - pipeline.score(X, y)) < 0.02


REFUSED = {
    "tanh": (lambda X, y: MLPClassifier((5,), activation="tanh", max_iter=1).fit(X, y), ValueError, "activation='relu'"),
    "unfitted": (lambda X, y: MLPClassifier(), NotFittedError, "not fitted"),
    "regressor": (lambda X, y: MLPRegressor(hidden_layer_sizes=(5,), max_iter=1).fit(X, y), TypeError, "got MLPRegressor"),
    "one class": (lambda X, y: MLPClassifier((5,), max_iter=1).fit(X, y * 0), ValueError, "at least two classes"),
    "pipeline": (lambda X, y: make_pipeline(MLPClassifier((5,), max_iter=1)).fit(X, y), TypeError, r"pipeline\[-1\]"),
}


@pytest.mark.parametrize(("make", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_fitted_rectified_classifier_is_refused(digits, make, error, message):
    mlp = make(*digits)
    with pytest.raises(error, match=message):
        SpikingMLPClassifier.from_mlp(mlp)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_a_multilabel_network_keeps_its_labels_and_probabilities(n_classes):
    X, y = make_multilabel_classification(n_classes=n_classes, random_state=0)
    X = StandardScaler().fit_transform(X)
    mlp = MLPClassifier((20,), max_iter=50, random_state=0).fit(X, y)
    spiking = SpikingMLPClassifier.from_mlp(mlp, n_time_steps=2**13)
    np.testing.assert_allclose(spiking.predict_proba(X), mlp.predict_proba(X), atol=0.01)
    assert (spiking.predict(X) == mlp.predict(X)).mean() > 0.99
    np.testing.assert_allclose(spiking.to_mlp().predict_proba(X), mlp.predict_proba(X), atol=1e-5)
    assert spiking.partial_fit(X, y).to_mlp().predict(X).shape == y.shape


def test_a_multilabel_network_of_the_squared_error_keeps_its_labels():
    X, y = make_multilabel_classification(random_state=0)
    X = StandardScaler().fit_transform(X)
    spiking = SpikingMLPClassifier((20,), loss="squared_error", max_iter=20, random_state=0, n_time_steps=2**13).fit(X, y)
    assert (spiking.to_mlp().predict(X) == spiking.predict(X)).mean() > 0.99


@pytest.mark.skipif("loss" not in MLPRegressor().get_params(), reason="this scikit-learn has no Poisson loss")
def test_a_network_with_a_poisson_loss_is_refused(diabetes):
    mlp = MLPRegressor(hidden_layer_sizes=(5,), loss="poisson", max_iter=1).fit(diabetes[0], np.exp(diabetes[1]))
    with pytest.raises(ValueError, match="loss='squared_error'"):
        SpikingMLPRegressor.from_mlp(mlp)


BAD_ARGUMENTS = {
    "percentile of 0": ({"percentile": 0, "X": np.zeros((2, 64))}, "percentile must be above 0"),
    "features": ({"X": np.zeros((2, 3))}, "expecting 64 features"),
    "not finite": ({"X": np.full((2, 64), np.nan)}, "NaN"),
    "no biases": ({"fit_intercept": False}, "fit_intercept=True"),
    "time steps": ({"n_time_steps": 0}, "n_time_steps"),
    "combination": ({"neuron": "rectifying", "simulation": "counting"}, "needs neuron='signed'"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_arguments_that_cannot_be_used_are_refused(mlp, arguments, message):
    with pytest.raises(ValueError, match=message):
        SpikingMLPClassifier.from_mlp(mlp, **arguments)


def test_to_mlp_of_an_unfitted_estimator_is_refused():
    with pytest.raises(NotFittedError, match="not fitted"):
        SpikingMLPClassifier().to_mlp()


@pytest.fixture(scope="module")
def spiking(digits):
    return SpikingMLPClassifier((20,), max_iter=5, random_state=0).fit(*(a[:1000] for a in digits))


def test_skl2onnx_makes_onnx_of_a_networks_mlp(spiking, digits):
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    X = digits[0].astype(np.float32)
    onnx = skl2onnx.to_onnx(spiking.to_mlp(), X[:1])
    session = onnxruntime.InferenceSession(onnx.SerializeToString(), providers=["CPUExecutionProvider"])
    labels, probabilities = session.run(None, {session.get_inputs()[0].name: X})
    np.testing.assert_array_equal(labels, spiking.to_mlp().predict(X))
    assert (labels == spiking.predict(X)).mean() > 0.99
    assert len(probabilities) == len(X)


def test_emlearn_makes_c_of_a_networks_mlp(spiking, digits, tmp_path, monkeypatch):
    emlearn = pytest.importorskip("emlearn", reason="emlearn is not installed")
    monkeypatch.chdir(tmp_path)  # it compiles in a folder of its own there
    X = digits[0].astype(np.float32)
    converted = emlearn.convert(spiking.to_mlp(), method="inline")
    converted.save(file=str(tmp_path / "network.h"), name="network")
    assert "network_predict" in (tmp_path / "network.h").read_text()
    labels = converted.predict(X)
    np.testing.assert_array_equal(labels, spiking.to_mlp().predict(X))
    assert (labels == spiking.predict(X)).mean() > 0.99

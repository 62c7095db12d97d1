"""to_c of Pipelines: scalers become shifts and offsets of the input, or are refused."""
import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler

from export_helpers import COMPILERS, WARNINGS, random_network, run
from sk_dsn._network import fitted_network
from sk_dsn.export import to_c
from sk_dsn.streams import StreamScaler

pytestmark = pytest.mark.skipif(not COMPILERS, reason="no C compiler")


def network_and_data(recurrent=False, **parameters):
    """A quantised network, and features that are multiples of 1/2."""
    estimator, n_features = random_network(2, recurrent, "labels", (5, 4), **parameters)
    rng = np.random.default_rng(0)
    shape = (40, 5, n_features) if recurrent else (40, n_features)
    return estimator.quantize(8, input_range=(-3, 2.5)), rng.integers(-40, 90, size=shape) / 2


def on_the_grid(scaler, X):
    """A fitted scaler whose scales are rounded to powers of two, and its means to whole numbers."""
    scaler.fit(X)
    scaler.scale_ = 2.0 ** np.rint(np.log2(scaler.scale_) - np.arange(X.shape[-1]) % 3)
    scaler.mean_ = np.rint(scaler.mean_)
    return scaler


def check_equal(pipeline, X):
    exported = to_c(pipeline, n_time_steps=6)
    network, scaled = fitted_network(pipeline, X)
    np.testing.assert_array_equal(exported.staged_answers(X), network.staged_outputs(scaled))
    np.testing.assert_array_equal(exported.predict(X), pipeline.predict(X))
    return exported


@pytest.mark.parametrize(
    "parameters",
    [{"n_time_steps": 6}, {"n_time_steps": 6, "neuron": "rectifying"}, {"n_time_steps": 6, "leak": 1.0}],
    ids=["counting", "rectifying", "forgetful"],
)
def test_a_standard_scaler_gives_the_same_bits(parameters, tmp_path):
    network, X = network_and_data(loss="squared_error", fit_intercept=False, **parameters)
    pipeline = make_pipeline(on_the_grid(StandardScaler(), X), network)
    exported = check_equal(pipeline, X)
    # The features differ in scale and offset, and some are beyond the range.
    assert {"input_shift", "input_offset"} <= {word.split("[")[0] for word in exported.files["network.c"].split()}
    assert (np.abs(pipeline[0].transform(X)) > 3).any()
    exported.save(tmp_path)
    built = run([COMPILERS[-1], *WARNINGS, "-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", "network.c",
                 "network_test.c", "-o", "test"], tmp_path)
    assert built.returncode == 0, built.stderr
    assert run(["./test"], tmp_path).returncode == 0


@pytest.mark.parametrize("leak", [0.0, 1.0])
def test_a_stream_scaler_before_a_recurrent_network_gives_the_same_bits(leak):
    network, X = network_and_data(True, leak=leak)
    check_equal(make_pipeline(on_the_grid(StreamScaler(), X), network), X)


def test_one_scale_for_all_features_changes_the_unit_of_the_input_alone():
    network, X = network_and_data(n_time_steps=6)
    # From 0 to 64 to -1 to 1.
    X = np.vstack([np.clip(np.abs(X), 0, 64), np.zeros(X.shape[1]), np.full(X.shape[1], 64)])
    scaler = MinMaxScaler(feature_range=(-1, 1)).fit(X)
    exported = check_equal(make_pipeline(FrozenEstimator(scaler), "passthrough", network), X / 1.7)
    assert "input_shift" not in exported.files["network.c"]
    assert "#define NETWORK_INPUT_ONE 8\n" in exported.files["network.h"]
    # Two scalers are one.
    half = StandardScaler().fit(X)
    half.mean_, half.scale_ = np.zeros(X.shape[1]), np.full(X.shape[1], 2.0)
    check_equal(make_pipeline(half, scaler, network), X)


def test_identical_scaling_leaves_the_c_as_it_is():
    network, X = network_and_data(n_time_steps=6)
    same = StandardScaler(with_mean=False, with_std=False).fit(X)
    assert to_c(make_pipeline(same, network)).files == to_c(network).files


def test_features_between_those_of_the_c_are_refused():
    network, X = network_and_data(n_time_steps=6)
    exported = to_c(make_pipeline(on_the_grid(StandardScaler(), X), network))
    with pytest.raises(ValueError, match=r"Feature \d of X is not a multiple of 1/"):
        exported.predict(X + 0.5 / exported._source.input_one)


def widened(scaler, **changes):
    for name, value in changes.items():
        setattr(scaler, name, np.full(scaler.n_features_in_, value))
    return scaler


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda X: StandardScaler().fit(X), "standardscaler=StandardScaler scales feature 0 by .* powers of two alone"),
        (lambda X: widened(StandardScaler().fit(X), scale_=4.0, mean_=0.3), "shifts feature 0 by -0.075, no multiple"),
        (lambda X: MinMaxScaler().fit(X), "minmaxscaler=MinMaxScaler scales feature 0"),
        (lambda X: widened(MinMaxScaler(clip=True).fit(X), scale_=0.5, min_=0), "pass the clipped range"),
        (lambda X: PolynomialFeatures(1, include_bias=False).fit(X), "a PolynomialFeatures, cannot become C"),
        (lambda X: widened(StandardScaler().fit(X), scale_=2.0**9, mean_=0), "pass a smaller input_step"),
    ],
)
def test_a_step_that_is_not_exact_is_refused_by_name(step, message):
    network, X = network_and_data(n_time_steps=6)
    with pytest.raises(ValueError, match=message):
        to_c(make_pipeline(step(X), network))


def test_float_weights_take_scaled_features():
    estimator, n_features = random_network(2, False, "labels", (5,), n_time_steps=6)
    pipeline = make_pipeline(StandardScaler().fit(np.eye(n_features)), estimator)
    with pytest.raises(ValueError, match="standardscaler=StandardScaler rounds is scikit-learn's"):
        to_c(pipeline, weights="float32")

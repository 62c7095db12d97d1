"""quantize: weights and input on power-of-two grids, in all estimators."""
import copy
import pickle

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier, SpikingRNNRegressor
from sk_dsn.events import EventFrames
from sk_dsn.export import to_c
from sk_dsn.metrics import footprint
from sk_dsn.streams import SparseStreams

ESTIMATORS = [SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier, SpikingRNNRegressor]


def is_recurrent(kind):
    return "RNN" in kind.__name__


def fitted(kind, **parameters):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5, 3) if is_recurrent(kind) else (40, 3)).astype(np.float32)
    y = X.reshape(len(X), -1)[:, :3].argmax(axis=1)
    return kind(**{"hidden_layer_sizes": (6, 5), "max_iter": 3, "random_state": 0} | parameters).fit(X, y), X, y


@pytest.fixture(params=ESTIMATORS)
def kind(request):
    return request.param


def on_grid(values, step, bits=32):
    whole = np.asarray(values, dtype=np.float64) / step
    return (whole == np.rint(whole)).all() and np.abs(whole).max() < 2 ** (bits - 1)


@pytest.mark.parametrize("bits", [2, 8, 16, [3, 8, 5]])
def test_weights_and_biases_lie_on_the_grid_of_their_layer(kind, bits):
    estimator, _, _ = fitted(kind)
    quantized = estimator.quantize(bits)
    grid = quantized.grid_
    assert type(quantized) is kind
    assert grid["bits"] == (bits if isinstance(bits, list) else [bits] * 3)
    for w, b, step, n in zip(quantized.coefs_, quantized.intercepts_, grid["steps"], grid["bits"], strict=True):
        assert np.log2(step) == int(np.log2(step)) and step <= 0.5
        assert on_grid(w, step, n)
        assert on_grid(b, step * getattr(estimator, "threshold", 1))
    for w, step, n in zip(getattr(quantized, "recurrent_coefs_", []), grid["steps"], grid["bits"], strict=False):
        assert on_grid(w, step, n)


def test_the_step_of_a_layer_changes_its_weights_least():
    estimator, _, _ = fitted(SpikingMLPClassifier)
    quantized = estimator.quantize(4)

    def loss(w, step):
        rounded = np.clip(np.rint(w / step), -7, 7) * step
        return sum(np.square(row).sum() * np.square(r - row).sum() for row, r in zip(w, rounded, strict=True))

    for w, step in zip(estimator.coefs_, quantized.grid_["steps"], strict=True):
        w = w.astype(np.float64)
        assert loss(w, step) == min(loss(w, 2.0**-k) for k in range(1, 12))


def test_more_bits_change_predictions_less(kind):
    estimator, X, y = fitted(kind)
    answers = estimator._predict(X)[1]
    errors = [np.abs(estimator.quantize(bits)._predict(X)[1] - answers).mean() for bits in (2, 5, 16)]
    assert errors[0] > errors[1] > errors[2]
    assert abs(estimator.quantize(16).score(X, y) - estimator.score(X, y)) < 0.05


def test_the_estimator_is_as_it_was(kind):
    estimator, X, _ = fitted(kind)
    before = pickle.dumps(estimator), estimator.predict(X)
    quantized = estimator.quantize(3)
    quantized.coefs_[0][:] = 0
    assert pickle.dumps(estimator) == before[0]
    np.testing.assert_array_equal(estimator.predict(X), before[1])


def test_x_is_rounded_to_the_grid_and_limited_to_the_range(kind):
    estimator, X, _ = fitted(kind)
    quantized = estimator.quantize(8, input_step=0.25, input_range=(-1.1, 0.9))
    assert quantized.grid_["input_range"] == (-1.25, 1.0)
    rounded = np.clip(np.rint(X * 4) / 4, -1.25, 1.0)
    assert (rounded != X).any()
    np.testing.assert_array_equal(quantized._predict(X)[1], quantized._predict(rounded)[1])
    unrounded = copy.copy(quantized)
    del unrounded.grid_
    np.testing.assert_array_equal(quantized._predict(X)[1], unrounded._predict(rounded)[1])
    assert (quantized._predict(X)[1] != unrounded._predict(X)[1]).any()


@pytest.mark.parametrize("many", [csr_matrix, lambda X: SparseStreams.from_dense(X[:, None].repeat(128, 1)), list])
def test_x_of_every_kind_is_rounded(many):
    estimator, X, _ = fitted(SpikingMLPClassifier)
    quantized = estimator.quantize(8, input_range=(-1, 1))
    if many is list:
        X = X[:, None].repeat(3, 1)
        given = [x[: 1 + k % 3] for k, x in enumerate(X)]
        wanted = np.concatenate([quantized.decision_function(x[None]) for x in given])
    else:
        given, wanted = many(X), quantized.decision_function(X)
    np.testing.assert_array_equal(quantized.decision_function(given), wanted)


def test_values_that_are_not_finite_are_refused_though_they_would_be_limited(kind):
    estimator, X, _ = fitted(kind)
    quantized = estimator.quantize(8, input_range=(-1, 1))
    X[0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        quantized.predict(X)


def test_it_is_staged_scored_and_pickled_and_goes_in_a_pipeline(kind):
    estimator, X, y = fitted(kind)
    quantized = estimator.quantize([4, 5, 6], input_range=(-2, 2))
    staged = list(quantized.staged_predict(X))
    np.testing.assert_array_equal(staged[-1], quantized.predict(X))
    loaded = pickle.loads(pickle.dumps(quantized))
    assert loaded.grid_ == quantized.grid_
    np.testing.assert_array_equal(loaded.predict(X), quantized.predict(X))
    assert make_pipeline(FunctionTransformer(), quantized).score(X, y) == quantized.score(X, y)


def test_training_leaves_the_grid_and_export_then_names_quantize(kind):
    estimator, X, y = fitted(kind)
    trained = estimator.quantize(8, input_range=(-2, 2)).partial_fit(X, y)
    again = estimator.quantize(8).fit(X, y)
    for network in (trained, again):
        assert not hasattr(network, "grid_")
        with pytest.raises(ValueError, match=r"pass estimator\.quantize"):
            to_c(network)


def test_weights_that_were_changed_are_off_the_grid_and_export_names_quantize(kind):
    estimator, _, _ = fitted(kind, **{"hidden_layer_sizes": (4,)})
    quantized = estimator.quantize(8, input_range=(-1, 1))
    quantized.coefs_[0][0, 0] += 1e-3
    with pytest.raises(ValueError, match="call quantize again"):
        to_c(quantized)


def test_a_second_quantisation_starts_from_the_first(kind):
    estimator, X, _ = fitted(kind)
    eight = estimator.quantize(8)
    np.testing.assert_array_equal(eight.quantize(8).predict(X), eight.predict(X))
    assert eight.quantize(3).grid_["bits"] == [3, 3, 3]


def test_a_layer_of_zeros_is_on_every_grid(kind):
    estimator, X, _ = fitted(kind)
    for arrays in (estimator.coefs_, estimator.intercepts_, getattr(estimator, "recurrent_coefs_", [])):
        for array in arrays:
            array[:] = 0
    assert not estimator.quantize(2)._predict(X)[1].any()


def test_weights_have_their_bits_in_the_footprint(kind):
    estimator, _, _ = fitted(kind)
    quantized = estimator.quantize([2, 8, 3])
    sizes = [w.size for w in estimator.coefs_]
    for k, w in enumerate(getattr(estimator, "recurrent_coefs_", [])):
        sizes[k] += w.size
    saved = sum(4 * n - -(-n * bits // 8) for n, bits in zip(sizes, (2, 8, 3), strict=True))
    assert footprint(estimator) - footprint(quantized) == saved


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 1}, "bits must be an integer from 2 to 16"),
        ({"bits": 17}, "bits must be"),
        ({"bits": True}, "bits must be"),
        ({"bits": 8.0}, "bits must be"),
        ({"bits": [8, 8]}, "a list of 3 of them"),
        ({"input_step": 0.3}, "input_step must be a power of two"),
        ({"input_step": 1}, "input_step must be a power of two"),
        ({"input_range": (1, 2)}, "input_range must be None or a pair"),
        ({"input_range": (0, np.nan)}, "input_range must be"),
        ({"input_range": 3}, "input_range must be"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    estimator, _, _ = fitted(SpikingMLPClassifier)
    with pytest.raises(ValueError, match=message):
        estimator.quantize(**arguments)
    with pytest.raises(NotFittedError):
        SpikingMLPClassifier().quantize()


def test_a_live_stream_rounds_vectors_as_predictions_do(kind):
    estimator, X, _ = fitted(kind)
    quantized = estimator.quantize(6, input_step=0.25, input_range=(-1, 1))
    frames = X[0] if X.ndim == 3 else X[:4]
    for given in (frames, csr_matrix(frames)):
        stream = quantized.create_stream(n_features=3).feed(given)
        np.testing.assert_array_equal(stream.predict(), quantized.predict(frames[None]))


def test_a_live_stream_of_events_limits_the_sum_of_a_step():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, size=(20, 4, 6)).astype(np.float32), np.arange(20) % 2
    clf = SpikingMLPClassifier((4,), max_iter=1, random_state=0).fit(X, y).quantize(8, input_range=(0, 1))
    frames = EventFrames((3, 2, 1), 10)
    events = np.array([(1, 0, 0), (2, 0, 0), (3, 1, 1), (15, 2, 1)], [("t", int), ("x", int), ("y", int)])
    counts = frames.transform([events])
    stream = clf.create_stream(frames).feed(events).advance(20)
    assert counts[0].max() == 2
    np.testing.assert_array_equal(stream.decision_function(), clf.decision_function(counts))

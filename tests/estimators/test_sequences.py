"""Streams of unequal length and sparse streams in the estimators: as one by one, and as dense, bit for bit."""
import pickle

import joblib
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from helpers import EVERY_NETWORK, STEPPED, Oracle, Problem, estimator_parameters
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier
from sk_dsn._base import count_training_spikes
from sk_dsn.metrics import activation_sparsity, exit_steps, neurobench_synaptic_operations, spike_counts, unit_spike_counts
from sk_dsn.streams import SparseStreams, StreamScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LEAKY = {
    f"{name}-leaky": network | {"leak": 0.25, "readout": "mean", "feedback": "step"}
    for name, network in EVERY_NETWORK.items()
    if network.get("simulation") != "counting" and network.get("forward_reset") != "keep"
}
NETWORKS = EVERY_NETWORK | LEAKY


@pytest.fixture(params=NETWORKS)
def parameters(request):
    return estimator_parameters(**NETWORKS[request.param])


def streams(n_samples=24, n_time_steps=4, n_features=70, seed=0):
    """Streams that are mostly zero, of 1 to `n_time_steps` steps, and labels. Some hold nothing."""
    rng = np.random.default_rng(seed)
    shape = n_samples, n_time_steps, n_features
    X = (rng.integers(-8, 17, shape) / 8 * (rng.random(shape) < 0.1)).astype(np.float32)
    X[3] = 0
    lengths = rng.integers(1, n_time_steps + 1, n_samples)
    lengths[-1] = n_time_steps
    return [x[:n] for x, n in zip(X, lengths, strict=True)], np.arange(n_samples) % 3, X


def with_nan_ends(sequences):
    longest = max(map(len, sequences))
    X = np.full((len(sequences), longest, sequences[0].shape[1]), np.nan, np.float32)
    for row, sequence in zip(X, sequences, strict=True):
        row[: len(sequence)] = sequence
    return X


def as_objects(sequences):
    objects = np.empty(len(sequences), object)
    objects[:] = sequences
    return objects


def assert_same(found, wanted):
    for a, b in zip([*found.coefs_, *found.intercepts_], [*wanted.coefs_, *wanted.intercepts_], strict=True):
        np.testing.assert_array_equal(a, b)


# --- Unequal lengths.


def test_sequences_of_every_kind_are_learned_and_predicted_alike(parameters):
    sequences, y, _ = streams()
    kinds = {
        "list": sequences,
        "lists": [x.astype(float).tolist() for x in sequences],
        "objects": as_objects(sequences),
        "Fortran's order": [np.asfortranarray(x) for x in sequences],
        "float64": [x.astype(np.float64) for x in sequences],
        "NaN ends": with_nan_ends(sequences),
        "longer NaN ends": np.pad(with_nan_ends(sequences), [(0, 0), (0, 3), (0, 0)], constant_values=np.nan),
        "sparse": SparseStreams.from_list(sequences),
        "sparse of NaN ends": SparseStreams.from_dense(with_nan_ends(sequences)),
    }
    expected = SpikingMLPClassifier(**parameters).fit(sequences, y)
    answers = np.array(list(expected.staged_decision_function(sequences)))
    assert len(answers) == 4
    for name, X in kinds.items():
        found = SpikingMLPClassifier(**parameters).fit(X, y)
        assert_same(found, expected)
        np.testing.assert_array_equal(list(found.staged_decision_function(X)), answers, err_msg=name)
        np.testing.assert_array_equal(found.decision_function(X), answers[-1])
        assert found.score(X, y) == expected.score(sequences, y)


def test_a_prediction_does_not_depend_on_the_others(parameters):
    sequences, y, _ = streams()
    classifier = SpikingMLPClassifier(**parameters).fit(sequences, y)
    together = classifier.decision_function(sequences)
    for i, sequence in enumerate(sequences):
        np.testing.assert_array_equal(classifier.decision_function(sequence[np.newaxis])[0], together[i])
    np.testing.assert_array_equal(classifier.set_params(n_jobs=2).decision_function(sequences), together)


def test_a_sample_that_has_ended_keeps_its_last_answer(parameters):
    sequences, y, _ = streams()
    classifier = SpikingMLPClassifier(**parameters).fit(sequences, y)
    staged = np.array(list(classifier.staged_decision_function(sequences)))
    for i, sequence in enumerate(sequences):
        alone = np.array(list(classifier.staged_decision_function(sequence[np.newaxis])))[:, 0]
        np.testing.assert_array_equal(staged[: len(sequence), i], alone)
        assert (staged[len(sequence) :, i] == alone[-1]).all()


@pytest.mark.parametrize("leak", [0, 0.5])
@pytest.mark.parametrize("feedback", ["sample", "step"])
@pytest.mark.parametrize("simulation", STEPPED)
def test_the_lengths_of_samples_enter_their_rates_as_in_the_oracle(simulation, feedback, leak):
    sequences, y, _ = streams(8, 4, 5)
    parameters = {"simulation": simulation, "feedback": feedback, "leak": leak, "learning_rate_init": 1 / 32}
    flat = parameters | {"hidden_layer_sizes": (6,), "shuffle": False, "normalized_step": False, "error_resolution": 2}
    regressor = SpikingMLPRegressor(random_state=0, scale_target=False, dropout=0, **estimator_parameters(**flat))
    values = np.eye(3)[y]
    start = SpikingMLPRegressor((6,), random_state=0).partial_fit(sequences, values)
    start = [np.round(w * 32) / 32 for w in start.coefs_]
    regressor.partial_fit(sequences, values, coefs_init=start)
    zeros = [np.zeros(w.shape[1]) for w in start]
    oracle = Oracle(Problem(start, zeros, None, None), dtype=np.float32, n_time_steps=4, **{
        name: flat[name] for name in ("simulation", "feedback", "leak", "normalized_step", "error_resolution")
    })
    for sequence, target in zip(sequences, values, strict=True):
        oracle.train_sample(sequence, target, np.float32(1 / 32))
    for found, wanted in zip([*regressor.coefs_, *regressor.intercepts_], [*oracle.coefs, *oracle.intercepts], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def test_weights_and_validation_samples_go_with_sequences(parameters):
    sequences, y, _ = streams()
    weights = np.arange(len(y)) % 3
    kept = np.flatnonzero(weights)
    weighted = SpikingMLPClassifier(**parameters).partial_fit(sequences, y, [0, 1, 2], sample_weight=weights)
    part = SpikingMLPClassifier(**parameters).partial_fit(
        [sequences[i] for i in kept], y[kept], [0, 1, 2], sample_weight=weights[kept]
    )
    assert_same(weighted, part)
    stopped = SpikingMLPClassifier(**parameters).set_params(early_stopping=True)
    stopped.fit(sequences, y, X_val=sequences[:6], y_val=y[:6])
    assert len(stopped.validation_scores_) == stopped.n_iter_


@pytest.mark.parametrize("simulation", STEPPED)
def test_metrics_end_with_the_sample(simulation):
    sequences, y, _ = streams()
    classifier = SpikingMLPClassifier((6,), simulation=simulation, max_iter=1, random_state=0).fit(sequences, y)
    lengths = [len(x) for x in sequences]
    spikes = spike_counts(classifier, sequences)
    by_unit = unit_spike_counts(classifier, sequences)
    np.testing.assert_array_equal(np.stack([u.sum(axis=(2, 3)) for u in by_unit], axis=2), spikes)
    for row, sequence in zip(spikes, sequences, strict=True):
        np.testing.assert_array_equal(row[: len(sequence)], spike_counts(classifier, sequence[np.newaxis])[0])
        assert not row[len(sequence) :].any()
    np.testing.assert_array_equal(exit_steps(classifier, sequences), lengths)
    silent = sum(int((u[i, :n].sum(axis=2) == 0).sum()) for u in by_unit for i, n in enumerate(lengths))
    assert activation_sparsity(classifier, sequences) == pytest.approx(silent / (76 * sum(lengths)))
    assert neurobench_synaptic_operations(classifier, sequences)["Dense"] == np.mean(lengths) * (70 * 6 + 6 * 3)
    exit_at = exit_steps(classifier.set_params(exit_margin=0.3), sequences)
    assert (exit_at <= lengths).all()


# --- Sparse streams.


@pytest.mark.parametrize("changes", [{}, {"input_dropout": 0.5}, {"input_noise": 0.5, "dropout": 0.5}], ids=str)
def test_sparse_streams_are_dense_ones_bit_for_bit(parameters, changes):
    _, y, X = streams()
    # The paper's rule has no whole error counts with noise; all other combinations exist.
    dense = SpikingMLPClassifier(**parameters | changes).fit(X, y)
    sparse = SpikingMLPClassifier(**parameters | changes).fit(SparseStreams.from_dense(X), y)
    assert_same(sparse, dense)
    for now, wanted in zip(sparse.backward_potentials_, dense.backward_potentials_, strict=True):
        np.testing.assert_array_equal(now, wanted)
    np.testing.assert_array_equal(sparse.decision_function(SparseStreams.from_dense(X)), dense.decision_function(X))
    np.testing.assert_array_equal(spike_counts(sparse, SparseStreams.from_dense(X)), spike_counts(dense, X))
    for found, wanted in zip(
        unit_spike_counts(sparse, SparseStreams.from_dense(X)), unit_spike_counts(dense, X), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("changes", [{}, {"input_dropout": 0.5, "input_noise": 0.5, "leak": 0.5}], ids=str)
@pytest.mark.parametrize("n_time_steps", [4, 1])
def test_recurrent_networks_see_sparse_streams_as_dense_ones_bit_for_bit(n_time_steps, changes):
    sequences, y, _ = streams(n_time_steps=n_time_steps)
    X = SparseStreams.from_list(sequences)
    dense = SpikingRNNClassifier((6,), max_iter=2, random_state=0, **changes).fit(sequences, y)
    sparse = SpikingRNNClassifier((6,), max_iter=2, random_state=0, **changes).fit(X, y)
    assert_same(sparse, dense)
    for found, wanted in zip(sparse.staged_decision_function(X), dense.staged_decision_function(sequences), strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(spike_counts(sparse, X), spike_counts(dense, sequences))


def test_training_counts_the_same_spikes_of_sparse_streams(parameters):
    _, y, X = streams()
    classifier = SpikingMLPClassifier(**parameters)
    found, wanted = (count_training_spikes(classifier, Z, y, [0, 1, 2])[1] for Z in (SparseStreams.from_dense(X), X))
    np.testing.assert_array_equal(found.error_spikes, wanted.error_spikes)
    if parameters["simulation"] != "counting":
        np.testing.assert_array_equal(found.spikes, wanted.spikes)


def test_sparse_streams_go_where_scikit_learn_puts_arrays(tmp_path):
    _, y, dense = streams(60)
    X = SparseStreams.from_dense(dense)
    classifier = SpikingMLPClassifier((6,), leak=0.2, max_iter=3, random_state=0)
    for part, wanted in zip(train_test_split(X, y, random_state=0), train_test_split(dense, y, random_state=0), strict=True):
        np.testing.assert_array_equal(part.toarray() if part.ndim == 3 else part, wanted)
    np.testing.assert_array_equal(cross_val_score(classifier, X, y, cv=3), cross_val_score(classifier, dense, y, cv=3))
    pipeline = make_pipeline(StreamScaler(with_mean=False), classifier)
    grid = {"spikingmlpclassifier__leak": [0, 0.2]}
    searches = [GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(Z, y) for Z in (X, dense)]
    np.testing.assert_allclose(*(search.cv_results_["mean_test_score"] for search in searches))
    np.testing.assert_array_equal(searches[0].predict(X), searches[0].predict(X[:]))
    for copy in (pickle.loads(pickle.dumps(X)), joblib.load(joblib.dump(X, tmp_path / "X")[0])):
        np.testing.assert_array_equal(copy.toarray(), dense)


BAD = {
    "other features": (lambda X: SparseStreams(X.csr[:, :200], 4), "50 features"),
    "swapped axes": (lambda X: SparseStreams(X.csr, 70), r"X\.transpose\(0, 2, 1\)"),
    "not finite": (lambda X: X.with_csr(X.csr * np.inf), "infinity|NaN"),
    "no samples": (lambda X: X[:0], "0 sample|minimum of 1"),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", BAD)
def test_bad_sparse_streams_are_refused(kind):
    _, y, dense = streams()
    X = SparseStreams.from_dense(dense)
    spoil, message = BAD[kind]
    classifier = SpikingMLPClassifier((6,), max_iter=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=message):
        classifier.predict(spoil(X))
    with pytest.raises(ValueError, match=message):
        classifier.partial_fit(spoil(X), y[: len(spoil(X))])


def test_a_sparse_array_of_three_dimensions_is_refused_with_the_way_out():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    try:
        X = scipy_sparse.coo_array(np.ones((3, 2, 2)))
    except (TypeError, ValueError):
        pytest.skip("this scipy has sparse arrays of two dimensions only")
    with pytest.raises(ValueError, match="SparseStreams"):
        SpikingMLPClassifier().fit(X, [0, 1, 0])


NO_STREAMS = {
    "series of one dimension": (lambda X: [x[: 3 + i % 2, 0] for i, x in enumerate(X)], r"\[np\.asarray\(x\)\[:, None\]"),
    "one dimension and two": (lambda X: [X[0, 0], *X[1:]], r"\(n_time_steps_i, n_features\)"),
    "two dimensions and one": (lambda X: [X[0], *X[1:, 0]], r"\(n_time_steps_i, n_features\)"),
    "sparse streams": (lambda X: [csr_matrix(x) for x in X], r"SparseStreams\.from_list\(X\)"),
    "swapped axes": (lambda X: [x[: 3 + i % 2].T for i, x in enumerate(X)], r"\[x\.T for x in X\]"),
    "other features": (lambda X: [x[:, : 3 + i % 2] for i, x in enumerate(X)], "the same features"),
}


@pytest.mark.parametrize("kind", NO_STREAMS)
@pytest.mark.parametrize("taker", [SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNClassifier, StreamScaler])
def test_lists_that_are_no_streams_are_refused_with_the_way_out(taker, kind):
    *_, X = streams(6)
    spoil, message = NO_STREAMS[kind]
    with pytest.raises(ValueError, match=message):
        taker().fit(spoil(X), np.arange(6) % 2)


def test_a_csr_matrix_of_all_columns_makes_streams():
    *_, dense = streams()
    flat = csr_matrix(dense.reshape(len(dense), -1))
    X = SparseStreams(flat, 4)
    assert X.csr is flat or (X.csr != flat).nnz == 0
    np.testing.assert_array_equal(X.toarray(), dense)

"""sk_dsn.streams: SparseStreams, how it is made and indexed, and StreamScaler."""
import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from sk_dsn import SpikingMLPClassifier, SpikingRNNClassifier
from sk_dsn.streams import SparseStreams, StreamScaler


@pytest.fixture
def dense():
    rng = np.random.default_rng(0)
    return (rng.integers(-4, 5, (7, 3, 5)) * (rng.random((7, 3, 5)) < 0.4)).astype(np.float32)


@pytest.fixture
def unequal(dense):
    return [x[:n] for x, n in zip(dense, [3, 1, 2, 3, 1, 2, 2], strict=True)]


def with_nan_ends(sequences):
    X = np.full((len(sequences), 3, 5), np.nan, np.float32)
    for row, sequence in zip(X, sequences, strict=True):
        row[: len(sequence)] = sequence
    return X


# --- SparseStreams.


def test_streams_are_made_of_every_kind(dense, unequal):
    for X in (
        SparseStreams.from_dense(dense),
        SparseStreams.from_dense(list(dense)),
        SparseStreams.from_list([csr_matrix(x) for x in dense]),
        SparseStreams(csr_matrix(dense.reshape(7, 15)), 3),
        SparseStreams(csr_array(dense.reshape(7, 15)), np.int64(3)),
        SparseStreams(csr_matrix(dense.reshape(7, 15)).tocoo(), 3),
        SparseStreams(csr_matrix(dense.reshape(7, 15)), 3, [3] * 7),
    ):
        assert (X.shape, X.ndim, len(X), X.nnz) == ((7, 3, 5), 3, 7, np.count_nonzero(dense))
        np.testing.assert_array_equal(X.toarray(), dense)
    for X in (SparseStreams.from_list(unequal), SparseStreams.from_dense(with_nan_ends(unequal))):
        np.testing.assert_array_equal(X.lengths, [len(x) for x in unequal])
        np.testing.assert_array_equal(X.toarray(), with_nan_ends(unequal))


@pytest.mark.parametrize(
    "key",
    [
        slice(2, 5), slice(None, None, -1), np.array([4, 0, 4]), [1, -1], np.arange(7) % 2 == 0, [], np.array([], int),
        (slice(1, 3), Ellipsis), (np.array([2, 0]), Ellipsis), (slice(3), slice(None), slice(None)),
    ],
    ids=str,
)
def test_indexing_takes_samples_as_of_an_array(unequal, key):
    wanted = with_nan_ends(unequal)[key if len(key if isinstance(key, (list, np.ndarray)) else [1]) else np.arange(0)]
    found = SparseStreams.from_list(unequal)[key]
    assert isinstance(found, SparseStreams)
    assert found.shape == (len(wanted), 3, 5)
    np.testing.assert_array_equal(found.toarray(), wanted)


def test_one_sample_is_an_array(unequal):
    X = SparseStreams.from_list(unequal)
    np.testing.assert_array_equal(X[-2], with_nan_ends(unequal)[-2])
    with pytest.raises(IndexError, match="7 samples"):
        X[7]
    with pytest.raises(IndexError, match="samples alone"):
        X[0, 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda flat: SparseStreams(flat.toarray(), 3), "from_dense"),
        (lambda flat: SparseStreams(flat, 4), "whole number of features"),
        (lambda flat: SparseStreams(flat, 0), "n_time_steps must be"),
        (lambda flat: SparseStreams(flat, 3, [3] * 6), "7 integers"),
        (lambda flat: SparseStreams(flat, 3, [3] * 6 + [4]), "from 1 to n_time_steps=3"),
        (lambda flat: SparseStreams(flat, 3, [3] * 6 + [0]), "empty sequence"),
        (lambda flat: SparseStreams(flat, 3, [1] * 7), "behind the end"),
        (lambda flat: SparseStreams.from_list([flat, flat[:, :4]]), "same features"),
        (lambda flat: SparseStreams.from_dense(flat.toarray()), r"\(n_samples, n_time_steps, n_features\)"),
        (lambda flat: SparseStreams.from_dense(np.full((2, 3, 4), np.nan)), "empty sequence"),
    ],
)
def test_streams_that_there_are_not_are_refused(dense, make, message):
    with pytest.raises(ValueError, match=message):
        make(csr_matrix(dense.reshape(7, 15)))


@pytest.mark.parametrize("kind", [SpikingMLPClassifier, SpikingRNNClassifier])
@pytest.mark.parametrize("unequal", [False, True])
def test_training_on_sparse_streams_takes_little_memory_beside_them(unequal, kind):
    rng, n_samples, n_values = np.random.default_rng(0), 20_000, 120
    # In each stream every third number or so is stored.
    columns = np.cumsum(rng.integers(1, 5, (n_samples, n_values), dtype=np.int32), axis=1, dtype=np.int32)
    indptr = np.arange(n_samples + 1, dtype=np.int32) * n_values
    flat = csr_matrix((np.ones(columns.size, np.float32), columns.ravel(), indptr), (n_samples, 25 * 20))
    lengths = columns[:, -1] // 20 + 1 if unequal else None
    X, y = SparseStreams(flat, 25, lengths), np.arange(n_samples) % 2
    size = X.csr.data.nbytes + X.csr.indices.nbytes + X.csr.indptr.nbytes
    classifier = kind((10,), leak=0.1, random_state=0).partial_fit(X[:100], y[:100], [0, 1])
    tracemalloc.start()
    classifier.partial_fit(X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * size, f"{peak / size:.2f} of the data"


# --- StreamScaler.


def kinds(unequal):
    return {"list": unequal, "NaN ends": with_nan_ends(unequal), "float64": [x.astype(float) for x in unequal]}


def test_scaling_is_that_of_all_vectors(dense, unequal):
    for X, vectors in [(dense, dense.reshape(-1, 5)), *((X, np.concatenate(unequal)) for X in kinds(unequal).values())]:
        scaler, wanted = StreamScaler().fit(X), StandardScaler().fit(vectors.astype(float))
        for name in ("mean_", "var_", "scale_"):
            np.testing.assert_allclose(getattr(scaler, name), getattr(wanted, name), rtol=1e-6)
        assert scaler.n_samples_seen_ == len(vectors)
        scaled = np.concatenate([x[~np.isnan(x).all(axis=1)] for x in scaler.transform(X)])
        np.testing.assert_allclose(scaled, wanted.transform(vectors), rtol=1e-5, atol=1e-6)
        back = scaler.inverse_transform(scaler.transform(X))
        assert type(back) is type(X)
        for found, given in zip(back, X, strict=True):
            np.testing.assert_allclose(found, given, atol=1e-6)


def test_parts_are_scaled_as_the_whole(unequal):
    scaler = StreamScaler().partial_fit(unequal[:3]).partial_fit(unequal[3:])
    whole = StreamScaler().fit(unequal)
    for name in ("mean_", "var_", "scale_", "n_samples_seen_"):
        np.testing.assert_allclose(getattr(scaler, name), getattr(whole, name))
    np.testing.assert_array_equal(scaler.fit(unequal[:3]).mean_, StreamScaler().fit(unequal[:3]).mean_)


def test_sparse_streams_are_scaled_without_their_mean(unequal):
    X = SparseStreams.from_list(unequal)
    with pytest.raises(ValueError, match="with_mean=False"):
        StreamScaler().fit(X)
    scaler = StreamScaler(with_mean=False).fit(X)
    same = StreamScaler(with_mean=False).fit(unequal)
    np.testing.assert_allclose(scaler.scale_, same.scale_)
    scaled = scaler.transform(X)
    assert isinstance(scaled, SparseStreams)
    np.testing.assert_allclose(scaled.toarray(), same.transform(with_nan_ends(unequal)), rtol=1e-6)
    np.testing.assert_allclose(scaler.inverse_transform(scaled).toarray(), X.toarray(), rtol=1e-6)


def test_constant_features_stay():
    X = np.ones((3, 4, 2))
    np.testing.assert_array_equal(StreamScaler().fit_transform(X), 0)
    np.testing.assert_array_equal(StreamScaler(with_std=False).fit(2 * X).scale_, 1)


def test_what_a_scaler_cannot_scale_is_refused(dense):
    with pytest.raises(ValueError, match="StandardScaler"):
        StreamScaler().fit(dense[:, 0])
    with pytest.raises(NotFittedError):
        StreamScaler().transform(dense)
    with pytest.raises(ValueError, match="4 features"):
        StreamScaler().fit(dense).transform(dense[:, :, :4])
    with pytest.raises(ValueError, match=r"X\.transpose\(0, 2, 1\)"):
        StreamScaler().fit(dense).transform(dense.transpose(0, 2, 1))
    assert clone(StreamScaler(with_mean=False)).get_params() == {"with_mean": False, "with_std": True}
    with pytest.raises(ValueError, match="NaN"):
        StreamScaler().fit(np.where(np.arange(3)[:, None] == 1, np.nan, dense))

"""The owner of X: a dense array or a sparse matrix, checked."""
import numpy as np

from libc.stdint cimport int32_t, int64_t

from .network cimport within


cdef class Samples:
    """The samples of X.

    Parameters
    ----------
    X : ndarray of float32, shape (n_samples, 1, n_features), or (n_samples, n_time_steps, n_features) for streams; or a \
sparse matrix of float32 in CSR format, shape (n_samples, n_features)
        Of a sparse matrix each row's indices must ascend (`sort_indices`), none twice (`sum_duplicates`).
    """

    def __cinit__(self, X):
        if isinstance(X, np.ndarray):
            self.borrow_dense(X)
        else:
            self.borrow_sparse(X)

    cdef int borrow_dense(self, X) except -1:
        cdef const float[:, :, ::1] dense = X
        cdef SampleArrays *arrays = &self.arrays
        arrays.n_samples, arrays.n_steps, arrays.n_features = X.shape
        # Of an array without values any address will do, so long as it is not NULL.
        arrays.dense = &dense[0, 0, 0] if X.size else <const float *> arrays
        self.borrowed = [X]

    cdef int borrow_sparse(self, X) except -1:
        # One entry at least: the first one's address is taken. A user's arrays may be columns of others.
        data = np.require(X.data if len(X.data) else np.zeros(1), np.float32, "CA")
        indices = np.require(X.indices if len(X.data) else np.zeros(1), np.int32, "CA")
        indptr = np.require(X.indptr, np.int64, "CA")
        n_samples, n_features = X.shape
        n_stored = np.diff(indptr)
        if not (len(indptr) == n_samples + 1 and len(data) == len(indices)
                and np.all((n_stored >= 0) & (n_stored <= n_features)) and indptr[0] == 0
                and indptr[n_samples] <= len(data) and within(X.indices, n_features)):
            raise ValueError(
                "X is no valid CSR matrix. If its arrays were changed in place, make a new one of them: "
                "csr_matrix((X.data, X.indices, X.indptr), X.shape).")
        cdef const float[::1] values = data
        cdef const int32_t[::1] columns = indices
        cdef const int64_t[::1] rows = indptr
        self.arrays = SampleArrays(n_samples, 1, n_features, NULL, &values[0], &columns[0], &rows[0])
        self.borrowed = [data, indices, indptr]

    @property
    def n_samples(self):
        return self.arrays.n_samples

    @property
    def n_steps(self):
        """Time steps of a stream; 1: static."""
        return self.arrays.n_steps

    @property
    def n_features(self):
        return self.arrays.n_features

"""The owner of X: a dense array or a sparse matrix, checked."""
import numpy as np

from libc.stdint cimport int32_t, int64_t

from .network cimport within


cdef class Samples:
    """The samples of X.

    Parameters
    ----------
    X : ndarray of float32, shape (n_samples, 1, n_features), or (n_samples, n_time_steps, n_features) for streams; or a \
sparse matrix of float32 in CSR format, shape (n_samples, n_steps * n_features)
        Of a sparse matrix each row's indices must ascend (`sort_indices`), none twice (`sum_duplicates`).
    n_steps : int
        Of a sparse matrix: the time steps of the longest sample, step after step in its columns. 1 is static.
    lengths : ndarray of int64, shape (n_samples,), or None
        Time steps of each sample of a stream, at least 1; None: all of them.
    starts : ndarray of int64, shape (n_samples,), or None
        Of dense streams: the first vector of each sample among all vectors of X, in order. None: n_time_steps apart.
    """

    def __cinit__(self, X, *, Py_ssize_t n_steps=1, lengths=None, starts=None):
        if isinstance(X, np.ndarray):
            self.borrow_dense(X)
        else:
            self.borrow_sparse(X, n_steps)
        if lengths is not None:
            self.borrow_lengths(lengths, starts)

    cdef int borrow_dense(self, X) except -1:
        cdef const float[:, :, ::1] dense = X
        cdef SampleArrays *arrays = &self.arrays
        arrays.n_samples, arrays.n_steps, arrays.n_features = X.shape
        # Of an array without values any address will do, so long as it is not NULL.
        arrays.dense = &dense[0, 0, 0] if X.size else <const float *> arrays
        self.borrowed = [X]

    cdef int borrow_sparse(self, X, Py_ssize_t n_steps) except -1:
        # One entry at least: the first one's address is taken. A user's arrays may be columns of others.
        data = np.require(X.data if len(X.data) else np.zeros(1), np.float32, "CA")
        indices = np.require(X.indices if len(X.data) else np.zeros(1), np.int32, "CA")
        indptr = np.require(X.indptr, np.int64, "CA")
        n_samples, n_columns = X.shape
        n_stored = np.diff(indptr)
        if not (len(indptr) == n_samples + 1 and len(data) == len(indices)
                and np.all((n_stored >= 0) & (n_stored <= n_columns)) and indptr[0] == 0
                and indptr[n_samples] <= len(data) and within(X.indices, n_columns)):
            raise ValueError(
                "X is no valid CSR matrix. If its arrays were changed in place, make a new one of them: "
                "csr_matrix((X.data, X.indices, X.indptr), X.shape).")
        if n_columns > 2**31 - 1:
            raise ValueError(f"time steps times features must stay below 2**31, X has {n_columns}")
        if n_steps < 1 or n_columns % n_steps != 0:
            raise ValueError(f"{n_columns} columns are no whole number of features at each of {n_steps} time steps")
        cdef const float[::1] values = data
        cdef const int32_t[::1] columns = indices
        cdef const int64_t[::1] rows = indptr
        n_features = n_columns // n_steps
        most = 0
        if n_steps > 1 and n_samples > 0:
            most = n_steps * min(n_features, n_stored.max())
        self.arrays = SampleArrays(n_samples, n_steps, n_features, NULL, NULL, most, NULL, &values[0], &columns[0], &rows[0])
        self.borrowed = [data, indices, indptr]

    cdef int borrow_lengths(self, lengths, starts) except -1:
        cdef SampleArrays *arrays = &self.arrays
        cdef const int64_t[::1] steps = lengths
        cdef const int64_t[::1] first
        n_samples, n_steps, n_features = arrays.n_samples, arrays.n_steps, arrays.n_features
        if starts is not None:
            # The vectors stand in one sample, as many as there are.
            n_samples, n_steps = len(starts), int(lengths.max())
            if (arrays.dense == NULL or arrays.n_samples != 1 or starts.min() < 0
                    or (starts + lengths).max() > arrays.n_steps):
                raise ValueError("starts do not fit X")
            first = starts
            arrays.starts = &first[0]
            arrays.n_samples, arrays.n_steps = n_samples, n_steps
        if len(lengths) != n_samples or not ((lengths >= 1) & (lengths <= n_steps)).all():
            raise ValueError("lengths do not fit X")
        if arrays.dense == NULL:
            _, indices, indptr = self.borrowed
            stored = np.diff(indptr) > 0
            if stored.any() and (np.maximum.reduceat(indices[:indptr[n_samples]], indptr[:n_samples][stored])
                                 >= (lengths * n_features)[stored]).any():
                raise ValueError("X has values behind the end of a sample")
        arrays.lengths = &steps[0]
        self.borrowed += [lengths, starts]

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

"""The owner of X: a dense array or a sparse matrix, checked."""
import numpy as np

from libc.stdint cimport int32_t, int64_t

from .network cimport within


def rows_in_order(indptr, indices):
    """Whether the indices of each row of a CSR matrix ascend, none twice. Looks at the indices:
    scipy remembers an answer that was right before they were changed.

    Raises ValueError where `indptr` does not fit the indices.
    """
    cdef const int64_t[::1] rows = np.array(indptr, np.int64)
    cdef const int32_t[:] short_indices
    cdef const int64_t[:] long_indices
    if not indices.flags.aligned:
        indices = indices.copy()
    check_rows(rows, indices.shape[0])
    if indices.itemsize == sizeof(int32_t):
        short_indices = indices
        return rows_ascend(rows, short_indices)
    long_indices = indices
    return rows_ascend(rows, long_indices)


ctypedef fused index_t:
    int32_t
    int64_t


cdef bint rows_ascend(const int64_t[::1] rows, const index_t[:] indices) noexcept nogil:
    cdef Py_ssize_t row, k
    cdef bint disorder = False
    for row in range(rows.shape[0] - 1):
        for k in range(rows[row] + 1, rows[row + 1]):
            disorder |= indices[k] <= indices[k - 1]
    return not disorder


cdef bint indices_copy(const index_t[:] indices, Py_ssize_t n, int32_t[::1] copy) noexcept nogil:
    """Copies indices, and returns whether all are from 0 to n - 1."""
    cdef Py_ssize_t k
    cdef index_t index
    cdef bint outside = False
    for k in range(indices.shape[0]):
        index = indices[k]
        copy[k] = <int32_t> index
        outside |= not 0 <= index < n
    return not outside


cdef int check_rows(const int64_t[::1] rows, Py_ssize_t n_stored) except -1:
    """Raises ValueError where rows do not follow each other, or need more than n_stored indices."""
    cdef Py_ssize_t row
    cdef bint invalid = rows.shape[0] < 1 or rows[0] != 0 or rows[rows.shape[0] - 1] > n_stored
    for row in range(rows.shape[0] - 1):
        invalid |= rows[row] > rows[row + 1]
    if invalid:
        refuse()
    return 0


def refuse():
    raise ValueError(
        "X is no valid CSR matrix. If its arrays were changed in place, make a new one of them: "
        "csr_matrix((X.data, X.indices, X.indptr), X.shape).")


cdef class Samples:
    """The samples of X.

    Parameters
    ----------
    X : ndarray of float32, shape (n_samples, 1, n_features), or (n_samples, n_time_steps, n_features) for streams; or a \
sparse matrix of float32 in CSR format, shape (n_samples, n_steps * n_features)
        Of a sparse matrix each row's indices must ascend (`sort_indices`), none twice
        (`sum_duplicates`). They are copied, as the core goes where they say: another thread may
        change them. Those of streams are looked at as they are used, so that data many times as
        large as a sample are not copied.
    n_steps : int
        Of a sparse matrix: the time steps of the longest sample, step after step in its columns. 1
        is static.
    lengths : ndarray of int64, shape (n_samples,), or None
        Time steps of each sample of a stream, at least 1; None: all of them.
    starts : ndarray of int64, shape (n_samples,), or None
        Of dense streams: the first vector of each sample among all vectors of X, in order. None:
        n_time_steps apart.
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
        # One entry at least: the first one's address is taken. A user's arrays may be columns of
        # others.
        given, stored = X.data, X.indices
        data = np.require(given if len(given) else np.zeros(1), np.float32, "CA")
        stored = stored if stored.flags.aligned else stored.copy()
        indptr = np.array(X.indptr, np.int64)
        n_samples, n_columns = X.shape
        if n_columns > 2**31 - 1:
            raise ValueError(f"time steps times features must stay below 2**31, X has {n_columns}")
        if n_steps < 1 or n_columns % n_steps != 0:
            raise ValueError(f"{n_columns} columns are no whole number of features at each of {n_steps} time steps")
        borrowed = n_steps > 1 and stored.itemsize == sizeof(int32_t) and stored.flags.c_contiguous and len(stored) > 0
        indices = stored if borrowed else np.zeros(max(1, len(stored)), np.int32)
        cdef const float[::1] values = data
        cdef const int32_t[::1] columns = indices
        cdef const int64_t[::1] rows = indptr
        cdef const int32_t[:] short_indices
        cdef const int64_t[:] long_indices
        cdef bint inside
        if borrowed:
            inside = within(stored, n_columns)
        elif stored.itemsize == sizeof(int32_t):
            short_indices = stored
            inside = indices_copy[int32_t](short_indices, n_columns, indices)
        else:
            long_indices = stored
            inside = indices_copy[int64_t](long_indices, n_columns, indices)
        check_rows(rows, len(given))
        if (not inside or len(indptr) != n_samples + 1 or len(given) != len(stored)
                or not rows_ascend[int32_t](rows, columns)):
            refuse()
        n_features = n_columns // n_steps
        most = 0
        if n_steps > 1 and n_samples > 0:
            most = n_steps * min(n_features, np.diff(indptr).max())
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

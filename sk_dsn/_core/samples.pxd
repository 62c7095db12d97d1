from .encoder cimport SampleArrays


cdef class Samples:
    """X as the core reads it; keeps its arrays alive."""
    cdef SampleArrays arrays
    cdef list borrowed
    cdef int borrow_dense(self, X) except -1
    cdef int borrow_sparse(self, X, Py_ssize_t n_steps) except -1
    cdef int borrow_lengths(self, lengths, starts) except -1

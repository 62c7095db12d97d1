from ..stream cimport Stream
from .recurrent_network cimport RecurrentNetwork


cdef class RecurrentStream(Stream):
    cdef RecurrentNetwork network
    cdef float *frame           # (n_features,): the input of a step; zeros between steps
    cdef Py_ssize_t n_state     # numbers in the state of the network
    cdef float *state_before
    cdef float *state_marked

    cdef int frame_run(self, const float *x) noexcept nogil

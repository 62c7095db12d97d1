from libc.stdint cimport int64_t

from ..encoder cimport SampleArrays
from .recurrent_network cimport RecurrentNet


cdef int check_sequences(const RecurrentNet *net, const SampleArrays *samples, lengths) except -1


cdef inline int sequence_length(const SampleArrays *samples, const int64_t *lengths, Py_ssize_t sample) noexcept nogil:
    """Time steps of a sample; lengths: NULL, or one a sample."""
    return <int> (samples.n_steps if lengths == NULL else lengths[sample])

from ..encoder cimport SampleArrays, sample_frames
from .recurrent_network cimport RecurrentNet


cdef int check_sequences(const RecurrentNet *net, const SampleArrays *samples) except -1

cdef const float *sequence_frames(const SampleArrays *samples, Py_ssize_t sample, float *room) noexcept nogil

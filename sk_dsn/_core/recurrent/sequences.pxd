from ..encoder cimport SampleArrays
from .recurrent_network cimport RecurrentNet


cdef int check_sequences(const RecurrentNet *net, const SampleArrays *samples) except -1

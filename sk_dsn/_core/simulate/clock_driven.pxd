from ..encoder cimport Stimulus
from ..network cimport Net


cdef int clock_step(Net *net, const Stimulus *stimulus, int t) noexcept nogil

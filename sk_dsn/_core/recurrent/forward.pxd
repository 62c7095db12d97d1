from .network cimport RecurrentLayer, RecurrentNet


cdef void sequence_begin(RecurrentNet *net) noexcept nogil
cdef int sequence_step(RecurrentNet *net, const float *x, int t) noexcept nogil
cdef double step_work(const RecurrentNet *net) noexcept nogil

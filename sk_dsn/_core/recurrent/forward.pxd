from .recurrent_network cimport RecurrentNet, Tape


cdef void sequence_begin(RecurrentNet *net) noexcept nogil
cdef int sequence_run(RecurrentNet *net, Tape *tape, const float *x, int n) noexcept nogil
cdef int output_step(RecurrentNet *net, const Tape *tape, int k, int t) noexcept nogil
cdef bint output_is_forgotten(const RecurrentNet *net) noexcept nogil

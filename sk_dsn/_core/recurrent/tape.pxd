from ..kernels.arena cimport Arena
from .recurrent_network cimport RecurrentNet, Tape


cdef void tape_layout(Tape *tape, const RecurrentNet *net, bint dropout, Arena *arena) noexcept nogil
cdef void layer_rewind(const Tape *tape, RecurrentNet *net, int l, int k) noexcept nogil
cdef void layer_record(Tape *tape, RecurrentNet *net, int l, int k) noexcept nogil

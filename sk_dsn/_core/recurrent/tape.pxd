from ..kernels.arena cimport Arena
from .recurrent_network cimport LayerTape, RecurrentLayer, RecurrentNet, StepSpikes, Tape


cdef void tape_layout(Tape *tape, const RecurrentNet *net, bint dropout, Arena *arena) noexcept nogil
cdef void list_continue(StepSpikes *spikes, int k) noexcept nogil
cdef void spikes_mask(const RecurrentLayer *layer, LayerTape *recorded, int k) noexcept nogil

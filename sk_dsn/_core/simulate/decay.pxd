from ..network cimport Layer, Net


cdef void decay_begin(Net *net) noexcept nogil
cdef void bias_trace_step(Net *net) noexcept nogil
cdef void layer_decay(const Net *net, Layer *layer) noexcept nogil
cdef void layers_decay(Net *net) noexcept nogil
cdef void dropped_sink(Layer *layer) noexcept nogil

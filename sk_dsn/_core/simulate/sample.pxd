from ..encoder cimport SampleArrays
from ..network cimport Layer, Net


cdef void sample_begin(Net *net) noexcept nogil
cdef void input_sum_refresh(Layer *layer) noexcept nogil
cdef int layer_not_finite(const Net *net) noexcept nogil
cdef int input_check(const Net *net, const SampleArrays *samples) except -1

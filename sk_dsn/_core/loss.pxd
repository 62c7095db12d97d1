from .network cimport Net
from .settings cimport Loss


cdef double output_error(const Net *net, Loss loss, const float *target, float *error) noexcept nogil

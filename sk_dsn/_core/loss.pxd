from .network cimport Net
from .settings cimport Loss


cdef double output_error(const Net *net, Loss loss, const float *target, int t, float *error) noexcept nogil

from .network cimport Network


cdef int counting_run(Network network, const float *x, float t) noexcept nogil

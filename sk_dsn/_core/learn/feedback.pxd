from .learner cimport Learning


cdef int errors_fire(Learning *learning) noexcept nogil
cdef int errors_send(Learning *learning, double eta) noexcept nogil

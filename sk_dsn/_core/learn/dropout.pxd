from libc.stdint cimport uint64_t

from .learner cimport Learning


cdef void dropout_draw(Learning *learning, uint64_t key) noexcept nogil

from ..encoder cimport Stimulus
from .learner cimport Learning


cdef int clock_learn_step(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil
cdef int clock_feedback(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil
cdef void clock_end(Learning *learning, double eta) noexcept nogil

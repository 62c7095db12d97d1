from ..encoder cimport Stimulus
from .learner cimport Learning


cdef int depth_learn_step(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil
cdef int depth_feedback(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil

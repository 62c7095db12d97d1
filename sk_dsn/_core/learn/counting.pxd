from ..encoder cimport Stimulus
from .learner cimport Learning


cdef int counting_learn(Learning *learning, const Stimulus *stimulus, double eta, double *loss) noexcept nogil

from .learner cimport RecurrentLearning


cdef int errors_go_back(RecurrentLearning *learning, int n_steps) noexcept nogil
cdef void gradients_add(RecurrentLearning *learning, int n_steps) noexcept nogil

from .learner cimport RecurrentLearning


cdef void parameters_transpose(RecurrentLearning *learning) noexcept nogil
cdef bint batch_apply(RecurrentLearning *learning, Py_ssize_t n_samples, double rate) noexcept nogil
cdef bint weights_are_finite(const RecurrentLearning *learning) noexcept nogil

from .kernels.kernels cimport Kernels
from .network cimport Net
from .settings cimport Loss


cdef double output_error(const Net *net, Loss loss, const float *target, float *error) noexcept nogil
cdef double loss_gradient(const Kernels *kernels, Loss loss, const float *sum, Py_ssize_t n, float divisor,
                          const float *target, float *error) noexcept nogil

from .kernels cimport Kernels


cdef const Kernels *kernels_find(str name) except NULL

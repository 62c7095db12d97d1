from ..encoder cimport Stimulus
from ..network cimport Layer, Net


cdef float *sample_sums(const Layer *layer, Py_ssize_t sample) noexcept nogil
cdef int counting_run(Net *net, const Stimulus *stimuli, Py_ssize_t n_samples, int t) noexcept nogil
cdef int layers_count(Net *net, Py_ssize_t n_samples, int t, double work) noexcept nogil

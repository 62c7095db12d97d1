from .network cimport Layer, Network
from .settings cimport Settings
from .stimulus cimport Stimulus

cdef float *sample_sums(const Layer *layer, Py_ssize_t sample) noexcept nogil
cdef int counting_run(Network network, const Settings *settings, const Stimulus *stimuli, Py_ssize_t n_samples,
                      int t) noexcept nogil

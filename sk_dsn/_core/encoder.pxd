"""Input encoding: samples become stimuli, and stimuli become the spikes of signed quantisers.

A stimulus is a static vector, the same at every time step, or a stream of one vector a step.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from .network cimport Net


# The samples of X: dense frames of n_features, or the three arrays of a CSR matrix (n_samples,
# n_steps * n_features).
cdef struct SampleArrays:
    Py_ssize_t n_samples
    Py_ssize_t n_steps          # of the longest sample; 1: static
    Py_ssize_t n_features
    const int64_t *lengths      # time steps of each sample; NULL: n_steps
    const int64_t *starts       # the first frame of each sample; NULL: sample * n_steps
    Py_ssize_t most_frames      # numbers in the frames of a sparse stream, at most
    const float *dense          # NULL: sparse
    const float *data
    const int32_t *indices
    const int64_t *indptr


cdef struct Stimulus:
    Py_ssize_t n                # values of a vector
    const float *x              # the first vector
    const int32_t *unit         # the units of its values, ascending; NULL: units 0 … n - 1
    Py_ssize_t step             # floats from one time step's vector to the next; 0 for a static vector


cdef inline Py_ssize_t sample_length(const SampleArrays *samples, Py_ssize_t sample) noexcept nogil:
    """Time steps of a sample of a stream."""
    return samples.n_steps if samples.lengths == NULL else samples.lengths[sample]


cdef inline const float *sample_frames(const SampleArrays *samples, Py_ssize_t sample) noexcept nogil:
    """The first vector of a dense sample."""
    cdef Py_ssize_t start = sample * samples.n_steps if samples.starts == NULL else samples.starts[sample]
    return samples.dense + start * samples.n_features


cdef inline const float *stimulus_at(const Stimulus *stimulus, int t) noexcept nogil:
    """The vector of time step t = 1, 2, …"""
    return stimulus.x + (t - 1) * stimulus.step


cdef void stimulus_sum(const Stimulus *stimulus, int t, float *total) noexcept nogil

cdef void sample_fetch(const SampleArrays *samples, Py_ssize_t sample) noexcept nogil
cdef void sample_present(const SampleArrays *samples, Py_ssize_t sample, Net *net, bint condense,
                         Stimulus *stimulus) noexcept nogil
cdef void stimulus_blur(Stimulus *stimulus, const SampleArrays *samples, float *room, Net *net, double deviation,
                        uint64_t key) noexcept nogil
cdef void stimulus_drop(Stimulus *stimulus, const SampleArrays *samples, float *room, Net *net, double dropout,
                        uint64_t key) noexcept nogil

cdef int input_count(Net *net, const Stimulus *stimulus, Py_ssize_t sample, int t) noexcept nogil
cdef int frames_sum(Net *net, const Stimulus *stimulus, int first, int end) noexcept nogil
cdef void input_integrate(Net *net, const Stimulus *stimulus, int t) noexcept nogil

"""The sequences that a recurrent network takes."""
import numpy as np

from libc.stdint cimport uint32_t
from libc.string cimport memset

from ..encoder cimport sample_length


cdef int check_sequences(const RecurrentNet *net, const SampleArrays *samples) except -1:
    """Raises ValueError where the samples do not fit."""
    if samples.n_features != net.layers[0].n_units:
        raise ValueError(f"X must hold sequences of {net.layers[0].n_units} features")
    return 0


def sequence_room(Py_ssize_t n_steps, Py_ssize_t n_features):
    """Room for the vectors of one sequence."""
    return np.empty(max(1, n_steps * n_features), np.float32)


cdef const float *sequence_frames(const SampleArrays *samples, Py_ssize_t sample, float *room) noexcept nogil:
    """The vectors of a sequence. Those of a sparse one are written to `room`.

    The indices are borrowed: where another thread changes them, values are wrong, but no place is
    outside the room.
    """
    cdef Py_ssize_t size = sample_length(samples, sample) * samples.n_features, k, place
    if samples.dense != NULL:
        return sample_frames(samples, sample)
    memset(room, 0, size * sizeof(float))
    for k in range(samples.indptr[sample], samples.indptr[sample + 1]):
        place = <uint32_t> samples.indices[k]
        if place < size:
            room[place] = samples.data[k]
    return room

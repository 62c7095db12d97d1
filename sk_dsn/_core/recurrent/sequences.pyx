"""The sequences that a recurrent network takes."""


cdef int check_sequences(const RecurrentNet *net, const SampleArrays *samples) except -1:
    """Raises ValueError where the samples do not fit."""
    if samples.dense == NULL or samples.n_features != net.layers[0].n_units:
        raise ValueError(f"X must hold dense sequences of {net.layers[0].n_units} features")
    return 0

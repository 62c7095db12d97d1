"""Sequences of X, which may end before its last time step."""


cdef int check_sequences(const RecurrentNet *net, const SampleArrays *samples, lengths) except -1:
    """Raises ValueError where the samples, or the lengths of all of them, do not fit."""
    if samples.dense == NULL or samples.n_features != net.layers[0].n_units:
        raise ValueError(f"X must hold dense sequences of {net.layers[0].n_units} features")
    if lengths is not None:
        if lengths.shape[0] != samples.n_samples:
            raise ValueError("lengths does not fit X")
        if samples.n_samples and not 1 <= lengths.min() <= lengths.max() <= samples.n_steps:
            raise ValueError(f"lengths must be from 1 to {samples.n_steps}")
    return 0

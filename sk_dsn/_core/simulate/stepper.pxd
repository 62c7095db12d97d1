"""A time-stepped simulation is a table of functions. It knows nothing of learning, which calls
it."""
from ..encoder cimport Stimulus
from ..network cimport Net
from ..settings cimport Simulation


cdef struct Stepper:
    # Forgets the last sample.
    void (*begin)(Net *net) noexcept nogil
    # Runs time step t. Leaves the output so far in the last layer's input_sum. Returns -1, or the
    # layer that failed.
    int (*step)(Net *net, const Stimulus *stimulus, int t) noexcept nogil


cdef Stepper stepper_of(Simulation simulation) noexcept nogil

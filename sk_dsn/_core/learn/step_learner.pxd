"""Learning by a time-stepped simulation is a table of functions, beside that of the simulation."""
from ..encoder cimport Stimulus
from ..settings cimport Simulation
from .learner cimport Learning


cdef struct StepLearner:
    # Runs time step t, with all that learning does before its end. Returns -1, or the layer that
    # failed.
    int (*step)(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil
    # Sends errors down: of time step t or, with feedback once a sample, of the sample. The output's
    # error is there.
    int (*feedback)(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil
    # Changes the weights by all that the sample has left to learn.
    void (*end)(Learning *learning, double eta) noexcept nogil


cdef int stepped_learn(Learning *learning, const StepLearner *learner, const Stimulus *stimulus, double eta,
                       double *loss) noexcept nogil
cdef StepLearner step_learner_of(Simulation simulation) noexcept nogil

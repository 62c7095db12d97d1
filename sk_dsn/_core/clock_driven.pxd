from .network cimport Network
from .settings cimport Settings
from .stimulus cimport Stimulus


cdef int clock_step(Network network, const Settings *settings, const Stimulus *stimulus, int t) noexcept nogil
cdef int clock_feedback(Network network, const Settings *settings, const Stimulus *stimulus, double eta,
                        int t) noexcept nogil

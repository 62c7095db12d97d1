from .network cimport Network
from .settings cimport Settings
from .stimulus cimport Stimulus


cdef int event_step(Network network, const Settings *settings, const Stimulus *stimulus, double eta, int t) noexcept nogil
cdef int event_feedback(Network network, const Settings *settings, const Stimulus *stimulus, double eta,
                        int t) noexcept nogil

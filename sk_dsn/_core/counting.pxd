from .network cimport Network
from .settings cimport Settings
from .stimulus cimport Stimulus


cdef int counting_run(Network network, const Settings *settings, const Stimulus *stimulus, int t) noexcept nogil

"""Pending signals, which long work without the GIL must look at."""
from cpython.exc cimport PyErr_CheckSignals

# Additions between two looks: a few milliseconds.
cdef enum:
    WORK_BETWEEN_SIGNALS = 10_000_000


cdef inline int signals_poll(double *work) except -1 nogil:
    """Raises KeyboardInterrupt, or whatever a handler raises, once enough `work` (additions) has been done since the last
    look."""
    if work[0] > WORK_BETWEEN_SIGNALS:
        work[0] = 0.0
        with gil:
            PyErr_CheckSignals()
    return 0

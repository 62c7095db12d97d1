"""Looking for pending signals without the GIL."""
from cpython.exc cimport PyErr_SetNone

from .network cimport Net

cdef extern from "Python.h":
    # The exception that a handler raises stays set until the GIL is back, so Cython must not look
    # for it here.
    int check_signals "PyErr_CheckSignals"() noexcept


cdef int signals_look(Net *net) noexcept nogil:
    """Returns -1, or INTERRUPTED where a handler has raised, or where another thread has stopped
    this network."""
    net.work = 0.0
    return signals_check(net.stopped)


cdef int signals_check(bint stopped) noexcept nogil:
    """As `signals_look`, of a network that has been `stopped` or not."""
    with gil:
        if stopped:
            PyErr_SetNone(KeyboardInterrupt)
            return INTERRUPTED
        return INTERRUPTED if check_signals() < 0 else -1


cdef int interruption_raise() except -1:
    """Raises the exception that is set."""
    return -1

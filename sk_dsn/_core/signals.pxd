"""Pending signals, which long work without the GIL must look at, within a sample too.

Work counts its additions in `Net.work`. A look is cheap, but it takes the GIL, so it comes every
few milliseconds.
"""
from libc.limits cimport INT_MAX

from .network cimport Net

cdef enum:
    WORK_BETWEEN_SIGNALS = 10_000_000   # additions
    # A time step, or an error spike, costs as much as so many additions before it has added
    # anything.
    LEAST_WORK = 100
    # Returned in place of a layer that failed: an exception is set, and the caller with the GIL
    # passes it on.
    INTERRUPTED = INT_MAX


cdef int signals_look(Net *net) noexcept nogil
cdef int signals_check(bint stopped) noexcept nogil
cdef int interruption_raise() except -1


cdef inline int work_done(Net *net, double additions) noexcept nogil:
    """Counts work, and looks for signals where enough has been done since the last look. Returns -1
    or INTERRUPTED."""
    net.work += additions
    return -1 if net.work <= WORK_BETWEEN_SIGNALS else signals_look(net)


cdef inline Py_ssize_t rows_between_looks(Py_ssize_t n, Py_ssize_t width) noexcept nogil:
    """How many of n rows to add before the next look."""
    return n if n == 1 or n * <double> width <= WORK_BETWEEN_SIGNALS else max(1, WORK_BETWEEN_SIGNALS // width)

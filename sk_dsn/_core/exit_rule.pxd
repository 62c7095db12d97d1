"""When a sample ends before its last time step."""
from libc.math cimport INFINITY


cdef struct ExitRule:
    bint exits                  # whether it may
    double margin               # it does once the outputs are this far apart
    bint independent            # each output from the threshold, not the largest from the second largest
    float threshold


cdef inline bint outputs_decided(const float *answer, Py_ssize_t n, const ExitRule *rule) noexcept nogil:
    """Whether the outputs of an answer are far enough apart to end the sample."""
    cdef float largest = -INFINITY, second = -INFINITY, nearest = INFINITY, value
    cdef Py_ssize_t j
    for j in range(n):
        value = answer[j]
        nearest = min(nearest, <float> abs(value - rule.threshold))
        second = max(second, min(largest, value))
        largest = max(largest, value)
    return (nearest if rule.independent else largest - second) >= rule.margin

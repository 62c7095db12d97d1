"""The table of each time-stepped simulation."""
from ..settings cimport CLOCK_DRIVEN, EVENT_DRIVEN
from .clock_driven cimport clock_step
from .event_driven cimport breadth_step, depth_step
from .sample cimport sample_begin


cdef Stepper stepper_of(Simulation simulation) noexcept nogil:
    if simulation == CLOCK_DRIVEN:
        return Stepper(sample_begin, clock_step)
    if simulation == EVENT_DRIVEN:
        return Stepper(sample_begin, breadth_step)
    return Stepper(sample_begin, depth_step)

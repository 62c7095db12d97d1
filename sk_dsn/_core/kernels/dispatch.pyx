"""The choice of instruction set, at run time."""
import os

from .kernels cimport Kernels, kernels_available


def instruction_sets():
    """Names of the instruction sets that this machine can run, best first; all give the same
    bits."""
    names = []
    cdef const Kernels *const *available = kernels_available()
    while available[0] != NULL:
        names.append(available[0].name.decode())
        available += 1
    return names


DEFAULT_INSTRUCTION_SET = os.environ.get("SK_DSN_INSTRUCTION_SET") or instruction_sets()[0]


cdef const Kernels *kernels_find(str name) except NULL:
    """The kernels of an instruction set; None is the best, or the one that SK_DSN_INSTRUCTION_SET
    named at import.

    Raises ValueError where this machine does not have it.
    """
    cdef const Kernels *const *available = kernels_available()
    name = name or DEFAULT_INSTRUCTION_SET
    while available[0] != NULL:
        if available[0].name.decode() == name:
            return available[0]
        available += 1
    raise ValueError(f"instruction set {name!r} is not available here; choose from {instruction_sets()}")

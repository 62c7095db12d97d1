"""Fitted networks outside of Python: C for microcontrollers, and integers that learn."""
from .c import CNetwork, to_c
from .integer import IntegerNetwork

__all__ = ["CNetwork", "IntegerNetwork", "to_c"]

"""Fitted networks outside of Python: C for microcontrollers, integers that learn, and NIR."""
from .c import CNetwork, to_c
from .integer import IntegerNetwork
from .learning import CLearner
from .nir import from_nir, nir_input, to_nir

__all__ = ["CLearner", "CNetwork", "IntegerNetwork", "from_nir", "nir_input", "to_c", "to_nir"]

"""Networks out of Python: C for microcontrollers."""
from .c import CNetwork, to_c

__all__ = ["CNetwork", "to_c"]

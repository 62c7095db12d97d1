"""Fitted networks outside of Python's float32: integers that learn."""
from .integer import IntegerNetwork

__all__ = ["IntegerNetwork"]

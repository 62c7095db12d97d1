"""Recordings of event cameras and other sensors that report changes.

A recording is a structured array, an event a record of a time, a pixel and a polarity. Estimators
take sequences of recordings through `EventFrames`, in a pipeline.
"""
from ._files import read
from ._frames import EventFrames

__all__ = ["EventFrames", "read"]

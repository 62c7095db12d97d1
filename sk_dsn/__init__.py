"""Deep Spiking Networks (O'Connor & Welling 2016) as scikit-learn estimators."""
from importlib.metadata import version

from ._classifier import SpikingMLPClassifier

__all__ = ["SpikingMLPClassifier"]
__version__ = version("sk-dsn")

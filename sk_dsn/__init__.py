"""Deep Spiking Networks (O'Connor & Welling 2016) as scikit-learn estimators."""
from importlib.metadata import version

from ._classifier import SpikingMLPClassifier
from ._regressor import SpikingMLPRegressor
from ._settings import PAPER_SETTINGS

__all__ = ["PAPER_SETTINGS", "SpikingMLPClassifier", "SpikingMLPRegressor"]
__version__ = version("sk-dsn")

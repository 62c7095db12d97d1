"""Deep Spiking Networks (O'Connor & Welling 2016) as scikit-learn estimators."""
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from ._classifier import SpikingMLPClassifier
from ._learning_rule import SpikingBackprop
from ._parameters import PAPER_SETTINGS
from ._regressor import SpikingMLPRegressor
from ._rnn import SpikingRNNClassifier, SpikingRNNRegressor

if TYPE_CHECKING:
    from . import conversion, metrics, plotting, quantization, streams

__all__ = [
    "PAPER_SETTINGS",
    "SpikingBackprop",
    "SpikingMLPClassifier",
    "SpikingMLPRegressor",
    "SpikingRNNClassifier",
    "SpikingRNNRegressor",
    "conversion",
    "events",
    "export",
    "metrics",
    "plotting",
    "quantization",
    "streams",
]
__version__ = version("sk-dsn")

# They are imported when they are asked for, so that importing the package takes no longer.
_MODULES = {"conversion", "events", "export", "metrics", "plotting", "quantization", "streams"}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

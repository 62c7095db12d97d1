"""Scalers before a network, as shifts and offsets of its input.

An input unit fires when its potential passes a threshold, so a scaler cannot become weights: the
potentials themselves must stay whole numbers. That is so where scales are powers of two and offsets
multiples of the input grid; there the C shifts and adds, and its sums are those of the Pipeline.
"""
from typing import NamedTuple

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..streams import StreamScaler

REMEDY = "Export the network alone, the last step of the Pipeline, and scale features before they reach the C."


class Scaling(NamedTuple):
    """The scaled feature is x * scale + offset."""

    names: str
    scale: np.ndarray  # of each feature
    offset: np.ndarray
    ranges: list  # (lowest, highest) that scalers clip to

    def on_grid(self, input_step, low, high):
        """The whole number that stands for a feature of 1, and of each feature the bits by which
        its whole numbers are shifted, and the offset in input steps."""
        for range_ in self.ranges:
            if range_[0] > low or range_[1] < high:
                raise ValueError(
                    f"{self.names} clips features to {range_}, which input_range=({low:g}, {high:g}) exceeds; pass "
                    "the clipped range to quantize."
                )
        mantissas, exponents = np.frexp(self.scale)
        self._refuse_where(mantissas != 0.5, self.scale, "scales", "and the C multiplies by powers of two alone")
        offsets = self.offset / input_step
        whole = np.rint(offsets)
        self._refuse_where(
            (whole != offsets) | (np.abs(whole) >= 2**24), self.offset, "shifts", f"no multiple of input_step={input_step:g}"
        )
        one = float(self.scale.min()) / input_step
        if one < 1 or one != round(one):
            raise ValueError(
                f"{self.names} scales a feature by {self.scale.min():g}, so that a feature of 1 is less than "
                f"input_step={input_step:g}; pass a smaller input_step to quantize."
            )
        return round(one), (exponents - exponents.min()).astype(np.int64), whole.astype(np.int64)

    def _refuse_where(self, wrong, values, verb, reason):
        if wrong.any():
            k = int(np.argmax(wrong))
            raise ValueError(f"{self.names} {verb} feature {k} by {values[k]:g}, {reason}. {REMEDY}")


def scaling_of(estimator):
    """The Scaling of a fitted Pipeline that ends with a network, or None where nothing is scaled.

    Raises ValueError at a step that is no scaler.
    """
    steps = _transformers(estimator)
    if not steps:
        return None
    scale, offset, ranges = 1.0, 0.0, []
    for name, step in steps:
        a, b = _affine(name, step)
        scale, offset = scale * a, offset * a + b
        if isinstance(step, MinMaxScaler) and step.clip:
            if len(steps) > 1:
                raise ValueError(f"{name}=MinMaxScaler(clip=True) can be exported as the only scaler; set clip=False.")
            ranges.append(tuple(step.feature_range))
    return Scaling(" and ".join(f"{name}={type(step).__name__}" for name, step in steps), scale, offset, ranges)


def _transformers(estimator):
    """The named steps before the network."""
    steps = []
    while isinstance(estimator, (Pipeline, FrozenEstimator)):
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        else:
            steps += [(name, step) for name, step in estimator.steps[:-1] if _transforms(step)]
            estimator = estimator.steps[-1][1]
    return [(name, _thawed(step)) for name, step in steps]


def _transforms(step):
    return step is not None and step != "passthrough" and not hasattr(step, "fit_resample")


def _thawed(step):
    return step.estimator if isinstance(step, FrozenEstimator) else step


def _affine(name, step):
    """Factor and offset of each feature."""
    if type(step) not in (StandardScaler, MinMaxScaler, StreamScaler):
        raise ValueError(
            f"The step {name!r} of the Pipeline, a {type(step).__name__}, cannot become C; only StandardScaler, "
            f"MinMaxScaler and StreamScaler can. {REMEDY}"
        )
    check_is_fitted(step)
    if isinstance(step, MinMaxScaler):
        return step.scale_, step.min_
    divisor = step.scale_ if step.with_std else np.ones(step.n_features_in_)
    mean = step.mean_ if step.with_mean else np.zeros(step.n_features_in_)
    return 1 / divisor, -mean / divisor

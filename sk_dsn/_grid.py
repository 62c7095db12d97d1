"""Fixed-point grids: weights and input as multiples of powers of two.

The grid of a quantised estimator, `grid_`, is a dict of plain values:

- `bits`, `steps`: of each layer the bits of its weights, and the power of two whose multiples its
  weights and biases are. A recurrent layer's two matrices share both; its biases are multiples of
  step times threshold. A weight of b bits is at most 2**(b - 1) - 1 steps; biases have no limit.
- `input_step`, `input_range`: X is rounded to multiples of this power of two, between the two ends,
  which are multiples, too (None: everywhere).
"""
import math
from numbers import Integral, Real

import numpy as np

from ._core.network import padded_copy
from ._inputs import check_finite
from ._sequences import Sequences, SparseStreams

FEWEST_BITS, MOST_BITS = 2, 16
# Steps from the largest weight downwards that are tried: finer ones would cut off most weights.
STEPS_TRIED = 6
# By default the input is rounded to 1/256, or less: an eighth of a spike over all time steps.
INPUT_STEP, SHARE_OF_SPIKE = 2.0**-8, 8


def grid_coefs(arrays, bits):
    """Arrays on the power-of-two grid of so many bits that loses least, and its step.

    The loss is the sum of squared changes, those of a row times its squared norm: rows of units
    that are often active have learned large weights, and there errors count. Weights beyond the
    largest multiple become that.
    """
    largest = 2 ** (bits - 1) - 1
    top = max((float(np.abs(w).max(initial=0)) for w in arrays), default=0.0)
    if top == 0:
        return arrays, 0.5
    # A step of 1/2 at most: the threshold, 1/2, is a multiple of it.
    highest = min(-1, math.ceil(math.log2(top / largest)))
    norms = [np.square(w, dtype=np.float64).sum(axis=1, keepdims=True) for w in arrays]
    best = None
    for exponent in range(highest, highest - STEPS_TRIED, -1):
        step = 2.0**exponent
        rounded = [np.clip(np.rint(w / np.float64(step)), -largest, largest) * step for w in arrays]
        loss = sum(float((n * np.square(r - w)).sum()) for n, r, w in zip(norms, rounded, arrays, strict=True))
        if best is None or loss < best[0]:
            best = loss, rounded, step
    return best[1:]


def quantized_state(estimator, bits, input_step, input_range):
    """The attributes of a fitted estimator that its copy on a grid has, as `quantize` documents."""
    n_layers = len(estimator.coefs_)
    bits = _checked_bits(bits, n_layers)
    threshold = getattr(estimator, "threshold", 1.0)
    n_time_steps = getattr(estimator, "n_time_steps", 1)
    recurrent = [*getattr(estimator, "recurrent_coefs_", [])]
    recurrent += [None] * (n_layers - len(recurrent))
    coefs, recurrent_coefs, intercepts, steps = [], [], [], []
    for k, (w, r, b) in enumerate(zip(estimator.coefs_, recurrent, estimator.intercepts_, strict=True)):
        (w, *r), step = grid_coefs([w] if r is None else [w, r], bits[k])
        coefs.append(padded_copy(np.asarray(w, dtype=np.float32)))
        recurrent_coefs += [padded_copy(np.asarray(a, dtype=np.float32)) for a in r]
        b = np.rint(b / np.float64(step * threshold)) * step * threshold
        intercepts.append(padded_copy(b[np.newaxis].astype(np.float32))[0])
        steps.append(step)
    state = {"coefs_": coefs, "intercepts_": intercepts}
    if recurrent_coefs:
        state["recurrent_coefs_"] = recurrent_coefs
    state["grid_"] = {
        "bits": bits,
        "steps": steps,
        **_checked_input_grid(input_step, input_range, threshold / (SHARE_OF_SPIKE * n_time_steps)),
    }
    return state


def _checked_bits(bits, n_layers):
    """The bits of each layer, a list."""
    each = [bits] * n_layers if isinstance(bits, Integral) else bits
    valid = isinstance(each, (list, tuple, np.ndarray)) and len(each) == n_layers
    valid = valid and all(
        isinstance(b, Integral) and not isinstance(b, bool) and FEWEST_BITS <= b <= MOST_BITS for b in each
    )
    if not valid:
        raise ValueError(
            f"bits must be an integer from {FEWEST_BITS} to {MOST_BITS}, or a list of {n_layers} of them, one per layer "
            f"above the input; got {bits!r}."
        )
    return [int(b) for b in each]


def _checked_input_grid(step, input_range, finest):
    if step is None:
        step = min(INPUT_STEP, max(2.0**-24, 2.0 ** math.floor(math.log2(finest))))
    if not isinstance(step, Real) or not 2.0**-24 <= step <= 0.5 or math.frexp(step)[0] != 0.5:
        raise ValueError(f"input_step must be a power of two from 2**-24 to 1/2, got {step!r}.")
    step = float(step)
    if input_range is None:
        return {"input_step": step, "input_range": None}
    try:
        low, high = (float(end) for end in input_range)
    except (TypeError, ValueError):
        low = high = math.nan
    if not -(2.0**24) <= low < high <= 2.0**24 or not low <= 0 <= high:
        raise ValueError(
            "input_range must be None or a pair (lowest, highest) of values that features take, with 0 among them; got "
            f"{input_range!r}."
        )
    return {"input_step": step, "input_range": (math.floor(low / step) * step, math.ceil(high / step) * step)}


def round_input(estimator, X, grid):
    """Checked X on the grid, a copy. Raises ValueError where a value is not finite."""
    if isinstance(X, SparseStreams):
        return X.with_csr(_rounded_csr(estimator, X.csr, grid))
    if isinstance(X, Sequences):
        return Sequences(rounded_values(X.frames, grid), X.starts, X.lengths)
    if not isinstance(X, np.ndarray):
        return _rounded_csr(estimator, X, grid)
    if not np.isfinite(X).all():
        check_finite(estimator, X)
    return rounded_values(X, grid)


def rounded_values(values, grid):
    """Values on the input grid, a copy. Infinity becomes an end of the range."""
    values = np.rint(values * np.float32(1 / grid["input_step"]))
    values *= np.float32(grid["input_step"])
    if grid["input_range"] is not None:
        low, high = grid["input_range"]
        np.minimum(np.maximum(values, np.float32(low), out=values), np.float32(high), out=values)
    return values


def _rounded_csr(estimator, X, grid):
    if not np.isfinite(X.data).all():
        check_finite(estimator, X)
    X = X.copy()
    X.data = rounded_values(X.data, grid)
    return X

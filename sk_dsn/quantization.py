"""The quantisers of O'Connor & Welling (2016), Algorithms 1 to 3: from numbers to spikes."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_array

if TYPE_CHECKING:
    from ._typing import Array, ArrayLike, Int64Array

__all__ = ["EVENT", "event_counts", "quantize_stream", "quantize_vector", "rectify_stream"]

EVENT = np.dtype([("t", np.int32), ("unit", np.int32), ("sign", np.int8)])
"""A spike: its time step, counted from 1, the unit that sent it, and whether it counts 1 or -1."""

_SPIKE_LIMIT = 2**24


def quantize_vector(x: ArrayLike, n_time_steps: int) -> Array:
    """Quantise a vector into a train of signed spikes (spiking vector quantisation, Algorithm 1).

    At each of T time steps the vector joins the units' potentials, phi <- phi + x. Units past
    threshold fire and lose what they have fired, the one with the largest absolute potential first
    (of equals the lowest): ``+1`` while phi > 1/2, ``-1`` while phi <= -1/2.

    Parameters
    ----------
    x : array-like of shape (n_units,)
        The vector.
    n_time_steps : int
        How often it is added (the paper's T), at least 1.

    Returns
    -------
    events : structured ndarray of shape (n_events,)
        Spikes in order of emission, with fields ``t`` (1, …, `n_time_steps`), ``unit`` and ``sign``
        (1 or -1).

    Raises
    ------
    ValueError
        If `x` is not a vector of finite numbers, or means 2**24 spikes or more.

    See Also
    --------
    quantize_stream : The same for a vector that changes.
    event_counts : From events back to counts.

    Notes
    -----
    The mean of the signed spikes, counts / T, is within 1 / (2 T) of `x` in every component. The
    paper does not say what a potential of exactly -1/2 does; here it fires, so that net counts are
    ceil(T x - 1/2). Potentials are float64; those of the networks are float32.

    References
    ----------
    .. [1] P. O'Connor and M. Welling (2016). "Deep Spiking Networks". arXiv:1602.08323.

    Examples
    --------
    >>> from sk_dsn.quantization import event_counts, quantize_vector
    >>> events = quantize_vector([0.5, -1.25, 0.0], n_time_steps=4)
    >>> events["t"].tolist(), events["unit"].tolist(), events["sign"].tolist()
    ([1, 2, 2, 2, 3, 4, 4], [1, 1, 0, 1, 1, 0, 1], [-1, -1, 1, -1, -1, 1, -1])
    >>> event_counts(events, n_units=3) / 4
    array([ 0.5 , -1.25,  0.  ])
    """
    if not isinstance(n_time_steps, (int, np.integer)) or isinstance(n_time_steps, bool) or n_time_steps < 1:
        raise ValueError(f"n_time_steps must be an integer of at least 1, got {n_time_steps!r}.")
    x = check_array(x, dtype=np.float64, ensure_2d=False, allow_nd=True, ensure_min_samples=0, input_name="x")
    if x.ndim != 1:
        raise ValueError(f"x must be a vector, shape (n_units,), got shape {x.shape}.")
    return _quantize(np.broadcast_to(x, (n_time_steps, len(x))), rectify=False)


def quantize_stream(X: ArrayLike) -> Array:
    """Quantise a stream of vectors into a train of signed spikes (spiking stream quantisation,
    Algorithm 2).

    As `quantize_vector`, with the vector X[t - 1] at time step t.

    Parameters
    ----------
    X : array-like of shape (n_time_steps, n_units)
        The stream.

    Returns
    -------
    events : structured ndarray of shape (n_events,)
        Spikes in order of emission, with fields ``t`` (1, …, n_time_steps), ``unit`` and ``sign``
        (1 or -1).

    Raises
    ------
    ValueError
        If `X` is not a matrix of finite numbers, or means 2**24 spikes or more.

    See Also
    --------
    quantize_vector : The same for a vector that stays.
    rectify_stream : With neurons that only send positive spikes.
    event_counts : From events back to counts.

    Notes
    -----
    At every time step the running counts are within 1/2 of the running sums of `X`.

    References
    ----------
    .. [1] P. O'Connor and M. Welling (2016). "Deep Spiking Networks". arXiv:1602.08323.

    Examples
    --------
    >>> from sk_dsn.quantization import event_counts, quantize_stream
    >>> events = quantize_stream([[0.75, 0.25], [-0.5, 0.5], [-1.25, 0.0]])
    >>> events.tolist()
    [(1, 0, 1), (2, 0, -1), (2, 1, 1), (3, 0, -1)]
    >>> event_counts(events, n_units=2, n_time_steps=3)
    array([[ 1,  0],
           [-1,  1],
           [-1,  0]])
    """
    return _quantize(_check_stream(X), rectify=False)


def rectify_stream(X: ArrayLike) -> Array:
    """Quantise a stream of vectors into positive spikes (rectifying spiking stream quantisation,
    Algorithm 3).

    The paper's hidden neurons: as `quantize_stream`, but only ``+1`` is fired, while phi > 1/2, and
    no floor is under the potential.

    Parameters
    ----------
    X : array-like of shape (n_time_steps, n_units)
        The stream.

    Returns
    -------
    events : structured ndarray of shape (n_events,)
        Spikes in order of emission, with fields ``t`` (1, …, n_time_steps), ``unit`` and ``sign``
        (all 1).

    Raises
    ------
    ValueError
        If `X` is not a matrix of finite numbers, or means 2**24 spikes or more.

    See Also
    --------
    quantize_stream : With neurons that send negative spikes too.
    event_counts : From events back to counts.

    Notes
    -----
    A unit's count after t time steps is max(0, ceil(s - 1/2)) for the largest s of its running sums
    up to t: it depends on the order of the input. For a constant stream x counts / T approach
    max(0, x).

    References
    ----------
    .. [1] P. O'Connor and M. Welling (2016). "Deep Spiking Networks". arXiv:1602.08323.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_dsn.quantization import event_counts, rectify_stream
    >>> event_counts(rectify_stream(np.tile([0.3, -0.7, 1.6], (10, 1))), n_units=3) / 10
    array([0.3, 0. , 1.6])
    """
    return _quantize(_check_stream(X), rectify=True)


def event_counts(events: ArrayLike, n_units: int, n_time_steps: int | None = None) -> Int64Array:
    """Add up the signs of events, by unit, or by time step and unit.

    Parameters
    ----------
    events : structured array of shape (n_events,)
        With fields ``unit`` and ``sign``, and ``t`` (1, …, `n_time_steps`) where counts are by time
        step.
    n_units : int
        Number of units; events name units 0, …, `n_units` - 1.
    n_time_steps : int, default=None
        Number of time steps; None adds up all of them.

    Returns
    -------
    counts : ndarray of int64, shape (n_units,) or (n_time_steps, n_units)

    Raises
    ------
    ValueError
        If a field is missing, or an event is of a unit or time step that there is not.

    See Also
    --------
    quantize_vector : Events of a vector.
    quantize_stream : Events of a stream.
    rectify_stream : Events of neurons that only send positive spikes.

    Examples
    --------
    >>> from sk_dsn.quantization import event_counts, quantize_vector
    >>> event_counts(quantize_vector([2.0, -0.5], n_time_steps=2), n_units=2)
    array([ 4, -1])
    """
    events = np.asarray(events)
    needed = ["unit", "sign"] if n_time_steps is None else ["t", "unit", "sign"]
    missing = [name for name in needed if name not in (events.dtype.names or ())]
    if missing:
        raise ValueError(f"events must be a structured array with the fields {needed}; {missing} missing.")
    units = events["unit"]
    if events.size and not (units.min() >= 0 and units.max() < n_units):
        raise ValueError(f"events name units {units.min()} to {units.max()}, but n_units={n_units}.")
    if n_time_steps is None:
        counts = np.zeros(n_units, dtype=np.int64)
        np.add.at(counts, units, events["sign"])
        return counts
    steps = events["t"]
    if events.size and not (steps.min() >= 1 and steps.max() <= n_time_steps):
        raise ValueError(f"events are at time steps {steps.min()} to {steps.max()}, but n_time_steps={n_time_steps}.")
    counts = np.zeros((n_time_steps, n_units), dtype=np.int64)
    np.add.at(counts, (steps - 1, units), events["sign"])
    return counts


def _check_stream(X):
    return check_array(X, dtype=np.float64, ensure_min_samples=0, ensure_min_features=0, input_name="X")


def _quantize(X, rectify):
    """Events of the stream X, of signed quantisers or of rectifying ones.

    In a step a unit fires n spikes, its potential then being |phi|, |phi| - 1, …, |phi| - n + 1:
    the keys by which the spikes of all units are ordered.
    """
    potential = np.zeros(X.shape[1])
    steps, n_events = [np.empty(0, EVENT)], 0
    for t, x in enumerate(X, start=1):
        potential = potential + x
        counts = _spikes_due(potential)
        if rectify:
            counts = np.maximum(counts, 0)
        n_spikes = np.abs(counts)
        with np.errstate(over="ignore"):
            n_events += n_spikes.sum()
        if not n_events < _SPIKE_LIMIT:
            raise ValueError(
                f"The input means 2**24 spikes or more, up to time step {t}; scale it down, or take fewer time steps."
            )
        n_spikes = n_spikes.astype(np.int64)
        units = np.repeat(np.arange(len(x)), n_spikes)
        ranks = np.arange(len(units)) - np.repeat(np.cumsum(n_spikes) - n_spikes, n_spikes)
        keys = np.abs(potential)[units] - ranks
        order = np.lexsort((units, -keys))
        events = np.empty(len(units), EVENT)
        events["t"] = t
        events["unit"] = units[order]
        events["sign"] = np.sign(counts)[units[order]]
        steps.append(events)
        potential = potential - counts
    return np.concatenate(steps)


def _spikes_due(potential):
    """Net spikes until -1/2 < potential <= 1/2: ceil(potential - 1/2), not rounded before ceil."""
    whole = np.trunc(potential)
    rest = potential - whole
    return whole + (rest > 0.5) - (rest <= -0.5)

"""Events as users hold them: structured arrays whose fields are found by name."""
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .._core.events import Kind

# The names of each field, in the words of tonic, faery, expelliarmus and the cameras' own libraries.
NAMES = {"t": ("t", "timestamp", "ts"), "x": ("x",), "y": ("y",), "p": ("p", "on", "polarity", "pol")}
# NumPy's letters of the types that a field may have.
ALLOWED = {"t": "iuf", "x": "iu", "y": "iu", "p": "biuf"}
WIDEST = {"b": np.bool_, "i": np.int64, "u": np.uint64, "f": np.float64}
KINDS = {
    "b1": Kind.UINT8, "u1": Kind.UINT8, "i1": Kind.INT8, "u2": Kind.UINT16, "i2": Kind.INT16, "u4": Kind.UINT32,
    "i4": Kind.INT32, "u8": Kind.UINT64, "i8": Kind.INT64, "f4": Kind.FLOAT32, "f8": Kind.FLOAT64,
}
MAKING = (
    'Make them with np.rec.fromarrays([t, x, y, p], names="t,x,y,p"), or, of a DataFrame with such columns, with '
    "to_records(index=False)."
)


class Fields(NamedTuple):
    """The fields of a structured dtype that say time, pixel and polarity."""

    names: dict  # of "t", "x", "y" and "p", those that are there, to the name in the dtype
    layout: tuple  # offset and Kind of each of the four, as the core reads them
    readable: np.dtype | None  # the dtype to copy events to where the core cannot read them as they are


@lru_cache(maxsize=32)
def find_fields(dtype):
    """The `Fields` of a dtype. Titles count as names.

    Raises ValueError where there is no time, or a field holds something else.
    """
    if dtype.fields is None:
        raise ValueError(
            f"Events are structured arrays with the fields t, x, y and p, got values of type {dtype}. {MAKING}"
        )
    names = {}
    for field, candidates in NAMES.items():
        present = [name for name in candidates if name in dtype.fields]
        if len({dtype.fields[name][:2] for name in present}) > 1:
            raise ValueError(f"Fields {' and '.join(present)} of events both say {field}; leave one of them out.")
        if present:
            kind = dtype.fields[present[0]][0]
            if kind.kind not in ALLOWED[field]:
                meant = "numbers" if "f" in ALLOWED[field] else "integers"
                raise ValueError(f"Field {present[0]} of events must hold {meant}, one an event, got {kind}.")
            names[field] = present[0]
    if "t" not in names:
        raise ValueError(f"Events have no time: none of their fields {dtype.names} is {', '.join(NAMES['t'])}.")
    found = [dtype.fields[names[field]][:2] if field in names else (None, 0) for field in NAMES]
    if all(kind is None or (kind.isnative and kind.str[1:] in KINDS) for kind, _ in found):
        layout = tuple((offset, int(Kind.ABSENT if kind is None else KINDS[kind.str[1:]])) for kind, offset in found)
        return Fields(names, layout, None)
    readable = np.dtype([(field, WIDEST[dtype.fields[name][0].kind]) for field, name in names.items()])
    return Fields(names, find_fields(readable).layout, readable)


def check_events(events, where=""):
    """`events` as a structured array of one dimension.

    Raises ValueError where they are not, or where some of them are masked. `where` is what the
    message says after "Events".
    """
    if type(events) is np.ndarray and events.ndim == 1 and events.dtype.fields is not None:
        return events
    array = np.asarray(events)
    if array.ndim != 1 or array.dtype.fields is None:
        remedy = MAKING if array.dtype.fields is None else "Of one event k, pass events[k : k + 1]." * (array.ndim == 0)
        raise ValueError(
            f"Events{where} are structured arrays of shape (n_events,), got {type(events).__name__} of shape {array.shape} "
            f"and type {array.dtype}. {remedy}".rstrip()
        )
    if isinstance(events, np.ma.MaskedArray):
        masked = np.flatnonzero([any(np.ravel(mask.tolist())) for mask in np.ma.getmaskarray(events)])
        if len(masked):
            raise ValueError(f"Event {masked[0]}{where} is masked; leave masked events out.")
    return array


def check_recordings(X):
    """X as a list of recordings."""
    if isinstance(X, np.ndarray) and X.dtype.fields is not None and X.ndim == 1:
        raise ValueError("X is one recording; X is a sequence of recordings: pass [X].")
    if not (isinstance(X, (Sequence, np.ndarray)) or getattr(X, "ndim", None) == 1) or isinstance(X, str):
        raise ValueError(
            f"X must be a sequence of recordings (structured arrays of events), got {type(X).__name__}. {MAKING}"
        )
    return list(X)

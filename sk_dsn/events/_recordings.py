"""Events as users hold them: structured arrays whose fields are found by name, checked."""
from collections.abc import Sequence

import numpy as np

# The names of each field, in the words of tonic, faery, expelliarmus and the cameras' own libraries.
FIELDS = {"t": ("t", "timestamp", "ts"), "x": ("x",), "y": ("y",), "p": ("p", "on", "polarity", "pol")}
LATEST = 2**63 - 1


def find_fields(dtype):
    """The field of a structured dtype for each of t, x, y and p that it has.

    Titles count as names.

    Parameters
    ----------
    dtype : dtype

    Returns
    -------
    fields : dict
        Of "t", "x", "y", "p" those that are there, each with the name to index an array with.
    """
    if dtype.fields is None:
        raise ValueError(
            f"Events are structured arrays with the fields t, x, y and p, got values of type {dtype}. Make them with "
            'np.rec.fromarrays([t, x, y, p], names="t,x,y,p").'
        )
    found = {}
    for field, names in FIELDS.items():
        present = [name for name in names if name in dtype.fields]
        if len({dtype.fields[name][:2] for name in present}) > 1:
            raise ValueError(f"Fields {' and '.join(present)} of events both say {field}; drop one of them.")
        if present:
            kind = dtype.fields[present[0]][0]
            allowed = {"t": "iuf", "p": "biuf"}.get(field, "iu")
            if kind.kind not in allowed:
                meant = "numbers" if "f" in allowed else "integers"
                raise ValueError(f"Field {present[0]} of events must hold {meant}, one an event, got {kind}.")
            found[field] = present[0]
    if "t" not in found:
        raise ValueError(f"Events have no time: none of their fields {dtype.names} is {', '.join(FIELDS['t'])}.")
    return found


def check_events(events):
    """`events` as a structured array of one dimension."""
    array = np.asarray(events)
    if array.ndim != 1 or array.dtype.fields is None:
        raise ValueError(
            f"Events are structured arrays of shape (n_events,), got {type(events).__name__} of shape {array.shape} and "
            f"type {array.dtype}."
        )
    return array


def check_recordings(X):
    """X as a list of recordings."""
    if isinstance(X, np.ndarray) and X.dtype.fields is not None and X.ndim == 1:
        raise ValueError("X is one recording; X is a sequence of recordings: pass [X].")
    if not isinstance(X, (Sequence, np.ndarray)) or isinstance(X, str):
        raise ValueError(f"X must be a sequence of recordings (structured arrays of events), got {type(X).__name__}.")
    return list(X)

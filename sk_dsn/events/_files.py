"""Recordings from files."""
from __future__ import annotations

import os
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from ._recordings import NAMES, check_events, find_fields

if TYPE_CHECKING:
    from .._typing import Array

EVENT = np.dtype([("t", np.int64), ("x", np.uint16), ("y", np.uint16), ("p", np.bool_)])
# In N-MNIST's files a record of this row says that the time's counter has run over.
OVERFLOW_ROW, OVERFLOW_TIME = 240, 2**13
LONGEST_SHOWN = 60  # characters of a line in a message


def read(path: str | os.PathLike[str]) -> Array:
    """Read the recording in a file.

    Parameters
    ----------
    path : str or path-like
        The end of its name tells the format:

        - ``.npy``: a structured array;
        - ``.npz``: arrays of the same length by the names of fields, such as t, x, y and p;
        - ``.csv``: a line an event, separated by commas, under a line of names, or t, x, y, p;
          ``.txt``: the same separated by blanks;
        - ``.bin``: N-MNIST's and N-Caltech101's format of 5 bytes an event [1]_;
        - ``.aedat4``, ``.raw`` (EVT2, EVT2.1, EVT3), ``.dat``, ``.es``: by the package `faery`,
          which ``pip install "sk-dsn[events]"`` installs.

    Returns
    -------
    events : structured ndarray of shape (n_events,)
        Times of ``.bin`` and of cameras' formats are in µs; other files hold what they hold.

    Raises
    ------
    ValueError
        If the file's format is not known, or is not what its name says.
    ImportError
        If `faery` is needed and not installed.

    See Also
    --------
    EventFrames : Sums the events of recordings in time steps.

    References
    ----------
    .. [1] G. Orchard et al. (2015). "Converting static image datasets to spiking neuromorphic
       datasets using saccades". Frontiers in Neuroscience 9:437.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sk_dsn.events import read
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "recording.csv")
    ...     _ = path.write_text("t,x,y,on\\n5,0,0,1\\n40,2,1,0\\n")
    ...     events = read(path)
    >>> events["t"], events["on"]
    (array([ 5, 40]), array([1, 0]))
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"{path}: its name tells no format; names of recordings end with {', '.join(READERS)}.")
    try:
        events = READERS[suffix](path)
        find_fields(events.dtype)
    except (ValueError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} is no recording that can be read: {error}") from None
    return events


def _read_npy(path):
    _check_beginning(path, b"\x93NUMPY")
    return check_events(np.load(path, allow_pickle=False))


def _read_npz(path):
    _check_beginning(path, b"PK")
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if len(arrays) == 1:
        return check_events(*arrays.values())
    wanted = {name for names in NAMES.values() for name in names}
    arrays = {name: array for name, array in arrays.items() if name in wanted}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ValueError(
            "Arrays t, x, y and p of the same length are needed, got "
            f"{', '.join(f'{name} {array.shape}' for name, array in arrays.items()) or 'none of them'}."
        )
    return _structured(arrays)


def _check_beginning(path, expected):
    """Raises ValueError where a file begins otherwise: NumPy would take it for a pickle."""
    with path.open("rb") as file:
        if file.read(len(expected)) != expected:
            raise ValueError(f"it does not begin as a file {path.suffix} does.")


def _read_text(path):
    delimiter = "," if path.suffix.lower() == ".csv" else None
    first, _, rest = path.read_text(encoding="utf-8-sig").partition("\n")
    names = text_header(first, delimiter)
    return parse_text(rest if names else f"{first}\n{rest}", names, delimiter)


def text_header(line, delimiter):
    """The names in the first line of a text, or None where it is an event or empty."""
    if not line.strip():
        return None
    names = [name.strip().strip('"') for name in line.lstrip("#").split(delimiter)]
    try:
        float(names[0] if names else 0)
    except ValueError:
        return names
    return None


def parse_text(text, names, delimiter):
    """Events of lines of text, with the fields `names` or, where they are None, t, x, y, p."""
    text = text.replace("True", "1").replace("False", "0")
    columns = names or list(NAMES)
    options = {"delimiter": delimiter, "ndmin": 1, "comments": "#"}
    if not text.strip():
        return np.empty(0, [(name, np.int64) for name in columns])
    try:
        return np.loadtxt(StringIO(text), [(name, np.int64) for name in columns], **options)
    except ValueError:  # times in seconds, say
        try:
            values = np.loadtxt(StringIO(text), [(name, np.float64) for name in columns], **options)
        except ValueError as error:
            raise ValueError(_unreadable_line(text, columns, delimiter) or str(error)) from None
    return _structured({name: _whole(values[name]) for name in columns})


def _unreadable_line(text, columns, delimiter):
    """A message about the first line that is no event; None where none is found."""
    for line in text.splitlines():
        cells = line.partition("#")[0].split(delimiter)
        if not "".join(cells).strip():
            continue
        shown = repr(line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…")
        if len(cells) != len(columns):
            return f"the line {shown} has {len(cells)} value(s), not {len(columns)} ({', '.join(columns)})."
        for name, cell in zip(columns, cells, strict=True):
            try:
                float(cell)
            except ValueError:
                return f"the line {shown} has {cell.strip()!r} as {name}, which is no number."
    return None


def _whole(values):
    """Values as integers where all of them are."""
    whole = np.isfinite(values).all() and (values == np.floor(values)).all() and np.abs(values).max() < 2**53
    return values.astype(np.int64) if whole else values


def _read_bin(path):
    raw = np.fromfile(path, np.uint8)
    if len(raw) % 5:
        raise ValueError(f"{len(raw)} bytes are no whole number of events of 5 bytes; is it complete?")
    column, row, *rest = raw.reshape(-1, 5).T
    high, middle, low = (part.astype(np.int64) for part in rest)
    overflow = row == OVERFLOW_ROW
    t = ((high & 127) << 16 | middle << 8 | low) + OVERFLOW_TIME * np.cumsum(overflow)
    events = np.empty(len(t) - int(overflow.sum()), EVENT)
    for name, values in {"t": t, "x": column, "y": row, "p": high >> 7}.items():
        events[name] = values[~overflow]
    return events


def _read_by_faery(path):
    try:
        import faery
    except ImportError:
        raise ImportError(f'{path} is read by the package faery; install it with pip install "sk-dsn[events]".') from None
    records = faery.events_stream_from_file(path).to_array()
    events = np.empty(len(records), EVENT)
    for name in EVENT.names:
        events[name] = records[name]
    return events


def _structured(arrays):
    """A structured array of arrays by name."""
    dtype = np.dtype([(name, array.dtype) for name, array in arrays.items()])
    events = np.empty(len(next(iter(arrays.values()))), dtype)
    for name, array in arrays.items():
        events[name] = array
    return events


# By the end of a file's name.
READERS = {
    ".npy": _read_npy, ".npz": _read_npz, ".csv": _read_text, ".txt": _read_text, ".bin": _read_bin,
    **dict.fromkeys((".aedat4", ".raw", ".dat", ".es"), _read_by_faery),
}

"""Recordings of events to train on: a folder with one folder for each class, or a CSV file of paths and labels."""
import csv
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix

from sk_dsn import SpikingBackprop
from sk_dsn.events import EventFrames, read
from sk_dsn.events._files import READERS
from sk_dsn.events._frames import EventMapper
from sk_dsn.events._recordings import find_fields
from sk_dsn.streams import SparseStreams

from .datasets import Data
from .inputs import is_stdin, open_text
from .messages import CommandError, quoted, say, value_errors_reported
from .targets import CLASSIFICATION, read_targets

# Of a recording's time, which is in µs in the formats of cameras.
DEFAULT_STEP = 10_000
# As in the benchmark of accuracy on N-MNIST.
SETTINGS = {
    "hidden_layer_sizes": (100,),
    "leak": 0.2,
    "readout": "mean",
    "learning_rule": SpikingBackprop(feedback="step"),
    "learning_rate_init": 2.0,
    "max_iter": 20,
}
TABLE_OPTIONS = ("task", "id", "category", "header", "scale", "time_steps")


def are_recordings(args):
    return args.recordings or (not is_stdin(args.data) and Path(args.data).is_dir())


def load_recordings(args):
    """Recordings and labels, and the transformer for them."""
    given = [f"--{name.replace('_', '-')}" for name in TABLE_OPTIONS if getattr(args, name) not in (None, [])]
    if given:
        raise CommandError(f"{', '.join(given)} does not go with recordings of events.")
    path = Path(args.data)
    parts = folder_parts(path, args.target) if path.is_dir() else [listed_files(path, args.target)]
    files, labels = zip(*(pair for part in parts for pair in part), strict=True)
    recordings = np.empty(len(files), object)
    for k, file in enumerate(files):
        recordings[k] = read_recording(file)
    frames = new_frames(args, recordings)
    check_recordings(frames, files, recordings)
    y = read_targets(np.array(labels), f"{path}, labels", CLASSIFICATION).y
    n = len(parts[0])
    test = (recordings[n:], y[n:]) if len(parts) > 1 else (None, None)
    return Data(str(path), recordings[:n], y[:n], *test, settings=SETTINGS), frames


def folder_parts(path, target):
    """Files and labels: of folders Train and Test two parts, else one."""
    if target is not None:
        raise CommandError("--target goes with a CSV file; the labels of a folder are the names of its folders.")
    parts = {folder.name.lower(): folder for folder in visible(path) if folder.is_dir()}
    if parts.keys() == {"train", "test"}:
        return [files_by_class(parts["train"]), files_by_class(parts["test"])]
    return [files_by_class(path)]


def visible(folder):
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def files_by_class(folder):
    """The files of each folder of `folder`, whose name is their label."""
    found = [
        (file, subfolder.name)
        for subfolder in visible(folder)
        if subfolder.is_dir()
        for file in visible(subfolder)
        if file.suffix.lower() in READERS
    ]
    if not found:
        raise CommandError(
            f"{folder} holds no recordings: it needs a folder for each class, with files whose names end with "
            f"{', '.join(READERS)}."
        )
    return found


def listed_files(path, target):
    """The files that the first column of a CSV file names, relative to it, and their labels."""
    try:
        with open_text(path) as text:
            names, *rows = [row for row in csv.reader(text) if row]
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror or error}.") from error
    except ValueError:
        raise CommandError(f"{path} is empty; it needs a line of names, and a line for each recording.") from None
    if target is not None and target not in names:
        raise CommandError(f"{path} has no column {target!r} for --target; its columns are {quoted(names)}.")
    column = len(names) - 1 if target is None else names.index(target)
    if column < 1:
        raise CommandError(f"{path} needs a column of paths, the first one, and another one with labels.")
    if not rows:
        raise CommandError(f"{path} names no recordings: it has only a line of names.")
    short = next((number for number, row in enumerate(rows, start=2) if len(row) <= column), None)
    if short is not None:
        raise CommandError(f"{path}, line {short}: there is no label.")
    return [(path.parent / row[0], row[column]) for row in rows]


def read_recording(path):
    try:
        return read(path)
    except OSError as error:
        raise CommandError(f"cannot read recording {path}: {error.strerror or error}.") from error
    except (ValueError, ImportError) as error:
        raise CommandError(str(error)) from error


def new_frames(args, recordings):
    """The transformer for recordings. Without --sensor, the sensor is as large as their events need."""
    sensor = args.sensor
    if sensor is None:
        sensor = sensor_of(recordings)
        say(f"the sensor is taken to be of {sensor[0]} x {sensor[1]} pixels, as the events need (--sensor says otherwise).")
    return EventFrames(sensor, DEFAULT_STEP if args.step is None else args.step, t0="first")


def sensor_of(recordings):
    """The smallest sensor that has the pixels of all events."""
    fields = [find_fields(events.dtype).names for events in recordings]
    ends = {"x": 1, "y": 1}
    for events, names in zip(recordings, fields, strict=True):
        for axis in ends:
            if axis in names and len(events):
                ends[axis] = max(ends[axis], int(events[names[axis]].max()) + 1)
    return (ends["x"], ends["y"]) if all("p" in names for names in fields) else (ends["x"], ends["y"], 1)


def check_recordings(frames, files, recordings):
    """Raises where a recording does not fit, and names its file."""
    for file, events in zip(files, recordings, strict=True):
        with value_errors_reported():
            EventMapper(frames, f" of {file}").map(events)
        if not len(events):
            raise CommandError(f"{file} holds no events; leave it out.")


def static_features(X):
    """X as a conventional network takes it: of recordings the number of each feature's events."""
    if not isinstance(X, SparseStreams):
        return X
    sums = coo_matrix((X.csr.data, (X.csr.tocoo().row, X.csr.indices % X.shape[2])), (X.shape[0], X.shape[2]))
    return sums.tocsr()

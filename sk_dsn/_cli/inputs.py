"""Where data comes from: a file, whose name tells its kind, or stdin, whose first bytes do."""
import io
import sys
from contextlib import contextmanager

from .messages import CommandError

STDIN = "-"
CSV, NPZ = ".csv", ".npz"
ZIP_SIGNATURE = b"PK\x03\x04"


def source_name(path):
    return "stdin" if is_stdin(path) else str(path)


def is_stdin(path):
    return str(path) == STDIN


def data_kind(path, advice=""):
    """CSV or NPZ; `advice` tells of other names that would do."""
    if is_stdin(path):
        return NPZ if binary_stdin().peek(len(ZIP_SIGNATURE)).startswith(ZIP_SIGNATURE) else CSV
    kind = path.suffix.lower()
    if kind not in (CSV, NPZ):
        raise CommandError(f"{path}: data must be a file whose name ends in {CSV} or {NPZ}, or - for stdin{advice}.")
    return kind


def binary_stdin():
    if sys.stdin is None:
        raise CommandError("stdin is closed; give the name of a file.")
    return sys.stdin.buffer


@contextmanager
def open_text(path):
    """Text in UTF-8. Bytes that are not are let through as surrogates, for the reader to name their line."""
    encoding = {"encoding": "utf-8-sig", "errors": "surrogateescape"}
    if not is_stdin(path):
        with open(path, **encoding) as file:
            yield file
        return
    file = io.TextIOWrapper(binary_stdin(), **encoding)
    try:
        yield file
    finally:
        file.detach()


def seekable(path):
    """The file, or the bytes of stdin: a ZIP file is read from its end."""
    return io.BytesIO(binary_stdin().read()) if is_stdin(path) else path

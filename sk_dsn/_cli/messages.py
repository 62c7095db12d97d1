"""How the command line speaks to its user: errors, warnings, progress and exit codes."""
import io
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAM = "sk-dsn" if Path(sys.argv[0]).stem == "sk-dsn" else "python -m sk_dsn"
FAILURE, USAGE_ERROR, INTERRUPTED = 1, 2, 130

MAX_QUOTED = 10


class CommandError(Exception):
    """An error that the user reads instead of a traceback: a sentence with a remedy."""

    def __init__(self, message, exit_code=USAGE_ERROR):
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def value_errors_reported():
    """Turns ValueErrors into CommandErrors: scikit-learn and this package write them for users."""
    try:
        yield
    except ValueError as error:
        raise CommandError(str(error)) from error


def say(message):
    # print(file=None) would write to stdout, and a closed stderr must not hide the exit code.
    if sys.stderr is not None:
        with suppress(OSError):
            print(f"{PROGRAM}: {message}", file=sys.stderr, flush=True)


def show_warning(message, category, filename, lineno, file=None, line=None):
    say(f"warning: {message}")


def quoted(names):
    shown = ", ".join(repr(str(name)) for name in names[:MAX_QUOTED])
    return f"{shown} and {len(names) - MAX_QUOTED} more" if len(names) > MAX_QUOTED else shown


def counted(n, noun):
    return f"{n} {noun}" if n == 1 else f"{n:,} {noun}s"


class LateProgress(io.TextIOBase):
    """Takes lines that report progress and passes on at most one a second to stderr, none before the third second."""

    def __init__(self, name):
        self.name = name
        self.text = self.last_line = ""
        self.next_time = time.monotonic() + 2

    def write(self, text):
        *lines, self.text = (self.text + text).split("\n")
        self.last_line = lines[-1] if lines else self.last_line
        if lines and time.monotonic() >= self.next_time:
            self.next_time = time.monotonic() + 1
            if sys.stderr is not None:
                with suppress(OSError):
                    print(f"{self.name}: {lines[-1]}", file=sys.stderr, flush=True)
        return len(text)

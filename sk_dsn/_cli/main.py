"""Running a command: what it returns, and what becomes of errors."""
import os
import sys
import warnings

from .messages import FAILURE, INTERRUPTED, CommandError, say, show_warning
from .parser import build_parser
from .predict import predict
from .train import train
from .watch import watch

COMMANDS = {"train": train, "predict": predict, "watch": watch}


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments without the program's name; None takes those of the process.

    Returns
    -------
    exit_code : int
        0, or 1 for a failure, 2 for bad usage or input, 130 after Ctrl-C.
    """
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        args = parser.parse_args(["--seed", str(args.seed), "train", "digits"])
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show_warning
            exit_code = COMMANDS[args.command](args)
        if sys.stdout is not None:
            sys.stdout.flush()
        return exit_code
    except CommandError as error:
        say(f"error: {error}")
        return error.exit_code
    except MemoryError as error:
        say(f"error: not enough memory ({error}); use fewer neurons, time steps or samples.")
        return FAILURE
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        drop_output()
        return FAILURE
    except OSError as error:
        # Those of named files are CommandErrors.
        say(f"error: cannot write to stdout: {error.strerror or error}.")
        drop_output()
        return FAILURE


def drop_output():
    """Nobody can read it; what is left in the buffer would raise again when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

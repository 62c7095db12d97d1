"""The command `watch`: answers of a saved model while the events of a recording come in."""
import sys
import time

import numpy as np

from sk_dsn.events._files import parse_text, text_header
from sk_dsn.events._recordings import NAMES, find_fields

from .inputs import binary_stdin, is_stdin, source_name
from .messages import PROGRAM, CommandError, counted, say
from .models import event_frames, load_model
from .predict import model_errors_reported
from .recordings import read_recording

CHUNK = 1 << 16  # bytes that are read from stdin at most at a time


def watch(args):
    if sys.stdout is None:
        raise CommandError("stdout is closed; the answers go there.")
    if is_stdin(args.file) and args.speed is not None:
        raise CommandError("--speed goes with a file; events of stdin are taken as they come.")
    model = load_model(args.model, args.skops)
    frames = event_frames(model)
    if frames is None:
        raise CommandError(
            f"{args.model} was not trained on recordings of events: use {PROGRAM} predict, or make one with train FOLDER."
        )
    with model_errors_reported(args.model):
        stream = model[-1].create_stream(frames=frames)
        told, busy, first = Told(stream, hasattr(model[-1], "predict_proba")), 0.0, None
        began = time.perf_counter()
        for events in packets(args, frames.time_step):
            if not len(events):
                continue
            start, last = (t.item() for t in times_of(events)[[0, -1]])
            first = start if first is None else first
            if args.speed is not None:
                time.sleep(max(0.0, began + (last - first) * args.unit / args.speed - time.perf_counter()))
            busy -= time.perf_counter()
            stream.feed(events)
            told.tell()
            busy += time.perf_counter()
        if first is None:
            raise CommandError(f"{source_name(args.file)} holds no events.")
        stream.advance(last + frames.time_step)  # to the end of the step of the last event
        told.tell(at_end=True)
    seconds = (last - first) * args.unit
    say(
        f"{counted(stream.n_events_, 'event')} in {counted(stream.n_steps_, 'time step')}: {seconds:.3f} s (--unit) took "
        f"{busy:.3f} s, {seconds / busy:.3g} times real time."
    )
    return 0


class Told:
    """Prints the answer of a stream where it is another one than before."""

    def __init__(self, stream, has_probabilities):
        self.stream = stream
        self.has_probabilities = has_probabilities
        self.answer = None
        print("time,answer,probability" if has_probabilities else "time,answer", flush=True)

    def tell(self, at_end=False):
        stream = self.stream
        if not stream.n_steps_:
            return
        answer = np.ravel(stream.predict()).tolist()
        if answer == self.answer and not at_end:
            return
        self.answer = answer
        cells = [stream.time_, *answer]
        if self.has_probabilities:
            cells.append(f"{stream.predict_proba().max():.4f}")
        print(*cells, sep=",", flush=True)


def packets(args, time_step):
    """Yield events as they come; those of a file a time step at a time."""
    if not is_stdin(args.file):
        events = read_recording(args.file)
        t = times_of(events)
        steps = (t - t[0]) // time_step if len(t) else t
        yield from np.split(events, np.flatnonzero(np.diff(steps)) + 1)
        return
    names, text = None, b""
    while chunk := binary_stdin().read1(CHUNK):
        lines, found, text = (text + chunk).rpartition(b"\n")
        if found:
            names, events = parsed(lines, names)
            yield events
    if text:
        yield parsed(text, names)[1]


def parsed(lines, names):
    """Names of the fields, which the first line may tell, and the events of lines of text."""
    text = lines.decode(errors="replace")
    if names is None:
        first, _, rest = text.partition("\n")
        names = text_header(first, ",")
        text, names = (text, list(NAMES)) if names is None else (rest, names)
    try:
        return names, parse_text(text, names, ",")
    except ValueError as error:
        raise CommandError(
            f"stdin: {error} Events are lines of t,x,y,p, or of the columns that the first line names."
        ) from error


def times_of(events):
    """Times as numbers that can be subtracted."""
    t = events[find_fields(events.dtype).names["t"]]
    return t if t.dtype.kind == "f" else t.astype(np.int64)

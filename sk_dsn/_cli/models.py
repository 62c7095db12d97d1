"""Saving and loading models: pipelines of a preprocessor and a network, with the names of the columns they were made for."""
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from numbers import Integral

import joblib
from sklearn.pipeline import Pipeline

import sk_dsn
from sk_dsn._compat import parse_version
from sk_dsn.events import EventFrames

from .messages import PROGRAM, CommandError, quoted, say
from .output_files import replaced_file

ZIP_SIGNATURE = b"PK\x03\x04"  # skops' files are ZIP files; pickles never begin like that.

# Before it, a file could run code of types that nobody trusted (CVE-2025-54412).
SAFE_SKOPS = "0.12"

# Types of scikit-learn's transformers that skops asks about, though making one runs nothing.
HARMLESS_TYPES = frozenset({"numpy.dtype"})


@dataclass
class Description:
    """What a model from `train` tells of the file it was trained on, as its attribute `trained_on_`."""

    target: str | None = None
    identifiers: list = field(default_factory=list)
    categories: list = field(default_factory=list)
    has_named_columns: bool = False


def new_model(preprocessor, network, data):
    model = Pipeline([("frames" if isinstance(preprocessor, EventFrames) else "scaler", preprocessor), ("network", network)])
    named = data.feature_names is not None
    categories = [data.feature_names[k] for k in data.categories] if named else []
    model.trained_on_ = asdict(Description(data.target, data.identifiers, categories, named))
    return model


def description(model):
    """The Description of a model; an empty one of a model that `train` did not make."""
    told = getattr(model, "trained_on_", None)
    try:
        return Description(**told)
    except TypeError:
        return Description()


# Saving


def save_model(model, path, as_skops):
    """Saves the model; where that fails, in the folder for temporary files, so that the training is not lost."""
    dump = skops_io().dump if as_skops else joblib.dump
    try:
        with replaced_file(path) as file:
            dump(model, file)
    except CommandError as error:
        rescued = rescued_model(model, path, dump)
        if rescued is None:
            raise
        raise CommandError(f"{error} The model is saved to {rescued} instead.", error.exit_code) from error


def rescued_model(model, path, dump):
    try:
        descriptor, name = tempfile.mkstemp(prefix="sk_dsn-", suffix=path.suffix)
    except OSError:
        return None
    complete = False
    try:
        with open(descriptor, "wb") as file, suppress(Exception):
            dump(model, file)
            file.flush()
            os.fsync(file.fileno())
            complete = True
    except OSError:
        complete = False
    finally:
        if not complete:
            os.unlink(name)
    return name if complete else None


def skops_io():
    try:
        installed = version("skops")
        from skops import io
    except (PackageNotFoundError, ImportError) as error:
        raise CommandError(f'--skops needs skops: pip install "skops>={SAFE_SKOPS}"') from error
    if parse_version(installed) < parse_version(SAFE_SKOPS):
        raise CommandError(f'skops {installed} has known holes: pip install "skops>={SAFE_SKOPS}"')
    return io


# Loading


def load_model(path, only_skops=False):
    try:
        with open(path, "rb") as file:
            is_skops = file.read(len(ZIP_SIGNATURE)) == ZIP_SIGNATURE
        if is_skops:
            model = load_skops(path)
        elif only_skops:
            raise CommandError(f"{path} is not a file of train --skops; leave out --skops if you trust it.")
        else:
            say(
                f"{path} is a pickle, and loading one can run any code: use only files that you trust. "
                "(Files of train --skops need no trust.)"
            )
            model = joblib.load(path)
    except CommandError:
        raise
    except OSError as error:
        raise CommandError(f"cannot read model {path}: {error.strerror or error}.") from error
    except Exception as error:  # Unpickling raises whatever the bytes of a foreign file lead it to.
        raise CommandError(
            f"{path} is not a model ({type(error).__name__}: {error}): make one with {PROGRAM} train --save."
        ) from error
    check_model(model, path)
    return model


def load_skops(path):
    io = skops_io()
    untrusted = io.get_untrusted_types(file=path)
    own = [EventFrames, *(kind for kind in vars(sk_dsn).values() if isinstance(kind, type))]
    own_types = {f"{kind.__module__}.{kind.__qualname__}" for kind in own}
    foreign = [name for name in untrusted if name not in own_types | HARMLESS_TYPES]
    if foreign:
        raise CommandError(f"{path} holds {quoted(foreign)}, which a model of train --skops does not; it is not loaded.")
    return io.load(path, trusted=untrusted)


def event_frames(model):
    """The transformer of a model of recordings, or None."""
    first = model[0] if isinstance(model, Pipeline) else None
    return first if isinstance(first, EventFrames) else None


def n_features_of(model):
    """Features of a model's samples; of recordings, of their time steps."""
    return (model if event_frames(model) is None else model[-1]).n_features_in_


def check_model(model, path):
    try:
        fitted = callable(model.predict) and isinstance(n_features_of(model), Integral)
    except Exception:  # The attributes of a foreign object can do anything.
        fitted = False
    if not fitted:
        raise CommandError(
            f"{path} holds a {type(model).__name__}, not a fitted model: make one with {PROGRAM} train --save."
        )

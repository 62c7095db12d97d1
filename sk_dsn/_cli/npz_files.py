"""Reading arrays from NPZ files."""
import numpy as np

from .inputs import seekable, source_name
from .messages import CommandError, quoted


def read_arrays(path, *choices):
    """The arrays of the first of `choices` (tuples of names) that are all in an NPZ file."""
    source = source_name(path)
    try:
        with np.load(seekable(path), allow_pickle=False) as file:
            found = file.files
            names = next((names for names in choices if set(names) <= set(found)), ())
            arrays = [file[name] for name in names]
    except OSError as error:
        raise CommandError(f"cannot read {source}: {error.strerror or error}.") from error
    except (CommandError, MemoryError):
        raise
    except Exception as error:  # numpy passes on the errors of zipfile and of its parser of headers.
        raise CommandError(f"{source} is not an NPZ file of numbers and strings ({error}).") from error
    if not arrays:
        wanted = ", or ".join(map(quoted, choices))
        raise CommandError(
            f"{source} has the arrays {quoted(found)}; looked for {wanted}. Save it with numpy.savez under these names."
        )
    for name, array in zip(names, arrays, strict=True):
        if not isinstance(array, np.ndarray):
            raise CommandError(f"{source}: {name!r} is no array. Save it with numpy.savez.")
    return arrays


def feature_matrix(X, source):
    """Samples in rows, images flattened, as floats."""
    if X.dtype.kind not in "biuf":
        raise CommandError(f"{source}: the features are of type {X.dtype}; they must be numbers.")
    if X.ndim < 2 or X.size == 0:
        raise CommandError(f"{source}: the features have shape {X.shape}; (n_samples, n_features) or images are needed.")
    X = X.reshape(len(X), -1).astype(np.result_type(X.dtype, np.float32), copy=False)
    finite = np.isfinite(X).all(axis=1)
    if not finite.all():
        index = np.argmin(finite)
        raise CommandError(f"{source}: the features of sample [{index}] are not all finite; mend it or leave it out.")
    return X


def target_column(y, n_samples, source, target):
    """One number or string a sample; byte strings are decoded."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    place = f"{source}, labels {target!r}"
    if y.ndim != 1:
        raise CommandError(f"{place}: the labels have shape {y.shape}; one label a sample is needed.")
    if y.dtype.kind not in "biufUS":
        raise CommandError(f"{place}: the labels are of type {y.dtype}; they must be numbers or strings.")
    if len(y) != n_samples:
        raise CommandError(f"{source} has {n_samples} samples but {len(y)} labels; every sample needs one.")
    if y.dtype.kind == "S":
        try:
            return np.char.decode(y, "utf-8")
        except UnicodeDecodeError as error:
            raise CommandError(f"{place}: {error.object!r} is not text in UTF-8.") from error
    return y

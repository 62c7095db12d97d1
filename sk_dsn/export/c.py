"""to_c: a fitted network as C99. `_sources` makes the text; `CNetwork` holds the files, saves them,
and runs them on this machine."""
from __future__ import annotations

import re
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from sklearn.utils import Bunch

from .._network import fitted_network
from .._sequences import Sequences, SparseStreams, is_stream, step_counts
from ._layouts import LAYOUTS, arranged
from ._proof import LIMIT
from ._scaling import scaling_of
from ._sources import INTEGER_BITS, FloatSource, IntegerSource
from ._toolchain import load_library, object_sizes, write_files
from .learning import CLearner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from .._typing import Array, Float32Array, Network, Samples
    from .integer import IntegerNetwork

WEIGHTS = (*INTEGER_BITS, "float32")


@overload
def to_c(
    estimator: Network,
    folder: str | PathLike[str] | None = None,
    name: str = "network",
    *,
    weights: Literal["int8", "int16", "float32"] = "int8",
    layout: Literal["files", "header", "arduino", "zephyr"] = "files",
    n_time_steps: int | None = None,
    learning: Literal[False] = False,
) -> CNetwork: ...


@overload
def to_c(
    estimator: Network | IntegerNetwork,
    folder: str | PathLike[str] | None = None,
    name: str = "network",
    *,
    learning: Literal[True],
) -> CLearner: ...


def to_c(
    estimator: Network | IntegerNetwork,
    folder: str | PathLike[str] | None = None,
    name: str = "network",
    *,
    weights: Literal["int8", "int16", "float32"] = "int8",
    layout: Literal["files", "header", "arduino", "zephyr"] = "files",
    n_time_steps: int | None = None,
    learning: bool = False,
) -> CNetwork | CLearner:
    """A fitted network as C99 that computes what the estimator computes, bit for bit.

    The C has no dependency but `stdint.h`, allocates nothing and has no globals that change. Weights
    are constants; the state of a sample is a struct of the caller's.

    Parameters
    ----------
    estimator : estimator of sk_dsn, or Pipeline
        Fitted; for integer weights one that `quantize` has made, with an `input_range`. A Pipeline of
        StandardScaler, MinMaxScaler or StreamScaler and such a network becomes C that takes features
        unscaled, if all scales are powers of two and all offsets multiples of the `input_step`.
    folder : path-like, default=None
        Where to save the files; None saves nothing, see `CNetwork.save`.
    name : str, default="network"
        The files' name and the prefix of all C names: a C identifier in lower case.
    weights : {"int8", "int16", "float32"}, default="int8"
        The type of the weights. Integers take `leak` 0 or 1; float32 takes every network.
    layout : {"files", "header", "arduino", "zephyr"}, default="files"
        "files": NAME.h, NAME.c and NAME_test.c, the known-answer test. "header": the first two in
        one, whose functions stand where NAME_IMPLEMENTATION is defined. "arduino": a library, with
        the test as a sketch. "zephyr": a module, with CONFIG_NAME and CONFIG_NAME_TEST.
    n_time_steps : int, default=None
        The most time steps of a sample, for the proof that no sum overflows. None is the estimator's
        `n_time_steps`.
    learning : bool, default=False
        Whether the C goes on learning where it runs. `estimator` is then an `IntegerNetwork`, or one
        that `IntegerNetwork.from_estimator` takes; the weights have 32 bits and lie in the caller's
        struct, and the files are NAME.h, NAME.c, NAME_test.c, engine.h and engine.c. `weights`,
        `layout` and `n_time_steps` have no meaning.

    Returns
    -------
    network : CNetwork or CLearner
        The files, and methods that run them on this machine; with `learning` a CLearner.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is no estimator of sk_dsn.
    ValueError
        If its weights are not on a grid (see `quantize`), if C of this kind cannot compute what it
        computes, or if it cannot be proved that no sum overflows; the message says what to change.

    See Also
    --------
    CNetwork : What it returns.

    Notes
    -----
    In integers, sums of weights are whole numbers of steps of a layer's grid, and the threshold is
    half of 2**k steps. Rows of weights are added, or a row times a count; no scale is multiplied.
    The estimator's float32 sums are exact below 2**24 steps, so both agree bit for bit as long as
    no sum reaches that, which is proved from the weights, the time steps and the range of the input.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.export import to_c
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(n_time_steps=32, max_iter=10, random_state=0).fit(X / 16, y)
    >>> network = to_c(clf.quantize(bits=8, input_range=(0, 1)), name="digits")
    >>> sorted(network.files)
    ['digits.c', 'digits.h', 'digits_test.c']
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights must be one of {list(WEIGHTS)}, got {weights!r}.")
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {list(LAYOUTS)}, got {layout!r}.")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"name must be a C identifier of lower-case letters, digits and underscores, got {name!r}.")
    if n_time_steps is not None and (not isinstance(n_time_steps, Integral) or not 1 <= n_time_steps < LIMIT):
        raise ValueError(f"n_time_steps must be an integer from 1 to 2**24 - 1 or None, got {n_time_steps!r}.")
    if learning:
        if (weights, layout, n_time_steps) != ("int8", "files", None):
            raise ValueError(
                "learning=True has weights of 32 bits, in files, and the network's own n_time_steps; leave out weights, "
                "layout and n_time_steps."
            )
        exported = CLearner(estimator, name)
    else:
        exported = CNetwork(_source(estimator, name, weights, n_time_steps), estimator, layout)
    if folder is not None:
        exported.save(folder)
    return exported


def _source(estimator, name, weights, n_time_steps):
    """What makes the text of a network with such weights."""
    network, _ = fitted_network(estimator)
    scaling = scaling_of(estimator)
    if weights != "float32":
        return IntegerSource(network, name, weights, n_time_steps, scaling)
    if scaling is not None:
        raise ValueError(
            f"weights='float32' takes features that are scaled already: how {scaling.names} rounds is scikit-learn's, "
            "and not the same in all its releases. Export the network alone, the last step of the Pipeline."
        )
    return FloatSource(network, name, n_time_steps)


class CNetwork:
    """The C of a network: its files, and what they compute, compiled for this machine.

    Attributes
    ----------
    files : dict of str to str
        Names and texts of the files.
    proof : str
        The largest sums that can occur.

    See Also
    --------
    to_c : Makes it of an estimator.
    """

    def __init__(self, source: Any, estimator: Network, layout: str) -> None:
        self._source, self._estimator = source, estimator
        self._library = None
        self.files = arranged(source.files(), source.name, layout)
        self.proof = source.proof

    def save(self, folder: str | PathLike[str]) -> None:
        """Writes the files into a folder, which is made where it is missing."""
        write_files(self.files, folder)

    def decision_function(self, X: Samples) -> Float32Array:
        """The answers of the C, as the estimator's `decision_function`.

        The answers of a regressor are in units of `target_scale_`, as those of the network.
        """
        targets = self._source.network.targets
        answers = self._run(X)[0]
        return targets.decision(answers) if hasattr(targets, "decision") else answers

    def predict(self, X: Samples) -> Array:
        """The predictions of the C, as the estimator's `predict`."""
        return self._source.network.targets.decode(self._run(X)[0])

    def output_sums(self, X: Samples, staged: bool = False) -> Array:
        """Accumulated outputs, undivided, as the C holds them.

        Parameters
        ----------
        X : array-like
            As of the estimator.
        staged : bool, default=False
            Whether after each time step, or after the last one.

        Returns
        -------
        sums : ndarray, shape (n_samples, n_outputs) or (n_time_steps, n_samples, n_outputs)
        """
        return self._run(X, staged)[1]

    def staged_answers(self, X: Samples) -> Float32Array:
        """Answers after each time step, shape (n_time_steps, n_samples, n_outputs)."""
        return self._run(X, staged=True)[0]

    def report(self, X: Samples | None = None, *, compiler: str | None = None, flags: Sequence[str] = ("-Os",)) -> Bunch:
        """Sizes on a processor, and additions of predictions.

        Parameters
        ----------
        X : array-like, default=None
            Samples whose additions are counted; None counts none.
        compiler : str, default=None
            A C compiler whose toolchain has a `size`; None is this machine's.
        flags : sequence of str, default=("-Os",)
            Flags of the compiler, for instance ("-mcpu=cortex-m4", "-mthumb", "-Os").

        Returns
        -------
        report : Bunch
            Bytes: `flash` (code and constants), `data` and `bss` (memory of globals, 0), `state`
            (the struct of a sample) and `stack` (all functions together, an upper bound; None where
            the compiler does not tell). With X `additions_mean` and `additions_largest`, of weights
            to sums in a prediction.
        """
        name = self._source.name
        sizes = object_sizes(self._source.files(), f"{name}.c", f"{name}_state", f"{name}.h", compiler, tuple(flags))
        if X is not None:
            additions = self._run(X)[2]
            sizes |= {"additions_mean": float(additions.mean()), "additions_largest": int(additions.max())}
        return Bunch(**sizes)

    def __getstate__(self):
        return vars(self) | {"_library": None}

    def _run(self, X, staged=False):
        """Answers, undivided sums and the additions of each sample."""
        source = self._source
        _, X = fitted_network(self._estimator, X)
        if self._library is None:
            self._library = load_library(source.host_files(), "host.c")
        run = self._run_streams if is_stream(X) else self._run_static
        return run(X, staged)

    def _run_static(self, X, staged):
        source, network = self._source, self._source.network
        last = source.n_time_steps
        first = 1 if staged else last
        X = X.toarray() if hasattr(X, "toarray") else X
        x = source.values_of(X)
        sums = np.empty((last - first + 1, len(x), network.n_units[-1]), dtype=source.sum_dtype)
        divisors = np.empty(sums.shape[:2], dtype=np.float32)
        additions = np.zeros(len(x), dtype=np.int64)
        failed = self._library.host_static(
            x.ctypes, len(x), first, last, sums.ctypes, divisors.ctypes, additions.ctypes
        )
        _check_range(failed)
        answers = source.answers(sums, divisors)
        return (answers, sums, additions) if staged else (answers[0], sums[0], additions)

    def _run_streams(self, X, staged):
        source, n_outputs = self._source, self._source.network.n_units[-1]
        lengths, most = step_counts(X), source.n_time_steps if source.adds_up else None
        if most is not None and lengths.max(initial=0) > most:
            raise ValueError(
                f"X has samples of {lengths.max()} time steps, but the C is proved for {most}; pass n_time_steps="
                f"{lengths.max()} to to_c."
            )
        sums = np.empty((X.shape[1], len(lengths), n_outputs), dtype=source.sum_dtype)
        divisors = np.empty(sums.shape[:2], dtype=np.float32)
        additions = np.zeros(len(lengths), dtype=np.int64)
        for k, length in enumerate(lengths):
            x = source.values_of(_dense_sample(X, k)[:length])
            out = np.empty((length, n_outputs), dtype=source.sum_dtype)
            divisor = np.empty(length, dtype=np.float32)
            _check_range(
                self._library.host_stream(
                    x.ctypes, int(length), out.ctypes, divisor.ctypes, additions[k : k + 1].ctypes
                )
            )
            sums[:length, k], divisors[:length, k] = out, divisor
            sums[length:, k], divisors[length:, k] = out[-1], divisor[-1]
        answers = source.answers(sums, divisors)
        return (answers, sums, additions) if staged else (answers[-1], sums[-1], additions)


def _dense_sample(X, k):
    """The vectors of a sample of checked streams."""
    if isinstance(X, SparseStreams):
        return X.csr[k].toarray().reshape(X.shape[1:])
    if isinstance(X, Sequences):
        return X.frames[X.starts[k] : X.starts[k] + X.lengths[k]]
    return X[k]


def _check_range(failed):
    if failed:
        raise ValueError(
            "The C refused a sample: a unit would have fired more spikes than its proof allows. Scale the features as in "
            "training, or quantize to fewer bits, which allows more spikes."
        )

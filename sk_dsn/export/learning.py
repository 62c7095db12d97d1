"""CLearner: an `IntegerNetwork` as C99 that goes on learning where it runs."""
from __future__ import annotations

import copy
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

from .. import _core
from .._core.integer.integer_network import FULL
from ._templates import array_text, filled_template
from ._toolchain import load_library, object_sizes, write_files
from .integer import IntegerNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import ArrayLike, NDArray

    from .._typing import Array, Network

__all__ = ["CLearner"]

ENGINE = ("engine.h", "engine.c")
# Samples of the known-answer test.
N_TESTED = 4


class CLearner:
    """The C of a network that learns in integers: its files, and what they compute, compiled for this
    machine. `to_c(..., learning=True)` makes it.

    Parameters
    ----------
    network : IntegerNetwork or estimator
        An estimator as `IntegerNetwork.from_estimator` takes it.
    name : str, default="network"
        The files' name and the prefix of all C names.

    Attributes
    ----------
    files : dict of str to str
        Names and texts of the files. NAME.h says how to use them.
    weights : list of ndarray of int32, shape (n_in, n_out)
        In units, as `learn` of this object has changed them; the files start from those exported.
    error_potentials : list of ndarray of int32, shape (n_units,)
        Of each hidden layer, in units.

    Notes
    -----
    The C allocates nothing and has no globals that change. Its weights are those of the
    `IntegerNetwork` after the same samples, bit for bit. The caller's struct holds all memory: 32
    bits for each weight. docs/integers.md says how to choose the scale and the first weights.
    """

    def __init__(self, network: IntegerNetwork | Network, name: str = "network") -> None:
        if not isinstance(network, IntegerNetwork):
            network = IntegerNetwork.from_estimator(network)
        network._check_weights()
        self.name = name
        self._network = copy.deepcopy(network)
        self._library = None
        self._labels = network.classes is not None
        conditions, values = self._configuration()
        self.files = {
            **{file: files(_core).joinpath("integer", file).read_text(encoding="utf-8") for file in ENGINE},
            f"{name}.h": filled_template("learner.h", name, conditions, values),
            f"{name}.c": filled_template("learner.c", name, conditions, values),
        }
        self._host = filled_template("learner_host.c", name, conditions, values)
        values |= self._known_answers()
        self.files[f"{name}_test.c"] = filled_template("learner_test.c", name, conditions, values)

    def save(self, folder: str | PathLike[str]) -> None:
        """Writes the files into a folder, which is made where it is missing."""
        write_files(self.files, folder)

    @property
    def weights(self) -> list[NDArray[np.int32]]:
        return self._network.weights

    @property
    def error_potentials(self) -> list[NDArray[np.int32]]:
        return self._network.error_potentials

    def learn(self, X: ArrayLike, y: ArrayLike) -> Bunch:
        """Learns each sample once, in order, in the compiled C.

        Parameters
        ----------
        X, y
            As `IntegerNetwork.learn` takes them.

        Returns
        -------
        record : Bunch
            `additions` of each sample, ndarray of uint32.

        Raises
        ------
        ValueError
            Also where a number would overflow, or where breadth-first more error spikes travel
            together than NAME_ROOM allows. The network is then as it was.
        """
        kept, additions = self._learn(X, y)
        self._network.weights, self._network.error_potentials = self._network._unpack(kept)
        return Bunch(additions=additions)

    def outputs(self, X: ArrayLike) -> NDArray[np.int32]:
        """The sums of input to the output units, in units, as `IntegerNetwork.outputs`."""
        return self._predict(*self._network._check_X(X))[0]

    def predict(self, X: ArrayLike) -> Array:
        """The predictions of the C, as `IntegerNetwork.predict`."""
        network = self._network
        X, n_steps = network._check_X(X)
        return network._decode(self._predict(X, n_steps)[0], n_steps)

    def report(
        self,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        compiler: str | None = None,
        flags: Sequence[str] = ("-Os",),
    ) -> Bunch:
        """Sizes on a processor, and additions of samples.

        Parameters
        ----------
        X, y : array-like, default=None
            Samples whose additions are counted, learned one after the other (this network stays as
            it is), or predicted where y is None.
        compiler : str, default=None
            A C compiler whose toolchain has a `size`; None is this machine's.
        flags : sequence of str, default=("-Os",)
            Flags of the compiler, for instance ("-mcpu=cortex-m4", "-mthumb", "-Os").

        Returns
        -------
        report : Bunch
            Bytes of network and engine together: `flash` (code and constants), `data` and `bss`
            (memory of globals, 0), `state` (the struct of a network) and `stack` (all functions
            together, an upper bound; None where the compiler does not tell). With X
            `additions_mean` and `additions_largest`, of a sample.
        """
        state_and_header = f"{self.name}_learner", f"{self.name}.h"
        sizes = object_sizes(self.files, f"{self.name}.c", *state_and_header, compiler, tuple(flags))
        engine = object_sizes(self.files, "engine.c", *state_and_header, compiler, tuple(flags))
        for name in ("flash", "data", "bss", "stack"):
            sizes[name] = None if sizes[name] is None else sizes[name] + engine[name]
        if X is not None:
            additions = self._predict(*self._network._check_X(X))[1] if y is None else self._learn(X, y)[1]
            sizes |= {"additions_mean": float(additions.mean()), "additions_largest": int(additions.max())}
        return Bunch(**sizes)

    def __getstate__(self):
        return vars(self) | {"_library": None}

    # The text.

    def _configuration(self):
        """Conditions and values of the templates."""
        network = self._network
        breadth = network.simulation == "event-driven"
        n_words = [network._empty_engine(room).n_words for room in (1, 2)]
        kept = network._kept()
        conditions = {name for name, holds in {"breadth": breadth, "labels": self._labels}.items() if holds}
        return conditions, {
            "sizes": "-".join(map(str, network.n_units)),
            "n_inputs": network.n_units[0],
            "n_outputs": network.n_units[-1],
            "n_time_steps": network.n_time_steps,
            "one": f"INT32_C({network.scale})",
            "n_kept": kept.size,
            "room": 4 * max(network.n_units),
            "words_of_room": n_words[1] - n_words[0],
            "n_words": 2 * n_words[0] - n_words[1] if breadth else n_words[0],
            "n_layers": len(network.n_units),
            "n_units": ", ".join(map(str, network.n_units)),
            "first": array_text(_smallest_type(kept), "first", list(map(str, kept))),
            "depth_first": int(not breadth),
            "fractional": int(network.weight_update == "fractional"),
            "hold_error": int(network.hold_error),
            "target": "int32_t label" if self._labels else "const int32_t *target",
            "classes": _comment(network.classes) if self._labels else "",
            "answer": ", and dsn_largest_output(&learner->net) the label" if self._labels else "",
        }

    def _known_answers(self):
        """Samples, and what an IntegerNetwork answers after it has learned them."""
        network, rng = copy.deepcopy(self._network), np.random.default_rng(0)
        x = rng.integers(0, network.scale, (N_TESTED, network.n_units[0]), endpoint=True).astype(np.int32)
        if self._labels:
            y = np.arange(N_TESTED, dtype=np.int32) % network.n_units[-1]
            targets = np.eye(network.n_units[-1], dtype=np.int32)[y] * network.scale
        else:
            y = targets = rng.integers(0, network.scale, (N_TESTED, network.n_units[-1]), endpoint=True).astype(np.int32)
        network._learn(x[:, np.newaxis], network.n_time_steps, targets)
        outputs = network._outputs(x[:, np.newaxis], network.n_time_steps)
        return {
            "n_tested": N_TESTED,
            "x": _rows(x),
            "y_shape": "" if self._labels else f"[{self.name.upper()}_N_OUTPUTS]",
            "y": f"    {', '.join(map(str, y))}" if self._labels else _rows(y),
            "outputs": _rows(outputs),
            "checksum": _checksum(network),
        }

    # The compiled C.

    def _learn(self, X, y):
        """What is kept after learning, and the additions of each sample."""
        network = self._network
        X, n_steps = network._check_X(X)
        Y = network._check_y(y, len(X))
        Y = Y.argmax(axis=1).astype(np.int32) if self._labels else Y
        kept, additions = network._kept(), np.empty(len(X), dtype=np.uint32)
        self._call("host_learn", X, n_steps, kept.ctypes, X.ctypes, Y.ctypes, after=[additions.ctypes])
        return kept, additions

    def _predict(self, X, n_steps):
        """Outputs and additions of checked samples."""
        outputs = np.empty((len(X), self._network.n_units[-1]), dtype=np.int32)
        additions = np.empty(len(X), dtype=np.uint32)
        kept = self._network._kept()
        self._call("host_predict", X, n_steps, kept.ctypes, X.ctypes, after=[outputs.ctypes, additions.ctypes])
        return outputs, additions

    def _call(self, function, X, n_steps, *arguments, after):
        if self._library is None:
            self._library = load_library({**self.files, "host.c": self._host}, "host.c")
        n, n_vectors = np.zeros(1, dtype=np.int32), n_steps if X.shape[1] == n_steps else 0
        status = getattr(self._library, function)(*arguments, len(X), n_vectors, n.ctypes, *after)
        if status == FULL:
            raise ValueError(
                f"In sample {n[0]} of X more error spikes travel together than {self.name.upper()}_ROOM allows; the network "
                "is as it was. Export a network with simulation='event-driven-depth-first', which needs no room."
            )
        self._network._refuse_overflow(n[0] if status else -1)


def _smallest_type(numbers):
    """The C type of constants."""
    largest = int(np.abs(numbers).max())
    return next(f"int{bits}_t" for bits in (8, 16, 32) if largest < 2 ** (bits - 1))


def _rows(array):
    return ",\n".join(f"    {{{', '.join(map(str, row))}}}" for row in array)


def _comment(classes):
    """Classes in a comment of C."""
    return ", ".join(str(label).replace("*/", "* /") for label in classes)


def _checksum(network):
    total = 2166136261
    for byte in network._kept().astype("<i4").tobytes():
        total = (total ^ byte) * 16777619 % 2**32
    return total

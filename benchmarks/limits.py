"""How far are the inner loops from the limits of the memory?

Nanoseconds to add a row of weights in the inner loop of each simulation. Each loop is called by
itself on rows in the order of spikes (units ascending, one sample after the other). A bandwidth
probe runs in turn with the loops: it reads as many bytes from end to end, from all over weights of
that size (BLAS's sum of magnitudes). Weights of 784 units by 200, the first layer of the usual
network, fit the second-level cache; 784 by 2000 fit the third. The loop of learning also writes,
which the probe does not.

"fires" is the mean number of units that a row makes fire. The loops come from the table of
functions of the compiled core (`sk_dsn/_core/kernels/kernels.h`) for the default instruction set.
"""
import ctypes
from functools import partial

import numpy as np
from scipy.linalg.blas import sasum

from sk_dsn._core.kernels import dispatch
from sk_dsn._core.network import padded_zeros

from .harness import Target, alternate, ratios, spread
from .report import option_parser, session

PROBE = "read from end to end"
SHAPES = {"second": (784, 200), "third": (784, 2000)}
# About 143 of the 784 pixels of MNIST are active. The core takes 64 samples of a batch together.
ACTIVE, TOGETHER = 0.18, 64
BYTES, QUICK_BYTES = 5e7, 1e5
REPEATS, QUICK_REPEATS = 9, 2
WITHIN = Target("<=", 1.5)
FIRE_UP, FIRE_BACK = 0, 1
POINTER, SIZE = ctypes.c_void_p, ctypes.c_ssize_t


class SpikeCounts(ctypes.Structure):
    _fields_ = [("n", SIZE), ("unit", POINTER), ("count", POINTER), ("total", ctypes.c_double)]


class SpikeTrain(ctypes.Structure):
    _fields_ = [("n", SIZE), ("room", SIZE), ("unit", POINTER), ("sign", POINTER), ("n_arrived", SIZE), ("row", POINTER),
                ("arrived", POINTER), ("potential", POINTER)]  # fmt: skip


class Kernels(ctypes.Structure):
    """The first entries of the table in kernels.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("rows_add", ctypes.CFUNCTYPE(None, POINTER, SIZE, POINTER, SIZE, POINTER)),
        ("rows_share", ctypes.CFUNCTYPE(None, POINTER, SIZE, SIZE, POINTER, SIZE, SIZE, POINTER, SIZE)),
        ("rows_subtract", ctypes.CFUNCTYPE(None, POINTER, SIZE, SIZE, POINTER, POINTER, POINTER, SIZE)),
        ("sums_count", POINTER),
        ("potential_fire", POINTER),
        ("train_fire", POINTER),
        ("train_integrate", ctypes.CFUNCTYPE(ctypes.c_int, POINTER, POINTER, SIZE, ctypes.c_int, POINTER, SIZE, POINTER,
                                             POINTER, SIZE, POINTER)),
    ]  # fmt: skip


def find_kernels():
    """The kernels of the default instruction set, or None if the core does not export its
    functions."""
    try:
        available = ctypes.CDLL(dispatch.__file__).kernels_available
    except (OSError, AttributeError):
        return None
    available.restype = ctypes.POINTER(ctypes.POINTER(Kernels))
    tables = available()
    for k, name in enumerate(dispatch.instruction_sets()):
        if name == dispatch.DEFAULT_INSTRUCTION_SET and tables[k].contents.name.decode() == name:
            return tables[k].contents
    return None


class Rows:
    """The spikes of some samples into a layer of weights, and the inner loops. Each loop adds the
    rows of all samples once."""

    def __init__(self, kernels, n_units, width, drift=0.0):
        rng = np.random.default_rng(0)
        self.kernels = kernels
        self.weights = padded_zeros(n_units, width)
        self.weights[:] = rng.normal(drift, 10 * drift, (n_units, width))
        self.n_units, self.stride = n_units, self.weights.strides[0] // 4
        units = [np.flatnonzero(rng.random(n_units) < ACTIVE).astype(np.int32) for _ in range(TOGETHER)]
        self.unit = np.concatenate(units)
        self.sign = np.ones(len(self.unit), np.float32)
        self.n_rows = len(self.unit)
        self.bytes = 4 * self.stride * self.n_rows
        self.all_spikes = SpikeCounts(self.n_rows, self.unit.ctypes.data, self.sign.ctypes.data)
        starts = np.cumsum([0, *map(len, units[:-1])])
        self.spikes = (SpikeCounts * TOGETHER)(
            *(
                SpikeCounts(len(unit), self.unit[first:].ctypes.data, self.sign[first:].ctypes.data)
                for unit, first in zip(units, starts, strict=True)
            )
        )
        self.sums = padded_zeros(TOGETHER, self.stride)
        self.net_count, self.delta = padded_zeros(2, self.stride)
        self.train = SpikeTrain()
        # As many bytes, from places all over the weights.
        self.bare = np.ones(n_units * self.stride, np.float32)
        self.passages = [
            self.bare[first : first + len(unit) * self.stride]
            for unit in units
            for first in [self.stride * int(rng.integers(n_units - len(unit)))]
        ]

    def read(self):
        for passage in self.passages:
            sasum(passage)

    def call(self):
        """The calls of `read`, without the reading."""
        nothing = self.bare[:1]
        for _ in self.passages:
            sasum(nothing)

    def add_alone(self):
        self.kernels.rows_add(
            address(self.sums), self.stride, address(self.weights), self.stride, ctypes.addressof(self.all_spikes)
        )

    def add_together(self):
        width, to = self.weights.shape[1], self.stride
        self.kernels.rows_share(
            address(self.sums), to, width, address(self.weights), to, self.n_units, self.spikes, TOGETHER
        )

    def subtract(self):
        self.kernels.rows_subtract(
            address(self.weights), self.stride, self.stride, address(self.delta), address(self.unit), address(self.sign),
            self.n_rows,
        )  # fmt: skip

    def integrate(self, rule):
        """Spike by spike, with thresholds after each. Returns how many units fired."""
        self.train.n = 0
        failed = self.kernels.train_integrate(
            address(self.sums), address(self.net_count), self.stride, rule, address(self.weights), self.stride,
            address(self.unit), address(self.sign), self.n_rows, ctypes.addressof(self.train),
        )  # fmt: skip
        if failed:
            raise MemoryError
        return self.train.n


def address(array):
    return array.ctypes.data


def many(loop, times, watch, k):
    """A side for `alternate`."""
    with watch:
        for _ in range(times):
            loop()


def measure(report, kernels, level, options):
    quiet, firing = Rows(kernels, *SHAPES[level]), Rows(kernels, *SHAPES[level], drift=0.3 / SHAPES[level][1])
    quiet.delta[:] = 1e-9
    loops = {
        PROBE: (quiet.read, None),
        "counting, samples side by side": (quiet.add_together, None),
        "counting, a sample alone; clock-driven": (quiet.add_alone, None),
        "learning: rows changed": (quiet.subtract, None),
        "event-driven, rectifying": (partial(quiet.integrate, FIRE_UP), 0),
        "event-driven, rectifying, with firing": (partial(firing.integrate, FIRE_UP), firing.integrate(FIRE_UP)),
        "event-driven, signed": (partial(quiet.integrate, FIRE_BACK), 0),
    }
    times = int((QUICK_BYTES if options.quick else BYTES) // quiet.bytes) + 1
    sides = {name: partial(many, loop, times) for name, (loop, _) in loops.items()}
    seconds = alternate(
        sides | {"call": partial(many, quiet.call, times)}, QUICK_REPEATS if options.quick else REPEATS, times * quiet.n_rows
    )
    calls = seconds.pop("call")
    seconds[PROBE] = [a - b for a, b in zip(seconds[PROBE], calls, strict=True)]
    rows = []
    for name, (_, fired) in loops.items():
        row = {"inner loop": name} | spread(seconds[name], "ns") | (ratio := ratios(seconds[name], seconds[PROBE]))
        row |= report.judgement(ratio["ratio"], WITHIN if name != PROBE and "changed" not in name else None)
        row["fires"] = None if fired is None else fired / quiet.n_rows
        rows.append(row | {"GB/s": 4e-9 * quiet.stride / np.median(seconds[name])})
    n_units, width = SHAPES[level]
    title = f"{n_units} rows of {width}, {1e-3 * 4 * n_units * quiet.stride:.0f} kB, in the {level}-level cache"
    report.table(f"{title}: ns a row", rows, seconds=seconds)


def main(argv=None):
    options = option_parser(__doc__).parse_args(argv)
    with session(__doc__, options) as report:
        kernels = find_kernels()
        if kernels is None:
            print("Not measured: this build of the core does not show its functions.")
            return
        for level in SHAPES:
            measure(report, kernels, level, options)


if __name__ == "__main__":
    main()

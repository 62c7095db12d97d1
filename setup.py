"""The compiled core: extensions, flags and directives. SK_DSN_DEBUG=1 builds it with checks and without optimisation."""
import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("SK_DSN_DEBUG", "0") not in ("", "0")
CORE = "sk_dsn/_core"

if sys.platform == "win32":
    flags = ["/Od", "/Zi", "/UNDEBUG"] if DEBUG else ["/O2", "/fp:precise"]
else:
    # Every instruction set must give the same bits, so products and sums are rounded separately; neither errno nor
    # floating-point traps are used, and saying so lets conversions and comparisons vectorise. Unroll-and-jam turns the
    # loop over a list of rows into gathers. The kernels pass vectors between inlined functions only, hence no-psabi.
    flags = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi"]
    flags += ["-O0", "-g", "-UNDEBUG"] if DEBUG else ["-O3", "-fno-loop-unroll-and-jam"]


def extension(name, *sources):
    return Extension(f"sk_dsn._core.{name}", [f"{CORE}/{name}.pyx", *sources], extra_compile_args=flags,
                     depends=[f"{CORE}/kernels.h", f"{CORE}/kernels_simd.h"], include_dirs=[CORE])


setup(
    ext_modules=cythonize(
        [extension("network", f"{CORE}/kernels.c"),
         *map(extension, ("settings", "spike_train", "counting", "stepping", "clock_driven", "event_driven", "learning",
                          "training", "prediction"))],
        compiler_directives={
            "language_level": 3, "boundscheck": DEBUG, "wraparound": False, "initializedcheck": DEBUG,
            "cdivision": not DEBUG, "overflowcheck": DEBUG, "embedsignature": True,
        },
    ),
)

"""The compiled core: extensions, flags and directives. SK_DSN_DEBUG=1 builds it unoptimised, with checks; SK_DSN_SANITIZE=1
with GCC's sanitizers of addresses and of undefined behaviour too, whose library must be loaded first (see .ci/run)."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SANITIZE = os.environ.get("SK_DSN_SANITIZE", "0") not in ("", "0")
DEBUG = SANITIZE or os.environ.get("SK_DSN_DEBUG", "0") not in ("", "0")
SANITIZERS = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
CORE = "sk_dsn/_core"
KERNELS = "sk_dsn._core.kernels.dispatch"
SHARED = "sk_dsn._core._cyutility"
HEADERS = sorted(Path(CORE, "kernels").glob("*.h"))
# C that is compiled into a module.
C_SOURCES = {
    KERNELS: sorted(Path(CORE, "kernels").glob("*.c")),
    "sk_dsn._core.integer.integer_network": [Path(CORE, "integer", "engine.c")],
}
PYTHON_FACING = {
    f"sk_dsn._core.{name}"
    for name in [
        *("_cyutility", "network", "samples", "settings"),
        *("learn.epoch", "learn.learner", "simulate.outputs", "simulate.spikes"),
        *("recurrent.learner", "recurrent.recurrent_network"),
    ]
}


def compiler_flags(compiler, is_python_facing):
    """Modules that only Python calls have no inner loops, and most of their C is Cython's, which takes long at -O3."""
    if compiler.compiler_type == "msvc":
        return ["/Od", "/Z7", "/UNDEBUG", "/DSK_DSN_DEBUG"] if DEBUG else ["/O2", "/DNDEBUG", "/fp:precise"]
    # Every instruction set must give the same bits, so products and sums are rounded separately; neither errno nor
    # floating-point traps are used, and saying so lets conversions and comparisons vectorise. The kernels pass vectors
    # between inlined functions only, hence no-psabi.
    flags = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi"]
    if SANITIZE:
        return [*flags, "-O1", "-g", "-UNDEBUG", "-DSK_DSN_DEBUG", "-U_FORTIFY_SOURCE", *SANITIZERS]
    if DEBUG:
        # Undefined behaviour traps (SIGILL): that needs no library, so it works in an extension of any Python.
        return [*flags, "-O0", "-g", "-UNDEBUG", "-DSK_DSN_DEBUG", "-U_FORTIFY_SOURCE",
                "-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error"]
    # Debug information, which Python's own flags ask for, would be four fifths of a wheel.
    # GCC's unroll-and-jam turns the loop over a list of rows into gathers; Clang has no such flag and refuses it. The
    # switches are recorded in what they made, for the benchmarks to tell.
    optional = [flag for flag in ("-fno-loop-unroll-and-jam", "-frecord-gcc-switches") if is_known(compiler, flag)]
    return [*flags, "-O2" if is_python_facing else "-O3", "-g0", "-DNDEBUG", *optional]


def is_known(compiler, flag):
    trial = [*compiler.compiler_so, flag, "-E", "-x", "c", os.devnull]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


def missing_tool(compiler):
    """Says what is missing to compile an extension of Python, and the remedy, or returns None."""
    if compiler.compiler_type == "msvc":
        return None  # setuptools says it
    command = compiler.compiler_so
    if shutil.which(command[0]) is None:
        return (
            f"sk_dsn has a core in C, and the C compiler {command[0]!r} is not here. Install one (Debian: apt install gcc "
            "python3-dev; Fedora: dnf install gcc python3-devel; macOS: xcode-select --install), or name yours by CC."
        )
    trial = [*command, "-E", "-x", "c", *(f"-I{folder}" for folder in compiler.include_dirs), "-"]
    if subprocess.run(trial, input=b"#include <Python.h>", capture_output=True, check=False).returncode:
        return "sk_dsn has a core in C, and Python's headers are not here. Install them (Debian: apt install python3-dev)."
    return None


class CoreBuild(build_ext):
    def build_extensions(self):
        if complaint := missing_tool(self.compiler):
            raise SystemExit(f"error: {complaint}")
        for module in self.extensions:
            module.extra_compile_args = compiler_flags(self.compiler, module.name in PYTHON_FACING)
            module.extra_link_args = SANITIZERS if SANITIZE else []
        super().build_extensions()


def extension(path):
    name = ".".join(path.with_suffix("").parts)
    sources, headers = [path, *C_SOURCES.get(name, [])], {*HEADERS, *path.parent.glob("*.h")}
    return Extension(name, list(map(str, sources)), depends=sorted(map(str, headers)),
                     include_dirs=[f"{CORE}/kernels", str(path.parent)])


# What is built passes for fresh while no source is newer, whatever it was built with. So this file is rewritten when
# the settings change, and everything depends on it.
settings = Path("build/settings")
settings_now = f"DEBUG = {DEBUG}, SANITIZE = {SANITIZE}\n{Path(__file__).read_text()}"
settings_changed = not settings.exists() or settings.read_text() != settings_now

# Cython's code for memoryviews, of which every module that has them would compile a copy, is compiled once.
shared = Path(f"build/cython/{CORE}/_cyutility.c")
if settings_changed:
    shared.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "cython", f"--generate-shared={shared}"], check=True)

ext_modules = cythonize(
    [*map(extension, sorted(Path(CORE).rglob("*.pyx"))), Extension(SHARED, [str(shared)])],
    build_dir="build/cython",
    force=settings_changed,
    shared_utility_qualified_name=SHARED,
    # Without overflowcheck: the random generator's products wrap, and Cython would raise there without the GIL.
    compiler_directives={
        "language_level": 3, "boundscheck": DEBUG, "wraparound": False, "initializedcheck": DEBUG,
        "cdivision": not DEBUG, "embedsignature": True,
    },
)
if settings_changed:
    settings.write_text(settings_now)
for module in ext_modules:
    module.depends.append(str(settings))

setup(ext_modules=ext_modules, cmdclass={"build_ext": CoreBuild}, options={"build_ext": {"parallel": True}})

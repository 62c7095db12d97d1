"""Compilers: C networks as libraries of this machine, and the sizes of their object files."""
import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sklearn.utils import Bunch

STANDARD_FLAGS = ("-std=c99", "-pedantic")


def host_compiler():
    """The C compiler of this machine. Raises RuntimeError where there is none."""
    compiler = os.environ.get("CC") or "cc"
    if shutil.which(compiler.split()[0]) is None:
        raise RuntimeError(
            f"The C compiler {compiler!r} was not found. To run a network's C here, install one, or name it in the "
            "environment variable CC. Saving the C needs none."
        )
    return compiler


def run_tool(*command, folder=None):
    """What a program prints. Raises RuntimeError with its messages where it fails."""
    try:
        done = subprocess.run([*command], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise RuntimeError(f"{command[0]!r} was not found; install it, or name another compiler.") from None
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def load_library(files, source, flags=("-O2",), compiler=None):
    """A ctypes library of one of `files`, a dict of names and texts, which may include the others."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(files, folder)
        command = [*(compiler or host_compiler()).split(), *STANDARD_FLAGS, *flags]
        run_tool(*command, "-shared", "-fPIC", source, "-o", "network.so", "-lm", folder=folder)
        return ctypes.CDLL(str(Path(folder, "network.so")))


def write_files(files, folder):
    for path, text in files.items():
        path = Path(folder, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def object_sizes(files, source, state_type, header, compiler=None, flags=("-Os",)):
    """Bytes of one of `files` as an object file, by the `size` of the compiler's toolchain.

    A Bunch: `flash` (text and initialised data), `data` and `bss` (both 0 where nothing is global),
    `state` (of the caller's struct) and `stack`, that of all functions together, which no call
    exceeds; None where the compiler does not tell.
    """
    compiler = (compiler or host_compiler()).split()
    base = Path(compiler[0]).name
    size = re.sub(r"(gcc|cc|clang)(-\d+)?$", "size", base) if "-" in base else "size"
    size = size if shutil.which(size) else "size"
    with tempfile.TemporaryDirectory() as folder:
        probe = f'#include "{header}"\nchar probe[sizeof({state_type})] = {{1}};\n'
        write_files({**files, "probe.c": probe}, folder)
        usage = [] if "clang" in base else ["-fstack-usage"]
        for name in (source, "probe.c"):
            run_tool(*compiler, *STANDARD_FLAGS, *flags, *(usage if name == source else []), "-c", name, "-o",
                     f"{Path(name).stem}.o", folder=folder)
        text, data, bss = _sections(run_tool(size, f"{Path(source).stem}.o", folder=folder))
        _, state, _ = _sections(run_tool(size, "probe.o", folder=folder))
        stack = None
        if usage:
            lines = Path(folder, f"{Path(source).stem}.su").read_text().splitlines()
            stack = sum(int(line.split("\t")[1]) for line in lines)
    return Bunch(flash=text + data, data=data, bss=bss, state=state, stack=stack)


def _sections(printed):
    """text, data and bss of the Berkeley format."""
    return [int(number) for number in printed.splitlines()[1].split()[:3]]

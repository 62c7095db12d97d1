"""to_c on targets: layouts, processors in QEMU, and sizes by their own toolchains."""
import shutil

import pytest
from sklearn.datasets import load_digits

from export_helpers import COMPILERS, KINDS, WARNINGS, export_kind, run
from sk_dsn import SpikingMLPClassifier
from sk_dsn.export import to_c

needs_compiler = pytest.mark.skipif(not COMPILERS, reason="no C compiler")
LAID_OUT = ["counting", "recurrent", "float, leaky"]


def needs(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed")


def build(folder, *command):
    built = run(command, folder)
    assert built.returncode == 0, built.stdout + built.stderr


@needs_compiler
@pytest.mark.parametrize("kind", LAID_OUT)
def test_one_header_holds_all(kind, tmp_path):
    exported = export_kind(kind, tmp_path, layout="header")
    assert sorted(exported.files) == ["network.h", "network_test.c"]
    # Beside the file that has the functions, one that calls them.
    (tmp_path / "user.c").write_text('#include "network.h"\n#include "network.h"\nint user(network_state *state);\n'
                                     "int user(network_state *state) { return network_step(state); }\n")
    build(tmp_path, COMPILERS[-1], *WARNINGS, "-O1", "network_test.c", "user.c", "-o", "test", "-lm")
    assert run(["./test"], tmp_path).returncode == 0


SERIAL = """
#include <stdio.h>
struct { void begin(long) {} void println(const char *text) { puts(text); } } Serial;
"""
LOOP = """
void setup();
int main() { setup(); }
"""


@needs_compiler
@pytest.mark.parametrize("kind", LAID_OUT)
def test_an_arduino_library_has_its_layout_and_its_sketch_runs(kind, tmp_path):
    needs("g++")
    export_kind(kind, tmp_path, layout="arduino")
    properties = dict(line.split("=", 1) for line in (tmp_path / "library.properties").read_text().splitlines())
    needed = "name version author maintainer sentence paragraph category url architectures"
    assert set(needed.split()) <= set(properties)
    sketch = tmp_path / "examples" / "network_test"
    (tmp_path / "sketch.cpp").write_text(SERIAL + (sketch / "network_test.ino").read_text() + LOOP)
    flags = ["-DARDUINO=10819", "-Isrc"]
    build(tmp_path, COMPILERS[-1], *WARNINGS, *flags, "-c", "src/network.c", "-o", "network.o")
    build(tmp_path, COMPILERS[-1], *WARNINGS, *flags, "-c", sketch / "network_test.c", "-o", "test.o")
    build(tmp_path, "g++", *flags, "sketch.cpp", "network.o", "test.o", "-o", "sketch")
    assert run(["./sketch"], tmp_path).stdout == "network: all answers are right\n"


# Zephyr's functions for modules, in the words of CMake.
ZEPHYR = """
cmake_minimum_required(VERSION 3.13)
project(probe C)
set(CONFIG_NETWORK y)
set(CONFIG_NETWORK_TEST y)
add_compile_definitions(__ZEPHYR__=1)
function(zephyr_include_directories)
  include_directories(${ARGN})
endfunction()
function(zephyr_library_named name)
  add_library(${name} STATIC)
endfunction()
function(zephyr_library_sources)
  target_sources(network PRIVATE ${ARGN})
endfunction()
function(zephyr_library_sources_ifdef setting)
  if(${setting})
    target_sources(network PRIVATE ${ARGN})
  endif()
endfunction()
include(${MODULE}/CMakeLists.txt)
file(WRITE main.c "int network_test(void); int main(void) { return network_test(); }")
add_executable(probe main.c)
target_link_libraries(probe network m)
"""


@needs_compiler
@pytest.mark.parametrize("kind", LAID_OUT[:1])
def test_a_zephyr_module_builds_and_knows_its_answers(kind, tmp_path):
    needs("cmake", "make")
    exported = export_kind(kind, tmp_path, layout="zephyr")
    for line in ("config NETWORK", "config NETWORK_TEST"):
        assert line in exported.files["Kconfig"].splitlines()
    for line in ("  cmake: .", "  kconfig: Kconfig"):
        assert line in exported.files["zephyr/module.yml"].splitlines()
    # The module's folder is that of its CMakeLists.txt.
    module = tmp_path / "CMakeLists.txt"
    module.rename(tmp_path / "module.cmake")
    module.write_text(ZEPHYR.replace("${MODULE}/CMakeLists.txt", "module.cmake"))
    build(tmp_path, "cmake", "-S", ".", "-B", "build", "-G", "Unix Makefiles")
    build(tmp_path, "cmake", "--build", "build")
    assert run(["build/probe"], tmp_path).returncode == 0


# A vector table, and the test's answer as the exit status of QEMU, by semihosting.
START = """
#include <stdint.h>
int network_test(void);
void start(void);
void start(void)
{
    static volatile uint32_t status[2] = {0x20026};
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xF00000; /* the floating-point unit is switched on */
#endif
    status[0] = 0x20026;
    status[1] = (uint32_t)network_test();
    __asm volatile("mov r0, #0x20\\n mov r1, %0\\n bkpt 0xab" : : "r"(status) : "r0", "r1", "memory");
    for (;;)
        ;
}
__attribute__((section(".vectors"), used)) static void *const vectors[16] = {(void *)0x20004000, start, start, start};
"""
PLACES = ["-Wl,--section-start=.vectors=0", "-Wl,-Ttext=0x100", "-Wl,-Tdata=0x20000000", "-Wl,-estart"]
PROCESSORS = {
    "Cortex-M0": ("microbit", ["-mcpu=cortex-m0", "-mthumb"]),
    "Cortex-M4": ("mps2-an386", ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]),
}
IN_QEMU = [*((kind, "Cortex-M4") for kind in KINDS), ("counting", "Cortex-M0"), ("recurrent", "Cortex-M0")]


def answer_in_qemu(folder, processor, level):
    machine, flags = PROCESSORS[processor]
    (folder / "start.c").write_text(START)
    # gnu99, so that products would be contracted where the C did not forbid it.
    build(folder, "arm-none-eabi-gcc", "-std=gnu99", level, *flags, "-nostartfiles", *PLACES, "start.c", "network.c",
          "network_test.c", "-DNETWORK_TEST_NO_MAIN", "-o", "test.elf")
    command = ["qemu-system-arm", "-M", machine, "-nographic", "-monitor", "none", "-serial", "none"]
    return run(["timeout", "60", *command, "-semihosting-config", "enable=on,target=native", "-kernel", "test.elf"], folder)


@pytest.mark.parametrize(("kind", "processor"), IN_QEMU)
def test_a_processor_in_qemu_knows_the_answers(kind, processor, tmp_path):
    needs("arm-none-eabi-gcc", "qemu-system-arm", "timeout")
    export_kind(kind, tmp_path)
    done = answer_in_qemu(tmp_path, processor, "-O2")
    assert done.returncode == 0, done.stderr


def test_a_processor_in_qemu_finds_a_changed_answer(tmp_path):
    needs("arm-none-eabi-gcc", "qemu-system-arm", "timeout")
    export_kind("counting", tmp_path)
    path = tmp_path / "network_test.c"
    text = path.read_text()
    place = text.index("    {", text.index("stream_answers[N_TESTED_STEPS]")) + 5
    end = text.index(",", place)
    path.write_text(f"{text[:place]}{int(text[place:end]) + 1}{text[end:]}")
    # After the two samples, the first time step.
    assert answer_in_qemu(tmp_path, "Cortex-M4", "-Os").returncode == 3


TOOLCHAINS = {
    "Cortex-M0+": ("arm-none-eabi-gcc", ("-mcpu=cortex-m0plus", "-mthumb", "-Os")),
    "Cortex-M4": ("arm-none-eabi-gcc", ("-mcpu=cortex-m4", "-mthumb", "-Os")),
    "AVR": ("avr-gcc", ("-mmcu=atmega328p", "-Os")),
}


@pytest.mark.parametrize("processor", TOOLCHAINS)
def test_a_network_of_digits_fits_a_small_processor(processor, tmp_path):
    compiler, flags = TOOLCHAINS[processor]
    needs(compiler)
    X, y = load_digits(return_X_y=True)
    clf = SpikingMLPClassifier((50,), n_time_steps=16, max_iter=1, random_state=0).fit(X[:100] / 16, y[:100])
    exported = to_c(clf.quantize(8, input_range=(0, 1)), tmp_path)
    build(tmp_path, compiler, *WARNINGS, *flags, "-c", "network.c", "-o", "network.o")
    report = exported.report(compiler=compiler, flags=flags)
    n_weights = 64 * 50 + 50 * 10
    assert n_weights < report.flash < n_weights + 3072
    # int32 sums, int16 potentials and counts, and the time step.
    assert 60 * 4 + 64 * 2 + 4 < report.state <= 60 * 4 + 64 * 2 + 50 * 2 + 8
    assert report.stack < 512 and report.data == report.bss == 0

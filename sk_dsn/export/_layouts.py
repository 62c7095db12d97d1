"""The files of a C network as one header, an Arduino library, or a Zephyr module."""
from functools import partial

LAYOUTS = ("files", "header", "arduino", "zephyr")

LIBRARY = """\
name={name}
version=1.0.0
author=sk_dsn
maintainer=sk_dsn
sentence=A spiking network in C.
paragraph={about}
category=Data Processing
url=https://sk-dsn.readthedocs.io/en/stable/
architectures=*
includes={name}.h
"""

SKETCH = """\
/* Runs the known-answer test of {name}. */
#include <{name}.h>

extern "C" int {name}_test(void);

void setup()
{{
    Serial.begin(115200);
    Serial.println({name}_test() == 0 ? "{name}: all answers are right" : "{name}: an answer is wrong");
}}

void loop()
{{
}}
"""

MODULE = """\
name: {name}
build:
  cmake: .
  kconfig: Kconfig
"""

KCONFIG = """\
config {upper}
    bool "{name}, a spiking network"
    help
      {about}

config {upper}_TEST
    bool "Known-answer test of {name}"
    depends on {upper}
    help
      Adds int {name}_test(void), which returns 0 if all answers are right.
"""

CMAKE = """\
if(CONFIG_{upper})
  zephyr_include_directories(include)
  zephyr_library_named({name})
  zephyr_library_sources({sources})
  zephyr_library_sources_ifdef(CONFIG_{upper}_TEST test/{name}_test.c)
endif()
"""


def arranged(files, name, layout):
    """Files of a network, by path: `files` holds NAME.h, NAME.c, NAME_test.c and perhaps more."""
    if layout == "files":
        return files
    if layout == "header":
        return _header(files, name)
    test = f"{name}_test.c"
    headers = {path: text for path, text in files.items() if path.endswith(".h")}
    sources = {path: text for path, text in files.items() if path.endswith(".c") and path != test}
    about = files[f"{name}.h"].partition("/* ")[2].partition(" */")[0]
    filled = partial(str.format, name=name, upper=name.upper(), about=about)
    if layout == "arduino":
        example = f"examples/{name}_test"
        return {
            "library.properties": filled(LIBRARY),
            **{f"src/{path}": text for path, text in (headers | sources).items()},
            f"{example}/{name}_test.ino": filled(SKETCH),
            f"{example}/{test}": files[test],
        }
    return {
        "zephyr/module.yml": filled(MODULE),
        "CMakeLists.txt": filled(CMAKE, sources=" ".join(f"src/{path}" for path in sources)),
        "Kconfig": filled(KCONFIG),
        **{f"include/{path}": text for path, text in headers.items()},
        **{f"src/{path}": text for path, text in sources.items()},
        f"test/{test}": files[test],
    }


def _header(files, name):
    """One header. A C file that defines NAME_IMPLEMENTATION before it includes it gets the functions."""
    test, upper = f"{name}_test.c", name.upper()
    inner = [path for path in files if path.endswith(".h") and path != f"{name}.h"]
    own = [f"{name}.h", *inner]
    parts = [files[path] for path in [*inner, f"{name}.h"]]
    sources = [files[path] for path in files if path.endswith(".c") and path != test]
    parts += [
        f"\n/* Define {upper}_IMPLEMENTATION in one C file, which gets the functions, and no other network. */\n",
        f"#if defined({upper}_IMPLEMENTATION) && !defined({upper}_IMPLEMENTED)\n#define {upper}_IMPLEMENTED\n",
        *sources,
        "#endif\n",
    ]
    text = "".join(parts)
    for path in own:
        text = text.replace(f'#include "{path}"\n', "")
    return {f"{name}.h": text, test: f"#define {upper}_IMPLEMENTATION\n{files[test]}"}

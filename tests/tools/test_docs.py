"""The documentation: docstrings that refer to each other, and pages that name all that is public."""
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

import sk_dsn

DOCS = Path(__file__).parents[2] / "docs"
MODULES = [sk_dsn, *(import_module(f"sk_dsn.{name}") for name in sorted(sk_dsn._MODULES))]
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in MODULES
    for name in module.__all__
    if not inspect.ismodule(getattr(module, name))
}
DOCUMENTED = {name: member for name, member in PUBLIC.items() if callable(member)}


def see_also(name):
    """Full names of the members of this package to which a docstring refers."""
    section = re.search(r"^See Also\n-+\n((?:.+\n?)*)", inspect.getdoc(DOCUMENTED[name]), re.MULTILINE)
    named = re.findall(r"^([\w.]+) :", section[1], re.MULTILINE) if section else []
    module = name.rpartition(".")[0]
    return {reference if "." in reference else f"{module}.{reference}" for reference in named}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_see_also_goes_both_ways(name):
    for other in see_also(name):
        if other.startswith("sk_dsn."):
            assert other in PUBLIC, f"{name} refers to {other}, which is not there"
            assert other not in DOCUMENTED or name in see_also(other), f"{other} does not refer to {name}"


def test_the_api_page_lists_all_that_is_public():
    if not (DOCS / "api.rst").is_file():
        pytest.skip("the documentation is not part of this installation")
    module, listed = None, set()
    for line in (DOCS / "api.rst").read_text().splitlines():
        if line.startswith(".. currentmodule::"):
            module = line.split()[-1]
        elif entry := re.fullmatch(r"   (\w+)|\.\. py:data:: (\w+)", line):
            listed.add(f"{module}.{entry[1] or entry[2]}")
    assert listed == set(PUBLIC)

"""The package as an index and a compiler see it."""
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import sk_dsn

ROOT = Path(__file__).parents[2]
METADATA = distribution("sk-dsn").metadata


def in_repository(path):
    if not (ROOT / path).is_file():
        pytest.skip(f"{path} is in the repository only")
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_version_is_the_same_everywhere():
    assert METADATA["Version"] == sk_dsn.__version__
    assert f"\nversion: {sk_dsn.__version__}\n" in in_repository("CITATION.cff")
    assert f"\n## {sk_dsn.__version__}" in in_repository("docs/changelog.md")


def test_the_console_script_is_the_command_line():
    (script,) = (entry for entry in distribution("sk-dsn").entry_points if entry.group == "console_scripts")
    assert (script.name, script.load()) == ("sk-dsn", sys.modules["sk_dsn._cli.main"].main)


def test_the_index_gets_addresses_and_python_versions():
    urls = dict(entry.split(", ") for entry in METADATA.get_all("Project-URL"))
    assert {"Documentation", "Source", "Issues", "Changelog"} <= set(urls)
    assert sk_dsn.SpikingMLPClassifier._doc_link_template.startswith(urls["Documentation"] + "generated/")
    assert urls["Changelog"] == urls["Documentation"] + "changelog.html"
    assert urls["Issues"] == urls["Source"] + "/issues"
    assert f"\nrepository-code: {urls['Source']}\n" in in_repository("CITATION.cff")
    classifiers = METADATA.get_all("Classifier")
    oldest = int(re.search(r">=3\.(\d+)", METADATA["Requires-Python"])[1])
    assert f"Programming Language :: Python :: 3.{oldest}" in classifiers
    assert f"Programming Language :: Python :: 3.{oldest - 1}" not in classifiers


def test_links_of_the_readme_work_on_the_index_and_lead_to_pages():
    urls = dict(entry.split(", ") for entry in METADATA.get_all("Project-URL"))
    links = re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", in_repository("README.md"))
    for link in map("".join, links):
        assert link.startswith("https://")
        page = link.removeprefix(urls["Documentation"])
        if page != link and not page.startswith("auto_examples/"):
            stem = page.removesuffix(".html")
            assert any((ROOT / "docs" / f"{stem}{ending}").is_file() for ending in (".md", ".rst")), link
        if "/main/" in link:
            assert (ROOT / link.partition("/main/")[2]).is_file(), link


def test_an_installation_without_a_compiler_says_so_in_one_line(tmp_path):
    pytest.importorskip("Cython", reason="Cython is not installed")
    pytest.importorskip("setuptools", minversion="77", reason="setuptools, as pyproject.toml requires it, is not installed")
    in_repository("setup.py")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    run = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext"],
        cwd=tmp_path,
        env={**os.environ, "CC": "no-compiler"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    (line,) = [line for line in run.stderr.splitlines() if "error" in line]
    assert line.startswith("error: sk_dsn has a core in C, and the C compiler 'no-compiler' is not here.")

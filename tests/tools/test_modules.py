"""The modules of the package: reached after `import sk_dsn`, imported late, with public names alone."""
import subprocess
import sys
from importlib import import_module

import pytest

import sk_dsn

MODULES = ["conversion", "export", "metrics", "plotting", "quantization"]


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_reached_after_importing_the_package(name):
    assert run(f"import sk_dsn; print(sk_dsn.{name}.__name__)") == [f"sk_dsn.{name}"]
    assert name in dir(sk_dsn) and name in sk_dsn.__all__


def test_importing_the_package_does_not_import_the_tools():
    loaded = run("import sys, sk_dsn; print(*sys.modules)")
    assert "sk_dsn._base" in loaded
    assert not {"sk_dsn.metrics", "sk_dsn.plotting", "sk_dsn.quantization", "matplotlib"} & set(loaded)
    assert not {"sklearn.neural_network", "sklearn.model_selection", "sklearn.pipeline"} & set(loaded)


def test_an_attribute_that_there_is_not_is_an_error():
    with pytest.raises(AttributeError, match="module 'sk_dsn' has no attribute 'metric'"):
        sk_dsn.metric  # noqa: B018


@pytest.mark.parametrize("name", MODULES)
def test_all_are_the_public_functions_and_classes_of_a_module(name):
    module = import_module(f"sk_dsn.{name}")
    own = {
        public
        for public, value in vars(module).items()
        if not public.startswith("_") and str(getattr(value, "__module__", None)).startswith(module.__name__)
    }
    constants = {"EVENT"} if name == "quantization" else set()
    assert set(module.__all__) == own | constants
    assert all(getattr(module, public).__doc__ for public in module.__all__)

"""The HTML representation: a link to the documentation, and a tooltip for every parameter and attribute."""
import re

import numpy as np
import pytest

import sk_dsn
from sk_dsn.streams import StreamScaler

common = pytest.importorskip("sklearn.utils._repr_html.common", reason="this scikit-learn has no tooltips")

CLASSES = [*(kind for kind in map(vars(sk_dsn).get, sk_dsn.__all__) if isinstance(kind, type)), StreamScaler]


@pytest.mark.parametrize("kind", CLASSES)
def test_the_html_links_to_the_page_of_the_class(kind):
    page = f"{kind.__module__.split('._')[0]}.{kind.__name__}.html"
    (link,) = re.findall(r'href="(https://[^"#]+/generated/[^"#]+)"', kind()._repr_html_())[:1]
    assert link.endswith(page)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_parameter_has_a_tooltip(kind):
    missing = [name for name in kind().get_params(deep=False) if common.get_docstring(kind, "Parameters", name) is None]
    assert missing == []


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if hasattr(kind, "fit")])
def test_every_fitted_attribute_has_a_tooltip(kind):
    X = np.random.default_rng(0).random((20, 3, 2), dtype=np.float32)
    fitted = kind().fit(X, np.arange(20) % 2)
    attributes = [name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")]
    missing = [name for name in attributes if common.get_docstring(kind, "Attributes", name) is None]
    assert missing == []

"""Sphinx: how the documentation is built (`sphinx-build -W --keep-going docs FOLDER`)."""
import re
from pathlib import Path

from docutils import nodes

import sk_dsn

ROOT = Path(__file__).parents[1]

project = "sk_dsn"
author = "The sk_dsn developers"
version = release = sk_dsn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "examples", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]
root_doc = "index"
default_role = "literal"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_default_options = {
    "exclude-members": "get_metadata_routing, set_fit_request, set_partial_fit_request, set_score_request",
}
autosummary_generate = True
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "show_memory": False,
    "remove_config_comments": True,
}

html_theme = "furo"
html_title = f"sk_dsn {release}"

# Links that leave docs/ lead to files of the repository, so that they work there; here each has a page.
PAGES = {
    "../CONTRIBUTING.md": "contributing.md",
    "../README.md": "index.md",
    "../benchmarks/results/README.md": "figures.md",
}
CONTENTS = {"contributing": ROOT / "CONTRIBUTING.md", "figures": ROOT / "benchmarks" / "results" / "README.md"}


def read_page(app, name, source):
    """Fill the pages of files outside of docs/, and lead links to such files to their pages."""
    text = source[0]
    if name in CONTENTS:
        text = CONTENTS[name].read_text(encoding="utf-8")
        text = text.replace("](docs/", "](")
        text = re.sub(r'<a id="(\w+)"></a>', r"(\1)=", text)
    for path, page in PAGES.items():
        text = text.replace(f"]({path}", f"]({page}")
    source[0] = text


# Labels in scikit-learn's docstrings, which our estimators inherit.
SCIKIT_LEARN = "https://scikit-learn.org/stable/"
LABELS = {
    "accuracy_score": "modules/model_evaluation.html#accuracy-score",
    "r2_score": "modules/model_evaluation.html#r2-score",
    "df_output_transform": "data_transforms.html",
    "sphx_glr_auto_examples_miscellaneous_plot_set_output.py": "auto_examples/miscellaneous/plot_set_output.html",
}


def find_label(app, env, node, text):
    """The reference to a page of scikit-learn's documentation, without downloading its inventory."""
    if node.get("reftype") == "ref" and node["reftarget"] in LABELS:
        return nodes.reference("", text.astext(), refuri=SCIKIT_LEARN + LABELS[node["reftarget"]])
    return None


def setup(app):
    app.connect("source-read", read_page)
    app.connect("missing-reference", find_label)

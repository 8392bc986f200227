"""The site: built from the texts here, the package's docstrings and the executed notebooks.

A finished page asks nothing of any other site: formulas become MathML while the site is built, so
no script has to typeset them, and notebooks are shown as they were saved.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from camkit import __version__  # noqa: E402

project = "Where is the network looking?"
author = "The camkit developers"
copyright = "2026, The camkit developers"
release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"
# Committed notebooks hold no widget state, so no page needs the widgets' script.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

# A name in single backticks is code, and a link where the site describes it.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
html_math_renderer = "mathml"
html_theme = "sphinx_book_theme"
html_title = project
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navbar_persistent": [],
    "use_download_button": False,
    "use_fullscreen_button": False,
}


def visit_math(writer: object, node: nodes.Element) -> None:
    """Write one formula, in a line of text or on a line of its own, as MathML."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    mathml = convert(node.astext(), display=display)
    writer.body.append(f"<p>{mathml}</p>" if display == "block" else mathml)  # type: ignore[attr-defined]
    raise nodes.SkipNode


def copy_notebooks(app: Sphinx, config: object) -> None:
    """Bring the notebooks in: Sphinx reads only files under its own folder."""
    shutil.rmtree(HERE / "notebooks", ignore_errors=True)
    if (ROOT / "notebooks").is_dir():
        shutil.copytree(ROOT / "notebooks", HERE / "notebooks")


def find_notebooks(app: Sphinx, name: str, source: list[str]) -> None:
    """Let a link to ``../notebooks/`` lead to the copy: here they lie a level lower than there."""
    if "/" not in name:
        source[0] = source[0].replace("](../notebooks/", "](notebooks/")


def keep_bars(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep ``|x|`` an absolute value: elsewhere than in a literal, bars would ask for a macro."""
    for i, line in enumerate(lines):
        parts = re.split(r"(``.*?``)", line)
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[i] = "".join(parts)


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", keep_bars)
    app.connect("config-inited", copy_notebooks)
    app.connect("source-read", find_notebooks)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))

"""How Sphinx builds the documentation: `nox -s docs`.

The source folder is the repository, so that a link that leads somewhere in the repository leads there in the built
pages too. The contents stand in `docs/index.md` alone, as lists that a reader of the repository can follow.
"""

from __future__ import annotations

import os.path
import re
from importlib.metadata import version as _version_of
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]

project = "Epochal"
author = "the authors of Epochal"
release = version = _version_of("epochal-core")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["CHANGELOG.md", "CONTRIBUTING.md", "docs/**", "*/README.md", "plugins/*/README.md"]
exclude_patterns = ["**/.*", "build", "dist"]

# Markdown
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["toc.empty_glob"]

# Docstrings: Google's style, single backticks are code
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_use_ivar = True
python_maximum_signature_line_length = 100
python_use_unqualified_type_names = True
# There is no network to look up what is not ours; what is ours has to be found.
nitpick_ignore_regex = [("py:.*", r"(?!epochal).*")]

# HTML
html_theme = "furo"
html_title = f"Epochal {version}"
html_static_path = ["static"]
html_css_files = ["epochal.css"]
html_copy_source = False
html_additional_pages = {"index": "start.html"}
templates_path = ["templates"]
pygments_style = "friendly"
pygments_dark_style = "monokai"


def _add_contents(app: Any, docname: str, source: list[str]) -> None:
    """Make a list of contents of every list of links in `docs/index.md`, under its heading.

    Pages of the section's folder that are in no list come last, and those of `docs` itself with the how-tos.
    """
    if docname != root_doc:
        return
    for heading, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", source[0], flags=re.MULTILINE | re.DOTALL):
        pages = [_docname(link) for link in re.findall(r"^- \[[^]]+\]\(([^)#]+)\)", text, flags=re.MULTILINE)]
        pages += [f"/docs/{heading.lower()}/*", *(["/docs/*"] if heading == "How-to" else [])]
        options = [f":caption: {heading}", ":hidden:", ":glob:"]
        source[0] += "\n".join(["", "```{toctree}", *options, "", *pages, "```", ""])


def _docname(link: str) -> str:
    """Give the name that Sphinx has for the page that a link of `docs/index.md` leads to."""
    return "/" + os.path.normpath(os.path.join("docs", link)).removesuffix(".md")


def setup(app: Any) -> None:
    """Have the contents made."""
    app.connect("source-read", _add_contents)

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

from epochal.hookspecs import ALIASES, EVENTS

_ROOT = Path(__file__).parents[1]

project = "Epochal"
author = "the authors of Epochal"
release = version = _version_of("epochal-core")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["docs/**", "plugins/*/README.md", "core/README.md", "benchmarks/README.md", "C*.md"]
exclude_patterns = [".*", "build", "dist"]  # not even looked into

# Markdown
myst_heading_anchors = 4
myst_links_external_new_tab = False

# Docstrings: Google's style, single backticks are code
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
napoleon_use_ivar = True
python_maximum_signature_line_length = 100
python_use_unqualified_type_names = True
# There is no network to look up what is not ours; what is ours has to be found.
nitpick_ignore_regex = [
    ("py:.*", r"(?!epochal).*"),
    ("py:class", r"epochal\.arguments\.(T|_Method)"),  # type variables
    ("py:class", r"epochal_tensorboard\.keras_names\.KerasNames"),  # a base that nobody imports
]

# HTML
highlight_language = "none"  # where a block does not say
html_theme = "furo"
html_title = f"Epochal {version}"
html_static_path = ["static"]
html_css_files = ["epochal.css"]
html_copy_source = False
html_additional_pages = {"index": "start.html"}
templates_path = ["templates"]
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def _add_contents(app: Any, docname: str, source: list[str]) -> None:
    """Make a table of contents of every list of links in `docs/index.md`, under its heading."""
    if docname != root_doc:
        return
    sections = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", source[0], flags=re.MULTILINE | re.DOTALL)
    for heading, text in sections:
        entries = [f"{title} </{page}>" for page, title in _pages(text).items()]
        if entries:
            source[0] += "\n".join(["", "```{toctree}", f":caption: {heading}", ":hidden:", "", *entries, "```", ""])


def _pages(text: str) -> dict[str, str]:
    """Return the pages that a list links, by the names that Sphinx has for them, with their titles."""
    links = re.findall(r"^- \[([^]]+)\]\(([^)#]+)\)", text, flags=re.MULTILINE)
    return {os.path.normpath(os.path.join("docs", link)).removesuffix(".md"): title for title, link in links}


def _one_attribute_a_line(_app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Repeat the description that several attributes share for each: napoleon takes all but the last for types."""
    for number, line in reversed(list(enumerate(lines))):
        if found := re.match(r":ivar (\w+(?:, \w+)+): (.*)", line):
            lines[number : number + 1] = [f":ivar {name}: {found[2]}" for name in found[1].split(", ")]


def _skip(_app: Any, _what: str, name: str, member: Any, skip: bool, _options: Any) -> bool | None:
    """Leave out what the installed callbacks do in an event; it is what the event is for."""
    is_event = name in EVENTS or name in ALIASES
    return True if is_event and getattr(member, "__module__", "").startswith("epochal_") else None


def setup(app: Any) -> None:
    """Register what makes the contents, and what names attributes."""
    from sphinx.domains.python import PyObject

    app.connect("source-read", _add_contents)
    app.connect("autodoc-process-docstring", _one_attribute_a_line, priority=600)  # after napoleon
    app.connect("autodoc-skip-member", _skip)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"

"""The pages of the documentation name all that there is: pages, public names, variables, exceptions, callbacks."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import keras
import pytest

import epochal
import epochal.testing
from epochal.hookspecs import ALIASES, EVENTS, SPEC_VERSION
from epochal.reports.doctor.environment import OTHER_VARIABLES
from epochal.settings.reading import VARIABLES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
INDEX = (DOCS / "index.md").read_text()
PLUGINS = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))


def _module(plugin: str) -> str:
    return f"epochal_{plugin.replace('-', '_')}"


def _class(plugin: str) -> str:
    (name,) = import_module(_module(plugin)).__all__
    return str(name)


def _described(page: str) -> list[str]:
    """Return the names that a page of the reference takes from the code."""
    text, module = (DOCS / "reference" / page).read_text(), ""
    names = []
    for directive, name in re.findall(r"^\.\. (\w+):: ([\w.]+)", text, flags=re.MULTILINE):
        if directive == "currentmodule":
            module = name
        else:
            names.append(name if "." in name else f"{module}.{name}")
    return names


def test_every_page_of_the_four_kinds_is_in_the_contents() -> None:
    kinds = ("tutorial", "how-to", "reference", "explanation")
    pages = [page for kind in kinds for page in DOCS.glob(f"{kind}/**/*.md")]
    linked = {(DOCS / link).resolve() for link in re.findall(r"^- \[[^]]+\]\(([^)#]+)\)", INDEX, flags=re.MULTILINE)}
    assert [page for page in pages if page not in linked] == [], "list them in docs/index.md"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_callback_is_in_the_contents_the_classes_and_the_migration(plugin: str) -> None:
    assert f"- [{_class(plugin)}](../plugins/{plugin}/README.md)" in INDEX
    assert f"{_module(plugin)}.{_class(plugin)}" in _described("api/callbacks.md")
    if hasattr(keras.callbacks, _class(plugin)):
        assert f"[{_class(plugin)}](../../plugins/{plugin}/README.md)" in (DOCS / "how-to/from-keras.md").read_text()


def test_the_reference_describes_every_public_name_once() -> None:
    pages = [str(page.relative_to(DOCS / "reference")) for page in DOCS.glob("reference/**/*.md")]
    names = [name for page in pages for name in _described(page)]
    assert sorted(set(names)) == sorted(names)
    assert {f"epochal.{name}" for name in epochal.__all__} <= set(names)
    assert {f"epochal.testing.{name}" for name in epochal.testing.__all__} <= set(names)


def test_the_tree_of_exceptions_is_that_of_the_classes() -> None:
    page = (DOCS / "reference/exceptions.md").read_text()
    above: dict[int, type] = {}
    found = []
    for indent, name in re.findall(r"^    ([│├└─ ]*)(\w+Error)\b", page, flags=re.MULTILINE):
        kind = getattr(epochal, name)
        depth = len(indent) // 4
        assert depth == 0 or kind.__bases__[0] is above[depth - 1]
        above[depth] = kind
        found.append(name)
    assert sorted(found) == sorted(name for name in epochal.__all__ if name.endswith("Error"))
    rows = re.findall(r"^\| `(\w+)`", page, flags=re.MULTILINE)
    assert sorted(rows) == sorted(name for name in found if name not in ("EpochalError", "CallbackError"))


def test_every_variable_that_is_read_is_on_the_page() -> None:
    page = (DOCS / "reference/environment.md").read_text()
    code = "".join(path.read_text() for path in ROOT.glob("core/src/**/*.py"))
    read = set(re.findall(r'environ(?:\.get\(|\.setdefault\(|\[)"([A-Z]\w+)"', code)) | {*VARIABLES, *OTHER_VARIABLES}
    assert len(read) > len(VARIABLES) + 3
    assert [name for name in sorted(read) if f"`{name}`" not in page] == []


def test_every_version_of_the_specs_has_a_row() -> None:
    page = (DOCS / "reference/compatibility.md").read_text()
    rows = re.findall(r"^\| (\d+) \| \d+\.\d+ \|", page, flags=re.MULTILINE)
    assert rows == [str(version) for version in range(1, SPEC_VERSION + 1)]


def test_the_migration_from_keras_has_every_class_and_every_hook() -> None:
    page = (DOCS / "how-to/from-keras.md").read_text()
    classes = {name for name, value in vars(keras.callbacks).items() if isinstance(value, type)}
    assert classes
    assert [name for name in sorted(classes) if f"| `{name}`" not in page] == []
    named = set(re.findall(r"\bon_\w+", page))
    assert named == {*EVENTS, *ALIASES}


def test_the_migration_from_lightning_leads_to_events_that_there_are() -> None:
    page = (DOCS / "how-to/from-lightning.md").read_text()
    table = page.partition("## Hook by hook")[2].partition("**Order.**")[0]
    targets = [row.split("|")[2] for row in table.splitlines() if row.startswith("| `")]
    assert len(targets) > 25
    assert set(re.findall(r"`(on_\w+)`", "".join(targets))) <= {*EVENTS}

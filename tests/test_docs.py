"""The documentation: every event is described with its exact arguments, and every example runs."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from epochal import testing
from epochal.hookspecs import ALIASES, EVENTS, OWN_EVENTS
from epochal.testing import Subject, pytest_plugin
from epochal.testing.checks.suite import checks_of

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md"), ROOT / "core/README.md"])


def test_every_event_is_described_with_its_arguments() -> None:
    page = (ROOT / "docs/events.md").read_text()
    described = dict(re.findall(r"^\| `(on_\w+)\(([\w, ]*)\)`", page, flags=re.MULTILINE))
    assert described == {event: ", ".join(arguments) for event, arguments in EVENTS.items()}
    for event in OWN_EVENTS:
        assert f"`{event}" in page
    for alias in ALIASES:
        assert f"`{alias}`" in page


def test_every_check_fixture_and_name_of_the_kit_is_described() -> None:
    page = (ROOT / "docs/testing.md").read_text()
    checks = {check.name: check.promise for check in checks_of(Subject("anything"))}
    fixtures = set(re.findall(r"^def (epochal_\w+)", inspect.getsource(pytest_plugin), flags=re.MULTILINE))
    described = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", page, flags=re.MULTILINE))
    assert {name: text for name, text in described.items() if name not in fixtures} == checks
    assert fixtures <= set(described)
    assert [name for name in testing.__all__ if name not in page] == ["Recorded"]


def _examples() -> list[tuple[str, str]]:
    return [
        (str(page.relative_to(ROOT)), code)
        for page in PAGES
        for code in re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    ]


@pytest.mark.parametrize(("page", "code"), _examples(), ids=[page for page, _ in _examples()])
def test_the_examples_run(
    page: str, code: str, model: Any, data: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # No page makes a model before it shows what it is about.
    exec(compile(code, page, "exec"), {"__name__": "__main__", "model": model, "x": data[0], "y": data[1]})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target

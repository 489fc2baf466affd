"""Keras's test files, the table and our classes put together."""

from __future__ import annotations

import builtins
import os
from typing import TYPE_CHECKING, Any

import pytest
from packaging.specifiers import SpecifierSet

from .replacing import SUBJECTS, Replacements, keras_conftest
from .sources import KERAS_VERSION, EditError, Source, keras_sources
from .table import EDITS, LEFT_OUT, Edit, LeftOut

if TYPE_CHECKING:
    from collections.abc import Callable

KERAS_ITSELF = os.environ.get("EPOCHAL_CONFORMANCE") == "keras"
"""Whether Keras's tests run as they are, against Keras's own classes."""


def is_meant(entry: Edit | LeftOut) -> bool:
    """Return whether an entry of the table is for the installed Keras."""
    return SpecifierSet(entry.keras, prereleases=True).contains(KERAS_VERSION)


def left_out(source: Source) -> dict[str, str]:
    """Return the tests of a file that do not run, each with its reason."""
    entries = [entry for entry in LEFT_OUT if entry.file == source.name and is_meant(entry)]
    every = {test: entry.reason for entry in entries if entry.test == "*" for test in source.tests}
    return every | {entry.test: entry.reason for entry in entries if entry.test != "*"}


def edits(source: Source) -> list[Edit]:
    """Return the edits of a file."""
    return [entry for entry in EDITS if entry.file == source.name and is_meant(entry)]


def counts() -> dict[str, int]:
    """Return how many test functions there are, and how many of them run as they are, edited, or not."""
    tests = {(source.name, test) for source in keras_sources().values() for test in source.tests}
    changed = {(entry.file, entry.test) for source in keras_sources().values() for entry in edits(source)}
    out = {(source.name, test) for source in keras_sources().values() for test in left_out(source)}
    return {
        "tests": len(tests),
        "as they are": len(tests - changed - out),
        "edited": len(changed - out),
        "left out": len(out),
    }


def make_classes() -> dict[str, type]:
    """Return the test classes of all files, under the names of the files.

    Raises:
        Skipped: The installed Keras came without its tests.
    """
    if not keras_sources():
        pytest.skip(f"the wheel of Keras {KERAS_VERSION} holds no tests", allow_module_level=True)
    classes: dict[str, type] = {}
    for name, source in keras_sources().items():
        found = _as_it_is(source) if KERAS_ITSELF else _with_ours(source)
        for kind in found.values():
            key = name if len(found) == 1 else f"{name}_{kind.__name__}"
            kind.__name__ = kind.__qualname__ = key
            kind.__module__ = f"{__package__}.test_keras"
            classes[key] = kind
    return classes


def _as_it_is(source: Source) -> dict[str, type]:
    def imported(name: str, *arguments: Any) -> Any:
        return keras_conftest() if name == "conftest" else builtins.__import__(name, *arguments)

    return source.test_cases(imported, lambda name, test: test)


def _with_ours(source: Source) -> dict[str, type]:
    replacements = Replacements(SUBJECTS.get(source.name, ""))
    skipped = left_out(source)
    broken: dict[str, str] = {}
    for edit in edits(source):
        source = _edited(source, edit, broken)

    def decorate(name: str, test: Callable[..., None]) -> Any:
        if name in skipped:
            return pytest.mark.skip(reason=skipped[name])(test)
        if name in broken:
            return lambda *arguments, **keywords: pytest.fail(broken[name])
        return replacements.checked(test)

    return source.test_cases(replacements, decorate)


def _edited(source: Source, edit: Edit, broken: dict[str, str]) -> Source:
    """Make an edit; one that cannot be made is noted, so that its test fails and no other."""
    try:
        return source.edited(edit.test, edit.old, edit.new)
    except EditError as error:
        broken[edit.test] = str(error)
        return source

"""Every behaviour that we fix: ours has it, Keras's does not, and the page tells it."""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any

import pytest

from .behaviours import Behaviour, all_behaviours
from .behaviours.page import PAGE, render

ALL = pytest.mark.parametrize("behaviour", all_behaviours(), ids=lambda each: f"{each.callback}-{each.check.__name__}")


def _run(behaviour: Behaviour, kind: Any, request: pytest.FixtureRequest) -> None:
    fixtures = list(inspect.signature(behaviour.check).parameters)[1:]
    behaviour.check(kind, **{name: request.getfixturevalue(name) for name in fixtures})


@ALL
def test_ours_behaves(behaviour: Behaviour, request: pytest.FixtureRequest) -> None:
    kind = getattr(importlib.import_module(f"epochal_{behaviour.callback}"), behaviour.kind)
    _run(behaviour, kind, request)


@ALL
def test_keras_does_not(behaviour: Behaviour, request: pytest.FixtureRequest) -> None:
    module, _, name = behaviour.keras_class.partition(":")
    kind = getattr(importlib.import_module(module), name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of is not the point, and would be an error here
        with pytest.raises(behaviour.fails_with):
            _run(behaviour, kind, request)


def test_the_page_is_written_from_them() -> None:
    assert PAGE.read_text() == render(), "`nox -s pages` writes it anew"

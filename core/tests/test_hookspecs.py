from __future__ import annotations

import inspect
import re

import pluggy
import pytest

import epochal
from epochal import Callback, hookspecs
from epochal.hookspecs import ALIASES, EVENTS, OWN_EVENTS, SPEC_VERSION, hookimpl

SNAPSHOT = {
    "on_run_begin": ("run",),
    "on_train_begin": ("run", "logs"),
    "on_epoch_begin": ("run", "epoch", "logs"),
    "on_train_batch_begin": ("run", "batch", "logs"),
    "on_train_batch_end": ("run", "batch", "logs"),
    "on_test_begin": ("run", "logs"),
    "on_test_batch_begin": ("run", "batch", "logs"),
    "on_test_batch_end": ("run", "batch", "logs"),
    "on_test_end": ("run", "logs"),
    "on_predict_begin": ("run", "logs"),
    "on_predict_batch_begin": ("run", "batch", "logs"),
    "on_predict_batch_end": ("run", "batch", "logs"),
    "on_predict_end": ("run", "logs"),
    "on_epoch_end": ("run", "epoch", "logs"),
    "on_epoch_finalized": ("run", "epoch", "logs"),
    "on_train_end": ("run", "logs"),
    "on_run_end": ("run", "outcome"),
}


def test_the_specs_are_those_of_version_1() -> None:
    """Who changes a spec raises SPEC_VERSION and this snapshot; arguments are only ever added."""
    assert SPEC_VERSION == 1
    assert EVENTS == SNAPSHOT


def test_the_aliases_are_those_of_keras() -> None:
    assert ALIASES == {"on_batch_begin": "on_train_batch_begin", "on_batch_end": "on_train_batch_end"}


def test_epochals_own_events_are_the_three_that_keras_does_not_have() -> None:
    assert OWN_EVENTS == ("on_run_begin", "on_epoch_finalized", "on_run_end")


def test_pluggy_knows_every_event_with_its_arguments() -> None:
    manager = pluggy.PluginManager("epochal")
    manager.add_hookspecs(hookspecs)
    known = {name: spec.spec.argnames for name, spec in vars(manager.hook).items() if spec.spec is not None}
    assert known == EVENTS


@pytest.mark.parametrize("argument", sorted({argument for arguments in SNAPSHOT.values() for argument in arguments}))
def test_every_argument_is_documented(argument: str) -> None:
    assert re.search(rf"^\* `{argument}` \(`[\w.]+`\): .{{10,}}", hookspecs.__doc__ or "", re.MULTILINE)


def test_no_argument_is_documented_that_no_event_has() -> None:
    documented = re.findall(r"^\* `(\w+)`", hookspecs.__doc__ or "", re.MULTILINE)
    assert sorted(documented) == sorted({argument for arguments in EVENTS.values() for argument in arguments})


@pytest.mark.parametrize("event", SNAPSHOT)
def test_every_event_tells_since_when_it_is_there(event: str) -> None:
    text = inspect.getdoc(getattr(hookspecs, event)) or ""
    found = re.search(r"Since (\d+)\.", text)
    assert found
    assert 1 <= int(found[1]) <= SPEC_VERSION
    assert found.start() < 140, "it belongs into the first lines"


@pytest.mark.parametrize("event", SNAPSHOT)
def test_every_event_has_its_arguments_annotated(event: str) -> None:
    annotations = getattr(hookspecs, event).__annotations__
    assert set(annotations) == {*SNAPSHOT[event], "return"}


def test_the_callback_class_has_every_event_of_keras_and_alias_and_none_of_ours() -> None:
    methods = {name for name in dir(Callback) if name.startswith("on_")}
    assert methods == {*EVENTS, *ALIASES} - set(OWN_EVENTS)


@pytest.mark.parametrize("event", sorted(set(SNAPSHOT) - {"on_run_begin", "on_epoch_finalized", "on_run_end"}))
def test_the_callback_class_takes_the_arguments_of_keras(event: str) -> None:
    assert tuple(inspect.signature(getattr(Callback, event)).parameters) == ("self", *SNAPSHOT[event][1:])


def test_the_mark_is_the_public_one_and_keeps_its_options() -> None:
    assert epochal.hookimpl is hookimpl

    @hookimpl(tryfirst=True, specname="on_epoch_end")
    def function() -> None: ...

    assert function.epochal_impl["tryfirst"] is True  # type: ignore[attr-defined]
    assert function.epochal_impl["specname"] == "on_epoch_end"  # type: ignore[attr-defined]

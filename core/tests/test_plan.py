from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, Priority, hookimpl
from epochal.choosing.choice import Choice
from epochal.choosing.selection import arrange
from epochal.engine.member import make_member
from epochal.hookspecs import EVENTS
from epochal.inspection.events import events_of
from epochal.reports.plan import Plan, make_plan, order_events
from epochal.settings.layers import Layer, Setting, merge
from epochal.settings.names import CallbackName
from epochal.settings.reading import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Site

pytestmark = pytest.mark.usefixtures("no_variables")

THINGS = """
import epochal

class Stopper(epochal.Callback):
    def __init__(self, patience=0):
        self.patience = patience
    def on_epoch_end(self, epoch, logs=None): ...

class Timed(epochal.Callback):
    @epochal.hookimpl(wrapper=True)
    def on_epoch_end(self):
        yield
    @epochal.hookimpl(tryfirst=True)
    def on_run_end(self): ...

class Silent(epochal.Callback):
    after = ("stopper",)
    priority = epochal.Priority.METRICS
    def on_run_end(self, outcome): ...

class Wrong(epochal.Callback):
    def on_epoch_end(self): ...

class Ring(epochal.Callback):
    before = ("stopper",)
    after = ("stopper",)
    def on_run_end(self): ...
"""


@pytest.fixture
def full(site: Site) -> Site:
    site.pinned()
    site.package("fake_things", THINGS)
    kinds = ("Stopper", "Timed", "Silent", "Wrong", "Ring")
    site.distribution("fake-things", callbacks={kind.lower(): f"fake_things:{kind}" for kind in kinds})
    return site


def plan_of(site: Site, *enabled: str, **more: Any) -> Plan:
    layer = Layer(
        enable={CallbackName(name): Setting(True, f"there, line 1, {name}", "file") for name in enabled}, **more
    )
    return make_plan(Choice(site.catalogue(), merge([layer])))


def names(plan: Plan, event: str) -> list[str]:
    return [step.name for step in plan.events[event]]


def test_every_event_is_there_with_its_callbacks_in_order(full: Site) -> None:
    plan = plan_of(full, "silent", "stopper", "timed")
    assert list(plan.events) == list(EVENTS)
    assert [member.name for member in plan.members] == ["base_logger", "history", "stopper", "silent", "timed"]
    assert names(plan, "on_train_begin") == []
    assert names(plan, "on_epoch_finalized") == ["history"]
    assert names(plan, "on_epoch_end") == ["timed", "stopper"]
    assert names(plan, "on_run_end") == ["timed", "silent"]
    assert plan.problems == ()


def test_every_place_has_its_reason(full: Site) -> None:
    plan = plan_of(full, "silent", "stopper", "timed")
    reasons = {(event, step.name): step.reason for event, steps in plan.events.items() for step in steps}
    assert reasons["on_epoch_finalized", "history"] == "pinned: always loaded second"
    assert reasons["on_epoch_end", "stopper"] == "priority 50 (CONTROL)"
    assert reasons["on_run_end", "silent"] == "priority 10 (METRICS); runs after stopper"
    assert reasons["on_epoch_end", "timed"] == "priority 50 (CONTROL); encloses the others, by wrapper=True"
    assert reasons["on_run_end", "timed"].endswith("ahead of the others, by tryfirst=True")


def test_the_order_is_that_of_a_real_run(full: Site) -> None:
    from epochal.engine.dispatch import Dispatch
    from epochal.run import Run

    plan = plan_of(full, "silent", "stopper", "timed")
    dispatch = Dispatch(Run(None, "train"), plan.members, lambda *_: False)
    for event in EVENTS:
        assert names(plan, event) == [member.name for member in dispatch.members(event)]


def test_what_is_left_out_is_told(full: Site) -> None:
    plan = plan_of(full, "stopper", "timed", disable={"timed": Setting(True, "there, line 2, disable", "file")})
    assert {each.record.name: each.summary for each in plan.left_out} == {
        "ring": "no",
        "silent": "no",
        "timed": "no: switched off by there, line 2",
        "wrong": "no",
    }


def test_mistakes_are_gathered_and_the_rest_is_planned(full: Site) -> None:
    plan = plan_of(full, "stopper", "nobody", "wrong")
    assert names(plan, "on_epoch_end") == ["stopper"]
    assert len(plan.problems) == 2
    assert "'nobody'" in plan.problems[0]
    assert "on_epoch_end()" in plan.problems[1]


def test_a_cycle_is_a_problem_and_nothing_is_ordered(full: Site) -> None:
    plan = plan_of(full, "stopper", "ring")
    assert plan.members == ()
    assert not any(plan.events.values())
    assert "cycle" in plan.problems[0]


def test_the_folder_decides_about_the_settings(full: Site, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "epochal.toml").write_text("[callbacks.stopper]\npatience = 3\n")
    plan = make_plan(Choice(full.catalogue(), load_settings(folder)))
    assert next(member for member in plan.members if member.name == "stopper").callback.patience == 3


def test_a_pinned_callback_is_moved_by_nothing_and_wraps_nothing() -> None:
    class BaseLogger(Callback):
        @hookimpl(trylast=True)
        def on_epoch_end(self, epoch: int) -> None: ...  # type: ignore[override]

    class History(Callback):
        @hookimpl(wrapper=True)
        def on_epoch_end(self) -> Any:  # type: ignore[override]
            yield

    members = arrange(
        [make_member("base_logger", BaseLogger(), None, None), make_member("history", History(), None, None)]
    )
    events, problems = order_events(members)
    (step,) = events["on_epoch_end"]
    assert (step.name, step.moved) == ("base_logger", "")
    assert "is pinned and wraps" in problems[0]


# What a class implements


class KerasLike:
    """As Keras's own: every method is there, and those that do nothing are marked."""

    def set_model(self, model: Any) -> None: ...
    def set_params(self, params: Any) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None: ...
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None: ...
    def on_batch_end(self, batch: int, logs: Any = None) -> None: ...

    on_epoch_begin._is_default = True  # type: ignore[attr-defined]
    on_train_batch_end._is_default = True  # type: ignore[attr-defined]


def test_of_a_keras_callback_only_what_it_overrides_is_planned() -> None:
    events, problems = order_events([make_member("theirs", KerasLike(), None, 0)])
    assert problems == []
    assert [event for event, steps in events.items() if steps] == ["on_train_batch_end"]


class Ours(Callback):
    priority = Priority.REPORT

    def on_batch_begin(self, batch: int, logs: Any = None) -> None: ...
    def on_run_begin(self) -> None: ...


class Heir(Ours):
    @staticmethod
    @hookimpl(specname="on_test_end")
    def tell() -> None: ...


class Plain:
    def on_train_end(self) -> None: ...

    @hookimpl
    def on_predict_end(self) -> None: ...


@hookimpl
def on_epoch_begin() -> None: ...


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Ours, ("on_run_begin", "on_train_batch_begin")),
        (Heir, ("on_run_begin", "on_train_batch_begin", "on_test_end")),
        (Plain, ("on_predict_end",)),
        (KerasLike, ("on_train_batch_end",)),
        (Callback, ()),
        (on_epoch_begin, ("on_epoch_begin",)),
        (print, ()),
        (3, ()),
    ],
)
def test_the_events_of_a_class_and_of_its_object(found: Any, expected: tuple[str, ...]) -> None:
    assert events_of(found) == expected
    if isinstance(found, type):
        assert events_of(found()) == expected

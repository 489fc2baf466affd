from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from epochal import Callback, InvalidCallbackError
from epochal.engine.faults import Faults, add_note
from epochal.engine.member import make_member
from epochal.errors import one_line

if TYPE_CHECKING:
    from epochal.engine.member import Member

HERE = os.path.relpath(__file__)


def member(name: str = "mine", critical: bool = True) -> Member:
    callback = Callback()
    callback.critical = critical
    return make_member(name, callback, None, 0)


class Case:
    def __init__(self, *, tracebacks: bool = False) -> None:
        self.stream = io.StringIO()
        self.disabled: list[Member] = []
        console = Console(file=self.stream, width=40)
        self.faults = Faults(lambda: console, self.disabled.append, tracebacks=tracebacks)

    @property
    def shown(self) -> str:
        return self.stream.getvalue()


def error() -> Any:
    try:
        raise ValueError("[red]no such column[/red] " + "x" * 60)
    except ValueError as raised:
        return raised


def line_of(raised: BaseException) -> int:
    assert raised.__traceback__ is not None
    return raised.__traceback__.tb_lineno


def test_an_error_of_a_critical_callback_ends_the_run_with_one_note_and_is_not_shown() -> None:
    case, raised = Case(), error()
    assert case.faults.handle(member(), "on_epoch_end", raised) is False
    (note,) = raised.__notes__
    for part in ("'mine'", f"module {Callback.__module__}", "on_epoch_end"):
        assert part in note
    assert case.shown == ""
    assert case.disabled == []
    assert case.faults.fatal is not None
    assert case.faults.fatal.error is raised


def test_an_error_of_a_reporter_is_shown_once_in_a_line_with_its_place_and_the_callback_is_out() -> None:
    case, raised, reporter = Case(), error(), member(critical=False)
    assert case.faults.handle(reporter, "on_epoch_end", raised) is True
    assert case.disabled == [reporter]
    assert case.faults.fatal is None
    (line,) = case.shown.splitlines()
    assert line == (
        "The callback 'mine' (module epochal.callback) failed in on_epoch_end and is out for the rest of the run; "
        f"training goes on: {HERE}:{line_of(raised)}: ValueError: [red]no such column[/red] "
        f"{'x' * 60} (EPOCHAL_TRACEBACK=1 shows the traceback)"
    )
    assert not hasattr(raised, "__notes__")


def test_a_setting_shows_the_error_of_a_reporter_with_its_traceback() -> None:
    case, raised = Case(tracebacks=True), error()
    case.faults.handle(member(critical=False), "on_epoch_end", raised)
    *traceback, line = case.shown.splitlines()
    assert traceback[0] == "Traceback (most recent call last):"
    assert traceback[-1] == f"ValueError: [red]no such column[/red] {'x' * 60}"
    assert line.startswith("The callback 'mine'")
    assert "EPOCHAL_TRACEBACK" not in line


def test_the_place_of_an_error_is_the_callbacks_own_line_and_not_that_of_a_library_it_calls() -> None:
    class Reads(Callback):
        critical = False

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            json.loads("{")

    case, reads = Case(), Reads()
    with pytest.raises(json.JSONDecodeError) as raised:
        reads.on_epoch_end(0)
    case.faults.handle(make_member("reads", reads, None, 0), "on_epoch_end", raised.value)
    assert f"{HERE}:{Reads.on_epoch_end.__code__.co_firstlineno + 1}: JSONDecodeError" in case.shown


def test_the_summary_says_again_what_was_taken_out_in_a_line_each() -> None:
    case = Case()
    case.faults.handle(member("one", critical=False), "on_epoch_end", ValueError("two\nlines"))
    case.faults.handle(member("other", critical=False), "on_train_end", KeyError("key"))
    before = len(case.shown)
    case.faults.summarize()
    lines = case.shown[before:].splitlines()
    assert len(lines) == 2
    assert "'one'" in lines[0]
    assert "on_epoch_end" in lines[0]
    assert "ValueError: two lines" in lines[0]
    assert "'other'" in lines[1]


def test_without_faults_the_summary_is_silent() -> None:
    case = Case()
    case.faults.summarize()
    assert case.shown == ""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("critical", [True, False])
def test_ctrl_c_and_its_like_pass_through_and_are_nobodys_fault(kind: type[BaseException], critical: bool) -> None:
    case, raised = Case(), kind()
    assert case.faults.handle(member(critical=critical), "on_epoch_end", raised) is False
    assert not hasattr(raised, "__notes__")
    assert case.faults.fatal is None
    assert case.disabled == []
    assert case.shown == ""


def test_when_nobody_can_read_what_is_shown_training_goes_on() -> None:
    class Closed:
        def print(self, *_: Any, **__: Any) -> None:
            raise ValueError("I/O operation on closed file")

    disabled: list[Member] = []
    faults = Faults(Closed, disabled.append)  # type: ignore[arg-type]
    assert faults.handle(member(critical=False), "on_epoch_end", ValueError("bad"))
    assert len(disabled) == 1


def test_at_the_end_errors_are_kept_and_the_first_is_raised_as_it_is() -> None:
    case = Case()
    case.faults.ending = True
    first, second = ValueError("first"), KeyError("second")
    assert case.faults.handle(member("one"), "on_run_end", first) is True
    assert case.faults.handle(member("other"), "on_run_end", second) is True
    with pytest.raises(ValueError, match="first") as raised:
        case.faults.raise_kept(None)
    assert raised.value is first
    (note,) = list[str](getattr(first, "__notes__", []))
    assert "'one'" in note
    assert "Traceback (most recent call last)" not in case.shown  # it was never raised here
    assert "KeyError: 'second'" in case.shown
    assert "ValueError: first" not in case.shown


def test_at_the_end_errors_give_way_to_the_one_that_ended_the_run_and_are_shown() -> None:
    case = Case()
    case.faults.ending = True
    case.faults.handle(member(), "on_run_end", ValueError("late"))
    case.faults.raise_kept(RuntimeError("early"))
    assert "ValueError: late" in case.shown
    assert "'mine'" in case.shown
    assert "on_run_end" in case.shown


def test_at_the_end_errors_of_reporters_are_shown_and_not_raised() -> None:
    case = Case()
    case.faults.ending = True
    assert case.faults.handle(member(critical=False), "on_run_end", ValueError("late")) is True
    case.faults.raise_kept(None)
    assert case.shown.count("ValueError: late") == 1


def test_a_note_is_added_to_those_that_are_there() -> None:
    raised: Any = ValueError()
    add_note(raised, "one")
    add_note(raised, "two")
    assert raised.__notes__ == ["one", "two"]


class Mute(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


class Odd(Exception):
    def __str__(self) -> Any:
        return None


@pytest.mark.parametrize("kind", [Mute, Odd])
def test_an_exception_that_cannot_be_shown_is_told_by_its_type(kind: type[Exception]) -> None:
    cause = {Mute: "ZeroDivisionError", Odd: "TypeError"}[kind]
    assert one_line(kind()) == f"{kind.__name__}: <no message: its __str__ raised {cause}>"


def test_an_exception_that_takes_no_note_goes_without() -> None:
    @dataclass(frozen=True)
    class Frozen(Exception):
        code: int

    case = Case()
    assert case.faults.handle(member(), "on_epoch_end", Frozen(3)) is False


@pytest.mark.parametrize("attribute", ["priority", "critical", "before"])
def test_a_declaration_that_cannot_be_shown_is_told_by_its_type(attribute: str) -> None:
    callback = type("Mine", (Callback,), {attribute: Mute()})()
    with pytest.raises(InvalidCallbackError, match="<Mute, whose repr raises ZeroDivisionError>"):
        make_member("mine", callback, None, 0)

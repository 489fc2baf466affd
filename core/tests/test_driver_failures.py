"""What raises in a run: who still gets the run's end, and how the run ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, InvalidCallbackError, Outcome, Run, hookimpl
from epochal.hookspecs import EVENTS
from epochal.testing import FakeHost

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from epochal.engine.driver import Driver

PARAMS = {"verbose": 0, "epochs": 1, "steps": 2}
MIDDLE = tuple(event for event in EVENTS if event not in ("on_run_begin", "on_run_end"))


def notes(error: Any) -> list[str]:
    return getattr(error, "__notes__", [])


def play(host: FakeHost, event: str = "on_train_begin") -> Run:
    """Send a whole run in which the event comes."""
    return host.predict() if "predict" in event else host.fit(epochs=2, steps=2, validation_steps=1)


@pytest.mark.parametrize("event", MIDDLE)
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("critical", [True, False])
def test_whatever_event_raises_every_callback_gets_its_run_end_once(
    recorder: Callable[..., Any],
    event: str,
    kind: type[BaseException],
    critical: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = kind("bad")
    callbacks = [recorder("A"), recorder("B", raises={event: error}, critical=critical), recorder("C")]
    host = FakeHost(*callbacks)
    ends = critical or not isinstance(error, Exception)
    if ends:
        with pytest.raises(type(error)) as raised:
            play(host, event)
        assert raised.value is error
        assert len(notes(error)) == isinstance(error, Exception)
    else:
        play(host, event)
    assert host.run is not None
    assert host.run.outcome is not None
    for callback in callbacks:
        assert callback.events.count("on_run_end") == 1
        assert callback.events[-1] == "on_run_end"
        assert callback.values[-1][1] == (host.run, host.run.outcome)
    assert callbacks[1].events[-2] == event  # out after its error
    if ends:
        assert callbacks[2].events.count(event) == callbacks[0].events.count(event) - 1
    else:
        assert callbacks[2].events == callbacks[0].events
    status = "completed" if not ends else "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    assert host.run.outcome.status == status
    assert host.run.outcome.exception is (error if ends else None)
    out = capsys.readouterr().out
    assert "Traceback" not in out
    assert len(out.splitlines()) == (0 if ends else 1 if event in ("on_run_begin", "on_train_begin") else 2)
    if not ends:
        assert "'b'" in out
        assert f"module {__name__}" in out
        assert event in out.splitlines()[-1]  # the summary says it again


def test_the_outcome_of_an_error_in_a_callback_names_callback_and_event(recorder: Callable[..., Any]) -> None:
    host = FakeHost(recorder("Mine", raises={"on_epoch_end": ValueError("bad")}))
    with pytest.raises(ValueError, match="bad") as raised:
        host.fit()
    assert host.run is not None
    assert host.run.outcome == Outcome(
        "failed", f"ValueError: bad (in the callback 'mine' (module {__name__}) in on_epoch_end)", raised.value
    )
    (note,) = notes(raised.value)
    assert f"'mine' (module {__name__}) in on_epoch_end" in note


def test_the_outcome_of_an_error_of_the_training_itself_names_the_error(recorder: Callable[..., Any]) -> None:
    mine, error = recorder("Mine"), ValueError()

    def fail(epoch: int, batch: int) -> None:
        raise error

    host = FakeHost(mine)
    with pytest.raises(ValueError, match=r"^$") as raised:
        host.fit(step=fail)
    assert raised.value is error
    assert not hasattr(error, "__notes__")
    assert host.run is not None
    assert host.run.outcome == Outcome("failed", "ValueError", error)
    assert "on_train_end" not in mine.events
    assert mine.events[-1] == "on_run_end"


def test_ctrl_c_in_the_training_ends_the_run_as_interrupted(recorder: Callable[..., Any]) -> None:
    error = KeyboardInterrupt()

    def interrupt(epoch: int, batch: int) -> None:
        raise error

    mine = recorder("Mine")
    host = FakeHost(mine)
    with pytest.raises(KeyboardInterrupt):
        host.fit(step=interrupt)
    assert host.run is not None
    assert host.run.outcome == Outcome("interrupted", "Ctrl-C", error)
    assert mine.events[-1] == "on_run_end"


def test_when_a_run_begin_raises_those_whose_run_began_get_their_run_end(recorder: Callable[..., Any]) -> None:
    error = ValueError("bad")
    callbacks = [recorder("A"), recorder("B", raises={"on_run_begin": error}), recorder("C")]
    host = FakeHost(*callbacks)
    with pytest.raises(ValueError, match="bad") as raised:
        host.fit()
    assert raised.value is error
    assert [callback.events for callback in callbacks] == [["on_run_begin", "on_run_end"], ["on_run_begin"], []]
    assert host.run is not None
    assert host.run.outcome is not None
    assert host.run.outcome.status == "failed"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()], ids=lambda error: type(error).__name__)
def test_when_a_run_begin_is_interrupted_those_whose_run_began_get_their_run_end(
    recorder: Callable[..., Any], error: BaseException
) -> None:
    callbacks = [recorder("A"), recorder("B", raises={"on_run_begin": error}), recorder("C")]
    with pytest.raises(type(error)):
        FakeHost(*callbacks).fit()
    assert callbacks[0].events == ["on_run_begin", "on_run_end"]
    assert callbacks[2].events == []


def test_when_a_wrapper_of_run_begin_raises_behind_the_others_they_get_their_run_end(
    recorder: Callable[..., Any],
) -> None:
    class Wrapper:
        @hookimpl(wrapper=True)
        def on_run_begin(self) -> Generator[None, Any, Any]:
            yield
            raise ValueError("late")

    mine = recorder("Mine")
    with pytest.raises(ValueError, match="late"):
        FakeHost(mine, Wrapper()).fit()
    assert mine.events == ["on_run_begin", "on_run_end"]


def test_a_reporter_whose_run_begin_raises_is_out_and_the_run_goes_on(
    recorder: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    callbacks = [recorder("A"), recorder("B", raises={"on_run_begin": ValueError()}, critical=False), recorder("C")]
    play(FakeHost(*callbacks))
    assert callbacks[2].events.count("on_train_batch_end") == 4
    assert "on_train_begin" not in callbacks[1].events
    assert "'b'" in capsys.readouterr().out


@pytest.mark.parametrize("critical", [True, False])
def test_an_error_in_set_model_is_the_callbacks(
    recorder: Callable[..., Any], critical: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    class Mine(Callback):
        def set_model(self, model: Any) -> None:
            raise ValueError("no such layer")

    mine, other = Mine(), recorder("Other")
    mine.critical = critical
    host = FakeHost(mine, other)
    if critical:
        with pytest.raises(ValueError, match="no such layer") as raised:
            host.fit()
        assert "'mine'" in notes(raised.value)[0]
        assert other.events == []
    else:
        host.fit()
        assert "'mine'" in capsys.readouterr().out
        assert other.events[-1] == "on_run_end"


@pytest.mark.parametrize(
    "event",
    [
        "set_model",
        "on_run_begin",
    ],
)
def test_a_reporter_whose_run_never_began_gets_no_run_end(
    recorder: Callable[..., Any], event: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Any, *_: Any) -> None:
        raise ValueError("bad")

    reporter = recorder("Reporter", critical=False)
    setattr(type(reporter), event, fail if event == "set_model" else lambda self: fail(self))
    other = recorder("Other")
    FakeHost(reporter, other).fit()
    assert reporter.events == []
    assert other.events[-1] == "on_run_end"
    capsys.readouterr()


@pytest.mark.parametrize("others", ["A", "C"])
def test_when_a_run_end_raises_the_others_still_get_theirs_and_it_is_raised_afterwards(
    recorder: Callable[..., Any], others: str
) -> None:
    error = ValueError("late")
    callbacks = {name: recorder(name, raises={"on_run_end": error} if name == "B" else None) for name in "ABC"}
    host = FakeHost(*callbacks.values())
    with pytest.raises(ValueError, match="late") as raised:
        host.fit()
    assert raised.value is error
    assert len(notes(error)) == 1
    assert callbacks[others].events.count("on_run_end") == 1
    assert callbacks["B"].events.count("on_run_end") == 1


def test_when_several_run_ends_raise_the_first_is_raised_and_the_others_are_shown(
    recorder: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = ValueError("first"), KeyError("second")
    host = FakeHost(recorder("A", raises={"on_run_end": first}), recorder("B", raises={"on_run_end": second}))
    with pytest.raises(ValueError, match="first"):
        host.fit()
    assert "KeyError: 'second'" in capsys.readouterr().out


def test_an_error_of_the_training_is_not_hidden_by_one_of_a_run_end(
    recorder: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = ValueError("first"), KeyError("second")
    host = FakeHost(recorder("A", raises={"on_epoch_end": first}), recorder("B", raises={"on_run_end": second}))
    with pytest.raises(ValueError, match="first") as raised:
        host.fit()
    assert raised.value is first
    assert "KeyError: 'second'" in capsys.readouterr().out


def test_an_error_in_the_run_end_of_a_reporter_is_shown_and_not_raised(
    recorder: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = FakeHost(recorder("A", raises={"on_run_end": ValueError("late")}, critical=False)).fit()
    assert run.outcome == Outcome("completed")
    assert "ValueError: late" in capsys.readouterr().out


def test_ctrl_c_in_the_run_end_of_a_critical_callback_leaves_after_the_others_had_theirs(
    recorder: Callable[..., Any],
) -> None:
    callbacks = [recorder("A", raises={"on_run_end": KeyboardInterrupt()}), recorder("B")]
    with pytest.raises(KeyboardInterrupt):
        FakeHost(*callbacks).fit()
    assert callbacks[1].events[-1] == "on_run_end"


def test_ctrl_c_in_the_run_end_of_a_reporter_is_not_swallowed(recorder: Callable[..., Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        FakeHost(recorder("A", raises={"on_run_end": KeyboardInterrupt()}, critical=False)).fit()


def test_a_callback_taken_out_at_a_batch_gets_no_further_event_but_its_run_end(
    recorder: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    reporter = recorder("Reporter", raises={"on_train_batch_end": ValueError()}, critical=False)
    other = recorder("Other")
    FakeHost(reporter, other).fit(epochs=2, steps=3)
    assert reporter.events[-2:] == ["on_train_batch_end", "on_run_end"]
    assert reporter.events.count("on_train_batch_end") == 1
    assert other.events.count("on_train_batch_end") == 6
    capsys.readouterr()


def test_a_callback_that_implements_an_event_wrongly_is_found_out_before_anything_begins(
    recorder: Callable[..., Any],
) -> None:
    class Wrong(Callback):
        def on_epoch_end(self) -> None: ...  # type: ignore[override]

    mine = recorder("Mine")
    with pytest.raises(InvalidCallbackError):
        FakeHost(mine, Wrong()).fit()
    assert mine.events == []


def test_a_callback_can_be_used_again_after_a_failed_run(recorder: Callable[..., Any]) -> None:
    errors: dict[str, BaseException] = {"on_epoch_end": ValueError("bad")}
    mine = recorder("Mine", raises=errors)
    host = FakeHost(mine)
    with pytest.raises(ValueError, match="bad"):
        host.fit()
    errors.clear()
    run = host.fit()
    assert run.outcome == Outcome("completed")
    assert mine.events.count("on_run_end") == 2


def test_a_host_that_does_not_own_the_call_ends_the_run_where_a_callback_raises(
    recorder: Callable[..., Any], driver: Callable[..., Driver]
) -> None:
    callbacks = [recorder("A", raises={"on_epoch_begin": ValueError("bad")}), recorder("B")]
    host = driver(*callbacks)
    host.begin(PARAMS)
    host.leave_at_once()
    with pytest.raises(ValueError, match="bad"):
        host.on_epoch_begin(0)
    assert host.run.outcome is not None
    assert [callback.events[-1] for callback in callbacks] == ["on_run_end", "on_run_end"]

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, InvalidCallbackError, Logs, Run, hookimpl
from epochal.choosing.selection import arrange
from epochal.engine.dispatch import Dispatch, nothing
from epochal.engine.member import make_member
from epochal.hookspecs import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from epochal.engine.member import Member

LOGS = Logs({"loss": 1})


class Errors:
    """Notes the errors, and lets the run go on or not."""

    def __init__(self, goes_on: bool = False) -> None:
        self.goes_on = goes_on
        self.seen: list[tuple[str, str, BaseException]] = []

    def __call__(self, member: Member, event: str, error: BaseException) -> bool:
        self.seen.append((member.name, event, error))
        return self.goes_on


def dispatch(callbacks: dict[str, Any], on_error: Callable[..., bool] | None = None) -> Dispatch:
    members = [
        make_member(name, callback, None, position) for position, (name, callback) in enumerate(callbacks.items())
    ]
    return Dispatch(Run(None, "train"), arrange(members), on_error or Errors())


def values_of(event: str) -> list[Any]:
    """A value for each of the event's arguments but the run."""
    return [LOGS if name == "logs" else f"the {name}" for name in EVENTS[event][1:]]


def marked(calls: list[Any], name: str, event: str = "on_epoch_end", **options: Any) -> Any:
    """An object that notes one event."""
    return type("Marked", (), {event: hookimpl(**options)(lambda self: calls.append(name))})()


def raising(error: BaseException, event: str = "on_epoch_end") -> Any:
    def fail(self: Any) -> None:
        raise error

    return type("Raising", (), {event: hookimpl(fail)})()


def wrapper(calls: list[Any], name: str, **options: Any) -> Any:
    class Wrapper:
        @hookimpl(wrapper=True, **options)  # type: ignore[untyped-decorator]
        def on_epoch_end(self) -> Generator[None, Any, Any]:
            calls.append(f"{name} begins")
            try:
                return (yield)
            finally:
                calls.append(f"{name} ends")

    return Wrapper()


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_that_nobody_implements_is_nothing(event: str) -> None:
    made = dispatch({"mine": Callback()})
    if event == "on_train_batch_end":  # the run counts its batches all the same
        assert made.calls[event] == made._run.count_batch
    else:
        assert made.calls[event] is nothing
    nothing(1, logs=2)


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_reaches_every_callback_with_its_arguments_in_order(event: str) -> None:
    calls: list[Any] = []
    arguments = ", ".join(EVENTS[event])
    scope: dict[str, Any] = {"calls": calls}
    exec(f"def one(self, {arguments}): calls.append((self.name, {arguments}))", scope)
    kind = type("Marked", (), {event: hookimpl(specname=event)(scope["one"])})
    callbacks = {name: kind() for name in ("a", "b", "c")}
    for name, callback in callbacks.items():
        callback.name = name
    made = dispatch(callbacks)
    values = values_of(event)
    made.calls[event](*values)
    assert [call[0] for call in calls] == ["a", "b", "c"]
    assert all(isinstance(call[1], Run) and list(call[2:]) == values for call in calls)


def test_the_three_kinds_of_callbacks_are_called_in_one_order() -> None:
    calls: list[str] = []

    class Ours(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            calls.append("ours")

    class Theirs:
        def set_model(self, model: Any) -> None: ...
        def set_params(self, params: Any) -> None: ...

        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            calls.append("theirs")

    dispatch({"a": Theirs(), "b": marked(calls, "marked"), "c": Ours()}).calls["on_epoch_end"](0, LOGS)
    assert calls == ["theirs", "marked", "ours"]


def test_writes_are_seen_by_every_later_callback_of_the_event() -> None:
    class Writer:
        @hookimpl
        def on_epoch_end(self, logs: Any) -> None:
            logs["learning_rate"] = 0.1

    seen: list[dict[str, Any]] = []

    class Reader(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(dict(logs))

    dispatch({"writer": Writer(), "reader": Reader()}).calls["on_epoch_end"](0, Logs({"loss": 1}))
    assert seen == [{"loss": 1.0, "learning_rate": 0.1}]


def test_tryfirst_and_trylast_move_one_event_of_one_callback() -> None:
    calls: list[str] = []
    made = dispatch(
        {
            "a": marked(calls, "a", trylast=True),
            "b": marked(calls, "b"),
            "c": marked(calls, "c", tryfirst=True),
            "d": marked(calls, "d"),
        }
    )
    made.calls["on_epoch_end"](0, LOGS)
    assert calls == ["c", "b", "d", "a"]
    assert [member.name for member in made.members("on_epoch_end")] == ["c", "b", "d", "a"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_nothing_moves_ahead_of_the_pinned_two(wrapped: bool) -> None:
    calls: list[str] = []
    callbacks: dict[str, Any] = {
        "first": marked(calls, "first", tryfirst=True),
        "history": marked(calls, "history", trylast=True),
        "base_logger": marked(calls, "base_logger", trylast=True),
    }
    if wrapped:
        callbacks["wrapper"] = wrapper(calls, "wrapper", tryfirst=True)
    made = dispatch(callbacks)
    made.calls["on_epoch_end"](0, LOGS)
    assert calls[:2] == ["base_logger", "history"]
    assert calls[2:] == (["wrapper begins", "first", "wrapper ends"] if wrapped else ["first"])
    assert [member.name for member in made.members("on_epoch_end")][:2] == ["base_logger", "history"]


def test_among_the_pinned_two_base_logger_stays_first() -> None:
    calls: list[str] = []
    callbacks = {"base_logger": marked(calls, "base_logger"), "history": marked(calls, "history", tryfirst=True)}
    dispatch(callbacks).calls["on_epoch_end"](0, LOGS)
    assert calls == ["base_logger", "history"]


def test_wrappers_enclose_the_others_in_their_order() -> None:
    calls: list[str] = []
    made = dispatch({"a": wrapper(calls, "a"), "b": marked(calls, "b"), "c": wrapper(calls, "c")})
    made.calls["on_epoch_end"](0, LOGS)
    assert calls == ["a begins", "c begins", "b", "c ends", "a ends"]


def test_a_wrapper_gets_its_arguments_by_name() -> None:
    seen: list[Any] = []

    class Wrapper:
        @hookimpl(wrapper=True)
        def on_epoch_end(self, logs: Any, run: Any) -> Generator[None, Any, Any]:
            seen.extend([logs, type(run)])
            return (yield)

    dispatch({"mine": Wrapper()}).calls["on_epoch_end"](0, LOGS)
    assert seen == [LOGS, Run]


def test_a_wrapper_of_a_pinned_callback_runs_or_is_an_error() -> None:
    calls: list[str] = []
    try:
        dispatch({"history": wrapper(calls, "history")}).calls["on_epoch_end"](0, LOGS)
    except InvalidCallbackError:
        return
    assert calls == ["history begins", "history ends"]


# Errors


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt()], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_is_given_to_the_callback_that_raised_and_leaves_as_it_is(
    event: str, error: BaseException, wrapped: bool
) -> None:
    calls: list[str] = []
    errors = Errors()
    callbacks = {"a": marked(calls, "a", event), "b": raising(error, event), "c": marked(calls, "c", event)}
    if wrapped:
        callbacks["w"] = type("Wrapper", (), {event: hookimpl(wrapper=True)(_pass_through)})()
    made = dispatch(callbacks, errors)
    with pytest.raises(type(error)) as raised:
        made.calls[event](*values_of(event))
    assert raised.value is error
    assert errors.seen == [("b", event, error)]
    assert calls == ["a"]


def test_a_stop_iteration_of_a_callback_leaves_as_it_is() -> None:
    error = StopIteration()
    with pytest.raises(StopIteration) as raised:
        dispatch({"a": raising(error)}).calls["on_epoch_end"](0, LOGS)
    assert raised.value is error


def _pass_through(self: Any) -> Generator[None, Any, Any]:
    return (yield)


@pytest.mark.parametrize("event", EVENTS)
def test_when_the_run_goes_on_the_next_callback_is_called(event: str) -> None:
    calls: list[str] = []
    one, other = ValueError("one"), ValueError("other")
    errors = Errors(goes_on=True)
    made = dispatch(
        {
            "a": raising(one, event),
            "b": marked(calls, "b", event),
            "c": raising(other, event),
            "d": marked(calls, "d", event),
            "e": raising(one, event),
        },
        errors,
    )
    made.calls[event](*values_of(event))
    assert calls == ["b", "d"]
    assert errors.seen == [("a", event, one), ("c", event, other), ("e", event, one)]


def test_inside_wrappers_the_next_callback_is_called_too() -> None:
    calls: list[str] = []
    errors = Errors(goes_on=True)
    callbacks = {"w": wrapper(calls, "w"), "a": raising(ValueError()), "b": marked(calls, "b")}
    dispatch(callbacks, errors).calls["on_epoch_end"](0, LOGS)
    assert calls == ["w begins", "b", "w ends"]
    assert [seen[0] for seen in errors.seen] == ["a"]


def before_yield(error: BaseException) -> Any:
    class Wrapper:
        @hookimpl(wrapper=True)
        def on_epoch_end(self) -> Generator[None, Any, Any]:
            if error:
                raise error
            yield

    return Wrapper()


def after_yield(error: BaseException) -> Any:
    class Wrapper:
        @hookimpl(wrapper=True)
        def on_epoch_end(self) -> Generator[None, Any, Any]:
            yield
            raise error

    return Wrapper()


@pytest.mark.parametrize("kind", [before_yield, after_yield])
def test_an_error_of_a_wrapper_is_its_own_and_leaves_as_it_is(kind: Callable[[BaseException], Any]) -> None:
    error, errors = ValueError("bad"), Errors()
    made = dispatch({"w": kind(error)}, errors)
    with pytest.raises(ValueError, match="bad") as raised:
        made.calls["on_epoch_end"](0, LOGS)
    assert raised.value is error
    assert errors.seen == [("w", "on_epoch_end", error)]


@pytest.mark.parametrize("kind", [before_yield, after_yield])
def test_when_the_run_goes_on_a_failing_wrapper_does_not_keep_the_others_out(
    kind: Callable[[BaseException], Any],
) -> None:
    error, errors, calls = ValueError("bad"), Errors(goes_on=True), list[str]()
    callbacks = {
        "outer": wrapper(calls, "outer"),
        "w": kind(error),
        "inner": wrapper(calls, "inner"),
        "a": marked(calls, "a"),
    }
    dispatch(callbacks, errors).calls["on_epoch_end"](0, LOGS)
    assert errors.seen == [("w", "on_epoch_end", error)]
    assert calls == ["outer begins", "inner begins", "a", "inner ends", "outer ends"]


def test_an_error_that_passes_through_a_wrapper_is_not_the_wrappers() -> None:
    error, errors, calls = ValueError("bad"), Errors(), list[str]()
    made = dispatch({"w": wrapper(calls, "w"), "a": raising(error)}, errors)
    with pytest.raises(ValueError, match="bad") as raised:
        made.calls["on_epoch_end"](0, LOGS)
    assert raised.value is error
    assert errors.seen == [("a", "on_epoch_end", error)]
    assert calls == ["w begins", "w ends"]


def test_a_stop_iteration_that_passes_through_a_wrapper_is_not_the_wrappers() -> None:
    error, errors = StopIteration(), Errors()
    with pytest.raises(StopIteration):
        dispatch({"w": wrapper([], "w"), "a": raising(error)}, errors).calls["on_epoch_end"](0, LOGS)
    assert [seen[0] for seen in errors.seen] == ["a"]


def test_a_wrapper_may_swallow_an_error() -> None:
    class Wrapper:
        @hookimpl(wrapper=True)
        def on_epoch_end(self) -> Generator[None, Any, Any]:
            try:
                return (yield)
            except ValueError:
                return None

    dispatch({"w": Wrapper(), "a": raising(ValueError())}).calls["on_epoch_end"](0, LOGS)


def test_when_a_wrapper_fails_over_an_error_and_may_be_left_out_the_first_error_stands() -> None:
    first, second = ValueError("first"), KeyError("second")

    class Wrapper:
        critical = False

        @hookimpl(wrapper=True)
        def on_epoch_end(self) -> Generator[None, Any, Any]:
            try:
                yield
            except ValueError:
                raise second from None

    seen: list[Any] = []

    def only_reporters(member: Member, event: str, error: BaseException) -> bool:
        seen.append((member.name, error))
        return not member.critical

    made = dispatch({"w": Wrapper(), "a": raising(first)}, only_reporters)
    with pytest.raises(ValueError, match="first") as raised:
        made.calls["on_epoch_end"](0, LOGS)
    assert raised.value is first
    assert seen == [("a", first), ("w", second)]


def without_yield() -> Any:
    class Wrapper:
        @hookimpl(wrapper=True)
        def on_epoch_end(self, epoch: int) -> Generator[None, Any, Any]:
            if epoch > 5:
                yield

    return Wrapper()


def with_two_yields() -> Any:
    class Wrapper:
        @hookimpl(wrapper=True)
        def on_epoch_end(self) -> Generator[None, Any, Any]:
            yield
            yield

    return Wrapper()


@pytest.mark.parametrize("kind", [without_yield, with_two_yields])
def test_a_wrapper_that_does_not_yield_exactly_once_is_an_error_of_its_own(kind: Callable[[], Any]) -> None:
    errors = Errors()
    with pytest.raises(RuntimeError, match=r"the wrapper .* `?yield") as raised:
        dispatch({"w": kind()}, errors).calls["on_epoch_end"](0, LOGS)
    assert errors.seen == [("w", "on_epoch_end", raised.value)]


@pytest.mark.parametrize("kind", [without_yield, with_two_yields])
def test_a_wrapper_that_does_not_yield_exactly_once_is_handled_as_every_fault(kind: Callable[[], Any]) -> None:
    calls: list[str] = []
    errors = Errors(goes_on=True)
    dispatch({"w": kind(), "a": marked(calls, "a")}, errors).calls["on_epoch_end"](0, LOGS)
    assert [seen[0] for seen in errors.seen] == ["w"]
    assert calls == ["a"]


# Dropping


def test_a_dropped_event_is_gone_with_the_next_compile() -> None:
    calls: list[str] = []
    made = dispatch({"a": marked(calls, "a"), "b": marked(calls, "b")})
    member = made.members("on_epoch_end")[0]
    made.drop(member, ["on_epoch_end", "on_train_end"])
    made.compile()
    made.calls["on_epoch_end"](0, LOGS)
    assert calls == ["b"]


def test_when_everybody_dropped_an_event_it_is_nothing() -> None:
    made = dispatch({"a": marked([], "a")})
    made.drop(made.members("on_epoch_end")[0], ["on_epoch_end"])
    made.compile()
    assert made.calls["on_epoch_end"] is nothing


def test_dropping_what_is_no_event_is_an_error_with_the_nearest() -> None:
    made = dispatch({"a": marked([], "a")})
    with pytest.raises(InvalidCallbackError, match=r"'a' .* drops 'on_epoch_ends'.*Did you mean 'on_epoch_end'"):
        made.drop(made.members("on_epoch_end")[0], ["on_epoch_ends"])


def test_keep_only_takes_everything_else_away_at_once() -> None:
    calls: list[str] = []

    class Mine(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            calls.append("begin")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            calls.append("end")

    made = dispatch({"a": Mine()})
    made.keep_only(made.members("on_epoch_end"), "on_epoch_end")
    made.calls["on_epoch_begin"](0, LOGS)
    made.calls["on_epoch_end"](0, LOGS)
    assert calls == ["end"]


def test_a_callback_with_an_invalid_event_is_found_out_when_the_lists_are_made() -> None:
    with pytest.raises(InvalidCallbackError):
        dispatch({"mine": object()})


def test_all_callbacks_with_an_invalid_event_are_told_at_once() -> None:
    class Wrong(Callback):
        def on_epoch_end(self) -> None: ...  # type: ignore[override]

    with pytest.raises(
        InvalidCallbackError,
        match=r"^2 callbacks cannot be used:\n  .*is not a callback.*\n  on_epoch_end\(\).* of 'b'",
    ) as raised:
        dispatch({"a": object(), "b": Wrong(), "c": Callback()})
    assert raised.value.callback == "a"

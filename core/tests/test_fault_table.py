"""Every event, raising each kind of exception, in each kind of callback, in each kind of host."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

import epochal.hosts.loop
from epochal import Callback, Outcome, hookimpl
from epochal.choosing.selection import arrange
from epochal.engine.driver import Driver
from epochal.engine.member import make_member
from epochal.hookspecs import EVENTS, KERAS_EVENTS, OWN_EVENTS
from epochal.inspection.identity import default_name
from epochal.run import Run
from epochal.testing import FakeHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from epochal.engine.member import Member

KINDS_PER_CASE = int(os.environ.get("KINDS_PER_CASE", "2"))


class Mute(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


class Aborted(BaseException):
    """Is no error, and no interrupt of Python's."""


class OutOfRangeError(Exception):
    """What Keras takes for the end of the data, on TensorFlow."""

    __module__ = "tensorflow.python.framework.errors_impl"


KINDS: dict[str, Callable[[], BaseException]] = {
    "error": lambda: ValueError("bad"),
    "ctrl-c": KeyboardInterrupt,
    "exit": lambda: SystemExit(3),
    "stop": lambda: StopIteration("bad"),
    "generator exit": GeneratorExit,
    "async stop": StopAsyncIteration,
    "mute": Mute,
    "base": lambda: Aborted("bad"),
    "end of data": lambda: OutOfRangeError("bad"),
}
if sys.version_info >= (3, 11):
    KINDS["group"] = lambda: ExceptionGroup("bad", [ValueError("bad")])  # noqa: F821  # of Python 3.11
    KINDS["base group"] = lambda: BaseExceptionGroup("bad", [KeyboardInterrupt()])  # noqa: F821


# The callbacks


class _Raising:
    """Raises in one event, once, and counts its `on_run_end`."""

    event = ""
    error: BaseException
    met: list[str]

    def meet(self, event: str) -> None:
        self.met.append(event)
        if event == self.event:
            raise self.error


def _method(event: str) -> Any:
    return lambda self, *_, **__: self.meet(event)


def _ours(event: str, *, critical: bool) -> Any:
    methods: dict[str, Any] = {each: _method(each) for each in KERAS_EVENTS}
    methods |= {each: _own(each) for each in OWN_EVENTS}
    return type("Breaker", (_Raising, Callback), {**methods, "critical": critical})()


def _own(event: str) -> Any:
    return hookimpl(specname=event)(lambda self: self.meet(event))


def _critical(event: str) -> Any:
    return _ours(event, critical=True)


def _reporter(event: str) -> Any:
    return _ours(event, critical=False)


def _keras(event: str) -> Any:
    """A callback as of Keras: every method of its protocol."""
    methods: dict[str, Any] = {each: _method(each) for each in KERAS_EVENTS}
    methods |= {"set_model": lambda self, model: None, "set_params": lambda self, params: None}
    return type("Breaker", (_Raising,), methods)()


def _marked(event: str) -> Any:
    return type("Breaker", (_Raising,), {f"own_{event}": _own(event)})()


def _wrapper(event: str) -> Any:
    def wrap(self: Any) -> Iterator[None]:
        yield
        self.meet(event)

    return type("Breaker", (_Raising,), {f"own_{event}": hookimpl(wrapper=True, specname=event)(wrap)})()


ROLES = {"critical": _critical, "reporter": _reporter, "keras": _keras, "marked": _marked, "wrapper": _wrapper}


class Witness(Callback):
    """Notes its events, and keeps something open while the run goes on."""

    def __init__(self) -> None:
        self.met: list[str] = []
        self.outcomes: list[Outcome] = []
        self.is_open = False

    def on_run_begin(self) -> None:
        self.is_open = True

    def on_epoch_finalized(self, epoch: int) -> None:
        self.met.append(f"epoch {epoch}")

    def on_train_end(self, logs: Any = None) -> None:
        self.met.append("on_train_end")

    def on_run_end(self, outcome: Outcome) -> None:
        self.is_open = False
        self.outcomes.append(outcome)


# The hosts


class SwallowingHost(FakeHost):
    """Does not own the call, and takes some errors for the end of the data, as Keras does in its loop of batches."""

    swallows: tuple[type[Exception], ...] = (StopIteration,)

    def _drive(self, stage: str, params: Any, events: Any, validates: bool | None = None) -> Run:
        self.run = Run(self.model, stage, None)
        driver = Driver(self.run, self._members)
        try:
            driver.begin(params)
        except BaseException as error:
            driver.end(error)
            raise
        driver.leave_at_once()
        try:
            with suppress(*self.swallows):
                events(driver)
            driver.end()
        finally:
            driver.end(outcome=Outcome("failed", "Keras left the call"))
        return self.run


def _in_a_loop(callbacks: list[Any]) -> None:
    with epochal.hosts.loop.loop(None, epochs=2, callbacks=callbacks) as run:
        for _ in run.epochs():
            for _ in run.batches([1, 2]):
                run.log(loss=0.5)
            with run.validation():
                for _ in run.batches([1]):
                    run.log(loss=0.5)


def _play(host: str, event: str, callbacks: list[Any]) -> None:
    if host == "loop":
        _in_a_loop(callbacks)
        return
    kind = {"own": FakeHost, "swallowing": SwallowingHost}[host]
    made = kind(*callbacks)
    if isinstance(made, SwallowingHost) and "_batch_" in event:
        made.swallows = (StopIteration, OutOfRangeError)
    _ = made.predict(2) if "predict" in event else made.fit(2, 2, validation_steps=1)


@pytest.fixture(autouse=True)
def _given_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make loops run the given callbacks alone, whatever is installed."""

    def select(given: Any) -> list[Member]:
        names: list[str] = []
        for callback in given:
            names.append(default_name(callback).unique(names))
        return arrange(make_member(name, each, None, 0) for name, each in zip(names, given, strict=True))

    monkeypatch.setattr(epochal.hosts.loop, "select", select)


# What has to come out


def _cases() -> Iterator[tuple[str, str, str]]:
    for host in ("own", "swallowing", "loop"):
        for role in ROLES:
            for event in EVENTS:
                if not (role == "keras" and event in OWN_EVENTS) and not (host == "loop" and "predict" in event):
                    yield host, role, event


def _sampled() -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield each case with two of the kinds in turn. With KINDS_PER_CASE=99 it is all of them, which takes a minute."""
    kinds = [*KINDS]
    for number, case in enumerate(_cases()):
        yield *case, [*dict.fromkeys(kinds[(number * 7 + 3 * place) % len(kinds)] for place in range(KINDS_PER_CASE))]


@pytest.mark.parametrize(("host", "role", "event", "kinds"), [*_sampled()])
def test_an_exception_ends_the_run_as_the_table_says(
    host: str, role: str, event: str, kinds: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in kinds:
        error = KINDS[kind]()
        breaker, first, last = ROLES[role](event), Witness(), Witness()
        breaker.event, breaker.error, breaker.met = event, error, []
        caught = None
        try:
            _play(host, event, [first, breaker, last])
        except BaseException as raised:
            caught = raised
        shown = capsys.readouterr().out
        with_context = f"{kind} in {event} of a {role} in the {host} host: {caught!r:.200}" if kind != "mute" else kind
        _check(error, breaker, event, role, caught, [first, last], shown, with_context)


def _check(
    error: BaseException,
    breaker: Any,
    event: str,
    role: str,
    caught: BaseException | None,
    witnesses: list[Witness],
    shown: str,
    what: str,
) -> None:
    taken_out = role == "reporter" and isinstance(error, Exception)
    is_interrupt = isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit))
    for witness in witnesses:
        assert len(witness.outcomes) == (0 if event == "on_run_begin" and not witness.outcomes else 1), what
        assert not witness.is_open, what
    assert breaker.met.count(event) == 1, what
    assert breaker.met.count("on_run_end") == (role in ("critical", "reporter") and event != "on_run_begin") or (
        event == "on_run_end"
    ), what
    outcomes = [outcome for witness in witnesses for outcome in witness.outcomes]
    if taken_out:
        assert caught is None, what
        assert {outcome.status for outcome in outcomes} == {"completed"}, what
        assert len(shown.splitlines()) == (1 if event in ("on_run_begin", "on_train_begin", "on_run_end") else 2), what
        assert all(part in shown for part in ("'breaker'", event, type(error).__name__, "test_fault_table.py:")), what
        return
    assert shown == "", what
    assert caught is not None, what
    if _leaves_as_it_is(error, event, role):
        assert caught is error, what
    else:
        assert type(caught) is RuntimeError, what
        assert caught.__cause__ is error, what
        assert f"{type(error).__name__}: bad" in str(caught) or role == "wrapper", what
    notes = getattr(caught, "__notes__", [])
    assert len(notes) == (not is_interrupt), what
    assert all("the callback 'breaker'" in note and note.endswith(f"in {event}") for note in notes), what
    for outcome in outcomes:
        if event == "on_run_end":
            assert outcome.status == "completed", what
            continue
        assert outcome.exception is caught, what
        assert outcome.status == ("interrupted" if isinstance(error, KeyboardInterrupt) else "failed"), what
        assert ("'breaker'" in outcome.reason) == (not is_interrupt), what
        assert type(error).__name__ in outcome.reason or isinstance(error, KeyboardInterrupt) or role == "wrapper", what
    if outcomes and event in ("on_train_end", "on_run_end"):
        assert witnesses[0].met[:2] == ["epoch 0", "epoch 1"], what


def _leaves_as_it_is(error: BaseException, event: str, role: str) -> bool:
    if isinstance(error, StopIteration):
        return False
    return not (isinstance(error, OutOfRangeError) and "_batch_" in event)


@pytest.mark.parametrize("role", ["critical", "reporter"])
@pytest.mark.parametrize("setter", ["set_model", "set_params"])
def test_a_stop_iteration_in_a_setter_is_the_callbacks_error_too(role: str, setter: str) -> None:
    def fail(self: Any, _given: Mapping[str, Any]) -> None:
        raise StopIteration("bad")

    breaker = type("Breaker", (Callback,), {setter: fail, "critical": role == "critical"})()
    host = FakeHost(breaker)
    if role == "reporter":
        assert host.fit().outcome == Outcome("completed")
    else:
        with pytest.raises(RuntimeError, match=r"'breaker' .* raised StopIteration: bad"):
            host.fit()

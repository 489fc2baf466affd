from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, Outcome, hookimpl
from epochal.engine.signals import Termination
from epochal.testing import FakeHost

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGTERM that a program could take")


def terminate() -> None:
    """Send this process SIGTERM. Python runs the handler before the next statement of the main thread."""
    os.kill(os.getpid(), signal.SIGTERM)


class Handler:
    """A handler of the program's own."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __call__(self, number: int, frame: Any) -> None:
        self.calls.append(number)


@pytest.fixture
def handler() -> Iterator[Handler]:
    made = Handler()
    before = signal.signal(signal.SIGTERM, made)
    yield made
    signal.signal(signal.SIGTERM, before)


class Mine(Callback):
    """Sends the signal in one event, and notes all events."""

    def __init__(self, event: str = "", times: int = 1) -> None:
        self.event, self.times = event, times
        self.events: list[str] = []
        self.handlers: list[Any] = []

    def _note(self, event: str) -> None:
        self.events.append(event)
        if event == self.event:
            for _ in range(self.times):
                terminate()

    def on_run_begin(self) -> None:
        self._note("on_run_begin")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._note("on_train_batch_end")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._note("on_test_batch_end")

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self._note("on_predict_batch_end")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._note("on_epoch_end")

    def on_train_end(self, logs: Any = None) -> None:
        self._note("on_train_end")

    def on_run_end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.handlers.append(signal.getsignal(signal.SIGTERM))
        self._note("on_run_end")


def end(host: FakeHost) -> Outcome:
    assert host.run is not None
    assert host.run.outcome is not None
    return host.run.outcome


def test_the_signal_ends_training_at_the_next_batch(handler: Handler) -> None:
    mine = Mine("on_train_batch_end")
    host = FakeHost(mine)
    host.fit(steps=5)
    assert mine.events == ["on_run_begin", "on_train_batch_end", "on_run_end"]
    assert end(host) == Outcome("interrupted", "SIGTERM", None)
    assert mine.outcome is end(host)


def test_the_signal_in_the_training_step_lets_the_batch_end_and_ends_there(handler: Handler) -> None:
    mine = Mine()
    host = FakeHost(mine)
    host.fit(steps=5, step=lambda epoch, batch: terminate() if batch == 1 else None)
    assert mine.events == ["on_run_begin", "on_train_batch_end", "on_run_end"]


def test_the_signal_ends_training_at_the_next_batch_of_validation(handler: Handler) -> None:
    mine = Mine("on_test_batch_end")
    host = FakeHost(mine)
    host.fit(epochs=2, steps=1, validation_steps=4)
    assert mine.events == ["on_run_begin", "on_train_batch_end", "on_test_batch_end", "on_run_end"]
    assert end(host) == Outcome("interrupted", "SIGTERM", None)


def test_the_signal_ends_training_when_nobody_listens_to_batches(handler: Handler) -> None:
    steps: list[int] = []

    def step(epoch: int, batch: int) -> None:
        steps.append(batch)
        if batch == 1:
            terminate()

    host = FakeHost()
    host.fit(steps=5, step=step)
    assert steps == [0, 1]
    assert end(host).status == "interrupted"


def test_the_signal_before_the_first_batch_ends_training_there(handler: Handler) -> None:
    mine = Mine("on_run_begin")
    host = FakeHost(mine)
    host.fit()
    assert mine.events == ["on_run_begin", "on_run_end"]


def test_the_signal_ends_an_evaluation_and_a_prediction_with_what_they_have(handler: Handler) -> None:
    for event in ("on_test_batch_end", "on_predict_batch_end"):
        mine = Mine(event)
        host = FakeHost(mine)
        run = host.evaluate(steps=5) if "test" in event else host.predict(steps=5)
        assert mine.events.count(event) == 1
        assert run.outcome == Outcome("interrupted", "SIGTERM", None)
    assert len(handler.calls) == 2


def test_a_second_signal_ends_the_run_at_once(handler: Handler) -> None:
    mine, other = Mine("on_train_batch_end", times=2), Mine()
    host = FakeHost(mine, type("Other", (Mine,), {})(), other)
    host.fit(steps=5)
    assert mine.events == ["on_run_begin", "on_train_batch_end", "on_run_end"]
    assert other.events == ["on_run_begin", "on_run_end"]
    assert end(host) == Outcome("interrupted", "SIGTERM", None)


def test_the_handler_that_was_there_is_called_once_after_every_run_end_and_has_the_signal_again(
    handler: Handler,
) -> None:
    calls_at_the_end: list[int] = []

    class Late(Callback):
        def on_run_end(self) -> None:
            calls_at_the_end.append(len(handler.calls))

    FakeHost(Mine("on_train_batch_end"), Late()).fit()
    assert calls_at_the_end == [0]
    assert handler.calls == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is handler


def test_without_a_signal_the_handler_that_was_there_is_not_called_and_has_the_signal_again(handler: Handler) -> None:
    mine = Mine()
    FakeHost(mine).fit()
    assert handler.calls == []
    assert mine.handlers[0] is not handler
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.parametrize("event", ["on_run_begin", "on_train_batch_end", "on_run_end"])
def test_after_a_failed_run_the_handler_that_was_there_has_the_signal_again(handler: Handler, event: str) -> None:
    def fail(self: Any, *_: Any) -> None:
        raise ValueError("bad")

    methods = (
        {event: fail} if event == "on_train_batch_end" else {event: hookimpl(specname=event)(lambda self: fail(self))}
    )
    with pytest.raises(ValueError, match="bad"):
        FakeHost(type("Failing", (Callback,), methods)()).fit()
    assert signal.getsignal(signal.SIGTERM) is handler


def test_an_error_that_follows_the_signal_is_kept_in_the_outcome(handler: Handler) -> None:
    error = ValueError("bad")

    class Failing(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            terminate()
            raise error

    host = FakeHost(Failing())
    with pytest.raises(ValueError, match="bad"):
        host.fit()
    assert end(host) == Outcome("interrupted", "SIGTERM", error)
    assert handler.calls == [signal.SIGTERM]


def test_a_signal_that_comes_when_everything_was_trained_is_still_delivered(handler: Handler) -> None:
    for event in ("on_train_end", "on_run_end"):
        mine = Mine(event)
        FakeHost(mine).fit()
        assert mine.events[-1] == "on_run_end"
    assert handler.calls == [signal.SIGTERM, signal.SIGTERM]


def test_a_signal_that_the_program_ignores_is_left_alone() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        mine = Mine("on_train_batch_end")
        run = FakeHost(mine).fit(steps=3)
        assert mine.events.count("on_train_batch_end") == 3
        assert mine.handlers == [signal.SIG_IGN]
        assert run.outcome == Outcome("completed")
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_run_in_another_thread_leaves_the_signal_alone(handler: Handler) -> None:
    mine = Mine()
    thread = threading.Thread(target=lambda: FakeHost(mine).fit())
    thread.start()
    thread.join()
    assert mine.events[-1] == "on_run_end"
    assert mine.handlers == [handler]


def test_a_handler_that_somebody_set_during_the_run_stays(handler: Handler) -> None:
    theirs = Handler()

    class Setting(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            signal.signal(signal.SIGTERM, theirs)

    FakeHost(Setting()).fit()
    assert signal.getsignal(signal.SIGTERM) is theirs


class Nested(Callback):
    """Evaluates inside a fit."""

    def __init__(self, inner: Mine) -> None:
        self.inner = FakeHost(inner)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.inner.evaluate(steps=4)


def test_a_signal_in_a_run_inside_a_run_ends_both_and_then_reaches_the_program(handler: Handler) -> None:
    inner, outer = Mine("on_test_batch_end"), Mine()
    host = FakeHost(Nested(inner), outer)
    host.fit(epochs=3, steps=2)
    assert inner.events == ["on_run_begin", "on_test_batch_end", "on_run_end"]
    assert outer.events == ["on_run_begin", *["on_train_batch_end"] * 2, "on_epoch_end", "on_run_end"]
    assert end(host).status == "interrupted"
    assert handler.calls == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_run_inside_a_run_gives_the_signal_back_to_the_outer_one(handler: Handler) -> None:
    outer = Mine()
    FakeHost(Nested(Mine()), outer).fit()
    assert outer.handlers[0] is not handler
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_run_that_ends_before_one_that_began_inside_it_does_not_get_the_signal_back(handler: Handler) -> None:
    """As after a fit that failed, and that Keras lets go of only while the next one trains."""
    one, other = Termination(lambda: None), Termination(lambda: None)
    one.install()
    other.install()
    one.restore()
    other.restore()
    terminate()
    assert handler.calls == [signal.SIGTERM]


def test_two_signals_in_a_run_end_leave_no_exception_of_ours(handler: Handler) -> None:
    mine = Mine("on_run_end", times=2)
    FakeHost(mine).fit()
    assert handler.calls == [signal.SIGTERM]


# With the default handler the process ends, so these run in one of their own.

SCRIPT = """
import os, signal, sys
from epochal import Callback
from epochal.testing import FakeHost

class Mine(Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("batch", batch, flush=True)
        for _ in range({times}):
            os.kill(os.getpid(), signal.SIGTERM)
    def on_run_end(self, outcome):
        print(outcome.status, outcome.reason, flush=True)

try:
    FakeHost(Mine()).fit(steps=5)
finally:
    print("not reached", flush=True)
"""


@pytest.mark.parametrize("times", [1, 2])
def test_with_the_default_handler_the_process_ends_by_the_signal_after_the_run_ends(times: int) -> None:
    script = textwrap.dedent(SCRIPT).format(times=times)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == ["batch 0", "interrupted SIGTERM"]
    assert done.returncode == -signal.SIGTERM


_FORK = """
import multiprocessing, time
from epochal import Callback
from epochal.testing import FakeHost

fork = multiprocessing.get_context("fork")

def wait(begun):
    begun.set()
    time.sleep(600)

class Forks(Callback):
    def on_train_begin(self, logs=None):
        begun = fork.Event()
        child = fork.Process(target=wait, args=(begun,))
        child.start()
        begun.wait()  # Python drops signals that reach a child before it has begun
        child.terminate()
        child.join()
        print(child.exitcode)

FakeHost(Forks()).fit()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_process_forked_inside_a_run_can_be_terminated() -> None:
    done = subprocess.run([sys.executable, "-c", _FORK], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["-15"]

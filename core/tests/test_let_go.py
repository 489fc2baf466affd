"""What a run holds goes with the last reference to it, without the garbage collector."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import epochal.hosts.loop
from epochal import Callback, Outcome, RunError, hookimpl
from epochal.choosing.selection import arrange
from epochal.engine.driver import Driver
from epochal.engine.member import make_member
from epochal.inspection.identity import default_name
from epochal.monitor import MonitorCallback
from epochal.run import Run
from epochal.testing import FakeHost, FakeModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from epochal.hosts.loop import LoopRun


class Mine(Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batch = batch

    def on_run_end(self) -> None:
        """Be there at the end too."""


class Fails(Callback):
    critical = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        raise ValueError("bad")


class History(Callback):
    """Holds the run, as that of a fit does."""


@hookimpl(wrapper=True)
def on_epoch_end(run: Run) -> Iterator[None]:
    yield


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    FakeHost(Fails(), on_epoch_end).fit()  # what is imported and cached once
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Watches(MonitorCallback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.monitored_value(logs)


CALLBACKS = {"ours": Mine, "monitor": Watches, "reporter": Fails, "wrapper": lambda: on_epoch_end}


@pytest.mark.parametrize("make", CALLBACKS.values(), ids=[*CALLBACKS])
def test_a_fit_leaves_nothing_to_the_collector(make: Any) -> None:
    host = FakeHost(make())
    run = host.fit(2, validation_steps=1)
    assert host._driver is not None
    held = [weakref.ref(each) for each in (run, host._driver, host._driver._dispatch, host.model)]
    del host, run
    assert [each() for each in held] == [None] * 4
    assert gc.collect() == 0


@pytest.mark.parametrize("kind", [Mine, History])
def test_a_run_that_a_host_gives_holds_its_callbacks_and_they_keep_what_is_known_of_it(kind: Any) -> None:
    callback = kind()
    run = FakeHost(callback).fit()
    assert list(run.callbacks.values()) == [callback]
    assert callback.run is run
    order = run.order
    del run
    assert callback.run.order == order
    assert callback.run.outcome == Outcome("completed")
    assert list(callback.run.callbacks.values()) == [callback]
    held = weakref.ref(callback.run)
    del callback
    assert held() is None
    assert gc.collect() == 0


def test_the_history_of_a_run_that_a_host_gives_keeps_the_other_callbacks_and_their_run() -> None:
    history, mine = History(), Mine()
    FakeHost(history, mine).fit()
    assert mine.run is history.run
    assert history.run is not None
    held = weakref.ref(mine)
    del mine
    assert list(history.run.callbacks.values()) == [history, held()]
    del history
    assert held() is None
    assert gc.collect() == 0


def driven(stage: str, *callbacks: Any) -> Driver:
    """Make a driver as the hosts of Keras do."""
    members = [make_member(default_name(each), each, None, 0) for each in callbacks]
    return Driver(Run(FakeModel(), stage), arrange(members), gives_run=False)


def test_in_a_fit_of_keras_the_history_holds_the_run_and_with_it_the_other_callbacks() -> None:
    history, mine = History(), Mine()
    driver = driven("train", history, mine)
    driver.begin({})
    driver.end()
    del driver
    run = history.run
    assert run is not None
    assert mine.run is run
    assert list(run.callbacks.values()) == [history, mine]
    held = weakref.ref(mine)
    del mine
    assert list(run.callbacks) == ["history", "mine"]
    del history
    assert run.callbacks["history"] is None
    del run
    assert held() is None


def test_the_callbacks_that_an_evaluation_was_given_hold_its_run() -> None:
    history, mine = History(), Mine()
    driver = driven("test", history, mine)
    driver.begin({})
    driver.end()
    del driver
    assert mine.run is not None
    assert mine.run.callbacks["mine"] is mine
    held = weakref.ref(mine.run)
    del mine, history
    assert held() is None


def test_a_callback_that_is_in_another_run_by_then_keeps_that_one() -> None:
    mine = Mine()
    outer, inner = driven("train", mine), driven("train", mine)
    outer.begin({})
    inner.begin({})
    outer.end()
    assert mine.run is inner.run
    inner.end()


def test_what_a_host_sends_after_the_end_reaches_nobody() -> None:
    mine = Mine()
    driver = driven("train", mine)
    driver.begin({})
    driver.leave_at_once()
    driver.end()
    driver.on_epoch_begin(0)
    driver.batch.on_train_batch_end(0)
    assert not hasattr(mine, "batch")


def _loop(callback: Any) -> LoopRun:
    with epochal.hosts.loop.loop(FakeModel(), callbacks=[callback]) as run:
        for _ in run.epochs():
            for _ in run.batches([1, 2]):
                run.log(loss=0.5)
    return run


@pytest.fixture
def _given_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def select(given: Any) -> Any:
        return arrange(make_member(default_name(each), each, None, 0) for each in given)

    monkeypatch.setattr(epochal.hosts.loop, "select", select)


@pytest.mark.usefixtures("_given_alone")
def test_a_loop_leaves_nothing_to_the_collector() -> None:
    history = History()
    run = _loop(history)
    assert run.history.run is run
    held = weakref.ref(run)
    del run
    assert held() is None
    assert history.run is not None
    assert history.run.outcome == Outcome("completed")
    del history
    assert gc.collect() == 0


@pytest.mark.usefixtures("_given_alone")
def test_a_loop_that_is_over_is_not_gone_through_again() -> None:
    run = _loop(Mine())
    with pytest.raises(RunError, match=r"run.epochs\(\) is called after the run has ended"):
        next(iter(run.epochs()))
    with pytest.raises(RunError, match="belongs inside"):
        run.log(loss=1.0)

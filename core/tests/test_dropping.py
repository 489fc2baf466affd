"""Events that a callback drops for one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, InvalidCallbackError, Run, RunError
from epochal.engine.dispatch import nothing
from epochal.testing import FakeHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from epochal.engine.driver import Driver

PARAMS = {"verbose": 0, "epochs": 1, "steps": 2}


def test_an_event_that_a_callback_drops_does_not_reach_it_and_costs_nothing(driver: Callable[..., Driver]) -> None:
    class Mine(Callback):
        batches = 0

        def on_run_begin(self, run: Run) -> None:
            run.drop(self, "on_train_batch_begin", "on_test_begin")

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.batches += 1

    mine = Mine()
    host = driver(mine)
    host.begin(PARAMS)
    assert host.batch.on_train_batch_begin is nothing
    host.end()
    FakeHost(mine).fit()
    assert mine.batches == 0


def test_a_drop_lasts_for_one_run_only() -> None:
    class Mine(Callback):
        batches = 0
        drops = True

        def on_run_begin(self, run: Run) -> None:
            if self.drops:
                run.drop(self, "on_train_batch_end")

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.batches += 1

    mine = Mine()
    host = FakeHost(mine)
    host.fit(steps=2)
    mine.drops = False
    host.fit(steps=2)
    assert mine.batches == 2


def test_dropping_is_possible_in_run_begin_only() -> None:
    class Mine(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            assert self.run is not None
            self.run.drop(self, "on_epoch_end")

    with pytest.raises(RunError, match="on_run_begin only"):
        FakeHost(Mine()).fit()
    run = Run(None, "train")
    with pytest.raises(RunError, match="on_run_begin only"):
        run.drop(Mine(), "on_epoch_end")


def test_dropping_for_an_object_that_is_no_callback_of_the_run_is_an_error() -> None:
    class Mine(Callback):
        def on_run_begin(self, run: Run) -> None:
            run.drop(Callback(), "on_epoch_end")

    with pytest.raises(RunError, match="is not a callback of this run"):
        FakeHost(Mine()).fit()


def test_dropping_what_is_no_event_is_an_error_with_the_nearest() -> None:
    class Mine(Callback):
        def on_run_begin(self, run: Run) -> None:
            run.drop(self, "on_epoch_ends")

    with pytest.raises(InvalidCallbackError, match="Did you mean 'on_epoch_end'"):
        FakeHost(Mine()).fit()

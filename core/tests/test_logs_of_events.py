"""The logs that the events of a run have: shared, fetched late, final at last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, Logs
from epochal.testing import FakeHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from epochal.engine.driver import Driver

PARAMS = {"verbose": 0, "epochs": 1, "steps": 2}


class Tensor:
    def __init__(self, value: float = 0.5) -> None:
        self.value = value
        self.fetches = 0

    def __float__(self) -> float:
        self.fetches += 1
        return self.value


def test_all_callbacks_of_an_event_share_one_logs_object(recorder: Callable[..., Any]) -> None:
    one, other = recorder("One"), recorder("Other")
    FakeHost(one, other).fit(epochs=1, steps=1, validation_steps=1)
    for (event, values), (_, others) in zip(one.values, other.values, strict=True):
        if event not in ("on_run_begin", "on_run_end"):
            assert isinstance(values[-1], Logs)
            assert values[-1] is others[-1]


def test_a_batch_that_nobody_reads_is_not_fetched_and_epochs_and_tests_are_at_once(
    driver: Callable[..., Driver],
) -> None:
    class Mine(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert logs is not None
            assert "loss" in logs

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None: ...

    host = driver(Mine())
    host.begin(PARAMS)
    batch, test_batch, test, epoch = Tensor(), Tensor(), Tensor(), Tensor()
    host.on_train_begin()
    host.on_epoch_begin(0)
    host.batch.on_train_batch_end(0, {"loss": batch})
    host.on_test_begin()
    host.batch.on_test_batch_end(0, {"loss": test_batch})
    host.on_test_end({"loss": test})
    host.on_epoch_end(0, {"loss": epoch})
    assert [tensor.fetches for tensor in (batch, test_batch, test, epoch)] == [0, 0, 1, 1]
    host.end()


def test_an_epoch_is_finalized_once_with_what_came_late_and_read_only(driver: Callable[..., Driver]) -> None:
    seen: list[dict[str, Any]] = []

    class Mine(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["mine"] = 1.0

        def on_epoch_finalized(self, epoch: int, logs: Any) -> None:
            seen.append(dict(logs))
            with pytest.raises(TypeError):
                logs["more"] = 1.0

    host = driver(Mine())
    host.begin(PARAMS)
    host.on_epoch_begin(0)
    host.on_epoch_end(0, {"loss": 0.5})
    host.finalize_epoch({"theirs": 2.0})
    host.finalize_epoch({"theirs": 3.0})
    assert seen == [{"loss": 0.5, "mine": 1.0, "theirs": 2.0}]
    host.end()

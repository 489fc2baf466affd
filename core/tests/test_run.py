"""What a run knows of itself: stage, epoch, step, its callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal import Callback, Run
from epochal.testing import FakeHost

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_the_stage_is_validate_inside_a_fit_and_test_or_predict_alone() -> None:
    class Mine(Callback):
        def __init__(self) -> None:
            self.stages: list[tuple[str, str]] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.note("batch")

        def on_test_begin(self, logs: Any = None) -> None:
            self.note("test begin")

        def on_test_end(self, logs: Any = None) -> None:
            self.note("test end")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.note("epoch end")

        def on_predict_begin(self, logs: Any = None) -> None:
            self.note("predict")

        def note(self, what: str) -> None:
            assert self.run is not None
            self.stages.append((what, self.run.stage))

    mine = Mine()
    host = FakeHost(mine)
    host.fit(steps=1, validation_steps=1)
    host.evaluate(steps=1)
    host.predict(steps=1)
    assert mine.stages == [
        ("batch", "train"),
        ("test begin", "validate"),
        ("test end", "validate"),
        ("epoch end", "train"),
        ("test begin", "test"),
        ("test end", "test"),
        ("predict", "predict"),
    ]


def test_the_epoch_and_the_step_are_counted() -> None:
    seen: list[tuple[int | None, int]] = []

    class Mine(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.note()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.note()

        def note(self) -> None:
            assert self.run is not None
            seen.append((self.run.epoch, self.run.step))

    run = FakeHost(Mine()).fit(epochs=4, steps=2, initial_epoch=2)
    assert seen == [(None, 0), (2, 1), (2, 2), (3, 3), (3, 4)]
    assert (run.epoch, run.step) == (3, 4)


def test_steps_are_counted_when_nobody_listens_to_batches_and_with_several_an_execution() -> None:
    assert FakeHost().fit(epochs=2, steps=3).step == 6
    assert FakeHost().fit(epochs=2, steps=6, steps_per_execution=3).step == 12


def test_steps_are_counted_when_an_epoch_is_left_early() -> None:
    class Mine(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.model.stop_training = True

    assert FakeHost(Mine()).fit(epochs=3, steps=5).step == 2


def test_every_run_has_an_id_of_its_own_and_knows_its_callbacks_and_their_places(recorder: Callable[..., Any]) -> None:
    one, other = recorder("One"), recorder("Other")
    host = FakeHost(one, other)
    first, second = host.fit(), host.fit()
    assert first.id != second.id
    assert list(first.callbacks.items()) == [("one", one), ("other", other)]
    assert [place.name for place in first.order] == ["one", "other"]
    assert all(place.reason for place in first.order)


def test_the_history_of_a_run_is_the_pinned_callback(recorder: Callable[..., Any]) -> None:
    history = recorder("History")
    assert FakeHost(recorder("Mine"), history).fit().history is history


def test_the_chief_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("RANK", "1")
    assert Run(None, "train").is_chief is False

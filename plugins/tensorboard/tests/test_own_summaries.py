"""What the model's own code writes, as the adapter catches it."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard, summaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Channel:
    """Stands for what catches the summaries of a framework."""

    def __init__(self) -> None:
        self.is_open = False
        self.step = (0, False)
        self.records = b""

    @contextmanager
    def open(self) -> Iterator[None]:
        self.is_open = True
        yield
        self.is_open = False

    def set_step(self, step: int, *, records: bool) -> None:
        self.step = (step, records)

    def take(self) -> bytes:
        records, self.records = self.records, b""
        return records

    def write(self) -> None:
        """Do what a summary in the model does."""
        step, records = self.step
        if self.is_open and records:
            event = summaries.event(step, [summaries.scalar("inside", 0.5)])
            length = struct.pack("<Q", len(event))
            sums = [struct.pack("<I", masked_crc32c(part)) for part in (length, event)]
            self.records += length + sums[0] + event + sums[1]


@pytest.fixture
def channels(model: Any) -> dict[str, Channel]:
    model.channels = {"train": Channel(), "validation": Channel()}
    found: dict[str, Channel] = model.channels
    return found


def _fit(board: TensorBoard, model: Any, channels: dict[str, Channel], **arguments: Any) -> None:
    def values(epoch: int, batch: int) -> dict[str, float]:
        channels["validation"].write()  # it is open in validation only
        return {"loss": 0.5}

    def step(epoch: int, batch: int) -> None:
        channels["train"].write()

    FakeHost(board, model=model).fit(step=step, values=values, **arguments)


def test_they_have_the_steps_of_the_batches(model: Any, logs: Path, scalars: Any, channels: dict[str, Channel]) -> None:
    _fit(TensorBoard(logs, update_freq=2), model, channels, epochs=2, steps=5, validation_steps=3)
    train = scalars(logs / "train")
    assert [step for step, _ in train["inside"]] == [step for step, _ in train["batch_loss"]] == [2, 4, 6, 8, 10]
    assert [step for step, _ in scalars(logs / "validation")["inside"]] == [2, 4, 6]
    assert not any(channel.is_open for channel in channels.values())


def test_several_steps_in_one_execution(model: Any, logs: Path, scalars: Any, channels: dict[str, Channel]) -> None:
    _fit(TensorBoard(logs, update_freq=3), model, channels, steps=12, steps_per_execution=3)
    assert [step for step, _ in scalars(logs / "train")["inside"]] == [6, 9, 12]  # how many come first is not known


def test_none_are_taken_where_no_batches_are_written(
    model: Any, logs: Path, scalars: Any, channels: dict[str, Channel]
) -> None:
    _fit(TensorBoard(logs), model, channels, validation_steps=2)
    assert "inside" not in scalars(logs / "train")


def test_an_evaluation_alone(model: Any, logs: Path, scalars: Any, channels: dict[str, Channel]) -> None:
    def values(epoch: int, batch: int) -> dict[str, float]:
        channels["validation"].write()
        return {"loss": 0.5}

    FakeHost(TensorBoard(logs, update_freq=1), model=model).evaluate(values=values)
    assert [step for step, _ in scalars(logs / "validation")["inside"]] == [1, 2, 3]


def test_an_exception_loses_none(
    model: Any, logs: Path, scalars: Any, channels: dict[str, Channel], bare_fit: Any
) -> None:
    board = TensorBoard(logs, update_freq=1)
    board.set_model(model)
    board.on_train_begin()
    board.on_train_batch_begin(0)
    channels["train"].write()
    board.set_model(model)  # of the next fit
    assert [step for step, _ in scalars(logs / "train")["inside"]] == [1]
    assert not channels["train"].is_open

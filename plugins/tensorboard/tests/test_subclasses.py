"""Subclasses, as they are written for Keras's class: what they override, call and assign."""

from __future__ import annotations

import copy
import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, Priority
from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard, keras_names

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path


class Writer:
    """What a writer of TensorFlow is asked to do."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.did: list[str] = []

    def as_default(self) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def flush(self) -> None:
        self.did.append("flush")

    def close(self) -> None:
        self.did.append("close")

    def __reduce__(self) -> Any:
        raise TypeError("a writer cannot be copied")


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[Writer]:
    """Return the writers that are made, in the place of TensorFlow's."""
    made: list[Writer] = []

    class Summary:
        @staticmethod
        def create_file_writer(folder: str) -> Writer:
            made.append(Writer(folder))
            return made[-1]

    monkeypatch.setattr(keras_names, "tensorflow_summary", Summary)
    return made


class Asking(TensorBoard):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_end(epoch, logs)
        assert self._train_writer is self._train_writer
        assert self._writers == {"train": self._train_writer}
        copy.deepcopy(self)
        pickle.dumps(self)


def test_a_writer_is_made_when_it_is_asked_for_and_closed_when_training_ends(
    model: Any, logs: Path, bare_fit: Any, writers: list[Writer]
) -> None:
    bare_fit(TensorBoard(logs), model)
    assert not writers
    bare_fit(Asking(logs), model, epochs=2)
    (writer,) = writers
    assert writer.folder == str(logs / "train")
    assert writer.did == ["flush", "close"]
    FakeHost(Asking(logs), model=model).fit(epochs=2)
    assert writers[1].did == ["flush", "close"]


def test_a_run_that_fails_closes_the_writers(model: Any, logs: Path, bare_fit: Any, writers: list[Writer]) -> None:
    board = Asking(logs)
    with pytest.raises(ZeroDivisionError):
        bare_fit(board, model, epochs=2, fails_at=(1, 0))
    board.set_model(model)
    assert writers[0].did[-1] == "close"


def test_the_writer_of_validation(logs: Path, writers: list[Writer]) -> None:
    assert TensorBoard(logs)._val_writer.folder == str(logs / "validation")


def test_a_writer_that_a_subclass_adds_is_closed_too(model: Any, logs: Path, bare_fit: Any) -> None:
    added = Writer("test")

    class Adds(TensorBoard):
        def on_train_begin(self, logs: Any = None) -> None:
            super().on_train_begin(logs)
            self._writers["test"] = added

    bare_fit(Adds(logs), model)
    assert added.did == ["flush", "close"]


class Modified(TensorBoard):
    """The shape of a class that is in thousands of repositories: it keeps one run for many short fits."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.step = 1
        self.seen: list[Any] = []
        self._log_write_dir = os.path.join(self.log_dir, "name")

    def set_model(self, model: Any) -> None:
        self.model = model
        self._train_dir = os.path.join(self._log_write_dir, "train")
        self._train_step = 7
        self._val_dir = os.path.join(self._log_write_dir, "validation")
        self._val_step = 8
        self._should_write_train_graph = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.append(dict(logs))

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        pass

    def on_train_end(self, _: Any) -> None:  # type: ignore[override]  # as it is written there
        pass


class WithoutModel(Modified):
    def set_model(self, model: Any) -> None:
        pass


@pytest.mark.parametrize("kind", [Modified, WithoutModel])
@pytest.mark.parametrize("bare", [True, False], ids=["bare", "run"])
def test_one_that_keeps_all_to_itself(
    kind: type[Modified], bare: bool, model: Any, logs: Path, bare_fit: Any, scalars: Any
) -> None:
    board = kind(log_dir=str(logs))
    for _ in range(2):
        if bare:
            bare_fit(board, model)
        else:
            FakeHost(board, model=model).fit(validation_steps=1)
    assert len(board.seen) == 2
    assert "epoch_loss" not in scalars(logs / "name" / "train")  # its `on_epoch_end` asked for none


def test_folders_of_its_own(model: Any, logs: Path, scalars: Any) -> None:
    class Elsewhere(TensorBoard):
        def set_model(self, model: Any) -> None:
            super().set_model(model)
            self._val_dir = os.path.join(self.log_dir, "dev")

    FakeHost(Elsewhere(logs), model=model).fit(validation_steps=1)
    assert "epoch_loss" in scalars(logs / "train")
    assert "epoch_loss" in scalars(logs / "dev")


def test_another_log_dir_between_two_fits(model: Any, tmp_path: Path, scalars: Any) -> None:
    board = TensorBoard(tmp_path / "first")
    for name in ("first", "second"):
        board.log_dir = str(tmp_path / name)
        FakeHost(board, model=model).fit()
        assert len(scalars(tmp_path / name / "train")["epoch_loss"]) == 1


class Late(Callback):
    """Adds a metric behind TensorBoard."""

    priority = Priority.REPORT + 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["late"] = 1.0


@pytest.mark.parametrize("name", ["on_epoch_end", "_log_epoch_metrics"])
def test_logs_that_a_subclass_chooses(name: str, model: Any, logs: Path, scalars: Any) -> None:
    def chosen(self: Any, epoch: int, logs: Any = None) -> None:
        getattr(TensorBoard, name)(self, epoch, {"mine": 0.5})

    board: Any = type("Chooses", (TensorBoard,), {name: chosen})(logs)
    FakeHost(board, Late(), model=model).fit(validation_steps=1)
    assert set(scalars(logs / "train")) == {"epoch_mine", "epoch_learning_rate"}
    assert "epoch_loss" not in scalars(logs / "validation")


def test_what_comes_later_is_written_where_a_subclass_passes_the_logs_on(model: Any, logs: Path, scalars: Any) -> None:
    class Adds(TensorBoard):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs.update({"lr": 0.5})
            super().on_epoch_end(epoch, logs)

    FakeHost(Adds(logs), Late(), model=model).fit()
    assert {"epoch_lr", "epoch_loss", "epoch_late"} <= set(scalars(logs / "train"))


def test_the_learning_rate_is_its_own(model: Any, logs: Path, scalars: Any) -> None:
    class Collects(TensorBoard):
        def _collect_learning_rate(self, logs: Any) -> Any:
            return {**super()._collect_learning_rate(logs), "rate": 3.0}

    FakeHost(Collects(logs, write_steps_per_second=True), model=model).fit()
    assert scalars(logs / "train")["epoch_rate"] == [(0, 3.0)]


def test_steps_can_be_set(model: Any, logs: Path, scalars: Any) -> None:
    class Continues(TensorBoard):
        def on_train_begin(self, logs: Any = None) -> None:
            super().on_train_begin(logs)
            self._global_train_batch = 100

    board = Continues(logs, update_freq=1)
    FakeHost(board, model=model).fit()
    assert [step for step, _ in scalars(logs / "train")["batch_loss"]] == [101, 102, 103]
    assert (board._global_train_batch, board._global_test_batch) == (103, 0)


def test_without_on_train_begin(model: Any, logs: Path, scalars: Any) -> None:
    class Begins(TensorBoard):
        def on_train_begin(self, logs: Any = None) -> None:
            pass

    FakeHost(Begins(logs, update_freq=1), model=model).fit()
    assert len(scalars(logs / "train")["batch_loss"]) == 3


def test_events_sent_by_hand(model: Any, logs: Path, scalars: Any) -> None:
    board = TensorBoard(logs)
    board.set_model(model)
    for step in range(3):
        board.on_epoch_end(step, {"loss": 0.5})
    board.on_train_end(None)
    assert [step for step, _ in scalars(logs / "train")["epoch_loss"]] == [0, 1, 2]

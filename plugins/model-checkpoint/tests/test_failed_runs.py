"""Runs that failed, and processes that are not the chief."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

import epochal
from epochal.testing import FakeModel
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Fail(epochal.Callback):
    """Says in the second epoch that the run has failed."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            self.stop_training("loss is nan", failed=True)


def test_a_run_that_failed_saves_nothing_more_and_says_so(
    fit: Callable[..., FakeModel],
    names: Callable[[Path], list[str]],
    weight: Callable[[Path], Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fixed, numbered = ModelCheckpoint(tmp_path / "model.keras"), ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1)
    fit(Fail(), fixed, numbered, epochs=5)
    assert names(tmp_path) == ["1.keras", "model.keras"]
    assert weight(tmp_path / "model.keras") == 1
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 2: the run has failed, so the model is not saved to {tmp_path / name}"
        for name in ("model.keras", "2.keras")
    ]


def test_a_run_that_failed_says_so_once(
    fit: Callable[..., FakeModel],
    names: Callable[[Path], list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class FailAtOnce(epochal.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert self.run is not None
            self.run.stop("loss is nan", failed=True)
            self.model.stop_training = False  # so that more batches come

    model = FakeModel({"w": 0})
    fit(FailAtOnce(), ModelCheckpoint(tmp_path / "{batch}.keras", save_freq=1), model=model, steps=4)
    assert names(tmp_path) == []
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_the_best_is_saved_also_in_a_run_that_failed(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    fit(Fail(), ModelCheckpoint(tmp_path / "{epoch}.keras", "loss", save_best_only=True), epochs=2)
    assert names(tmp_path) == ["1.keras", "2.keras"]


@pytest.mark.parametrize(("index", "saved"), [(0, ["2.keras"]), (1, ["1.keras"])])
def test_of_several_processes_the_chief_writes_and_removes(
    fit: Callable[..., FakeModel],
    bare: Callable[..., ModelCheckpoint],
    names: Callable[[Path], list[str]],
    index: int,
    saved: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workers = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": index}}
    (tmp_path / "1.keras").write_text("the chief's")
    monkeypatch.setenv("TF_CONFIG", json.dumps(workers))
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", "loss", 1, save_best_only=True, keep=1)
    other = copy.deepcopy(checkpoint)
    fit(checkpoint, epochs=2)
    assert names(tmp_path) == saved
    bare(other).on_train_begin()
    other.on_epoch_end(2, {"loss": 0.1})
    assert names(tmp_path) == (["2.keras", "3.keras"] if index == 0 else saved)
    assert (capsys.readouterr().out == "") is (index == 1)
    assert checkpoint.best == pytest.approx(0.5)  # each knows it

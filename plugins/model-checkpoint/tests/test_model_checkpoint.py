"""ModelCheckpoint, driven by a host without a framework: when and where to it saves, and what it says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.testing import FakeHost, FakeModel
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable


def test_it_saves_at_the_end_of_every_epoch(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], weight: Callable[[Path], Any], tmp_path: Path
) -> None:
    fit(ModelCheckpoint(tmp_path / "deep" / "{epoch:02d}.keras"), epochs=3, steps=2)
    assert names(tmp_path / "deep") == ["01.keras", "02.keras", "03.keras"]
    assert [weight(tmp_path / "deep" / f"0{epoch}.keras") for epoch in (1, 2, 3)] == [2, 4, 6]


def test_a_path_without_fields_is_written_over(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], weight: Callable[[Path], Any], tmp_path: Path
) -> None:
    fit(ModelCheckpoint(str(tmp_path / "model.keras")), epochs=3)
    assert names(tmp_path) == ["model.keras"]
    assert weight(tmp_path / "model.keras") == 3


def test_a_relative_path_counts_from_the_working_directory(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fit(ModelCheckpoint("model.keras"))
    assert names(tmp_path) == ["model.keras"]


def test_every_key_of_the_logs_may_stand_in_the_path(
    fit: Callable[..., FakeModel], losses: Callable[..., Any], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{val_loss:.2f}-{loss:.1f}.keras")
    fit(checkpoint, epochs=1, validation_steps=1, values=losses(0.125))
    assert names(tmp_path) == ["1-0.12-0.1.keras"]


def test_weights_alone_and_the_whole_model(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    saved: list[str] = []

    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)
            for name in ("save", "save_weights"):
                setattr(adapter, name, self._noting(name))
            return adapter

        def _noting(self, name: str) -> Any:
            def save(path: str) -> None:
                saved.append(name)
                Path(path).write_text("{}")

            return save

    whole = ModelCheckpoint(tmp_path / "a.keras")
    weights = ModelCheckpoint(tmp_path / "a.weights.h5", save_weights_only=True)
    fit(whole, weights, model=Model({"w": 0}))
    assert saved == ["save", "save_weights"]
    assert names(tmp_path) == ["a.keras", "a.weights.h5"]


def test_an_integer_save_freq_counts_batches_across_epochs(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], weight: Callable[[Path], Any], tmp_path: Path
) -> None:
    fit(ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=4), epochs=4, steps=3)
    assert names(tmp_path) == ["2-1.keras", "3-2.keras", "4-3.keras"]
    assert [weight(tmp_path / name) for name in names(tmp_path)] == [4, 8, 12]


def test_several_steps_in_an_execution_are_counted_as_steps(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=4)
    fit(checkpoint, epochs=2, steps=5, steps_per_execution=2)
    # Steps 2, 4, 5, then 7, 9, 10: due at 4, then at 9, which is the fourth or more since.
    assert names(tmp_path) == ["1-4.keras", "2-4.keras"]


def test_the_last_execution_of_an_epoch_may_have_fewer_steps_than_its_number_says(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=10)
    fit(checkpoint, epochs=2, steps=5, steps_per_execution=4)
    assert names(tmp_path) == ["2-5.keras"]


@settings(deadline=None, max_examples=50)
@given(
    save_freq=st.integers(1, 12),
    epochs=st.integers(1, 4),
    steps=st.integers(1, 9),
    each=st.integers(1, 4),
    known=st.booleans(),
)
def test_it_saves_at_the_first_end_of_an_execution_at_which_enough_batches_have_ended(
    fit: Callable[..., FakeModel],
    names: Callable[[Path], list[str]],
    tmp_path_factory: pytest.TempPathFactory,
    save_freq: int,
    epochs: int,
    steps: int,
    each: int,
    known: bool,
) -> None:
    folder = tmp_path_factory.mktemp("saves")
    checkpoint = ModelCheckpoint(folder / "{epoch}-{batch}.keras", save_freq=save_freq)
    fit(checkpoint, epochs=epochs, steps=steps, steps_per_execution=each, steps_known=known)
    expected, since = [], 0
    for epoch in range(epochs):
        for first in range(0, steps, each):
            end = min(first + each, steps) if known else first + each
            since += end - first
            if since >= save_freq:
                since = 0
                expected.append(f"{epoch + 1}-{end}.keras")
    assert names(folder) == sorted(expected)


def test_two_in_one_run_do_not_mind_each_other(
    fit: Callable[..., FakeModel], losses: Callable[..., Any], weight: Callable[[Path], Any], tmp_path: Path
) -> None:
    best = ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    last = ModelCheckpoint(tmp_path / "last.keras")
    fit(best, last, epochs=3, values=losses(1.0, 0.5, 2.0))
    assert (weight(tmp_path / "best.keras"), weight(tmp_path / "last.keras")) == (2, 3)


def test_two_that_write_to_one_path_train_with_a_warning_as_in_keras(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    with pytest.warns(UserWarning, match="both write to"):
        fit(ModelCheckpoint(tmp_path / "a.keras"), ModelCheckpoint(tmp_path / "a.keras", save_freq=1))
    assert names(tmp_path) == ["a.keras"]


def test_evaluation_and_prediction_save_nothing(names: Callable[[Path], list[str]], tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras")
    FakeHost(checkpoint).evaluate()
    FakeHost(checkpoint).predict()
    assert names(tmp_path) == []


def test_batches_are_left_out_of_a_run_where_they_are_not_counted(
    fit: Callable[..., FakeModel], tmp_path: Path
) -> None:
    class Counting(ModelCheckpoint):
        calls = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.calls += 1

    by_epoch, by_batch = Counting(tmp_path / "a.keras"), Counting(tmp_path / "b.keras", save_freq=2)
    fit(by_epoch, by_batch, steps=3)
    assert (by_epoch.calls, by_batch.calls) == (0, 3)
    assert (by_epoch.async_safe, by_batch.async_safe) == (True, False)


def test_what_it_says_about_every_epoch(
    bare: Callable[..., ModelCheckpoint], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "best.keras"
    checkpoint = bare(ModelCheckpoint(path, monitor="loss", save_best_only=True, verbose=1))
    checkpoint.on_train_begin()
    for epoch, loss in enumerate((0.5, 0.75, math.nan, 0.25)):
        checkpoint.on_epoch_begin(epoch)
        checkpoint.on_epoch_end(epoch, {"loss": loss})
    assert [line for line in capsys.readouterr().out.splitlines() if line] == [
        f"Epoch 1: loss improved from None to 0.50000, saving model to {path}",
        f"Epoch 1: finished saving model to {path}",
        "Epoch 2: loss did not improve from 0.50000",
        "Epoch 3: loss did not improve from 0.50000",
        f"Epoch 4: loss improved from 0.50000 to 0.25000, saving model to {path}",
        f"Epoch 4: finished saving model to {path}",
    ]


def test_what_it_says_in_a_run(
    fit: Callable[..., FakeModel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(ModelCheckpoint(tmp_path / "{epoch}.keras", verbose=1))
    path = tmp_path / "1.keras"
    assert capsys.readouterr().out == f"Epoch 1: saving model to {path}\nEpoch 1: finished saving model to {path}\n"


def test_it_is_silent_by_default(
    fit: Callable[..., FakeModel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(ModelCheckpoint(tmp_path / "{epoch}.keras"), epochs=2)
    assert capsys.readouterr().out == ""


def test_it_stands_behind_those_that_decide() -> None:
    assert (ModelCheckpoint.priority, ModelCheckpoint.critical) == (epochal.Priority.CHECKPOINT, True)

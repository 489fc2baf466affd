"""Saving only what is better, and keeping only some of the files."""

from __future__ import annotations

import errno
import math
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal.testing import FakeModel
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@pytest.mark.parametrize(
    ("mode", "values", "saved"),
    [
        ("min", (3.0, 1.0, 2.0, 0.5), [1, 2, 4]),
        ("max", (3.0, 1.0, 4.0, 4.0), [1, 3]),
        ("auto", (3.0, 1.0, 2.0, 0.5), [1, 2, 4]),
        ("min", (math.nan, 3.0, math.nan, 2.0), [2, 4]),
        ("max", (math.nan, -math.inf, 3.0, math.inf), [2, 3, 4]),
        ("min", (math.nan, math.nan), []),
    ],
)
def test_with_save_best_only_it_saves_what_is_better(
    fit: Callable[..., FakeModel],
    losses: Callable[..., Any],
    names: Callable[[Path], list[str]],
    mode: str,
    values: Sequence[float],
    saved: list[int],
    tmp_path: Path,
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="loss", mode=mode, save_best_only=True)
    fit(checkpoint, epochs=len(values), values=losses(*values))
    assert names(tmp_path) == [f"{epoch}.keras" for epoch in saved]
    assert checkpoint.best == (values[saved[-1] - 1] if saved else None)


def test_with_an_integer_save_freq_too(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{batch}.keras", monitor="loss", save_best_only=True, save_freq=2)
    fit(checkpoint, steps=8, values=lambda epoch, batch: {"loss": [9, 5, 9, 7, 9, 4, 9, 3][batch]})
    assert names(tmp_path) == ["2.keras", "6.keras", "8.keras"]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(), max_size=8), st.sampled_from(["min", "max"]))
def test_what_was_saved_last_is_the_best_of_all(
    fit: Callable[..., FakeModel],
    losses: Callable[..., Any],
    names: Callable[[Path], list[str]],
    weight: Callable[[Path], Any],
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    mode: str,
) -> None:
    folder = tmp_path_factory.mktemp("best")
    checkpoint = ModelCheckpoint(folder / "best.keras", monitor="loss", mode=mode, save_best_only=True)
    fit(checkpoint, epochs=len(values), values=losses(*values))
    numbers = [value for value in values if not math.isnan(value)]
    if not numbers:
        assert (names(folder), checkpoint.best) == ([], None)
        return
    best = min(numbers) if mode == "min" else max(numbers)
    assert checkpoint.best == best
    assert weight(folder / "best.keras") == values.index(best) + 1


@pytest.mark.parametrize(
    ("threshold", "values", "saved"),
    [
        (0.5, (1.0, 0.4), [2]),
        (0, (1.0, 0.4), []),
        (math.inf, (1.0, 0.4), [1, 2]),
        (-math.inf, (1.0, 0.4), []),
        (None, (1.0, 0.4), [1, 2]),
    ],
)
def test_the_first_save_has_to_be_better_than_the_threshold(
    fit: Callable[..., FakeModel],
    losses: Callable[..., Any],
    names: Callable[[Path], list[str]],
    threshold: float | None,
    values: Sequence[float],
    saved: list[int],
    tmp_path: Path,
) -> None:
    checkpoint = ModelCheckpoint(
        tmp_path / "{epoch}.keras", monitor="loss", save_best_only=True, initial_value_threshold=threshold
    )
    fit(checkpoint, epochs=len(values), values=losses(*values))
    assert names(tmp_path) == [f"{epoch}.keras" for epoch in saved]


def test_the_best_counts_on_in_a_second_fit(
    fit: Callable[..., FakeModel], losses: Callable[..., Any], weight: Callable[[Path], Any], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    model = fit(checkpoint, epochs=2, values=losses(2.0, 1.0))
    fit(checkpoint, model=model, epochs=2, values=losses(1.5, 1.2))
    assert (checkpoint.best, weight(tmp_path / "best.keras")) == (1.0, 2)


def test_a_metric_that_does_not_come_saves_nothing_and_is_said_once(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True)
    with pytest.warns(UserWarning, match="monitors 'val_loss', and this fit has no validation data.") as said:
        fit(checkpoint, epochs=3)
    assert len(said) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("value", [[1.0, 2.0], "low"])
def test_a_metric_that_is_no_scalar_saves_nothing_and_is_said_once(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], value: Any, tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    with pytest.warns(UserWarning, match="which is not a scalar") as said:
        fit(checkpoint, epochs=3, values=lambda epoch, batch: {"loss": value})
    assert len(said) == 1
    assert names(tmp_path) == []


def test_a_metric_that_is_known_not_to_come_is_said_before_training(
    bare: Callable[..., ModelCheckpoint], tmp_path: Path
) -> None:
    checkpoint = bare(
        ModelCheckpoint(tmp_path / "a.keras", monitor="val_los", save_best_only=True, mode="min"),
        FakeModel({"w": 0}, metrics={"loss": "min"}),
    )
    with pytest.warns(UserWarning, match="monitors 'val_los', and the model does not report it"):
        checkpoint.preflight()


def test_without_save_best_only_nobody_asks_for_the_metric(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="anything")
    fit(checkpoint, epochs=2, model=FakeModel({"w": 0}, metrics={"loss": "min"}))
    assert (names(tmp_path), checkpoint.best) == (["1.keras", "2.keras"], None)


def test_a_direction_that_nobody_knows_is_an_error(fit: Callable[..., FakeModel], tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "a.keras", monitor="score", save_best_only=True)
    with pytest.raises(ValueError, match="Pass mode='min' or mode='max'"):
        fit(checkpoint, values=lambda epoch, batch: {"score": 1.0})


def test_keep_removes_the_older_files_that_it_wrote_and_no_others(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "0.keras").write_text("somebody else's")
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", keep=2)
    fit(checkpoint, epochs=5)
    assert names(tmp_path) == ["0.keras", "4.keras", "5.keras"]
    assert checkpoint.written == [str(tmp_path / "4.keras"), str(tmp_path / "5.keras")]


def test_keep_with_save_best_only_keeps_the_best(
    fit: Callable[..., FakeModel], losses: Callable[..., Any], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="loss", save_best_only=True, keep=1)
    fit(checkpoint, epochs=5, values=losses(5.0, 4.0, 3.0, 9.0, 9.0))
    assert names(tmp_path) == ["3.keras"]


def test_a_file_that_is_written_again_counts_once_and_as_new(
    fit: Callable[..., FakeModel], losses: Callable[..., Any], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{loss:.0f}.keras", keep=2)
    fit(checkpoint, epochs=4, values=losses(1, 2, 1, 3))
    assert names(tmp_path) == ["1.keras", "3.keras"]


def test_older_files_are_found_also_after_the_working_directory_changed(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    checkpoint = ModelCheckpoint("{epoch}.keras", keep=1)
    fit(checkpoint, epochs=1)
    (tmp_path / "two" / "1.keras").write_text("somebody else's")
    monkeypatch.chdir(tmp_path / "two")
    fit(checkpoint, epochs=2, initial_epoch=1)
    assert (names(tmp_path / "one"), names(tmp_path / "two")) == ([], ["1.keras", "2.keras"])


def test_a_file_that_somebody_removed_already_is_no_error(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1)
    fit(checkpoint, epochs=1)
    (tmp_path / "1.keras").unlink()
    fit(checkpoint, epochs=2, initial_epoch=1)
    assert names(tmp_path) == ["2.keras"]


def test_a_file_that_cannot_be_removed_is_a_warning(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def refuse(path: Any) -> None:
        if str(path).endswith("1.keras"):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path)

    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1)
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.warns(UserWarning, match="ModelCheckpoint keeps .*1.keras, which it was to remove: Permission denied"):
        fit(checkpoint, epochs=3)
    assert names(tmp_path) == ["1.keras", "3.keras"]


def test_without_keep_it_remembers_no_files(fit: Callable[..., FakeModel], tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras")
    fit(checkpoint, epochs=3)
    assert checkpoint.written == []

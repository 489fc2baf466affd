"""What the tests of the file share."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any

import pytest

from epochal.testing import FakeModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from epochal_csv_logger import CSVLogger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file to write."""
    return tmp_path / "log.csv"


@pytest.fixture
def read(path: Path) -> Callable[..., list[dict[str, str]]]:
    """Return a function that reads the file, and sees to it that every row has the header's fields."""

    def read(separator: str = ",") -> list[dict[str, str]]:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file, delimiter=separator, strict=True)
        return [dict(zip(header, row, strict=True)) for row in rows]

    return read


@pytest.fixture
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip waiting for the disk, in tests that write many files."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def train() -> Callable[..., None]:
    """Return a function that sends the events of a bare fit, in which there is no run, for the logs of some epochs."""

    def train(callback: CSVLogger, *epochs: dict[str, Any], first: int = 0) -> None:
        callback.set_model(FakeModel())
        callback.set_params({"epochs": first + len(epochs), "steps": 1, "verbose": 0})
        callback.on_train_begin({})
        for epoch, logs in enumerate(epochs, start=first):
            callback.on_epoch_begin(epoch, {})
            callback.on_epoch_end(epoch, logs)
        callback.on_train_end({})

    return train

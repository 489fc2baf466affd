"""What several files share: a training whose files tell when they were saved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from epochal.testing import FakeHost, FakeModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from epochal_model_checkpoint import ModelCheckpoint


# Of the session, because Hypothesis refuses fixtures that are made anew for each test.


@pytest.fixture(scope="session")
def fit() -> Callable[..., FakeModel]:
    """Return a function that trains a model whose weight is the number of its executions."""

    def fit(*callbacks: Any, model: FakeModel | None = None, steps: int = 1, **arguments: Any) -> FakeModel:
        trained = model or FakeModel({"w": 0})

        def step(epoch: int, batch: int) -> None:
            trained.weights = {"w": trained.weights["w"] + 1}

        FakeHost(*callbacks, model=trained).fit(steps=steps, step=step, **arguments)
        return trained

    return fit


@pytest.fixture(scope="session")
def losses() -> Callable[..., Any]:
    """Return a function that makes the values of a training with these losses, one an epoch."""
    return lambda *values: lambda epoch, batch: {"loss": values[epoch]}


@pytest.fixture(scope="session")
def bare() -> Callable[..., ModelCheckpoint]:
    """Return a function that gives a callback its model as Keras does in a bare fit."""

    def bare(checkpoint: ModelCheckpoint, model: FakeModel | None = None, steps: int | None = None) -> ModelCheckpoint:
        checkpoint.set_params({"epochs": 9, "steps": steps, "verbose": 0})
        checkpoint.set_model(model or FakeModel({"w": 0}))
        return checkpoint

    return bare


@pytest.fixture(scope="session")
def names() -> Callable[[Path], list[str]]:
    """Return a function that lists what is in a folder and in those below it."""
    return lambda folder: sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture(scope="session")
def weight() -> Callable[[Path], Any]:
    """Return a function that reads the weight out of a file."""
    return lambda path: json.loads(path.read_text())["w"]

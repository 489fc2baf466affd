"""How a program ends on SIGTERM with Keras's own loops. The whole table, seen from outside, is core's."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

import epochal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from epochal import Outcome

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGTERM that a program could take")


class Sends(epochal.Callback):
    """Sends the signals in one place, and notes how the run ends."""

    def __init__(self, times: int, place: str, met: list[str]) -> None:
        self.times, self.place, self.met = times, place, met

    def at(self, place: str) -> None:
        if place == self.place:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGTERM)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.at("batch")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.at("validation")

    def on_run_end(self, outcome: Outcome) -> None:
        self.met.append(f"{outcome.status} {outcome.reason}")


class Theirs(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Sends the signals where nothing of ours is on the stack."""

    def __init__(self, sends: Sends) -> None:
        super().__init__()
        self.sends = sends

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.sends.at("step")


@pytest.fixture(scope="module")
def model() -> Any:
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


@pytest.fixture
def met() -> Iterator[list[str]]:
    """Yield what is noted, the calls of the program's own handler too."""
    met: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: met.append("handler"))
    yield met
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(("times", "place"), [(1, "validation"), (2, "batch"), (2, "step")])
def test_a_bare_fit_whose_program_has_a_handler_that_returns_ends_with_143(
    times: int, place: str, model: Any, met: list[str]
) -> None:
    data, sends = (np.zeros((4, 1)), np.zeros((4, 1))), Sends(times, place, met)
    ours = epochal.callbacks(sends)
    code = None
    try:
        model.fit(*data, batch_size=2, validation_data=data, verbose=0, callbacks=[*ours, Theirs(sends)])
    except SystemExit as ended:  # which Python ends with, and without a traceback
        code = ended.code
    ours[0].end(None)  # after a second signal the run ends with the program, which calls this
    assert code == 143
    assert met == ["interrupted SIGTERM", "handler"]

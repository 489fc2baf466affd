"""Callbacks that write down what reaches them: one of Keras's kind and one of ours, with the same events."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import epochal

EVENTS_WITH_INDEX = (
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
)
EVENTS_WITHOUT_INDEX = (
    "on_train_begin",
    "on_train_end",
    "on_test_begin",
    "on_test_end",
    "on_predict_begin",
    "on_predict_end",
)


def notes(error: BaseException) -> list[str]:
    """Return an exception's notes, which Python shows from 3.11 on."""
    return list(getattr(error, "__notes__", ()))


def _plain(logs: Any) -> dict[str, Any]:
    """Make logs comparable; the outputs of a prediction are arrays, in older versions of Keras tensors."""
    return {key: np.asarray(value).tolist() if np.ndim(value) else value for key, value in (logs or {}).items()}


def _recorder(base: type) -> type:
    """Make a class that appends every event of Keras to its `calls`, as (event, index or None, logs)."""

    def with_index(event: str) -> Any:
        def method(self: Any, index: int, logs: Any = None) -> None:
            self.calls.append((event, index, _plain(logs)))

        return method

    def without_index(event: str) -> Any:
        def method(self: Any, logs: Any = None) -> None:
            self.calls.append((event, None, _plain(logs)))

        return method

    def initialize(self: Any) -> None:
        base.__init__(self)  # type: ignore[misc]
        self.calls = []

    methods: dict[str, Any] = {event: with_index(event) for event in EVENTS_WITH_INDEX}
    methods |= {event: without_index(event) for event in EVENTS_WITHOUT_INDEX}
    return type("Recorder", (base,), {"__init__": initialize, **methods})


KerasRecorder: Any = _recorder(keras.callbacks.Callback)
OurRecorder: Any = _recorder(epochal.Callback)

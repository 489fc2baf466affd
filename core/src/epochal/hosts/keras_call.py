"""What the frame of Keras's `fit`, `evaluate` or `predict` tells of the call that is going on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType


def call_params(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params that plain Keras would hand to a callback, from the locals of the call that is going on.

    The number of steps is known only to the local `epoch_iterator` of Keras's `fit`, `evaluate` and `predict` (in all
    versions of Keras 3, on all backends). It is read from there: making a second data adapter to ask would eat the
    first batch of a generator.
    """
    iterator = scope.get("epoch_iterator")
    return {
        "verbose": scope.get("verbose", "auto"),
        "epochs": scope.get("epochs", 1),
        "steps": getattr(iterator, "num_batches", None),
    }


def call_scope(callbacks: Any) -> Mapping[str, Any]:
    """Return the locals of Keras's `fit`, `evaluate` or `predict` that drives a CallbackList; empty without one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        scope = frame.f_locals
        if "epoch_iterator" in scope and scope.get("callbacks") is callbacks:
            return scope
        frame = frame.f_back
    return {}

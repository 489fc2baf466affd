"""The values of batches, collected, and turned into events many at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from epochal import Logs
from epochal.log_values import as_number

from . import summaries
from .values import is_fixed, is_larger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .values import LogValues

MOST = 1000
"""How many batches are held at the most; the tensors of their values stay on the device as long."""
SECONDS = 2.0
"""How long a batch is held at the most, if others follow."""


class Batches:
    """Collects the values of batches without waiting for them: a tensor is fetched when it is written.

    Args:
        values: Turns logs into values of an event.

    Attributes:
        left_out: Names in the logs that are no metrics.
    """

    def __init__(self, values: LogValues) -> None:
        self.left_out: tuple[str, ...] = ()
        self._values = values
        self._rows: list[tuple[int, float, dict[str, Any]]] = []
        self._due = 0.0
        self._fixed: dict[type, bool] = {}

    def add(self, step: int, logs: Mapping[str, Any], further: Mapping[str, float]) -> None:
        """Take the values of a batch.

        Args:
            step: Its step.
            logs: Its values.
            further: More values.
        """
        if not self._rows:
            self._due = time.monotonic() + SECONDS
        raw = logs.raw if isinstance(logs, Logs) else logs.__getitem__
        row = {}
        for key in logs:
            if key not in self.left_out:
                value = raw(key)
                if is_larger(value):  # a thousand of them may be more than there is memory for
                    self._values.leave_out(key, value)
                else:
                    row[key] = self._held(value)
        row.update(further)
        self._rows.append((step, time.time(), row))

    def is_due(self) -> bool:
        """Return whether it is time to write them."""
        return bool(self._rows) and (time.monotonic() >= self._due or len(self._rows) >= MOST)

    def take(self) -> list[bytes]:
        """Return an event for each batch, and forget them."""
        rows, self._rows = self._rows, []
        return [summaries.event(step, self._values("batch_{}", row), when) for step, when, row in rows]

    def _held(self, value: Any) -> Any:
        """Return a value that will be the same when it is written."""
        kind = type(value)
        if kind not in self._fixed:
            self._fixed[kind] = is_fixed(kind)
        if self._fixed[kind]:
            return value
        number = as_number(value)
        return value if number is None else number

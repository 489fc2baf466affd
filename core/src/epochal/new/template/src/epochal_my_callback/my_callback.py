"""Print a metric, and its lowest value so far."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import epochal
from epochal.arguments import Number, State
from epochal.monitor import MetricName

if TYPE_CHECKING:
    from collections.abc import Mapping


class MyCallback(epochal.Callback):
    """Prints a metric at the end of every epoch, and its lowest value so far.

    Args:
        monitor: The metric: a key of the logs, `loss` or `val_loss` for example.

    Attributes:
        lowest: The lowest value so far; infinity before the first epoch.
    """

    priority = epochal.Priority.REPORT  # behind those that add to the logs
    critical = False  # if it fails, it is left out, and training goes on
    provides = ()  # it adds nothing to the logs

    monitor = MetricName()  # checked whenever it is set
    lowest = State(Number())  # what it needs to go on after a restart

    def __init__(self, monitor: str = "loss") -> None:
        self.monitor = monitor
        self.lowest = math.inf

    @monitor.then
    def _follow_monitor(self) -> None:
        self.requires = (self.monitor,)  # it is checked before training that somebody gives it

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin anew, but for a run that goes on after a restart."""
        if self.starts_afresh():
            self.lowest = math.inf

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Print the epoch's value."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            self.print(f"epoch {epoch + 1}: there is no {self.monitor} in the logs")
            return
        self.lowest = min(self.lowest, float(value))
        self.print(f"epoch {epoch + 1}: {self.monitor} {value:.4g}, lowest {self.lowest:.4g}")

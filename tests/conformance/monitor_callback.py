"""What Keras's tests of its `MonitorCallback` ask, over our `Monitor`. Ours is a part of a callback, and no base."""

from __future__ import annotations

from typing import Any

from keras import ops

from epochal import Callback
from epochal.monitor import Monitor


class MonitorCallback(Callback):
    """A callback that does nothing but hold a Monitor, with the names of Keras's class."""

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: Any = None, min_delta: float = 0
    ) -> None:
        self.watch = Monitor(self, monitor, mode, min_delta)
        self.best = baseline
        self.monitor_op: Any = None

    def _set_monitor_op(self) -> None:
        better = self.watch.is_better(2.0, 1.0)  # which asks for the direction
        if self.watch.min_delta == 0:
            self.monitor_op = ops.greater if better else ops.less

    def _is_improvement(self, value: float, reference: float | None) -> bool:
        return self.watch.is_better(value, reference)

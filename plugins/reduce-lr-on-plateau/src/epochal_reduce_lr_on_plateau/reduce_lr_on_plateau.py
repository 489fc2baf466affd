"""Reduces the learning rate when a metric no longer improves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal import Priority
from epochal.arguments import Count, Number, OrNone, State, Verbosity
from epochal.frameworks import adapt
from epochal.monitor import MonitorCallback

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class Factor(Number):
    """What a learning rate is multiplied by to become less."""

    def check(self, value: Any) -> float:
        """Return the number."""
        factor = super().check(value)
        if factor >= 1:
            raise ValueError("has to be less than 1; the learning rate is multiplied by it")
        return factor

    def remark(self, value: Any) -> str:
        """Warn of a factor that leaves nothing of the rate."""
        return "" if super().check(value) > 0 else "is not more than 0, and reduces any learning rate to min_lr at once"


class ReduceLROnPlateau(MonitorCallback):
    """Reduces the learning rate when a metric no longer improves.

    An epoch improves when its value is better than the best one so far by more than `min_delta`; NaN never does. After
    `patience` epochs in a row that do not, the learning rate is multiplied by `factor`, and the count begins anew with
    the `cooldown`-th epoch after that. Of several optimizers in one, each has its rate reduced. Epochs in which the
    metric does not come change nothing. These are the rules of Keras 3's ReduceLROnPlateau.

    The rate with which the epoch was trained is added to its logs as `learning_rate`, before it may be reduced. It is
    read after a LearningRateScheduler has had its turn, so that both log the same.

    Args:
        monitor: The metric's key in the logs.
        factor: What the learning rate is multiplied by; less than 1. One that is not more than 0 warns.
        patience: Epochs in a row without an improvement after which the rate is reduced. 0 counts as 1.
        verbose: 1: a line tells of every reduction.
        mode: "min", "max", or "auto", which finds out from the metric.
        min_delta: By how much a value has to be better to count; its sign does not matter.
        cooldown: With which epoch after a reduction the count begins anew. 0 counts as 1: with the next one.
        min_lr: The learning rate is not reduced below it. None: there is no such limit.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is out of its range. While training: `mode` is "auto", and nothing tells whether less
            or more of the metric is better.
        LearningRateError: When training begins: the optimizer's learning rate is a schedule's.
        RunError: When training begins: there is no optimizer. In a run of epochal both are in its PreflightError.

    Attributes:
        best: The best value; None before the first number.
        wait: Epochs since the last improvement, reduction or cooldown.
        cooldown_counter: Epochs of the cooldown that are left.

    Example:
        >>> ReduceLROnPlateau(factor=0.5, patience=5).factor
        0.5
    """

    priority = Priority.SCHEDULE
    after = ("learning_rate_scheduler",)
    provides: tuple[str, ...] | None = ("learning_rate",)
    changes = ("learning_rate",)

    factor = Factor()
    patience = Count()
    verbose = Verbosity()
    cooldown = Count()
    min_lr = OrNone(Number())

    best = State(OrNone(Number()))
    wait = State(Count(least=0))
    cooldown_counter = State(Count(least=0))

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: float = 10,
        verbose: float | None = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: float = 0,
        min_lr: float | None = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_run_begin(self) -> None:
        """Find out what will be added to the logs."""
        self.provides = tuple(adapt(self).learning_rates())

    def preflight(self) -> None:
        """Check that the learning rate can be set, and warn of a metric that is known not to come."""
        self.begin_monitoring()
        adapt(self).check_learning_rate(type(self).__name__)

    def on_train_begin(self, logs: MutableMapping[str, Any] | None = None) -> None:
        """Begin anew, unless the state was just restored."""
        if self.starts_afresh():
            self._reset()

    def in_cooldown(self) -> bool:
        """Return whether a reduction was made less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: MutableMapping[str, Any] | None = None) -> None:
        """Add the learning rate to the logs, look at the epoch's value, and reduce the rate when it is time."""
        if logs is not None:
            logs.update(adapt(self).learning_rates())
        value = self.monitored_value(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter = max(0, self.cooldown_counter - 1)
        if self.is_improvement(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = max(0, self.cooldown)
                self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        """Reduce every learning rate that is above `min_lr`; tells whether there was one."""
        adapter = adapt(self)
        old = adapter.learning_rates()
        for key, rate in old.items():
            reduced = rate * self.factor if self.min_lr is None else max(rate * self.factor, self.min_lr)
            if reduced < rate:
                adapter.set_learning_rate(key, reduced)
        # Optimizers keep rates in a precision of their own, in which a rate may be at its lower bound already.
        new = adapter.learning_rates()
        changed = [key for key, rate in new.items() if rate < old[key]]
        if self.verbose > 0:
            for key in changed:
                self._say(epoch, key.removeprefix("learning_rate").removeprefix("_"), new[key])
        return bool(changed)

    def _say(self, epoch: int, optimizer: str, rate: float) -> None:
        epochs = f"{self.wait} epoch" if self.wait == 1 else f"{self.wait} epochs"
        best = "" if self.best is None else f"; best {self.best:.5g}"
        self.print(
            f"Epoch {epoch + 1}: ReduceLROnPlateau reducing {f'{optimizer} ' if optimizer else ''}learning rate to "
            f"{float(f'{rate:.6g}')}: {self.monitor} did not improve for {epochs}{best}."
        )

"""Sets the learning rate of every epoch by a function."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from epochal import Callback, Priority
from epochal.arguments import Argument, Verbosity
from epochal.frameworks import adapt

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class Schedule(Argument[Callable[..., Any]]):
    """A function of the epoch, or of the epoch and the learning rate."""

    def check(self, value: Any) -> Callable[..., Any]:
        """Return the function."""
        if not callable(value):
            raise TypeError("has to be a function of the epoch, or of the epoch and the learning rate")
        _takes_rate(value)
        return value  # type: ignore[no-any-return]


class LearningRateScheduler(Callback):
    """Sets the learning rate of every epoch by a function.

    The function is called when an epoch begins, as `schedule(epoch, lr)` with the rate that the optimizer has then, or
    as `schedule(epoch)`. Its signature tells which: it is called with both wherever it takes two arguments by position,
    also where the second has a default. Where there is no signature, as for some functions written in C, it is called
    with both first and, if that is a TypeError, with the epoch, as in Keras. It is called exactly once an epoch for
    each of several optimizers in one, and what it raises is raised as it is. It gives the new rate: a number, or a
    scalar of NumPy or any framework.

    A schedule of Keras (`keras.optimizers.schedules`) is called with the epoch, where an optimizer would give it the
    step.

    The rate is added to the epoch's logs as `learning_rate`.

    Args:
        schedule: The function, or anything else that can be called.
        verbose: 1: a line tells the rate of every epoch.

    Raises:
        TypeError: `schedule` cannot be called with `(epoch, lr)` or `(epoch)`, or `verbose` has a wrong type.
        ValueError: While training: what the schedule gave is no number, not finite or less than 0.
        LearningRateError: When training begins: the optimizer's learning rate is a schedule's.
        RunError: When training begins: there is no optimizer. In a run of epochal both are in its PreflightError.

    Attributes:
        schedule: As given.

    Example:
        >>> scheduler = LearningRateScheduler(lambda epoch, lr: lr if epoch < 10 else lr * 0.9)
    """

    priority = Priority.SCHEDULE
    provides: tuple[str, ...] | None = ("learning_rate",)

    schedule = Schedule()
    verbose = Verbosity()

    def __init__(self, schedule: Callable[..., Any], verbose: float | None = 0) -> None:
        self.schedule = schedule
        self.verbose = verbose

    @schedule.then
    def _follow_schedule(self) -> None:
        # One of the epoch alone sets the rate whatever another callback made of it.
        self.changes = () if _takes_rate(self.schedule) else ("learning_rate",)

    def on_run_begin(self) -> None:
        """Find out what will be added to the logs."""
        self.provides = tuple(adapt(self).learning_rates())

    def preflight(self) -> None:
        """Check that the learning rate can be set."""
        adapt(self).check_learning_rate(type(self).__name__)

    def on_epoch_begin(self, epoch: int, logs: MutableMapping[str, Any] | None = None) -> None:
        """Set the learning rate, of each optimizer if there are several."""
        adapter = adapt(self)
        for key, old in adapter.learning_rates().items():
            rate = self._rate(epoch, old)
            adapter.set_learning_rate(key, rate)
            if self.verbose > 0:
                optimizer = key.removeprefix("learning_rate").removeprefix("_")
                self.print(
                    f"Epoch {epoch + 1}: LearningRateScheduler setting {f'{optimizer} ' if optimizer else ''}"
                    f"learning rate to {float(f'{rate:.6g}')}."
                )

    def _rate(self, epoch: int, old: float) -> float:
        given = self._call(epoch, old)
        rate = _number(given)
        if rate is None or not 0 <= rate < math.inf:
            raise ValueError(
                f"LearningRateScheduler: the schedule {_name(self.schedule)} gave {given!r} for epoch {epoch}, and a "
                "learning rate has to be a finite number, not less than 0"
            )
        return rate

    def _call(self, epoch: int, old: float) -> Any:
        takes_rate = _takes_rate(self.schedule)  # asked each time, as the attribute may have been set
        if takes_rate is None:
            try:
                return self.schedule(epoch, old)
            except TypeError:
                return self.schedule(epoch)
        return self.schedule(epoch, old) if takes_rate else self.schedule(epoch)

    def on_epoch_end(self, epoch: int, logs: MutableMapping[str, Any] | None = None) -> None:
        """Add the learning rate to the epoch's logs."""
        if logs is not None:
            logs.update(adapt(self).learning_rates())


def _takes_rate(schedule: Callable[..., Any]) -> bool | None:
    """Return whether a schedule is called with the epoch and the rate, or with the epoch alone; None: nothing tells."""
    try:
        signature = inspect.signature(schedule)
    except ValueError:
        return None
    for arguments in ((0, 0.1), (0,)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return len(arguments) == 2
    raise TypeError(f"can be called neither with (epoch, lr) nor with (epoch): it is {_name(schedule)}{signature}")


def _name(schedule: Any) -> str:
    return getattr(schedule, "__qualname__", None) or repr(schedule)


def _number(value: Any) -> float | None:
    """Return a scalar as a float; None if it is none."""
    if isinstance(value, (bool, str, bytes)) or getattr(value, "ndim", None):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None

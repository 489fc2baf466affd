"""What callbacks that save the model share: when a save is due, and whether this model is worth one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from .arguments import Argument, Count, Number, OrNone, State, Switch, Verbosity, Whole
from .callback import Priority
from .errors import shown
from .monitor import MonitorCallback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .run import Run

    Logs = Mapping[str, Any] | None


class Frequency(Argument[str | float]):
    """When something is due: "epoch", or a number of batches."""

    def check(self, value: Any) -> str | float:
        """Return "epoch" or the number."""
        if isinstance(value, str) and value == "epoch":
            return value
        number = Count().check(value)
        if not isinstance(number, int) and not math.isinf(number):
            raise ValueError("has to be a whole number")
        return number

    def checked(self, owner: Any, value: Any, name: str = "") -> str | float:
        """Check a value, with Keras's words and kind of error."""
        try:
            return self.check(value)
        except (TypeError, ValueError):
            raise ValueError(
                f"Unrecognized {name or self.name}: {shown(value)}. {type(owner).__name__} takes 'epoch', or a whole "
                "number of batches."
            ) from None

    def remark(self, value: Any) -> str:
        """Warn of a number that is due at every batch, as in Keras."""
        number = self.check(value)
        return "" if isinstance(number, str) or number > 0 else "saves at the end of every batch"


class SavingCallback(MonitorCallback):
    """Saves the model every epoch or every so many batches; or of those only when a metric is better than ever.

    A subclass implements `path_of` and `save`. Parameters and rules are those of Keras 3's checkpoint callbacks, with
    these differences. NaN is never the best, and a metric that does not come saves nothing. Which value is the best is
    known at batches too. Without `save_best_only` nothing more is saved once a callback has said that the run failed:
    it would take the place of a good model. Of several processes that train together the chief saves.

    Args:
        monitor: The metric's key in the logs; with `save_best_only`.
        verbose: 1: a line for every save, and for every one that was not worth it.
        save_best_only: Whether to save only when the metric is better than at every save before.
        mode: "min", "max", or "auto", which finds out from the metric.
        save_freq: "epoch", or a number of batches; they are counted across epochs, and across fits. Where one execution
            has several steps, saving is due at the end of the execution that reaches the number, and the count begins
            anew. 0 or less: every batch, as in Keras; it warns. Infinity: never.
        initial_value_threshold: The value to be better than at first; with `save_best_only`. Setting it later sets
            `best`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is out of its range.

    Attributes:
        best: The metric at the last save; None before the first one. It survives a second fit and, as part of the
            state, a restart.
    """

    in_place_of: ClassVar[Mapping[str, str]] = {
        **MonitorCallback.in_place_of,
        "_save_model": "save",
        "_save_checkpoint": "save",
        "_get_file_path": "path_of",
    }
    priority = Priority.CHECKPOINT
    provides = ()

    verbose = Verbosity()
    save_best_only = Switch()
    save_freq = Frequency()
    initial_value_threshold = OrNone(Number())

    best = State(OrNone(Number()))
    _epoch = State(Whole(least=0))
    _batch = State(Whole(least=-1))  # the batch of the epoch that ended last
    _batches = State(Whole(least=0))  # that ended since saving was due last

    def __init__(
        self,
        monitor: str = "val_loss",
        verbose: float | None = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | float = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_freq = save_freq
        self.initial_value_threshold = initial_value_threshold
        self._epoch = 0
        self._batch = -1
        self._batches = 0
        self._said_failed = False

    @initial_value_threshold.then
    def _follow_threshold(self) -> None:
        self.best = self.initial_value_threshold

    # What a subclass does

    def path_of(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> str:
        """Return the path of a save.

        Args:
            epoch: The epoch, counted from 0.
            batch: The batch that ended, counted from 0 in its epoch; None at the end of an epoch.
            logs: The values of the epoch or batch.
        """
        raise NotImplementedError

    def save(self, path: str) -> bool:
        """Save the model, to what `path_of` gave. Called in the chief process only.

        Returns:
            Whether it is done; if not, it goes on in the background.
        """
        raise NotImplementedError

    # Before training

    @property
    def async_safe(self) -> bool:
        """Whether batches may go on ending in other threads meanwhile; Keras asks on JAX and PyTorch."""
        return self.save_freq == "epoch"

    def on_run_begin(self, run: Run) -> None:
        """Leave the batches out, if they are not counted."""
        if self.save_freq == "epoch":
            run.drop(self, "on_train_batch_end")

    def preflight(self) -> None:
        """Look whether the metric will come."""
        if self.save_best_only:
            self.begin_monitoring()

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forget what an earlier run has said."""
        self._said_failed = False

    # While training

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Count the epoch's batches from 0, or on from where the state was taken."""
        # Asked here because whoever restores the state may do it as late as in its own `on_train_begin`.
        if self.starts_afresh() or epoch != self._epoch:
            self._batch = -1
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Save if enough batches have ended."""
        due = self.save_freq
        if isinstance(due, str):
            return
        steps = self.params.get("steps")
        if steps is not None:
            batch = min(batch, steps - 1)  # the number of the last execution may be greater
        self._batches += batch - self._batch if batch > self._batch else batch + 1
        self._batch = batch
        if self._batches >= due:
            self._batches = 0
            self._save_if_better(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save if epochs are what is saved."""
        if self.save_freq == "epoch":
            self._save_if_better(epoch, None, logs or {})

    def _save_if_better(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> None:
        title = f"Epoch {epoch + 1}:"
        path = self.path_of(epoch, batch, logs)
        if not self.save_best_only:
            if not self._has_failed(title, path):
                self._save(path, title, f"saving model to {path}")
            return
        value = self.monitored_value(logs)
        if value is None:
            return
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self.is_improvement(value, self.best):
            self._say(f"{title} {self.monitor} did not improve from {best}")
            return
        self._save(path, title, f"{self.monitor} improved from {best} to {value:.5f}, saving model to {path}")
        self.best = value

    def _has_failed(self, title: str, path: str) -> bool:
        if self.run is None or not self.run.has_failed:
            return False
        if not self._said_failed and self.is_chief:
            self.print(f"{title} the run has failed, so the model is not saved to {path}")
        self._said_failed = True
        return True

    def _save(self, path: str, title: str, why: str) -> None:
        if not self.is_chief:
            return
        self._say(f"{title} {why}")
        if self.save(path):
            self._say(f"{title} finished saving model to {path}")

    def _say(self, text: str) -> None:
        if self.verbose > 0 and self.is_chief:
            self.print(text)

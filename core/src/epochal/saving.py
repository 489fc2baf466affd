"""What callbacks that save the model share: when a save is due, and whether this model is worth one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .callback import Callback, Priority
from .chief import is_chief
from .monitor import Monitor, count, number, switch, verbosity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .run import Run

    Logs = Mapping[str, Any] | None


class SavingCallback(Callback):
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
            anew.
        initial_value_threshold: The value to be better than at first; with `save_best_only`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is out of its range.

    Attributes:
        best: The metric at the last save; None before the first one. It survives a second fit and, as part of the
            state, a restart.
    """

    priority = Priority.CHECKPOINT
    provides = ()
    state_attributes: tuple[str, ...] = ("best", "_epoch", "_batch", "_batches")

    def __init__(
        self,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        self._monitor = Monitor(self, monitor, mode)
        self.monitor = monitor
        self.mode = self._monitor.mode
        self.verbose = verbosity(self, verbose)
        self.save_best_only = switch(self, "save_best_only", save_best_only)
        self.save_freq = self._checked_frequency(save_freq)
        self.best = self._checked_threshold(initial_value_threshold)
        self._epoch = 0
        self._batch = -1  # the batch of the epoch that ended last
        self._batches = 0  # that ended since saving was due last
        self._said_failed = False

    def _checked_frequency(self, value: Any) -> str | int:
        if isinstance(value, str) and value == "epoch":
            return value
        try:
            return count(self, "save_freq", value, least=1)
        except (TypeError, ValueError):
            # Keras raises a ValueError for both, with these first words.
            raise ValueError(
                f"Unrecognized save_freq: {value!r}. {type(self).__name__} takes 'epoch', or a number of batches, "
                "which is an int of 1 or more."
            ) from None

    def _checked_threshold(self, value: Any) -> float | None:
        if value is None or (isinstance(value, float) and math.isinf(value)):
            return value
        return number(self, "initial_value_threshold", value)

    # What a subclass does

    def path_of(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> str:
        """Give where a save goes to.

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
            self._monitor.begin()

    def on_train_begin(self, logs: Logs = None) -> None:
        """In a bare fit, which has no other place for it, look whether all that is needed will come."""
        self._said_failed = False
        if self.run is None:
            self.preflight()

    # While training

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Count the epoch's batches from 0, or on from where the state was taken."""
        # Asked here because whoever restores the state may do it as late as in its own `on_train_begin`.
        if self.starts_afresh() or epoch != self._epoch:
            self._batch = -1
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Save if enough batches have ended."""
        if not isinstance(self.save_freq, int):
            return
        steps = self.params.get("steps")
        if steps is not None:
            batch = min(batch, steps - 1)  # the number of the last execution may be greater
        self._batches += batch - self._batch if batch > self._batch else batch + 1
        self._batch = batch
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save_if_better(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save if epochs are what is saved."""
        if self.save_freq == "epoch":
            self._save_if_better(epoch, None, logs or {})

    def on_train_end(self, logs: Logs = None) -> None:
        """Forget that the state was restored, if no epoch was left to train."""
        self.starts_afresh()

    def _save_if_better(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> None:
        title = f"Epoch {epoch + 1}:"
        path = self.path_of(epoch, batch, logs)
        if not self.save_best_only:
            if not self._has_failed(title, path):
                self._save(path, title, f"saving model to {path}")
            return
        value = self._monitor.read(logs)
        if value is None:
            return
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._monitor.is_better(value, self.best):
            self._say(f"{title} {self.monitor} did not improve from {best}")
            return
        self._save(path, title, f"{self.monitor} improved from {best} to {value:.5f}, saving model to {path}")
        self.best = value

    def _has_failed(self, title: str, path: str) -> bool:
        if self.run is None or not self.run.has_failed:
            return False
        if not self._said_failed and self._is_chief:
            self.print(f"{title} the run has failed, so the model is not saved to {path}")
        self._said_failed = True
        return True

    def _save(self, path: str, title: str, why: str) -> None:
        if not self._is_chief:
            return
        self._say(f"{title} {why}")
        if self.save(path):
            self._say(f"{title} finished saving model to {path}")

    def _say(self, text: str) -> None:
        if self.verbose and self._is_chief:
            self.print(text)

    @property
    def _is_chief(self) -> bool:
        return self.run.is_chief if self.run is not None else is_chief()

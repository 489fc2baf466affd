"""What callbacks that save the model share: when a save is due, and whether this model is worth one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .callback import Callback, Priority
from .monitor import Monitor, count, number, switch, verbosity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .run import Run


class SavingCallback(Callback):
    """Saves the model every epoch or every so many batches; or of those only when a metric is better than ever.

    A subclass implements `save`. Parameters and rules are those of Keras 3's checkpoint callbacks, with these
    differences: a metric that does not come, or is NaN, saves nothing when only the best is to be saved; whether a
    value is the best is known at batches too; and nothing is saved any more in a run that a callback has stopped
    because it failed (`run.has_failed`), as it would take the place of a good model.

    Args:
        monitor: The metric's key in the logs; with `save_best_only`.
        verbose: 1: a line for every save, and for every one that was left out.
        save_best_only: Whether to save only when the metric is better than at every save before.
        mode: "min", "max", or "auto", which finds out from the metric.
        save_freq: "epoch", or a number of batches: then it is saved at the end of the first execution of batches that
            makes so many since the last time. They are counted across epochs, and across fits.
        initial_value_threshold: A value that the first save has to beat; with `save_best_only`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is out of its range.

    Attributes:
        best: The best value so far. It survives a second fit and, as part of the state, a restart.
        batches_since_save: Batches since a save was last due; 0 with `save_freq="epoch"`.
    """

    priority = Priority.CHECKPOINT
    state_attributes = ("best", "batches_since_save")

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
        self.save_freq = self._checked_freq(save_freq)
        threshold = initial_value_threshold
        self.best = None if threshold is None else number(self, "initial_value_threshold", threshold)
        self.batches_since_save = 0
        self._epoch = 0
        self._ended = 0

    def _checked_freq(self, save_freq: Any) -> str | int:
        if save_freq == "epoch":
            return "epoch"
        try:
            return count(self, "save_freq", save_freq, least=1)
        except (TypeError, ValueError):
            # Keras raises a ValueError for both, with these first words.
            raise ValueError(
                f"Unrecognized save_freq={save_freq!r} of {type(self).__name__}. "
                "It has to be 'epoch' or a number of batches, 1 or more."
            ) from None

    def save(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> str:
        """Save the model.

        Args:
            epoch: The epoch, counted from 0.
            batch: The number of the batch that ended, counted from 0 in its epoch; None at the end of an epoch.
            logs: The values of the epoch or batch.

        Returns:
            What was done, as the end of a line: "saved model.keras".
        """
        raise NotImplementedError

    def on_run_begin(self, run: Run) -> None:
        """Leave the batches alone where only epochs count."""
        if self.save_freq == "epoch":
            run.drop(self, "on_train_batch_end")

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Warn of a metric that is known not to come."""
        self.starts_afresh()  # the best value goes on over fits, as in Keras, so that there is nothing to reset
        if self.save_best_only:
            self._monitor.begin()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note the epoch, for saves at batches."""
        self._epoch, self._ended = epoch, 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save if so many batches have ended."""
        if self.save_freq == "epoch":
            return
        steps = self.params.get("steps")
        # The last execution of several batches may have fewer than its number says.
        ended = batch + 1 if steps is None else min(batch + 1, steps)
        self.batches_since_save += ended - self._ended
        self._ended = ended
        if self.batches_since_save >= int(self.save_freq):
            self.batches_since_save = 0
            self._save_if_worth_it(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save if that is done every epoch."""
        if self.save_freq == "epoch":
            self._save_if_worth_it(epoch, None, logs or {})

    def _save_if_worth_it(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> None:
        when = f"epoch {epoch + 1}" if batch is None else f"epoch {epoch + 1}, batch {batch + 1}"
        if self.run is not None and self.run.has_failed:
            self._tell(f"{when}: the run has failed, nothing saved")
        elif not self.save_best_only:
            self._tell(f"{when}: {self.save(epoch, batch, logs)}")
        else:
            value = self._monitor.read(logs)
            if value is None:
                return
            before = "" if self.best is None else f" from {self.best:.5g}"
            if self._monitor.is_better(value, self.best):
                done = self.save(epoch, batch, logs)
                self.best = value
                self._tell(f"{when}: {self.monitor} improved{before} to {value:.5g}, {done}")
            else:
                self._tell(f"{when}: {self.monitor} did not improve{before}, nothing saved")

    def _tell(self, text: str) -> None:
        if self.verbose:
            self.print(text)

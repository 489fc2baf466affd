"""Stops training when a metric no longer improves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal import Priority, hookimpl
from epochal.arguments import Arrays, Count, Number, OrNone, State, Switch, Verbosity, Whole
from epochal.frameworks import adapt
from epochal.monitor import MonitorCallback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from epochal import Outcome


class EarlyStopping(MonitorCallback):
    """Stops training when a metric no longer improves, and brings back the best weights if asked to.

    An epoch improves when its value is better than the best one so far by more than `min_delta`. Training stops at the
    end of an epoch that does not, when that makes `patience` epochs in a row. NaN never improves. Epochs in which the
    metric does not come, as with `validation_freq=2`, are not counted. These are the rules of Keras 3's EarlyStopping,
    and so is that epoch 1 never stops training.

    With `restore_best_weights` the weights of the best epoch are set at the end of training, whatever ended it: this
    callback, another one, or the last epoch. In a run of epochal that includes an exception, Ctrl-C and SIGTERM; then
    the weights are set after every other callback has ended its run, so that what they persist is the state in which
    training broke off. In a bare `model.fit` nobody tells a callback of an exception.

    Args:
        monitor: The metric's key in the logs.
        min_delta: By how much a value has to be better to count; its sign does not matter.
        patience: Epochs in a row without an improvement that end training. 0 counts as 1.
        verbose: 1: one closing line says why training was stopped, and which weights were set.
        mode: "min", "max", or "auto", which finds out from the metric.
        baseline: A value to reach. An epoch that is the best so far and does not beat it is an improvement that is
            remembered, and still counts against `patience`.
        restore_best_weights: Whether to set the weights of the best epoch at the end.
        start_from_epoch: The first epoch, counted from 0, that is looked at at all.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is out of its range. While training: `mode` is "auto", and nothing tells whether less
            or more of the metric is better.

    Attributes:
        wait: Epochs since the last improvement.
        best: The best value; None before the first number.
        best_epoch: Its epoch, counted from 0; 0 before the first number.
        best_weights: The weights of that epoch as NumPy arrays; None if they were not asked for.
        stopped_epoch: The epoch, counted from 0, at whose end this callback stopped training; 0 if it did not.

    Example:
        >>> EarlyStopping(patience=3, restore_best_weights=True).patience
        3
    """

    priority = Priority.CONTROL
    provides = ()

    patience = Count(least=0)
    verbose = Verbosity()
    baseline = OrNone(Number())
    restore_best_weights = Switch()
    start_from_epoch = Count()

    wait = State(Whole(least=0))
    best = State(OrNone(Number()))
    best_epoch = State(Whole(least=0))
    best_weights = State(OrNone(Arrays()))
    stopped_epoch = State(Whole(least=0))

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: float = 0,
        verbose: float | None = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: float = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reason: str | None = None
        self._training = False
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights = None
        self.stopped_epoch = 0

    def on_run_begin(self) -> None:
        """Forget a training that never got to its end."""
        self._training = False

    def preflight(self) -> None:
        """Warn of a metric that is known not to come."""
        self.begin_monitoring()

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin anew, unless the state was just restored."""
        self._reason = None
        self._training = True
        if self.starts_afresh():
            self._reset()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Look at the epoch's value, and stop training if it is one too many without an improvement."""
        value = self.monitored_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.is_improvement(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = adapt(self).get_weights()
            if self._beats_baseline(value):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self._reason = self._why()
            self.stop_training(self._reason)

    def _beats_baseline(self, value: float) -> bool:
        return self.baseline is None or self.is_improvement(value, self.baseline)

    def _why(self) -> str:
        epochs = f"{self.wait} epoch" if self.wait == 1 else f"{self.wait} epochs"
        if self.best is None:
            return f"{self.monitor} was nan for {epochs}"
        target = "" if self._beats_baseline(self.best) else f" on the baseline {self.baseline:.5g}"
        return f"{self.monitor} did not improve{target} for {epochs}; {self._best()}"

    def _best(self) -> str:
        return f"best {self.best:.5g} in epoch {self.best_epoch + 1}"

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Set the best weights, and say why training was stopped."""
        self._close()

    @hookimpl(trylast=True)
    def on_run_end(self, outcome: Outcome) -> None:
        """Set the best weights where training did not get to its end.

        Not where the run ended long after its training, when Keras let go of it: the model may have been trained
        further since then. The outcome has no exception then.
        """
        if self._training and (outcome.exception is not None or outcome.status == "interrupted"):
            self._close()

    def _close(self) -> None:
        self._training = False
        said = [] if self._reason is None else [f"Epoch {self.stopped_epoch + 1}: early stopping: {self._reason}."]
        if self.restore_best_weights and self.best_weights is not None:
            adapt(self).set_weights(self.best_weights)
            said.append(f"The weights of epoch {self.best_epoch + 1} are restored ({self.monitor} {self.best:.5g}).")
        if self.verbose > 0 and said:
            self.print(" ".join(said))

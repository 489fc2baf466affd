"""Ends training when the loss is NaN or infinite."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from epochal import Callback, Logs, Priority
from epochal.arguments import Switch
from epochal.errors import shown
from epochal.log_values import as_number, as_text
from epochal.warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Mapping


class TerminateOnNaN(Callback):
    """Ends training when the loss of a training batch is NaN or infinite.

    In a run of epochal its outcome is "failed" then, with the value, the batch and the epoch as the reason, counted
    from 1 as a progress bar shows them. Losses of validation are not looked at, as in Keras. With `steps_per_execution`
    it is the last batch of the execution that is named; in Keras the loss of a batch is the mean over the epoch so far.

    The loss has to be read after every batch, which makes the training wait for the device. No other value is.

    Args:
        raise_error: Whether to raise an error at once, instead of ending training after the batch. In a run of epochal
            every callback still has its `on_run_end`; `on_train_end` is not sent.

    Raises:
        TypeError: `raise_error` is neither true nor false, as an array of several elements.
        RuntimeError: While training, with `raise_error`: the loss is NaN or infinite.

    Example:
        >>> TerminateOnNaN(raise_error=True).raise_error
        True
    """

    priority = Priority.CONTROL
    provides = ()

    raise_error = Switch()

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error
        self._epoch: int | None = None
        self._has_ended = False
        self._has_warned = False

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin anew."""
        self._epoch = None
        self._has_ended = self._has_warned = False

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Remember the epoch, for the message."""
        self._epoch = epoch

    def on_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Look at the loss of the batch."""
        loss = logs.read("loss") if isinstance(logs, Logs) else (logs or {}).get("loss")
        number = loss if type(loss) is float else as_number(loss)
        if number is None:
            self._warn(loss, logs or {})
        elif not math.isfinite(number):
            self._end(batch, number)

    def _end(self, batch: int, loss: float) -> None:
        place = f"batch {batch + 1}" if self._epoch is None else f"batch {batch + 1} of epoch {self._epoch + 1}"
        if self.raise_error:
            raise RuntimeError(f"NaN or Inf loss encountered: loss is {loss} at {place}. Training ends here.")
        if not self._has_ended:  # a loop of the caller's may go on
            self._has_ended = True
            self.print(f"Loss is {loss} at {place}: terminating training.")
        self.stop_training(f"loss is {loss} at {place}", failed=True)

    def _warn(self, loss: Any, logs: Mapping[str, Any]) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        what = (
            f"not a scalar: {shown(loss)}"
            if "loss" in logs
            else f"not in their logs. There are: {', '.join(map(as_text, logs)) or 'none'}"
        )
        warn_user(f"TerminateOnNaN looks at the loss of every training batch, which is {what}.")

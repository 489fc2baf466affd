"""What is known of the `fit` that a framework is running: when it validates, and with which callbacks."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

# A local of `fit` in every version and on every backend: of Keras 3, of tf_keras.
_DATA = ("epoch_iterator", "data_handler")


@dataclass(frozen=True)
class FitCall:
    """A `fit`, as far as it is known before it trains.

    Attributes:
        validates: Whether it has validation data; None: not known.
        validation_freq: How often it validates, as Keras takes it: every so many epochs, or the epochs counted from 1.
        epochs: The epochs that it is to train, counted from 0; None: not known.
        callbacks: What the framework calls in it, besides the callbacks of an epochal run; None: not known.
    """

    validates: bool | None = None
    validation_freq: Any = 1
    epochs: range | None = None
    callbacks: tuple[Any, ...] | None = ()

    def why_never(self) -> str:
        """Return why no epoch will be validated, as a clause; empty if one may be."""
        if self.validates is False:
            return "this fit has no validation data"
        if self.epochs and self.validates and not any(map(self._is_due, self.epochs)):
            return f"this fit validates in no epoch, as validation_freq={self.validation_freq!r} and it ends before"
        return ""

    def first_without(self) -> int | None:
        """Return the first epoch, counted from 0, that will not be validated; None if there is none, or not known."""
        return next((epoch for epoch in self.epochs or () if self.validates and not self._is_due(epoch)), None)

    def _is_due(self, epoch: int) -> bool:
        if isinstance(self.validation_freq, int):
            return self.validation_freq > 0 and (epoch + 1) % self.validation_freq == 0
        return not isinstance(self.validation_freq, (list, tuple, set)) or epoch + 1 in self.validation_freq


def fit_call(scope: Mapping[str, Any], callbacks: tuple[Any, ...] | None = ()) -> FitCall:
    """Return what the locals of a framework's `fit` tell; nothing is known if there are none.

    Args:
        scope: The locals.
        callbacks: What is called besides the callbacks of the run.
    """
    if "validation_data" not in scope:
        return FitCall(callbacks=callbacks)
    # Keras's own BackupAndRestore has the fit begin later, and says so on the model.
    first = getattr(scope.get("self"), "_initial_epoch", None) or scope.get("initial_epoch")
    last = scope.get("epochs")
    known = isinstance(first, int) and isinstance(last, int)
    return FitCall(
        scope["validation_data"] is not None,
        scope.get("validation_freq", 1),
        range(first, last) if known else None,  # type: ignore[arg-type]
        callbacks,
    )


def bare_fit_call(callback: Any) -> FitCall:
    """Return what is known of the framework's own `fit` that is calling one of its callbacks."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        # The names first: to ask for a frame's locals keeps what they hold alive, and most frames are the user's.
        names = (*frame.f_code.co_varnames, *frame.f_code.co_cellvars)
        if "callbacks" in names and any(name in names for name in _DATA):
            called = getattr(frame.f_locals.get("callbacks"), "callbacks", None)
            if isinstance(called, list) and any(each is callback for each in called):
                return fit_call(frame.f_locals, tuple(called))
        frame = frame.f_back
    return FitCall(callbacks=None)

"""A bare `model.fit(callbacks=[…])` without a framework: what Keras's own list of callbacks does with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..hookspecs import BATCH_EVENTS, EVENTS, KERAS_EVENTS
from ..logs import Logs
from .loops import Loops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .loops import Receiver


class BareHost(Loops[None]):
    """Calls callbacks as Keras 3 does in a bare `model.fit(callbacks=[…])`: there is no epochal run.

    They have Keras's methods, as a subclass of `epochal.Callback` does and a Keras callback. `on_run_begin`,
    `on_epoch_finalized` and `on_run_end` do not come, and after an exception nothing does.

    Args:
        *callbacks: Callbacks, called in this order.
        model: The model that they get. None: a FakeModel.

    Example:
        >>> class Counter(Callback):
        ...     epochs = 0
        ...
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         self.epochs += 1
        >>> counter = Counter()
        >>> BareHost(counter).fit(epochs=3)
        >>> counter.epochs, counter.run
        (3, None)
    """

    def __init__(self, *callbacks: Any, model: Any = None) -> None:
        super().__init__(model)
        self._callbacks = callbacks

    def _drive(
        self,
        stage: str,
        params: dict[str, Any],
        events: Callable[[Receiver], None],
        validates: bool | None = None,
    ) -> None:
        callbacks: Any = CallbackList(self._callbacks)
        callbacks.set_params(params)
        callbacks.set_model(self.model)
        events(callbacks)


class CallbackList:
    """Sends every event to each callback in turn, with one dict of floats for all of them."""

    def __init__(self, callbacks: Sequence[Any]) -> None:
        self.callbacks = list(callbacks)

    @property
    def batch(self) -> CallbackList:
        """The list itself, as it has the events of batches too."""
        return self

    def set_params(self, params: dict[str, Any]) -> None:
        """Pass the params on."""
        for callback in self.callbacks:
            callback.set_params(dict(params))

    def set_model(self, model: Any) -> None:
        """Pass the model on."""
        for callback in self.callbacks:
            callback.set_model(model)

    def finalize_epoch(self) -> None:
        """Do nothing; Keras has no such event."""

    def _send(self, event: str, *given: Any) -> dict[str, Any]:
        places = len(EVENTS[event]) - 2  # all but the run and the logs
        number, values = given[:places], [each for each in given[places:] if each is not None]
        logs = Logs(*values).copy()
        for callback in self.callbacks:
            method = getattr(callback, event)
            # The logs of a batch are given by name, all others by position.
            _ = method(*number, logs=logs) if event in BATCH_EVENTS else method(*number, logs)
        return logs


def _sender(event: str) -> Callable[..., dict[str, Any]]:
    def send(self: CallbackList, *given: Any) -> dict[str, Any]:
        return self._send(event, *given)

    return send


for _event in KERAS_EVENTS:
    setattr(CallbackList, _event, _sender(_event))

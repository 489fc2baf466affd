"""A bare `model.fit(callbacks=[…])` without a framework: what Keras's own list of callbacks does with them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..hookspecs import BATCH_EVENTS, EVENTS, KERAS_EVENTS
from ..logs import Logs
from .loops import Loops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .loops import Receiver


class BareHost(Loops[None]):
    """Calls callbacks as Keras 3 does in a bare `model.fit(callbacks=[…])`: there is no run of ours.

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
        for callback in self._callbacks:
            callback.set_params(dict(params))
        for callback in self._callbacks:
            callback.set_model(self.model)
        events(_List(self._callbacks))


class _List:
    """Sends every event to each callback in turn, with one dict of floats for all of them."""

    def __init__(self, callbacks: Sequence[Any]) -> None:
        self._callbacks = callbacks
        self.batch = self

    def finalize_epoch(self) -> None:
        """Do nothing; Keras has no such event."""

    def __getattr__(self, event: str) -> Callable[..., dict[str, Any]]:
        if event not in KERAS_EVENTS:
            raise AttributeError(event)
        return partial(self._send, event)

    def _send(self, event: str, *given: Any) -> dict[str, Any]:
        places = len(EVENTS[event]) - 2  # all but the run and the logs
        number, values = given[:places], given[places:]
        logs = Logs(*values).copy()
        for callback in self._callbacks:
            method = getattr(callback, event)
            # The logs of a batch are given by name, all others by position.
            _ = method(*number, logs=logs) if event in BATCH_EVENTS else method(*number, logs)
        return logs

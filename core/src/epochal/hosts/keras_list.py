"""What epochal hands to Keras's own `fit`, `evaluate` and `predict`. Importing this module imports Keras.

Keras uses a `CallbackList` that it is given as it is: it adds no History, no progress bar, and gives it no params. The
same object is handed on to the validation inside a fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from ..errors import RunError
from ..frameworks.fit_call import fit_call
from ..hookspecs import BATCH_EVENTS, KERAS_EVENTS
from .bare_fit import bare_callbacks
from .keras_call import call_params, call_scope
from .keras_history import adopt_history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..engine.driver import Driver
    from .stand_in import StandIn

    Given = Mapping[str, Any] | None


class HostList(keras.callbacks.CallbackList):  # type: ignore[misc]  # Keras has no types
    """Passes the events of Keras's loop on to a driver.

    The batch events are not methods: the driver sets them on the object when the run begins.

    A model with a `fit` of its own may treat it as the list that the caller would have given. What is appended or added
    takes part in the run. Who makes a list of it gets what `epochal.callbacks` gives, and what comes with that in the
    list is driven by Keras, after ours.

    Args:
        make_driver: Makes the driver of a run with further callbacks, ahead of those that were given and behind them.
    """

    epochal_driven = True

    def __init__(self, make_driver: Callable[[list[Any], list[Any]], Driver]) -> None:
        super().__init__()
        self._make_driver = make_driver
        self._first: list[Any] = []
        self._last: list[Any] = []
        self._parts: list[StandIn] = []
        self._begun = False
        self._models: list[Any] = []
        self._renew()

    def _renew(self) -> None:
        self._driver = self._make_driver(self._first, self._last)
        self.callbacks = list(self._driver.run.callbacks.values())

    @property
    def history(self) -> Any:
        """Our History."""
        return self._driver.run.history

    @property
    def has_no_batches(self) -> bool:
        """Whether the data of the call is known to hold none."""
        return self._driver.run.params.get("steps") == 0

    def end(self, error: BaseException | None = None) -> None:
        """End the run, whoever drove it."""
        for part in self._parts:
            part.end(error)
        if self._begun or not any(part.has_run for part in self._parts):
            self._driver.end(error)

    # As the list that it stands for

    def __iter__(self) -> Iterator[Any]:
        self._parts = self._parts or bare_callbacks(self._driver.run._members)
        return iter(self._parts)

    def __len__(self) -> int:
        return sum(1 for _ in self)  # `[*self]` would ask for the length

    def append(self, callback: Any) -> None:
        self.extend([callback])

    def extend(self, callbacks: Iterable[Any]) -> None:
        self._take(self._last, len(self._last), callbacks)

    def insert(self, index: int, callback: Any) -> None:
        """Add a callback: at 0 ahead of those that were given, anywhere else behind them."""
        self._take(self._first if index == 0 else self._last, 0 if index == 0 else len(self._last), [callback])

    def __add__(self, others: Iterable[Any]) -> HostList:
        self.extend(others)
        return self

    __iadd__ = __add__

    def __radd__(self, others: Iterable[Any]) -> HostList:
        self._take(self._first, 0, others)
        return self

    def _take(self, place: list[Any], index: int, callbacks: Iterable[Any]) -> None:
        if self._begun:
            raise RunError("callbacks can be added until the run begins, and it has begun")
        place[index:index] = callbacks
        self._renew()

    # Keras's events

    def _begin(self) -> None:
        """Begin the run with the first event, which is the first moment at which Keras knows the steps."""
        if self._begun:
            return
        self._begun = True
        run = self._driver.run
        # Once only: to look at the locals of Keras's frame keeps what they hold alive, in an epoch its data's iterator,
        # whose end then takes longer than the epoch.
        scope = call_scope(self)
        if run.stage == "train":
            adopt_history(run.history)
            run.fit_call = fit_call(scope)
            fitted = scope.get("self", run.model)  # another model, where the fit of the one that was given delegates
            self._models = [run.model] if fitted is run.model else [run.model, fitted]
            self._show_history()
        self._driver.begin(call_params(scope))
        self._driver.bind(self)

    def _show_history(self) -> None:
        """Put our History where Keras's `fit` takes its result from; a callback may have put another there."""
        for model in self._models:
            model.history = self._driver.run.history

    def on_train_end(self, logs: Given = None) -> None:
        self._driver.on_train_end(logs)
        self._show_history()

    def on_epoch_end(self, epoch: int, logs: Given = None) -> None:
        self._driver.on_epoch_end(epoch, logs)
        self._show_history()
        self._driver.finalize_epoch()


def _passed_on(event: str) -> Callable[..., None]:
    """Make the method of an event that does nothing but reach the run, and begin it if it is the first."""

    def pass_on(self: HostList, *values: Any, **named: Any) -> None:
        self._begin()
        getattr(self._driver, event)(*values, **named)

    return pass_on


for _event in KERAS_EVENTS:
    if _event not in BATCH_EVENTS and _event not in vars(HostList):
        setattr(HostList, _event, _passed_on(_event))

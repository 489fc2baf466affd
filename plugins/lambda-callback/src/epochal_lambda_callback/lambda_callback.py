"""A callback made of functions."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from epochal import Callback
from epochal.errors import nearest
from epochal.hookspecs import ALIASES, BATCH_EVENTS, EVENTS, HOOKS, OWN_EVENTS, STEPS

Function = Callable[..., Any]


class LambdaCallback(Callback):
    """Calls a function at each event that it is given one for; every other event costs nothing.

    The functions of Keras's events take Keras's arguments, by position: `(epoch, logs)`, `(batch, logs)` or `(logs)`.
    Those of Epochal's own three events take any subset of `run`, `epoch`, `logs` and `outcome`, by name; a bare
    `model.fit` does not send them, and then there is a warning.

    An event's function can be set later too, or taken away by None.

    It has no state. A copy shares the functions. It pickles if they do, which a lambda does not.

    Args:
        on_epoch_begin, on_epoch_end: Called with `(epoch, logs)`.
        on_train_begin, on_train_end: Called with `(logs)`.
        on_train_batch_begin, on_train_batch_end: Called with `(batch, logs)`.
        on_batch_begin, on_batch_end: Other names of the two before.
        on_test_begin, on_test_end, on_predict_begin, on_predict_end: Called with `(logs)`.
        on_test_batch_begin, on_test_batch_end, on_predict_batch_begin, on_predict_batch_end: Called with
            `(batch, logs)`.
        on_run_begin: Called with `run`.
        on_epoch_finalized: Called with `run`, `epoch`, `logs`.
        on_run_end: Called with `run`, `outcome`.

    Raises:
        TypeError: There is no such event, a value is no function, or a function does not take the event's arguments.

    Example:
        >>> LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))  # doctest: +SKIP
    """

    def __init__(
        self,
        on_epoch_begin: Function | None = None,
        on_epoch_end: Function | None = None,
        on_train_begin: Function | None = None,
        on_train_end: Function | None = None,
        on_train_batch_begin: Function | None = None,
        on_train_batch_end: Function | None = None,
        **others: Function | None,
    ) -> None:
        functions = {**locals(), **others}
        if unknown := [name for name in others if name not in HOOKS]:
            near = nearest(unknown[0], HOOKS)
            raise TypeError(f"LambdaCallback: {unknown[0]!r} is not an event.{near} There are: {', '.join(HOOKS)}.")
        self._take({name: functions[name] for name in HOOKS if functions.get(name) is not None})

    def __setattr__(self, name: str, value: Any) -> None:
        """Take another function for an event, or with None no function, checked as in the constructor."""
        if name not in HOOKS:
            super().__setattr__(name, value)
            return
        others = {event: function for event, function in self._functions.items() if event != name}
        self._take(others if value is None else {**others, name: value})

    def __delattr__(self, name: str) -> None:
        """Take no function for an event."""
        if name in self._functions:
            setattr(self, name, None)
        else:
            super().__delattr__(name)

    def _take(self, functions: dict[str, Function]) -> None:
        for alias, event in ALIASES.items():
            if alias in functions and event in functions:
                raise TypeError(f"LambdaCallback: {alias} and {event} are one event. Give one of them.")
        methods: dict[str, Any] = {event: self._made_callable(event, function) for event, function in functions.items()}
        if own := [event for event in OWN_EVENTS if event in functions]:
            for event in (f"on_{stage}_begin" for stage in STEPS):  # with what comes first in a bare fit
                methods[event] = partial(self._begin, own, functions.get(event))
        # On the object: the methods of the class stay, which hosts know to do nothing.
        for event in HOOKS:
            vars(self).pop(event, None)
        vars(self).update(methods)
        self._functions = functions

    def _made_callable(self, event: str, function: Function) -> Function:
        """Check a function, and give it so that it can be called with `(batch, logs)` and as Keras calls it."""
        if not callable(function):
            raise TypeError(f"LambdaCallback: {event}={function!r} has to be a function")
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # what is written in C may show none
            return function
        if event in OWN_EVENTS:
            return function  # the run checks what it takes before it begins
        is_batch = ALIASES.get(event, event) in BATCH_EVENTS
        first, *rest = EVENTS[ALIASES.get(event, event)][1:]
        by_position = _takes(signature, first, *rest)
        by_name = is_batch and _takes(signature, first, logs="logs")  # as Keras does it there
        if by_position:
            return function if by_name or not is_batch else partial(self._call_by_position, function)
        if by_name:
            return partial(self._call_by_name, function)
        raise TypeError(
            f"LambdaCallback: {event} is called with ({', '.join([first, *rest])}), and the function that it is given "
            f"takes {signature}"
        )

    # They are methods, so that a run knows which callback it was that asked it to stop.

    def _call_by_position(self, function: Function, batch: int, logs: Any = None) -> None:
        function(batch, logs)

    def _call_by_name(self, function: Function, batch: int, logs: Any = None) -> None:
        function(batch, logs=logs)

    def _begin(self, own: list[str], function: Function | None, logs: Any = None) -> None:
        """Say, where Keras owns the call, which functions will not be called."""
        if self.run is None:
            warnings.warn(
                f"LambdaCallback: {', '.join(own)} will not be called: Keras has no such event. Train with "
                "epochal.fit, or with model.fit(…, callbacks=epochal.callbacks(…)).",
                stacklevel=2,
            )
        if function is not None:
            function(logs)


def _full_signature() -> inspect.Signature:
    """Return the constructor's signature with a parameter for every event: Keras has six by position."""
    written = inspect.signature(LambdaCallback.__init__)
    *by_position, others = written.parameters.values()
    parameter = partial(inspect.Parameter, kind=others.KEYWORD_ONLY, default=None, annotation=others.annotation)
    by_name = [parameter(name) for name in HOOKS if name not in written.parameters]
    return written.replace(parameters=[*by_position, *by_name, others])


LambdaCallback.__init__.__signature__ = _full_signature()  # type: ignore[attr-defined]  # what `epochal info` reads


def _takes(signature: inspect.Signature, *positional: str, **named: str) -> bool:
    try:
        signature.bind(*positional, **named)
    except TypeError:
        return False
    return True

"""A metric that a callback watches: where its value comes from, and which of two values is better."""

from __future__ import annotations

import math
import operator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .errors import nearest
from .frameworks import adapt
from .logs import read_array
from .warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .callback import Callback

MODES = ("auto", "min", "max")


class Monitor:
    """Reads a metric from the logs and compares its values.

    Names and rules are those of Keras's `MonitorCallback`, but for NaN, which is never better than anything here.

    Args:
        owner: The callback that watches; messages name it, and its model tells the direction.
        metric: The metric's key in the logs, `val_loss` for example.
        mode: "min" or "max": less or more is better. "auto": the loss is better when it is less, and any other metric
            as the model's metric of this name declares. An unknown text warns and counts as "auto", as in Keras.
        min_delta: By how much a value has to be better to count; its sign does not matter.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: `min_delta` is not finite, or the metric is an empty text.

    Attributes:
        metric: As given.
        mode: As given, or "auto".
        min_delta: Not negative.
        direction: "min" or "max"; None as long as "auto" has not found out.
    """

    def __init__(self, owner: Callback, metric: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        title = type(owner).__name__
        if not isinstance(metric, str) or not isinstance(mode, str):
            raise TypeError(f"{title}: monitor={metric!r} and mode={mode!r} have to be text")
        if not metric:
            raise ValueError(f"{title}: monitor is empty, and it has to be a key of the logs, 'val_loss' for example")
        if mode not in MODES:
            warn_user(
                f"{title} mode {mode!r} is unknown, and counts as 'auto'.{nearest(mode, MODES)} "
                f"There are: {', '.join(MODES)}."
            )
            mode = "auto"
        self.owner = owner
        self.metric = metric
        self.mode = mode
        self.min_delta = abs(number(owner, "min_delta", min_delta))
        self.direction: str | None = mode if mode != "auto" else None
        self._said: set[str] = set()

    def begin(self) -> None:
        """Look, before anything is trained, whether the metric will come; to be called in `preflight`.

        Warns where it is known that the metric will not come, and no callback of the run says that it provides it.

        Raises:
            ValueError: It will not come, as the model does not report it and every other callback of the run declares
                what it provides; or it will, the mode is "auto" and nothing tells the direction.
        """
        self._said.clear()
        if self.mode == "auto":
            self.direction = None  # the model may be another one now
        known = adapt(self.owner).log_keys()
        if known is None:
            return
        metric, validates = self.metric, getattr(self.owner.run, "validates", None)
        if metric.removeprefix("val_") in known and not (metric.startswith("val_") and validates is False):
            self._direction()
            return
        if metric in known or self._is_provided():
            return
        if metric.startswith("val_") and validates is False:
            self._say("missing", f"{self._watches()}, and this fit has no validation data.")
        elif metric.removeprefix("val_") not in known:
            keys = [*sorted(known), *(f"val_{key}" for key in sorted(known) if validates is not False)]
            message = f"{self._watches()}, which the model does not report.{self._instead(keys)}"
            if self._others() and all(getattr(each, "provides", None) is not None for each in self._others()):
                raise ValueError(message)
            self._say("missing", message)

    def read(self, logs: Mapping[str, Any] | None) -> float | None:
        """Give the metric's value, or None if it did not come or is no scalar, which is said once a run.

        Raises:
            ValueError: It did not come, the mode is "auto" and nothing tells the direction. Keras raises it too: such a
                metric is misspelt, more often than not.
        """
        value = (logs or {}).get(self.metric)
        if value is None:
            self._say("missing", f"{self._watches()}, which is not in the logs.{self._instead(logs or ())}")
            self._direction()
            return None
        scalar = _scalar(value)
        if scalar is None:
            self._say("scalar", f"{self._watches()}, which is no scalar: {value!r}.")
        return scalar

    def is_better(self, value: float, reference: float | None) -> bool:
        """Tell whether a value is better than another by more than `min_delta`; NaN never is.

        Args:
            value: The value.
            reference: What it is compared with. None or NaN: nothing, so that any number is better.

        Raises:
            ValueError: The mode is "auto" and nothing tells the direction.
        """
        direction = self._direction()
        if math.isnan(value):
            return False
        if reference is None or math.isnan(reference):
            return True
        return value + self.min_delta < reference if direction == "min" else value - self.min_delta > reference

    def _is_provided(self) -> bool:
        return any(self.metric in (getattr(each, "provides", None) or ()) for each in self._others())

    def _others(self) -> list[Any]:
        """Give the other callbacks of the run; in a bare fit they are not known."""
        callbacks = self.owner.run.callbacks.values() if self.owner.run is not None else ()
        return [each for each in callbacks if each is not self.owner]

    def _direction(self) -> str:
        if self.direction is None:
            name = self.metric.removeprefix("val_")
            self.direction = "min" if name == "loss" else adapt(self.owner).direction_of(name)
        if self.direction is None:
            raise ValueError(
                f"{self._watches()}, and nothing tells whether less or more of it is better. "
                "Pass mode='min' or mode='max'."
            )
        return self.direction

    def _watches(self) -> str:
        return f"{type(self.owner).__name__} monitors {self.metric!r}"

    def _instead(self, keys: Any) -> str:
        return f"{nearest(self.metric, keys)} There are: {', '.join(keys) or 'none'}."

    def _say(self, what: str, message: str) -> None:
        if what not in self._said:
            self._said.add(what)
            warn_user(message)


def _scalar(value: Any) -> float | None:
    """Give a scalar as a float, also an array of one (Keras's F1Score gives one an output); None if it is none."""
    if isinstance(value, (str, bytes)):
        return None
    try:
        return float(read_array(value).item() if _has_axes(value) else value)
    except (TypeError, ValueError, OverflowError):
        return None


def number(owner: Any, name: str, value: Any, *, least: float | None = None) -> float:
    """Check that a parameter is a finite number.

    Args:
        owner: The callback, for messages.
        name: The parameter's name.
        value: What was given.
        least: The least value that it may have.

    Raises:
        TypeError: It is no number.
        ValueError: It is not finite, or too small.
    """
    title = type(owner).__name__
    found = None
    if not isinstance(value, (str, bytes, bytearray)) and not _is_bool(value) and not _has_axes(value):
        try:
            found = float(value)
        except TypeError:  # it is none
            found = None
        except (ValueError, OverflowError):  # a signalling NaN of decimal; an int that no float holds
            found = math.nan
    if found is None:
        raise TypeError(f"{title}: {name}={value!r} has to be a number")
    if not math.isfinite(found):
        raise ValueError(f"{title}: {name}={value!r} has to be finite")
    if least is not None and found < least:
        raise ValueError(f"{title}: {name}={value!r} has to be {least:g} or more")
    return found


def count(owner: Any, name: str, value: Any, *, least: int = 0) -> int:
    """Check that a parameter is a whole number, at least `least`; errors as of `number`."""
    found = None
    if not _is_bool(value) and not _has_axes(value):
        with suppress(TypeError):
            found = operator.index(value)
    if found is None:
        raise TypeError(f"{type(owner).__name__}: {name}={value!r} has to be an int")
    number(owner, name, found, least=least)
    return found


def _has_axes(value: Any) -> bool:
    return bool(getattr(value, "ndim", 0))


def _is_bool(value: Any) -> bool:
    return type(value).__name__ in ("bool", "bool_")  # NumPy's are called so


def switch(owner: Any, name: str, value: Any) -> bool:
    """Check that a parameter is on or off: a bool, 0 or 1.

    Raises:
        TypeError: It is something else.
    """
    if not (_is_bool(value) or (type(value) is int and value in (0, 1))):
        raise TypeError(f"{type(owner).__name__}: {name}={value!r} has to be True or False")
    return bool(value)


def verbosity(owner: Any, value: Any) -> int:
    """Check the parameter `verbose`: a whole number, at least 0, or a bool; errors as of `number`."""
    return count(owner, "verbose", int(value) if isinstance(value, bool) else value)

"""A metric that a callback watches: where its value comes from, and which of two values is better."""

from __future__ import annotations

import math
import sys
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from .arguments import Argument, Key, Number
from .callback import Callback
from .errors import nearest, nearest_key, shown
from .forecast import Forecast
from .frameworks import adapt
from .log_values import as_number, as_text
from .logs import Logs
from .warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Mapping

MODES = ("auto", "min", "max")

_NO_DIRECTION = "nothing tells whether less or more of it is better. Pass mode='min' or mode='max'."


class MetricName(Key):
    """The key of a metric in the logs.

    As in Keras, a callback may watch something else by `get_monitor_value`, and then anything can stand here.
    """

    def remark(self, value: Any) -> str:
        """Warn of what no metric is called."""
        return "" if isinstance(value, str) else "is not text, and no metric is called so"


class Mode(Argument[str]):
    """Whether less or more of a metric is better: "min", "max", or "auto"."""

    def check(self, value: Any) -> str:
        """Return the mode; "auto" for anything else, as in Keras."""
        return value if isinstance(value, str) and value in MODES else "auto"

    def remark(self, value: Any) -> str:
        """Warn of an unknown mode."""
        if isinstance(value, str) and value in MODES:
            return ""
        near = nearest(value, MODES) if isinstance(value, str) else ""
        return f"is unknown, and counts as 'auto'.{near} There are: {', '.join(MODES)}."

    def remarked(self, owner: Any, value: Any, remark: str) -> str:
        """Return the warning, with Keras's first words, for which its own tests and filters of warnings look."""
        return super().remarked(owner, value, remark).replace(f": {self.name}=", f" {self.name} ", 1)


class Distance(Number):
    """A number whose sign does not matter."""

    def check(self, value: Any) -> float:
        """Return the number without its sign."""
        return abs(super().check(value))


class _Watched:
    """A metric, its mode and `min_delta`, for a Monitor whose owner has other attributes."""

    monitor = MetricName()
    mode = Mode()
    min_delta = Distance()

    def __init__(self, owner: Any, metric: str, mode: str, min_delta: float) -> None:
        self.named_in_messages = type(owner).__name__
        self.monitor = metric
        self.mode = mode
        self.min_delta = min_delta


class Monitor:
    """Reads a metric from the logs and compares its values.

    Names and rules are those of Keras's `MonitorCallback`, but for NaN, which is never better than anything here.

    Args:
        owner: The callback that watches; messages name it, and its model tells the direction.
        metric: The metric's key in the logs, `val_loss` for example. None: what counts are the owner's attributes
            `monitor`, `mode` and `min_delta`, as they are at the time.
        mode: "min" or "max": less or more is better. "auto": the loss is better when it is less, and any other metric
            as the model's metric of this name declares. Anything else warns and counts as "auto", as in Keras.
        min_delta: By how much a value has to be better to count; its sign does not matter.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: `min_delta` is NaN.
    """

    def __init__(self, owner: Callback, metric: str | None = None, mode: str = "auto", min_delta: float = 0.0) -> None:
        if metric is None and not hasattr(owner, "monitor"):
            raise TypeError(f"{type(owner).__name__}: monitor=None has to be text")
        self.owner = owner
        self._given = None if metric is None else _Watched(owner, metric, mode, min_delta)
        self._found: tuple[str, str] | None = None  # a metric, and its direction by the model
        self._said: set[str] = set()
        self._behind: tuple[str, ...] = ()
        self._looked_in: Mapping[str, Any] | None = None

    @property
    def _watched(self) -> Any:
        return self.owner if self._given is None else self._given

    @property
    def metric(self) -> str:
        """The metric's key in the logs."""
        return str(self._watched.monitor)

    @property
    def mode(self) -> str:
        """The mode; "auto" for an unknown one."""
        return str(self._watched.mode)

    @property
    def min_delta(self) -> float:
        """By how much a value has to be better to count; not negative."""
        return float(self._watched.min_delta)

    @property
    def direction(self) -> str | None:
        """Which is better, "min" or "max"; None as long as "auto" has not found out."""
        if self.mode != "auto":
            return self.mode
        return self._found[1] if self._found is not None and self._found[0] == self.metric else None

    def begin(self) -> None:
        """Look, before anything is trained, whether the metric will come; to be called in `preflight`.

        Warns where it is known that the metric will not come, as far as the model and what callbacks say that they
        provide tell.

        Raises:
            ValueError: The mode is "auto" and nothing tells the direction, nor will when the metric is there. Keras
                raises it too, at the end of the first epoch.
        """
        self.forget()
        forecast = Forecast.of(self.owner)
        if not forecast.trains:
            return
        self._behind = forecast.adders_behind(self.metric, self.owner)
        missing = forecast.missing(self.metric, self.owner)
        if missing is None:
            if forecast.gives(self.metric):
                self._direction()
            return
        message = f"{self._watches()}, and {missing.why}{missing.unless}.{missing.instead}"
        if self._find_direction() is None and forecast.keys_are_certain:
            raise ValueError(f"{message} And {_NO_DIRECTION}")
        if not forecast.may_be_added_ahead(self.metric, self.owner):  # else the first epoch tells
            self._say("missing", message)

    def forget(self) -> None:
        """Forget what was said, and the direction that the model told: it may be another one now."""
        self._said.clear()
        self._found = None
        self._behind, self._looked_in = (), None

    def read(self, logs: Mapping[str, Any] | None) -> float | None:
        """Return the metric's value, or None if it did not come or is no scalar, which is said once a run.

        Raises:
            ValueError: It did not come, the mode is "auto" and nothing tells the direction. Keras raises it too: such a
                metric is misspelt, more often than not.
        """
        value = (logs or {}).get(self.metric)
        if self._looked_in is not None:
            self._look_again()
        if value is None:
            is_none = self.metric in (logs or {})
            what = "which is None." if is_none else f"which is not in the logs.{self._instead(logs or ())}"
            self._say("missing", f"{self._watches()}, {what}")
            if not is_none:
                self._watch_for_late(logs)
            self._direction()
            return None
        return self.as_scalar(value)

    # A key that another callback adds too late

    def _watch_for_late(self, logs: Any) -> None:
        """Find out whether another callback adds the metric to these logs after all, and which."""
        if "late" in self._said:
            return
        if isinstance(logs, Logs):
            logs.await_key(self.metric, self._note_late)
        else:
            self._looked_in = logs  # Keras's own, in which only a later look can tell

    def _look_again(self) -> None:
        logs, self._looked_in = self._looked_in, None
        if logs is not None and self.metric in logs:
            adder = " or ".join(map(repr, self._behind))
            self._say_late(adder or "another callback", f"List {adder or 'that callback'} before it.")

    def _note_late(self) -> None:
        run = self.owner.run
        name = None if run is None else run._caller(sys._getframe(1))
        if name is None:
            adder = "a callback that Keras calls later"
            self._say_late(adder, "Give it to epochal.callbacks(…), before this one.")
            return
        self._say_late(
            repr(name),
            f"List {name!r} before it, give {name!r} a priority of less than {self.owner.priority:d}, or put {name!r} "
            "into its `after`.",
        )

    def _say_late(self, adder: str, cure: str) -> None:
        self._say(
            "late", f"{type(self.owner).__name__} looked for {self.metric!r}, which {adder} added after it. {cure}"
        )

    def as_scalar(self, value: Any) -> float | None:
        """Return a value of the metric as a float, or None if it is not a scalar, which is said once a run."""
        scalar = as_number(value)
        if scalar is None and value is not None:
            self._say("scalar", f"{self._watches()}, which is not a scalar: {shown(value)}.")
        return scalar

    def is_better(self, value: float, reference: float | None) -> bool:
        """Return whether a value is better than another by more than `min_delta`; NaN never is.

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

    def _direction(self) -> str:
        direction = self._find_direction()
        if direction is None:
            raise ValueError(f"{self._watches()}, and {_NO_DIRECTION}")
        return direction

    def _find_direction(self) -> str | None:
        if self.direction is None:
            name = self.metric.removeprefix("val_")
            direction = "min" if name == "loss" else adapt(self.owner).direction_of(name)
            self._found = None if direction is None else (self.metric, direction)
        return self.direction

    def _watches(self) -> str:
        return f"{type(self.owner).__name__} monitors {self.metric!r}"

    def _instead(self, keys: Any) -> str:
        names = [as_text(key) for key in keys]
        return f"{nearest_key(self.metric, names)} There are: {', '.join(names) or 'none'}."

    def _say(self, what: str, message: str) -> None:
        if what not in self._said:
            self._said.add(what)
            warn_user(message)


class _OwnMonitor(Monitor):
    """The Monitor that its owner holds. It holds the owner weakly: a circle would keep the model from fit to fit."""

    @property
    def owner(self) -> Callback:
        """The callback that watches."""
        owner = self._owner()
        assert owner is not None, "the callback that watches is gone"
        return owner

    @owner.setter
    def owner(self, owner: Callback) -> None:
        self._owner = weakref.ref(owner)

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle with the owner, as a weak reference cannot be."""
        return {**self.__dict__, "_owner": self.owner}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Hold the owner's copy weakly again."""
        self.__dict__.update(state)
        self.owner = state["_owner"]


class MonitorCallback(Callback):
    """The base of callbacks that watch a metric, with the attributes of Keras's class of this name.

    Args:
        monitor: The metric's key in the logs.
        mode: "min", "max", or "auto", which finds out from the metric.
        min_delta: By how much a value has to be better to count; its sign does not matter.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: `min_delta` is NaN.
    """

    monitor = MetricName()
    mode = Mode()
    min_delta = Distance()
    in_place_of: ClassVar[Mapping[str, str]] = {"_is_improvement": "is_improvement"}

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0) -> None:
        self.monitor = monitor
        self.mode = mode
        self.min_delta = min_delta
        self._monitor = _OwnMonitor(self)

    def get_monitor_value(self, logs: Mapping[str, Any] | None) -> Any:
        """Return the metric's value, or None to have the epoch or batch left out.

        A subclass may override it, as in Keras, and watch what is in no logs; any scalar will do.
        """
        return self._monitor.read(logs)

    def begin_monitoring(self) -> None:
        """Look, before anything is trained, whether the metric will come; errors as of `Monitor.begin`."""
        if getattr(self.get_monitor_value, "__func__", None) is MonitorCallback.get_monitor_value:
            self._monitor.begin()
        else:  # where the value comes from is known to the subclass alone
            self._monitor.forget()

    def monitored_value(self, logs: Mapping[str, Any] | None) -> float | None:
        """Return the metric's value as a float; None if there is none, which is said once a run."""
        return self._monitor.as_scalar(self.get_monitor_value(logs))

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """Return whether a value is better than another; as `Monitor.is_better`."""
        return self._monitor.is_better(value, reference)

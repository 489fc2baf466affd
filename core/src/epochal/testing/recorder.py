"""A callback that remembers every event with its arguments, for asserts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..callback import Callback, Priority
from ..hookspecs import EVENTS, OWN_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True)
class Recorded:
    """One event that came.

    Attributes:
        event: Its name.
        arguments: Its arguments by name, without `run`: `epoch`, `batch` and `outcome` as they are, of `logs` a dict
            of the values that they had when the recorder was called.
        stage: The stage of the run; empty in a bare fit.

    Example:
        >>> str(Recorded("on_epoch_end", {"epoch": 0, "logs": {"loss": 0.5}}))
        "on_epoch_end(epoch=0, logs={'loss': 0.5})"
    """

    event: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    stage: str = field(default="", compare=False)

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]

    def __str__(self) -> str:
        return f"{self.event}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


class Recorder(Callback):
    """Remembers every event that it gets, with its arguments. It reads the logs of every batch.

    Args:
        *only: Names of events; no other is remembered. Without any: all.
        priority: Its place in the order.

    Attributes:
        events: What came, in order.

    Raises:
        ValueError: There is no event of a name.

    Example:
        >>> recorder = Recorder("on_epoch_begin", "on_train_batch_end")
        >>> _ = FakeHost(recorder).fit(steps=2, values=lambda epoch, batch: {"loss": 0.5})
        >>> print(recorder)
        on_epoch_begin(epoch=0, logs={})
        on_train_batch_end(batch=0, logs={'loss': 0.5})
        on_train_batch_end(batch=1, logs={'loss': 0.5})
        >>> [each["batch"] for each in recorder.of("on_train_batch_end")]
        [0, 1]
    """

    provides = ()

    def __init__(self, *only: str, priority: int = Priority.CONTROL) -> None:
        unknown = [event for event in only if event not in EVENTS]
        if unknown:
            raise ValueError(f"there is no event {unknown[0]!r}; there are {', '.join(EVENTS)}")
        self.priority = priority
        self.events: list[Recorded] = []
        self._only = frozenset(only or EVENTS)

    @property
    def names(self) -> list[str]:
        """The names of the events that came, in order."""
        return [each.event for each in self.events]

    def of(self, *events: str) -> list[Recorded]:
        """Return what came of some events, in order."""
        return [each for each in self.events if each.event in events]

    def __str__(self) -> str:
        return "\n".join(map(str, self.events))

    def _record(self, event: str, given: Iterable[Any]) -> None:
        if event in self._only:
            arguments = dict(zip(EVENTS[event][1:], given, strict=True))
            if "logs" in arguments:
                arguments["logs"] = dict(arguments["logs"] or {})
            self.events.append(Recorded(event, arguments, self.run.stage if self.run is not None else ""))


def _keras_event(event: str) -> Callable[..., None]:
    def method(self: Recorder, *given: Any, **by_name: Any) -> None:
        self._record(event, [*given, *by_name.values()])

    return method


def _own_event(event: str) -> Callable[..., None]:
    def method(self: Recorder, **arguments: Any) -> None:
        self._record(event, [arguments[name] for name in EVENTS[event][1:]])

    return method


for _event in EVENTS:
    setattr(Recorder, _event, (_own_event if _event in OWN_EVENTS else _keras_event)(_event))

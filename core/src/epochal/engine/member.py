"""A callback in a run: the object, under which name, in which place, and where it comes from."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from ..callback import Callback, Place, Priority
from ..errors import InvalidCallbackError, shown
from ..inspection.identity import module_of
from .ordering import Candidate

if TYPE_CHECKING:
    from types import FrameType

    from ..installed.discovery import Record


@dataclass(frozen=True, eq=False)
class Member:
    """A callback in a run.

    Attributes:
        name: Its unique name in the run.
        callback: The object (or module, or marked function) itself.
        priority: Its priority, checked; once it was ordered, the one that counts.
        before: Names that it runs before.
        after: Names that it runs after.
        critical: Whether its errors end the run.
        record: Where it was installed from; None for what the script defines itself.
        position: Its position among the callbacks given in code; None if switched on by name.
        activated: Why it is active: "pinned", "enabled by default", "given in code", or where it is switched on.
        declares_priority: Whether it has a priority of its own, or the settings give it one. Without, its place in the
            list counts.
        priority_from: Where its priority is set, if not by itself.
        before_from, after_from: Where `before` and `after` are set, if not by itself.
        reason: Why it stands where it does, once it was ordered.
    """

    name: str
    callback: Any
    priority: int = Priority.CONTROL
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    critical: bool = True
    record: Record | None = None
    position: int | None = None
    activated: str = "given in code"
    declares_priority: bool = True
    priority_from: str = ""
    before_from: str = ""
    after_from: str = ""
    reason: str = ""

    @property
    def origin(self) -> str:
        """The distribution and version, or the module, that it comes from."""
        if self.record is not None:
            return self.record.origin
        return f"module {module_of(self.callback)}"

    @property
    def title(self) -> str:
        """Name and origin, as messages give them."""
        return f"{self.name!r} ({self.origin})"

    def is_running(self, frame: FrameType) -> bool:
        """Return whether a frame runs a method of the callback, or one of its marked functions."""
        code, callback = frame.f_code, self.callback
        if isinstance(callback, (FunctionType, MethodType)):
            return code is callback.__code__
        if not isinstance(callback, ModuleType) and any(
            isinstance(each, FunctionType) and each.__code__ is code
            for each in getattr(callback, "__dict__", {}).values()
        ):
            return True  # a function that was set on the object, whatever its own name is
        function = getattr(type(callback), code.co_name, None) or getattr(callback, code.co_name, None)
        if function is None or getattr(inspect.unwrap(function), "__code__", None) is not code:
            return False
        is_method = not isinstance(callback, ModuleType) and code.co_argcount > 0
        return not is_method or frame.f_locals.get(code.co_varnames[0]) is callback

    @property
    def place(self) -> Place:
        """Its place in the order, once it was ordered."""
        return Place(self.name, self.reason, self.priority)

    def candidate(self) -> Candidate:
        """What its place in the order depends on."""
        return Candidate(
            self.name,
            self.priority if self.declares_priority else None,
            self.before,
            self.after,
            self.position,
            self.priority_from,
            self.before_from,
            self.after_from,
        )


def make_member(
    name: str, callback: Any, record: Record | None, position: int | None, activated: str = "given in code"
) -> Member:
    """Read a callback's own declarations and check them.

    Raises:
        InvalidCallbackError: `priority` is no int, or `before` or `after` are no names.
    """
    title = f"{name!r} ({record.origin if record is not None else f'module {module_of(callback)}'})"
    return Member(
        name=name,
        callback=callback,
        priority=_priority(callback, name, title),
        before=_names(callback, "before", name, title),
        after=_names(callback, "after", name, title),
        critical=_critical(callback, name, title),
        record=record,
        position=position,
        activated=activated,
        declares_priority=_declares_priority(callback),
    )


# A third-party Keras callback may have attributes of these names that have nothing to do with us (`self.after = 10`, a
# method `before`). It trains under Keras, so they declare something only where they have our types.


def _priority(callback: Any, name: str, title: str) -> int:
    priority = getattr(callback, "priority", Priority.CONTROL)
    if _is_int(priority):
        return int(priority)
    if is_keras_callback(callback):
        return Priority.CONTROL
    raise InvalidCallbackError(
        name,
        f"the priority of {title} is {shown(priority)}, and it has to be an int, "
        "like epochal.Priority.REPORT or 90. Lower runs earlier.",
    )


def _is_int(priority: object) -> bool:
    return isinstance(priority, int) and not isinstance(priority, bool)


def _declares_priority(callback: Any) -> bool:
    """Return whether a callback has a priority of its own; what it inherits from a built-in is its own."""
    if not isinstance(callback, Callback):
        return _is_int(getattr(callback, "priority", None))
    kinds = (kind for kind in type(callback).__mro__ if kind is not Callback)
    return "priority" in getattr(callback, "__dict__", ()) or any("priority" in vars(kind) for kind in kinds)


def _critical(callback: Any, name: str, title: str) -> bool:
    critical = getattr(callback, "critical", True)
    if isinstance(critical, bool):
        return critical
    if is_keras_callback(callback):
        return True
    raise InvalidCallbackError(name, f"`critical` of {title} is {shown(critical)}, and it has to be True or False.")


def _names(callback: Any, attribute: str, name: str, title: str) -> tuple[str, ...]:
    names = getattr(callback, attribute, ())
    if isinstance(names, (tuple, list, set, frozenset)) and all(isinstance(other, str) for other in names):
        return tuple(names)
    if is_keras_callback(callback):
        return ()
    raise InvalidCallbackError(
        name, f"`{attribute}` of {title} is {shown(names)}, and it has to be a tuple of names, like ('history',)."
    )


def is_keras_callback(callback: Any) -> bool:
    """Return whether an object follows the protocol of `keras.callbacks.Callback`, without importing Keras."""
    return not isinstance(callback, (Callback, type, ModuleType)) and all(
        callable(getattr(callback, name, None)) for name in ("set_model", "set_params")
    )

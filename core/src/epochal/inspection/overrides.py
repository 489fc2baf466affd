"""Methods of a subclass of ours that nothing calls, as only a framework's class of the same name does."""

from __future__ import annotations

import sys
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..hookspecs import HOOKS
from ..warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_METHODS = (FunctionType, MethodType, property, staticmethod, classmethod)
_seen: WeakKeyDictionary[type, set[tuple[str, ...]]] = WeakKeyDictionary()


def warn_of_overrides(callback: Any, root: type) -> None:
    """Warn, once for a class, of methods that it overrides in vain: the framework's class of this name calls them.

    Args:
        callback: The callback.
        root: The base class of all epochal callbacks.
    """
    own = {name: value for name, value in vars(callback).items() if isinstance(value, _METHODS)}
    seen = _seen.setdefault(type(callback), set())
    if tuple(own) in seen:
        return
    seen.add(tuple(own))
    for ours, theirs in _pairs(type(callback), root):
        kinds = type(callback).__mro__[: type(callback).__mro__.index(ours)]
        attributes = [own, *(vars(kind) for kind in kinds if not issubclass(theirs, kind))]
        for name in dict.fromkeys(name for each in attributes for name in _unused(each, ours, theirs)):
            warn_user(_message(type(callback), name, ours, theirs))


def _pairs(kind: type, root: type) -> Iterator[tuple[type, type]]:
    """Yield the class of ours that a class is made from, with the framework's class of its name."""
    for framework in ("keras", "tf_keras"):
        callbacks = getattr(sys.modules.get(framework), "callbacks", None)
        for ours in reversed(kind.__mro__):
            theirs = getattr(callbacks, ours.__name__, None)
            if issubclass(ours, root) and ours is not root and isinstance(theirs, type):
                yield ours, theirs
                return


def _unused(attributes: Mapping[str, Any], ours: type, theirs: type) -> Iterator[str]:
    for name, value in attributes.items():
        is_event = name in HOOKS or name.startswith("__")
        if isinstance(value, _METHODS) and not is_event and hasattr(theirs, name) and not hasattr(ours, name):
            yield name


def _message(kind: type, name: str, ours: type, theirs: type) -> str:
    place = f"{theirs.__module__.partition('.')[0]}.callbacks.{theirs.__name__}"
    instead = getattr(ours, "in_place_of", {}).get(name)
    advice = f"Override {instead!r} instead" if instead else f"Override an event instead, or take {place}"
    return f"{kind.__name__} overrides {name!r}, which only {place} calls, so it does nothing here. {advice}."

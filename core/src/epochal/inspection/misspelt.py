"""Functions that look like events and are none: a framework passes over them in silence."""

from __future__ import annotations

import inspect
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..errors import nearest
from ..hookspecs import HOOKS
from ..settings.names import snake_case
from ..warn import warn_user
from .events import events_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_seen: WeakKeyDictionary[type, set[tuple[str, ...]]] = WeakKeyDictionary()


def warn_of_misspelt(callback: Any) -> None:
    """Warn, once for a class, of methods that look like events and are none: Keras passes over them in silence.

    Args:
        callback: The callback.
    """
    own = tuple(name for name in vars(callback) if name.startswith("on_"))
    seen = _seen.setdefault(type(callback), set())
    if own in seen:
        return
    seen.add(own)
    for misspelt in misspelt_events(callback):
        warn_user(
            f"{type(callback).__name__} {misspelt} Give a method that is not an event a name that does not begin with "
            "`on_`."
        )
    for unprefixed in unprefixed_events(callback):
        warn_user(f"{type(callback).__name__} {unprefixed}")


def misspelt_events(found: Any, names: Iterable[str] | None = None) -> list[str]:
    """Return a part of a sentence for every function that looks like an event of a class or object but is not.

    Args:
        found: The class, object or module.
        names: The names to look at. None: all.
    """
    told = []
    for name in dir(found) if names is None else names:
        is_new = name.startswith("on_") and name not in HOOKS
        hint = nearest(name, HOOKS) if is_new else ""
        if hint and callable(inspect.getattr_static(found, name, None)) and not _is_called(found, name):
            told.append(f"defines {name!r}, which is not an event and would never be called.{hint}")
    return told


def unprefixed_events(found: Any) -> list[str]:
    """Return what is to be said of methods named as events but for `on_`, of a class or object without any event."""
    if events_of(found):
        return []
    meant = {name: f"on_{snake_case(name)}".replace("on_on_", "on_") for name in dir(found) if name[0] != "_"}
    return [
        f"implements no event: {name!r} is not one. Did you mean {event!r}?"
        for name, event in meant.items()
        if name not in HOOKS and event in HOOKS and callable(inspect.getattr_static(found, name, None))
    ]


def _is_called(found: Any, name: str) -> bool:
    """Return whether the functions of a class or object call one of this name: it is a helper then."""
    kind = found if isinstance(found, (type, ModuleType)) else type(found)
    scopes = [kind] if isinstance(kind, ModuleType) else kind.__mro__
    functions = (value for scope in scopes for value in vars(scope).values() if isinstance(value, FunctionType))
    return any(name in function.__code__.co_names for function in functions)

"""The events that an object implements, as far as it shows without a run."""

from __future__ import annotations

import inspect
from types import FunctionType, MethodType, ModuleType
from typing import Any

from ..hookspecs import ALIASES, EVENTS, HOOKS, PROJECT
from ..log_values import attribute

MARK = f"{PROJECT}_impl"
"""The attribute that `@hookimpl` sets."""


def events_of(found: Any) -> tuple[str, ...]:
    """Return the events that a class, object, module or function implements, as far as can be told without a run.

    A Keras callback is called for all of Keras's events; those that its class leaves empty are not among these.
    """
    if isinstance(found, (FunctionType, MethodType)):
        marks = {found.__name__: getattr(found, MARK, None)}
    else:
        marks = {name: _mark(inspect.getattr_static(found, name, None)) for name in dir(found)}
    hooks = {(options.get("specname") or name) for name, options in marks.items() if isinstance(options, dict)}
    kind = found if isinstance(found, type) else type(found)
    if not isinstance(found, ModuleType) and hasattr(kind, "set_model"):
        methods = {name: getattr(found, name, None) for name in HOOKS}
        hooks |= {name for name, method in methods.items() if callable(method) and not is_default(method)}
    events = {ALIASES.get(hook, hook) for hook in hooks}
    return tuple(event for event in EVENTS if event in events)


def marked_functions(callback: Any) -> dict[str, dict[str, Any]]:
    """Return the attributes of an object or module that `@hookimpl` marks, each with the marker's options."""
    # As `inspect.getattr_static` does it for one attribute, but every class is gone through only once.
    kinds = () if isinstance(callback, ModuleType) else type(callback).__mro__
    attributes: dict[str, Any] = {}
    for scope in (getattr(callback, "__dict__", {}), *map(vars, kinds)):
        attributes = {**scope, **attributes}
    found = {}
    for name, function in sorted(attributes.items()):
        if isinstance(function, (staticmethod, classmethod)):
            function = function.__func__
        options = attribute(function, MARK)  # of an attribute that may be anything
        if isinstance(options, dict):
            found[name] = options
    return found


def is_default(method: Any) -> bool:
    """Return whether a method is the base class's empty one, by the mark of Keras 3 or by where tf_keras defines it."""
    return getattr(method, "_is_default", False) or (
        getattr(method, "__module__", "") == "tf_keras.src.callbacks"
        and getattr(method, "__qualname__", "").startswith("Callback.")
    )


def _mark(attribute: Any) -> Any:
    function = attribute.__func__ if isinstance(attribute, (staticmethod, classmethod)) else attribute
    return getattr(function, MARK, None)

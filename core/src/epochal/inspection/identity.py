"""What an object is called, and where it comes from, as it shows in the object itself."""

from __future__ import annotations

from types import FunctionType, MethodType, ModuleType
from typing import Any

from ..settings.names import CallbackName, snake_case


def module_of(callback: Any) -> str:
    """Return the name of the module that defines a callback."""
    if isinstance(callback, ModuleType):
        return callback.__name__
    owner = callback if isinstance(callback, (FunctionType, MethodType)) else type(callback)
    return getattr(owner, "__module__", None) or "unknown"


def default_name(callback: Any) -> CallbackName:
    """Return the name of a callback that is not installed: of a module or function its own, else its class's.

    >>> default_name(ModuleType("my_package.printer"))
    'printer'
    """
    if isinstance(callback, ModuleType):
        return CallbackName(callback.__name__.rpartition(".")[2])
    if isinstance(callback, (FunctionType, MethodType)):
        return CallbackName(callback.__name__)
    return CallbackName(snake_case(type(callback).__name__))

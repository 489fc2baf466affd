"""Epochal: callbacks for tf.keras that are installed, ordered and explained.

Importing epochal imports no framework; the framework is imported when a run starts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .callback import Callback, Priority
    from .errors import (
        AmbiguousCallbackError,
        CallbackError,
        CallbackImportError,
        ConfigError,
        EpochalError,
        IncompatibleCallbackError,
        InvalidCallbackError,
        LearningRateError,
        MissingDependencyError,
        OrderError,
        PreflightError,
        RunError,
        StateError,
        TemplateError,
        UnknownCallbackError,
    )
    from .hookspecs import hookimpl
    from .hosts.keras import callbacks, evaluate, fit, predict
    from .hosts.loop import loop
    from .logs import Logs
    from .run import Outcome, Run

__all__ = [
    "AmbiguousCallbackError",
    "Callback",
    "CallbackError",
    "CallbackImportError",
    "ConfigError",
    "EpochalError",
    "IncompatibleCallbackError",
    "InvalidCallbackError",
    "LearningRateError",
    "Logs",
    "MissingDependencyError",
    "OrderError",
    "Outcome",
    "PreflightError",
    "Priority",
    "Run",
    "RunError",
    "StateError",
    "TemplateError",
    "UnknownCallbackError",
    "callbacks",
    "evaluate",
    "fit",
    "hookimpl",
    "loop",
    "predict",
]

# The names are imported when they are asked for: `epochal list` needs none of them, and together they take as long to
# import as rich.
_MODULES = {
    "callback": ("Callback", "Priority"),
    "errors": tuple(name for name in __all__ if name.endswith("Error")),
    "hookspecs": ("hookimpl",),
    "hosts.keras": ("callbacks", "evaluate", "fit", "predict"),
    "hosts.loop": ("loop",),
    "logs": ("Logs",),
    "run": ("Outcome", "Run"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return list(__all__)

"""Epochal: callbacks for tf.keras that are installed, ordered and explained.

Importing epochal imports no framework; the framework is imported when a run starts.
"""

from .callback import Callback, Priority
from .errors import (
    AmbiguousCallbackError,
    CallbackError,
    CallbackImportError,
    EpochalError,
    IncompatibleCallbackError,
    InvalidCallbackError,
    MissingDependencyError,
    OrderError,
    RunError,
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
    "EpochalError",
    "IncompatibleCallbackError",
    "InvalidCallbackError",
    "Logs",
    "MissingDependencyError",
    "OrderError",
    "Outcome",
    "Priority",
    "Run",
    "RunError",
    "UnknownCallbackError",
    "callbacks",
    "evaluate",
    "fit",
    "hookimpl",
    "loop",
    "predict",
]

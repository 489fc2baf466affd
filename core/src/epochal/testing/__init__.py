"""For the tests of callbacks: hosts that drive them through whole runs in milliseconds, and a suite that any one runs.

Nothing of it needs a framework. `docs/how-to/testing.md` shows how it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bare import BareHost
    from .checks.as_test import conformance
    from .checks.subject import Subject
    from .handover import transfer_state
    from .host import FakeHost
    from .model import FakeModel
    from .recorder import Recorded, Recorder

__all__ = ["BareHost", "FakeHost", "FakeModel", "Recorded", "Recorder", "Subject", "conformance", "transfer_state"]

# The names are imported when they are asked for: pytest imports this package at its start, also where nobody uses it.
_MODULE_OF = {
    "BareHost": "bare",
    "FakeHost": "host",
    "FakeModel": "model",
    "Recorded": "recorder",
    "Recorder": "recorder",
    "Subject": "checks.subject",
    "conformance": "checks.as_test",
    "transfer_state": "handover",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return list(__all__)

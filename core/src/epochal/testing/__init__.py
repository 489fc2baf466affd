"""For the tests of callbacks: a host that drives them through whole runs in milliseconds, with no framework."""

from .host import FakeHost
from .model import FakeModel

__all__ = ["FakeHost", "FakeModel"]

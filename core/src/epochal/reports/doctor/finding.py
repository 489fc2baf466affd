"""One thing that is wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        severity: "error": something does not work. "warning": something may surprise.
        what: What is wrong.
        remedy: What to do; empty if `what` says it.
    """

    severity: str
    what: str
    remedy: str = ""

    @property
    def is_error(self) -> bool:
        """Whether something does not work because of it."""
        return self.severity == "error"


def error(what: str, remedy: str = "") -> Finding:
    """Make a finding that keeps something from working."""
    return Finding("error", what, remedy)


def warning(what: str, remedy: str = "") -> Finding:
    """Make a finding that may surprise."""
    return Finding("warning", what, remedy)

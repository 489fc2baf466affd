"""What is wrong with an installation and its settings, and what to do about each finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...choosing.choice import Choice
from . import environment, plugins
from .finding import Finding

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Diagnosis", "Finding", "diagnose"]


@dataclass(frozen=True)
class Diagnosis:
    """What was looked at, and what was found.

    Attributes:
        facts: What is there, in (name, value) pairs.
        findings: What is wrong, errors first.
    """

    facts: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        """Whether anything is wrong that keeps something from working."""
        return any(each.is_error for each in self.findings)


def diagnose(start: Path) -> Diagnosis:
    """Look for what is wrong. Callbacks are imported, in a process of their own.

    Args:
        start: The folder in which runs are to begin.
    """
    choice = Choice.here(start)
    catalogue = choice.installed
    facts = [*environment.facts(start), *plugins.facts(catalogue)]
    findings = [
        *plugins.unusable(choice),
        *plugins.missing(catalogue),
        *plugins.mistakes_of(choice),
        *plugins.failing(choice, start),
        *plugins.installed_twice(catalogue),
        *plugins.unmet_requirements(catalogue),
        *environment.frameworks(),
        *environment.shadows(start),
    ]
    return Diagnosis(tuple(facts), tuple(sorted(dict.fromkeys(findings), key=lambda each: not each.is_error)))

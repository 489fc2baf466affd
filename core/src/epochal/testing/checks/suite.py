"""The checks, in the order in which they are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ending, importing, package, running, state

if TYPE_CHECKING:
    from .check import Check
    from .subject import Subject

OF_THE_PACKAGE = (
    package.check_found,
    package.check_distribution,
    package.check_package,
    package.check_class,
    package.check_core,
    package.check_requirements,
    package.check_typed,
    package.check_documented,
)
"""What an installed callback promises; one in a file has no package."""

OF_THE_IMPORT = (
    importing.check_import,
    importing.check_frameworks,
    importing.check_callbacks,
    importing.check_silence,
)

OF_THE_CALLBACK = (
    running.check_events,
    running.check_order,
    running.check_fit,
    running.check_validation,
    running.check_evaluate,
    running.check_predict,
    running.check_executions,
    running.check_unknown_steps,
    running.check_loop,
    running.check_bare_fit,
    running.check_second_fit,
    running.check_stopped,
    running.check_logs,
    ending.check_exception,
    ending.check_interrupt,
    ending.check_sigterm,
    ending.check_leftovers,
    ending.check_gives_back,
    state.check_copies,
    state.check_state,
    state.check_round_trip,
    state.check_resume,
)
"""What needs an instance of the callback; the others look at its metadata and its import."""


def checks_of(subject: Subject) -> tuple[Check, ...]:
    """Return the checks that a subject has to pass; nothing is imported."""
    return (*(OF_THE_PACKAGE if subject.is_installed else ()), *OF_THE_IMPORT, *OF_THE_CALLBACK)

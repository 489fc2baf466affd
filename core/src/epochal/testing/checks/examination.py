"""All checks of one installed callback, with the parameters that are typed for it; what `epochal check` shows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ...errors import CallbackError, ConfigError, one_line
from ...settings.layers import Setting, Table
from ...settings.parameters import assignments, make_arguments
from ...settings.values import parse_value, spelling_hint
from .check import failure, run_check, surroundings
from .cost import measure
from .subject import Subject
from .suite import OF_THE_CALLBACK, checks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .check import Result
    from .cost import Cost

_FIRST = ("found", "imports")
"""What no other check holds without."""


def make_subject(name: str, given: Mapping[str, str]) -> Subject:
    """Make what is to be checked. The callback is imported, and created once, if that can be done.

    Args:
        name: Its name, or `package.module:Class`.
        given: Parameter to its value, as it is typed.

    Raises:
        UnknownCallbackError: It is not installed.
        ConfigError: Parameters are missing or wrong.
    """
    subject = Subject(name)
    record = subject.record
    try:
        with surroundings():
            found = subject.found
    except CallbackError:  # a check says so
        return subject
    typed = {key: Setting(parse_value(text), f"{key}={text}", "command line") for key, text in given.items()}
    arguments: dict[str, Any] = {}
    problems: list[str] = []
    if typed and not callable(found):
        problems = [f"{name!r} is not a class, and has no parameters."]
    elif typed or isinstance(found, type):
        arguments, problems = make_arguments(
            found, Table(name, "command line", typed), partial(assignments, f"epochal check {name}")
        )
    problems = [problem + _hint(problem, given) for problem in problems]
    if problems:
        raise ConfigError(problems)
    subject = Subject(name, arguments)
    subject.__dict__.update(record=record, found=found)
    try:
        with surroundings():
            subject.create()
    except (TypeError, ValueError) as error:
        raise ConfigError([f"{name}: {one_line(error)}"]) from None
    except (Exception, SystemExit):  # the checks say so, with its place
        return subject
    return subject


def _hint(problem: str, given: Mapping[str, str]) -> str:
    """Say how a value that was taken for text is written, where no text is expected."""
    return next((spelling_hint(text) for key, text in given.items() if problem.startswith(f"{key}={text}:")), "")


def run_checks(subject: Subject) -> Iterator[Result]:
    """Run every check; nothing more when the callback cannot be imported.

    What cannot be created is tried only once: to wait for a server that is not there takes long.
    """
    refusal: BaseException | None = None
    was_tried = False
    for check in checks_of(subject):
        if check in OF_THE_CALLBACK and not was_tried:
            was_tried, refusal = True, _refusal(subject)
        if refusal is not None and check in OF_THE_CALLBACK:
            result = failure(check, subject, refusal)
        else:
            result = run_check(check, subject)
        yield result
        if not result.holds and check.name in _FIRST:
            return


def _refusal(subject: Subject) -> BaseException | None:
    """Return what the constructor raises; None: it makes a callback."""
    try:
        with surroundings():
            subject.create()
    except (Exception, SystemExit) as error:
        return error
    return None


def measured(subject: Subject, results: Iterable[Result]) -> Cost | None:
    """Measure what it costs; None where it does not go through an import and a fit."""
    held = {result.check.name for result in results if result.holds}
    return measure(subject) if held >= {"imports", "fit"} else None

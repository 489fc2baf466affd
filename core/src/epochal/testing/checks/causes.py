"""What stopped several checks at once: a server, a key or a library that is not there, told once and with the cure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import one_line
from .check import frame_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .check import Check, Result
    from .subject import Subject

_NETWORK = ("URLError", "HTTPError", "gaierror", "herror", "SSLError", "RequestException", "ConnectError")
"""Names of exceptions of networks that are not Python's ConnectionError or TimeoutError, in any of their bases."""


@dataclass(frozen=True)
class Cause:
    """One exception of the callback that more than one check did not get beyond.

    Attributes:
        error: The exception, and where in the callback's code it was raised.
        remedy: What to do.
        checks: The checks, in their order.
    """

    error: str
    remedy: str
    checks: tuple[Check, ...]


def find_causes(subject: Subject, results: Iterable[Result]) -> list[Cause]:
    """Return what stopped several checks, each cause with all of them."""
    groups: dict[tuple[object, ...], list[Result]] = {}
    for result in results:
        error = result.error.__cause__ if result.error is not None else None
        if error is not None:
            frame = frame_of(error, subject)
            # The text of one error may differ from check to check, as ports and folders do.
            place = (frame.filename, frame.lineno) if frame is not None else (one_line(error),)
            groups.setdefault((type(error), *place), []).append(result)
    return [_cause(subject, several) for several in groups.values() if len(several) > 1]


def _cause(subject: Subject, results: list[Result]) -> Cause:
    assert results[0].error is not None
    error = results[0].error.__cause__
    assert error is not None
    frame = frame_of(error, subject)
    place = f" ({frame.filename}, line {frame.lineno}, in {frame.name})" if frame is not None else ""
    remedy = _remedy(error, subject)
    if frame is not None and frame.name == "__init__" and not isinstance(error, ImportError):
        remedy += " A constructor runs for `epochal plan` and `epochal enable` too: let it connect in on_train_begin."
    return Cause(f"{one_line(error)}{place}", remedy, tuple(result.check for result in results))


def _remedy(error: BaseException, subject: Subject) -> str:
    if isinstance(error, ImportError):
        missing = f"the package that brings {error.name!r}" if error.name else "what is missing"
        return f"Install {missing}, and name it among the requirements of {subject.record.distribution}."
    stand_in = f"in a test, `conformance(Subject({subject.name!r}, make=…))` gives it a stand-in."
    if _is_of_network(error):
        return f"It needs a network or a server, and there was none: start it before the check, or {stand_in}"
    if isinstance(error, OSError):
        return f"Every check runs in an empty folder: give it an absolute path, as parameter=value, or {stand_in}"
    return f"If it needs a key or a server, have that ready before the check, or pass parameter=value; {stand_in}"


def _is_of_network(error: BaseException) -> bool:
    is_known = any(kind.__name__ in _NETWORK for kind in type(error).__mro__)
    return is_known or isinstance(error, (ConnectionError, TimeoutError))

"""The suite as a test of pytest, one test for each check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .check import run_check
from .subject import Subject
from .suite import checks_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .check import Check


def conformance(subject: str | Subject, /, **parameters: Any) -> Callable[[Check], None]:
    """Make a test of pytest that checks what every plugin promises.

    Each check is a test of its own, `test_conformance[resume]` for example. It runs in an empty folder, without
    settings of the surroundings, and what the callback prints is not shown.

    Args:
        subject: The name of the callback's entry point, or a `Subject` where there is more to say.
        **parameters: Arguments of its constructor, if `subject` is a name.

    Raises:
        TypeError: There are a `Subject` and parameters.
        ValueError: A check that is expected to fail does not exist.

    Example:
        >>> test_conformance = conformance("early_stopping", patience=2)
    """
    import pytest

    if isinstance(subject, str):
        subject = Subject(subject, parameters)
    elif parameters:
        raise TypeError("the parameters of a Subject are part of it: Subject(name, {'patience': 2})")
    checked, expected = subject, subject.expected_failures
    checks = checks_of(subject)
    unknown = [name for name in expected if all(name != check.name for check in checks)]
    if unknown:
        raise ValueError(f"there is no check {unknown[0]!r}; there are {', '.join(map(str, checks))}")
    failing = {name: [pytest.mark.xfail(reason=reason, strict=True)] for name, reason in expected.items()}
    cases = [pytest.param(check, id=check.name, marks=failing.get(check.name, ())) for check in checks]

    @pytest.mark.parametrize("check", cases)
    def test_conformance(check: Check) -> None:
        __tracebackhide__ = True
        result = run_check(check, checked)
        if result.error is not None:
            raise result.error

    return test_conformance

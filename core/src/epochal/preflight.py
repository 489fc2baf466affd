"""Look, before anything is trained, for what can be known to go wrong, and report all of it at once."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import PreflightError, nearest, one_line
from .frameworks import adapt
from .paths import is_remote
from .warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .member import Member

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """Something that is, or may be, wrong.

    Attributes:
        level: "error": training makes no sense with it. "warning": it may be meant so.
        members: The callbacks that it is about.
        message: What it is, and what to do.
    """

    level: str
    members: tuple[Member, ...]
    message: str

    def __str__(self) -> str:
        return f"{' and '.join(member.title for member in self.members)}: {self.message}"


def examine(members: Sequence[Member]) -> list[Finding]:
    """Ask every callback for what it finds, and compare what they declare.

    Args:
        members: The callbacks, in order. They have their model, and have had `on_run_begin`.
    """
    return [
        *(finding for member in members for finding in _own(member)),
        *_missing_keys(members),
        *_shared_paths(members),
        *_shared_changes(members),
    ]


def report(findings: Sequence[Finding]) -> None:
    """Say what was found: raise if there is an error, else warn if there is anything.

    Raises:
        PreflightError: There is an error; warnings are in the message too.
    """
    if not findings:
        return
    errors = [finding for finding in findings if finding.level == ERROR]
    if errors:
        raise PreflightError(findings)
    text = "\n  ".join([_headline(findings), *map(str, findings)]) if len(findings) > 1 else str(findings[0])
    warn_user(text)


def _headline(findings: Iterable[Finding]) -> str:
    count = len(list(findings))
    return f"before training, {count} warnings:"


def _own(member: Member) -> Iterator[Finding]:
    """Let a callback check itself; what it warns of is a warning, what it raises an error."""
    check = getattr(member.callback, "preflight", None)
    if not callable(check):
        return
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            check()
        except Exception as error:
            text = str(error) or one_line(error)
            yield Finding(ERROR, (member,), text)
    for each in said:
        if issubclass(each.category, UserWarning):  # what else there is, a framework tells its developers
            yield Finding(WARNING, (member,), str(each.message))


def _missing_keys(members: Sequence[Member]) -> Iterator[Finding]:
    """Find keys of the logs that a callback requires, and that neither the model nor another callback gives."""
    for member in members:
        required = _declared(member, "requires")
        if not required:
            continue
        known = adapt(member.callback).log_keys() if hasattr(member.callback, "model") else None
        if known is None:
            continue
        others = [other for other in members if other is not member]
        given = {key for other in others for key in _declared(other, "provides") or ()} | known
        given |= {f"val_{key}" for key in known}
        # A callback that does not declare what it adds may add anything.
        may_come = [other.name for other in others if _declared(other, "provides") is None]
        for key in required:
            if key in given:
                continue
            message = f"it requires {key!r} in the logs, and nobody gives it.{nearest(key, given)}"
            if may_come:
                yield Finding(WARNING, (member,), f"{message} Unless {', '.join(may_come)} does.")
            else:
                yield Finding(ERROR, (member,), f"{message} There are: {', '.join(sorted(given))}.")


def _shared_paths(members: Sequence[Member]) -> Iterator[Finding]:
    """Find paths that two callbacks write to."""
    writers: dict[str, Member] = {}
    for member in members:
        for path in _declared(member, "writes") or ():
            text = os.fspath(path)
            whole = text if is_remote(text) else os.path.abspath(text)
            other = writers.setdefault(whole, member)
            if other is not member:
                message = f"both write to {text!r}, and the one that is later destroys what the other wrote."
                yield Finding(ERROR, (other, member), message)


def _shared_changes(members: Sequence[Member]) -> Iterator[Finding]:
    """Find things, the learning rate for example, that two callbacks change."""
    changers: dict[str, Member] = {}
    for member in members:
        for what in _declared(member, "changes") or ():
            other = changers.setdefault(what, member)
            if other is not member:
                yield Finding(WARNING, (other, member), f"both change {what}, and the one that is later wins.")


def _declared(member: Member, name: str) -> Any:
    """Read a declaration; None where there is none, as with callbacks of another kind."""
    return getattr(member.callback, name, None)

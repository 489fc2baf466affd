"""Look, before anything is trained, for what can be known to go wrong, and report all of it at once."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..callback import Callback
from ..errors import EpochalError, PreflightError, TemplateError, message_of, one_line
from ..forecast import Forecast
from ..inspection.conflicts import declared, keras_paths, shared_changes, shared_paths
from ..inspection.misspelt import misspelt_events, unprefixed_events
from ..paths import OWN_FIELDS, PathTemplate
from ..warn import warn_user
from .member import is_keras_callback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .member import Member

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class PreflightFinding:
    """Something that is, or may be, wrong.

    Attributes:
        level: "error": it is certain to fail. "warning": it may be meant so.
        members: The callbacks that it is about.
        message: What it is, and what to do.
        error: What a callback's own check raised.
    """

    level: str
    members: tuple[Member, ...]
    message: str
    error: Exception | None = None

    def __str__(self) -> str:
        return f"{' and '.join(member.title for member in self.members)}: {self.message}"


def examine(members: Sequence[Member]) -> list[PreflightFinding]:
    """Ask every callback for what it finds, and compare what they declare.

    Args:
        members: The callbacks, in order. They have their model, and have had `on_run_begin`.
    """
    owner = next((member.callback for member in members if isinstance(member.callback, Callback)), None)
    forecast = None if owner is None else Forecast.of(owner)  # Keras's own callbacks do not know the run
    return [
        *(finding for member in members for finding in _own(member)),
        *_missing_keys(members, forecast),
        *_of_keras_callbacks(members, forecast),
        *_conflicts(members),
    ]


def report(findings: Sequence[PreflightFinding], take_out: Callable[[Member, Exception], None]) -> None:
    """Say what was found: raise if there is an error, else warn if there is anything.

    Args:
        findings: What was found.
        take_out: Takes a callback out of the run that is not critical, and says so; the run goes on without it.

    Raises:
        PreflightError: There is an error of a critical callback; all other findings are in the message too.
    """
    errors = [finding for finding in findings if finding.level == ERROR]
    if any(member.critical for finding in errors for member in finding.members):
        raise PreflightError(findings)
    failed: dict[Member, Exception] = {}
    for finding in errors:
        failed.setdefault(finding.members[0], finding.error or EpochalError(finding.message))
    for member, error in failed.items():
        take_out(member, error)
    left = [finding for finding in findings if failed.keys().isdisjoint(finding.members)]
    if left:
        warn_user("\n  ".join([_headline(left), *map(str, left)]) if len(left) > 1 else str(left[0]))


def _headline(findings: Iterable[PreflightFinding]) -> str:
    count = len(list(findings))
    return f"before training, {count} warnings:"


def _own(member: Member) -> Iterator[PreflightFinding]:
    """Let a callback check itself; what it warns of is a warning, what it raises an error."""
    check = getattr(member.callback, "preflight", None)
    if not callable(check):
        return
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            check()
        except Exception as error:
            text = message_of(error) or one_line(error)
            yield PreflightFinding(ERROR, (member,), text, error)
    for each in said:
        if issubclass(each.category, UserWarning):  # what else there is, a framework tells its developers
            yield PreflightFinding(WARNING, (member,), str(each.message))


def _missing_keys(members: Sequence[Member], forecast: Forecast | None) -> Iterator[PreflightFinding]:
    """Find keys of the logs that a callback requires, and that neither the model nor another callback gives."""
    for member in members:
        for key in declared(member.callback, "requires"):
            yield from _missing_key(key, f"it requires {key!r} in the logs", member, forecast)


def _missing_key(key: str, what: str, member: Member, forecast: Forecast | None) -> Iterator[PreflightFinding]:
    missing = None if forecast is None or not forecast.trains else forecast.missing(key, member.callback)
    if missing is not None:
        level = ERROR if missing.is_certain else WARNING
        yield PreflightFinding(level, (member,), f"{what}, and {missing.why}{missing.unless}.{missing.instead}")


def _of_keras_callbacks(members: Sequence[Member], forecast: Forecast | None) -> Iterator[PreflightFinding]:
    """Look at third-party Keras callbacks. They declare nothing, so what is found is a warning."""
    for member in members:
        if is_keras_callback(member.callback):
            for finding in _of_keras_callback(member, forecast):
                yield replace(finding, level=WARNING)


def _of_keras_callback(member: Member, forecast: Forecast | None) -> Iterator[PreflightFinding]:
    for what in (*misspelt_events(member.callback), *unprefixed_events(member.callback)):
        yield PreflightFinding(WARNING, (member,), f"it {what}")
    # The attributes' names in all callbacks of Keras that have them; who saves always has a metric, and asks for none.
    metric = getattr(member.callback, "monitor", None)
    if not isinstance(metric, str) or not getattr(member.callback, "save_best_only", True):
        metric = ""
    if metric and not (forecast and forecast.may_be_added_ahead(metric, member.callback)):
        yield from _missing_key(metric, f"it monitors {metric!r}", member, forecast)
    for path in keras_paths(member.callback):
        with suppress(TemplateError):
            for name in PathTemplate(path).fields:
                if name not in OWN_FIELDS:
                    yield from _missing_key(name, f"its path {path!r} names {name!r}", member, forecast)


def _conflicts(members: Sequence[Member]) -> Iterator[PreflightFinding]:
    """Find paths that two callbacks write to, and things that two change, the learning rate for example."""

    def paths(callback: Any) -> Iterable[Any]:
        return keras_paths(callback) if is_keras_callback(callback) else declared(callback, "writes")

    written = [(member, paths(member.callback)) for member in members]
    changed = [(member, declared(member.callback, "changes")) for member in members]
    for one, other, message in (*shared_paths(written), *shared_changes(changed)):
        yield PreflightFinding(WARNING, (one, other), message)

"""Which callbacks take part in a run whose code names none, and why: from metadata and settings alone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..engine.ordering import PINNED
from ..errors import UnknownCallbackError
from ..installed.discovery import Status
from .choice import find_record

if TYPE_CHECKING:
    from ..installed.discovery import Record
    from ..settings.names import CallbackName
    from .choice import Choice


@dataclass(frozen=True)
class Activity:
    """Whether a callback takes part in a run whose code names none.

    Attributes:
        record: Where it is installed.
        active: Whether it does.
        why: "pinned", "enabled by default", or where that is set; empty where nobody said anything.
        instances: How many of it there are.
    """

    record: Record
    active: bool
    why: str
    instances: int = 1

    @property
    def summary(self) -> str:
        """The same in a few words."""
        if self.record.status is not Status.OK:
            return f"unusable: {self.record.status.value}"
        if self.record.name in PINNED:
            return "always"
        answer = "yes" if self.active else "no"
        if self.active and self.instances > 1:
            answer += f", {self.instances} instances"
        return f"{answer}: {self.why}" if self.why else answer


def activities(choice: Choice) -> list[Activity]:
    """Return of every installed callback whether it is active; imports nothing.

    What the settings switch on by where it is (`package.module:Class`, or the path of a file) comes last.
    """
    settings, result = choice.settings, []
    chosen = {(record.name, record.origin): record for record in reversed(choice.catalogue.records)}
    for record in choice.installed.records:
        kept = chosen.get((record.name, record.origin))
        if kept is None:
            other = settings.prefer[record.name]
            settled = replace(record, status=Status.OK, reason="") if record.status is Status.DUPLICATE else record
            result.append(Activity(settled, False, f"{other.where} prefers {other.value}"))
        else:
            result.append(_activity(record.name, kept, choice))
    for name in settings.enabled():
        if name.is_place:
            with suppress(UnknownCallbackError):  # it is among the mistakes
                result.append(_activity(name, find_record(name, choice.catalogue), choice))
    return result


def activity_of(name: CallbackName, choice: Choice) -> Activity | None:
    """Return of one callback whether it is active; of an instance, `name#2`, whether its kind is and it is not off.

    Returns:
        None: no callback of this name is installed.
    """
    settings, name = choice.settings, name.absolute()
    try:
        record = find_record(name.base, choice.catalogue)
    except UnknownCallbackError:
        named = next((each for each in settings.switches if each.is_place and each.short == name.base), None)
        return None if named is None else activity_of(named, choice)
    found, off = _activity(name.base, record, choice), settings.disabled(name)
    if found.active and off is not None and name.base not in PINNED:
        return Activity(record, False, f"switched off by {off.where}")
    return found


def _activity(name: CallbackName, record: Record, choice: Choice) -> Activity:
    active, why = choice.decide(name, record.autoload)
    return Activity(record, active and record.status is Status.OK, why, len(choice.settings.tables.get(name, (0,))))

"""Which callbacks take part in a run whose code names none, and why: from metadata and settings alone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.ordering import PINNED
from ..errors import CallbackError, UnknownCallbackError, nearest
from ..installed.discovery import VALUE, Status
from ..installed.place_record import place_record
from ..settings.names import CallbackName, snake_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..installed.discovery import Catalogue, Record
    from ..settings.layers import Settings

BY_ITSELF = "enabled by default"
"""Why a callback is active that asks for it in its metadata."""


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


def activities(catalogue: Catalogue, settings: Settings) -> list[Activity]:
    """Tell of every installed callback whether it is active; imports nothing.

    What the settings switch on by where it is (`package.module:Class`, or the path of a file) comes last.
    """
    chosen = catalogue.preferring({str(name): each.value for name, each in settings.prefer.items()}).records
    result = []
    for record in catalogue.records:
        kept = next((each for each in chosen if (each.name, each.origin) == (record.name, record.origin)), None)
        if kept is None:
            other = settings.prefer[CallbackName(record.name)]
            settled = replace(record, status=Status.OK, reason="") if record.status is Status.DUPLICATE else record
            result.append(Activity(settled, False, f"{other.where} prefers {other.value}"))
        else:
            result.append(_activity(CallbackName(record.name), kept, settings))
    for name in (name for name in settings.enabled() if name.is_place):
        with suppress(UnknownCallbackError):  # it is among the mistakes
            result.append(_activity(name, find_record(name, catalogue), settings))
    return result


def activity_of(name: CallbackName, catalogue: Catalogue, settings: Settings) -> Activity | None:
    """Tell of one callback whether it is active; of an instance, `name#2`, whether its kind is and it is not off.

    Returns:
        None: no callback of this name is installed.
    """
    name = name.absolute()
    kind = name.base
    preferred = catalogue.preferring({str(each): setting.value for each, setting in settings.prefer.items()})
    try:
        record = find_record(kind, preferred)
    except UnknownCallbackError:
        named = next((each for each in settings.switches if each.is_place and each.short == kind), None)
        return None if named is None else activity_of(named, catalogue, settings)
    found = _activity(kind, record, settings)
    off = settings.disabled(name)
    if found.active and off is not None and kind not in PINNED:
        return Activity(record, False, f"switched off by {off.where}")
    return found


def _activity(name: CallbackName, record: Record, settings: Settings) -> Activity:
    active, why = decide(name, record.autoload, settings)
    return Activity(record, active and record.status is Status.OK, why, len(settings.tables.get(name, (0,))))


def decide(name: CallbackName, autoload: bool, settings: Settings) -> tuple[bool, str]:
    """Decide whether a callback is active by its name.

    Args:
        name: The name, as the settings know it.
        autoload: Whether it asks to be enabled by default.
        settings: The settings.

    Returns:
        Whether it is, and why.
    """
    if name in PINNED:
        return True, "pinned"
    off = settings.disabled(name)
    if off is not None:
        return False, f"switched off by {off.where}"
    if name in settings.switches:
        return True, settings.switches[name].where
    if not autoload:
        return False, ""
    if settings.autoload.value:
        return True, BY_ITSELF
    return False, f"autoload is off, by {settings.autoload.where}"


def find_record(name: CallbackName, catalogue: Catalogue) -> Record:
    """Find a name, or take `package.module:Class`, or the path of a file, for what it names.

    Raises:
        UnknownCallbackError: It is not installed.
    """
    if name.is_file:
        from ..installed.file_record import file_record  # imports pluggy, which `epochal list` mostly does without

        return file_record(name)
    if name.is_place:
        if not VALUE.match(name):
            raise UnknownCallbackError(name, f"{name!r} is not of the form package.module:Class.")
        return place_record(name)
    try:
        return catalogue.find(name)
    except UnknownCallbackError as error:
        if name not in PINNED:
            if not Path(f"{name}.py").is_file():
                raise
            raise UnknownCallbackError(name, f"{error} The file {name}.py is named as './{name}.py'.") from None
        distribution = f"epochal-{name.replace('_', '-')}"
        raise UnknownCallbackError(
            name,
            f"the pinned callback {name!r}, which every run needs, is not installed. "
            f"Install it with `pip install {distribution}`.",
        ) from None


def mistakes(catalogue: Catalogue, settings: Settings) -> list[str]:
    """Tell what is wrong with the settings, as far as that is known without importing a callback."""
    problems = [*settings.problems, *unknown_preferences(catalogue, settings)]
    catalogue = catalogue.preferring({str(name): each.value for name, each in settings.prefer.items()})
    problems += clashes(catalogue, settings)
    for name, switch in settings.switches.items():
        if switch.value:
            try:
                find_record(name, catalogue).check()
            except CallbackError as error:
                problems.append(f"{switch.place}: {error}")
        elif name in PINNED:
            problems.append(not_switchable(name, switch.place))
    return list(dict.fromkeys(problems))


def misspelt_names(settings: Settings, known: Iterable[str]) -> Iterator[str]:
    """Tell of settings for a name that nobody has, where it looks like a misspelt one.

    They are no mistakes: the code may give a callback of such a name, in this run or in another one.

    Args:
        settings: The settings.
        known: The names that there are.
    """
    known = {*PINNED, *known}
    switched_off = {name: each for name, each in settings.switches.items() if not each.value}
    for table in (switched_off, settings.priority, settings.on_error, settings.before, settings.after):
        for name, each in table.items():
            kind = name.base
            meant = meant_name(kind, known)
            if meant:
                yield f"{each.place}: no callback has the name {kind!r}. Did you mean {meant!r}?"


def meant_name(name: str, known: Iterable[str]) -> str:
    """Return the known name that another one is a misspelling of, `EarlyStopping` included; empty: there is none."""
    names = {*known}
    if name in names:
        return ""
    if snake_case(name) in names:
        return snake_case(name)
    # A name that has a part more, `my_early_stopping`, is another one, and no misspelt one.
    alike = [other for other in names if abs(len(other) - len(name)) <= 2]
    return next(iter(get_close_matches(name, alike, n=1, cutoff=0.85)), "")


def unknown_preferences(catalogue: Catalogue, settings: Settings) -> Iterator[str]:
    """Give the mistakes of `prefer`: a distribution that does not bring the callback."""
    for name, each in settings.prefer.items():
        claims = [record for record in catalogue.records if record.name == name]
        if not any(record.is_of(each.value) for record in claims):
            there = ", ".join(record.distribution for record in claims)
            hint = nearest(each.value, [record.distribution for record in claims])
            what = f"There are: {there}." if claims else "No installed distribution brings one."
            yield f"{each.place}: no installed distribution {each.value!r} brings a callback {name!r}.{hint} {what}"


def clashes(catalogue: Catalogue, settings: Settings) -> Iterator[str]:
    """Give the mistakes of files whose callbacks have the name of another one that is active."""
    active: dict[str, Record] = {}
    autoloaded = [record.name for record in catalogue.autoloaded()]
    for name in map(CallbackName, dict.fromkeys([*PINNED, *autoloaded, *settings.enabled()])):
        try:
            found = activity_of(name, catalogue, settings)
        except UnknownCallbackError:
            continue
        if found is None or not found.active:
            continue
        other = active.setdefault(found.record.name, found.record)
        if other is not found.record and (other.value.is_file or found.record.value.is_file):
            yield (
                f"{settings.switches[name].place}: {other.origin} and {found.record.origin} would both be the callback "
                f"{other.name!r}. Give one of them another name."
            )


def not_switchable(name: str, place: str) -> str:
    """Give the mistake of switching a pinned callback off."""
    return f"{place}: {name!r} is pinned, in every run, and cannot be switched off."

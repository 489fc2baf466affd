"""What is wrong with the settings, as far as that is known without importing a callback."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from ..engine.ordering import PINNED
from ..errors import CallbackError, UnknownCallbackError, nearest
from ..settings.names import snake_case
from .activity import activity_of
from .choice import find_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..installed.discovery import Record
    from ..settings.layers import Settings
    from .choice import Choice


def mistakes(choice: Choice) -> list[str]:
    """Return what is wrong with the settings, each mistake as a sentence with its place."""
    problems = general_mistakes(choice)
    for name, switch in choice.settings.switches.items():
        if switch.value:
            try:
                find_record(name, choice.catalogue).check()
            except CallbackError as error:
                problems.append(f"{switch.place}: {error}")
        elif name in PINNED:
            problems.append(not_switchable(name, switch.place))
    return list(dict.fromkeys(problems))


def general_mistakes(choice: Choice) -> list[str]:
    """Return the mistakes that do not belong to one callback alone."""
    return [*choice.settings.problems, *_unknown_preferences(choice), *_clashes(choice)]


def _unknown_preferences(choice: Choice) -> Iterator[str]:
    """Yield the mistakes of `prefer`: a distribution that does not bring the callback."""
    for name, each in choice.settings.prefer.items():
        claims = [record for record in choice.installed.records if record.name == name]
        if not any(record.is_of(each.value) for record in claims):
            there = ", ".join(record.distribution for record in claims)
            hint = nearest(each.value, [record.distribution for record in claims])
            what = f"There are: {there}." if claims else "No installed distribution brings one."
            yield f"{each.place}: no installed distribution {each.value!r} brings a callback {name!r}.{hint} {what}"


def _clashes(choice: Choice) -> Iterator[str]:
    """Yield the mistakes of files whose callbacks have the name of another one that is active."""
    active: dict[str, Record] = {}
    for name in choice.names():
        try:
            found = activity_of(name, choice)
        except UnknownCallbackError:
            continue
        if found is None or not found.active:
            continue
        other = active.setdefault(found.record.name, found.record)
        if other is not found.record and (other.value.is_file or found.record.value.is_file):
            yield (
                f"{choice.settings.switches[name].place}: {other.origin} and {found.record.origin} would both be the "
                f"callback {other.name!r}. Give one of them another name."
            )


def not_switchable(name: str, place: str) -> str:
    """Return the mistake of switching a pinned callback off."""
    return f"{place}: {name!r} is pinned, in every run, and cannot be switched off."


def misspelt_names(settings: Settings, known: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each setting whose name nobody has, where it looks like a misspelt one.

    They are no mistakes: the code may give a callback of such a name, in this run or in another one.

    Args:
        settings: The settings.
        known: The names that there are.
    """
    known = {*PINNED, *known}
    switched_off = {name: each for name, each in settings.switches.items() if not each.value}
    for table in (switched_off, settings.priority, settings.on_error, settings.before, settings.after):
        for name, each in table.items():
            meant = meant_name(name.base, known)
            if meant:
                yield f"{each.place}: no callback has the name {name.base!r}. Did you mean {meant!r}?"


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

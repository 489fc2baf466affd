"""Which callbacks are active in a run, and the objects for them: decided from metadata, then imported and ordered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..engine.member import make_member
from ..engine.ordering import PINNED, order
from ..errors import CallbackError, UnknownCallbackError
from ..installed.discovery import discover
from ..settings.names import CallbackName
from ..settings.reading import load_settings
from ..warn import warn_user
from .adjustment import adjusted
from .choice import Choice, find_record
from .creation import Problems, Wanted, create_instances
from .given import read_given
from .mistakes import general_mistakes, misspelt_names, not_switchable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..engine.member import Member
    from ..installed.discovery import Catalogue, Record
    from ..settings.layers import Settings
    from .given import Given


def select(
    given: Any = None,
    catalogue: Catalogue | None = None,
    settings: Settings | None = None,
    stage: str | None = None,
) -> list[Member]:
    """Decide which callbacks are active and bring them into their order.

    Active are the pinned two, the installed ones that ask for it (`epochal.autoload`), what the settings switch on, and
    what is given, less what the settings switch off. A given object takes the place of a pinned or self-activating
    callback of its name or class, and of the settings' own of that name.

    Args:
        given: A callback, the name of an installed one, None, or a list of these, nested as may be.
        catalogue: The installed callbacks. None: they are read from the metadata.
        settings: The settings. None: they are read from the config file, the environment and the command line.
        stage: The stage that the run begins with. Somebody else's Keras callback that is active by its name, and has no
            event in such a run, is not created: to create one may print a bar, or begin a folder anew. None: it is not
            known, and all are created.

    Returns:
        The callbacks in order, each with its reason. The pinned two are imported and created before any other.

    Raises:
        ConfigError: The settings have mistakes; all of them are in the message.
        CallbackError: A callback cannot be used; see `epochal.errors` for the kinds.
        OrderError: `before` and `after` cannot all hold.
    """
    choice = Choice(
        discover() if catalogue is None else catalogue,
        load_settings() if settings is None else settings,
    )
    members = _create(given, choice, Problems(), stage)
    warn_of_misspelt_names(members, choice)
    return arrange(members)


def survey(choice: Choice) -> tuple[list[Member], list[str]]:
    """Create what a run without callbacks in its code begins with, as far as that can be done.

    Returns:
        The callbacks, not ordered yet, and everything that is wrong. Such a run fails if anything is.
    """
    problems = Problems(raises=False)
    return _create(None, choice, problems), problems.texts


def warn_of_misspelt_names(members: Iterable[Member], choice: Choice) -> None:
    """Warn of settings for a name that is neither installed nor in the run, and looks misspelt."""
    names = {CallbackName(member.name).base for member in members} | {
        record.name for record in choice.catalogue.records
    }
    for problem in misspelt_names(choice.settings, names):
        warn_user(problem)


def arrange(members: Iterable[Member]) -> list[Member]:
    """Bring callbacks into their order, each with the reason for its place."""
    by_name = {member.name: member for member in members}
    places = order(member.candidate() for member in by_name.values())
    return [replace(by_name[place.name], reason=place.reason, priority=place.priority) for place in places]


def _create(given: Any, choice: Choice, problems: Problems, stage: str | None = None) -> list[Member]:
    """Decide from metadata what is active, then import and create it; nothing is ordered yet."""
    asked, objects = read_given(given, choice)
    problems.add(*general_mistakes(choice))
    wanted = list(_wanted(asked, choice, problems))
    # An object for what every run has (a History, a progress bar) takes its place and its name, as Keras's fit has it.
    replacing = _replacing(wanted, objects)
    # Any other object is beside what is active by name, but for what the settings enable: the code's own of that name
    # has parameters that somebody chose for this very fit.
    added = [item for item in objects if item not in replacing.values()]
    overruled = {*(record.name for record in replacing), *(item.name for item in added if item.name not in PINNED)}
    left = [each for each in wanted if not _is_overruled(each, overruled) and each.record not in replacing]
    # What cannot be imported is known from metadata: said before anything else of the run takes time or has effects.
    usable = [each for each in left if _is_usable(each, problems)]
    # From here on things are imported, also where there are mistakes: what is wrong with parameters is told with them.
    members = _created(usable, choice, problems, stage)
    problems.settle()
    for record, item in replacing.items():
        members[record.name] = make_member(record.name, item.callback, record, item.position)
    for item in added:
        name = item.name.unique(members)
        members[name] = make_member(name, item.callback, choice.catalogue.record_of(item.callback), item.position)
    return [adjusted(member, choice.settings) for member in members.values()]


def _wanted(asked: Mapping[CallbackName, int], choice: Choice, problems: Problems) -> Iterator[Wanted]:
    """Yield what is active by name: pinned first, then what asks for it, the settings' and the code's."""
    settings, autoloaded = choice.settings, {record.name for record in choice.catalogue.autoloaded()}
    for name in choice.names(asked):
        switch, off = settings.switches.get(name), settings.disabled(name)
        if off is not None and name in PINNED:
            problems.add(not_switchable(name, off.place))
        elif off is not None and name in asked:
            # `disable` wins over the code too: it is how somebody runs a script without touching it.
            warn_user(f"the callback {name!r} that the code asks for is left out: {off.place} switches it off.")
        active, why = choice.decide(name, name in autoloaded)
        if not active and (name not in asked or off is not None):
            continue
        place = switch.place if switch is not None else ""
        try:
            record = find_record(name, choice.catalogue)
        except UnknownCallbackError as error:
            problems.take(error, place)
            continue
        layer = "code" if name in asked else switch.layer if switch is not None else "default"
        why = "asked for in code" if name in asked else why
        yield Wanted(name, record, why, asked.get(name), place, layer, settings.tables.get(name, ()))


def _replacing(wanted: Iterable[Wanted], objects: Sequence[Given]) -> dict[Record, Given]:
    """Return the given objects that take the place of a pinned or self-activating callback."""
    replacing: dict[Record, Given] = {}
    for record in (each.record for each in wanted if each.record.name in PINNED or each.record.autoload):
        free = (item for item in objects if item not in replacing.values())
        item = next((item for item in free if _replaces(item, record)), None)
        if item is not None:
            replacing[record] = item
    return replacing


def _replaces(item: Given, record: Record) -> bool:
    """Return whether a given object stands for an installed callback.

    For a pinned one that is an instance of its class only: others may have a class of the same name (Keras's own
    History) and are callbacks like any other.
    """
    kind = record.loaded()  # what is not imported yet has no instances
    is_instance = isinstance(kind, type) and isinstance(item.callback, kind)
    return is_instance or (record.name not in PINNED and item.name == record.name)


def _is_overruled(wanted: Wanted, overruled: set[CallbackName]) -> bool:
    """Return whether the code gives an object in the place of what the settings switch on, which is said.

    What the code asks for by name stays beside the object: both were meant.
    """
    if wanted.record.name not in overruled or not wanted.place or wanted.position is not None:
        return False
    warn_user(f"the code gives its own {wanted.record.name!r}, so {wanted.parameters_place} is not used.")
    return True


def _is_usable(wanted: Wanted, problems: Problems) -> bool:
    try:
        wanted.record.check()
    except CallbackError as error:
        problems.take(error, wanted.place)
        return False
    return True


def _created(
    wanted: Iterable[Wanted], choice: Choice, problems: Problems, stage: str | None
) -> dict[CallbackName, Member]:
    """Create what is active by name; what has the name of another one by its place gets a number."""
    members: dict[CallbackName, Member] = {}
    for each in wanted:
        for title, instance, activated in create_instances(each, choice.settings, problems, stage):
            name = title if title not in members else each.record.name.unique(members)
            try:
                members[name] = make_member(name, instance, each.record, each.position, activated)
            except CallbackError as error:
                problems.take(error, "")
    return members

"""Which callbacks are active in a run, and the objects for them: decided from metadata, then imported and ordered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from ..engine.implementation import may_be_called
from ..engine.member import make_member
from ..engine.ordering import PINNED, order
from ..errors import (
    CallbackError,
    CallbackImportError,
    ConfigError,
    InvalidCallbackError,
    UnknownCallbackError,
    one_line,
)
from ..inspection.identity import default_name
from ..installed.discovery import discover
from ..settings.layers import Settings
from ..settings.names import CallbackName
from ..settings.parameters import assignments, make_arguments
from ..settings.reading import load_settings
from ..warn import warn_user
from .activity import clashes, decide, find_record, misspelt_names, not_switchable, unknown_preferences
from .adjustment import adjusted, switched_off

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..engine.member import Member
    from ..installed.discovery import Catalogue, Record
    from ..settings.layers import Table


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
    settings = load_settings() if settings is None else settings
    catalogue = discover() if catalogue is None else catalogue
    members = create(given, catalogue, settings, stage)
    warn_of_misspelt_names(members, catalogue, settings)
    return arrange(members)


def warn_of_misspelt_names(members: Iterable[Member], catalogue: Catalogue, settings: Settings) -> None:
    """Warn of settings for a name that is neither installed nor in the run, and looks misspelt."""
    names = {CallbackName(member.name).base for member in members} | {record.name for record in catalogue.records}
    for problem in misspelt_names(settings, names):
        warn_user(problem)


def arrange(members: Iterable[Member]) -> list[Member]:
    """Bring callbacks into their order, each with the reason for its place."""
    by_name = {member.name: member for member in members}
    places = order(member.candidate() for member in by_name.values())
    return [replace(by_name[place.name], reason=place.reason, priority=place.priority) for place in places]


@dataclass(frozen=True)
class _Wanted:
    """A callback that is to be active by its name.

    Attributes:
        name: The name that the settings or the code know it by.
        record: Where it is installed.
        activated: Why it is active.
        position: Its position in the code; None: it is not named there.
        place: Where the settings switch it on, so that what is wrong with it is a mistake of theirs; empty: nowhere.
        layer: The source that switches it on: that of the setting, "code", or "default".
        tables: The parameters of its instances; without any there is one with its defaults.
    """

    name: CallbackName
    record: Record
    activated: str
    position: int | None
    place: str
    layer: str
    tables: tuple[Table, ...]


def create(
    given: Any,
    catalogue: Catalogue,
    settings: Settings = Settings(),  # noqa: B008  # frozen
    stage: str | None = None,
) -> list[Member]:
    """Import and create the active callbacks; they are not ordered yet."""
    return _create(given, catalogue, settings, _Problems(), stage)


def survey(catalogue: Catalogue, settings: Settings) -> tuple[list[Member], list[str]]:
    """Create what a run without callbacks in its code begins with, as far as that can be done.

    Returns:
        The callbacks, not ordered yet, and everything that is wrong. Such a run fails if anything is.
    """
    problems = _Problems(raises=False)
    return _create(None, catalogue, settings, problems), problems.texts


class _Problems:
    """What is wrong. The mistakes of the settings are gathered, to be told all at once; anything else is raised.

    Args:
        raises: False: nothing is raised, all is gathered.
    """

    def __init__(self, raises: bool = True) -> None:
        self._raises = raises
        self.texts: list[str] = []

    def add(self, *texts: str) -> None:
        self.texts += [text for text in texts if text not in self.texts]

    def take(self, error: CallbackError, place: str) -> None:
        """Gather an error that the settings cause at a place, or that is not the first; another is raised.

        It is handled where this is called.
        """
        if place:
            self.add(f"{place}: {error}")
        elif self._raises and not self.texts:
            raise error
        else:
            self.add(str(error))

    def settle(self) -> None:
        """Raise what has been gathered."""
        if self._raises and self.texts:
            raise ConfigError(self.texts)


def _create(
    given: Any, catalogue: Catalogue, settings: Settings, problems: _Problems, stage: str | None = None
) -> list[Member]:
    items = without_repeats(CallbackName(item).absolute() if isinstance(item, str) else item for item in _flat(given))
    _check_objects(items)
    problems.add(*settings.problems, *unknown_preferences(catalogue, settings))
    objects = list(_kept_objects(items, catalogue, settings))
    catalogue = catalogue.preferring({str(name): each.value for name, each in settings.prefer.items()})
    problems.add(*clashes(catalogue, settings))
    wanted = list(_wanted(items, catalogue, settings, problems))
    replaced = {each.record.name: _take_replacement(objects, each.record, catalogue) for each in wanted}
    given = {name for name, item in replaced.items() if item is not None}
    given |= {_name_of(item, catalogue) for _, item in objects} - {*PINNED}
    wanted = [each for each in wanted if not _is_given(each, given) or replaced[each.record.name] is not None]
    wanted = [each for each in wanted if replaced[each.record.name] is not None or _is_usable(each, problems)]
    # From here on things are imported, also where there are mistakes: what is wrong with parameters is told with them.
    members: dict[str, Member] = {}
    for each in wanted:
        replacement = replaced[each.record.name]
        if replacement is None:
            for title, instance, activated in _instances(each, settings, problems, stage):
                name = title if title not in members else CallbackName(each.record.name).unique(members)
                try:
                    members[name] = make_member(name, instance, each.record, each.position, activated)
                except CallbackError as error:
                    problems.take(error, "")
        else:
            position, item = replacement
            members[each.record.name] = make_member(each.record.name, item, each.record, position)
    problems.settle()
    for position, item in objects:
        name = _name_of(item, catalogue).unique(members)
        members[name] = make_member(name, item, catalogue.record_of(item), position)
    return [adjusted(member, settings) for member in members.values()]


# What the code gives


def _flat(given: Any) -> Iterator[Any]:
    if given is None:
        return
    if isinstance(given, (list, tuple, dict)):
        for item in given.values() if isinstance(given, dict) else given:
            yield from _flat(item)
    else:
        yield given


def without_repeats(items: Iterable[Any]) -> list[Any]:
    """Return callbacks and names, each once, in its first place; what comes again is warned of.

    Keras calls an object as often as it is in the list: EarlyStopping would count every epoch twice.
    """
    kept: list[Any] = []
    repeated: dict[str, None] = {}
    for item in items:
        is_name = isinstance(item, str)
        if any(item is other or (is_name and isinstance(other, str) and item == other) for other in kept):
            repeated[repr(item) if is_name else f"the same {type(item).__qualname__} object"] = None
        else:
            kept.append(item)
    if repeated:
        is_passed, runs = ("is passed", "runs") if len(repeated) == 1 else ("are passed", "each runs")
        warn_user(f"{' and '.join(repeated)} {is_passed} more than once, and {runs} once. Pass it once.")
    return kept


def _check_objects(items: list[Any]) -> None:
    for item in items:
        if isinstance(item, type):
            raise InvalidCallbackError(
                item.__name__,
                f"{item.__qualname__} is a class, and a callback is an instance of it. Write `{item.__qualname__}()`.",
            )


def _kept_objects(items: list[Any], catalogue: Catalogue, settings: Settings) -> Iterator[tuple[int, Any]]:
    """Give the objects with their positions, less those that the settings switch off, which is said."""
    taken: set[str] = set()
    for position, item in enumerate(items):
        if isinstance(item, str):
            continue
        name = _name_of(item, catalogue).unique(taken)
        taken.add(name)
        off = switched_off(name, item, settings) if name.base not in PINNED else None
        if off is None:
            yield position, item
        else:
            warn_user(f"the callback {name!r} that the code gives is left out: {off.place} switches it off.")


def _name_of(item: Any, catalogue: Catalogue) -> CallbackName:
    """Return the name of the installed callback of its class, or of a class of that name (Keras's), else its own."""
    own = catalogue.record_of(item)
    return CallbackName(own.name if own is not None else catalogue.name_like(default_name(item), type(item).__name__))


# What is active by its name


def _wanted(items: list[Any], catalogue: Catalogue, settings: Settings, problems: _Problems) -> Iterator[_Wanted]:
    """Give what is active by name: pinned first, then what asks for it, the settings' and the code's."""
    asked = {item: position for position, item in enumerate(items) if isinstance(item, str)}
    autoloaded = [record.name for record in catalogue.autoloaded()]
    for name in map(CallbackName, dict.fromkeys([*PINNED, *autoloaded, *settings.enabled(), *asked])):
        try:
            found: Record | UnknownCallbackError = find_record(name, catalogue)
        except UnknownCallbackError as error:
            found = error
        active, why = decide(name, name in autoloaded, settings)
        switch = settings.switches.get(name)
        off = settings.disabled(name)
        if off is not None and name in PINNED:
            problems.add(not_switchable(name, off.place))
        elif off is not None and name in asked:
            warn_user(f"the callback {name!r} that the code asks for is left out: {off.place} switches it off.")
        if not (active or (name in asked and off is None)):
            continue
        place = switch.place if switch is not None else ""
        if isinstance(found, UnknownCallbackError):
            problems.take(found, place)
            continue
        activated = "asked for in code" if name in asked else why
        layer = "code" if name in asked else switch.layer if switch is not None else "default"
        yield _Wanted(name, found, activated, asked.get(name), place, layer, settings.tables.get(name, ()))


def _take_replacement(objects: list[tuple[int, Any]], record: Record, catalogue: Catalogue) -> tuple[int, Any] | None:
    """Take out the given object that replaces a pinned or self-activating callback, if there is one.

    A pinned callback is replaced by an instance of its class only: others may have a class of the same name (Keras's
    own History) and are callbacks like any other.
    """
    if record.name not in PINNED and not record.autoload:
        return None
    # What is not imported yet has no instances.
    kind = record.loaded()
    for entry in objects:
        is_instance = isinstance(kind, type) and isinstance(entry[1], kind)
        if is_instance or (record.name not in PINNED and _name_of(entry[1], catalogue) == record.name):
            objects.remove(entry)
            return entry
    return None


def _is_given(wanted: _Wanted, given: set[str]) -> bool:
    """Tell whether the code gives an object in the place of what the settings switch on, which is said."""
    if wanted.record.name not in given or not wanted.place or wanted.position is not None:
        return False
    what = wanted.tables[0].place if wanted.tables else wanted.place
    warn_user(f"the code gives its own {wanted.record.name!r}, so {what} is not used.")
    return True


def _is_usable(wanted: _Wanted, problems: _Problems) -> bool:
    try:
        wanted.record.check()
    except CallbackError as error:
        problems.take(error, wanted.place)
        return False
    return True


def _instances(
    wanted: _Wanted, settings: Settings, problems: _Problems, stage: str | None
) -> Iterator[tuple[str, Any, str]]:
    """Create a callback, once for each of its tables; an instance may be switched off by its own name, `name#2`.

    Returns:
        The name of each instance, the instance, and why it is active.
    """
    name = CallbackName(wanted.record.name)
    try:
        kind = wanted.record.load()
        if not may_be_called(kind, stage):
            return
        if not wanted.tables:
            yield name, _instance(kind, wanted), wanted.activated
    except CallbackError as error:
        problems.take(error, wanted.tables[0].place if wanted.tables else wanted.place)
        return
    for number, table in enumerate(wanted.tables, 1):
        own = name.instance(number)
        why = wanted.activated if number == 1 else table.where
        if number > 1 and any(settings.disabled(each.instance(number)) for each in (name, wanted.name)):
            continue
        if not callable(kind):
            if table.parameters:
                problems.add(f"{table.place}: {name!r} is not a class, and has no parameters.")
            yield own, kind, why
            continue
        arguments, wrong = make_arguments(kind, table, partial(_remedy, wanted.record, table.layer, own=own))
        problems.add(*wrong)
        if wrong:
            continue
        try:
            yield own, kind(**arguments), why
        except (Exception, SystemExit) as error:
            problems.add(f"{table.place}: creating {name!r} failed: {one_line(error)}")


def _remedy(record: Record, layer: str, needed: Sequence[str], *, own: str = "") -> str:
    """Return the sentence that names the shortest way to give missing parameters to what a layer switches on."""
    address = record.address + own.removeprefix(record.name)
    if layer == "command line":
        return f"Add `{' '.join(f'--set {address}.{each}=…' for each in needed)}`."
    return assignments(f"epochal enable {address}", needed)


def _instance(found: Any, wanted: _Wanted) -> Any:
    """Create a callback that is active by its name, with its defaults."""
    record = wanted.record
    if not isinstance(found, type):
        return found
    needed = _needed_parameters(found)
    if needed:
        how = _remedy(record, wanted.layer, needed)
        if wanted.layer == "code":
            call = f"{found.__name__}({', '.join(f'{each}=…' for each in needed)})"
            how = f"Give it as an object: `from {record.module} import {found.__name__}`, then `{call}`. Or {how}"
        raise CallbackImportError(
            record.name, f"the callback {record.name!r} of {record.origin} needs {', '.join(needed)}. {how}"
        )
    try:
        return found()
    except (Exception, SystemExit) as error:
        raise CallbackImportError(
            record.name,
            f"creating the callback {record.name!r} of {record.origin} failed: {one_line(error)}",
        ) from error


def _needed_parameters(kind: type) -> list[str]:
    try:
        parameters = signature(kind).parameters.values()
    except (TypeError, ValueError):  # nothing to read; creating it will tell
        return []
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is Parameter.empty
        and parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]

"""Which callbacks are active in a run, and the objects for them: decided from metadata, then imported and ordered."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from .config import load_settings
from .discovery import Record, discover
from .errors import (
    CallbackError,
    CallbackImportError,
    ConfigError,
    InvalidCallbackError,
    UnknownCallbackError,
    nearest,
    one_line,
)
from .member import default_name, make_member, snake_case
from .ordering import PINNED, base_name, order, unique_name
from .parameters import make_arguments
from .settings import Settings, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .discovery import Catalogue
    from .member import Member


def select(given: Any = None, catalogue: Catalogue | None = None, settings: Settings | None = None) -> list[Member]:
    """Decide which callbacks are active and bring them into their order.

    Active are the pinned two, the installed ones that ask for it (`epochal.autoload`), what the settings switch on, and
    what is given, less what the settings switch off. A given object takes the place of a pinned or self-activating
    callback of its name or class, and of the settings' own of that name.

    Args:
        given: A callback, the name of an installed one, None, or a list of these, nested as may be.
        catalogue: The installed callbacks. None: they are read from the metadata.
        settings: The settings. None: they are read from the config file, the environment and the command line.

    Returns:
        The callbacks in order, each with its reason. The pinned two are imported and created before any other.

    Raises:
        ConfigError: The settings have mistakes; all of them are in the message.
        CallbackError: A callback cannot be used; see `epochal.errors` for the kinds.
        OrderError: `before` and `after` cannot all hold.
    """
    settings = load_settings() if settings is None else settings
    catalogue = discover() if catalogue is None else catalogue
    return arrange(create(given, catalogue, settings))


def arrange(members: Iterable[Member]) -> list[Member]:
    """Bring callbacks into their order, each with the reason for its place."""
    by_name = {member.name: member for member in members}
    places = order(member.candidate() for member in by_name.values())
    return [replace(by_name[place.name], reason=place.reason) for place in places]


@dataclass(frozen=True)
class _Wanted:
    """A callback that is to be active by its name.

    Attributes:
        record: Where it is installed.
        activated: Why it is active.
        position: Its position in the code; None: it is not named there.
        from_settings: Whether the settings switch it on, so that what is wrong with it is a mistake of theirs.
        tables: The parameters of its instances; without any there is one with its defaults.
    """

    record: Record
    activated: str
    position: int | None
    from_settings: bool
    tables: tuple[Table, ...]


def create(given: Any, catalogue: Catalogue, settings: Settings = Settings()) -> list[Member]:  # noqa: B008  # frozen
    """Import and create the active callbacks; they are not ordered yet."""
    items = list(_flat(given))
    _check_objects(items)
    problems = list(settings.problems)
    objects = list(_kept_objects(items, catalogue, settings))
    catalogue = catalogue.preferring({name: each.value for name, each in settings.prefer.items()})
    problems += _unknown_preferences(catalogue, settings)
    wanted = list(_wanted(items, catalogue, settings, problems))
    replaced = {each.record.name: _take_replacement(objects, each.record) for each in wanted}
    wanted = list(_without_given(wanted, objects, catalogue, settings))
    for each in wanted:
        if replaced[each.record.name] is None:
            _check_record(each, problems)
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    # From here on things are imported.
    members: dict[str, Member] = {}
    for each in wanted:
        replacement = replaced[each.record.name]
        if replacement is None:
            for instance in _instances(each, problems):
                name = unique_name(each.record.name, members)
                members[name] = make_member(name, instance, each.record, each.position, each.activated)
        else:
            position, item = replacement
            members[each.record.name] = make_member(each.record.name, item, each.record, position)
    if problems:
        raise ConfigError(problems)
    for position, item in objects:
        own = catalogue.record_of(item)
        name = unique_name(own.name if own is not None else default_name(item), members)
        members[name] = make_member(name, item, own, position)
    return [_adjusted(member, settings) for member in members.values()]


# What the code gives


def _flat(given: Any) -> Iterator[Any]:
    if given is None:
        return
    if isinstance(given, (list, tuple)):
        for item in given:
            yield from _flat(item)
    else:
        yield given


def _check_objects(items: list[Any]) -> None:
    seen: dict[int, Any] = {}
    for item in items:
        if isinstance(item, str):
            if sum(other == item for other in items if isinstance(other, str)) > 1:
                raise InvalidCallbackError(item, f"the name {item!r} is given twice. Give it once.")
            continue
        if isinstance(item, type):
            raise InvalidCallbackError(
                item.__name__,
                f"{item.__qualname__} is a class, and a callback is an instance of it. Write `{item.__qualname__}()`.",
            )
        if id(item) in seen:
            raise InvalidCallbackError(
                default_name(item), f"the same {type(item).__qualname__} object is given twice. Give it once."
            )
        seen[id(item)] = item


def _kept_objects(items: list[Any], catalogue: Catalogue, settings: Settings) -> Iterator[tuple[int, Any]]:
    """Give the objects with their positions, less those that the settings switch off, which is said."""
    taken: set[str] = set()
    for position, item in enumerate(items):
        if isinstance(item, str):
            continue
        name = unique_name(_name_of(item, catalogue), taken)
        taken.add(name)
        off = settings.disabled(name) if base_name(name) not in PINNED else None
        if off is None:
            yield position, item
        else:
            _say(f"the callback {name!r} that the code gives is left out: {off.place} switches it off.")


def _name_of(item: Any, catalogue: Catalogue) -> str:
    own = catalogue.record_of(item)
    return own.name if own is not None else default_name(item)


def _say(message: str) -> None:
    warnings.warn(message, stacklevel=2)


# What is active by its name


def _wanted(items: list[Any], catalogue: Catalogue, settings: Settings, problems: list[str]) -> Iterator[_Wanted]:
    """Give what is active by name: pinned first, then what asks for it, the settings' and the code's."""
    asked = {item: position for position, item in enumerate(items) if isinstance(item, str)}
    autoloaded = [record.name for record in catalogue.autoloaded()] if settings.autoload.value else []
    for name in dict.fromkeys([*PINNED, *autoloaded, *settings.enabled(), *asked]):
        off = settings.disabled(name)
        if off is not None and name in PINNED:
            problems.append(f"{off.place}: {name!r} is pinned, in every run, and cannot be switched off.")
        elif off is not None:
            if name in asked:
                _say(f"the callback {name!r} that the code asks for is left out: {off.place} switches it off.")
            continue
        switch = settings.switches.get(name)
        from_settings = switch is not None and switch.value
        try:
            record = _record(name, catalogue)
        except UnknownCallbackError as error:
            if switch is None or not from_settings:
                raise
            problems.append(f"{switch.place}: {error}")
            continue
        activated = "pinned" if name in PINNED else "active by itself"
        if name in asked:
            activated = "asked for in code"
        elif switch is not None and from_settings:
            activated = switch.place
        yield _Wanted(record, activated, asked.get(name), from_settings, settings.tables.get(name, ()))


def _record(name: str, catalogue: Catalogue) -> Record:
    """Find a name, or take `package.module:Class` for what it names."""
    if ":" in name:
        module = name.partition(":")[0]
        return Record(snake_case(name.rpartition(":")[2].rpartition(".")[2]), name, f"module {module}", "")
    try:
        return catalogue.find(name)
    except UnknownCallbackError:
        if name not in PINNED:
            raise
        distribution = f"epochal-{name.replace('_', '-')}"
        raise UnknownCallbackError(
            name,
            f"the pinned callback {name!r}, which every run needs, is not installed. "
            f"Install it with `pip install {distribution}`.",
        ) from None


def _take_replacement(objects: list[tuple[int, Any]], record: Record) -> tuple[int, Any] | None:
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
        if is_instance or (record.name not in PINNED and default_name(entry[1]) == record.name):
            objects.remove(entry)
            return entry
    return None


def _without_given(
    wanted: list[_Wanted], objects: list[tuple[int, Any]], catalogue: Catalogue, settings: Settings
) -> Iterator[_Wanted]:
    """Leave out what the settings switch on where the code gives an object of that name, which is said."""
    given = {_name_of(item, catalogue) for _, item in objects}
    for each in wanted:
        if each.record.name in given and each.from_settings and each.position is None:
            what = settings.tables[each.record.name][0].place if each.tables else each.activated
            _say(f"the code gives its own {each.record.name!r}, so {what} is not used.")
        else:
            yield each


def _check_record(wanted: _Wanted, problems: list[str]) -> None:
    try:
        wanted.record.check()
    except CallbackError as error:
        if not wanted.from_settings:
            raise
        problems.append(f"{wanted.activated}: {error}")


def _unknown_preferences(catalogue: Catalogue, settings: Settings) -> Iterator[str]:
    for name, each in settings.prefer.items():
        claims = [record for record in catalogue.records if record.name == name]
        if not any(record.is_of(each.value) for record in claims):
            there = ", ".join(record.distribution for record in claims)
            hint = nearest(each.value, [record.distribution for record in claims])
            what = f"There are: {there}." if claims else "Nobody brings one."
            yield f"{each.place}: no installed distribution {each.value!r} brings a callback {name!r}.{hint} {what}"


def _instances(wanted: _Wanted, problems: list[str]) -> Iterator[Any]:
    """Create a callback, once for each of its tables."""
    if not wanted.tables:
        try:
            yield _instance(wanted.record)
        except CallbackError as error:
            if not wanted.from_settings:
                raise
            problems.append(f"{wanted.activated}: {error}")
        return
    for table in wanted.tables:
        try:
            kind = wanted.record.load()
        except CallbackError as error:
            problems.append(f"{table.place}: {error}")
            return
        if not callable(kind):
            if table.parameters:
                problems.append(f"{table.place}: {wanted.record.name!r} is no class, and has no parameters.")
            yield kind
            continue
        arguments, wrong = make_arguments(kind, table)
        problems += wrong
        if wrong:
            continue
        try:
            yield kind(**arguments)
        except Exception as error:
            problems.append(f"{table.place}: creating {wanted.record.name!r} failed: {one_line(error)}")


def _instance(record: Record) -> Any:
    """Create the callback that a record names, with its defaults."""
    found = record.load()
    if not isinstance(found, type):
        return found
    needed = _needed_parameters(found)
    if needed:
        raise CallbackImportError(
            record.name,
            f"the callback {record.name!r} of {record.origin} needs {', '.join(needed)}. Give it as an object: "
            f"`from {record.module} import {found.__name__}`, then `{found.__name__}({needed[0]}=…)`; or write the "
            f"config's table [tool.epochal.callbacks.{record.name}] with `{needed[0]} = …`.",
        )
    try:
        return found()
    except Exception as error:
        raise CallbackImportError(
            record.name,
            f"creating the callback {record.name!r} of {record.origin} failed: {type(error).__name__}: {error}",
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


def _adjusted(member: Member, settings: Settings) -> Member:
    """Apply the settings' priority and failure policy, of the instance or else of all of its name."""
    for name in (base_name(member.name), member.name):
        priority, on_error = settings.priority.get(name), settings.on_error.get(name)
        if priority is not None:
            member = replace(member, priority=priority.value, priority_from=priority.place)
        if on_error is not None:
            member = replace(member, critical=on_error.value == "raise")
    return member

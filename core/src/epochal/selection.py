"""Which callbacks are active in a run, and the objects for them: decided from metadata, then imported and ordered."""

from __future__ import annotations

from dataclasses import replace
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from .discovery import discover
from .errors import CallbackImportError, InvalidCallbackError, UnknownCallbackError
from .member import default_name, make_member
from .ordering import PINNED, order, unique_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .discovery import Catalogue, Record
    from .member import Member


def select(given: Any = None, catalogue: Catalogue | None = None) -> list[Member]:
    """Decide which callbacks are active and bring them into their order.

    Active are the pinned two, the installed ones that ask for it (`epochal.autoload`), and what is given. A given
    object takes the place of a pinned or self-activating callback of its name or class.

    Args:
        given: A callback, the name of an installed one, None, or a list of these, nested as may be.
        catalogue: The installed callbacks. None: they are read from the metadata.

    Returns:
        The callbacks in order, each with its reason. The pinned two are imported and created before any other.

    Raises:
        CallbackError: A callback cannot be used; see `epochal.errors` for the kinds.
        OrderError: `before` and `after` cannot all hold.
    """
    catalogue = discover() if catalogue is None else catalogue
    return arrange(create(given, catalogue))


def arrange(members: Iterable[Member]) -> list[Member]:
    """Bring callbacks into their order, each with the reason for its place."""
    by_name = {member.name: member for member in members}
    places = order(member.candidate() for member in by_name.values())
    return [replace(by_name[place.name], reason=place.reason) for place in places]


def create(given: Any, catalogue: Catalogue) -> list[Member]:
    """Import and create the active callbacks; they are not ordered yet."""
    items = list(_flat(given))
    _check_objects(items)
    names = _active_names(items, catalogue)
    records = [_pinned_record(name, catalogue) if name in PINNED else catalogue.find(name) for name in names]
    objects = [(position, item) for position, item in enumerate(items) if not isinstance(item, str)]
    asked = {item: position for position, item in enumerate(items) if isinstance(item, str)}
    replaced = {record.name: _take_replacement(objects, record) for record in records}
    for record in records:
        if replaced[record.name] is None:
            record.check()
    # From here on things are imported.
    members: dict[str, Member] = {}
    for record in records:
        replacement = replaced[record.name]
        if replacement is None:
            members[record.name] = make_member(record.name, _instance(record), record, asked.get(record.name))
        else:
            position, item = replacement
            members[record.name] = make_member(record.name, item, record, position)
    for position, item in objects:
        own = catalogue.record_of(item)
        name = unique_name(own.name if own is not None else default_name(item), members)
        members[name] = make_member(name, item, own, position)
    return list(members.values())


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


def _active_names(items: list[Any], catalogue: Catalogue) -> list[str]:
    """Give the names that are active: pinned first, then those that ask for it, then those asked for."""
    asked = [item for item in items if isinstance(item, str)]
    return list(dict.fromkeys([*PINNED, *(record.name for record in catalogue.autoloaded()), *asked]))


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


def _pinned_record(name: str, catalogue: Catalogue) -> Record:
    try:
        return catalogue.find(name)
    except UnknownCallbackError:
        distribution = f"epochal-{name.replace('_', '-')}"
        raise UnknownCallbackError(
            name,
            f"the pinned callback {name!r}, which every run needs, is not installed. "
            f"Install it with `pip install {distribution}`.",
        ) from None


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
            f"`from {record.module} import {found.__name__}`, then `{found.__name__}({needed[0]}=…)`.",
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

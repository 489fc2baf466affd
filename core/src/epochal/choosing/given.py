"""What the code gives to a run: callback objects and names of installed callbacks, in a list nested as may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engine.ordering import PINNED
from ..errors import InvalidCallbackError
from ..settings.names import CallbackName
from ..warn import warn_user
from .adjustment import switched_off

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .choice import Choice


@dataclass(frozen=True, eq=False)
class Given:
    """A callback object that the code gives.

    Attributes:
        name: The name of its kind; another object may have the same one.
        callback: The object.
        position: Its position among all that the code gives.
    """

    name: CallbackName
    callback: Any
    position: int


def read_given(given: Any, choice: Choice) -> tuple[dict[CallbackName, int], list[Given]]:
    """Return the names that the code gives, each with its position, and the objects that the settings leave in."""
    items = without_repeats(CallbackName(item).absolute() if isinstance(item, str) else item for item in _flat(given))
    for item in items:
        if isinstance(item, type):
            raise InvalidCallbackError(
                item.__name__,
                f"{item.__qualname__} is a class, and a callback is an instance of it. Write `{item.__qualname__}()`.",
            )
    names = {item: position for position, item in enumerate(items) if isinstance(item, CallbackName)}
    objects = [
        Given(choice.name_of(item), item, place) for place, item in enumerate(items) if not isinstance(item, str)
    ]
    return names, list(_left_in(objects, choice))


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


def _left_in(objects: Iterable[Given], choice: Choice) -> Iterator[Given]:
    """Yield the objects without those that the settings switch off, which is said."""
    taken: set[str] = set()
    for item in objects:
        name = item.name.unique(taken)
        taken.add(name)
        off = switched_off(name, item.callback, choice.settings) if item.name not in PINNED else None
        if off is None:
            yield item
        else:
            warn_user(f"the callback {name!r} that the code gives is left out: {off.place} switches it off.")

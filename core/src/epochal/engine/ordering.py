"""The order of callbacks: one pure function that keeps its reasons."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..callback import Place, Priority
from ..errors import OrderError
from ..settings.names import CallbackName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PINNED = (CallbackName("base_logger"), CallbackName("history"))
"""Always loaded, always ahead of everything else, in this order."""


@dataclass(frozen=True)
class Candidate:
    """What the order of a callback depends on, and nothing else.

    Attributes:
        name: Its unique name; the second callback of a name is `name#2`.
        priority: Lower runs earlier. None: it declares none, so that its place in the list counts.
        before: Names that it runs before. A name without `#` stands for every callback of that name. A name that is
            not among the callbacks does not matter.
        after: Names that it runs after, likewise.
        position: Its position among the callbacks given in code, counted from 0. None: it was switched on by name.
        priority_from: Where its priority is set, if that is not the callback itself; for the reason alone.
        before_from, after_from: Likewise of `before` and `after`.
    """

    name: str
    priority: int | None = Priority.CONTROL
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    position: int | None = None
    priority_from: str = ""
    before_from: str = ""
    after_from: str = ""


def order(candidates: Iterable[Candidate]) -> list[Place]:
    """Put callbacks into the one order in which all of their events are called.

    The contract:

    1. `base_logger` and then `history` are first, whatever their priority.
    2. A callback comes after everything that is to run before it: its own `after`, and the `before` of others.
    3. Of those that may come next, the lowest priority is next. Equal priorities: first those given in code, in the
       order in which they were given, then the others by name.
    4. A callback that declares no priority has the default, 50, or the lowest that a callback behind it in the list
       declares, if that is less. The pinned two do not count as callbacks behind it.

    It follows that:

    1. The order does not depend on the order in which callbacks were installed or discovered.
    2. An edge delays the callback that has to wait. It never hurries the one that is waited for.
    3. A priority never breaks an edge, and an edge changes nothing for callbacks that it does not name, except that
       those with a priority between the two now run ahead of the one that waits.
    4. A callback that declares no priority runs ahead of every callback behind it in the list, unless it has to wait
       for another one. Callbacks that all declare nothing run in the order of the list.
    5. A declared priority is never changed by the list. A callback that declares none is never later than its default
       would have it, and what stands ahead of it in the list does not move it.
    6. Adding a callback that has no edges, and that no edge names, leaves the order of the others as it was, unless it
       declares a priority of less than 50 and callbacks ahead of it in the list declare none: those may move up.

    A worked example. `ema` (priority 10, after `plateau`) and `stop` (50) are switched on, and the code gives the list
    `[f1, plateau]`, of which `f1` declares no priority and `plateau` declares 30:

    * `base_logger`, `history` are pinned.
    * `f1` is listed before `plateau`, so its priority is 30 as well.
    * `ema` has the lowest priority and has to wait for `plateau`. Of the others `f1` and `plateau` have the lowest, and
      `f1` was given first: it is third, and `plateau` is fourth.
    * Now `ema` may come, and 10 is less than 50: it is fifth, although its priority alone would have made it third.
    * `stop` is last.

    Args:
        candidates: The callbacks, each name once, in any order.

    Returns:
        Every callback once, in order, with its reason.

    Raises:
        OrderError: `before` and `after` form a cycle, or something is to run before a pinned callback.
    """
    by_name = {candidate.name: candidate for candidate in candidates}
    _check_pinned(by_name)
    pinned = [name for name in PINNED if name in by_name]
    ordinals = dict(zip(PINNED, ("first", "second"), strict=True))
    places = [Place(name, f"pinned: always loaded {ordinals[name]}", _declared(by_name[name])) for name in pinned]
    rest = [each for each in by_name.values() if each.name not in pinned]
    listed = _listed_before(rest)
    settled = [replace(each, priority=_declared(listed.get(each.name, each))) for each in rest]
    phrases = {name: f", listed before {other.name}" for name, other in listed.items()}
    return places + _sorted(sorted(settled, key=_key), phrases)


def _check_pinned(by_name: dict[str, Candidate]) -> None:
    """Refuse every edge that would put something ahead of a pinned callback."""
    for candidate in by_name.values():
        rank = PINNED.index(candidate.name) if candidate.name in PINNED else len(PINNED)
        for target in candidate.before:
            if target in PINNED[: rank + 1]:
                raise OrderError(
                    (candidate.name, target),
                    f"{candidate.name!r} is to run before {target!r}, and nothing runs before the pinned callbacks "
                    f"({', '.join(PINNED)}). Remove {target!r} from its `before`{_set_in(candidate.before_from)}.",
                )
        for target in candidate.after if rank < len(PINNED) else ():
            if target not in PINNED[:rank] and _matching(target, by_name, candidate.name):
                raise OrderError(
                    (candidate.name, target),
                    f"the pinned callback {candidate.name!r} is to run after {target!r}, and the pinned callbacks "
                    f"are always ahead of everything else. Remove {target!r} from its "
                    f"`after`{_set_in(candidate.after_from)}.",
                )


def _set_in(place: str) -> str:
    return f", set in {place}" if place else ""


def _matching(target: str, names: Iterable[str], own: str) -> list[str]:
    """Return the names that an edge's target stands for: one instance, or all others of a name."""
    if "#" in target:
        return [name for name in names if name == target]
    return [name for name in names if CallbackName(name).base == target != CallbackName(own).base]


def _declared(candidate: Candidate) -> int:
    return Priority.CONTROL if candidate.priority is None else candidate.priority


def _listed_before(candidates: Iterable[Candidate]) -> dict[str, Candidate]:
    """Return those without a priority of their own that the list moves up, each with the callback that it precedes."""
    given = [candidate for candidate in candidates if candidate.position is not None]
    declaring = [candidate for candidate in given if candidate.priority is not None]
    moved = {}
    for candidate in given:
        if candidate.priority is None:
            behind = [other for other in declaring if _position(other) > _position(candidate)]
            lowest = min(behind, key=_key, default=candidate)
            if _declared(lowest) < _declared(candidate):
                moved[candidate.name] = lowest
    return moved


def _position(candidate: Candidate) -> float:
    return float("inf") if candidate.position is None else candidate.position


def _key(candidate: Candidate) -> tuple[int, float, str]:
    return _declared(candidate), _position(candidate), candidate.name


def _waits_for(candidates: Sequence[Candidate]) -> dict[str, dict[str, str]]:
    """Give, for every name, the names it waits for, each with the reason as a phrase."""
    names = [candidate.name for candidate in candidates]
    waits: dict[str, dict[str, str]] = {name: {} for name in names}
    for candidate in candidates:
        for target in candidate.after:
            for name in _matching(target, names, candidate.name):
                waits[candidate.name].setdefault(name, f"runs after {name}{_set_in(candidate.after_from)}")
        for target in candidate.before:
            for name in _matching(target, names, candidate.name):
                reason = f"{candidate.name} runs before it{_set_in(candidate.before_from)}"
                waits[name].setdefault(candidate.name, reason)
    return waits


def _sorted(candidates: Sequence[Candidate], listed: Mapping[str, str]) -> list[Place]:
    """Sort topologically, always taking the smallest key that is ready."""
    waits = _waits_for(candidates)
    by_name = {candidate.name: candidate for candidate in candidates}
    known = {*by_name, *PINNED}
    left = {name: set(others) for name, others in waits.items()}
    ready = [(_key(by_name[name]), name) for name, others in left.items() if not others]
    heapq.heapify(ready)
    places: list[Place] = []
    while ready:
        _, name = heapq.heappop(ready)
        reason = _reason(by_name[name], waits[name], by_name, listed.get(name, ""))
        reason += _without_effect(by_name[name], known)
        places.append(Place(name, reason, _declared(by_name[name])))
        del left[name]
        for other, others in left.items():
            if name in others:
                others.remove(name)
                if not others:
                    heapq.heappush(ready, (_key(by_name[other]), other))
    if left:
        raise _cycle(left)
    return places


def _reason(candidate: Candidate, waits: dict[str, str], by_name: dict[str, Candidate], listed: str) -> str:
    priority = _declared(candidate)
    try:
        role = f" ({Priority(priority).name})"
    except ValueError:
        role = ""
    reason = f"priority {int(priority)}{role}"
    reason += listed or _set_in(candidate.priority_from)
    if candidate.position is not None:
        reason += f", given in code as number {candidate.position + 1}"
    # Only what the priority alone would have put later has really delayed it.
    delayed_by = [phrase for name, phrase in waits.items() if _key(by_name[name]) > _key(candidate)]
    held_by = delayed_by or list(waits.values())
    return f"{reason}; {', '.join(held_by)}" if held_by else reason


def _without_effect(candidate: Candidate, known: set[str]) -> str:
    """Say which edges name callbacks that are not active, which may be a misspelt name."""
    missing = [name for name in (*candidate.before, *candidate.after) if not _matching(name, known, "")]
    return f"; not active: {', '.join(dict.fromkeys(missing))}" if missing else ""


def _cycle(left: dict[str, set[str]]) -> OrderError:
    """Walk from any callback that waits to one that it waits for, until one comes again."""
    name = min(left)
    walk: list[str] = []
    while name not in walk:
        walk.append(name)
        name = min(other for other in left[name] if other in left)
    cycle = walk[walk.index(name) :]
    # The walk went from the waiting to the waited for; the sentence goes the way the events would run.
    loop = " → ".join([*reversed(cycle), cycle[-1]])
    return OrderError(
        sorted(cycle),
        f"`before` and `after` form a cycle: {loop}, each running before the next. Remove one of these edges.",
    )

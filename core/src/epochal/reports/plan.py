"""What a run begun here would call, in which order, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..choosing.activity import activities
from ..choosing.choice import Choice
from ..choosing.selection import arrange, survey, warn_of_misspelt_names
from ..engine.dispatch import check_wrappers
from ..engine.implementation import implementations
from ..engine.manager import Manager
from ..engine.member import is_keras_callback
from ..engine.ordering import PINNED
from ..errors import EpochalError, OrderError
from ..hookspecs import EVENTS
from ..inspection.events import events_of
from ..run import Run
from ..settings.names import CallbackName
from ..settings.reading import config_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ..choosing.activity import Activity
    from ..engine.implementation import Implementation
    from ..engine.member import Member

_MOVES = {
    "wrapper": "encloses the others",
    "tryfirst": "ahead of the others",
    "trylast": "behind the others",
}


@dataclass(frozen=True)
class Step:
    """One callback's place in an event.

    Attributes:
        name: The callback's name.
        reason: Why it stands there.
        moved: What moves it in this event alone, which is part of the reason; mostly empty.
    """

    name: str
    reason: str
    moved: str = ""


@dataclass(frozen=True)
class Plan:
    """What a run would call.

    Attributes:
        members: The active callbacks, in their order.
        events: Event to its callbacks in the order of the calls; each event is there.
        left_out: The installed callbacks that would not take part, each with the reason.
        problems: What is wrong, each as a sentence; a run fails if anything is.
        file: The config file that counts; None: there is none.
    """

    members: tuple[Member, ...]
    events: Mapping[str, tuple[Step, ...]]
    left_out: tuple[Activity, ...]
    problems: tuple[str, ...]
    file: Path | None


def make_plan(choice: Choice, file: Path | None = None) -> Plan:
    """Plan a run whose code gives no callbacks.

    The active callbacks are imported and created, as the run would do it; nothing of them is called. What is wrong is
    gathered, and the rest is planned without it.

    Args:
        choice: The installed callbacks and the settings.
        file: The config file that is among the settings.
    """
    members, problems = survey(choice)
    warn_of_misspelt_names(members, choice)
    try:
        members = arrange(members)
    except OrderError as error:
        members, problems = [], [*problems, str(error)]
    events, wrong = order_events(members)
    left_out = [each for each in activities(choice) if not each.active]
    return Plan(tuple(members), events, tuple(left_out), (*problems, *wrong), file)


def plan_run(members: Sequence[Member]) -> Plan:
    """Plan a run of this process that is about to begin, whatever its code gives.

    Args:
        members: Its callbacks, in their order.
    """
    events, problems = order_events(members)
    names = {CallbackName(member.name).base for member in members}
    left_out = [each for each in activities(Choice.here()) if each.record.name not in names]
    return Plan(tuple(members), events, tuple(left_out), tuple(problems), config_file())


def order_events(members: Iterable[Member]) -> tuple[dict[str, tuple[Step, ...]], list[str]]:
    """Return the callbacks of every event in the order of the calls.

    Args:
        members: The callbacks, in their order.

    Returns:
        Event to its steps, and what is wrong with callbacks; those are in no event.
    """
    run = Run(None, "train")
    entries: list[tuple[Member, Mapping[str, Implementation]]] = []
    problems = []
    for member in members:
        try:
            found = implementations(member, run)
            check_wrappers(member, found)
        except EpochalError as error:
            problems.append(str(error))
            continue
        if is_keras_callback(member.callback):
            used = events_of(member.callback)
            found = {event: each for event, each in found.items() if event in used}
        entries.append((member, found))
    manager = Manager(entries, lambda _member, _event, implementation: implementation.call)
    return {event: tuple(_steps(manager, event)) for event in EVENTS}, problems


def _steps(manager: Manager, event: str) -> Iterator[Step]:
    for plugin in manager.plugins_of(event):
        member, options = plugin.member, plugin.implementations[event].options
        moves = [] if member.name in PINNED else [option for option in _MOVES if options.get(option)]
        moved = ", ".join(f"{_MOVES[option]}, by {option}=True" for option in moves)
        yield Step(member.name, f"{member.reason}; {moved}" if moved else member.reason, moved)

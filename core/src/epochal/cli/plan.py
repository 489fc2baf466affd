"""`epochal plan`: what a run begun here would call, in which order and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import EpochalError, nearest
from ..hookspecs import ALIASES, EVENTS, HOOKS
from ..settings.reading import config_file, load_settings, short_path
from .output import add_json, folder, imports_told_aside, open_console, print_json, print_table, say, say_problems
from .switches import add_switches, layer_of, with_hints

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from ..reports.plan import Plan, Step

DESCRIPTION = """\
Show what a run that begins in this folder would call, in which order, and the reason for each place. What the code of
the run itself gives is added to this. The active callbacks are imported and created; none of them is run. --enable,
--disable and --set are those of `epochal run`. The exit code is 1 when such a run would fail."""

EXAMPLES = {
    "epochal plan": "all events",
    "epochal plan --event on_epoch_end": "one event",
    "epochal plan --enable early_stopping": "as if it were enabled",
}

JSON = {
    "config_file": "the config file that counts, or null",
    "callbacks[].name": "the name of an active callback; they are in their order",
    "callbacks[].reason": "why it stands in this place",
    "callbacks[].activated": "why it is active",
    "callbacks[].priority": "its priority, as set",
    "callbacks[].on_error": '"raise" or "disable"',
    "callbacks[].distribution": "the distribution that brings it",
    "callbacks[].version": "the distribution's version",
    "events": "event to the callbacks that it calls, in the order of the calls",
    "events.EVENT[].name": "the callback's name",
    "events.EVENT[].reason": "why it stands in this place",
    "left_out[].name": "the name of an installed callback that is not active",
    "left_out[].why": "why not; empty if nobody asked for it",
    "left_out[].distribution": "the distribution that brings it",
    "problems[]": "what is wrong; a run would fail of any of it",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_switches(parser)
    event = parser.add_argument("--event", metavar="EVENT", help="show one event alone, on_epoch_end for example")
    event.completer = lambda **_: list(EVENTS)  # type: ignore[attr-defined]  # argcomplete reads it
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the plan."""
    from ..choosing.choice import Choice
    from ..installed.discovery import discover
    from ..reports.plan import make_plan

    event = _event(arguments.event)
    with folder() as here:
        choice = Choice(discover(), load_settings(here, layer_of(arguments)))
        with imports_told_aside():
            plan = make_plan(choice, config_file(here))
        plan = replace(plan, problems=tuple(with_hints(plan.problems, arguments)))
        if arguments.json:
            print_json(_as_json(plan, event))
        else:
            show(open_console(), plan, event)
    return 1 if plan.problems else 0


def _event(name: str | None) -> str | None:
    if name is None or name in EVENTS:
        return name
    if name in ALIASES:
        return ALIASES[name]
    near = nearest(name, HOOKS)
    raise EpochalError(f"there is no event {name!r}.{near} There are: {', '.join(EVENTS)}.")


def show(console: Console, plan: Plan, event: str | None = None) -> None:
    """Show a plan, or one event of it."""
    if plan.problems:
        say_problems(console, "A run begun here would fail:", plan.problems)
        console.print()
    file = short_path(plan.file) if plan.file is not None else "none"
    say(console, f"config file: {file}")
    if event is None:
        _show_order(console, plan)
        _show_events(console, plan)
        _show_left_out(console, plan)
    else:
        _show_event(console, event, plan.events[event])


def _show_order(console: Console, plan: Plan) -> None:
    rows = [[each.name, each.activated, each.reason] for each in plan.members]
    _title(console, "The active callbacks, in their order")
    print_table(console, ["callback", "active because", "why there"], rows)


def _show_events(console: Console, plan: Plan) -> None:
    _title(console, "What each event calls, in this order")
    print_table(
        console,
        ["event", "calls"],
        [[event, ", ".join(map(_called, steps))] for event, steps in plan.events.items() if steps],
    )
    silent = [event for event, steps in plan.events.items() if not steps]
    if silent:
        say(console, f"No callback implements: {', '.join(silent)}.")


def _called(step: Step) -> str:
    return f"{step.name} ({step.moved})" if step.moved else step.name


def _show_left_out(console: Console, plan: Plan) -> None:
    said = [each for each in plan.left_out if each.summary != "no"]
    silent = [each.record.name for each in plan.left_out if each.summary == "no"]
    if not plan.left_out:
        return
    _title(console, "Not in this run")
    if said:
        print_table(console, ["callback", "active"], [[each.record.name, each.summary] for each in said])
    if silent:
        say(console, f"Installed, not enabled: {', '.join(silent)}.")


def _show_event(console: Console, event: str, steps: tuple[Step, ...]) -> None:
    if not steps:
        _title(console, f"{event} calls nobody")
        return
    _title(console, f"{event} calls, in this order")
    print_table(console, ["callback", "why there"], [[step.name, step.reason] for step in steps])


def _title(console: Console, text: str) -> None:
    console.print()
    say(console, text, "bold")


def _as_json(plan: Plan, only: str | None) -> object:
    return {
        "config_file": plan.file,
        "callbacks": [
            {
                "name": each.name,
                "reason": each.reason,
                "activated": each.activated,
                "priority": int(each.priority),
                "on_error": "raise" if each.critical else "disable",
                "distribution": each.record.distribution if each.record is not None else "",
                "version": each.record.version if each.record is not None else "",
            }
            for each in plan.members
        ],
        "events": {
            event: [{"name": step.name, "reason": step.reason} for step in steps]
            for event, steps in plan.events.items()
            if only in (None, event)
        },
        "left_out": [
            {"name": each.record.name, "why": each.why, "distribution": each.record.distribution}
            for each in plan.left_out
        ],
        "problems": plan.problems,
    }

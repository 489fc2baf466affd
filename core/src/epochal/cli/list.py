"""`epochal list`: the installed callbacks, which of them are active and why, from metadata alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ..choosing.activity import activities
from ..choosing.choice import Choice
from ..choosing.mistakes import mistakes
from ..installed.discovery import Status
from ..settings.reading import config_file
from .output import add_json, count_of, folder, has_room, open_console, print_json, print_table, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from ..choosing.activity import Activity

DESCRIPTION = """\
Show the installed callbacks, and which are active in a run that begins in this folder and names none in its code.
Nothing is imported. The exit code is 0 also when a callback is unusable; that of `epochal doctor` is 1 then."""

EXAMPLES = {
    "epochal list": "what is installed and what is active here",
    "epochal list --json": "the same, for a program",
}

JSON = {
    "config_file": "the config file that counts, or null",
    "callbacks[].name": "the callback's name",
    "callbacks[].active": "whether it is active",
    "callbacks[].why": 'why: "pinned", "enabled by default", or where that is set; empty if nobody said anything',
    "callbacks[].instances": "how many of it there are, if it is active",
    "callbacks[].status": '"ok", "broken", "duplicate" or "incompatible"',
    "callbacks[].reason": "why it cannot be used and what to do; empty if it can",
    "callbacks[].distribution": "the distribution that brings it",
    "callbacks[].version": "the distribution's version",
    "callbacks[].entry_point": "where its code is: package.module:Class",
    "problems[]": "the mistakes of the settings",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the table, and below it what is wrong with the callbacks that cannot be used."""
    with folder() as here:
        choice = Choice.here(here)
        found, problems = activities(choice), mistakes(choice)
        if arguments.json:
            print_json(_as_json(found, problems, config_file(here)))
        else:
            _show(open_console(), found, problems)
    return 0


def _show(console: Console, found: Sequence[Activity], problems: Sequence[str]) -> None:
    troubles = [(name, reason) for name, reason in dict.fromkeys(map(_trouble, found)) if reason]
    if problems:
        what = f"The settings have {count_of(len(problems), 'mistake')}, and a run begun here would fail."
        say(console, f"{what} `epochal config` says more.", "bold red")
    for name, reason in troubles:
        say(console, Text.assemble((name, "bold red"), reason))
    if problems or troubles:
        console.print()
    if not found:
        say(console, "No callbacks are installed. `pip install epochal` brings the default ones.")
        return
    columns, left_out = _columns(console, found)
    print_table(
        console,
        [*columns],
        [*zip(*columns.values(), strict=True)],
        prose=1,
        styles=["red" if each.record.status is not Status.OK else "" for each in found],
    )
    if left_out:
        say(console, f"A wider terminal shows more: {', '.join(left_out)}.", "dim")


def _columns(console: Console, found: Sequence[Activity]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the columns that leave each callback its one line, and the names of those that there is no room for."""
    columns: dict[str, list[str]] = {
        "callback": [each.record.name for each in found],
        "active": [each.summary for each in found],
        "distribution": [each.record.distribution for each in found],
        "version": [each.record.version for each in found],
    }
    left_out: list[str] = []
    for name in ("distribution", "version", "why"):
        if has_room(console, [*columns], [*zip(*columns.values(), strict=True)]):
            break
        left_out.append(name)
        if name == "why":
            columns["active"] = [text.partition(":")[0] for text in columns["active"]]
        else:
            del columns[name]
    return columns, left_out


def _trouble(activity: Activity) -> tuple[str, str]:
    """Return what is wrong with a callback, the same for all that claim its name."""
    record = activity.record
    if record.status is Status.OK:
        return record.name, ""
    origin = "" if record.status is Status.DUPLICATE else f" of {record.origin}"
    return record.name, f"{origin}: {record.reason}"


def _as_json(found: Sequence[Activity], problems: Sequence[str], file: Path | None) -> object:
    return {
        "config_file": file,
        "callbacks": [
            {
                "name": each.record.name,
                "active": each.active,
                "why": each.why,
                "instances": each.instances,
                "status": each.record.status.value,
                "reason": each.record.reason,
                "distribution": each.record.distribution,
                "version": each.record.version,
                "entry_point": each.record.value,
            }
            for each in found
        ],
        "problems": problems,
    }

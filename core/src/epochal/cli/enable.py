"""`epochal enable`: switch a callback on in the config file, and set its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfigError, EpochalError, nearest
from ..settings.reading import short_path
from .assignments import add_names, hint, names_and_parameters
from .output import add_json, folder, imports_told_aside, open_console, print_json, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ..choosing.activity import Activity
    from ..editing.draft import Edit
    from ..settings.names import CallbackName

__all__ = ["DESCRIPTION", "EXAMPLES", "JSON", "add_arguments", "hint", "run", "tell"]

DESCRIPTION = """\
Switch callbacks on in the config file, and set parameters of one. Names are written as for `epochal run --enable`. The
file is the nearest one from this folder upwards, else a new epochal.toml here, or [tool.epochal] in the pyproject.toml
of this folder. Its comments and layout stay. The callbacks are imported, and their parameters are checked before
anything is written."""

EXAMPLES = {
    "epochal enable early_stopping patience=3": "with a parameter",
    "epochal enable terminate_on_nan tensorboard": "two at once",
}

JSON = {
    "config_file": "the file",
    "created": "whether it is new",
    "changes[].place": "where something changed: file and line",
    "changes[].what": "what",
    "active": "whether the callback is active now in a run begun here; of several: whether all are",
    "why": "why the first one is or is not; empty if nobody said anything",
    "callbacks[].name": "a callback that was named",
    "callbacks[].active": "whether it is active now in a run begun here",
    "callbacks[].why": "why; empty if nobody said anything",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.usage = "epochal enable NAME [NAME ...] [parameter=value ...] [--json]"
    what = "the callback's name, package.module:Class, ./file.py, ./file.py:Class, or NAME#2 for a second instance"
    add_names(parser, what, assignments=True)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Edit the file."""
    from ..editing.switching import enable, file_to_edit
    from ..installed.discovery import discover

    names, parameters = names_and_parameters(arguments)
    with folder() as here:
        try:
            with imports_told_aside():
                edit = enable(file_to_edit(here), names, parameters, discover())
        except ConfigError as error:
            raise EpochalError("\n  ".join(["nothing was written:", *error.problems])) from None
        edit.write()
        tell(edit, names, here, arguments.json)
    return 0


def tell(edit: Edit, names: Sequence[CallbackName], here: Path, as_json: bool) -> None:
    """Say what was changed and where, and whether the callbacks are active now."""
    from ..choosing.activity import activity_of
    from ..choosing.choice import Choice

    choice = Choice.here(here)
    found = {name: activity_of(name, choice) for name in names}
    if as_json:
        print_json(_as_json(edit, found))
        return
    console = open_console()
    if edit.creates and edit.changes:
        say(console, f"{short_path(edit.path)} is new.")
    for change in edit.changes:
        say(console, f"{change.place}: {change.what}")
    if not edit.changes:
        # A pinned callback is in no file, so there may be none.
        title = ", ".join(map(repr, names))
        reason = f"{title} needs no switch" if edit.creates else f"{short_path(edit.path)} has it already"
        say(console, f"{reason}; nothing was changed.")
    for name, activity in found.items():
        if activity is None:
            near = nearest(name, [record.name for record in choice.installed.records])
            say(
                console,
                f"No callback of the name {name!r} is installed.{near} If the code gives one, this holds for it.",
            )
        else:
            which = f" {name}" if len(found) > 1 else ""
            say(console, f"active{which}: {activity.summary.replace(': ', ', ', 1)}")


def _as_json(edit: Edit, found: Mapping[CallbackName, Activity | None]) -> object:
    callbacks = [
        {
            "name": name,
            "active": activity is not None and activity.active,
            "why": activity.why if activity is not None else "",
        }
        for name, activity in found.items()
    ]
    return {
        "config_file": edit.path,
        "created": edit.creates and bool(edit.changes),
        "changes": [{"place": each.place, "what": each.what} for each in edit.changes],
        "active": all(each["active"] for each in callbacks),
        "why": callbacks[0]["why"],
        "callbacks": callbacks,
    }

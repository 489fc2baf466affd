"""`epochal enable`: switch a callback on in the config file, and set its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config import short_path
from ..console import make_console
from ..errors import ConfigError, EpochalError, nearest
from .assignments import add_assignments, given, hint
from .output import add_json, folder, imports_told_aside, print_json, say

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from ..draft import Edit

__all__ = ["DESCRIPTION", "JSON", "add_arguments", "hint", "run", "tell"]

DESCRIPTION = """\
Switch a callback on in the config file, and set parameters of it. The file is the nearest one from this folder
upwards, else a new epochal.toml here, or [tool.epochal] in the pyproject.toml of this folder. Its comments and layout
stay. The callback is imported, and its parameters are checked before anything is written."""

JSON = {
    "config_file": "the file",
    "created": "whether it is new",
    "changes[].place": "where something changed: file and line",
    "changes[].what": "what",
    "active": "whether the callback is active now in a run begun here",
    "why": "why; empty if nobody said anything",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from .completion import complete_names

    name = parser.add_argument(
        "name",
        metavar="NAME",
        help="the callback's name, package.module:Class, ./file.py:Class, or NAME#2 for a second instance",
    )
    name.completer = complete_names  # type: ignore[attr-defined]  # argcomplete reads it
    add_assignments(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Edit the file."""
    from ..discovery import discover
    from ..editing import enable, file_to_edit

    parameters = given(arguments)
    with folder() as here:
        try:
            with imports_told_aside():
                edit = enable(file_to_edit(here), arguments.name, parameters, discover())
        except ConfigError as error:
            raise EpochalError("\n  ".join(["nothing was written:", *error.problems])) from None
        edit.write()
        tell(edit, arguments.name, here, arguments.json)
    return 0


def tell(edit: Edit, name: str, here: Path, as_json: bool) -> None:
    """Say what was changed and where, and whether the callback is active now."""
    from ..activity import activity_of
    from ..config import load_settings
    from ..discovery import discover

    activity = activity_of(name, discover(), load_settings(here))
    if as_json:
        print_json(
            {
                "config_file": edit.path,
                "created": edit.creates and bool(edit.changes),
                "changes": [{"place": each.place, "what": each.what} for each in edit.changes],
                "active": activity is not None and activity.active,
                "why": activity.why if activity is not None else "",
            }
        )
        return
    console = make_console()
    if edit.creates and edit.changes:
        say(console, f"{short_path(edit.path)} is new.")
    for change in edit.changes:
        say(console, f"{change.place}: {change.what}")
    if not edit.changes:
        # A pinned callback is in no file, so there may be none.
        reason = f"{name!r} needs no switch" if edit.creates else f"{short_path(edit.path)} has it already"
        say(console, f"{reason}; nothing was changed.")
    if activity is None:
        near = nearest(name, [record.name for record in discover().records])
        say(console, f"No callback of the name {name!r} is installed.{near} If the code gives one, this holds for it.")
    else:
        say(console, f"active: {activity.summary.replace(': ', ', ', 1)}")

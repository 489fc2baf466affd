"""`epochal disable`: switch a callback off in the config file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .enable import JSON as JSON
from .enable import tell
from .output import add_json, folder

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Switch a callback off in the config file, whoever switches it on: the file itself, its own metadata, or the code that
passes it. Its parameters stay in the file. The file is the nearest one from this folder upwards, else a new
epochal.toml here, or [tool.epochal] in the pyproject.toml of this folder. BaseLogger and History cannot be switched
off."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from .completion import complete_names

    name = parser.add_argument("name", metavar="NAME", help="the callback's name, or NAME#2 for one instance")
    name.completer = complete_names  # type: ignore[attr-defined]  # argcomplete reads it
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Edit the file."""
    from ..editing import disable, file_to_edit

    with folder() as here:
        edit = disable(file_to_edit(here), arguments.name)
        edit.write()
        tell(edit, arguments.name, here, arguments.json)
    return 0

"""`epochal disable`: switch a callback off in the config file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .assignments import add_names, names_and_parameters
from .enable import JSON as JSON
from .enable import tell
from .output import add_json, folder

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Switch callbacks off in the config file, whoever switches them on: the file itself, their own metadata, or the code
that passes them. Their parameters stay in the file. A name that looks like a misspelt one is refused. The file is the
nearest one from this folder upwards, else a new epochal.toml here, or [tool.epochal] in the pyproject.toml of this
folder. BaseLogger and History cannot be switched off."""

EXAMPLES = {
    "epochal disable progbar_logger": "no progress bar",
    "epochal disable model_checkpoint#2": "the second instance",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.usage = "epochal disable NAME [NAME ...] [--json]"
    add_names(parser, "the callback's name, or NAME#2 for one instance")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Edit the file."""
    from ..editing.switching import disable, file_to_edit
    from ..installed.discovery import discover

    names, parameters = names_and_parameters(arguments)
    if parameters:
        arguments.usage_error(f"parameters are set by `epochal enable`: {', '.join(parameters)}")
    with folder() as here:
        edit = disable(file_to_edit(here), names, discover())
        edit.write()
        tell(edit, names, here, arguments.json)
    return 0

"""`epochal new`: create a callback package."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EpochalError
from ..installed.discovery import discover
from ..settings.reading import short_path
from .output import add_json, folder, open_console, print_json, print_table, say

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from ..new import NewPackage

DESCRIPTION = """\
Make a package that brings one callback: its class, its tests, its entry point, and all that is needed to publish it.
It can be installed and tested as it is. my-callback, my_callback, epochal-my-callback and MyCallback name the same
one. The exit code is 2 when it cannot be made, and then nothing has been written."""

EXAMPLES = {
    "epochal new loss-printer": "in the folder epochal-loss-printer",
    "epochal new LossPrinter --folder printer": "in another one",
}

JSON = {
    "callback": "the callback's name",
    "class": "its class",
    "distribution": "the name that is installed",
    "package": "the name that is imported",
    "folder": "where it was made",
    "files[].path": "a file in it",
    "files[].what": "what the file is for",
    "next[]": "what to type next",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="the callback's name, my-callback for example")
    parser.add_argument(
        "--folder", type=_folder, metavar="FOLDER", help="make it here, instead of in epochal-NAME; it has to be empty"
    )
    add_json(parser)


def _folder(text: str) -> Path:
    if not text:  # a shell variable that is not set: Path("") would be this folder
        raise ArgumentTypeError("the name of the folder is empty")
    return Path(text)


def run(arguments: argparse.Namespace) -> int:
    """Make the package, and say what was made."""
    from ..new import make_package
    from . import complain

    with folder():
        try:
            made = make_package(arguments.name, arguments.folder, discover())
        except EpochalError as error:
            complain(str(error))
            return 2
        if arguments.json:
            print_json(_as_json(made))
        else:
            _show(open_console(), made)
    return 0


def _show(console: Console, made: NewPackage) -> None:
    names = made.names
    say(console, f"{short_path(made.folder)} is a package now, with the callback {names.entry}, class {names.kind}.")
    console.print()
    print_table(console, ["", ""], [[path, what] for path, what in made.files.items()])
    console.print()
    say(console, "Next:", "bold")
    for command in made.next_commands:
        say(console, f"  {command}")


def _as_json(made: NewPackage) -> object:
    return {
        "callback": made.names.entry,
        "class": made.names.kind,
        "distribution": made.names.distribution,
        "package": made.names.package,
        "folder": made.folder,
        "files": [{"path": path, "what": what} for path, what in made.files.items()],
        "next": made.next_commands,
    }

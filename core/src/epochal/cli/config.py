"""`epochal config`: the settings that hold in this folder, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..activity import mistakes
from ..config import FILE_NAME, PROJECT_FILE, config_file, load_settings
from ..discovery import discover
from .output import add_json, count_of, folder, jsonable, open_console, print_json, print_table, say, say_problems

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from rich.console import Console

    from ..settings import Setting, Settings

DESCRIPTION = """\
Show the settings of a run that begins in this folder, each with its source: the config file, an environment variable,
or the default. The exit code is 1 when they have mistakes. What a callback does with its parameters is checked
by `epochal plan`."""

JSON = {
    "config_file": "the config file that counts, or null",
    "settings[].key": "the key: enable.NAME, autoload, callbacks.NAME.PARAMETER, callbacks.NAME#2.PARAMETER, …",
    "settings[].value": "the value",
    "settings[].layer": '"file", "environment" or "default"',
    "settings[].place": "where it stands: file, line and key, or the variable; empty for a default",
    "problems[]": "the mistakes",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the settings."""
    with folder() as here:
        settings, file = load_settings(here), config_file(here)
        problems = mistakes(discover(), settings)
        if arguments.json:
            print_json(_as_json(settings, problems, file))
        else:
            _show(open_console(), settings, problems, file)
    return 1 if problems else 0


def _show(console: Console, settings: Settings, problems: list[str], file: Path | None) -> None:
    if file is None:
        say(
            console,
            f"There is no config file: no {FILE_NAME} and no [tool.epochal] in a {PROJECT_FILE}, here or above.",
        )
    else:
        say(console, f"config file: {file}")
    console.print()
    print_table(
        console,
        ["key", "value", "from"],
        [[key, _value(setting), setting.where or "the default"] for key, setting in settings.entries()],
    )
    if problems:
        console.print()
        say_problems(console, f"The settings have {count_of(len(problems), 'mistake')}:", problems)


def _value(setting: Setting) -> str:
    return str(setting.value).lower() if isinstance(setting.value, bool) else repr(setting.value)


def _as_json(settings: Settings, problems: list[str], file: Path | None) -> object:
    return {
        "config_file": file,
        "settings": [
            {"key": key, "value": jsonable(each.value), "layer": each.layer, "place": each.place}
            for key, each in settings.entries()
        ],
        "problems": problems,
    }

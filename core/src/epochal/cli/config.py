"""`epochal config`: the settings that hold in this folder, and where each comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from ..choosing.choice import Choice
from ..choosing.mistakes import misspelt_names, mistakes
from ..settings.reading import FILE_NAME, PROJECT_FILE, config_file, short_path
from ..settings.toml import as_key, as_toml
from .output import add_json, count_of, folder, jsonable, open_console, print_json, print_table, say, say_problems

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import Console

    from ..settings.layers import Settings

DESCRIPTION = """\
Show the settings of a run that begins in this folder, as a config file writes them, each with its source: the config
file, an environment variable, or the default. The exit code is 1 when they have mistakes. What a callback does with
its parameters is checked by `epochal plan`."""

EXAMPLES = {
    "epochal config": "the settings that hold in this folder",
    "epochal config --json": "the same, for a program",
}

JSON = {
    "config_file": "the config file that counts, or null",
    "settings[].key": "the key: enable.NAME, autoload, callbacks.NAME.PARAMETER, callbacks.NAME#2.PARAMETER, …",
    "settings[].value": "the value",
    "settings[].layer": '"file", "environment" or "default"',
    "settings[].place": "where it stands: file, line and key, or the variable; empty for a default",
    "problems[]": "the mistakes",
    "warnings[]": "what looks like a mistake, and is none if the code gives a callback of that name",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the settings."""
    with folder() as here:
        choice, file = Choice.here(here), config_file(here)
        problems = mistakes(choice)
        warnings = [*misspelt_names(choice.settings, (record.name for record in choice.installed.records))]
        if arguments.json:
            print_json(_as_json(choice.settings, problems, warnings, file))
        else:
            console = open_console()
            _show_problems(console, problems, warnings)
            _show(console, choice.settings, file)
    return 1 if problems else 0


def _show_problems(console: Console, problems: list[str], warnings: list[str]) -> None:
    if problems:
        say_problems(console, f"The settings have {count_of(len(problems), 'mistake')}:", problems)
    for warning in warnings:
        say(console, Text.assemble(("warning: ", "bold yellow"), warning))
    if problems or warnings:
        console.print()


def _show(console: Console, settings: Settings, file: Path | None) -> None:
    if file is None:
        say(
            console,
            f"There is no config file: no {FILE_NAME} and no [tool.epochal] in a {PROJECT_FILE}, here or above.",
        )
    else:
        say(console, f"config file: {short_path(file)}")
    console.print()
    print_table(console, ["key", "value", "from"], [*_rows(settings, file)], prose=1)


def _rows(settings: Settings, file: Path | None) -> Iterator[tuple[str, str, str]]:
    """Yield each key as a config file has it, with its value in TOML and its source."""
    folder = Path.cwd() if file is None else file.absolute().parent  # paths begin there
    for key, is_on in (("enable", True), ("disable", False)):
        by_place: dict[str, list[str]] = {}
        for name, setting in settings.switches.items():
            # A table enables its callback by being there; one that `enable` names as well stands in both.
            by_table = name in settings.tables and setting.place == settings.tables[name][0].place
            if setting.value is is_on and not by_table:
                by_place.setdefault(setting.where, []).append(name.relative(folder))
        for where, names in by_place.items():
            yield key, as_toml(names), where
    flags = [(key, setting) for key, setting in settings.entries() if "." not in key]
    for key, setting in flags:
        yield key, as_toml(setting.value), setting.where or "the default"
    for key in ("prefer", "priority", "on_error", "before", "after"):
        for name, setting in getattr(settings, key).items():
            yield f"{key}.{as_key(name.relative(folder))}", as_toml(setting.value), setting.where
    for name, tables in settings.tables.items():
        for number, table in enumerate(tables, 1):
            title = f"callbacks.{as_key(name.relative(folder))}" + (f"#{number}" if number > 1 else "")
            if not table.parameters:
                yield title, "{}", table.where
            for parameter, setting in table.parameters.items():
                yield f"{title}.{as_key(parameter)}", as_toml(setting.value), setting.where


def _as_json(settings: Settings, problems: list[str], warnings: list[str], file: Path | None) -> object:
    return {
        "config_file": file,
        "settings": [
            {"key": key, "value": jsonable(each.value), "layer": each.layer, "place": each.place}
            for key, each in settings.entries()
        ],
        "problems": problems,
        "warnings": warnings,
    }

"""`epochal info`: what one callback does and takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ..choosing.choice import Choice
from .output import add_json, folder, imports_told_aside, open_console, print_json, print_table, say, say_below

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import Console

    from ..reports.description import Description, ParameterDescription

DESCRIPTION = """\
Show what a callback does, its parameters, its events, its place in the order, what happens when it fails, and where it
comes from. It is imported, and no other."""

EXAMPLES = {
    "epochal info early_stopping": "an installed callback",
    "epochal info ./my_callback.py": "one in a file",
}

JSON = {
    "name": "the callback's name",
    "class": "the class, object, function or module that it is",
    "kind": '"class", "object", "function" or "module"',
    "text": "what it does",
    "active": "whether it is active in a run begun here",
    "why": "why; empty if nobody said anything",
    "parameters[].name": "a parameter, with stars in front where it stands for any number of them",
    "parameters[].type": "its type as its author wrote it; empty if nobody did",
    "parameters[].required": "whether it has to be given",
    "parameters[].default": "its default as Python writes it, or null",
    "parameters[].text": "what it means",
    "parameters[].set[].instance": "the instance that the settings give a value: NAME, NAME#2",
    "parameters[].set[].value": "the value",
    "parameters[].set[].place": "where that stands",
    "events[]": "the events that it implements; those that depend on its parameters may be missing",
    "priority": "its priority, or null if that is decided when it is created",
    "before[]": "the callbacks that it runs before",
    "after[]": "the callbacks that it runs after",
    "on_error": '"raise": its errors end the run; "disable": it is left out, and the run goes on',
    "distribution": "the distribution that brings it",
    "version": "the distribution's version",
    "entry_point": "what its metadata says: package.module:Class",
    "import": "the statement that imports it",
    "file": "the file with its code; empty if there is none",
    "line": "the line in which its code begins, or null",
}

_ON_ERROR = {"raise": "its errors end the run", "disable": "it is left out, and the run goes on"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from .completion import complete_names

    name = parser.add_argument(
        "name", metavar="NAME", help="the callback's name, package.module:Class, or ./file.py:Class"
    )
    name.completer = complete_names  # type: ignore[attr-defined]  # argcomplete reads it
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the description."""
    from ..reports.description import describe

    with folder() as here:
        with imports_told_aside():
            found = describe(arguments.name, Choice.here(here))
        if arguments.json:
            print_json(_as_json(found))
        else:
            _show(open_console(), found)
    return 0


def _show(console: Console, found: Description) -> None:
    say(
        console,
        Text.assemble((found.record.name, "bold cyan"), f": {found.class_name} of {found.record.origin}".rstrip()),
    )
    for paragraph in filter(None, found.text.split("\n\n")):
        console.print()
        # What is indented, an example for one, keeps its lines.
        say(console, paragraph if "\n " in f"\n{paragraph}" else " ".join(paragraph.split()))
    console.print()
    print_table(console, ["", ""], [[key, value] for key, value in _facts(found) if value])
    if found.parameters:
        console.print()
        say(console, "Parameters", "bold")
    for parameter in found.parameters:
        _show_parameter(console, parameter)


def _facts(found: Description) -> Iterator[tuple[str, str]]:
    yield "active", found.activity.summary
    yield "import", found.import_line
    none = "they depend on its parameters" if found.is_callback else "none, so it is not a callback"
    yield "events", ", ".join(found.events) or none
    priority = "decided when it is created" if found.priority is None else str(found.priority)
    yield "priority", f"{priority} ({found.role})" if found.role else priority
    yield "before", ", ".join(found.before)
    yield "after", ", ".join(found.after)
    yield "on error", f"{found.on_error}: {_ON_ERROR[found.on_error]}"
    yield "code", found.file + (f", line {found.line}" if found.line is not None else "")
    yield "entry point", "" if found.record.value.is_file else found.record.value


def _show_parameter(console: Console, parameter: ParameterDescription) -> None:
    line = Text.assemble((parameter.name, "cyan"), f": {parameter.type}" if parameter.type else "")
    if parameter.default is not None:
        line.append(f" = {parameter.default}")
    elif parameter.required:
        line.append(", has to be given")
    say_below(console, line, 2)
    if parameter.text:
        say_below(console, parameter.text, 6)
    for instance, setting in parameter.given.items():
        which = f" of {instance}" if len(parameter.given) > 1 else ""
        say_below(console, f"Set here{which}: {setting.value!r}, {setting.where}", 6)


def _as_json(found: Description) -> object:
    return {
        "name": found.record.name,
        "class": found.class_name,
        "kind": found.kind,
        "text": found.text,
        "active": found.activity.active,
        "why": found.activity.why,
        "parameters": [
            {
                "name": each.name,
                "type": each.type,
                "required": each.required,
                "default": each.default,
                "text": each.text,
                "set": [
                    {"instance": instance, "value": setting.value, "place": setting.place}
                    for instance, setting in each.given.items()
                ],
            }
            for each in found.parameters
        ],
        "events": found.events,
        "priority": found.priority,
        "before": found.before,
        "after": found.after,
        "on_error": found.on_error,
        "distribution": found.record.distribution,
        "version": found.record.version,
        "entry_point": found.record.value,
        "import": found.import_line,
        "file": found.file,
        "line": found.line,
    }

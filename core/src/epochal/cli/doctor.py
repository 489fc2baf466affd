"""`epochal doctor`: what is wrong with the installation and the settings, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from .output import add_json, folder, open_console, print_json, print_table, say, say_below

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from ..reports.doctor import Diagnosis

DESCRIPTION = """\
Look for what is wrong: entry points that are broken, stale, claimed twice or made for another version of epochal,
callbacks whose import fails, packages that are missing or in each other's way, mistakes of the settings. Every
callback is imported, in a process of its own. The exit code is 1 when there is an error, and 0 when there are warnings
alone."""

EXAMPLES = {
    "epochal doctor": "look at everything",
    "epochal doctor --json": "the same, for a program",
}

JSON = {
    "facts[].name": "what was looked at",
    "facts[].value": "what is there",
    "findings[].severity": '"error": something does not work; "warning": something may surprise',
    "findings[].what": "what is wrong",
    "findings[].remedy": "what to do; empty if that is in what is wrong",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the diagnosis."""
    from ..reports.doctor import diagnose

    with folder() as here:
        diagnosis = diagnose(here)
        if arguments.json:
            print_json(_as_json(diagnosis))
        else:
            _show(open_console(), diagnosis)
    return 1 if diagnosis.has_errors else 0


def _show(console: Console, diagnosis: Diagnosis) -> None:
    for each in sorted(diagnosis.findings, key=lambda finding: not finding.is_error):
        style = "bold red" if each.is_error else "bold yellow"
        say(console, Text.assemble((f"{each.severity}: ", style), each.what))
        if each.remedy:
            say_below(console, each.remedy, 2)
        console.print()
    errors = sum(each.is_error for each in diagnosis.findings)
    warnings = len(diagnosis.findings) - errors
    counts = [
        f"{number} {what}{'s' * (number > 1)}" for number, what in ((errors, "error"), (warnings, "warning")) if number
    ]
    say(console, f"{' and '.join(counts)} found." if counts else "Nothing is wrong.", "bold")
    console.print()
    print_table(console, ["", ""], diagnosis.facts)


def _as_json(diagnosis: Diagnosis) -> object:
    return {
        "facts": [{"name": name, "value": value} for name, value in diagnosis.facts],
        "findings": [
            {"severity": each.severity, "what": each.what, "remedy": each.remedy} for each in diagnosis.findings
        ],
    }

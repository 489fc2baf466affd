"""`epochal list`: the installed callbacks, from metadata alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ..console import make_console
from ..discovery import Record, Status, discover
from ..ordering import PINNED

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: it has none."""


def run(_arguments: argparse.Namespace) -> int:
    """Show the table, and below it what is wrong with the callbacks that cannot be used."""
    records = discover().records
    console = make_console()
    if not records:
        console.print("No callbacks are installed. `pip install epochal` brings the default ones.", soft_wrap=True)
        return 0
    _print_whole(console, _table(records))
    for record in records:
        if record.status is not Status.OK:
            reason = Text.assemble((record.name, "bold red"), f" of {record.origin}: {record.reason}")
            console.print(reason, soft_wrap=True)
    return 0


def activity(record: Record) -> str:
    """Say whether an installed callback takes part in a run."""
    if record.status is not Status.OK:
        return f"unusable: {record.status.value}"
    if record.name in PINNED:
        return "always"
    return "by itself" if record.autoload else "when asked for"


def _table(records: Iterable[Record]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("callback", no_wrap=True, style="cyan")
    table.add_column("active", overflow="fold")
    table.add_column("distribution", overflow="fold")
    table.add_column("version", no_wrap=True)
    for record in records:
        style = None if record.status is Status.OK else "red"
        table.add_row(record.name, activity(record), record.distribution, record.version, style=style)
    return table


def _print_whole(console: Console, table: Table) -> None:
    """Print a table without cutting anything: a pipe has no width, and in a narrow terminal the lines run over."""
    whole = console.measure(table, options=console.options.update(max_width=10_000)).maximum
    console.width = max(whole, console.width)
    console.print(table, soft_wrap=True)

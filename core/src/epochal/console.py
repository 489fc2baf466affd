"""The terminal, notebook or file that a run is shown in."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def make_console(stream: TextIO | None = None) -> Console:
    """Make a rich console that is a terminal only where there really is one.

    rich takes a file for a terminal when `FORCE_COLOR` is set, and then fills it with control characters; here a file
    always gets plain lines.

    Args:
        stream: Where to write. None: whatever `sys.stdout` is at the time of writing.
    """
    from rich.console import Console

    if in_notebook() and stream is None:
        return Console(emoji=False)
    target = stream if stream is not None else sys.stdout
    terminal = _is_terminal(target)
    # emoji=False: `:name:` in somebody's text stays as it is, and rich need not import its table of emoji.
    return Console(
        file=stream,
        emoji=False,
        force_terminal=terminal,
        force_jupyter=False,
        color_system="auto" if terminal else None,
    )


def print_whole(console: Console, table: Table) -> None:
    """Print a table without cutting anything: a pipe has no width, and in a narrow terminal the lines run over."""
    wanted = console.measure(table, options=console.options.update(max_width=10_000)).maximum
    width = console.width
    console.width = max(wanted, width)
    try:
        console.print(table, soft_wrap=True)
    finally:
        console.width = width


def is_live(console: Console) -> bool:
    """Return whether the console can redraw what it shows: a terminal that moves its cursor, or a notebook."""
    return console.is_jupyter or (console.is_terminal and not console.is_dumb_terminal)


def in_notebook() -> bool:
    """Return whether the code runs in a Jupyter kernel, without importing IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)


def _is_terminal(stream: TextIO) -> bool:
    if os.environ.get("TERM") == "unknown":
        return False
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no isatty at all, or the stream is closed
        return False

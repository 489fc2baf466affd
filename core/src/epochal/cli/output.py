"""What the commands share: tables in which nothing is cut, sentences, JSON, and the folder that they run in."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from contextlib import contextmanager, redirect_stdout
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from rich.table import Table
from rich.text import Text

from ..console import make_console
from ..errors import EpochalError
from .printable import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from rich.console import Console

_GAP = 2
_NARROWEST = 12  # a column of prose that is narrower is hard to read


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


@contextmanager
def folder() -> Iterator[Path]:
    """Yield the working directory, its modules importable as for a script there; warnings are printed in one line.

    It comes last, not first: a `logging.py` of the user's is to break his script, and not this.

    Raises:
        EpochalError: It is no longer there.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise EpochalError("the working directory is no longer there.") from None
    path = str(here)

    def tell(message: Warning | str, *_: Any, **__: Any) -> None:
        print(printable(f"epochal: warning: {message}"), file=sys.stderr)

    sys.path.append(path)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = tell
            yield here
    finally:
        if path in sys.path:
            del sys.path[len(sys.path) - 1 - sys.path[::-1].index(path)]


def imports_told_aside() -> redirect_stdout[TextIO]:
    """Let what callbacks print while they are imported and created go to standard error: the result is not theirs."""
    return redirect_stdout(sys.stderr)


def open_console() -> Console:
    """Return the console on standard output.

    Raises:
        OSError: Standard output is closed.
    """
    check_stdout()
    console = make_console()
    console.on_broken_pipe = _raise  # type: ignore[method-assign]  # rich would end the process with 1
    return console


def _raise() -> NoReturn:
    raise  # rich calls it where it has caught the error


def check_stdout() -> None:
    """Get standard output ready for any text.

    Raises:
        OSError: It is closed.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # an encoding without the letters of a path


# Text


def say(console: Console, text: str | Text, style: str = "") -> None:
    """Print a sentence; only a terminal has an edge to break it at."""
    text = _safe(text if isinstance(text, Text) else Text(text, style))
    text.overflow = "fold"
    console.print(text, soft_wrap=not console.is_terminal)


def say_below(console: Console, text: str | Text, indent: int) -> None:
    """Print a sentence, indented in all of its lines."""
    text = _safe(text if isinstance(text, Text) else Text(text))
    if not console.is_terminal:
        console.print(Text(" " * indent) + text, soft_wrap=True)
        return
    for line in text.wrap(console, max(console.width - indent, 10), overflow="fold"):
        line.rstrip()
        console.print(Text(" " * indent) + line)


def _safe(text: Text) -> Text:
    """Make the characters of a text printable; its styles stay where they are."""
    text.plain = printable(text.plain)
    return text


def say_problems(console: Console, title: str, problems: Sequence[str]) -> None:
    """Print what is wrong, one below the other."""
    say(console, title, "bold red")
    for problem in problems:
        say_below(console, problem, 2)


def count_of(number: int, what: str) -> str:
    """Return a number with its noun.

    >>> count_of(1, "mistake"), count_of(2, "mistake")
    ('a mistake', '2 mistakes')
    """
    return f"a {what}" if number == 1 else f"{number} {what}s"


def print_table(
    console: Console,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    prose: int = -1,
    styles: Sequence[str] = (),
) -> None:
    """Print a table in which nothing is cut.

    Only a terminal has a width. Where the rows are longer, the column of prose is broken into lines; where there is no
    room for that either, each row becomes a paragraph.

    Args:
        console: Where to.
        columns: The headings; a heading may be empty.
        rows: The cells of each row.
        prose: The column that may be broken.
        styles: The style of each row; none: plain.
    """
    prose %= len(columns)
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = _widths(columns, rows)
    gaps = _GAP * (len(columns) - 1)
    room = console.width - sum(widths) + widths[prose] - gaps
    if console.is_terminal and room < min(_NARROWEST, widths[prose]):
        _print_paragraphs(console, columns, rows, styles)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0), show_header=any(columns))
    for number, (heading, width) in enumerate(zip(columns, widths, strict=True)):
        broken = number == prose and console.is_terminal and room < width
        table.add_column(
            heading,
            style="cyan" if number == 0 else "",
            min_width=room if broken else width,
            overflow="fold",
            no_wrap=not broken,
        )
    for number, row in enumerate(rows):
        table.add_row(*map(Text, row), style=styles[number] if styles else None)
    if console.is_terminal:
        console.print(table)
        return
    console.width = sum(widths) + _GAP * len(columns)
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    console.print(Text("\n".join(lines)), soft_wrap=True)


def has_room(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether every row of a table stands in one line; only a terminal has a width."""
    return not console.is_terminal or sum(_widths(columns, rows)) + _GAP * (len(columns) - 1) <= console.width


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_width, cells)) for cells in zip(columns, *rows, strict=True)]


def _width(text: str) -> int:
    return Text(text).cell_len


def _print_paragraphs(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str]
) -> None:
    for number, row in enumerate(rows):
        style = styles[number] if styles and styles[number] else "cyan"
        console.print(Text(row[0], style, overflow="fold"))
        for heading, cell in zip(columns[1:], row[1:], strict=True):
            if cell:
                say_below(console, f"{heading}: {cell}" if heading else cell, 2)


# JSON


def print_json(value: Any) -> None:
    """Print JSON that every parser takes: no NaN, no infinity, and dates as text."""
    import json

    check_stdout()
    print(json.dumps(jsonable(value), indent=2))


def jsonable(value: Any) -> Any:
    """Turn a value of a config file into one of JSON."""
    if isinstance(value, dict):
        return {str(key): jsonable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(each) for each in value]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, os.PathLike) or hasattr(value, "isoformat"):  # a path, a date, a time
        return str(value)
    return value

"""Where everything stands in a line: pure functions from what is to be shown to rows of text."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len

from .format import duration, pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[str, str]
"""A text and the name of its style."""
Row = tuple[Span, ...]
"""A line of the terminal, without its line break."""

NO_BREAK = "\N{NO-BREAK SPACE}"
_GAP: Span = ("  ", "")
_INDENT = 2
_LEAST_BAR, _WIDEST_BAR = 8, 30
_TAIL = 8
"""How much of a name that is broken stays beside its value."""


@dataclass(frozen=True)
class View:
    """What is to be shown of one pass over the data.

    Attributes:
        title: "Epoch 3/10".
        done: Steps that ended.
        total: Steps that there are; None if not known.
        elapsed: Seconds since it began.
        left: Seconds that it will still take; None if not known.
        pace: Seconds a step, without the first one; None if not known.
        metrics: Names and values.
        validating: Whether the steps are those of the validation inside an epoch.
        first: What the first step took, in which the model is compiled: "first step 2.31 s". Empty: nothing to tell.
        run_left: Seconds that all epochs together will still take; None if not known, or not to be told here.
        overall: The same for all epochs together, with epochs as steps.
    """

    title: str
    done: int
    total: int | None
    elapsed: float
    left: float | None = None
    pace: float | None = None
    metrics: tuple[tuple[str, str], ...] = ()
    validating: bool = False
    first: str = ""
    run_left: float | None = None
    overall: Overall | None = None


@dataclass(frozen=True)
class Overall:
    """How far all epochs together are.

    Attributes:
        done: Epochs, with the part of the one that runs.
        total: Epochs that there are.
        elapsed: Seconds since the run began.
        left: Seconds that they will still take; None if not known.
    """

    done: float
    total: int
    elapsed: float
    left: float | None


def width(row: Iterable[Span]) -> int:
    """Return the columns of the terminal that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def plain(row: Iterable[Span]) -> str:
    """Return the text of a row."""
    return "".join(text for text, _ in row)


def live_rows(view: View, columns: int, *, ascii_only: bool = False) -> list[Row]:
    """Lay out what is drawn over and over: in one row where everything fits, else the metrics below.

    Args:
        view: What to show.
        columns: The width that no row exceeds.
        ascii_only: Draw the bar with ASCII characters.

    Returns:
        The rows. Where there is not enough room the pace is left out first, then the time that has passed, then that
        of the epoch, then the bar.
    """
    fraction = None if view.total is None else view.done / view.total if view.total else 1.0
    style = "bar.validation" if view.validating else "bar"
    rows = _with_bar(view.title, fraction, style, _afters(view), pairs(view.metrics), columns, ascii_only)
    if view.overall is not None:
        overall = view.overall
        count = ((f"{int(overall.done)}/{overall.total} epochs", "count"),)
        after: list[Row] = [count, _times([duration(overall.elapsed), _left(overall.left)])]
        fraction = overall.done / overall.total if overall.total else 1.0
        rows += _with_bar("Total".ljust(len(view.title)), fraction, "bar", [after], [], columns, ascii_only)
    return rows


def line_rows(view: View, columns: int | None) -> list[Row]:
    """Lay out what stays of an evaluation or a prediction.

    Args:
        view: What to show.
        columns: The width that no row exceeds. None: one row, however long.
    """
    pieces: list[Row] = [((view.title, "title"),), (_counted(view),), ((duration(view.elapsed), "time"),)]
    pieces += [((text, "time"),) for text in ("" if view.pace is None else pace(view.pace), view.first) if text]
    return flow([*pieces, *pairs(view.metrics)], columns)


def pairs(metrics: Iterable[tuple[str, str]]) -> list[Row]:
    """Return each metric's name with its value beside it."""
    return [((f"{name} ", "metric"), (value, "value")) for name, value in metrics]


def sentence(text: str, style: str, columns: int | None) -> list[Row]:
    """Lay out a sentence, broken between words; a no-break space in it is written as a space."""
    lines = [text] if columns is None else wrap(text, columns, subsequent_indent=" " * _INDENT)
    return [((line.replace(NO_BREAK, " "), style),) for line in lines]


def flow(pieces: Sequence[Row], columns: int | None, *, indented: bool = False) -> list[Row]:
    """Put pieces side by side, and into the next row where one does not fit any more.

    A piece is broken only if it is wider than a whole row.

    Args:
        pieces: The pieces.
        columns: The width that no row exceeds. None: one row, however long.
        indented: Whether the first row is indented as the others are.
    """
    if columns is None:
        return [_joined(pieces)]
    indent = _INDENT if columns >= 4 * _INDENT else 0
    rows: list[list[Row]] = [[]]
    used = indent if indented else 0
    for piece in pieces:
        if rows[-1] and used + 2 + width(piece) > columns:
            rows.append([])
            used = indent
        used += 2 if rows[-1] else 0
        first, *others = _broken(piece, columns - used, columns - indent)
        rows[-1].append(first)
        used += width(first)
        for part in others:
            rows.append([part])
            used = indent + width(part)
    margin: Row = ((" " * indent, ""),) if indent else ()
    return [(margin if indented or number else ()) + _joined(row) for number, row in enumerate(rows)]


def _joined(pieces: Sequence[Row]) -> Row:
    row: list[Span] = []
    for piece in pieces:
        row += [_GAP, *piece] if row else piece
    return tuple(row)


def _broken(piece: Row, room: int, room_below: int) -> list[Row]:
    """Break a piece into rows, the first of the one width, all others of the other.

    A metric's value is never in a row without the end of its name.
    """
    if width(piece) <= room:
        return [piece]
    # The space between name and value goes with the value, so that it never begins a row.
    names = [(text.rstrip(), style) for text, style in piece[:-1]]
    value: Span = (f" {piece[-1][0].rstrip()}", piece[-1][1])
    if not names or width([value]) + 2 > room_below:  # not even one wide character of the name has room beside it
        return _cut(piece, room, room_below)
    *rows, last = _cut(names, room, room_below)
    if width(last) + width([value]) > (room_below if rows else room):
        tail = last[-_TAIL:]
        while width(tail) + width([value]) > room_below:
            tail = tail[1:]
        rows, last = [*rows, last[: -len(tail)]], tail
    return [*rows, (*last, value)]


def _cut(piece: Iterable[Span], room: int, room_below: int) -> list[Row]:
    """Cut a piece into rows, a span for each character."""
    rows: list[list[Span]] = [[]]
    for text, style in piece:
        for character in text:
            columns = cell_len(character)
            if columns > room:
                rows.append([])
                room = room_below
            rows[-1].append((character, style))
            room -= columns
    return [tuple(row) for row in rows]


def _with_bar(
    title: str,
    fraction: float | None,
    style: str,
    afters: list[list[Row]],
    metrics: list[Row],
    columns: int,
    ascii_only: bool,
) -> list[Row]:
    """Put a bar behind the title, as wide as there is room, with the metrics in the same row if they fit.

    Behind the bar comes the first of `afters` with which it fits into a row.
    """
    head = ((title, "title"),)
    least = 0 if fraction is None else 2 + _LEAST_BAR
    beside = sum(2 + width(piece) for piece in metrics)
    widths = [width(head) + sum(2 + width(piece) for piece in after) for after in afters]
    for extra, shown in ((beside, metrics), (0, [])):
        for after, fixed in zip(afters, widths, strict=True):
            if fixed + least + extra <= columns:
                room = min(columns - fixed - extra - 2, _WIDEST_BAR)
                bar = [] if fraction is None else [_bar(fraction, room, style, ascii_only)]
                rows = [_joined([head, *bar, *after, *shown])]
                return rows if shown else rows + _below(metrics, columns)
    return flow([head, *afters[-1]], columns) + _below(metrics, columns)


def _below(metrics: list[Row], columns: int) -> list[Row]:
    """Lay out metrics in rows of their own; those that have no value yet take none."""
    return [row for row in flow(metrics, columns, indented=True) if plain(row).strip()]


def _bar(fraction: float, columns: int, style: str, ascii_only: bool) -> Row:
    full = int(min(1.0, max(0.0, fraction)) * columns)
    done, rest = ("=", "-") if ascii_only else ("━", "─")
    return ((done * full, style), (rest * (columns - full), "bar.rest"))


def _counted(view: View) -> Span:
    if view.total is None:
        count = f"{view.done}" if view.validating else f"{view.done} steps"
    else:
        count = f"{view.done:>{len(str(view.total))}}/{view.total}"
    return (f"validating {count}" if view.validating else count, "count")


def _afters(view: View) -> list[list[Row]]:
    """Return what may stand behind the bar, the one with the most first."""
    count: Row = (_counted(view),)
    step = "" if view.pace is None else pace(view.pace)
    passed, left = duration(view.elapsed), _left(view.left)
    run_left = "" if view.run_left is None else f"run {_left(view.run_left)}"
    least = [run_left or left or passed]
    return [
        [count, *(((text, "time"),) for text in (step, view.first) if text), _times([passed, left, run_left])],
        [count, *([((step, "time"),)] if step else []), _times([passed, left, run_left])],
        [count, _times([passed, left, run_left])],
        [count, _times([left, run_left] if left else least)],
        [count, _times(least)],
    ]


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"{duration(seconds)} left"


def _times(texts: Iterable[str]) -> Row:
    return ((", ".join(filter(None, texts)), "time"),)

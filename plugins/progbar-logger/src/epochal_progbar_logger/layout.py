"""Where everything stands in a line: pure functions from what is to be shown to rows of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from .format import duration, pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[str, str]
"""A text and the name of its style."""
Row = tuple[Span, ...]
"""A line of the terminal, without its line break."""

_GAP: Span = ("  ", "")
_INDENT = 2
_LEAST_BAR, _WIDEST_BAR = 8, 30


@dataclass(frozen=True)
class View:
    """What is to be shown of one pass over the data.

    Attributes:
        title: "Epoch 3/10".
        done: Steps that ended.
        total: Steps that there are; None if not known.
        elapsed: Seconds since it began.
        left: Seconds that it will still take; None if not known.
        pace: Seconds a step; None before the first one.
        metrics: Names and values.
        validating: Whether the steps are those of the validation inside an epoch.
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
    """Give the columns of the terminal that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def plain(row: Iterable[Span]) -> str:
    """Give the text of a row."""
    return "".join(text for text, _ in row)


def live_rows(view: View, columns: int, *, ascii_only: bool = False) -> list[Row]:
    """Lay out what is drawn over and over: in one row where everything fits, else the metrics below.

    Args:
        view: What to show.
        columns: The width that no row exceeds.
        ascii_only: Draw the bar with ASCII characters.

    Returns:
        The rows. Nothing is left out but the bar, where there is no room for it.
    """
    fraction = None if view.total is None else view.done / view.total if view.total else 1.0
    style = "bar.validation" if view.validating else "bar"
    after = [(_counted(view),), _times(view.elapsed, view.left, view.pace if view.total is None else None)]
    rows = _with_bar(view.title, fraction, style, after, _metrics(view), columns, ascii_only)
    if view.overall is not None:
        overall = view.overall
        count = ((f"{int(overall.done)}/{overall.total} epochs", "count"),)
        after = [count, _times(overall.elapsed, overall.left, None)]
        fraction = overall.done / overall.total if overall.total else 1.0
        rows += _with_bar("Total".ljust(len(view.title)), fraction, "bar", after, [], columns, ascii_only)
    return rows


def line_rows(view: View, columns: int | None) -> list[Row]:
    """Lay out what stays of a pass over the data.

    Args:
        view: What to show.
        columns: The width that no row exceeds. None: one row, however long.
    """
    pieces: list[Row] = [((view.title, "title"),), (_counted(view),), ((duration(view.elapsed), "time"),)]
    if view.pace is not None:
        pieces.append(((pace(view.pace), "time"),))
    return flow([*pieces, *_metrics(view)], columns)


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
    """Break a piece into rows, the first of the one width, all others of the other."""
    if width(piece) <= room:
        return [piece]
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
    after: list[Row],
    metrics: list[Row],
    columns: int,
    ascii_only: bool,
) -> list[Row]:
    """Put a bar behind the title, as wide as there is room, with the metrics in the same row if they fit."""
    head = ((title, "title"),)
    fixed = width(head) + sum(2 + width(piece) for piece in after)
    needed = fixed + sum(2 + width(piece) for piece in metrics)
    least = 0 if fraction is None else 2 + _LEAST_BAR
    room = columns - 2 - (needed if needed + least <= columns else fixed)
    bar = () if fraction is None or room < _LEAST_BAR else _bar(fraction, min(room, _WIDEST_BAR), style, ascii_only)
    pieces = [head, *([bar] if bar else []), *after]
    if needed + least <= columns:
        return flow([*pieces, *metrics], columns)
    return flow(pieces, columns) + (flow(metrics, columns, indented=True) if metrics else [])


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


def _times(elapsed: float, left: float | None, step: float | None) -> Row:
    text = duration(elapsed)
    if left is not None:
        text += f", {duration(left)} left"
    elif step is not None:
        text += f", {pace(step)}"
    return ((text, "time"),)


def _metrics(view: View) -> list[Row]:
    return [((f"{name} ", "metric"), (value, "value")) for name, value in view.metrics]

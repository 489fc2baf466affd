"""The table of a fit: one header, a row for each epoch, every value below the one of the epoch before.

Where there is no edge (a file) and where there is not room enough, every value has its name beside it instead, and
stands at the same place in every epoch all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells

from epochal.views import WIDTH, reading_order

from .layout import flow, pairs, sentence, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .layout import Row

_LEAST_TIME, _LEAST_PACE = len("0:04"), len("35.2 ms")
_WIDEST_VALUE = 24
"""Columns that a value may take in the table; longer ones, which are texts, are cut."""
_PARTS = re.compile(r"[^_/ .-]*[_/ .-]+|[^_/ .-]+")
_LONGEST_PART = 14
"""Columns of a part of a name that is not broken."""
_HEADER_ROWS = 3
"""Into how many rows a header may be broken."""


@dataclass(frozen=True)
class Entry:
    """What a row says of an epoch; empty texts where there is nothing to say yet.

    Attributes:
        epoch: " 3/10".
        metrics: Names and values.
        count: The steps, "100/100".
        time: How long it took, "0:04".
        pace: What a step took, "35.2 ms".
        note: What else is to be said, once: "first step 2.31 s".
    """

    epoch: str
    metrics: tuple[tuple[str, str], ...] = ()
    count: str = ""
    time: str = ""
    pace: str = ""
    note: str = ""


@dataclass(frozen=True)
class _Layout:
    """Where everything stands.

    Attributes:
        names: The metrics, from left to right.
        widths: The width of each column: the epoch's, the metrics', the time's, and, if there is room, the pace's.
        gap: The spaces between two columns.
        header: The rows of the header.
    """

    names: tuple[str, ...]
    widths: tuple[int, ...]
    gap: str
    header: tuple[Row, ...]


class Table:
    """Lays out the epochs of a fit, one after another.

    Columns only ever become wider, and metrics that come later get a column of their own; the header is written again
    then. A metric that an epoch does not have leaves its place empty.

    Attributes:
        since_header: Rows that were written since the header, or since `turn_page`.
    """

    def __init__(self) -> None:
        self.since_header = 0
        self._values: dict[str, int] = {}
        self._epoch = self._count = 0
        self._time, self._pace = _LEAST_TIME, _LEAST_PACE
        self._known: tuple[object, _Layout | None] = (None, None)
        self._above: _Layout | None = None
        """The layout whose header stands above what comes next."""

    def turn_page(self) -> None:
        """Write the header again with the next row: the one above cannot be seen any more."""
        self.since_header, self._above = 0, None

    def preview(self, entry: Entry, columns: int) -> list[Row] | None:
        """Lay out the epoch that runs, below what was written; None where a table has no room."""
        self._fit(entry)
        layout = self._layout(columns)
        if layout is None:
            return None
        return [*(() if layout == self._above else layout.header), *_row(entry, layout, columns)]

    def write(self, entry: Entry, columns: int | None) -> list[Row]:
        """Lay out what stays of an epoch.

        Args:
            entry: The epoch.
            columns: The width that no row exceeds. None: one row, however long.
        """
        self._fit(entry)
        layout = None if columns is None else self._layout(columns)
        if layout is None or columns is None:
            rows = self._named(entry, columns)
        elif layout == self._above:
            rows = _row(entry, layout, columns)
        else:
            rows = [*layout.header, *_row(entry, layout, columns)]
            self.since_header = 0
        self._above = layout
        self.since_header += len(rows)
        return rows

    def pairs(self, metrics: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return all metrics that there were, each with its value, padded so that the next one keeps its place.

        Those without a value are spaces.
        """
        values = dict(metrics)
        return tuple(
            (name if name in values else " " * cell_len(name), _padded(values.get(name, ""), self._values[name]))
            for name in reading_order(self._values)
        )

    def _fit(self, entry: Entry) -> None:
        """Widen what is too narrow for an epoch."""
        for name, value in entry.metrics:
            if (wanted := cell_len(value)) > self._values.get(name, 0):
                self._values[name] = max(WIDTH, wanted)
        self._epoch = max(self._epoch, len(entry.epoch))
        self._count = max(self._count, len(entry.count))
        self._time = max(self._time, len(entry.time))
        self._pace = max(self._pace, len(entry.pace))

    def _layout(self, columns: int) -> _Layout | None:
        """Return the layout for a width; None where everything does not fit, however the header is broken."""
        key = (columns, self._epoch, self._time, self._pace, *self._values.items())
        if self._known[0] != key:
            self._known = (key, self._made(columns))
        return self._known[1]

    def _made(self, columns: int) -> _Layout | None:
        metrics = [(name, min(self._values[name], _WIDEST_VALUE)) for name in reading_order(self._values)]
        times = [("time", self._time), ("per step", self._pace)]
        # What a step took is the first to go, as the bar says it too; then the header is broken, then the gaps shrink.
        for gap, last, rows in product((2, 1), (times, times[:1]), range(1, _HEADER_ROWS + 1)):
            wanted = [("epoch", max(len("epoch"), self._epoch)), *metrics, *last]
            widths = tuple(_column_width(name, least, rows) for name, least in wanted)
            if sum(widths) + gap * (len(widths) - 1) <= columns:
                header = _header([name for name, _ in wanted], widths, " " * gap)
                return _Layout(tuple(name for name, _ in metrics), widths, " " * gap, header)
        return None

    def _named(self, entry: Entry, columns: int | None) -> list[Row]:
        """Lay out an epoch without a header, each value beside its name."""
        pieces: list[Row] = [((f"Epoch {entry.epoch}", "title"),)]
        if entry.count:
            pieces.append(((entry.count.ljust(self._count), "count"),))
        pieces.append(((entry.time.rjust(self._time), "time"),))
        pace = f"{entry.pace}/step" if entry.pace else ""
        pieces.append(((pace.ljust(self._pace + len("/step")), "time"),))
        metrics = pairs(self.pairs(entry.metrics))
        if entry.note:
            metrics.append(((entry.note, "time"),))
        if columns is None or sum(width(piece) + 2 for piece in pieces + metrics) - 2 <= columns:
            rows = flow(pieces + metrics, columns)
        else:
            rows = flow(pieces, columns) + flow(metrics, columns, indented=True)
        return [row for row in map(_stripped, rows) if row]


def _row(entry: Entry, layout: _Layout, columns: int) -> list[Row]:
    """Lay out an epoch below a header."""
    values, gap = dict(entry.metrics), layout.gap
    epoch, *others = layout.widths
    metrics = [gap + _cell(values.get(name, ""), wide) for name, wide in zip(layout.names, others, strict=False)]
    widths = others[len(metrics) :]
    times = [gap + text.rjust(wide) for text, wide in zip((entry.time, entry.pace), widths, strict=False)]
    row = _stripped(((entry.epoch.rjust(epoch), "title"), ("".join(metrics), "value"), ("".join(times), "time")))
    if not entry.note:
        return [row]
    if width(row) + 2 + len(entry.note) <= columns:
        return [(*row, (f"  {entry.note}", "time"))]
    return [row, *((("  ", ""), *line) for line in sentence(entry.note, "time", columns - 2))]


def _cell(text: str, wide: int) -> str:
    """Return a value as it stands in its column, at the right."""
    if cell_len(text) > wide:
        text = chop_cells(text, wide - 1)[0] + "…"
    return " " * (wide - cell_len(text)) + text


def _padded(text: str, wide: int) -> str:
    return text + " " * (wide - cell_len(text))


def _column_width(name: str, least: int, rows: int) -> int:
    """Return the least width of a column whose header takes at most so many rows."""
    longest = max(map(cell_len, _PARTS.findall(name)), default=0)
    wide = max(least, -(-cell_len(name) // rows), min(longest, _LONGEST_PART))
    while len(_broken_name(name, wide)) > rows:
        wide += 1
    return wide


def _broken_name(name: str, wide: int) -> list[str]:
    """Break a name into lines, behind underscores and the like where that is possible."""
    lines = [""]
    for part in _PARTS.findall(name):
        for piece in chop_cells(part, wide) if cell_len(part) > wide else [part]:
            if lines[-1] and cell_len(lines[-1] + piece) > wide:
                lines.append("")
            lines[-1] += piece
    return [line.strip() for line in lines]


def _header(names: Sequence[str], widths: Sequence[int], gap: str) -> tuple[Row, ...]:
    """Lay out the header; a name of fewer rows stands in the lower ones."""
    broken = [_broken_name(name, wide) for name, wide in zip(names, widths, strict=True)]
    rows = max(map(len, broken))
    lines = [
        gap.join(" " * (wide - cell_len(part)) + part for part, wide in zip(parts, widths, strict=True))
        for parts in zip(*([""] * (rows - len(name)) + name for name in broken), strict=True)
    ]
    return tuple(((line.rstrip(), "header"),) for line in lines)


def _stripped(row: Row) -> Row:
    """Return a row without the spaces at its end."""
    spans = list(row)
    while spans and not spans[-1][0].rstrip():
        spans.pop()
    return (*spans[:-1], (spans[-1][0].rstrip(), spans[-1][1])) if spans else ()

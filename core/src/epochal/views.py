"""What people read: metrics in their order and as text, and tables for a terminal, a notebook or a file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from .callback import Place
    from .run import Run

VALIDATION = "val_"
WIDTH = 8
"""The most characters that a float takes as text."""

# Neither a colour nor a background: the table takes those of the page, light or dark.
_CELL = "padding: 0.1em 0.8em; text-align: {}; white-space: pre-wrap; font-variant-numeric: tabular-nums"


def reading_order(names: Iterable[str]) -> list[str]:
    """Return the names of metrics as people read them: `loss`, the other metrics, then `val_loss`, the other `val_…`.

    Whatever shows metrics to people uses this order. Logs and files keep Keras's, so that programs find what they
    expect. Names of equal rank stay in the order in which they are passed.

    >>> reading_order(["accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"])
    ['loss', 'accuracy', 'learning_rate', 'val_loss', 'val_accuracy']
    """
    return sorted(names, key=_rank)


def _rank(name: str) -> tuple[bool, bool]:
    text = str(name)  # a callback may add any key to the logs
    metric = text.removeprefix(VALIDATION)
    return metric != text, metric != "loss"


def number(value: float) -> str:
    """Return a number with four decimals, or as a power of ten where these would hide it.

    A float takes at most `WIDTH` characters, so that its column never has to become wider: where four decimals are too
    many, it has fewer.

    >>> number(0.45123), number(1e-4), number(3), number(float("nan"))
    ('0.4512', '1.00e-04', '3', 'nan')
    >>> number(1234.56789), number(-1e-4)
    ('1234.568', '-1.0e-04')
    """
    if isinstance(value, int):
        return str(value)
    if value == 0 or not math.isfinite(value):
        return "0.0000" if value == 0 else str(value)
    notation, decimals = ("f", 4) if 1e-3 <= abs(value) < 99_999.5 else ("e", 2)
    while len(text := f"{value:.{decimals}{notation}}") > WIDTH and decimals:
        decimals -= 1
    return text


@dataclass(frozen=True)
class View:
    """A table with a line above it.

    Attributes:
        title: The line.
        header: The columns' names; empty: no header.
        rows: The cells' texts, row by row.
        numbers: Whether every column but the first holds numbers, to be aligned at the right.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        yield Text(self.title, "bold")
        table = Table(box=SIMPLE_HEAD if self.header else None, show_header=bool(self.header), pad_edge=False)
        for number, name in enumerate(self.header or self.rows[0]):
            justify = "right" if number and self.numbers else "left"
            table.add_column(Text(name if self.header else ""), justify=justify, overflow="fold")  # type: ignore[arg-type]
        for row in self.rows:
            table.add_row(*map(Text, row))  # Text: nobody's name or reason is taken for markup
        yield table

    def html(self) -> str:
        """Return the table as HTML, with everything escaped."""
        return "".join(self._html())

    def _html(self) -> Iterator[str]:
        yield f"<div><strong>{escape(self.title)}</strong></div><table>"
        if self.header:
            yield f"<thead><tr>{self._cells('th', self.header)}</tr></thead>"
        yield "<tbody>"
        for row in self.rows:
            yield f"<tr>{self._cells('td', row)}</tr>"
        yield "</tbody></table>"

    def _cells(self, tag: str, texts: Sequence[str]) -> str:
        return "".join(
            f'<{tag} style="{_CELL.format("right" if number and self.numbers else "left")}">{escape(text)}</{tag}>'
            for number, text in enumerate(texts)
        )


class Order(list["Place"]):
    """The places of a run's callbacks, in the order in which they are called; a list that shows itself as a table."""

    def _view(self) -> View:
        rows = [(str(number), place.name, place.reason) for number, place in enumerate(self, start=1)]
        return View("The order of the callbacks", ("", "callback", "why there"), rows)

    def __rich__(self) -> View:
        return self._view()

    def _repr_html_(self) -> str:
        return self._view().html()


def run_view(run: Run) -> View:
    """Return what a run is and how it ended."""
    outcome = run.outcome
    ended = "runs" if outcome is None else f"{outcome.status}: {outcome.reason}" if outcome.reason else outcome.status
    rows = [("outcome", ended)]
    if run.epoch is not None:
        epochs = run.params.get("epochs")
        rows.append(("epoch", f"{run.epoch + 1}" if epochs is None else f"{run.epoch + 1} of {epochs}"))
        rows.append(("steps", str(run.step)))
    rows.append(("callbacks", ", ".join(run.callbacks)))
    return View(f"Run {run.id[:8]} ({run.stage})", (), rows)

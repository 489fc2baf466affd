"""One fit, evaluation or prediction on display: how far it is, and where that is shown."""

from __future__ import annotations

import math
import sys
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from epochal.console import is_live, make_console

from .display import Lines, Terminal, terminal_in_use
from .layout import line_rows, live_rows, sentence
from .notebook import Notebook
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console
    from rich.style import Style

    from epochal import Outcome

    from .layout import Row
    from .progress import Progress

_MOST_PART = 0.01
"""The most of the time that drawing may take, on a slow terminal too."""
_LONGEST_WAIT = 1.0
"""Seconds after which it is drawn again, however slow the terminal is."""


class Show:
    """Draws and writes how far something is.

    Args:
        progress: How far it is.
        display: Where to show it.
        clock: Gives the time, in seconds.
        interval: Seconds from one drawing to the next, at least.
        overall: Whether a second bar shows all epochs together.

    Attributes:
        holds: Whether there is an epoch whose row was not written yet, because the epochs follow each other too fast.
    """

    def __init__(
        self, progress: Progress, display: Lines, clock: Callable[[], float], interval: float, *, overall: bool
    ) -> None:
        self.progress = progress
        self.display = display
        self._clock = clock
        self._interval = interval
        self._overall = overall
        self._table = Table()
        self._next = -math.inf
        self.holds = False
        self._finalizer: weakref.finalize[..., Any] | None = None

    def draw(self) -> float:
        """Draw; gives the time of the clock at which to draw again."""
        display = self.display
        if not display.live:
            return math.inf
        begin = self._clock()
        display.draw(self._live_rows(begin, display.columns or 80))
        end = self._clock()
        self.holds = False
        self._next = end + max(self._interval, min(_LONGEST_WAIT, (end - begin) / _MOST_PART))
        return self._next

    def _live_rows(self, now: float, columns: int) -> list[Row]:
        """Lay out the epoch that runs as a row of the table, with its bar below; without a table they change places."""
        progress, ascii_only = self.progress, self.display.ascii_only
        view = progress.live_view(now, overall=self._overall)
        if progress.stage != "train":
            return live_rows(view, columns, ascii_only=ascii_only)
        above = self._table.preview(progress.running_entry(), columns)
        if above is None:
            return live_rows(replace(view, metrics=self._table.pairs(view.metrics)), columns, ascii_only=ascii_only)
        bar = live_rows(replace(view, metrics=()), columns, ascii_only=ascii_only)
        return [*(above if view.metrics else ()), *bar]

    def write_line(self, logs: Mapping[str, Any]) -> None:
        """Write the line that stays of an epoch, an evaluation or a prediction."""
        self.progress.take_results(logs)
        self._write_line()

    def _write_line(self) -> None:
        display, progress, now = self.display, self.progress, self._clock()
        if progress.stage != "train":
            display.print(line_rows(progress.line_view(now), display.columns))
            return
        if self._table.since_header >= display.page:
            self._table.turn_page()
            display.turn_page()
        rows = self._table.write(progress.entry(now), display.columns)
        # An epoch of milliseconds costs nothing but its row: nobody could see more than the bar's refreshs anyway.
        self.holds = display.live and now < self._next and progress.epoch_seconds(now) < self._interval
        if self.holds:
            display.hold(rows)
        else:
            display.print(rows)

    def end(self, outcome: Outcome) -> None:
        """Write what was not ended, and how it all ended; leave the terminal as it was."""
        try:
            if self.progress.is_unfinished:
                self._write_line()
            closing = self.progress.closing(outcome, self._clock())
            if closing:
                self.display.print(sentence(closing, outcome.status, self.display.columns))
        finally:
            self.close()

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._finalizer is not None:
            self._finalizer.detach()
        self.display.close()

    def close_with(self, owner: Any) -> None:
        """Leave the terminal as it was when an object is let go of, at the latest when the program ends."""
        self._finalizer = weakref.finalize(owner, self.display.close)


def choose_display(
    stream: str, console: Console | None, styles: Mapping[str, Style], is_left: Callable[[], bool], *, live: bool
) -> Lines:
    """Choose how to show on a stream: live if that is wanted and can be done, else in lines.

    Args:
        stream: "stdout" or "stderr".
        console: The run's console, for the standard output. None: make one.
        styles: Styles by name.
        is_left: Tells, later, whether whatever is shown was left without an end.
        live: Whether live is wanted.
    """
    other = terminal_in_use()
    if other is not None and other.is_left():
        other.close()
        other = None
    if console is None:
        console = make_console(sys.stderr if stream == "stderr" else None)
    if not live or other is not None or console.legacy_windows or not is_live(console):
        return Lines(console, styles)
    return Notebook(console, styles) if console.is_jupyter else Terminal(console, styles, is_left)

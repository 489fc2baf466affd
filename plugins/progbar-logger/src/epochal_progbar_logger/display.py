"""Where it is shown: a display takes rows that stay, and one that can do so draws others over and over."""

from __future__ import annotations

import sys
from contextlib import suppress
from threading import RLock
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from rich.color import ColorSystem

from .layout import width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console
    from rich.style import Style

    from .layout import Row

_COLOR_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "windows": ColorSystem.WINDOWS,
}
_MARGIN = 2
"""Columns left free at the right: a terminal writes `^C` there, and must not break the line for it."""
_LEAST_PAGE = 10
NOTEBOOK_COLUMNS = 100
NOTEBOOK_PAGE = 60
"""How many rows an output takes before the next one is begun: all of a live one is sent anew each time."""
_UP, _ERASE_LINE, _ERASE_END, _ERASE_BELOW = "\x1b[1A", "\x1b[2K", "\x1b[K", "\x1b[J"


class Lines:
    """Writes whole lines and draws nothing: for files, pipes, and `verbose=2`.

    Args:
        console: Tells where to write, in which colours and widths.
        styles: Styles by name.

    Attributes:
        live: Whether `draw` does anything.
    """

    live = False

    def __init__(self, console: Console, styles: Mapping[str, Style]) -> None:
        self._console = console
        self._paint = _painter(console, styles)
        self._stream = console.file

    @property
    def columns(self) -> int | None:
        """The width that rows should keep to; None: rows may be as long as they like."""
        if self._console.is_jupyter:
            return NOTEBOOK_COLUMNS
        return max(10, self._console.width - _MARGIN) if self._console.is_terminal else None

    @property
    def page(self) -> int:
        """How many rows can be seen at once, so that a header is to be repeated after them."""
        if self._console.is_jupyter:
            return NOTEBOOK_PAGE
        return max(_LEAST_PAGE, self._console.height - _LEAST_PAGE)

    def turn_page(self) -> None:
        """Take in that a page is full."""

    @property
    def ascii_only(self) -> bool:
        """Whether nothing but ASCII can be written."""
        return not self._console.encoding.startswith("utf")

    def print(self, rows: Iterable[Row]) -> None:
        """Write rows that stay."""
        _write(self._stream, self._lines(rows))

    def hold(self, rows: Iterable[Row]) -> None:
        """Write rows that stay, at the latest when something is drawn or written again."""
        self.print(rows)

    def draw(self, rows: list[Row]) -> None:
        """Draw rows over what was drawn before."""

    def close(self) -> None:
        """Leave everything as it was found, with what was drawn last. May be called more than once."""

    def _lines(self, rows: Iterable[Row]) -> str:
        return "".join(f"{self._paint(row)}\n" for row in rows)


class Terminal(Lines):
    """Draws at the bottom of a terminal; what others print meanwhile goes above.

    The cursor stays visible, and nothing about the terminal is set, so a process that is killed leaves nothing to be
    put right.

    Args:
        console: The console of the terminal.
        styles: Styles by name.
        is_left: Tells whether nobody draws on this display any more, though it was not closed.
    """

    live = True

    def __init__(self, console: Console, styles: Mapping[str, Style], is_left: Callable[[], bool]) -> None:
        super().__init__(console, styles)
        self.is_left = is_left
        self._lock = RLock()
        self._drawn: list[Row] = []
        self._drawing = ""
        self._held = ""
        self._stand_ins: dict[str, StandIn] = {}
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if _is_terminal(stream):
                self._stand_ins[name] = StandIn(stream, self.above)
                setattr(sys, name, cast("TextIO", self._stand_ins[name]))

    def print(self, rows: Iterable[Row]) -> None:
        """Write rows that stay, in the place of what is drawn."""
        with self._lock:
            _write(self._stream, self._erasing() + self._released() + self._lines(rows))
            self._drawn, self._drawing = [], ""

    def hold(self, rows: Iterable[Row]) -> None:
        """Write rows that stay above what is drawn next; what is drawn now stands until then."""
        with self._lock:
            self._held += self._lines(rows)

    def draw(self, rows: list[Row]) -> None:
        """Draw rows over what was drawn before."""
        rows = rows[: max(1, self._console.height - 1)]  # more could not be drawn over; the line that stays has it all
        with self._lock:
            back = self._erasing() + self._released() if self._held else "\r" + _UP * (self._height() - 1)
            drawing = "\n".join(self._paint(row) + _ERASE_END for row in rows)
            self._write(back + drawing + _ERASE_BELOW)
            self._drawn, self._drawing = rows, drawing

    def above(self, stream: TextIO, text: str) -> None:
        """Write whole lines of somebody else above what is drawn, to the stream that they were meant for."""
        with self._lock:
            self._write(self._erasing() + self._released())
            _write(stream, text)
            self._write(self._drawing)

    def close(self) -> None:
        """Restore the streams; what was drawn last stays."""
        with self._lock:
            for name, stand_in in self._stand_ins.items():
                stand_in.leave()
                if getattr(sys, name) is stand_in:
                    setattr(sys, name, stand_in.stream)
            self._stand_ins = {}
            if self._held:
                self.print([])
            if self._drawn:
                self._drawn = []
                _write(self._stream, "\n")

    def _write(self, text: str) -> None:
        """Write; if that fails there is no terminal any more, and what others print must not fail with it."""
        try:
            _write(self._stream, text)
        except (OSError, ValueError):
            self._drawn = []
            self.close()
            raise

    def _released(self) -> str:
        held, self._held = self._held, ""
        return held

    def _erasing(self) -> str:
        return "\r" + _ERASE_LINE + (_UP + _ERASE_LINE) * (self._height() - 1) if self._drawn else ""

    def _height(self) -> int:
        """Return the lines that the drawing takes; a terminal that became narrower has wrapped it."""
        columns = self._console.width
        return sum(max(1, -(-width(row) // columns)) for row in self._drawn) or 1


class StandIn:
    """Stands for `sys.stdout` or `sys.stderr`: whole lines are handed on, to be written above what is drawn.

    Of a line that is written over (with a carriage return, as other progress bars do) only the last state is handed on.

    Args:
        stream: The stream itself.
        above: Writes text that ends with a line break, to a stream.
    """

    def __init__(self, stream: TextIO, above: Callable[[TextIO, str], None]) -> None:
        self.stream = stream
        self.above = above
        self._begun = ""
        self._left = False

    def write(self, text: str) -> int:
        """Hand on the lines that are complete."""
        if self._left:
            return self.stream.write(text)
        lines, line_break, self._begun = (self._begun + text).rpartition("\n")
        if line_break:
            self.above(self.stream, "".join(f"{_last_state(line)}\n" for line in lines.split("\n")))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write a line that is not yet at its end as one."""
        if self._begun and not self._left and "\r" not in self._begun:
            self.write("\n")
        self.stream.flush()

    def leave(self) -> None:
        """Write the rest; from now on everything goes to the stream itself, for whoever kept this object."""
        if self._begun:
            self.write("\n")
        self._left = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]


def terminal_in_use() -> Terminal | None:
    """Return the display that draws on the terminal now."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, StandIn):
            return cast("Terminal", stream.above.__self__)  # type: ignore[attr-defined]
    return None


def _painter(console: Console, styles: Mapping[str, Style]) -> Callable[[Row], str]:
    """Make the function that turns a row into text with the terminal's colours, or into plain text."""
    system = _COLOR_SYSTEMS.get(console.color_system or "") if console.is_terminal else None
    if console.no_color:
        styles = {name: style.without_color for name, style in styles.items()}

    def paint(row: Row) -> str:
        return "".join(styles[name].render(text, color_system=system) for text, name in row)

    return paint


def _write(stream: IO[str], text: str) -> None:
    try:
        stream.write(text)
    except BrokenPipeError:
        return
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    with suppress(BrokenPipeError):  # nobody reads any more, `python train.py | head`; that ends no training
        stream.flush()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False

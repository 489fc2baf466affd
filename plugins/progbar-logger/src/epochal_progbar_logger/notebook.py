"""The display of a notebook: one output that is written anew, and stays in the saved notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from rich.terminal_theme import TerminalTheme

from .display import NOTEBOOK_COLUMNS, Lines
from .layout import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console
    from rich.style import Style

    from .layout import Row

_STYLE = (
    "white-space: pre; overflow-x: auto; margin: 0; line-height: 1.4; "
    "font-family: ui-monospace, Menlo, Consolas, monospace"
)
"""No row is broken by the browser, and the font is monospaced also where the page around it has none, as in an exported
notebook."""

_COLOURS = [
    *((110, 110, 110), (214, 64, 69), (46, 150, 84), (176, 125, 0)),
    *((64, 120, 230), (170, 80, 190), (20, 145, 155)),
]
_GREY = (128, 128, 128)
_THEME = TerminalTheme((255, 255, 255), (0, 0, 0), [*_COLOURS, _GREY], [_GREY, *_COLOURS[1:], _GREY])
"""Colours of middle brightness, which can be read on a light and on a dark page."""


class Notebook(Lines):
    """Shows the rows that stay, and below them what is drawn, as one output of the cell.

    Args:
        console: The console of the notebook.
        styles: Styles by name.
    """

    live = True
    columns = NOTEBOOK_COLUMNS
    ascii_only = False

    def __init__(self, console: Console, styles: Mapping[str, Style]) -> None:
        super().__init__(console, styles)
        self._styles = styles
        self._rows: list[Row] = []
        self._drawn: list[Row] = []
        self._handle: Any = None

    def print(self, rows: Iterable[Row]) -> None:
        """Show rows that stay, in the place of what is drawn."""
        self._rows += rows
        self._show([])

    def hold(self, rows: Iterable[Row]) -> None:
        """Keep rows that stay, to be shown with what is drawn next."""
        self._rows += rows

    def turn_page(self) -> None:
        """Begin a new output."""
        self._show([])
        self._rows, self._handle = [], None

    def draw(self, rows: list[Row]) -> None:
        """Show rows in the place of those drawn before."""
        self._show(rows)

    def _show(self, drawn: list[Row]) -> None:
        from IPython.display import display

        rows = self._rows + drawn
        content = {"text/plain": "\n".join(map(plain, rows)), "text/html": self._html(rows)}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)

    def _html(self, rows: Iterable[Row]) -> str:
        text = "\n".join("".join(self._span(*span) for span in row) for row in rows)
        return f'<pre style="{_STYLE}">{text}</pre>'

    def _span(self, text: str, name: str) -> str:
        css = self._styles[name].get_html_style(_THEME)
        return f'<span style="{escape(css)}">{escape(text)}</span>' if css else escape(text)

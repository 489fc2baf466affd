"""The display of a notebook: one output that is written anew, and stays in the saved notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from .display import NOTEBOOK_COLUMNS, Lines
from .layout import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console
    from rich.style import Style

    from .layout import Row

_STYLE = "white-space: pre; overflow-x: auto; margin: 0; font-family: ui-monospace, Menlo, Consolas, monospace"
"""No row is broken by the browser, and the font is monospaced also where the page around it has none, as in an exported
notebook."""


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
        css = self._styles[name].get_html_style()
        return f'<span style="{escape(css)}">{escape(text)}</span>' if css else escape(text)

"""Draw the screen of a terminal as an SVG, in which every character stands in its cell whatever font the reader has."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CELL, LINE, SIZE, PADDING = 8.43, 19, 14, 16
BACKGROUND, FOREGROUND = "#1e1f29", "#e4e6eb"
COLOURS = {
    "black": "#3b3f51",
    "red": "#ff6b6b",
    "green": "#7bd88f",
    "brown": "#f2c55c",  # what terminals call yellow
    "yellow": "#f2c55c",
    "blue": "#7aa2f7",
    "magenta": "#c792ea",
    "cyan": "#5fd7e0",
    "white": "#e4e6eb",
    "brightblack": "#8b90a5",
    "brightred": "#ff8f8f",
    "brightgreen": "#a5e8b3",
    "brightbrown": "#ffdd8a",
    "brightyellow": "#ffdd8a",
    "brightblue": "#a3bffa",
    "brightmagenta": "#dab4f2",
    "brightcyan": "#8ee8ee",
    "brightwhite": "#ffffff",
}


@dataclass(frozen=True)
class Style:
    """How a cell looks; colours are names of `COLOURS`, six hexadecimal digits, or "default"."""

    foreground: str = "default"
    background: str = "default"
    bold: bool = False
    italic: bool = False
    underlined: bool = False


Row = list[tuple[str, Style]]
"""The cells of a row, each with its character."""


def draw(rows: Sequence[Row], columns: int, title: str) -> str:
    """Return the picture of a screen.

    Args:
        rows: The rows, from the top.
        columns: How wide the screen is.
        title: What the picture shows, for those who do not see it.
    """
    width, height = round(columns * CELL + 2 * PADDING), len(rows) * LINE + 2 * PADDING
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img">',
        f"<title>{escape(title)}</title>",
        "<style>",
        f"  text {{ font-size: {SIZE}px; white-space: pre;",
        '         font-family: ui-monospace, "SF Mono", Consolas, "DejaVu Sans Mono", monospace; }',
        "</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
    ]
    for number, row in enumerate(rows):
        lines += _draw_row(row, PADDING + number * LINE)
    return "\n".join([*lines, "</svg>", ""])


def _draw_row(row: Row, top: int) -> Iterator[str]:
    column = 0
    for style, cells in groupby(row, key=lambda cell: cell[1]):
        text = "".join(character for character, _ in cells)
        left, width = PADDING + column * CELL, len(text) * CELL
        if style.background != "default":
            fill = _colour(style.background, BACKGROUND)
            yield f'<rect x="{left:.2f}" y="{top}" width="{width:.2f}" height="{LINE}" fill="{fill}"/>'
        if text.strip() or style.underlined:
            yield (
                f'<text x="{left:.2f}" y="{top + SIZE}" textLength="{width:.2f}" lengthAdjust="spacingAndGlyphs"'
                f"{_attributes(style)}>{escape(text, quote=False)}</text>"
            )
        column += len(text)


def _attributes(style: Style) -> str:
    parts = [f' fill="{_colour(style.foreground, FOREGROUND)}"']
    parts += [' font-weight="bold"'] * style.bold
    parts += [' font-style="italic"'] * style.italic
    parts += [' text-decoration="underline"'] * style.underlined
    return "".join(parts)


def _colour(name: str, default: str) -> str:
    return default if name == "default" else COLOURS.get(name) or f"#{name}"

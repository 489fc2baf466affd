"""How the help of a command looks; imported when it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from rich_argparse import RichHelpFormatter

from ..console import make_console

if TYPE_CHECKING:
    from collections.abc import Callable


class Help(RichHelpFormatter):
    """Breaks the lines of a text, but for blocks that are indented; on a terminal it has colours."""

    group_name_formatter: ClassVar[Callable[[str], str]] = str  # headings stay as argparse has them
    help_markup = text_markup = False  # to rich, [tool.epochal] would be markup
    styles: ClassVar[dict[str, Any]] = {
        **RichHelpFormatter.styles,
        "argparse.groups": "bold",
        "argparse.metavar": "green",
        "argparse.prog": "default",
    }

    def __init__(self, prog: str) -> None:
        super().__init__(prog, console=make_console())

    def _rich_fill_text(self, text: Text, width: int, indent: Text) -> Text:
        filled = Text()
        for block in text.split("\n\n"):
            filled += block + "\n\n" if block.plain.startswith(" ") else super()._rich_fill_text(block, width, indent)
        return filled

"""The styles of what is shown, by name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from rich.errors import StyleSyntaxError
from rich.style import Style

if TYPE_CHECKING:
    from collections.abc import Mapping

# Readable on dark and on light: text keeps the terminal's own colour or takes one of middle brightness.
DEFAULT = {
    "title": "bold",
    "header": "bold",
    "bar": "green",
    "bar.validation": "magenta",
    "bar.rest": "bright_black",
    "count": "",
    "time": "",
    "metric": "dim",
    "value": "",
    "completed": "green",
    "stopped": "magenta",
    "interrupted": "bold magenta",
    "failed": "bold red",
}


def make_styles(theme: Mapping[str, str] | None) -> dict[str, Style]:
    """Make the styles, the caller's in the place of the default ones.

    Args:
        theme: Some of the names of `DEFAULT`, with styles of rich ("bold cyan", "#5f87ff", "default on blue").

    Raises:
        TypeError: It is no mapping of text to text.
        ValueError: There is no style of such a name, or rich does not know what it means.
    """
    given = {} if theme is None else theme
    if not hasattr(given, "items") or not all(isinstance(each, str) for pair in given.items() for each in pair):
        raise TypeError(f"theme={theme!r} has to be a mapping of names to styles, like {{'bar': 'blue'}}")
    for name in given:
        if name not in DEFAULT:
            near = get_close_matches(name, DEFAULT, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"theme: there is no style {name!r}.{hint} There are: {', '.join(DEFAULT)}.")
    return {"": Style.null(), **{name: _parse(name, given.get(name, default)) for name, default in DEFAULT.items()}}


def _parse(name: str, definition: str) -> Style:
    try:
        return Style.parse(definition)
    except StyleSyntaxError as error:
        raise ValueError(f"theme: {name}={definition!r} is not a rich style ({error})") from None

"""TOML: parsed, and the lines in which its keys and tables stand."""

from __future__ import annotations

import re
import sys
from typing import Any


class TOMLError(ValueError):
    """A text is no TOML; the message says why, and where."""


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML, and raise a TOMLError whatever is wrong with it."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise TOMLError("lists or tables are nested too deeply") from None
    except ValueError as error:  # also a number of thousands of digits
        raise TOMLError(str(error)) from None


def line_of(text: str, keys: tuple[str, ...], number: int = 0) -> int | None:
    """Find the line in which a key or a table of a TOML file begins; None where it is written in another way.

    Args:
        text: The file's text.
        keys: The keys that lead to it.
        number: Which table of an array of tables is meant, counted from 0.
    """
    lines = text.split("\n")
    for depth in range(len(keys), 0, -1):
        headers = [place for place, line in enumerate(lines) if header_of(line) == keys[:depth]]
        if not headers:
            continue
        header = headers[min(number, len(headers) - 1)]
        if depth == len(keys):
            return header + 1
        for place in range(header + 1, len(lines)):
            if header_of(lines[place]) is not None:
                break
            if _leads_to(key_of(lines[place]), keys[depth:]):
                return place + 1
        return header + 1
    for place, line in enumerate(lines):  # keys above every table
        if header_of(line) is not None:
            break
        if _leads_to(key_of(line), keys):
            return place + 1
    below = (place for place, line in enumerate(lines) if (header_of(line) or ())[: len(keys)] == keys)
    return next((place + 1 for place in below), None)  # a table that is there for those below it alone


def _leads_to(key: tuple[str, ...] | None, keys: tuple[str, ...]) -> bool:
    """Tell whether a dotted key is where other keys begin, or goes on behind them."""
    shared = min(len(key or ()), len(keys))
    return shared > 0 and (key or ())[:shared] == keys[:shared]


_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"\s*{_PART}(?:\s*\.\s*{_PART})*\s*"


def header_of(line: str) -> tuple[str, ...] | None:
    """Give the keys of the table that begins in a line; None: none does."""
    found = re.match(rf"\s*\[\[?({_DOTTED})\]\]?\s*(#.*)?$", line)
    return _parts(found[1]) if found else None


def key_of(line: str) -> tuple[str, ...] | None:
    """Give the keys that get a value in a line; None: none do."""
    found = re.match(rf"({_DOTTED})=", line)
    return _parts(found[1]) if found else None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))

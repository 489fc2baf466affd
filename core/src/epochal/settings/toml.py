"""TOML: parsed, and the lines in which its keys and tables stand."""

from __future__ import annotations

import json
import re
import sys
from functools import lru_cache
from typing import Any

LONGEST_KEY = 100
"""The parts that a dotted key may have; the time that tomllib takes for one grows with their square."""

_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"\s*{_PART}(?:\s*\.\s*{_PART})*\s*"
_TOO_LONG = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{{LONGEST_KEY}}}")


class TOMLError(ValueError):
    """A text is no TOML; the message says why, and where."""


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML, and raise a TOMLError whatever is wrong with it."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    too_long = _TOO_LONG.search(text)
    if too_long is not None:
        line = text.count("\n", 0, too_long.start()) + 1
        raise TOMLError(f"the key in line {line} has more than {LONGEST_KEY} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise TOMLError("lists or tables are nested too deeply") from None
    except ValueError as error:  # also a number of thousands of digits
        raise TOMLError(str(error)) from None


def as_toml(value: Any) -> str:
    """Return a value of a config file as the file may write it, on one line.

    >>> as_toml({"a": [True, 1.5, "x"]})
    '{a = [true, 1.5, "x"]}'
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{as_key(key)} = {as_toml(each)}' for key, each in value.items())}}}"
    return str(value)


def as_key(key: str) -> str:
    """Return a part of a key, in quotes where it needs them."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def line_of(text: str, keys: tuple[str, ...], number: int = 0) -> int | None:
    """Return the line in which a key or a table of a TOML file begins; None where it is written in another way.

    Args:
        text: The file's text.
        keys: The keys that lead to it.
        number: Which table of an array of tables is meant, counted from 0.
    """
    index = _index(text)
    for depth in range(len(keys), 0, -1):
        headers = index.headers.get(keys[:depth], ())
        if headers:
            header = headers[min(number, len(headers) - 1)]
            return index.line_in(header, keys[depth:]) or header
    # Keys above every table; else a table that is there for those below it alone.
    return index.line_in(0, keys) or index.begun.get(keys)


@lru_cache(maxsize=4)
def _index(text: str) -> _Index:
    return _Index(text)


class _Index:
    """Where the tables and keys of a TOML text stand. Lines are counted from 1; line 0 is above every table.

    Attributes:
        headers: The keys of a table to the lines of its headers.
        begun: Keys to the line of the first header that begins with them.
    """

    def __init__(self, text: str) -> None:
        self.headers: dict[tuple[str, ...], list[int]] = {}
        self.begun: dict[tuple[str, ...], int] = {}
        self._keys: dict[tuple[int, tuple[str, ...]], int] = {}
        self._begun_keys: dict[tuple[int, tuple[str, ...]], int] = {}
        header = 0
        for line, content in enumerate(text.split("\n"), 1):
            table = header_of(content)
            if table is not None:
                header = line
                self.headers.setdefault(table, []).append(line)
                for length in range(1, len(table) + 1):
                    self.begun.setdefault(table[:length], line)
                continue
            key = key_of(content) or ()
            if key:
                self._keys.setdefault((header, key), line)
            for length in range(1, len(key) + 1):
                self._begun_keys.setdefault((header, key[:length]), line)

    def line_in(self, header: int, keys: tuple[str, ...]) -> int | None:
        """Return the first line below a header in which a dotted key is where these begin, or goes on behind them."""
        lines = [self._keys.get((header, keys[:length])) for length in range(1, len(keys))]
        lines.append(self._begun_keys.get((header, keys)))
        return min((line for line in lines if line is not None), default=None)


def header_of(line: str) -> tuple[str, ...] | None:
    """Return the keys of the table that begins in a line; None: none does."""
    found = re.match(rf"\s*\[\[?({_DOTTED})\]\]?\s*(#.*)?$", line)
    return _parts(found[1]) if found else None


def key_of(line: str) -> tuple[str, ...] | None:
    """Return the keys that get a value in a line; None: none do."""
    found = re.match(rf"({_DOTTED})=", line)
    return _parts(found[1]) if found else None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))

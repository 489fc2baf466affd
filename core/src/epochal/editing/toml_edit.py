"""Edits of TOML text in which everything else stays as it is, made by tomlkit.

The caller checks that the text then says what it should: tomlkit is not certain with every way to write a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table, Whitespace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Keys = tuple[str, ...]

_SPACE = "\0"  # in a comment above a header, as tomlkit indents new keys by the spaces ahead of it; TOML has no NUL


def edited(text: str, change: Callable[[Any], None]) -> str:
    """Return the text after a change to its document.

    Raises:
        TOMLKitError: It is written in a way that tomlkit does not keep.
    """
    document = tomlkit.parse(text if text.endswith("\n") or not text else f"{text}\n")
    if tomlkit.dumps(document).rstrip("\n") != text.rstrip("\n"):  # 0.15 moves arrays of tables with others between
        raise TOMLKitError("tomlkit changes the text")
    tail = _tie(document.body) if document else ""  # comments alone are about the file
    change(document)
    made = tomlkit.dumps(document).replace(_SPACE, " ") + tail
    while "\n\n\n" in made and "\n\n\n" not in text:  # a new table's own blank line, and tomlkit's
        made = made.replace("\n\n\n", "\n\n")
    return made if text.startswith("\n") else made.lstrip("\n")


def _tie(body: Any, loose: str = "") -> str:
    """Tie comments and blank lines above a header to it, and return those behind the last table.

    tomlkit takes them for the end of the table before, and puts what is new there behind them.
    """
    first = 0
    for place, (key, item) in enumerate(body):
        if isinstance(item, AoT) or (isinstance(item, Table) and not key.is_dotted()):
            loose += _cut(body, first, place)
            for table in item.body if isinstance(item, AoT) else [item]:
                if not table.is_super_table():
                    table.trivia.indent, loose = loose.replace(" ", _SPACE) + table.trivia.indent, ""
                loose = _tie(table.value.body, loose)
        if key is not None:
            first = place + 1
    return loose + _cut(body, first, len(body))


def _cut(body: Any, first: int, end: int) -> str:
    """Take comments and blank lines out of a body, from the first blank line on if there is one."""
    blanks = (place for place in range(first, end) if isinstance(body[place][1], Whitespace))
    places = range(next(blanks, first), end)
    cut = "".join(body[place][1].as_string() for place in places)
    for place in places:
        body[place] = None, Whitespace("")  # tomlkit counts the places
    return cut


def written(value: Any, typed: str | None = None) -> str:
    """Return a value as a file writes it; as it was typed, if that is TOML for it."""
    if typed is not None and "\n" not in typed:
        try:
            item: Any = tomlkit.value(typed.strip())
        except (TOMLKitError, ValueError):
            pass
        else:
            if repr(item.unwrap()) == repr(value):
                return typed.strip()
    return str(tomlkit.item(value).as_string())


def add_name(document: Any, keys: Keys, name: str) -> None:
    """Add a name to the end of a list, which is made if it is missing."""
    parent = _with_header(_parent(document, keys))
    parent.setdefault(keys[-1], tomlkit.array()).append(name)


def remove_name(document: Any, keys: Keys, name: str) -> None:
    """Remove a name from a list, as often as it is there."""
    names = _parent(document, keys)[keys[-1]]
    while name in names:
        names.remove(name)


def set_key(document: Any, keys: Keys, number: int, value: str) -> None:
    """Set a key of a table that is there, however the table is written; a new one comes last.

    Args:
        document: The document.
        keys: The keys that lead to it.
        number: Which table of an array of tables is meant, counted from 0.
        value: Its value, written as TOML.
    """
    _with_header(_parent(document, keys, number))[keys[-1]] = tomlkit.value(value)


def add_table(document: Any, keys: Keys, values: Mapping[str, str]) -> None:
    """Add a table that is missing, behind those beside it; its values are written as TOML."""
    _parent(document, keys)[keys[-1]] = _filled(_table(), values)


def add_instance(document: Any, keys: Keys, values: Mapping[str, str]) -> None:
    """Add one more table to an array of tables; a table that is there becomes its first one, else an empty one is."""
    parent = _parent(document, keys)
    there = parent.get(keys[-1], _table())
    if isinstance(there, Table) and not there.is_super_table():
        first = Table(there.value, there.trivia, is_aot_element=True, display_name=there.display_name)
        parent[keys[-1]] = AoT([first], parsed=True)
    elif not isinstance(there, list):
        parent[keys[-1]] = [there]
    tables = parent[keys[-1]]
    tables.append(_filled(_table() if isinstance(tables, AoT) else tomlkit.inline_table(), values))


def _parent(document: Any, keys: Keys, number: int = 0) -> Any:
    """Return the table that the last of the keys stands in; it and those above it are made if they are missing."""
    table = document
    for key in keys[:-1]:
        if key not in table:
            table[key] = _table(is_super_table=True)
        table = table[key]
        if isinstance(table, list):
            table = table[number]
    return table


def _with_header(table: Any) -> Any:
    """Return a table; one that is there for those below it alone is about to get a header, with a line above."""
    if isinstance(table, Table) and table.is_super_table() and table.display_name is None:
        table.trivia.indent = "\n"
    return table


def _table(is_super_table: bool | None = None) -> Any:
    table = tomlkit.table(is_super_table)
    table.trivia.indent = "\n"  # a line between it and what is above
    return table


def _filled(table: Any, values: Mapping[str, str]) -> Any:
    for key, value in values.items():
        table.append(key, tomlkit.value(value))
    return table

"""Edits of TOML text that leave every other character as it is.

What is there already is changed by tomlkit. What is new is put in by lines, as tomlkit sets it behind the comments that
belong to the next table. Neither checks that the text then says what it should: the caller does.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..settings.toml import header_of, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    Keys = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def written(value: Any, typed: str | None = None) -> str:
    """Give a value as a file writes it; as it was typed, if that is TOML for it.

    Args:
        value: The value.
        typed: How the user wrote it.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    if typed is not None and "\n" not in typed:
        try:
            item: Any = tomlkit.value(typed.strip())
        except (TOMLKitError, ValueError):
            pass
        else:
            if repr(item.unwrap()) == repr(value):
                return typed.strip()
    return str(tomlkit.item(value).as_string())


# What is there already


def add_name(text: str, keys: Keys, name: str) -> str:
    """Add a name to the end of a list."""
    import tomlkit

    document = tomlkit.parse(text)
    _item(document, keys, 0).append(name)
    return tomlkit.dumps(document)


def remove_name(text: str, keys: Keys, name: str) -> str:
    """Remove a name from a list, as often as it is there."""
    import tomlkit

    document = tomlkit.parse(text)
    names = _item(document, keys, 0)
    while name in names:
        names.remove(name)
    return tomlkit.dumps(document)


def put(text: str, keys: Keys, number: int, value: Any) -> str:
    """Set a key of a table, however the table is written; one that is new comes last.

    Args:
        text: The file's text.
        keys: The keys that lead to it; the tables that are missing are made.
        number: Which table of an array of tables is meant, counted from 0.
        value: The value, a plain one or what tomlkit makes of the text of one.
    """
    import tomlkit

    document = tomlkit.parse(text)
    parent: Any = document
    for key in keys[:-1]:
        if key not in parent:
            parent[key] = tomlkit.table(is_super_table=True)
        parent = _one(parent[key], number)
    parent[keys[-1]] = value
    return tomlkit.dumps(document)


def replace_value(text: str, keys: Keys, number: int, value: str) -> str:
    """Give a key that is there another value, written as TOML."""
    import tomlkit

    return put(text, keys, number, tomlkit.value(value))


def _item(document: Any, keys: Keys, number: int) -> Any:
    for key in keys:
        document = _one(document[key], number) if key != keys[-1] else document[key]
    return document


def _one(item: Any, number: int) -> Any:
    return item[number] if isinstance(item, list) else item


# What is new


def add_key(text: str, table: Keys, number: int, key: str, value: str) -> str:
    """Add a key to a table, behind its last one.

    Args:
        text: The file's text.
        table: The table's keys; empty: those above every table. A table that is missing is made.
        number: Which table of an array of tables is meant, counted from 0.
        key: The key.
        value: Its value, written as TOML.
    """
    lines = text.split("\n")
    line = f"{_dotted((key,))} = {value}"
    if not table:
        return _above_all(lines, line)
    places = [place for place, each in enumerate(lines) if header_of(each) == table]
    if places:
        first = places[min(number, len(places) - 1)]
        return _joined(_insert(lines, _end(lines, first), [_indent(lines, first) + line]))
    below = next((place for place, each in enumerate(lines) if (header_of(each) or ())[: len(table)] == table), None)
    block = [f"[{_dotted(table)}]", line]
    if below is None:
        return _at_the_end(lines, block)
    return _joined(_insert(lines, _own_comments(lines, below), [*block, ""]))


def add_table(text: str, keys: Keys, values: Mapping[str, str], *, array: bool = False) -> str:
    """Add a table, behind the last one that stands beside it.

    Args:
        text: The file's text.
        keys: The table's keys.
        values: Key to its value, written as TOML.
        array: Whether it is one more of an array of tables.
    """
    lines = text.split("\n")
    header = f"[[{_dotted(keys)}]]" if array else f"[{_dotted(keys)}]"
    block = [header, *(f"{_dotted((key,))} = {value}" for key, value in values.items())]
    for depth in range(len(keys), max(len(keys) - 3, 0), -1):  # its own kind, its siblings, its parent's
        beside = [place for place, each in enumerate(lines) if (header_of(each) or ())[:depth] == keys[:depth]]
        if beside:
            place = _end(lines, beside[-1])
            after = [""] if place < len(lines) and lines[place].strip() else []
            return _joined(_insert(lines, place, ["", *block, *after]))
    return _at_the_end(lines, block)


def make_array(text: str, keys: Keys) -> str:
    """Make a table the first one of an array of tables."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if header_of(line) == keys:
            lines[place] = re.sub(r"^(\s*)\[(.*?)\](\s*(?:#.*)?)$", r"\1[[\2]]\3", line)
    return _joined(lines)


def _above_all(lines: list[str], line: str) -> str:
    """Put a line above every table: behind the last such key, or above the first table and its comments."""
    first = next((place for place, each in enumerate(lines) if header_of(each) is not None), len(lines))
    end = _end(lines, -1)
    if end > 0 and any(key_of(each) for each in lines[:first]):
        return _joined(_insert(lines, end, [line]))
    if first == len(lines):
        return _at_the_end(lines, [line], gap=False)
    return _joined(_insert(lines, _own_comments(lines, first), [line, ""]))


def _at_the_end(lines: list[str], block: list[str], gap: bool = True) -> str:
    kept = "\n".join(lines).rstrip("\n").split("\n") if any(lines) else []
    return _joined([*kept, *([""] if kept and gap else []), *block, ""])


def _end(lines: list[str], header: int) -> int:
    """Give the place behind the last line of a table that says something; comments below it are not its own."""
    last = header
    for place in range(header + 1, len(lines)):
        if header_of(lines[place]) is not None:
            break
        if lines[place].strip() and not lines[place].lstrip().startswith("#"):
            last = place
    return last + 1


def _own_comments(lines: list[str], header: int) -> int:
    """Give the place above the comments that stand directly above a table."""
    place = header
    while place > 0 and lines[place - 1].lstrip().startswith("#"):
        place -= 1
    return place


def _indent(lines: list[str], header: int) -> str:
    below = lines[header + 1] if header + 1 < len(lines) and key_of(lines[header + 1].lstrip()) else lines[header]
    return below[: len(below) - len(below.lstrip())]


def _insert(lines: list[str], place: int, block: list[str]) -> list[str]:
    return [*lines[:place], *block, *lines[place:]]


def _joined(lines: list[str]) -> str:
    text = "\n".join(lines)
    return text if text.endswith("\n") else f"{text}\n"


def _dotted(keys: Keys) -> str:
    return ".".join(key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in keys)

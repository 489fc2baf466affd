"""A config file that is being edited: each step is made to its text, and held against what it is to say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tomlkit.exceptions import TOMLKitError

from ..errors import ConfigError, EpochalError
from ..files import write_atomic
from ..settings.layers import Layer
from ..settings.reading import PROJECT_FILE, UnreadableError, file_text, read_file, short_path
from ..settings.toml import TOMLError, line_of, parse_toml
from ..settings.values import parse_value
from .toml_edit import add_instance, add_name, add_table, edited, remove_name, set_key, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Change:
    """One thing that is new in a config file.

    Attributes:
        place: Where: "epochal.toml, line 3".
        what: What, in a few words.
    """

    place: str
    what: str


@dataclass(frozen=True)
class Edit:
    """A config file with changes that are not written yet.

    Attributes:
        path: The file.
        text: Its new text.
        changes: What is new; empty: nothing is.
        creates: Whether there is no such file yet.
    """

    path: Path
    text: str
    changes: tuple[Change, ...]
    creates: bool

    def write(self) -> None:
        """Write the file, if anything is new.

        Raises:
            EpochalError: It cannot be written; then it is as it was.
        """
        if not self.changes:
            return
        title = short_path(self.path)
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise EpochalError(f"{title} cannot be written: it is read-only.")
        try:
            write_atomic(self.path, self.text.encode())
        except OSError as error:
            raise EpochalError(f"{title} cannot be written: {error.strerror or error}.") from None


class Draft:
    """A config file that is being edited: as text, and as plain values that the text is held against at each step.

    Args:
        path: The file; there may be none yet.

    Raises:
        ConfigError: It cannot be read, or has mistakes where it is edited.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._creates = not os.path.lexists(path)
        self._prefix = ("tool", "epochal") if path.name == PROJECT_FILE else ()
        self._layer = Layer() if self._creates else read_file(path)
        self._changes: list[tuple[tuple[str, ...], int, str]] = []
        try:
            text = "" if self._creates else file_text(path)
            self._newline = "\r\n" if "\r\n" in text else "\n"
            self._text = text.replace("\r\n", "\n")
            self._content = parse_toml(self._text)
            is_editable = _is_editable(self._section())
        except (UnreadableError, ValueError, AttributeError):
            is_editable = False
        if not is_editable:
            raise ConfigError(self._layer.problems)

    def _section(self) -> dict[str, Any]:
        section = self._content
        for key in self._prefix:
            section = section.setdefault(key, {})
        return section

    def preferences(self) -> dict[str, str]:
        """Return the names with the distribution that the file prefers."""
        return {name: each.value for name, each in self._layer.prefer.items()}

    def names(self, key: str) -> list[Any]:
        """Return the names in a list."""
        names: list[Any] = self._section().get(key, [])
        return names

    def all_names(self) -> list[str]:
        """Return all names of callbacks, in lists and of tables, as they are spelt."""
        names = [*self.names("enable"), *self.names("disable"), *self._section().get("callbacks", {})]
        return [str(name) for name in names]

    def tables(self, kind: str) -> list[dict[str, Any]]:
        """Return the tables of a callback's instances."""
        found = self._section().get("callbacks", {}).get(kind, [])
        return found if isinstance(found, list) else [found]

    def add_name(self, key: str, name: str) -> None:
        """Put a name into a list."""
        if name in self.names(key):
            return
        self._section().setdefault(key, []).append(name)
        keys = (*self._prefix, key)
        self._step((key,), 0, f"{name!r} added to {key}", lambda document: add_name(document, keys, name))

    def remove_name(self, key: str, name: str) -> None:
        """Take a name out of a list."""
        if name not in self.names(key):
            return
        self._section()[key] = [each for each in self.names(key) if each != name]
        keys = (*self._prefix, key)
        self._step((key,), 0, f"{name!r} removed from {key}", lambda document: remove_name(document, keys, name))

    def set_values(self, kind: str, number: int, given: Mapping[str, str]) -> None:
        """Set parameters in a table that is there."""
        table = self.tables(kind)[number - 1]
        for key, typed in given.items():
            value, missing = parse_value(typed), object()
            before = table.get(key, missing)
            if _plain(before) == _plain(value):
                continue
            table[key] = value
            was = "" if before is missing else f", was {written(before)}"
            self._step(
                ("callbacks", kind, key),
                number - 1,
                f"{_instance(kind, number)}: {key} = {written(value, typed)}{was}",
                partial(
                    set_key,
                    keys=(*self._prefix, "callbacks", kind, key),
                    number=number - 1,
                    value=written(value, typed),
                ),
            )

    def add_table(self, kind: str, given: Mapping[str, str]) -> None:
        """Make the table of a callback that has none."""
        values = {key: parse_value(typed) for key, typed in given.items()}
        self._section().setdefault("callbacks", {})[kind] = values
        keys = (*self._prefix, "callbacks", kind)
        texts = {key: written(value, given[key]) for key, value in values.items()}
        what = f"{kind}: {_listed(texts)}"
        self._step(("callbacks", kind), 0, what, lambda document: add_table(document, keys, texts))

    def add_instance(self, kind: str, number: int, given: Mapping[str, str]) -> None:
        """Make the table of one more instance."""
        values = {key: parse_value(typed) for key, typed in given.items()}
        self._section().setdefault("callbacks", {})[kind] = [*(self.tables(kind) or [{}]), values]
        keys = (*self._prefix, "callbacks", kind)
        texts = {key: written(value, given[key]) for key, value in values.items()}
        what = f"{_instance(kind, number)}: {_listed(texts) or 'with its defaults'}"
        self._step(("callbacks", kind), number - 1, what, lambda document: add_instance(document, keys, texts))

    def _step(self, keys: tuple[str, ...], number: int, what: str, change: Callable[[Any], None]) -> None:
        """Bring the text to what the values say by now."""
        try:
            text = edited(self._text, change)
        except (TOMLKitError, LookupError, TypeError, AttributeError):  # it is written in an uncommon way
            text = ""
        if not _says(text, self._content):
            raise EpochalError(
                f"{short_path(self._path)} is written in a way that cannot be edited safely. Do it by hand: "
                f"{'.'.join((*self._prefix, *keys))}: {what}."
            )
        self._text = text
        self._changes.append((keys, number, what))

    def edit(self) -> Edit:
        """Return what was done."""
        title = short_path(self._path)
        changes = []
        for keys, number, what in self._changes:
            line = line_of(self._text, (*self._prefix, *keys), number)
            changes.append(Change(title if line is None else f"{title}, line {line}", what))
        return Edit(self._path, self._text.replace("\n", self._newline), tuple(changes), self._creates)


def _instance(kind: str, number: int) -> str:
    return kind if number == 1 else f"{kind}#{number}"


def _listed(texts: Mapping[str, str]) -> str:
    return ", ".join(f"{key} = {text}" for key, text in texts.items())


def _is_editable(section: Any) -> bool:
    """Return whether the names and tables that are edited have the right types."""
    names = [section.get(key, []) for key in ("enable", "disable")]
    tables = section.get("callbacks", {})
    if not all(isinstance(each, list) for each in names) or not isinstance(tables, dict):
        return False
    several = [each if isinstance(each, list) and each else [each] for each in tables.values()]
    return all(isinstance(each, dict) for tables in several for each in tables)


def _says(text: str, content: Any) -> bool:
    try:
        return bool(_plain(parse_toml(text)) == _plain(content))
    except TOMLError:
        return False


def _plain(value: Any) -> Any:
    """Make values comparable: NaN is NaN, 1 is neither 1.0 nor True."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return type(value).__name__, repr(value)

"""Paths that hold values of the logs: `model-{epoch:02d}-{val_loss:.2f}.keras`."""

from __future__ import annotations

import os
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import TemplateError, nearest_key, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

OWN_FIELDS = ("epoch", "batch")

LONGEST = 255
"""The greatest width or precision of a field, in characters: no file system has longer names."""

_CONVERSIONS: dict[str, Callable[[Any], str]] = {"r": repr, "s": str, "a": ascii}


@dataclass(frozen=True)
class _Field:
    """A field of a template, and the text ahead of it.

    Attributes:
        text: The text ahead of it, its doubled braces made single.
        name: Its name; None: no field follows the text.
        conversion: The letter behind `!`, or "".
        format: What stands behind the colon, in parts: text, and fields in it.
    """

    text: str
    name: str | None = None
    conversion: str = ""
    format: tuple[_Field, ...] = ()


class PathTemplate:
    """A path with fields in braces, which are filled with the epoch, the batch and any value of the logs.

    A field is the name of a value, with a conversion and a format as of `str.format`. It has no attributes and no
    indices: what a path is made of is a value of the logs as it is.

    Args:
        path: The template, in Python's format syntax. A brace of its own is written twice.

    Raises:
        TypeError: It is not a path.
        TemplateError: It is empty, its braces cannot be read, a field asks for an attribute or an index of a value, or
            for a width or precision of more than 255.

    Attributes:
        text: The template.
        fields: The names in it, each once, also those in formats: `{loss:{width}}` has two.

    Example:
        >>> PathTemplate("{epoch:02d}-{val_loss:.2f}.keras").format({"val_loss": 0.125}, epoch=0)
        '01-0.12.keras'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        text = os.fspath(path)
        if not isinstance(text, str):
            raise TypeError(f"the path {path!r} has to be text")
        if not text:
            raise TemplateError("the path is empty")
        self.text = text
        try:
            self._parts = tuple(_parsed(text))
        except ValueError as error:
            raise TemplateError(
                f"the path {text!r} cannot be read: {error}. A field has a name, like {{epoch}}; a brace of the path "
                "itself is written twice."
            ) from None
        self.fields = tuple(dict.fromkeys(_names(self._parts)))

    def __repr__(self) -> str:
        return f"PathTemplate({self.text!r})"

    def format(self, logs: Mapping[str, Any], *, epoch: int, batch: int | None = None) -> str:
        """Fill the fields.

        Args:
            logs: The values of the epoch or batch.
            epoch: The epoch, counted from 0; it is written counted from 1.
            batch: The batch, counted from 0 and written counted from 1; None at the end of an epoch.

        Raises:
            TemplateError: A field is not in the logs, its value does not take the field's format, or would lead out of
                the template's folder.
        """
        values = {name: logs[name] for name in self.fields if name in logs}
        values["epoch"] = epoch + 1
        if batch is not None:
            values.setdefault("batch", batch + 1)
        for name in self.fields:
            if name not in values:
                raise self._unknown(name, [*logs, *OWN_FIELDS[: 1 if batch is None else 2]])
        filled = shown(values)
        try:
            path = "".join(_filled(self._parts, values))
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
            raise TemplateError(f"the path {self.text!r} cannot be filled with {filled}: {error}.") from None
        if self.fields and self._leaves_folder(path):
            raise TemplateError(
                f"the path {self.text!r}, filled with {filled}, is {path!r}, which is not in the template's folder. "
                "Log a value without '..' and without a leading slash."
            )
        return path

    def check(self, known: Iterable[str], *, batches: bool = False) -> None:
        """Check, before anything is trained, that every field will have a value.

        Args:
            known: The keys that the logs will have.
            batches: Whether the path is filled at batches, so that `{batch}` has a value.

        Raises:
            TemplateError: A field will have none.
        """
        values = {*known, *OWN_FIELDS[: 2 if batches else 1]}
        for name in self.fields:
            if name not in values:
                raise self._unknown(name, sorted(values))

    def misfit(self, name: str, value: Any) -> str:
        """Return why a value cannot be formatted as the template wants it, or nothing.

        Args:
            name: The field.
            value: A value of the type that it will have.
        """
        for part in self._parts:
            if part.name == name and not any(each.name for each in part.format):
                try:
                    "".join(_filled([part], {name: value}))
                except (ValueError, TypeError) as error:
                    return str(error)
        return ""

    def _leaves_folder(self, path: str) -> bool:
        """Return whether values of the logs lead out of the folder that stands ahead of the first field."""
        folder = _whole(os.path.dirname(self._parts[0].text))
        if _is_in(_whole(path), folder):
            return False
        # What stands in the template itself may lead out of it: that is what its author wants.
        return _is_in(_whole("".join(part.text + "x" * (part.name is not None) for part in self._parts)), folder)

    def _unknown(self, name: str, known: Iterable[str]) -> TemplateError:
        known = list(known)
        return TemplateError(
            f"the path {self.text!r} names {name!r}, which has no value.{nearest_key(name, known)} "
            f"There are: {', '.join(known)}."
        )


def is_remote(path: str) -> bool:
    """Tell whether a path is an address, `gs://bucket/model.keras`, which no call of the operating system writes."""
    return "://" in path


def _parsed(text: str, depth: int = 2) -> Iterator[_Field]:
    """Read a template.

    Raises:
        ValueError: It cannot be read, or asks for what is not given.
    """
    for literal, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            yield _Field(literal)
            continue
        if not name or name.isdigit():
            raise ValueError("a field has no name")
        if re.search(r"[.\[\]]", name):
            raise ValueError(f"the field {name!r} asks for an attribute or an index, and is to be a name")
        if conversion not in (None, *_CONVERSIONS):
            raise ValueError(f"the conversion {conversion!r} is unknown; there are !r, !s and !a")
        if depth == 0:
            raise ValueError("the format of a field has a field in whose format there is another one")
        parts = tuple(_parsed(form or "", depth - 1))
        _check_format("".join(part.text for part in parts))
        if conversion and not any(part.name for part in parts):
            format("", form or "")  # what is converted is text
        yield _Field(literal, name, conversion or "", parts)


def _check_format(form: str) -> None:
    """Refuse a width or precision that no file name has, and that would fill the memory."""
    for number in re.findall(r"\d+", form):
        if len(number.lstrip("0")) > len(str(LONGEST)) or int(number) > LONGEST:
            raise ValueError(f"the format {form!r} asks for more than {LONGEST} characters")


def _names(parts: Iterable[_Field]) -> Iterator[str]:
    for part in parts:
        if part.name is not None:
            yield part.name
        yield from _names(part.format)


def _filled(parts: Iterable[_Field], values: Mapping[str, Any]) -> Iterator[str]:
    for part in parts:
        yield part.text
        if part.name is None:
            continue
        form = "".join(_filled(part.format, values))
        _check_format(form)  # a width may come from the logs
        value = values[part.name]
        yield format(_CONVERSIONS[part.conversion](value) if part.conversion else value, form)


def _whole(path: str) -> str:
    return os.path.normpath(path) if is_remote(path) else os.path.abspath(path)


def _is_in(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, "")) or path == folder

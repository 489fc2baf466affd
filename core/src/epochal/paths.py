"""Paths that hold values of the logs: `model-{epoch:02d}-{val_loss:.2f}.keras`."""

from __future__ import annotations

import os
import re
import string
from typing import TYPE_CHECKING, Any

from .errors import TemplateError, nearest_key, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWN_FIELDS = ("epoch", "batch")

LONGEST = 255
"""The greatest width or precision of a field, in characters: no file system has longer names."""

_NESTED = "\0"  # stands for a field in a format; no path has it


class _Reader(string.Formatter):
    """Reads a template: it notes the names of the fields, and refuses what a path has no use for."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        if not field_name or field_name.isdigit():
            raise ValueError("a field has no name")
        if re.search(r"[.\[\]]", field_name):
            raise ValueError(f"the field {field_name!r} asks for an attribute or an index, and is to be a name")
        self.names[field_name] = None
        return None, field_name

    def convert_field(self, value: Any, conversion: Any) -> Any:
        if conversion not in (None, "r", "s", "a"):
            raise ValueError(f"the conversion {conversion!r} is unknown; there are !r, !s and !a")
        return value if conversion is None else ""

    def format_field(self, value: Any, format_spec: str) -> str:
        _check_format(format_spec.replace(_NESTED, ""))
        if value is not None and _NESTED not in format_spec:
            format(value, format_spec)  # what is converted is text
        return _NESTED


class _Filler(string.Formatter):
    """Fills a template that a reader has read."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        _check_format(format_spec)  # a width may come from the logs
        return format(value, format_spec)


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
            reader = _Reader()
            reader.format(text)
        except ValueError as error:
            raise TemplateError(
                f"the path {text!r} cannot be read: {error}. A field has a name, like {{epoch}}; a brace of the path "
                "itself is written twice."
            ) from None
        self.fields = tuple(reader.names)

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
            path = _Filler().vformat(self.text, (), values)
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
        for _, field, form, conversion in string.Formatter().parse(self.text):
            if field == name and "{" not in (form or ""):
                filler = _Filler()
                try:
                    filler.format_field(filler.convert_field(value, conversion), form or "")
                except (ValueError, TypeError) as error:
                    return str(error)
        return ""

    def with_marks(self, mark: str) -> str:
        """Return the path with a mark in the place of every field."""
        parts = string.Formatter().parse(self.text)
        return "".join(text + mark * (field is not None) for text, field, _, _ in parts)

    @property
    def folder(self) -> str:
        """The folder ahead of the first field, as it is written; empty for the working directory."""
        return os.path.dirname(self.with_marks(_NESTED).partition(_NESTED)[0])

    def _leaves_folder(self, path: str) -> bool:
        """Return whether values of the logs lead out of the folder that stands ahead of the first field."""
        folder = _whole(self.folder)
        if _is_in(_whole(path), folder):
            return False
        # What stands in the template itself may lead out of it: that is what its author wants.
        return _is_in(_whole(self.with_marks("x")), folder)

    def _unknown(self, name: str, known: Iterable[str]) -> TemplateError:
        known = list(known)
        return TemplateError(
            f"the path {self.text!r} names {name!r}, which has no value.{nearest_key(name, known)} "
            f"There are: {', '.join(known)}."
        )


def is_remote(path: str) -> bool:
    """Return whether a path is an address, `gs://bucket/model.keras`, which no call of the operating system writes."""
    return "://" in path


def _check_format(form: str) -> None:
    """Refuse a width or precision that no file name has, and that would fill the memory."""
    for number in re.findall(r"\d+", form):
        if len(number.lstrip("0")) > len(str(LONGEST)) or int(number) > LONGEST:
            raise ValueError(f"the format {form!r} asks for more than {LONGEST} characters")


def _whole(path: str) -> str:
    return os.path.normpath(path) if is_remote(path) else os.path.abspath(path)


def _is_in(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, "")) or path == folder

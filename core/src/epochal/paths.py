"""Paths that hold values of the logs: `model-{epoch:02d}-{val_loss:.2f}.keras`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .errors import TemplateError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWN_FIELDS = ("epoch", "batch")


class PathTemplate:
    """A path with fields in braces, which are filled with the epoch, the batch and any value of the logs.

    Args:
        path: The template, in Python's format syntax. A brace of its own is written twice.

    Raises:
        TypeError: It is no path.
        TemplateError: It is empty, or its braces cannot be read.

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
        names = _Names()
        try:
            text.format_map(names)
        except ValueError as error:
            raise TemplateError(
                f"the path {text!r} cannot be read: {error}. A field has a name, like {{epoch}}; a brace of the path "
                "itself is written twice."
            ) from None
        self.fields = tuple(names)

    def __repr__(self) -> str:
        return f"PathTemplate({self.text!r})"

    def format(self, logs: Mapping[str, Any], *, epoch: int, batch: int | None = None) -> str:
        """Fill the fields.

        Args:
            logs: The values of the epoch or batch.
            epoch: The epoch, counted from 0; it is written counted from 1.
            batch: The batch, counted from 0 and written counted from 1; None at the end of an epoch.

        Raises:
            TemplateError: A field is not in the logs, or its value does not take the field's format.
        """
        values = {name: logs[name] for name in self.fields if name in logs}
        values["epoch"] = epoch + 1
        if batch is not None:
            values.setdefault("batch", batch + 1)
        for name in self.fields:
            if name not in values:
                raise self._unknown(name, [*logs, *OWN_FIELDS[: 1 if batch is None else 2]])
        try:
            return self.text.format(**values)
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
            raise TemplateError(f"the path {self.text!r} cannot be filled with {values}: {error}") from None

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

    def _unknown(self, name: str, known: Iterable[str]) -> TemplateError:
        return TemplateError(
            f"the path {self.text!r} names {name!r}, which has no value.{nearest(name, known)} "
            f"There are: {', '.join(known)}."
        )


def is_remote(path: str) -> bool:
    """Tell whether a path is an address, `gs://bucket/model.keras`, which no call of the operating system writes."""
    return "://" in path


class _Names(dict[str, Any]):
    """Takes the names that a template asks for, and gives each what any template can format."""

    def __missing__(self, name: str) -> Any:
        value = self[name] = _Anything()
        return value


class _Anything:
    """Has every attribute and item, and takes every format."""

    def __getattribute__(self, name: str) -> Any:
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def __format__(self, spec: str) -> str:
        return ""

"""Paths that hold values of the logs: `model-{epoch:02d}-{val_loss:.2f}.keras`."""

from __future__ import annotations

import os
import re
from string import Formatter
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
        TemplateError: Its braces cannot be read.

    Attributes:
        text: The template.
        fields: The names in it, each once.

    Example:
        >>> PathTemplate("{epoch:02d}-{val_loss:.2f}.keras").format({"val_loss": 0.125}, epoch=0)
        '01-0.12.keras'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        text = os.fspath(path)
        if not isinstance(text, str):
            raise TypeError(f"the path {path!r} has to be text")
        self.text = text
        try:
            parts = list(Formatter().parse(self.text))
        except ValueError as error:
            raise TemplateError(
                f"the path {self.text!r} cannot be read: {error}. A brace of the path itself is written twice."
            ) from None
        names = [re.split(r"[.\[]", field, maxsplit=1)[0] for _, field, _, _ in parts if field is not None]
        for name in names:
            if not name or name.isdigit():
                raise TemplateError(f"a field of the path {self.text!r} has no name. Write `{{epoch}}`, for example.")
        self.fields = tuple(dict.fromkeys(names))

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
        except (ValueError, TypeError, AttributeError, LookupError) as error:
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

"""The fields of a row: any value of the logs as text of a bounded length, as Keras writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from epochal.log_values import LONGEST_TEXT, MOST_VALUES, as_text, attribute, describe_large, read_value

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fields:
    """The fields of an epoch's row.

    Args:
        epoch: The epoch, counted from 0.
        logs: Its metrics.
        before: The fields of the same epoch, made earlier. An iterator can be gone through only once.

    Attributes:
        texts: Column to field.
    """

    def __init__(self, epoch: int, logs: Mapping[str, Any], before: Fields | None = None) -> None:
        self._values = dict(logs)
        self.texts = {"epoch": str(epoch)}
        for key, value in self._values.items():
            column = as_text(key)
            is_used_up = before is not None and isinstance(value, Iterator) and before._values.get(key) is value
            self.texts[column] = before.texts[column] if before is not None and is_used_up else as_field(value)


def as_field(value: Any) -> str:
    """Return a value as a field of text.

    What can be gone through is one field, `"[1, 2]"`, as in Keras. More than 1,000 values are described; of more than
    32,767 characters, which is what a cell of a spreadsheet holds, it is the beginning.
    """
    if value is None:
        return ""
    if attribute(value, "dtype") is not None and type(value).__module__ != "numpy":  # a tensor
        value = read_value(value)
    try:
        if isinstance(value, Iterable) and not isinstance(value, str) and attribute(value, "ndim") != 0:
            return describe_large(value) or _listed(value)
    except Exception:  # it cannot be gone through; its text may tell more
        return as_text(value)
    return as_text(value)


def _listed(values: Iterable[Any]) -> str:
    texts = [as_text(each) for each in islice(values, MOST_VALUES + 1)]
    if len(texts) > MOST_VALUES:  # of an unknown length, perhaps without end
        texts[MOST_VALUES:] = ["…"]
    text = ", ".join(texts)
    return f'"[{text}]"' if len(text) < LONGEST_TEXT - 4 else f'"[{text[: LONGEST_TEXT - 5]}…]"'

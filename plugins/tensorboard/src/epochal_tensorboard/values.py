"""The values of logs, as what stands in an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal.errors import shown
from epochal.log_values import as_number, as_text, has_axes, is_same, shape_of
from epochal.warn import warn_user

from . import summaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class LogValues:
    """Turns logs into values of an event: a number into a scalar, a text into a text.

    What is neither is left out, which is said once for every name.
    """

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, tag: str, logs: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the values.

        Args:
            tag: Their tag, in which `{}` stands for the name.
            logs: Name to value.
        """
        for key, value in logs.items():
            name = as_text(key)
            number = None if is_larger(value) else as_number(value)
            if number is not None:
                yield summaries.scalar(tag.format(name), number)
            elif isinstance(value, str):
                yield summaries.text(tag.format(name), as_text(value))
            else:
                self.leave_out(name, value)

    def leave_out(self, key: Any, value: Any) -> None:
        """Say, once for every name, that a value is not written."""
        name = as_text(key)
        if name not in self._said:
            self._said.add(name)
            warn_user(
                f"TensorBoard: {name!r} in the logs is not a number and not text, so it is not written: {shown(value)}"
            )


def is_larger(value: Any) -> bool:
    """Return whether a value is an array of other than one value, which is not fetched, held or written."""
    if not has_axes(value):  # most values, of every batch
        return False
    shape = shape_of(value)
    return shape is not None and any(size != 1 for size in shape)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is new or another value in logs."""
    return {name: value for name, value in after.items() if name not in before or not is_same(value, before[name])}


def is_fixed(kind: type) -> bool:
    """Return whether values of a type stay what they are, so that a value can be read later.

    A variable has `assign`, an array of NumPy or PyTorch can be written to, one of JAX only seems to.
    """
    return not hasattr(kind, "assign") and (not hasattr(kind, "__setitem__") or hasattr(kind, "at"))

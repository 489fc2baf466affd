"""The values of logs, as what stands in an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal.logs import read_array
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
        """Give the values.

        Args:
            tag: Their tag, in which `{}` stands for the name.
            logs: Name to value.
        """
        for name, value in logs.items():
            number = as_number(value)
            if number is not None:
                yield summaries.scalar(tag.format(name), number)
            elif isinstance(value, str):
                yield summaries.text(tag.format(name), value)
            elif name not in self._said:
                self._said.add(name)
                warn_user(
                    f"TensorBoard: {name!r} in the logs is no number and no text, so it is not written: {value!r}"
                )


def as_number(value: Any) -> float | None:
    """Give a number, or the one of an array of one, as a float; None if it is something else.

    A tensor is fetched from its device.
    """
    if type(value) is float:
        return value
    if isinstance(value, (str, bytes)):
        return None
    try:
        if getattr(value, "ndim", 0):
            array = read_array(value)
            return float(array.item()) if array.size == 1 else None
        return float(value)
    except (TypeError, ValueError):
        return None


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is new or another value in logs."""
    return {
        name: value
        for name, value in after.items()
        if name not in before or repr(value) != repr(before[name])  # NaN is not equal to itself, nor is an array
    }


def is_fixed(kind: type) -> bool:
    """Tell whether values of a type stay what they are, so that a value can be read later.

    A variable has `assign`, an array of NumPy or PyTorch can be written to, one of JAX only seems to.
    """
    return not hasattr(kind, "assign") and (not hasattr(kind, "__setitem__") or hasattr(kind, "at"))

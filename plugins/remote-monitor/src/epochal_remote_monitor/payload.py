"""The values of an epoch, in the form that JSON has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from epochal.log_values import as_text, attribute, describe_large, read_value

if TYPE_CHECKING:
    from collections.abc import Mapping

_BITS = 2000
"""The most that an int may have; Python writes 640 digits, 2,126 bits, whatever limit is set."""

_DEEPEST = 10
"""How deep lists may be nested; one that contains itself is nested without end."""


def make_payload(epoch: int, logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent for an epoch: its number, counted from 0, and its metrics, as Keras sends them."""
    return {"epoch": epoch, **{as_text(name): as_json(value) for name, value in logs.items()}}


def as_json(value: Any, depth: int = 0) -> Any:
    """Return a value that JSON has.

    An array of one element is its element, as in Keras, and any other a list. NaN and infinity, which JSON has not, are
    None, which becomes `null`. What JSON has no form for is its text. Of more than 1,000 values there is a description,
    "array of shape (400, 400)".
    """
    if attribute(value, "dtype") is not None and type(value).__module__ != "numpy":  # a tensor, in a bare fit
        value = read_value(value)
    if attribute(value, "tolist") is not None and attribute(value, "ndim") is not None:  # NumPy's arrays and scalars
        value = describe_large(value) or _unwrapped(value.tolist())
    if value is None or isinstance(value, bool) or (isinstance(value, int) and value.bit_length() <= _BITS):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (dict, list, tuple)) and depth < _DEEPEST:
        return describe_large(value) or _nested(value, depth + 1)
    return as_text(value)


def _nested(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {as_text(key): as_json(each, depth) for key, each in value.items()}
    return [as_json(each, depth) for each in value]


def _unwrapped(values: Any) -> Any:
    element = values
    while isinstance(element, list) and len(element) == 1:
        element = element[0]
    return values if isinstance(element, list) else element

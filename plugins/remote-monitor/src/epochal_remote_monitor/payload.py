"""The values of an epoch, in the form that JSON has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def make_payload(epoch: int, logs: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is sent for an epoch: its number, counted from 0, and its metrics, as Keras sends them."""
    return {"epoch": epoch, **{str(name): as_json(value) for name, value in logs.items()}}


def as_json(value: Any) -> Any:
    """Give a value that JSON has.

    An array of one element is its element, as in Keras, and any other a list. NaN and infinity, which JSON has not, are
    None, which becomes `null`. What JSON has no form for is its text.
    """
    if hasattr(value, "tolist") and hasattr(value, "ndim"):  # NumPy's arrays and scalars
        value = _unwrapped(value.tolist())
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    return str(value)


def _unwrapped(values: Any) -> Any:
    element = values
    while isinstance(element, list) and len(element) == 1:
        element = element[0]
    return values if isinstance(element, list) else element

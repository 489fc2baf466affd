"""Numbers, times and metrics as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from epochal.reading import number, reading_order

if TYPE_CHECKING:
    from collections.abc import Mapping


def metrics(logs: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return names and values of an event's logs as text, in reading order. Reads the logs, which waits for the device.

    A larger array is shown by its shape; what is neither number, array nor text is left out.
    """
    values = dict(logs.items())
    texts = ((_one_line(name), _value(values[name])) for name in reading_order(values))
    return tuple((name, text) for name, text in texts if text is not None)


def _value(value: Any) -> str | None:
    if isinstance(value, (bool, str)):
        return _one_line(value)
    if isinstance(value, int):
        return number(value)
    shape = getattr(value, "shape", ())
    if shape and math.prod(shape) != 1:
        return f"array{tuple(shape)}"
    single = as_float(value)
    return None if single is None else number(single)


def as_float(value: Any) -> float | None:
    """Return a number or an array of one element as a float; None if the value is neither."""
    shape = getattr(value, "shape", ())
    try:
        return float(value.item() if shape else value)
    except (TypeError, ValueError, AttributeError):
        return None


def _one_line(text: object) -> str:
    """Give a text without line breaks and other control characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in str(text)).split())


def duration(seconds: float) -> str:
    """Give a time as minutes and seconds, or hours, minutes and seconds.

    >>> duration(3.4), duration(3723)
    ('0:03', '1:02:03')
    """
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(seconds: float) -> str:
    """Return a time with three digits.

    >>> span(0.0213), span(1.5), span(0.00035), span(250.0)
    ('21.3 ms', '1.50 s', '350 us', '250 s')
    """
    if seconds >= 0.9995:
        scaled, unit = seconds, "s"
    elif seconds >= 0.0009995:
        scaled, unit = seconds * 1e3, "ms"
    else:
        scaled, unit = seconds * 1e6, "us"
    digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{digits}f} {unit}"


def pace(seconds: float) -> str:
    """Return the time that a step takes.

    >>> pace(0.0213)
    '21.3 ms/step'
    """
    return f"{span(seconds)}/step"


def counted(count: int, word: str) -> str:
    """Give a count with its word in the right number.

    >>> counted(1, "epoch"), counted(2, "epoch")
    ('1 epoch', '2 epochs')
    """
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

"""Numbers, times and metrics as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def number(value: float) -> str:
    """Give a number with four decimals, or as a power of ten where these would hide it.

    >>> number(0.45123), number(1e-4), number(3), number(float("nan"))
    ('0.4512', '1.0000e-04', '3', 'nan')
    """
    if isinstance(value, int):
        return str(value)
    if value == 0 or not math.isfinite(value):
        return "0.0000" if value == 0 else str(value)
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 else f"{value:.4e}"


def metrics(logs: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Give names and values of an event's logs as text. Reads the logs, which waits for the device.

    A larger array is shown by its shape; what is neither number, array nor text is left out.
    """
    texts = ((_one_line(name), _value(value)) for name, value in logs.items())
    return tuple((name, text) for name, text in texts if text is not None)


def _value(value: Any) -> str | None:
    if isinstance(value, (bool, str)):
        return _one_line(value)
    if isinstance(value, int):
        return number(value)
    shape = getattr(value, "shape", ())
    if shape and math.prod(shape) != 1:
        return f"array{tuple(shape)}"
    try:
        return number(float(value.item() if shape else value))
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


def pace(seconds: float) -> str:
    """Give the time that a step takes, three digits of it.

    >>> pace(0.0213), pace(1.5), pace(0.00035), pace(250.0)
    ('21.3 ms/step', '1.50 s/step', '350 us/step', '250 s/step')
    """
    if seconds >= 0.9995:
        scaled, unit = seconds, "s"
    elif seconds >= 0.0009995:
        scaled, unit = seconds * 1e3, "ms"
    else:
        scaled, unit = seconds * 1e6, "us"
    digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{digits}f} {unit}/step"


def counted(count: int, word: str) -> str:
    """Give a count with its word in the right number.

    >>> counted(1, "epoch"), counted(2, "epoch")
    ('1 epoch', '2 epochs')
    """
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

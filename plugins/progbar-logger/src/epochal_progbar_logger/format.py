"""Numbers, times and metrics as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal.log_values import as_number, as_text, attribute, describe_large, shape_of
from epochal.views import number, reading_order

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 80
"""How many characters of a text are shown."""


def metrics(logs: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return names and values of an event's logs as text, in reading order. Reads the logs, which waits for the device.

    An array or list of numbers is shown by its mean, as in Keras; what is neither number, array nor text is left out.
    """
    values = dict(logs.items())
    texts = ((_one_line(name), _value(values[name])) for name in reading_order(values))
    return tuple((name, text) for name, text in texts if text is not None)


def _value(value: Any) -> str | None:
    if isinstance(value, (bool, str)):
        return _one_line(as_text(value)[:_LONGEST])
    if isinstance(value, int) and value.bit_length() <= 64:
        return number(value)
    single = as_number(value)
    mean = _mean(value) if single is None else single
    return None if mean is None else number(mean)


def _mean(value: Any) -> float | None:
    """Return the mean of an array or list of numbers, which is what Keras's bar shows of it."""
    if isinstance(value, (list, tuple)):
        if describe_large(value):  # to look at it 10 times a second would take too long
            return None
    elif shape_of(value) is None or attribute(value, "to_numpy") is not None:
        return None
    import numpy as np

    try:
        array = np.asarray(value)
        return float(array.mean()) if array.size and array.dtype.kind in "biuf" else None
    except Exception:  # ragged, or something else that is not an array of numbers
        return None


def _one_line(text: object) -> str:
    """Return a text without line breaks and other control characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in as_text(text)).split())


def duration(seconds: float) -> str:
    """Return a time as minutes and seconds, or hours, minutes and seconds.

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
    """Return a count with its word in the right number.

    >>> counted(1, "epoch"), counted(2, "epoch")
    ('1 epoch', '2 epochs')
    """
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

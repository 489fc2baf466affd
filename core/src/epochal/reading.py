"""Metrics as people read them: their order, and their values as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

VALIDATION = "val_"
WIDTH = 8
"""The most characters that a float takes as text."""


def reading_order(names: Iterable[str]) -> list[str]:
    """Return the names of metrics as people read them: `loss`, the other metrics, then `val_loss`, the other `val_…`.

    Whatever shows metrics to people uses this order. Logs and files keep Keras's, so that programs find what they
    expect. Names of equal rank stay in the order in which they are passed.

    >>> reading_order(["accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"])
    ['loss', 'accuracy', 'learning_rate', 'val_loss', 'val_accuracy']
    """
    return sorted(names, key=_rank)


def _rank(name: str) -> tuple[bool, bool]:
    text = str(name)  # a callback may add any key to the logs
    metric = text.removeprefix(VALIDATION)
    return metric != text, metric != "loss"


def number(value: float) -> str:
    """Return a number with four decimals, or as a power of ten where these would hide it.

    A float takes at most `WIDTH` characters, so that its column never has to become wider: where four decimals are too
    many, it has fewer.

    >>> number(0.45123), number(1e-4), number(3), number(float("nan"))
    ('0.4512', '1.00e-04', '3', 'nan')
    >>> number(1234.56789), number(-1e-4)
    ('1234.568', '-1.0e-04')
    """
    if isinstance(value, int):
        return str(value)
    if value == 0 or not math.isfinite(value):
        return "0.0000" if value == 0 else str(value)
    notation, decimals = ("f", 4) if 1e-3 <= abs(value) < 99_999.5 else ("e", 2)
    while len(text := f"{value:.{decimals}{notation}}") > WIDTH and decimals:
        decimals -= 1
    return text

"""The order in which people read metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

VALIDATION = "val_"


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

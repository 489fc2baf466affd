"""History: the metrics of every epoch, recorded."""

from .history import History

__all__ = ["History"]

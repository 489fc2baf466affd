"""BaseLogger: the mean of every metric over an epoch."""

from .base_logger import BaseLogger

__all__ = ["BaseLogger"]

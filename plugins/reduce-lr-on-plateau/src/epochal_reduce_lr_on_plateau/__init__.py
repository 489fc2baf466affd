"""ReduceLROnPlateau: reduces the learning rate when a metric no longer improves."""

from .reduce_lr_on_plateau import ReduceLROnPlateau

__all__ = ["ReduceLROnPlateau"]

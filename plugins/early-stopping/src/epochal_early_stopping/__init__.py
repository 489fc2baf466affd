"""EarlyStopping: stops training when a metric no longer improves."""

from .early_stopping import EarlyStopping

__all__ = ["EarlyStopping"]

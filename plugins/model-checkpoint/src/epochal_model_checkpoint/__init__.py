"""ModelCheckpoint: saves the model while it trains, and never half of it."""

from .model_checkpoint import ModelCheckpoint

__all__ = ["ModelCheckpoint"]

"""Saves the model while it trains, and never half of it."""

from __future__ import annotations

from epochal import Callback


class ModelCheckpoint(Callback):
    """Saves the model while it trains, and never half of it."""

"""Reduces the learning rate when a metric no longer improves."""

from __future__ import annotations

from epochal import Callback


class ReduceLROnPlateau(Callback):
    """Reduces the learning rate when a metric no longer improves."""

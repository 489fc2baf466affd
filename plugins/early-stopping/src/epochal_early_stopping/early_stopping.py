"""Stops training when a metric no longer improves."""

from __future__ import annotations

from epochal import Callback


class EarlyStopping(Callback):
    """Stops training when a metric no longer improves."""

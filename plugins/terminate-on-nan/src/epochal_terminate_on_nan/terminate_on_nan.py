"""Ends training when the loss is NaN or infinite."""

from __future__ import annotations

from epochal import Callback


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite."""

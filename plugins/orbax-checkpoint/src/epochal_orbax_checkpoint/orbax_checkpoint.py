"""Saves the state of the model with Orbax, in the background."""

from __future__ import annotations

from epochal import Callback


class OrbaxCheckpoint(Callback):
    """Saves the state of the model with Orbax, in the background."""

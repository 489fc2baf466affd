"""Makes a callback of functions."""

from __future__ import annotations

from epochal import Callback


class LambdaCallback(Callback):
    """Makes a callback of functions."""

"""Evaluates and saves with the moving average of the weights."""

from __future__ import annotations

from epochal import Callback


class SwapEMAWeights(Callback):
    """Evaluates and saves with the moving average of the weights."""

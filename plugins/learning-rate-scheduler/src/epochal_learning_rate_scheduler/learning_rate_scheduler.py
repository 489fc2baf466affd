"""Sets the learning rate of every epoch by a function."""

from __future__ import annotations

from epochal import Callback


class LearningRateScheduler(Callback):
    """Sets the learning rate of every epoch by a function."""

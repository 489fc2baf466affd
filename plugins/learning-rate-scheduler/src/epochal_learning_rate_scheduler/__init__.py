"""LearningRateScheduler: sets the learning rate of every epoch by a function."""

from .learning_rate_scheduler import LearningRateScheduler

__all__ = ["LearningRateScheduler"]

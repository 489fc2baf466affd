"""TerminateOnNaN: ends training when the loss is NaN or infinite."""

from .terminate_on_nan import TerminateOnNaN

__all__ = ["TerminateOnNaN"]

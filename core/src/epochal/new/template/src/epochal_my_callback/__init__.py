"""MyCallback: prints a metric at the end of every epoch, and its lowest value so far."""

from .my_callback import MyCallback

__all__ = ["MyCallback"]

"""ProgbarLogger: the progress of a run."""

from .progbar_logger import ProgbarLogger

__all__ = ["ProgbarLogger"]

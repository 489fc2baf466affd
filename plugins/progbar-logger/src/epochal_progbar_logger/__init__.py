"""ProgbarLogger: the progress of a run, live on a terminal or in a notebook, in lines elsewhere."""

from .progbar_logger import ProgbarLogger

__all__ = ["ProgbarLogger"]

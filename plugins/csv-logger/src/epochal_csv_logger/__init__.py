"""CSVLogger: writes the metrics of every epoch to a CSV file."""

from .csv_logger import CSVLogger

__all__ = ["CSVLogger"]

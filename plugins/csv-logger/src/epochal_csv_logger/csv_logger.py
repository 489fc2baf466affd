"""Writes the metrics of every epoch to a CSV file."""

from __future__ import annotations

from epochal import Callback


class CSVLogger(Callback):
    """Writes the metrics of every epoch to a CSV file."""

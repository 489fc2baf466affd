"""Sends the metrics of every epoch to a server, in the background."""

from __future__ import annotations

from epochal import Callback


class RemoteMonitor(Callback):
    """Sends the metrics of every epoch to a server, in the background."""

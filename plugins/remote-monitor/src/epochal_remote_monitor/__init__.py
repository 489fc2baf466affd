"""RemoteMonitor: sends the metrics of every epoch to a server, in the background."""

from .remote_monitor import RemoteMonitor

__all__ = ["RemoteMonitor"]

"""RemoteMonitor keeps what every callback promises."""

from __future__ import annotations

from epochal.testing import conformance

test_conformance = conformance("remote_monitor", root="http://127.0.0.1:9")

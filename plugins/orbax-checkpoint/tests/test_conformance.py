"""OrbaxCheckpoint keeps what every callback promises."""

from __future__ import annotations

from epochal.testing import conformance

test_conformance = conformance("orbax_checkpoint", directory="checkpoints")

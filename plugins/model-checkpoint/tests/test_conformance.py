"""ModelCheckpoint keeps what every callback promises."""

from __future__ import annotations

from epochal.testing import conformance

test_conformance = conformance("model_checkpoint", filepath="{epoch}.keras", save_best_only=True, keep=2)

"""EarlyStopping keeps what every callback promises."""

from __future__ import annotations

from epochal.testing import conformance

test_conformance = conformance("early_stopping", patience=2, restore_best_weights=True)

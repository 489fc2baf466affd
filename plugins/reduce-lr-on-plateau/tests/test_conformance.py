"""ReduceLROnPlateau keeps what every callback promises."""

from __future__ import annotations

from epochal.testing import conformance

test_conformance = conformance("reduce_lr_on_plateau", patience=2)

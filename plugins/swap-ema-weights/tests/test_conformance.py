"""SwapEMAWeights keeps what every callback promises."""

from __future__ import annotations

from epochal.testing import conformance

test_conformance = conformance("swap_ema_weights")

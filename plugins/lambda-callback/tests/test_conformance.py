"""LambdaCallback keeps what every callback promises."""

from __future__ import annotations

from epochal.testing import conformance

test_conformance = conformance("lambda_callback", on_epoch_end=lambda epoch, logs: None)

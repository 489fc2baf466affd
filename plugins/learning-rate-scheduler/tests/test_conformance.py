"""LearningRateScheduler keeps what every callback promises."""

from __future__ import annotations

from epochal.testing import conformance

test_conformance = conformance("learning_rate_scheduler", schedule=lambda epoch, rate: rate * 0.9)

"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("epochal", deadline=None)  # no test asserts a time
settings.load_profile("epochal")

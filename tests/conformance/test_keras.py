"""Keras's tests of its callbacks: one class for each of its files, named as the file."""

from __future__ import annotations

from .harness import make_classes

globals().update(make_classes())

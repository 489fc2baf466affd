"""Writes metrics, histograms, graphs and embeddings for TensorBoard."""

from __future__ import annotations

from epochal import Callback


class TensorBoard(Callback):
    """Writes metrics, histograms, graphs and embeddings for TensorBoard."""

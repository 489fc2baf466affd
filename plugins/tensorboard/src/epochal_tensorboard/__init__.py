"""TensorBoard: writes metrics, histograms, graphs and embeddings for TensorBoard."""

from .tensorboard import TensorBoard

__all__ = ["TensorBoard"]

"""Models of tf_keras (Keras 2), in whose bare fit single callbacks work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .base import ModelAdapter, direction_by_name
from .keras import KerasAdapter
from .keras_code import mentions

if TYPE_CHECKING:
    from collections.abc import Iterator


class TfKerasAdapter(KerasAdapter):
    """The adapter for `tf_keras.Model` and its optimizers."""

    def log_keys(self) -> frozenset[str] | None:
        return None  # its metrics are built with the first batch

    def validation_keys(self) -> frozenset[str] | None:
        return None

    def keys_are_certain(self) -> bool:
        return False

    def may_log_validation(self) -> bool:
        model, own = type(self.model), self._framework().Model
        drives_itself = any(getattr(model, name, None) is not getattr(own, name) for name in ("fit", "evaluate"))
        named = any(metric.name.startswith("val_") for metric in self.model.metrics)
        return drives_itself or named or mentions([self.model, *self._layers(), *self.model.metrics], "val_")

    def direction_of(self, metric: str) -> str | None:
        return direction_by_name(metric) or "min"  # as tf_keras's own EarlyStopping does it

    @property
    def iterations(self) -> int | None:
        steps = getattr(self.optimizer, "iterations", None)
        return None if steps is None else int(steps.numpy())

    def learning_rates(self) -> dict[str, float]:
        rates = {}
        for key, optimizer in self._optimizers().items():
            rate = self._rate(optimizer)
            rates[key] = float(rate(optimizer.iterations) if callable(rate) else optimizer.learning_rate)
        return rates

    def _rate(self, optimizer: Any) -> Any:
        hyper = getattr(optimizer, "_hyper", {})  # the legacy optimizers
        rate = hyper.get("learning_rate", getattr(optimizer, "_learning_rate", None))
        return rate if hasattr(rate, "get_config") else None  # its variables are callable too

    def named_weights(self) -> Iterator[tuple[str, Any]]:
        for weight in self.model.weights:
            yield weight.name.replace(":", "_"), weight.numpy()

    def embeddings(self) -> dict[str, Any]:
        found = [layer for layer in self._layers() if type(layer).__name__ == "Embedding" and layer.built]
        return {layer.name: layer.embeddings.numpy() for layer in found}

    def _framework(self) -> Any:
        return sys.modules["tf_keras"]

    def _backend(self) -> str:
        return "tensorflow"

    def make_folder(self, path: str) -> None:
        sys.modules["tensorflow"].io.gfile.makedirs(path)

    check_averages = ModelAdapter.check_averages
    has_averages = ModelAdapter.has_averages
    swap_averages = ModelAdapter.swap_averages
    settle_averages = ModelAdapter.settle_averages
    state_tree = ModelAdapter.state_tree
    config = ModelAdapter.config
    assets = ModelAdapter.assets
    print = ModelAdapter.print
    channels_last = ModelAdapter.channels_last

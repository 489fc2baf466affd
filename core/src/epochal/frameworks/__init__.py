"""What a callback does with a model, the same for every framework.

A built-in never asks which framework it runs on: `adapt` gives it the adapter of its model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import RunError
from .base import ModelAdapter

if TYPE_CHECKING:
    from ..callback import Callback

__all__ = ["ModelAdapter", "adapt"]

# A framework's package to the adapter for its models and optimizers; the first that fits counts.
_ADAPTERS = {"tf_keras": "tf_keras.TfKerasAdapter", "keras": "keras.KerasAdapter"}


def adapt(callback: Callback) -> ModelAdapter:
    """Return the adapter of the model that a callback was given. Its errors name the callback.

    The optimizer is the one that `epochal.loop(optimizer=…)` was given, else the model's own. A model with a method
    `__epochal_adapter__(optimizer)` brings an adapter of its own.

    Raises:
        RunError: The callback has no model yet.
    """
    model, run = callback.model, callback.run
    if model is None:
        raise RunError(f"{type(callback).__name__} has no model before its run begins")
    optimizer = None if run is None else run.optimizer
    if optimizer is None:
        optimizer = getattr(model, "optimizer", None)
    own = getattr(model, "__epochal_adapter__", None)
    if own is not None:
        return _asked_by(callback, own(optimizer))
    packages = _packages(model) | _packages(optimizer)
    for package, place in _ADAPTERS.items():
        if package in packages:
            module, kind = place.split(".")
            found: type[ModelAdapter] = getattr(import_module(f".{module}", __name__), kind)
            return _asked_by(callback, found(model, optimizer))
    return _asked_by(callback, ModelAdapter(model, optimizer))


def _asked_by(callback: Callback, adapter: ModelAdapter) -> ModelAdapter:
    adapter.asker = type(callback).__name__
    return adapter


def _packages(thing: Any) -> set[str]:
    return {kind.__module__.partition(".")[0] for kind in type(thing).__mro__}

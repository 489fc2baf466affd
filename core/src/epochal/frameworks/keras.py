"""Models of Keras 3, on every backend. Keras is imported already when there is a model of its."""

from __future__ import annotations

import inspect
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import LearningRateError, RunError, one_line
from ..warn import warn_user
from . import keras_averages, keras_metrics, keras_state
from .base import ModelAdapter
from .keras_state import array
from .step_graph import step_graph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from .summaries import SummaryChannel


class KerasAdapter(ModelAdapter):
    """The adapter for `keras.Model` and `keras.optimizers.Optimizer`."""

    # Metrics

    def log_keys(self) -> frozenset[str] | None:
        return keras_metrics.log_keys(self.model)

    def validation_keys(self) -> frozenset[str] | None:
        return keras_metrics.validation_keys(self.model)

    def keys_are_certain(self) -> bool:
        return keras_metrics.are_certain(self.model)

    def may_log_validation(self) -> bool:
        return keras_metrics.may_log_validation(self.model)

    def adds_nothing(self, callback: Any) -> bool:
        framework = self._framework()
        is_own = type(callback) is getattr(framework.callbacks, type(callback).__name__, None)
        return is_own and not isinstance(callback, framework.callbacks.LambdaCallback)

    def direction_of(self, metric: str) -> str | None:
        return keras_metrics.direction_of(self.model, metric)

    # The optimizer and its learning rate

    @property
    def iterations(self) -> int | None:
        steps = getattr(self.optimizer, "iterations", None)
        return None if steps is None else int(array(steps))

    def _inner_optimizers(self) -> list[Any]:
        """Return the optimizers that do the work: behind loss scaling, and each of several."""
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        if optimizer is None:
            return []
        return list(getattr(optimizer, "optimizers", [optimizer]))

    def _optimizers(self) -> dict[str, Any]:
        """Return the optimizers that hold a learning rate, by its key."""
        inner = self._inner_optimizers()
        if not hasattr(getattr(self.optimizer, "inner_optimizer", self.optimizer), "optimizers"):
            return {"learning_rate": inner[0]} if inner else {}
        named: dict[str, Any] = {}
        for optimizer in inner:
            key, number = f"learning_rate_{optimizer.name}", 1
            while key in named:  # as Keras tells metrics of one name apart
                key, number = f"learning_rate_{optimizer.name}_{number}", number + 1
            named[key] = optimizer
        return named

    def learning_rates(self) -> dict[str, float]:
        return {
            key: float(array(optimizer.learning_rate))
            for key, optimizer in self._optimizers().items()
            if hasattr(optimizer, "learning_rate")
        }

    def set_learning_rate(self, key: str, rate: float) -> None:
        self.check_learning_rate(self.asker)
        self._optimizers()[key].learning_rate = rate

    def check_learning_rate(self, purpose: str) -> None:
        if self.optimizer is None:
            raise RunError(
                f"{purpose} sets the learning rate, and there is no optimizer. Compile the model with one, or give it "
                "to the loop: epochal.loop(model, optimizer=…)."
            )
        for optimizer in self._optimizers().values():  # several may be known only when they are built
            kind, rate = type(optimizer).__name__, self._rate(optimizer)
            if callable(rate):
                raise LearningRateError(
                    f"{purpose} sets the learning rate, and that of {kind} is a schedule, {type(rate).__name__}. "
                    "Take one of the two: the callback, or the schedule."
                )
            if not hasattr(optimizer, "learning_rate"):
                raise RunError(f"{purpose} sets the learning rate, and nothing tells how that of {kind} is set.")

    def _rate(self, optimizer: Any) -> Any:
        """Return what an optimizer was made with: a variable, or a schedule, which is callable."""
        return getattr(optimizer, "_learning_rate", None)

    # Weights

    def get_weights(self) -> list[Any]:
        if not self._is_keras_model():
            return super().get_weights()
        weights: list[Any] = self.model.get_weights()  # copies
        return weights

    def named_weights(self) -> Iterator[tuple[str, Any]]:
        for weight in getattr(self.model, "weights", ()):
            yield weight.path.replace(":", "_"), array(weight)

    def embeddings(self) -> dict[str, Any]:
        kind = sys.modules["keras"].layers.Embedding
        found = [layer for layer in self._layers() if isinstance(layer, kind) and layer.built]
        return {layer.name: array(layer.embeddings) for layer in found}

    def _layers(self) -> list[Any]:
        """Return all layers, also those in layers and models inside."""
        flatten = getattr(self.model, "_flatten_layers", None)
        return [] if flatten is None else list(flatten(include_self=False))

    # Averages

    def check_averages(self) -> None:
        self._averaging()

    def has_averages(self) -> bool:
        return keras_averages.are_filled(self._averaging())

    def swap_averages(self) -> None:
        keras_averages.swap(self._averaging())

    def settle_averages(self) -> None:
        keras_averages.settle(self._averaging())

    def _averaging(self) -> list[Any]:
        optimizers = self._inner_optimizers()
        averaging = [each for each in optimizers if getattr(each, "use_ema", False)]
        if not averaging and (optimizers or self.optimizer is None):  # several may be known only when they are built
            names = ", ".join(type(each).__name__ for each in optimizers) or "there is none"
            raise ValueError(
                f"the optimizer keeps no moving average of the weights ({names}). Make it with `use_ema=True`."
            )
        return averaging

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        _save(self._method("save", "how to save the model"), path)

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        _save(self._method("save_weights", "how to save the weights"), path)

    def overrides(self, method: str) -> bool:
        original = getattr(self._framework().Model, method)
        return method in vars(self.model) or getattr(type(self.model), method, None) is not original

    def make_folder(self, path: str) -> None:
        file_utils = import_module("keras.src.utils.file_utils")  # knows the addresses that `save` knows
        if not file_utils.exists(path):
            file_utils.makedirs(path)

    def state_tree(self) -> dict[str, Any]:
        if not self._is_keras_model():
            self._cannot("the state of the model")
        try:
            return keras_state.state_tree(self.model, self.optimizer)
        except RunError as error:
            raise RunError(f"{self.asker}: {error}") from None

    def config(self) -> str | None:
        return keras_state.config(self.model) if self._is_keras_model() else None

    def assets(self) -> dict[str, Any]:
        return keras_state.assets(self.model) if self._is_keras_model() else {}

    def _is_keras_model(self) -> bool:
        """Return whether the model is Keras's too; in a loop only the optimizer may be."""
        return isinstance(self.model, self._framework().Model)

    def _framework(self) -> Any:
        return sys.modules["keras"]

    # What is told

    def print(self, text: str) -> None:
        if sys.modules["keras"].config.is_interactive_logging_enabled():
            super().print(text)
        else:
            import_module("absl.logging").info(text)  # where Keras's own lines go then

    # What shows a model

    def architecture(self) -> str | None:
        if type(self.model).__name__ not in ("Functional", "Sequential"):  # a subclass tells nothing of its layers
            return None
        try:
            text: str = self.model.to_json()
        except Exception as error:  # whatever a layer's get_config raises
            warn_user(f"the model cannot be written as JSON, so its graph is not shown: {one_line(error)}")
            return None
        return text

    def train_graph(self) -> bytes | None:
        return step_graph(getattr(self.model, "train_function", None))

    def summaries(self, name: str) -> SummaryChannel | None:
        if self._backend() != "tensorflow":
            return None
        from .summaries import summary_channel

        return summary_channel(name)

    def start_profiler(self, folder: str) -> None:
        backend = self._backend()
        if backend == "tensorflow":
            sys.modules["tensorflow"].profiler.experimental.start(logdir=folder)
        elif backend == "jax":
            sys.modules["jax"].profiler.start_trace(folder)
        else:
            self._cannot(f"how to profile on {backend}")

    def stop_profiler(self, *, save: bool = True) -> None:
        if self._backend() == "tensorflow":
            sys.modules["tensorflow"].profiler.experimental.stop(save=save)
        else:
            sys.modules["jax"].profiler.stop_trace()

    def profiled_step(self, step: int) -> AbstractContextManager[Any]:
        if self._backend() == "tensorflow":
            marked = sys.modules["tensorflow"].profiler.experimental.Trace("train", step_num=step, _r=1)
        else:
            marked = sys.modules["jax"].profiler.StepTraceAnnotation("train", step_num=step)
        context: AbstractContextManager[Any] = marked
        return context

    def _backend(self) -> str:
        name: str = sys.modules["keras"].config.backend()
        return name

    @property
    def channels_last(self) -> bool:
        return bool(sys.modules["keras"].config.image_data_format() == "channels_last")


def _save(method: Callable[..., Any], path: str | os.PathLike[str]) -> None:
    """Save as Keras's ModelCheckpoint does: a model's own method may rely on text, and on `overwrite`."""
    try:
        kinds = {name: parameter.kind for name, parameter in inspect.signature(method).parameters.items()}
    except (TypeError, ValueError):  # it is not written in Python
        kinds = {}
    if not kinds or "overwrite" in kinds or inspect.Parameter.VAR_KEYWORD in kinds.values():
        method(os.fspath(path), overwrite=True)
    else:
        method(os.fspath(path))

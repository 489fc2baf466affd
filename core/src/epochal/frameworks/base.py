"""What callbacks need from a model, whatever its framework."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import RunError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from .summaries import SummaryChannel


class ModelAdapter:
    """The operations on a model and its optimizer that callbacks need.

    This base knows no framework: what only tells gives that nothing is known, and what would do something raises.
    Arrays are NumPy's, and copies: they do not change when the model trains on.

    Args:
        model: The model.
        optimizer: Its optimizer, or None.

    Attributes:
        asker: The callback that it was made for, in error messages.
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        self.model = model
        self.optimizer = optimizer
        self.asker = "a callback"

    def _cannot(self, what: str) -> NoReturn:
        kind = type(self.model)
        raise RunError(
            f"{self.asker}: {what} is not known for a model of type {kind.__module__}.{kind.__qualname__}. "
            "It is for Keras models; any other brings its own with a method `__epochal_adapter__(optimizer)`."
        )

    def _method(self, name: str, what: str) -> Callable[..., Any]:
        method: Callable[..., Any] | None = getattr(self.model, name, None)
        return method if method is not None else self._cannot(what)

    # Metrics

    def log_keys(self) -> frozenset[str] | None:
        """Return the keys that the logs will have in training, without those of validation; None if not known."""
        return None

    def validation_keys(self) -> frozenset[str] | None:
        """Return the keys that an evaluation gives, without `val_`; None if not known."""
        return self.log_keys()

    def keys_are_certain(self) -> bool:
        """Return whether nothing in the model's code can give other keys than those that are known."""
        return True

    def may_log_validation(self) -> bool:
        """Return whether the model's own code may give a `val_…` key in a training without validation data."""
        return True

    def adds_nothing(self, callback: Any) -> bool:
        """Return whether a callback is one of the framework's own that adds at most the learning rate to the logs."""
        return False

    def direction_of(self, metric: str) -> str | None:
        """Return whether less ("min") or more ("max") of a metric is better; None if not known.

        Args:
            metric: Its key in the logs, without `val_`.
        """
        return direction_by_name(metric)

    # The optimizer and its learning rate

    @property
    def iterations(self) -> int | None:
        """How many steps the optimizer has made; None if not known."""
        return None

    def learning_rates(self) -> dict[str, float]:
        """Return the learning rate under the key that it has in the logs, `learning_rate`.

        Of several optimizers in one it is `learning_rate_NAME` for each; without an optimizer there is none.
        """
        return {}

    def set_learning_rate(self, key: str, rate: float) -> None:
        """Set a learning rate.

        Args:
            key: Its key, as `learning_rates` gives it.
            rate: The new rate.

        Raises:
            LearningRateError: The rate is a schedule's and cannot be set.
            RunError: There is no optimizer.
        """
        self._cannot("the learning rate")

    def check_learning_rate(self, purpose: str) -> None:
        """Check, before anything is trained, that the learning rate can be set.

        Args:
            purpose: Who wants to set it, for the message.

        Raises:
            LearningRateError: The rate is a schedule's.
            RunError: There is no optimizer.
        """
        self._cannot("the learning rate")

    # Weights

    def get_weights(self) -> list[Any]:
        """Return copies of all weights, in the model's order. Any model with a `get_weights` of its own will do."""
        weights: list[Any] = copy.deepcopy(self._method("get_weights", "how to read the weights")())
        return weights

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights to what `get_weights` gave. Any model with a `set_weights` of its own will do."""
        self._method("set_weights", "how to set the weights")(weights)

    def named_weights(self) -> Iterator[tuple[str, Any]]:
        """Return every weight with its path, `dense/kernel` for example."""
        self._cannot("the names of the weights")

    def embeddings(self) -> dict[str, Any]:
        """Return the matrix of every embedding layer, by the layer's name; shape (words, dimensions)."""
        return {}

    # Averages of the weights over the steps (Keras: `use_ema=True` of an optimizer)

    def check_averages(self) -> None:
        """Check that the optimizer keeps averages of the weights.

        Raises:
            ValueError: It does not.
        """
        self._cannot("the average of the weights")

    def has_averages(self) -> bool:
        """Return whether a step has filled the averages; before the first one they cannot serve as weights.

        Raises:
            ValueError: The optimizer keeps none.
        """
        self._cannot("the average of the weights")

    def swap_averages(self) -> None:
        """Exchange the weights and their averages, in place; a second call undoes the first."""
        self._cannot("the average of the weights")

    def settle_averages(self) -> None:
        """Set the averages to the weights, so that what overwrites the weights by them changes nothing."""
        self._cannot("the average of the weights")

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the whole model; the end of the path's name tells the format. The model gets the path as text."""
        self._cannot("how to save the model")

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Save the weights alone, with the optimizer's where the framework has them in one file."""
        self._cannot("how to save the weights")

    def overrides(self, method: str) -> bool:
        """Return whether a method of the model, `save` for example, is its own, and may do something else.

        Args:
            method: The name of a method that the framework's models have.
        """
        return False

    def make_folder(self, path: str) -> None:
        """Make a folder at an address, `gs://bucket/models`, if the framework knows how and it is missing."""

    def state_tree(self) -> dict[str, Any]:
        """Return all variables (weights, optimizer, metrics) as nested dicts of arrays; numbers too.

        Raises:
            RunError: Two variables have one path.
        """
        self._cannot("the state of the model")

    def config(self) -> str | None:
        """Return what the model is and how it was compiled, as JSON that its framework reads; None if not known."""
        return None

    def assets(self) -> dict[str, Any]:
        """Return the files that layers keep beside their weights, such as vocabularies.

        They stand in nested dicts, by the names of folders and files; a file is an array of its bytes.
        """
        return {}

    # What is told

    def print(self, text: str) -> None:
        """Print a line in a fit that is the framework's own. Its bar may stand in the line that is being written."""
        sys.stdout.write(f"\n{text}\n")

    # What shows a model

    def architecture(self) -> str | None:
        """Return the layers and how they are connected, as Keras's JSON; None if not known."""
        return None

    def train_graph(self) -> bytes | None:
        """Return the graph of a training step as a serialized `tensorflow.GraphDef`; None if there is none."""
        return None

    def start_profiler(self, folder: str) -> None:
        """Begin to record where the time goes, into a folder as TensorBoard's profiler reads it."""
        self._cannot("how to profile")

    def stop_profiler(self, *, save: bool = True) -> None:
        """End the recording, and write it or not."""
        self._cannot("how to profile")

    def profiled_step(self, step: int) -> AbstractContextManager[Any]:
        """Return a context that marks a training step in the recording.

        Args:
            step: Its number.
        """
        self._cannot("how to profile")

    def summaries(self, name: str) -> SummaryChannel | None:
        """Return what catches the summaries that the model's own code writes in its steps; None if it can write none.

        Args:
            name: What they belong to, `train` or `validation`.
        """
        return None

    @property
    def channels_last(self) -> bool:
        """Whether the last axis of an image's array is its channels."""
        return True


def direction_by_name(metric: str) -> str | None:
    """Return the direction of a metric whose name leaves no doubt, where the model declares none.

    The names for "max" are those of tf-keras 2's EarlyStopping; Keras 3 has no such rule and asks for a mode.
    """
    if metric.endswith(("acc", "accuracy", "auc")):
        return "max"
    return "min" if metric.endswith(("loss", "error")) else None

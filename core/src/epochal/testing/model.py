"""A model without a framework: what callbacks use of one, and nothing that trains."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LearningRateError, RunError
from ..frameworks import ModelAdapter

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence


class FakeModel:
    """What Keras's loops and callbacks use of a model, without a framework.

    Args:
        weights: Name to value; what a test wants the model to hold.
        learning_rate: The rate of its optimizer; None: it has no optimizer. A function: a schedule, which no callback
            can set. A dict: it has several optimizers, and this is the rate of each by its name.
        metrics: The keys that the logs will have, each with "min", "max" or None; None: not known.

    Attributes:
        averages: What the optimizer keeps as averages of the weights; empty: no step has filled them; None: it keeps
            none.
        iterations: The steps that its optimizer has made.
    """

    def __init__(
        self,
        weights: Mapping[str, Any] | None = None,
        learning_rate: Any = 0.01,
        metrics: Mapping[str, str | None] | None = None,
    ) -> None:
        self.weights = dict(weights or {})
        self.learning_rate = learning_rate
        self.metrics = metrics
        self.averages: dict[str, Any] | None = None
        self.iterations = 0
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False

    def __epochal_adapter__(self, optimizer: Any) -> FakeAdapter:
        return FakeAdapter(self, optimizer)


class FakeAdapter(ModelAdapter):
    """The adapter of a `FakeModel`. A saved model is a JSON file of its weights."""

    model: FakeModel

    def log_keys(self) -> frozenset[str] | None:
        return None if self.model.metrics is None else frozenset(self.model.metrics)

    def may_log_validation(self) -> bool:
        return False

    def direction_of(self, metric: str) -> str | None:
        declared = (self.model.metrics or {}).get(metric)
        return declared or super().direction_of(metric)

    @property
    def iterations(self) -> int | None:
        return None if self.model.learning_rate is None else self.model.iterations

    def learning_rates(self) -> dict[str, float]:
        rate = self.model.learning_rate
        if rate is None:
            return {}
        if isinstance(rate, dict):
            return {f"learning_rate_{name}": float(each) for name, each in rate.items()}
        return {"learning_rate": float(rate(self.model.iterations) if callable(rate) else rate)}

    def set_learning_rate(self, key: str, rate: float) -> None:
        self.check_learning_rate("a callback")
        if isinstance(self.model.learning_rate, dict):
            self.model.learning_rate[key.removeprefix("learning_rate_")] = rate
        else:
            self.model.learning_rate = rate

    def check_learning_rate(self, purpose: str) -> None:
        rate = self.model.learning_rate
        if rate is None:
            raise RunError(f"{purpose} sets the learning rate, which is not there")
        if callable(rate):
            raise LearningRateError(f"{purpose} sets the learning rate, which is a schedule")

    def get_weights(self) -> list[Any]:
        return copy.deepcopy(list(self.model.weights.values()))

    def set_weights(self, weights: Sequence[Any]) -> None:
        self.model.weights = dict(zip(self.model.weights, copy.deepcopy(list(weights)), strict=True))

    def named_weights(self) -> Iterator[tuple[str, Any]]:
        yield from copy.deepcopy(self.model.weights).items()

    def check_averages(self) -> None:
        if self.model.averages is None:
            raise ValueError("the optimizer keeps no moving average of the weights")

    def has_averages(self) -> bool:
        self.check_averages()
        return bool(self.model.averages)

    def swap_averages(self) -> None:
        self.check_averages()
        assert self.model.averages is not None
        self.model.weights, self.model.averages = self.model.averages, self.model.weights

    def settle_averages(self) -> None:
        self.check_averages()
        self.model.averages = copy.deepcopy(self.model.weights)

    def save(self, path: str | os.PathLike[str]) -> None:
        Path(path).write_text(json.dumps(self.model.weights, default=_as_list))

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        self.save(path)

    def state_tree(self) -> dict[str, Any]:
        return {"weights": copy.deepcopy(self.model.weights)}

    def config(self) -> str:
        return json.dumps({"weights": list(self.model.weights)})


def _as_list(array: Any) -> Any:
    return array.tolist()

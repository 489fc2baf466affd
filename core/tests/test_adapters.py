"""What callbacks can do with a model whose framework nobody knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from epochal import Callback, LearningRateError, RunError
from epochal.frameworks import adapt
from epochal.testing import FakeModel


class Model:
    """Has weights, under the names that Keras has for them."""

    def __init__(self) -> None:
        self.weights = [np.zeros(2)]

    def get_weights(self) -> list[Any]:
        return self.weights

    def set_weights(self, weights: list[Any]) -> None:
        self.weights = weights


def _with(model: Any) -> Callback:
    callback = Callback()
    callback.set_model(model)
    return callback


def test_any_model_with_keras_names_gives_and_takes_its_weights() -> None:
    model = Model()
    adapter = adapt(_with(model))
    kept = adapter.get_weights()
    model.weights[0] += 1
    assert kept[0].tolist() == [0, 0]
    adapter.set_weights(kept)
    assert model.weights[0].tolist() == [0, 0]


def test_a_model_without_them_is_a_clear_error() -> None:
    adapter = adapt(_with(object()))
    with pytest.raises(RunError, match="how to read the weights is not known for a model"):
        adapter.get_weights()
    with pytest.raises(RunError, match=r"^Callback: how to set the weights"):
        adapter.set_weights([])


def test_averages_are_filled_by_the_first_step() -> None:
    model = FakeModel({"kernel": 1.0})
    adapter = adapt(_with(model))
    with pytest.raises(ValueError, match="keeps no moving average"):
        adapter.has_averages()
    model.averages = {}
    assert not adapter.has_averages()
    model.averages = {"kernel": 2.0}
    assert adapter.has_averages()


def test_averages_of_a_model_that_nobody_knows_are_a_clear_error() -> None:
    with pytest.raises(RunError, match="the average of the weights is not known"):
        adapt(_with(object())).has_averages()


def test_a_rate_that_is_a_schedules_is_a_type_error_as_in_keras() -> None:
    adapter = adapt(_with(FakeModel(learning_rate=lambda step: 0.1)))
    with pytest.raises(LearningRateError, match="Mine sets the learning rate, which is a schedule") as caught:
        adapter.check_learning_rate("Mine")
    assert isinstance(caught.value, TypeError)
    with pytest.raises(RunError, match="which is not there") as caught_other:
        adapt(_with(FakeModel(learning_rate=None))).check_learning_rate("Mine")
    assert not isinstance(caught_other.value, TypeError)

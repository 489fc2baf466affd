"""What callbacks can do with a model whose framework nobody knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from epochal import Callback, RunError
from epochal.frameworks import adapt


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
    with pytest.raises(RunError, match="how to set the weights"):
        adapter.set_weights([])

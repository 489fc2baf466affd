"""OrbaxCheckpoint in real training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from epochal_orbax_checkpoint import OrbaxCheckpoint

from .ways import Data, in_a_bare_fit, in_a_loop, in_a_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _last() -> Any:
    return keras.layers.Dense(1, activation="sigmoid")


def _sequential() -> Any:
    return keras.Sequential([keras.layers.Input((4,)), keras.layers.BatchNormalization(), _last()])


def _built_by_the_data() -> Any:
    return keras.Sequential([keras.layers.Dense(3), _last()])


def _of_a_built_layer() -> Any:
    built = keras.layers.Dense(3)
    built.build((None, 4))
    return keras.Sequential([keras.layers.Input((4,)), built, _last()])


def _functional() -> Any:
    inputs = keras.layers.Input((4,))
    return keras.Model(inputs, _last()(keras.layers.Dense(3)(inputs)))


def _sequential_inside() -> Any:
    inputs = keras.layers.Input((4,))
    inner = keras.Sequential([keras.layers.Dense(3), keras.Sequential([_last()], name="innermost")], name="inner")
    return keras.Model(inputs, inner(inputs))


@pytest.mark.parametrize("make", [_sequential, _built_by_the_data, _of_a_built_layer, _functional, _sequential_inside])
def test_keras_loads_the_model_with_its_weights_and_its_optimizer(
    make: Callable[[], Any], tmp_path: Path, data: Data
) -> None:
    model = make()
    model.compile("adam", "binary_crossentropy")
    model.fit(*data, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path)])
    loaded = keras.saving.load_model(tmp_path)
    for one, other in (
        (loaded.weights, model.weights),
        (loaded.optimizer.variables, model.optimizer.variables),
    ):
        for found, expected in zip(one, other, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_every_way_of_training_saves_the_same(make_model: Callable[..., Any], tmp_path: Path, data: Data) -> None:
    found = []
    for train in (in_a_run, in_a_bare_fit, in_a_loop):
        folder = tmp_path / train.__name__
        checkpoint = OrbaxCheckpoint(folder, monitor="loss", save_best_only=True, max_to_keep=None)
        train(make_model(), data, checkpoint, epochs=2, batch_size=40)
        assert sorted(path.name for path in folder.iterdir()) == ["0", "1"]
        found.append(keras.saving.load_model(folder).get_weights())
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)

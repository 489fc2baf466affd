"""Two epochs and two epochs are four: weights, optimizer, seeds and the states of the callbacks restored by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import epochal

if TYPE_CHECKING:
    from pathlib import Path

_RANDOM = np.random.default_rng(0)
X, Y = _RANDOM.normal(size=(16, 4)).astype("float32"), _RANDOM.normal(size=(16, 1)).astype("float32")
EPOCHS, FIRST = 4, 2


def _model() -> Any:
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential([layers.Input((4,)), layers.Dense(8), layers.Dropout(0.5), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), "mse", run_eagerly=True)
    return model


def _callbacks(folder: Path) -> list[Any]:
    from epochal_csv_logger import CSVLogger
    from epochal_early_stopping import EarlyStopping
    from epochal_history import History
    from epochal_learning_rate_scheduler import LearningRateScheduler
    from epochal_model_checkpoint import ModelCheckpoint
    from epochal_reduce_lr_on_plateau import ReduceLROnPlateau
    from epochal_terminate_on_nan import TerminateOnNaN

    path = str(folder / "{epoch}.weights.h5")
    return [
        History(),
        LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=0.5),
        EarlyStopping("val_loss", patience=3),
        ModelCheckpoint(path, save_best_only=True, save_weights_only=True),
        CSVLogger(str(folder / "log.csv"), append=True),
        TerminateOnNaN(),
    ]


def _variables(model: Any) -> list[Any]:
    """The seeds of the layers are among the variables of the model."""
    return [*model.variables, *model.optimizer.variables]


def _fit(model: Any, callbacks: list[Any], first: int, last: int) -> None:
    # Keras on TensorFlow shuffles arrays by Python's seed alone, in the same order every epoch.
    keras.utils.set_random_seed(3)
    epochal.fit(
        model,
        X,
        Y,
        batch_size=8,
        validation_data=(X[:8], Y[:8]),
        initial_epoch=first,
        epochs=last,
        verbose=0,
        callbacks=callbacks,
    )


def test_a_fit_in_two_halves_decides_as_one(tmp_path: Path) -> None:
    folders = [tmp_path / "whole", tmp_path / "halves"]
    for folder in folders:
        folder.mkdir()
    whole, model = _callbacks(folders[0]), _model()
    _fit(model, whole, 0, EPOCHS)

    half, trained = _callbacks(folders[1]), _model()
    _fit(trained, half, 0, FIRST)
    states = [callback.state_dict() for callback in half]
    values = [variable.numpy() for variable in _variables(trained)]

    again, restored = _callbacks(folders[1]), _model()
    restored.optimizer.build(restored.trainable_variables)
    for variable, value in zip(_variables(restored), values, strict=True):
        variable.assign(value)
    for callback, state in zip(again, states, strict=True):
        callback.load_state_dict(state)
    _fit(restored, again, FIRST, EPOCHS)

    assert again[0].epoch == whole[0].epoch == [*range(EPOCHS)]
    assert again[0].history == whole[0].history
    for one, other in zip(whole, again, strict=True):
        if type(one).__name__ != "CSVLogger":  # it counts the rows that were there when it began
            assert one.state_dict().keys() == other.state_dict().keys()
            np.testing.assert_equal(other.state_dict(), one.state_dict())
    files = [sorted(file.name for file in folder.iterdir()) for folder in folders]
    assert files[0] == files[1]
    assert (folders[0] / "log.csv").read_text() == (folders[1] / "log.csv").read_text()
    for one, other in zip(_variables(model), _variables(restored), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())

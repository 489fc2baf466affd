"""Two epochs and two epochs are four: weights, optimizer, seeds and the states of the callbacks restored by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import epochal
from epochal import Callback, Priority

if TYPE_CHECKING:
    from pathlib import Path

_RANDOM = np.random.default_rng(0)
X, Y = _RANDOM.normal(size=(16, 4)).astype("float32"), _RANDOM.normal(size=(16, 1)).astype("float32")
EPOCHS, FIRST = 4, 2


def _model(**adam: Any) -> Any:
    keras.utils.set_random_seed(3)
    layers = keras.layers
    dense, dropout, output = layers.Dense(8, name="dense"), layers.Dropout(0.5), layers.Dense(1, name="output")
    model = keras.Sequential([layers.Input((4,)), dense, dropout, output], name="model")
    model.compile(keras.optimizers.Adam(0.05, **adam), "mse", run_eagerly=True)
    return model


def _callbacks(folder: Path) -> list[Any]:
    from epochal_base_logger import BaseLogger
    from epochal_csv_logger import CSVLogger
    from epochal_early_stopping import EarlyStopping
    from epochal_history import History
    from epochal_learning_rate_scheduler import LearningRateScheduler
    from epochal_model_checkpoint import ModelCheckpoint
    from epochal_orbax_checkpoint import OrbaxCheckpoint
    from epochal_reduce_lr_on_plateau import ReduceLROnPlateau
    from epochal_tensorboard import TensorBoard
    from epochal_terminate_on_nan import TerminateOnNaN

    path = str(folder / "{epoch}.weights.h5")
    return [
        History(),
        BaseLogger(),
        LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=0.5),
        EarlyStopping("val_loss", patience=3),
        ModelCheckpoint(path, save_best_only=True, save_weights_only=True),
        OrbaxCheckpoint(str(folder / "orbax"), max_to_keep=2, save_on_background=False),
        CSVLogger(str(folder / "log.csv"), append=True),
        TensorBoard(str(folder / "events"), update_freq=1, histogram_freq=1),
        TerminateOnNaN(),
    ]


def _variables(model: Any) -> list[Any]:
    """The seeds of the layers are among the variables of the model."""
    return [*model.variables, *model.optimizer.variables]


def _steps(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """Return each series that TensorBoard shows of a folder: its steps, and its numbers."""
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    events = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    return {
        f"{run}/{tag}": [(event.step, event.tensor_proto.SerializeToString()) for event in events.Tensors(run, tag)]
        for run, tags in events.Runs().items()
        for tag in tags["tensors"]
        if tag != "keras" and "steps_per_second" not in tag  # the model's own names, and how fast it was
    }


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


def _restore(model: Any, values: list[Any], callbacks: list[Any], states: list[Any]) -> None:
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(_variables(model), values, strict=True):
        variable.assign(value)
    for callback, state in zip(callbacks, states, strict=True):
        callback.load_state_dict(state)


class _Snapshot(Callback):
    """What a kill at the end of an epoch leaves, when everything was saved there."""

    priority = Priority.REPORT + 1

    def __init__(self, callbacks: list[Any]) -> None:
        self._callbacks = callbacks
        self.values: list[list[Any]] = []
        self.states: list[list[Any]] = []

    def on_epoch_finalized(self) -> None:
        self.values.append([variable.numpy() for variable in _variables(self.model)])
        self.states.append([callback.state_dict() for callback in self._callbacks])


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
    _restore(restored, values, again, states)
    _fit(restored, again, FIRST, EPOCHS)

    assert again[0].epoch == whole[0].epoch == [*range(EPOCHS)]
    assert again[0].history == whole[0].history
    for one, other in zip(whole, again, strict=True):
        if type(one).__name__ != "CSVLogger":  # it counts the rows that were there when it began
            assert one.state_dict().keys() == other.state_dict().keys()
            np.testing.assert_equal(other.state_dict(), one.state_dict())
    files = [sorted(file.name for file in [*folder.iterdir(), *(folder / "orbax").iterdir()]) for folder in folders]
    assert files[0] == files[1]
    assert (folders[0] / "log.csv").read_text() == (folders[1] / "log.csv").read_text()
    one_fit, two_fits = (_steps(folder / "events") for folder in folders)
    assert one_fit.keys() == two_fits.keys()
    for series, points in one_fit.items():
        assert two_fits[series] == points, series
    for one, other in zip(_variables(model), _variables(restored), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_averages_in_the_model_at_the_end_of_an_epoch_are_restored_as_such() -> None:
    """Keras's `fit` ends with the averages as weights, so what goes on is what was saved before that."""
    from epochal_history import History
    from epochal_swap_ema_weights import SwapEMAWeights

    def callbacks() -> list[Any]:
        return [History(), SwapEMAWeights(swap_on_epoch=True)]

    whole, model = callbacks(), _model(use_ema=True, ema_momentum=0.5)
    snapshot = _Snapshot(whole)
    _fit(model, [*whole, snapshot], 0, EPOCHS)
    again, restored = callbacks(), _model(use_ema=True, ema_momentum=0.5)
    _restore(restored, snapshot.values[FIRST - 1], again, snapshot.states[FIRST - 1])
    _fit(restored, again, FIRST, EPOCHS)
    assert again[0].history == whole[0].history
    for one, other in zip(_variables(model), _variables(restored), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())

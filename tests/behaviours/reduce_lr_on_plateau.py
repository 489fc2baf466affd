"""ReduceLROnPlateau."""

from __future__ import annotations

import math
from typing import Any

import keras
import pytest

from . import behaviour


def _rates(callback: Any, model: Any, *losses: float) -> list[float]:
    """Send the end of an epoch for every `val_loss`; gives the learning rate that each leaves, from 1.0 on."""
    model.optimizer.learning_rate = 1.0
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        rates.append(float(model.optimizer.learning_rate))
    return rates


@behaviour(
    "reduce_lr_on_plateau",
    "A learning rate that cannot be set is an error before training",
    keras="With a LearningRateSchedule in the optimizer it raises a TypeError when the first reduction is due: after "
    "hours, or never.",
    ours="One error that names both, when training begins.",
)
def a_schedule_in_the_optimizer_is_said_before_training(ReduceLROnPlateau: Any, model: Any, data: Any) -> None:
    epochs = []

    class Note(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            epochs.append(epoch)

    model.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 100)), "mse")
    with pytest.raises(Exception, match="schedul"):
        model.fit(*data, epochs=9, verbose=0, callbacks=[ReduceLROnPlateau("loss", patience=1, min_delta=9), Note()])
    assert epochs == []


@behaviour(
    "reduce_lr_on_plateau",
    "A misspelt parameter is an error",
    keras="It takes any keyword, and does nothing with those that it does not know.",
    ours="TypeError, as of any Python function.",
    fails_with=pytest.fail.Exception,
)
def a_misspelt_parameter_is_an_error(ReduceLROnPlateau: Any) -> None:
    with pytest.raises(TypeError, match="patients"):
        ReduceLROnPlateau(patients=3)


@behaviour(
    "reduce_lr_on_plateau",
    "NaN never becomes the best value",
    keras="A NaN in the first epoch becomes the best value. No number is less than NaN, so the learning rate is "
    "reduced again and again although the metric improves with every epoch.",
    ours="NaN is never better than anything. The first number is the best so far.",
)
def nan_is_never_best(ReduceLROnPlateau: Any, model: Any) -> None:
    assert _rates(ReduceLROnPlateau(patience=2), model, math.nan, 0.9, 0.8, 0.7) == [1.0] * 4


@behaviour(
    "reduce_lr_on_plateau",
    "A factor that leaves nothing of the rate is warned of",
    keras="Only a factor of 1 or more is one. With 0 the learning rate becomes zero, with less it does too.",
    ours="It is taken too, with a warning.",
    fails_with=pytest.fail.Exception,
)
def a_factor_of_0_is_warned_of(ReduceLROnPlateau: Any) -> None:
    with pytest.warns(UserWarning, match="factor=0"):
        ReduceLROnPlateau(factor=0)


@behaviour(
    "reduce_lr_on_plateau",
    "What it knows can be kept over a restart",
    keras="It begins anew after a restart: the wait from nothing, and the first value is the best, however bad.",
    ours="`state_dict` gives all that it knows, `load_state_dict` takes it, and the next training goes on with it.",
    fails_with=AttributeError,
)
def it_goes_on_after_a_restart(ReduceLROnPlateau: Any, model: Any) -> None:
    before, after = (ReduceLROnPlateau(patience=2, factor=0.5) for _ in range(2))
    _rates(before, model, 0.5, 0.6)
    after.load_state_dict(before.state_dict())
    assert _rates(after, model, 0.6, 0.6) == [0.5, 0.5]

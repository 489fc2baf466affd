"""EarlyStopping."""

from __future__ import annotations

import math
import warnings
from typing import Any

import keras
import numpy as np
import pytest

import epochal

from . import behaviour


def _fit_with_losses(callback: Any, *losses: float) -> int:
    """Train one epoch for every given `val_loss`; gives how many ran."""
    ran = []

    class Give(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        provides = ("val_loss",)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["val_loss"] = losses[epoch]
            ran.append(epoch)

    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 1)), np.ones((2, 1)), epochs=len(losses), verbose=0, callbacks=[Give(), callback])
    return len(ran)


@behaviour(
    "early_stopping",
    "NaN never becomes the best value",
    keras="A NaN in the first epoch becomes the best value. No number is less than NaN, so training stops although it "
    "improves with every epoch.",
    ours="NaN is never better than anything. The first number is the best so far.",
)
def nan_is_never_best(EarlyStopping: Any) -> None:
    callback = EarlyStopping(patience=2)
    assert _fit_with_losses(callback, math.nan, 0.9, 0.8, 0.7, 0.6) == 5
    assert callback.best == 0.6


@behaviour(
    "early_stopping",
    "A misspelt metric is said once, before training, with the nearest name",
    keras="It warns after every epoch, and lists what there is.",
    ours="It warns once, before the first epoch where the metrics are known by then, and names the one that was meant.",
)
def a_misspelt_metric_is_said_once(EarlyStopping: Any, model: Any, data: Any) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.fit(*data, epochs=3, verbose=0, callbacks=[EarlyStopping("acuracy", mode="max")])
    messages = [str(warning.message) for warning in said if "acuracy" in str(warning.message)]
    assert len(messages) == 1
    assert "Did you mean 'accuracy'?" in messages[0]


@behaviour(
    "early_stopping",
    "Negative patience is an error",
    keras="It is taken, and counts as no patience.",
    ours="ValueError, when the callback is made. So is a baseline that is NaN.",
    fails_with=pytest.fail.Exception,
)
def negative_patience_is_an_error(EarlyStopping: Any) -> None:
    with pytest.raises(ValueError, match="patience=-1"):
        EarlyStopping(patience=-1)


@behaviour(
    "early_stopping",
    "The closing line says why training was stopped",
    keras='"Epoch 3: early stopping" is all it says.',
    ours="It names the metric, how long it did not improve, the best value and its epoch. In a run of Epochal that is "
    "the reason of the outcome too.",
)
def the_closing_line_says_why(EarlyStopping: Any, capsys: Any) -> None:
    _fit_with_losses(EarlyStopping(verbose=1), 0.9, 0.5, 0.6, 0.4)
    assert (
        "Epoch 3: early stopping: val_loss did not improve for 1 epoch; best 0.5 in epoch 2." in capsys.readouterr().out
    )


@behaviour(
    "early_stopping",
    "The loss of one of several outputs is to fall",
    keras="ValueError after the first epoch: it cannot tell whether less or more of `val_a_loss` is better.",
    ours="A loss is better when it is less.",
    fails_with=ValueError,
)
def the_loss_of_one_output_is_to_fall(EarlyStopping: Any, data: Any) -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, {name: keras.layers.Dense(1, name=name)(inputs) for name in ("a", "b")})
    model.compile("sgd", {"a": "mse", "b": "mse"})
    x, y = data
    callback = EarlyStopping("val_a_loss", patience=5)
    history = model.fit(x, {"a": y, "b": y}, validation_split=0.5, epochs=3, verbose=0, callbacks=[callback])
    assert callback.best == min(history.history["val_a_loss"])


@behaviour(
    "early_stopping",
    "The best weights come back after Ctrl-C too",
    keras="It restores them in `on_train_end`, which an interrupt or an error leaves out.",
    ours="In a run of Epochal it restores them at the end of the run, however that ends.",
)
def the_best_weights_come_back_after_an_interrupt(EarlyStopping: Any, model: Any, data: tuple[Any, Any]) -> None:
    class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    callback = EarlyStopping("loss", patience=9, restore_best_weights=True)
    with pytest.raises(KeyboardInterrupt):
        epochal.fit(model, *data, epochs=9, verbose=0, callbacks=[callback, Spoil(), Interrupt()])
    assert all((weights != 0).any() for weights in model.get_weights())


class Spoil(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Sets every weight to zero at the end of every epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.set_weights([np.zeros_like(weights) for weights in self.model.get_weights()])


@behaviour(
    "early_stopping",
    "What it knows can be kept over a restart",
    keras="It begins anew after a restart: the wait from nothing, and the first value is the best, however bad.",
    ours="`state_dict` gives all that it knows, `load_state_dict` takes it, and the next training goes on with it.",
    fails_with=AttributeError,
)
def it_goes_on_after_a_restart(EarlyStopping: Any) -> None:
    before, after = EarlyStopping(patience=2), EarlyStopping(patience=2)
    _fit_with_losses(before, 0.5, 0.6)
    after.load_state_dict(before.state_dict())
    _fit_with_losses(after, 0.7)
    assert (after.best, after.wait) == (0.5, 2)


@behaviour(
    "early_stopping",
    "What is set between two fits counts in the second",
    keras="It finds out once whether less or more is better: a `monitor` or `mode` that is set after the first fit is "
    "read with the direction of the one before.",
    ours="Every attribute counts whenever it is set, or is an error at once.",
)
def attributes_count_whenever_they_are_set(EarlyStopping: Any, model: Any, data: Any) -> None:
    callback = EarlyStopping("loss")
    model.fit(*data, epochs=1, verbose=0, callbacks=[callback])
    callback.monitor, callback.mode, callback.patience = "val_loss", "max", 2
    assert _fit_with_losses(callback, 0.1, 0.2, 0.3, 0.4) == 4
    assert callback.best == 0.4


@behaviour(
    "early_stopping",
    "A parameter that cannot be used is an error when it is given",
    keras="`EarlyStopping(patience=None)` trains until the first epoch that does not improve, and fails there.",
    ours="It is an error of the constructor, and of an assignment.",
    fails_with=pytest.fail.Exception,
)
def a_wrong_parameter_is_an_error_at_once(EarlyStopping: Any) -> None:
    with pytest.raises(TypeError):
        EarlyStopping(patience=None)

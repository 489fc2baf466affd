"""EarlyStopping."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from . import behaviour


def _fit_with_losses(callback: Any, *losses: float) -> int:
    """Train one epoch for every given `val_loss`; gives how many ran."""
    ran = []

    class Give(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
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

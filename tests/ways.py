"""The ways in which a model is trained with callbacks; all of them have to give the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest

import epochal

Data = tuple[Any, Any]
Way = Callable[..., None]
"""A function of the model, the data and callbacks, which takes the arguments of `fit` by name."""


def in_a_run(model: Any, data: Data, *callbacks: Any, **arguments: Any) -> None:
    """Train by `epochal.fit`."""
    epochal.fit(model, *data, verbose=0, callbacks=list(callbacks), **arguments)


def in_a_bare_fit(model: Any, data: Data, *callbacks: Any, **arguments: Any) -> None:
    """Train by Keras's `fit` with the callbacks as they are."""
    model.fit(*data, verbose=0, callbacks=list(callbacks), **arguments)


def in_the_list(model: Any, data: Data, *callbacks: Any, **arguments: Any) -> None:
    """Train by Keras's `fit` with what `epochal.callbacks` makes of them."""
    model.fit(*data, verbose=0, callbacks=epochal.callbacks(*callbacks), **arguments)


def in_a_loop(model: Any, data: Data, *callbacks: Any, epochs: int, **_: Any) -> None:
    """Train by a hand-written loop, an epoch of one batch."""
    with epochal.loop(model, epochs=epochs, verbose=0, callbacks=list(callbacks)) as run:
        for _epoch in run.epochs():
            for _number, batch in run.batches([data]):
                run.log(loss=model.train_on_batch(*batch, return_dict=True)["loss"])


WAYS = pytest.mark.parametrize("train", [in_a_run, in_a_bare_fit, in_the_list, in_a_loop])


def check_a_schedule_is_refused(train: Way, model: Any, data: Data, callback: Any) -> None:
    """Check that a callback which sets the learning rate refuses an optimizer with a schedule before it trains."""
    model.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10)), "binary_crossentropy")
    error = epochal.LearningRateError if train is in_a_bare_fit else epochal.PreflightError
    message = f"{type(callback).__name__} sets the learning rate, and that of SGD is a schedule"
    before = model.get_weights()
    with pytest.raises(error, match=message):
        train(model, data, callback, epochs=1)
    for one, other in zip(model.get_weights(), before, strict=True):
        assert (one == other).all()


def two_optimizers() -> Any:
    """Return a model whose layers are trained by two optimizers, SGD at a rate of 0.1 and Adam at 0.01."""
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2), keras.layers.Dense(1, name="head")])
    optimizers = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1))
    optimizers["head.*"] = keras.optimizers.Adam(0.01)
    model.compile(keras.optimizers.MultiOptimizer(optimizers), "mse")
    return model

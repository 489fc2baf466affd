"""LearningRateScheduler."""

from __future__ import annotations

import math
from typing import Any

import keras
import pytest

from . import behaviour


@behaviour(
    "learning_rate_scheduler",
    "An error inside the schedule is shown as it is",
    keras="It takes any TypeError for a schedule of one argument, and calls it again without the learning rate. What "
    "is raised then is that an argument is missing.",
    ours="The signature tells how to call the schedule. What the schedule raises is raised.",
)
def an_error_inside_the_schedule_is_shown(LearningRateScheduler: Any, model: Any, data: Any) -> None:
    def schedule(epoch: int, lr: float) -> Any:
        return lr * "0.9"  # type: ignore[operator]  # the mistake

    with pytest.raises(TypeError, match="can't multiply sequence"):
        model.fit(*data, verbose=0, callbacks=[LearningRateScheduler(schedule)])


@behaviour(
    "learning_rate_scheduler",
    "A schedule is called once an epoch",
    keras="A schedule whose second argument has a default is called again after a TypeError inside of it, and then the "
    "default is taken for the learning rate.",
    ours="It is called once, with the learning rate.",
    fails_with=pytest.fail.Exception,
)
def a_schedule_is_called_once(LearningRateScheduler: Any, model: Any, data: Any) -> None:
    factors = {1e-3: 0.9}  # Adam's own learning rate, and what is to be done with it

    def schedule(epoch: int, lr: float = 1e-3) -> Any:
        return lr * factors.get(lr)  # type: ignore[operator]  # None for what float32 makes of it

    with pytest.raises(TypeError, match="NoneType"):
        model.fit(*data, verbose=0, callbacks=[LearningRateScheduler(schedule)])


@behaviour(
    "learning_rate_scheduler",
    "A whole number is a learning rate",
    keras="ValueError: the output should be a float. A tensor or an integer of NumPy is none either.",
    ours="Any finite number that is not negative is a learning rate, of whatever type.",
    fails_with=ValueError,
)
def a_whole_number_is_a_learning_rate(LearningRateScheduler: Any, model: Any, data: Any) -> None:
    history = model.fit(*data, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 1)])
    assert history.history["learning_rate"] == [1.0]


@behaviour(
    "learning_rate_scheduler",
    "A learning rate that is none is an error, with its epoch",
    keras="`Got: None` is all it says; it names neither the schedule nor the epoch.",
    ours="The error names the schedule, the epoch and the value.",
)
def what_is_no_rate_is_named(LearningRateScheduler: Any, model: Any, data: Any) -> None:
    def warm_up(epoch: int) -> Any:
        if epoch < 2:
            return 0.1 * epoch
        return None

    with pytest.raises(ValueError, match="warm_up gave None for epoch 2"):
        model.fit(*data, epochs=9, verbose=0, callbacks=[LearningRateScheduler(warm_up)])


@behaviour(
    "learning_rate_scheduler",
    "NaN is no learning rate",
    keras="It sets it, and every weight is NaN after the next batch. A negative rate is set as well.",
    ours="Both are errors.",
    fails_with=pytest.fail.Exception,
)
def nan_is_no_learning_rate(LearningRateScheduler: Any, model: Any, data: Any) -> None:
    with pytest.raises(ValueError, match="nan for epoch 0"):
        model.fit(*data, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: math.nan)])


@behaviour(
    "learning_rate_scheduler",
    "A schedule of Keras can be the schedule",
    keras="ValueError: what it gives is a tensor.",
    ours="It is called with the epoch, where an optimizer would give it the step.",
    fails_with=ValueError,
)
def a_schedule_of_keras_can_be_given(LearningRateScheduler: Any, model: Any, data: Any) -> None:
    halving = keras.optimizers.schedules.ExponentialDecay(1.0, decay_steps=1, decay_rate=0.5)
    history = model.fit(*data, epochs=3, verbose=0, callbacks=[LearningRateScheduler(halving)])
    assert history.history["learning_rate"] == [1.0, 0.5, 0.25]

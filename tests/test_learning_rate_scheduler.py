"""LearningRateScheduler in real training."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import epochal
from epochal_learning_rate_scheduler import LearningRateScheduler

from .ways import (
    WAYS,
    Data,
    Way,
    check_a_schedule_is_refused,
    in_a_bare_fit,
    in_a_run,
    in_the_list,
    two_optimizers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

RATES = [0.05, 0.025, 0.0125]
"""What halving the rate in every epoch gives, from 0.1 on."""


class Watch(epochal.Callback):
    """Keeps the rate with which every epoch is trained, and the one in its logs."""

    priority = epochal.Priority.REPORT

    def __init__(self) -> None:
        self.trained: list[float] = []
        self.logged: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.trained.append(float(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.logged.append(logs["learning_rate"])


def _half(epoch: int, lr: float) -> float:
    return lr / 2


@pytest.fixture
def sgd(model: Any) -> Any:
    """Return a small model with a rate of 0.1."""
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    return model


@WAYS
def test_every_way_of_training_gives_the_same(train: Way, sgd: Any, data: Data) -> None:
    watch = Watch()
    train(sgd, data, LearningRateScheduler(_half), watch, epochs=3, batch_size=40)
    assert watch.trained == watch.logged == pytest.approx(RATES)


def test_a_real_training_ends_as_with_keras(make_model: Callable[..., Any], data: Data) -> None:
    def train(callback: Any) -> tuple[Any, ...]:
        model = make_model()
        history = model.fit(*data, epochs=4, shuffle=False, verbose=0, callbacks=[callback])
        return history.history, [each.tolist() for each in model.get_weights()]

    for schedule in (_half, lambda epoch: 0.1 / (1 + epoch)):
        assert train(LearningRateScheduler(schedule)) == train(keras.callbacks.LearningRateScheduler(schedule))


def _tensor(epoch: int, lr: float) -> Any:
    return lr * tf.constant(0.5)


@pytest.mark.parametrize(
    "schedule",
    [
        _tensor,
        tf.function(_tensor),
        lambda epoch, lr: keras.ops.multiply(lr, 0.5),
        lambda epoch, lr: keras.Variable(lr / 2),
        lambda epoch, lr: np.float32(lr / 2),
        keras.optimizers.schedules.ExponentialDecay(0.05, 1, 0.5),
    ],
    ids=["a tensor", "a tf.function", "a function of Keras", "a variable", "a NumPy scalar", "a schedule of Keras"],
)
def test_what_the_schedule_may_be_and_give(schedule: Any, sgd: Any, data: Data) -> None:
    watch = Watch()
    in_a_run(sgd, data, watch, LearningRateScheduler(schedule), epochs=3, batch_size=40)
    assert watch.trained == watch.logged == pytest.approx(RATES)
    assert all(type(rate) is float for rate in watch.logged)


def test_a_run_that_goes_on_begins_with_its_epoch(sgd: Any, data: Data) -> None:
    watch = Watch()
    in_a_run(
        sgd, data, watch, LearningRateScheduler(lambda epoch: 0.1 * epoch), initial_epoch=3, epochs=5, batch_size=40
    )
    assert watch.trained == watch.logged == pytest.approx([0.3, 0.4])


def test_an_error_of_the_schedule_leaves_fit_as_it_is(sgd: Any, data: Data) -> None:
    error = TypeError("the user's own")

    def schedule(epoch: int, lr: float) -> float:
        raise error

    with pytest.raises(TypeError) as caught:
        in_a_run(sgd, data, LearningRateScheduler(schedule))
    assert caught.value is error


@pytest.mark.parametrize("train", [in_a_run, in_a_bare_fit, in_the_list])
def test_a_schedule_of_the_optimizer_is_an_error_before_anything_is_trained(train: Way, model: Any, data: Data) -> None:
    called: list[int] = []
    check_a_schedule_is_refused(train, model, data, LearningRateScheduler(called.append))
    assert called == []


@pytest.mark.skipif(not hasattr(keras.optimizers, "MultiOptimizer"), reason="this Keras has no MultiOptimizer")
def test_each_of_several_optimizers_gets_a_rate_of_its_own(data: Data) -> None:
    history = epochal.fit(two_optimizers(), *data, epochs=3, verbose=0, callbacks=[LearningRateScheduler(_half)])
    assert history.history["learning_rate_sgd"] == pytest.approx(RATES)
    assert history.history["learning_rate_adam"] == pytest.approx([rate / 10 for rate in RATES])


@pytest.mark.parametrize("optimizer", ["SGD", "legacy.SGD"])
def test_it_works_in_the_bare_fit_of_tf_keras(optimizer: str, data: Data) -> None:
    kind = functools.reduce(getattr, optimizer.split("."), tf_keras.optimizers)
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, activation="sigmoid")])
    model.compile(kind(0.1), "binary_crossentropy")
    watch = Watch()
    in_a_bare_fit(model, data, LearningRateScheduler(_half), watch, epochs=3, batch_size=40)
    assert watch.trained == watch.logged == pytest.approx(RATES)

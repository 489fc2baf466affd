"""TerminateOnNaN in real training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import epochal
from epochal_terminate_on_nan import TerminateOnNaN

from .ways import Data, Way, in_a_bare_fit, in_a_run, in_the_list

if TYPE_CHECKING:
    from collections.abc import Callable

REASON = "loss is nan at batch 3 of epoch 1"


@pytest.fixture
def data() -> Data:
    """Return 40 examples, in batches of 8 the third of which makes the loss NaN."""
    x = np.random.default_rng(3).normal(size=(40, 4)).astype("float32")
    x[17] = math.nan
    return x, np.ones((40, 1), "float32")


class Count(epochal.Callback):
    """Counts the batches that were trained."""

    batches = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.batches += 1


ARGUMENTS: dict[str, Any] = {"epochs": 3, "batch_size": 8, "shuffle": False}


def _in_a_loop(model: Any, data: Data, *callbacks: Any, epochs: int, **_: Any) -> None:
    dataset = tf.data.Dataset.from_tensor_slices(data).batch(8)
    with epochal.loop(model, epochs=epochs, verbose=0, callbacks=list(callbacks)) as run:
        for _epoch in run.epochs():
            for _number, (x, y) in run.batches(dataset):
                run.log(loss=tf.reduce_mean((y - model(x)) ** 2))


WAYS = pytest.mark.parametrize("train", [in_a_run, in_a_bare_fit, in_the_list, _in_a_loop])


@WAYS
def test_every_way_of_training_ends_with_the_batch(
    train: Way, model: Any, data: Data, capsys: pytest.CaptureFixture[str]
) -> None:
    count, callback = Count(), TerminateOnNaN()
    train(model, data, count, callback, **ARGUMENTS)
    assert count.batches == 3
    assert model.stop_training
    assert capsys.readouterr().out.strip() == "Loss is nan at batch 3 of epoch 1: terminating training."
    # A loop gives the run to the script, and here nobody has kept it.
    assert (callback.run is None) == (train in (in_a_bare_fit, _in_a_loop))
    if callback.run is not None:
        assert callback.run.outcome == epochal.Outcome("failed", f"terminate_on_nan: {REASON}")


@WAYS
def test_every_way_of_training_raises_if_asked_to(train: Way, model: Any, data: Data) -> None:
    class Ended(epochal.Callback):
        def on_run_end(self, outcome: epochal.Outcome) -> None:
            statuses.append(outcome.status)

    count = Count()
    statuses: list[str] = []
    with pytest.raises(RuntimeError, match=f"NaN or Inf loss encountered: {REASON}"):
        train(model, data, count, TerminateOnNaN(raise_error=True), Ended(), **ARGUMENTS)
    assert count.batches == 3
    assert statuses == ([] if train is in_a_bare_fit else ["failed"])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_it_ends_where_keras_does(value: float, make_model: Callable[..., Any], data: Data) -> None:
    x, y = np.nan_to_num(data[0]), data[1].copy()
    y[25] = value

    def train(callback: Any) -> tuple[Any, int]:
        model, count = make_model(), Count()
        model.compile("sgd", "mse")
        model.fit(x, y, **ARGUMENTS, verbose=0, callbacks=[count, callback])
        return model.history.epoch, count.batches

    assert train(TerminateOnNaN()) == train(keras.callbacks.TerminateOnNaN()) == ([0], 4)


def test_the_history_is_kept_and_the_epoch_is_validated(model: Any, data: Data) -> None:
    history = epochal.fit(model, *data, validation_data=data, **ARGUMENTS, verbose=0, callbacks=[TerminateOnNaN()])
    assert history.epoch == [0]
    assert math.isnan(history.history["loss"][0])
    assert history.run.outcome.status == "failed"


def test_losses_of_validation_are_not_looked_at(model: Any, data: Data) -> None:
    good = (np.nan_to_num(data[0]), data[1])
    history = epochal.fit(model, *good, validation_data=data, **ARGUMENTS, verbose=0, callbacks=[TerminateOnNaN()])
    assert history.run.outcome.status == "completed"
    assert math.isnan(history.history["val_loss"][0])


def test_several_steps_in_one_execution_are_named_by_the_last(model: Any, data: Data) -> None:
    model.compile("sgd", "mse", steps_per_execution=4)
    history = epochal.fit(model, *data, **ARGUMENTS, verbose=0, callbacks=[TerminateOnNaN()])
    assert history.run.outcome.reason == "terminate_on_nan: loss is nan at batch 4 of epoch 1"


def test_it_works_in_the_bare_fit_of_tf_keras(data: Data) -> None:
    model = tf_keras.Sequential([tf_keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    count = Count()
    in_a_bare_fit(model, data, count, TerminateOnNaN(), **ARGUMENTS)
    assert count.batches == 3
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered"):
        in_a_bare_fit(model, data, TerminateOnNaN(raise_error=True), **ARGUMENTS)

"""`epochal.loop` around a hand-written GradientTape loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal

from .recording import KerasRecorder, OurRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

Data = tuple[Any, Any]


def _train_step(model: Any, optimizer: Any) -> Callable[[Any, Any], Any]:
    loss_of = keras.losses.BinaryCrossentropy(reduction="none")

    @tf.function  # type: ignore[untyped-decorator,unused-ignore]  # TensorFlow has no types
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            losses = loss_of(y, model(x, training=True))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return step  # type: ignore[no-any-return]  # TensorFlow has no types


def _network() -> Any:
    return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])


def test_a_gradient_tape_loop_learns_and_its_losses_are_averaged_by_size(data: Data) -> None:
    model = _network()
    step = _train_step(model, keras.optimizers.SGD(0.5))
    dataset = tf.data.Dataset.from_tensor_slices(data).batch(12)  # 12, 12, 12 and 4
    raw: list[list[tuple[float, int]]] = []
    recorder = KerasRecorder()
    with epochal.loop(model, epochs=3, steps=4, verbose=0, callbacks=[recorder]) as run:
        for _ in run.epochs():
            raw.append([])
            for _, (x, y) in run.batches(dataset):
                loss = step(x, y)
                raw[-1].append((float(loss), len(x)))
                run.log(loss=loss, size=len(x))
            with run.validation():
                for _, (x, y) in run.batches(dataset):
                    run.log(accuracy=tf.reduce_mean(tf.cast((model(x) > 0.5) == (y > 0.5), tf.float32)), size=len(x))
    losses = run.history.history["loss"]
    assert losses == [pytest.approx(sum(v * n for v, n in epoch) / sum(n for _, n in epoch)) for epoch in raw]
    assert losses[-1] < losses[0]
    assert list(run.history.history) == ["loss", "val_accuracy"]
    assert run.outcome == epochal.Outcome("completed")
    assert recorder.params == {"verbose": 0, "epochs": 3, "steps": 4}
    assert run.step == 12


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(1, 64)), min_size=1, max_size=250))
def test_the_mean_is_numpys_weighted_average(batches: list[tuple[float, int]]) -> None:
    with epochal.loop(None, verbose=0, stateful_metrics=["auc"]) as run:
        for _ in run.epochs():
            for _, (value, size) in run.batches(batches):
                run.log(loss=tf.constant(value, tf.float64), auc=value, size=size)
    values, sizes = zip(*batches, strict=True)
    assert run.history.history["loss"] == [pytest.approx(np.average(values, weights=sizes), abs=1e-9)]
    assert run.history.history["auc"] == [values[-1]]


def test_a_batch_without_size_counts_as_one_example_and_steps_are_counted() -> None:
    with epochal.loop(None, verbose=0) as run:
        for _ in run.epochs():
            for _, (value, size) in run.batches([(1.0, {}), (3.0, {"size": 2, "num_steps": 3})]):
                run.log(loss=value, **size)
    assert run.history.history["loss"] == [pytest.approx((1.0 + 6 * 3.0) / 7)]


def test_an_epoch_of_no_batches_divides_by_nothing() -> None:
    with epochal.loop(None, epochs=2, verbose=0) as run:
        for _ in run.epochs():
            for _ in run.batches([]):
                raise AssertionError
    assert run.history.epoch == [0, 1]
    assert run.history.history == {}
    assert run.outcome == epochal.Outcome("completed")


def test_logging_forces_no_sync_until_the_values_are_averaged(data: Data) -> None:
    class Tensor:
        fetched = 0

        def __float__(self) -> float:
            Tensor.fetched += 1
            return 1.0

    with epochal.loop(None, verbose=0) as run:
        for _ in run.epochs():
            for _ in run.batches(range(10)):
                run.log(loss=Tensor(), size=4)
            assert Tensor.fetched == 0
    assert Tensor.fetched == 10
    assert run.history.history["loss"] == [1.0]


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_loop_inside_a_strategy_averages_over_the_replicas(replicas: int, make_strategy: Any, data: Data) -> None:
    strategy = make_strategy(replicas)
    with strategy.scope():
        model = _network()
        optimizer = keras.optimizers.SGD(0.0)  # nothing moves, so that the mean is known
        optimizer.build(model.trainable_variables)
    loss_of = keras.losses.BinaryCrossentropy(reduction="none")

    @tf.function  # type: ignore[untyped-decorator,unused-ignore]  # TensorFlow has no types
    def step(x: Any, y: Any) -> Any:
        def replica_step(x: Any, y: Any) -> Any:
            losses = loss_of(y, model(x, training=True))
            return tf.reduce_mean(losses), tf.shape(x)[0]

        return strategy.run(replica_step, args=(x, y))

    dataset = tf.data.Dataset.from_tensor_slices(data).batch(14)  # 14, 14 and 12; unequal halves are covered by 7 + 7
    distributed = strategy.experimental_distribute_dataset(dataset)
    with strategy.scope(), epochal.loop(model, epochs=2, steps=3, verbose=0) as run:
        for _ in run.epochs():
            for _, (x, y) in run.batches(distributed):
                loss, size = step(x, y)
                run.log(loss=loss, size=size)
    expected = float(tf.reduce_mean(loss_of(data[1], model(data[0]))))
    assert run.history.history["loss"] == [pytest.approx(expected, rel=1e-5)] * 2


def test_a_keras_fit_inside_a_strategy_works(make_strategy: Any, make_model: Any, data: Data) -> None:
    with make_strategy().scope():
        model = make_model()
    recorder = OurRecorder()
    history = epochal.fit(model, *data, batch_size=10, verbose=0, callbacks=[recorder])
    assert len(history.history["loss"]) == 1
    assert recorder.run.step == 4


def test_logging_inside_a_compiled_function_is_an_error_that_tells_what_to_do() -> None:
    with epochal.loop(None, verbose=0) as run:

        @tf.function  # type: ignore[untyped-decorator,unused-ignore]  # TensorFlow has no types
        def step(x: Any) -> Any:
            run.log(loss=tf.reduce_mean(x))

        for _ in run.epochs():
            for _, x in run.batches([tf.ones(3)]):
                with pytest.raises(epochal.RunError, match=r"run\.log\(loss=…\) is called inside a compiled function"):
                    step(x)
                run.log(loss=tf.reduce_mean(x))
    assert run.history.history == {"loss": [1.0]}


def test_keras_style_stopping_works_in_a_loop() -> None:
    model = _network()
    stopper = keras.callbacks.EarlyStopping(monitor="loss", mode="max")
    with epochal.loop(model, epochs=9, verbose=0, callbacks=[stopper]) as run:
        for epoch in run.epochs():
            for _ in run.batches(range(2)):
                run.log(loss=1.0 / (1 + epoch))
    assert run.history.epoch == [0, 1]
    assert run.outcome is not None
    assert run.outcome.status == "stopped"

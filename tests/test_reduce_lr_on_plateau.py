"""ReduceLROnPlateau in real training."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tf_keras
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.state import dump_state, parse_state
from epochal_learning_rate_scheduler import LearningRateScheduler
from epochal_reduce_lr_on_plateau import ReduceLROnPlateau

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

LOSSES = (0.9, 0.5, 0.7, 0.4, 0.6, 0.6, 0.6)
RATES = [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.0125]
"""With which learning rate each of these epochs is trained, when every one without an improvement halves it."""


class Give(epochal.Callback):
    """Writes the losses into the logs, and keeps the learning rate that is in them at the end."""

    priority = epochal.Priority.METRICS
    provides = ("val_loss",)

    def __init__(self) -> None:
        self.logs: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_loss"] = LOSSES[epoch]
        self.logs.append(logs)

    @property
    def rates(self) -> list[float]:
        return [logs["learning_rate"] for logs in self.logs]


def _halving(**arguments: Any) -> ReduceLROnPlateau:
    return ReduceLROnPlateau(factor=0.5, patience=1, **arguments)


@WAYS
def test_every_way_of_training_gives_the_same(train: Way, make_model: Callable[..., Any], data: Data) -> None:
    model, give = make_model(), Give()
    model.optimizer.learning_rate = 0.1
    train(model, data, give, _halving(), epochs=len(LOSSES))
    assert give.rates == pytest.approx(RATES)
    assert float(model.optimizer.learning_rate) == pytest.approx(RATES[-1] / 2)


def test_the_rate_is_in_the_history_as_a_float(model: Any, data: Data) -> None:
    history = epochal.fit(model, *data, epochs=2, verbose=0, callbacks=[ReduceLROnPlateau("loss")])
    assert history.history["learning_rate"] == pytest.approx([0.001, 0.001])
    assert all(type(rate) is float for rate in history.history["learning_rate"])


@functools.cache
def _compiled() -> Any:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(), "mse")
    return model


@settings(deadline=None)
@given(
    values=st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]) | st.floats(0, 1, width=16), max_size=12),
    arguments=st.fixed_dictionaries(
        {
            "factor": st.sampled_from([0.1, 0.5, 0.9]),
            "patience": st.integers(0, 3),
            "min_delta": st.sampled_from([0.0, 0.0625]),
            "cooldown": st.integers(0, 3),
            "min_lr": st.sampled_from([0.0, 0.003, 0.1, 0.2]),
            "mode": st.sampled_from(["auto", "min", "max"]),
        }
    ),
)
def test_it_decides_as_keras_does(values: list[float], arguments: dict[str, Any]) -> None:
    def train(callback: Any) -> list[Any]:
        model = _compiled()
        model.optimizer.learning_rate = 0.1
        callback.set_model(model)
        callback.on_train_begin()
        seen = []
        for epoch, value in enumerate(values):
            logs = {"val_loss": value}
            callback.on_epoch_end(epoch, logs)
            seen.append((logs, float(model.optimizer.learning_rate), callback.wait, callback.cooldown_counter))
        return [*seen, callback.best, callback.in_cooldown()]

    assert train(ReduceLROnPlateau(**arguments)) == train(keras.callbacks.ReduceLROnPlateau(**arguments))


@pytest.mark.parametrize("train", [in_a_run, in_a_bare_fit, in_the_list])
def test_a_schedule_of_the_optimizer_is_an_error_before_anything_is_trained(train: Way, model: Any, data: Data) -> None:
    check_a_schedule_is_refused(train, model, data, ReduceLROnPlateau("loss"))


def test_a_loop_gives_it_the_optimizer(data: Data) -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.1)
    give = Give()
    with epochal.loop(model, epochs=len(LOSSES), verbose=0, callbacks=[give, _halving()], optimizer=optimizer) as run:
        for _ in run.epochs():
            run.log(loss=1.0)
    assert give.rates == pytest.approx(RATES)
    with (
        pytest.raises(epochal.PreflightError, match="there is no optimizer"),
        epochal.loop(model, verbose=0, callbacks=[_halving()]),
    ):
        raise AssertionError


def test_the_optimizer_behind_loss_scaling_is_reduced(model: Any, data: Data) -> None:
    inner = keras.optimizers.SGD(0.1)
    model.compile(keras.optimizers.LossScaleOptimizer(inner), "binary_crossentropy")
    give = Give()
    in_a_run(model, data, give, _halving(), epochs=len(LOSSES))
    assert give.rates == pytest.approx(RATES)
    assert float(inner.learning_rate) == pytest.approx(RATES[-1] / 2)


@pytest.mark.skipif(not hasattr(keras.optimizers, "MultiOptimizer"), reason="this Keras has no MultiOptimizer")
def test_each_of_several_optimizers_is_reduced(data: Data) -> None:
    give = Give()
    in_a_run(two_optimizers(), data, give, _halving(min_lr=0.004), epochs=len(LOSSES))
    assert [logs["learning_rate_sgd"] for logs in give.logs] == pytest.approx(RATES)
    assert [logs["learning_rate_adam"] for logs in give.logs] == pytest.approx([max(r / 10, 0.004) for r in RATES])


def test_with_a_scheduler_both_log_the_rate_of_the_epoch(model: Any, data: Data) -> None:
    give = Give()
    in_a_run(
        model,
        data,
        give,
        _halving(),
        LearningRateScheduler(lambda epoch, lr: 0.1 if epoch == 0 else lr),
        epochs=len(LOSSES),
    )
    assert give.rates == pytest.approx(RATES)


def test_a_scheduler_that_takes_every_reduction_back_is_said(model: Any, data: Data) -> None:
    give = Give()
    with warnings.catch_warnings(record=True) as said:  # TensorFlow has something to say as well
        warnings.simplefilter("always")
        in_a_run(model, data, give, _halving(), LearningRateScheduler(lambda epoch: 0.1), epochs=len(LOSSES))
    assert len([each for each in said if "both change learning_rate" in str(each.message)]) == 1
    assert give.rates == pytest.approx([0.1] * len(LOSSES))


@pytest.mark.parametrize("middle", [1, 3, 5])
def test_a_run_that_goes_on_with_its_state_ends_as_one_that_was_never_stopped(
    middle: int, make_model: Callable[..., Any], data: Data
) -> None:
    def train(model: Any, callback: ReduceLROnPlateau, first: int, last: int) -> list[float]:
        give = Give()
        arguments: dict[str, Any] = {"initial_epoch": first, "epochs": last, "shuffle": False, "verbose": 0}
        epochal.fit(model, *data, **arguments, callbacks=[give, callback])
        return give.rates

    whole_model, whole = make_model(), _halving(cooldown=2)
    rates = train(whole_model, whole, 0, len(LOSSES))
    model, first, second = make_model(), _halving(cooldown=2), _halving(cooldown=2)
    seen = train(model, first, 0, middle)
    second.load_state_dict(parse_state(dump_state(first.state_dict())))
    seen += train(model, second, middle, len(LOSSES))
    assert seen == rates
    assert second.state_dict() == whole.state_dict()
    for one, other in zip(model.get_weights(), whole_model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("optimizer", ["SGD", "legacy.SGD"])
def test_it_works_in_the_bare_fit_of_tf_keras(optimizer: str, data: Data) -> None:
    kind = functools.reduce(getattr, optimizer.split("."), tf_keras.optimizers)
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, activation="sigmoid")])
    model.compile(kind(0.1), "binary_crossentropy")
    give = Give()
    in_a_bare_fit(model, data, give, _halving(), epochs=len(LOSSES))
    assert give.rates == pytest.approx(RATES)
    model.compile(kind(tf_keras.optimizers.schedules.CosineDecay(0.1, 10)), "binary_crossentropy")
    with pytest.raises(epochal.LearningRateError, match="is a schedule, CosineDecay"):
        in_a_bare_fit(model, data, give, _halving(), epochs=len(LOSSES))

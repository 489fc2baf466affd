"""EarlyStopping in real training."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tf_keras
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.state import dump_state, parse_state
from epochal_early_stopping import EarlyStopping

from .ways import WAYS, Data, Way, in_a_run

if TYPE_CHECKING:
    from collections.abc import Callable

LOSSES = (0.9, 0.5, 0.7, 0.4, 0.6, 0.55, 0.3, 0.2)
"""Values of `val_loss`: with a patience of 2 the fourth is the best, and the sixth stops training."""


class Give(epochal.Callback):
    """Writes the losses into the logs, and keeps the weights that every epoch leaves."""

    priority = epochal.Priority.METRICS
    provides = ("val_loss",)

    def __init__(self) -> None:
        self.weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_loss"] = LOSSES[epoch]
        self.weights.append(self.model.get_weights())


def _decisions(callback: Any) -> tuple[Any, ...]:
    return callback.wait, callback.best, callback.best_epoch, callback.stopped_epoch


def _assert_same(ours: list[Any], theirs: list[Any]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@WAYS
@pytest.mark.parametrize("restore", [True, False])
def test_every_way_of_training_gives_the_same(train: Way, restore: bool, model: Any, data: Data) -> None:
    give, callback = Give(), EarlyStopping(patience=2, restore_best_weights=restore)
    train(model, data, give, callback, epochs=len(LOSSES))
    assert _decisions(callback) == (2, 0.4, 3, 5)
    assert len(give.weights) == 6
    _assert_same(model.get_weights(), give.weights[3 if restore else 5])
    assert any((one != other).any() for one, other in zip(give.weights[3], give.weights[5], strict=True))


@settings(deadline=None)
@given(
    values=st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]) | st.floats(0, 1, width=16), max_size=12),
    settings=st.fixed_dictionaries(
        {
            "patience": st.integers(0, 3),
            "min_delta": st.sampled_from([0.0, 0.0625]),
            "baseline": st.none() | st.sampled_from([0.25, 0.4375]),
            "mode": st.sampled_from(["auto", "min", "max"]),
            "start_from_epoch": st.integers(0, 3),
            "restore_best_weights": st.booleans(),
        }
    ),
)
def test_it_decides_as_keras_does(values: list[float], settings: dict[str, Any]) -> None:
    def train(callback: Any) -> tuple[Any, ...]:
        model = Numbered()
        callback.set_model(model)
        callback.on_train_begin()
        for model.epoch, value in enumerate(values):
            callback.on_epoch_end(model.epoch, {"val_loss": value})
            if model.stop_training:
                break
        callback.on_train_end()
        return model.epoch, _decisions(callback)

    assert train(EarlyStopping(**settings)) == train(keras.callbacks.EarlyStopping(**settings))


class Numbered:
    """A model whose weights are the number of the epoch."""

    epoch = -1
    stop_training = False

    def get_weights(self) -> list[int]:
        return [self.epoch]

    def set_weights(self, weights: list[int]) -> None:
        self.epoch = weights[0]


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_a_real_training_ends_as_with_keras(monitor: str, make_model: Callable[..., Any], data: Data) -> None:
    x, y = data

    def train(callback: Any) -> tuple[Any, ...]:
        model = make_model()
        history = model.fit(
            x, y, validation_data=(x[:7], 1 - y[:7]), epochs=9, shuffle=False, verbose=0, callbacks=[callback]
        )
        return history.history, _decisions(callback), [each.tolist() for each in model.get_weights()]

    settings: dict[str, Any] = {"monitor": monitor, "patience": 2, "restore_best_weights": True}
    assert train(EarlyStopping(**settings)) == train(keras.callbacks.EarlyStopping(**settings))


@pytest.mark.parametrize("metric", ["accuracy", "hinge", keras.metrics.F1Score(name="f1", threshold=0.5)], ids=str)
def test_auto_finds_out_what_the_metric_declares(metric: Any, data: Data) -> None:
    """F1Score gives an array of one value."""
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=[metric])
    name = metric if isinstance(metric, str) else metric.name
    callback = EarlyStopping(f"val_{name}", patience=50, restore_best_weights=True)
    history = epochal.fit(model, *data, validation_split=0.5, epochs=4, verbose=0, callbacks=[callback])
    values = [float(np.squeeze(value)) for value in history.history[f"val_{name}"]]
    assert callback.best == (min(values) if name == "hinge" else max(values))


def test_a_metric_that_the_model_does_not_report_is_said_before_training(model: Any, data: Data) -> None:
    began = []

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            began.append(len(warned))

    with pytest.warns(UserWarning, match="Did you mean 'val_accuracy'") as warned:
        epochal.fit(
            model,
            *data,
            validation_split=0.5,
            epochs=3,
            verbose=0,
            callbacks=[EarlyStopping("val_acuracy", mode="max"), Watch()],
        )
    assert began == [1, 1, 1]


@pytest.mark.parametrize("error", [ArithmeticError, KeyboardInterrupt])
def test_after_an_error_in_a_run_the_best_weights_are_back(error: type[BaseException], model: Any, data: Data) -> None:
    class Breaker(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if len(give.weights) == 3:
                raise error

    give = Give()
    with pytest.raises(error):
        in_a_run(model, data, give, EarlyStopping(patience=9, restore_best_weights=True), Breaker(), epochs=len(LOSSES))
    _assert_same(model.get_weights(), give.weights[1])


def test_weights_are_not_set_long_after_the_training_when_keras_lets_go_of_it(model: Any, data: Data) -> None:
    class Breaker(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 3:
                raise ArithmeticError

    callback = EarlyStopping(patience=9, restore_best_weights=True)
    with pytest.raises(ArithmeticError) as held:
        model.fit(*data, epochs=5, verbose=0, callbacks=[*epochal.callbacks(Give(), callback), Breaker()])
    model.set_weights([np.full_like(each, 7) for each in model.get_weights()])

    def has_ended() -> bool:
        return callback.run is not None and callback.run.outcome is not None

    assert not has_ended()
    del held
    gc.collect()
    assert has_ended()
    assert all((each == 7).all() for each in model.get_weights())


@pytest.mark.parametrize("middle", [1, 3, 5])
def test_a_run_that_goes_on_with_its_state_ends_as_one_that_was_never_stopped(
    middle: int, make_model: Callable[..., Any], data: Data
) -> None:
    def train(model: Any, callback: EarlyStopping, first: int, last: int) -> None:
        arguments: dict[str, Any] = {"initial_epoch": first, "epochs": last, "shuffle": False, "verbose": 0}
        epochal.fit(model, *data, **arguments, callbacks=[Give(), callback])

    def make() -> EarlyStopping:
        return EarlyStopping(patience=2, restore_best_weights=True)

    whole_model, whole = make_model(), make()
    train(whole_model, whole, 0, len(LOSSES))
    model, first, second = make_model(), make(), make()
    train(model, first, 0, middle)
    last = middle - 1  # the first half ran out of epochs and set its best weights; a restart sets those of the last
    model.set_weights(_weights_after(last, make_model, data))
    second.load_state_dict(parse_state(dump_state(first.state_dict())))
    train(model, second, middle, len(LOSSES))
    assert _decisions(second) == _decisions(whole)
    for one, other in zip(model.get_weights(), whole_model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def _weights_after(epoch: int, make_model: Callable[..., Any], data: Data) -> Any:
    model = make_model()
    model.fit(*data, epochs=epoch + 1, shuffle=False, verbose=0)
    return model.get_weights()


def test_it_works_in_the_bare_fit_of_tf_keras(data: Data) -> None:
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    give, callback = Give(), EarlyStopping(patience=2, restore_best_weights=True)
    model.fit(*data, epochs=len(LOSSES), verbose=0, callbacks=[give, callback])
    assert _decisions(callback) == (2, 0.4, 3, 5)
    _assert_same(model.get_weights(), give.weights[3])

"""SwapEMAWeights."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest

import epochal

from . import behaviour

X = np.linspace(-1, 1, 8).reshape(8, 1)
Y = 3 * X


def _model(*, trained: bool = True) -> Any:
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9), "mse")
    if trained:
        model.fit(X, Y, epochs=2, verbose=0)
        model.layers[0].kernel.assign([[7.0]])  # unlike its average
    return model


class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Notes the weight that is evaluated, and weight and average at the end of a training batch."""

    def __init__(self) -> None:
        super().__init__()
        self.evaluated: list[float] = []
        self.trained: list[tuple[float, float]] = []

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.evaluated.append(_weight(self.model))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.trained.append((_weight(self.model), _average(self.model)))


def _weight(model: Any) -> float:
    return float(model.layers[0].kernel[0][0])


def _average(model: Any) -> float:
    return float(model.optimizer._model_variables_moving_average[0][0][0])


@behaviour(
    "swap_ema_weights",
    "After predict the model has its own weights again",
    keras="The test at the end of a prediction is the wrong way round: the averages stay in the model, and training "
    "goes on from them.",
    ours="The own weights are back after every evaluation and prediction.",
)
def predict_gives_the_weights_back(SwapEMAWeights: Any) -> None:
    model = _model()
    model.predict(X, verbose=0, callbacks=[SwapEMAWeights()])
    assert _weight(model) == 7.0


@behaviour(
    "swap_ema_weights",
    "The weights come back bit for bit",
    keras="On TensorFlow the two are exchanged by adding and subtracting. That rounds: every evaluation changes the "
    "weights a little, and a large weight beside a small average is lost.",
    ours="They are copied.",
)
def the_weights_come_back_exactly(SwapEMAWeights: Any) -> None:
    model = _model()
    model.layers[0].kernel.assign([[1e-3]])
    model.optimizer._model_variables_moving_average[0].assign([[1e6]])
    model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()])
    assert _weight(model) == np.float32(1e-3)


@behaviour(
    "swap_ema_weights",
    "Training that is stopped early ends with the averages too",
    keras="With `swap_on_epoch=True` the end of `fit` finds the own weights in the place of the averages. Keras's sets "
    "that right in the last planned epoch only: when EarlyStopping ends training before it, the model is left with the "
    "weights of the last step.",
    ours="The averages are the final weights however training ends.",
)
def early_stopping_leaves_the_averages(SwapEMAWeights: Any) -> None:
    model, watch = _model(trained=False), Watch()
    stop = keras.callbacks.EarlyStopping(monitor="loss", mode="max", patience=1)
    model.fit(X, Y, epochs=9, verbose=0, callbacks=[SwapEMAWeights(swap_on_epoch=True), stop, watch])
    assert len(watch.trained) == 2
    weight, average = watch.trained[-1]
    assert weight != average
    assert _weight(model) == average


class Break(keras.callbacks.Callback):  # type: ignore[misc]
    """Breaks a validation off, as Ctrl-C does."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        raise KeyboardInterrupt


class Begin(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes the weight with which training begins."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.weight = _weight(self.model)


@behaviour(
    "swap_ema_weights",
    "After Ctrl-C in a validation training goes on from the model's own weights",
    keras="The averages stay in the model, and the own weights in the place of the averages. The next fit goes on so.",
    ours="In a run the own weights are back when it ends, in a bare `fit` when the next one begins, which says so.",
)
def ctrl_c_in_a_validation_is_undone(SwapEMAWeights: Any) -> None:
    model, watch, begin = _model(trained=False), Watch(), Begin()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, 2, validation_data=(X, Y), verbose=0, callbacks=[SwapEMAWeights(), watch, Break()])
    own, _ = watch.trained[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that the own weights are back
        model.fit(X, Y, verbose=0, callbacks=[SwapEMAWeights(), begin])
    assert begin.weight == own


@behaviour(
    "swap_ema_weights",
    "Averages that no step has filled are not evaluated",
    keras="Before the first step of the optimizer the averages are zeros. A model whose optimizer was built and that "
    "was not trained is evaluated with all weights zero.",
    ours="It is an error that says so; inside a training it is a warning, and the weights themselves are used.",
    fails_with=pytest.fail.Exception,
)
def empty_averages_are_not_evaluated(SwapEMAWeights: Any) -> None:
    model = _model(trained=False)
    model.optimizer.build(model.trainable_variables)
    with pytest.raises(ValueError, match="the optimizer has made no step yet"):
        model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()])


@behaviour(
    "swap_ema_weights",
    "Two of them do not undo each other",
    keras="The second exchanges back what the first has exchanged, and the own weights are evaluated.",
    ours="What the model holds is known of the model, and not of each callback.",
)
def two_do_not_undo_each_other(SwapEMAWeights: Any) -> None:
    model, watch = _model(), Watch()
    average = _average(model)
    model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights(), SwapEMAWeights(), watch])
    assert watch.evaluated == [average]


@behaviour(
    "swap_ema_weights",
    "What is saved is what was evaluated, in whatever order the callbacks are given",
    keras="Behind ModelCheckpoint in the list it comes too late, and the weights without the average are saved.",
    ours="It declares that it runs before ModelCheckpoint and OrbaxCheckpoint, and in a run it does.",
)
def averages_are_saved_in_any_order(SwapEMAWeights: Any, tmp_path: Any) -> None:
    model, watch = _model(trained=False), Watch()
    save = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
    epochal.fit(model, X, Y, epochs=2, verbose=0, callbacks=[save, SwapEMAWeights(swap_on_epoch=True), watch])
    weight, average = watch.trained[-1]
    assert weight != average
    assert _weight(keras.models.load_model(tmp_path / "model.keras")) == average

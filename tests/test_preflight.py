"""The checks before training, with real models: what trains with Keras's callbacks trains with ours."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

import epochal
from epochal.frameworks import adapt
from epochal_early_stopping import EarlyStopping
from epochal_model_checkpoint import ModelCheckpoint
from epochal_reduce_lr_on_plateau import ReduceLROnPlateau
from epochal_tensorboard import TensorBoard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

X = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def plain(model: Any, **arguments: Any) -> Any:
    return model.fit(X, Y, verbose=0, **arguments)


def ours(model: Any, **arguments: Any) -> Any:
    return epochal.fit(model, X, Y, verbose=0, **arguments)


def listed(model: Any, callbacks: Any, **arguments: Any) -> Any:
    return model.fit(X, Y, verbose=0, callbacks=epochal.callbacks(*callbacks), **arguments)


# Keras 3.15 saves with it on NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FITS = pytest.mark.parametrize("fit", [plain, ours, listed])


class OwnStep(keras.Model):  # type: ignore[misc]  # Keras has no types
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class OwnEvaluate(keras.Model):  # type: ignore[misc]
    """Gives one more value than Keras."""

    def evaluate(self, *arguments: Any, **named: Any) -> Any:
        return {**super().evaluate(*arguments, **named), "key": 0.5}


class LogsValidation(keras.Model):  # type: ignore[misc]
    """Names a value of training as one of validation."""

    def train_step(self, data: Any) -> Any:
        return {**super().train_step(data), "val_loss": 0.25}


def model_of(kind: Any = keras.Model, **compiled: Any) -> Any:
    given = keras.Input((2,))
    model = kind(given, keras.layers.Dense(1)(given))
    model.compile("sgd", "mse", **{"run_eagerly": True, **compiled})
    return model


@FITS
@pytest.mark.parametrize("kind", [keras.Model, OwnStep])
def test_a_path_of_validation_without_validation_data_is_an_error_before_training(
    fit: Callable[..., Any], kind: Any, tmp_path: Path
) -> None:
    model = model_of(kind)
    kept = model.get_weights()
    with pytest.raises(epochal.EpochalError, match="names 'val_loss', and this fit has no validation data") as raised:
        fit(model, callbacks=[ModelCheckpoint(tmp_path / "{epoch}-{val_loss:.3f}.keras")])
    assert "Did you mean" not in str(raised.value)
    assert all(np.array_equal(*pair) for pair in zip(kept, model.get_weights(), strict=True))


@FITS
@pytest.mark.parametrize("freq", [2, [2]])
def test_an_epoch_without_validation_leaves_the_path_without_a_value(
    fit: Callable[..., Any], freq: Any, tmp_path: Path
) -> None:
    given = {"validation_data": (X, Y), "validation_freq": freq, "epochs": 2}
    with pytest.raises(epochal.EpochalError, match=r"with validation_freq=.* it has no value in epoch 1"):
        fit(model_of(), callbacks=[ModelCheckpoint(tmp_path / "{val_loss}.keras")], **given)


@FITS
def test_what_the_models_code_logs_as_validation_trains(fit: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="this fit has no validation data"):
        fit(
            model_of(LogsValidation),
            callbacks=[ModelCheckpoint(tmp_path / "{val_loss}.weights.h5", save_weights_only=True)],
        )
    assert [path.name for path in tmp_path.iterdir()] == ["0.25.weights.h5"]


@FITS
def test_a_key_of_the_models_own_evaluate_is_monitored(fit: Callable[..., Any]) -> None:
    stopping = EarlyStopping("val_key", mode="max", patience=1)
    fit(model_of(OwnEvaluate), callbacks=[stopping], epochs=4, validation_data=(X, Y))
    assert (stopping.best, stopping.stopped_epoch) == (0.5, 1)


@FITS
@pytest.mark.parametrize("given", [{}, {"validation_data": (X, Y), "validation_freq": 5}])
def test_a_monitor_of_validation_that_never_comes_trains_with_a_warning(
    fit: Callable[..., Any], given: dict[str, Any]
) -> None:
    why = "validates in no epoch, as validation_freq=5" if given else "has no validation data"
    with pytest.warns(UserWarning, match=f"monitors 'val_loss', and this fit {why}") as said:
        fit(model_of(), callbacks=[EarlyStopping()], epochs=2, **given)
    assert len(said) == 1


@FITS
@pytest.mark.parametrize("mode", ["max", "auto"])
def test_a_misspelt_monitor_trains_where_keras_does(fit: Callable[..., Any], mode: str) -> None:
    model = model_of(metrics=["mae"])
    if mode == "max":
        with pytest.warns(UserWarning, match=r"monitors 'val_maa', and the model does not report it.*'val_mae'"):
            fit(model, callbacks=[EarlyStopping("val_maa", mode=mode)], validation_data=(X, Y))
        return
    with pytest.raises((ValueError, epochal.PreflightError), match=r"'val_maa', and the model .*nothing tells whether"):
        fit(model, callbacks=[EarlyStopping("val_maa", mode=mode)], validation_data=(X, Y))
    assert adapt(_with(model)).iterations == 0


def _with(model: Any) -> epochal.Callback:
    callback = epochal.Callback()
    callback.set_model(model)
    return callback


@FITS
def test_two_that_write_to_one_place_train(fit: Callable[..., Any], tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit(
            model_of(),
            callbacks=[
                *(ModelCheckpoint(tmp_path / "a.weights.h5", save_weights_only=True) for _ in range(2)),
                *(TensorBoard(tmp_path / "logs", write_graph=False) for _ in range(2)),
            ],
        )
    assert (tmp_path / "a.weights.h5").exists()


class AddsF1(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["f1"] = 0.5


@FITS
def test_nothing_is_said_of_a_metric_that_an_earlier_callback_may_add(fit: Callable[..., Any]) -> None:
    fit(model_of(), callbacks=[AddsF1(), ReduceLROnPlateau("f1", mode="max")])


@FITS
def test_a_metric_that_no_earlier_callback_adds_after_all_is_told_in_the_first_epoch(fit: Callable[..., Any]) -> None:
    with pytest.warns(UserWarning, match="'f2', which is not in the logs") as said:
        fit(model_of(), callbacks=[AddsF1(), ReduceLROnPlateau("f2", mode="max")], epochs=2)
    assert len([each for each in said if "f2" in str(each.message)]) == 1


@FITS
def test_who_adds_a_metric_too_late_is_named(fit: Callable[..., Any]) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        fit(model_of(), callbacks=[ReduceLROnPlateau("f1", mode="max"), AddsF1()], epochs=3)
    message = "ReduceLROnPlateau looked for 'f1', which 'adds_f1' added after it. List 'adds_f1' before it"
    assert [str(each.message)[: len(message)] for each in said if "looked for" in str(each.message)] == [message]


@FITS
def test_a_method_that_only_keras_calls_is_warned_of_once(fit: Callable[..., Any], tmp_path: Path) -> None:
    class Mine(ModelCheckpoint):
        def _save_model(self, epoch: int, batch: int | None, logs: Any) -> None:
            raise AssertionError("nobody calls it")

    with pytest.warns(UserWarning, match="_save_model") as said:
        fit(model_of(), callbacks=[Mine(tmp_path / "a.weights.h5", save_weights_only=True)])
    (message,) = (str(each.message) for each in said if "_save_model" in str(each.message))
    assert message.endswith("Override 'save' instead.")


def test_the_direction_of_a_metric_is_found_without_its_outputs_name_as_in_keras() -> None:
    given = keras.Input((2,))
    model = keras.Model(given, [keras.layers.Dense(1, name=name)(given) for name in "ab"])
    model.compile("sgd", ["mse", "mse"], metrics=[["accuracy"], []], run_eagerly=True)
    with pytest.warns(UserWarning, match=r"monitors 'val_accuracy', .*Did you mean 'val_a_accuracy'"):
        model.fit(X, [Y, Y], validation_data=(X, [Y, Y]), verbose=0, callbacks=[EarlyStopping("val_accuracy")])


def test_of_keras_own_callbacks_it_is_known_that_they_add_no_metric(tmp_path: Path) -> None:
    with pytest.raises(epochal.TemplateError, match="'los', and the model does not report it"):
        plain(model_of(), callbacks=[keras.callbacks.TerminateOnNaN(), ModelCheckpoint(tmp_path / "{los}.keras")])
    with pytest.warns(UserWarning, match="unless lambda_callback adds it"), pytest.raises(epochal.TemplateError):
        plain(model_of(), callbacks=[keras.callbacks.LambdaCallback(), ModelCheckpoint(tmp_path / "{los}.keras")])

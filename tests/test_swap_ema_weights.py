"""SwapEMAWeights with real models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import epochal
from epochal.state import dump_state, parse_state
from epochal_early_stopping import EarlyStopping
from epochal_model_checkpoint import ModelCheckpoint
from epochal_swap_ema_weights import SwapEMAWeights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Weights = list[np.ndarray[Any, Any]]

Data = tuple[Any, Any]


def make_ema_model(wrap: Callable[[Any], Any] = lambda optimizer: optimizer, **compile_arguments: Any) -> Any:
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    optimizer = keras.optimizers.SGD(0.5, momentum=0.5, use_ema=True, ema_momentum=0.8)
    model.compile(wrap(optimizer), "binary_crossentropy", metrics=["accuracy"], **compile_arguments)
    return model


def same(first: Weights, second: Weights) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def arrays(variables: Any) -> Weights:
    return [np.array(keras.ops.convert_to_numpy(each)) for each in variables]


def trainable(model: Any) -> Weights:
    return arrays(model.trainable_variables)


def averages(model: Any) -> Weights:
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    return arrays(optimizer._model_variables_moving_average)


class Watch(epochal.Callback):
    """Notes weights and averages when a training batch and an epoch end."""

    after = ("swap_ema_weights",)

    def __init__(self) -> None:
        self.batches: list[tuple[Weights, Weights]] = []
        self.epochs: list[Weights] = []
        self.tests: list[Weights] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches.append((trainable(self.model), averages(self.model)))

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.tests.append(trainable(self.model))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(trainable(self.model))


def fit_bare(model: Any, *data: Any, callbacks: list[Any], **arguments: Any) -> Any:
    return model.fit(*data, callbacks=callbacks, **arguments)


def fit_with_list(model: Any, *data: Any, callbacks: list[Any], **arguments: Any) -> Any:
    return model.fit(*data, callbacks=epochal.callbacks(*callbacks), **arguments)


def fit_in_run(model: Any, x: Any, y: Any, callbacks: list[Any], **arguments: Any) -> Any:
    return epochal.fit(model, x, y, callbacks=callbacks, **arguments)


def fit_in_loop(model: Any, x: Any, y: Any, callbacks: list[Any], epochs: int, **_: Any) -> Any:
    """Train and validate as the other ways do with the arguments of `ARGUMENTS`, by hand."""
    train = tf.data.Dataset.from_tensor_slices((x[:30], y[:30])).batch(10)
    with epochal.loop(model, epochs=epochs, callbacks=callbacks, verbose=0) as run:
        for _epoch in run.epochs():
            for _batch, given in run.batches(train):
                model.reset_metrics()
                run.log(loss=model.train_on_batch(*given)[0], size=len(given[0]))
            with run.validation():
                model.reset_metrics()
                for _batch, given in run.batches([(x[30:], y[30:])]):
                    run.log(loss=model.test_on_batch(*given)[0], size=len(given[0]))
    return run.history


ARGUMENTS: dict[str, Any] = {"epochs": 3, "batch_size": 10, "validation_split": 0.25, "verbose": 0, "shuffle": False}
FITS = pytest.mark.parametrize("fit", [fit_bare, fit_with_list, fit_in_run])
WAYS = pytest.mark.parametrize("fit", [fit_bare, fit_with_list, fit_in_run, fit_in_loop])
SWAP = pytest.mark.parametrize("swap_on_epoch", [False, True])


@WAYS
@SWAP
def test_it_evaluates_the_averages_and_trains_as_if_it_were_not_there(
    fit: Callable[..., Any], swap_on_epoch: bool, data: Data
) -> None:
    plain, watch = Watch(), Watch()
    model = make_ema_model()
    fit_bare(model, *data, callbacks=[plain], **ARGUMENTS)
    final = trainable(model)
    model = make_ema_model()
    history = fit(model, *data, callbacks=[SwapEMAWeights(swap_on_epoch), watch], **ARGUMENTS)
    assert len(watch.batches) == 9
    for (weights, means), (expected, expected_means) in zip(watch.batches, plain.batches, strict=True):
        assert same(weights, expected)
        assert same(means, expected_means)
    ends = range(2, 9, 3)
    assert all(same(tested, plain.batches[end][1]) for tested, end in zip(watch.tests, ends, strict=True))
    at_ends = [plain.batches[end][1 if swap_on_epoch else 0] for end in ends]
    assert all(same(weights, expected) for weights, expected in zip(watch.epochs, at_ends, strict=True))
    assert same(trainable(model), final)
    assert same(averages(model), final)
    x, y = data
    now = model.evaluate(x[30:], y[30:], verbose=0, return_dict=True)
    assert history.history["val_loss"][-1] == pytest.approx(now["loss"], rel=1e-6)


@FITS
@SWAP
def test_training_that_is_stopped_early_leaves_the_averages(
    fit: Callable[..., Any], swap_on_epoch: bool, data: Data
) -> None:
    arguments = ARGUMENTS | {"epochs": 10}
    model = make_ema_model()
    stop, watch = EarlyStopping(mode="max", monitor="val_loss", patience=1), Watch()  # it falls, so it stops
    fit(model, *data, callbacks=[SwapEMAWeights(swap_on_epoch), stop, watch], **arguments)
    assert len(watch.epochs) == 2
    assert same(trainable(model), watch.batches[-1][1])


@FITS
def test_best_weights_that_are_restored_at_the_end_are_averages_and_stay(fit: Callable[..., Any], data: Data) -> None:
    model = make_ema_model()
    stop, watch = EarlyStopping(mode="max", monitor="val_loss", restore_best_weights=True), Watch()
    history = fit(model, *data, callbacks=[SwapEMAWeights(swap_on_epoch=True), stop, watch], **ARGUMENTS)
    best = int(np.argmax(history.history["val_loss"]))
    assert best < len(watch.epochs) - 1
    assert same(trainable(model), watch.epochs[best])


@FITS
def test_a_checkpoint_holds_the_averages(fit: Callable[..., Any], tmp_path: Path, data: Data) -> None:
    model = make_ema_model()
    watch = Watch()
    callbacks = [SwapEMAWeights(swap_on_epoch=True), ModelCheckpoint(tmp_path / "{epoch}.keras"), watch]
    history = fit(model, *data, callbacks=callbacks, **ARGUMENTS)
    x, y = data
    for epoch in range(3):
        loaded = keras.models.load_model(tmp_path / f"{epoch + 1}.keras")
        assert same(trainable(loaded), watch.batches[3 * epoch + 2][1])
        assert same(averages(loaded), trainable(loaded))
        loss = loaded.evaluate(x[30:], y[30:], verbose=0, return_dict=True)["loss"]
        assert loss == pytest.approx(history.history["val_loss"][epoch], rel=1e-6)


def test_in_a_run_the_order_in_the_list_does_not_matter(tmp_path: Path, data: Data) -> None:
    model = make_ema_model()
    watch = Watch()
    callbacks = [watch, ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True)]
    epochal.fit(model, *data, callbacks=[*callbacks, SwapEMAWeights(swap_on_epoch=True)], **ARGUMENTS)
    model.load_weights(tmp_path / "1.weights.h5")
    assert same(trainable(model), watch.batches[2][1])


@pytest.mark.parametrize("fit", [fit_bare, fit_in_run])
@SWAP
def test_inside_a_strategy_every_replica_holds_the_same(
    fit: Callable[..., Any], swap_on_epoch: bool, make_strategy: Callable[..., Any], tmp_path: Path, data: Data
) -> None:
    strategy = make_strategy()
    with strategy.scope():
        model = make_ema_model(jit_compile=False)

    class Replicas(epochal.Callback):
        """Looks at every replica of the first kernel and its average."""

        after = ("swap_ema_weights",)

        def __init__(self) -> None:
            self.seen: dict[str, list[Any]] = {}

        def _note(self, event: str) -> None:
            pair = (self.model.trainable_variables[0], self.model.optimizer._model_variables_moving_average[0])
            values = [[replica.numpy() for replica in each.value.values] for each in pair]
            for first, second in values:
                assert np.array_equal(first, second)
            self.seen.setdefault(event, []).append([each[0] for each in values])

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self._note("train")

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self._note("test")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self._note("epoch")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch:
                self._note("next epoch")

    watch = Replicas()
    callbacks = [SwapEMAWeights(swap_on_epoch), ModelCheckpoint(tmp_path / "{epoch}.keras"), watch]
    fit(model, *data, callbacks=callbacks, **ARGUMENTS)
    weights, means = watch.seen["train"][2]
    assert not np.array_equal(weights, means)
    assert same(watch.seen["test"][0], [means, weights])
    assert same(watch.seen["epoch"][0], [means, means] if swap_on_epoch else [weights, means])
    assert same(watch.seen["next epoch"][0], [weights, means])
    saved = keras.models.load_model(tmp_path / "1.keras")
    assert np.array_equal(saved.trainable_variables[0], means if swap_on_epoch else weights)
    assert same(trainable(model), averages(model))


def several(optimizer: Any) -> Any:
    """Return an optimizer of which one part averages its weights, a second, of the same name, too, and a third not."""
    kinds = keras.optimizers
    parts = {r".*dense/bias": kinds.SGD(0.1, use_ema=True, name=optimizer.name), r".*dense_1/bias": kinds.SGD(0.1)}
    return kinds.MultiOptimizer(
        lambda variable: next((p for key, p in parts.items() if re.match(key, variable.path)), optimizer)
    )


@pytest.mark.parametrize("wrap", [keras.optimizers.LossScaleOptimizer, several])
@SWAP
def test_optimizers_inside_another_one(wrap: Callable[[Any], Any], swap_on_epoch: bool, data: Data) -> None:
    if wrap is several and not hasattr(keras.optimizers, "MultiOptimizer"):
        pytest.skip("this Keras has no MultiOptimizer")
    x, y = data
    model, watch = make_ema_model(wrap), Watch()
    watch.on_train_batch_end = lambda batch, logs=None: None  # type: ignore[method-assign]
    history = epochal.fit(model, x, y, callbacks=[SwapEMAWeights(swap_on_epoch), watch], **ARGUMENTS)
    assert same(watch.tests[-1], trainable(model))
    assert same(watch.epochs[-1], trainable(model)) is swap_on_epoch
    now = model.evaluate(x[30:], y[30:], verbose=0, return_dict=True)
    assert history.history["val_loss"][-1] == pytest.approx(now["loss"], rel=1e-6)


def test_evaluate_and_predict_with_the_object_of_a_fit(data: Data) -> None:
    x, y = data
    model, swap, watch = make_ema_model(), SwapEMAWeights(), Watch()
    model.fit(x, y, callbacks=[swap, watch], **ARGUMENTS)
    model.set_weights([each + 1 for each in model.get_weights()])
    own, means = model.get_weights(), averages(model)
    other = make_ema_model()  # with the averages as its weights, to compare with
    other.set_weights(own)
    for variable, mean in zip(other.trainable_variables, means, strict=True):
        variable.assign(mean)
    outputs, values = other.predict(x, verbose=0), other.evaluate(x, y, verbose=0)
    for _ in range(2):
        assert np.array_equal(model.predict(x, verbose=0, callbacks=[swap]), outputs)
        assert np.array_equal(epochal.predict(model, x, verbose=0, callbacks=[swap]), outputs)
        assert model.evaluate(x, y, verbose=0, callbacks=[swap]) == values
        assert epochal.evaluate(model, x, y, verbose=0, callbacks=[swap]) == values
        assert same(model.get_weights(), own)
        assert same(averages(model), means)


class Breaks(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Raises in the validation of the second epoch."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.error = error
        self.validations = 0

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.validations += 1
        if self.validations == 2:
            raise self.error


@pytest.mark.parametrize("error", [ArithmeticError, KeyboardInterrupt])
@pytest.mark.parametrize("fit", [fit_with_list, fit_in_run])
def test_a_validation_that_is_broken_off_leaves_the_own_weights(
    fit: Callable[..., Any], error: type[BaseException], data: Data
) -> None:
    model = make_ema_model()
    watch = Watch()
    with pytest.raises(error):
        fit(model, *data, callbacks=[watch, SwapEMAWeights(), Breaks(error)], **ARGUMENTS)
    assert same(trainable(model), watch.batches[-1][0])
    assert same(averages(model), watch.batches[-1][1])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's, sent on by pytest.warns
def test_in_a_bare_fit_they_are_back_when_the_next_training_begins(data: Data) -> None:
    model = make_ema_model()
    watch = Watch()
    with pytest.raises(ArithmeticError):
        model.fit(*data, callbacks=[SwapEMAWeights(), watch, Breaks(ArithmeticError)], **ARGUMENTS)
    assert same(trainable(model), watch.batches[-1][1])
    begun: list[Weights] = []

    class Begin(epochal.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            begun.append(trainable(self.model))

    with pytest.warns(UserWarning, match="It has its own weights again"):
        model.fit(*data, callbacks=[SwapEMAWeights(), Begin()], **ARGUMENTS)
    assert same(begun[0], watch.batches[-1][0])


@pytest.mark.parametrize("way", ["fit", "evaluate", "predict"])
def test_without_use_ema_it_is_an_error_before_anything_runs(way: str, model: Any, data: Data) -> None:
    given = data[:1] if way == "predict" else data
    kept = model.get_weights()
    for call in (getattr(model, way), lambda *data, **others: getattr(epochal, way)(model, *data, **others)):
        with pytest.raises(
            (ValueError, epochal.PreflightError), match=r"must be used when `use_ema=True` is set.*\(Adam\)"
        ):
            call(*given, verbose=0, callbacks=[SwapEMAWeights(swap_on_epoch=True)])
    assert same(model.get_weights(), kept)


def test_without_use_ema_a_fit_that_does_not_evaluate_trains_as_in_keras(model: Any, data: Data) -> None:
    for fit in (model.fit, lambda *data, **others: epochal.fit(model, *data, **others)):
        with pytest.warns(UserWarning, match="This fit does not evaluate, so SwapEMAWeights does nothing"):
            fit(*data, verbose=0, callbacks=[SwapEMAWeights()])
        with pytest.raises((ValueError, epochal.PreflightError), match="must be used when `use_ema=True` is set"):
            fit(*data, verbose=0, validation_data=data, callbacks=[SwapEMAWeights()])


@pytest.mark.parametrize("built", [False, True])
def test_averages_that_no_step_has_filled_are_not_evaluated(built: bool, data: Data) -> None:
    model = make_ema_model()
    if built:
        model.optimizer.build(model.trainable_variables)
    with pytest.raises(ValueError, match="the optimizer has made no step yet"):
        model.evaluate(*data, verbose=0, callbacks=[SwapEMAWeights()])


def test_a_model_that_was_loaded_with_its_optimizer_can_be_evaluated(tmp_path: Path, data: Data) -> None:
    model = make_ema_model()
    model.fit(*data, **ARGUMENTS)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(*data, verbose=0, callbacks=[SwapEMAWeights()]) == model.evaluate(*data, verbose=0)


def test_a_run_in_two_parts_trains_what_one_run_trains(tmp_path: Path, data: Data) -> None:
    """What persists the state does it at the end of an epoch, when the model holds the averages."""
    kept: dict[str, bytes] = {}

    class Backup(epochal.Callback):
        priority = epochal.Priority.CHECKPOINT

        def __init__(self, swap: SwapEMAWeights) -> None:
            self.swap = swap

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                kept["state"] = dump_state(self.swap.state_dict())
                self.model.save(tmp_path / "backup.keras")

    arguments = ARGUMENTS | {"epochs": 4}
    swap, whole = SwapEMAWeights(swap_on_epoch=True), Watch()
    model = make_ema_model()
    epochal.fit(model, *data, callbacks=[swap, whole, Backup(swap)], **arguments)

    swap, second = SwapEMAWeights(swap_on_epoch=True), Watch()
    swap.load_state_dict(parse_state(kept["state"]))
    resumed = keras.models.load_model(tmp_path / "backup.keras")
    epochal.fit(resumed, *data, callbacks=[swap, second], **arguments, initial_epoch=2)
    assert all(same(a, b) for a, b in zip(second.epochs, whole.epochs[2:], strict=True))
    assert all(same(a[0], b[0]) for a, b in zip(second.batches, whole.batches[6:], strict=True))
    assert same(resumed.get_weights(), model.get_weights())


def test_in_tf_keras_it_is_a_clear_error() -> None:
    tf_keras = pytest.importorskip("tf_keras")
    model = tf_keras.Sequential([tf_keras.layers.Dense(1)])
    model.compile(tf_keras.optimizers.SGD(use_ema=True), "mse")
    with pytest.raises(epochal.RunError, match="the average of the weights is not known for a model"):
        model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[SwapEMAWeights()])

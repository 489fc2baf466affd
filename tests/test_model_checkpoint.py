"""ModelCheckpoint with real models."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import epochal
from epochal.state import dump_state, parse_state
from epochal_early_stopping import EarlyStopping
from epochal_learning_rate_scheduler import LearningRateScheduler
from epochal_model_checkpoint import ModelCheckpoint
from epochal_terminate_on_nan import TerminateOnNaN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Weights = list[np.ndarray[Any, Any]]

Data = tuple[Any, Any]


class Saves(keras.Sequential):  # type: ignore[misc]  # Keras has no types
    """Saves in a way of its own: a further file beside the one that was asked for."""

    def save(self, filepath: Any, overwrite: bool = False, zipped: Any = None) -> None:
        assert (type(filepath), overwrite) == (str, True)  # as Keras calls it
        super().save(filepath, overwrite=overwrite)
        with open(filepath.replace(".keras", ".json"), "w") as file:
            file.write(self.to_json())

    def save_weights(self, filepath: Any, overwrite: bool = False) -> None:
        assert (type(filepath), overwrite) == (str, True)
        np.savez(filepath.removesuffix(".weights.h5"), *self.get_weights())


class Words(keras.layers.Dense):  # type: ignore[misc]
    """A layer with a file of its own in the saved model."""

    def save_assets(self, inner_path: str) -> None:
        with open(f"{inner_path}/words.txt", "w") as file:
            file.write("a\nb")

    def load_assets(self, inner_path: str) -> None:
        with open(f"{inner_path}/words.txt") as file:
            self.words = file.read().split()


class Give(epochal.Callback):
    """Gives one `val_loss` after the other, and notes weights and steps at the end of epochs."""

    priority = epochal.Priority.METRICS
    provides = ("val_loss",)

    def __init__(self, *losses: float) -> None:
        self.losses = losses
        self.weights: list[Weights] = []
        self.steps: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_loss"] = self.losses[epoch]
        self.weights.append(self.model.get_weights())
        self.steps.append(int(self.model.optimizer.iterations))


def same(first: Weights, second: Weights) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def fit_bare(model: Any, x: Any, y: Any, callbacks: list[Any], **arguments: Any) -> None:
    model.fit(x, y, callbacks=callbacks, verbose=0, **arguments)


def fit_with_list(model: Any, x: Any, y: Any, callbacks: list[Any], **arguments: Any) -> None:
    model.fit(x, y, callbacks=epochal.callbacks(*callbacks), verbose=0, **arguments)


def fit_in_run(model: Any, x: Any, y: Any, callbacks: list[Any], **arguments: Any) -> None:
    epochal.fit(model, x, y, callbacks=callbacks, verbose=0, **arguments)


def fit_in_loop(model: Any, x: Any, y: Any, callbacks: list[Any], epochs: int, batch_size: int, shuffle: bool) -> None:
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)
    with epochal.loop(model, epochs=epochs, steps=len(data), callbacks=callbacks, verbose=0) as run:
        for _epoch in run.epochs():
            model.reset_metrics()
            for _step, batch in run.batches(data):
                loss, accuracy = model.train_on_batch(*batch)
                run.log(loss=loss, accuracy=accuracy, size=len(batch[0]))


ARGUMENTS: dict[str, Any] = {"epochs": 4, "batch_size": 10, "shuffle": False}  # 4 batches an epoch
LOSSES = (0.5, 0.75, float("nan"), 0.25)
FITS = pytest.mark.parametrize("fit", [fit_bare, fit_with_list, fit_in_run])
WAYS = pytest.mark.parametrize("fit", [fit_bare, fit_with_list, fit_in_run, fit_in_loop])


@WAYS
def test_every_way_saves_the_same_models(fit: Callable[..., Any], tmp_path: Path, model: Any, data: Data) -> None:
    give = Give(*LOSSES)
    callbacks = [
        give,
        ModelCheckpoint(tmp_path / "{epoch:02d}-{val_loss:.2f}.keras"),
        ModelCheckpoint(tmp_path / "best.keras", save_best_only=True),
        ModelCheckpoint(tmp_path / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=6),
        ModelCheckpoint(tmp_path / "last-{epoch}.keras", keep=2),
    ]
    fit(model, *data, callbacks=callbacks, **ARGUMENTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "01-0.50.keras",
        "02-0.75.keras",
        "03-nan.keras",
        "04-0.25.keras",
        "2-2.weights.h5",
        "3-4.weights.h5",
        "best.keras",
        "last-3.keras",
        "last-4.keras",
    ]
    for number, name in enumerate(["01-0.50", "02-0.75", "03-nan", "04-0.25"]):
        loaded = keras.models.load_model(tmp_path / f"{name}.keras")
        assert same(loaded.get_weights(), give.weights[number])
        assert int(loaded.optimizer.iterations) == give.steps[number] == 4 * (number + 1)
    assert same(keras.models.load_model(tmp_path / "best.keras").get_weights(), give.weights[3])
    model.load_weights(tmp_path / "3-4.weights.h5")
    assert same(model.get_weights(), give.weights[2])
    assert int(model.optimizer.iterations) == 12


@FITS
@pytest.mark.parametrize("end", [".keras", ".h5", ".weights.h5"])
def test_every_format_is_what_keras_itself_writes(
    fit: Callable[..., Any], end: str, tmp_path: Path, model: Any, data: Data
) -> None:
    path, weights_only = tmp_path / f"model{end}", end == ".weights.h5"
    fit(model, *data, callbacks=[ModelCheckpoint(path, save_weights_only=weights_only)], epochs=1)
    expected = model.get_weights()
    loaded = model if weights_only else keras.models.load_model(path)
    if weights_only:
        model.set_weights([each + 1 for each in expected])
        model.load_weights(path)
    assert same(loaded.get_weights(), expected)
    assert loaded.evaluate(*data, verbose=0) == model.evaluate(*data, verbose=0)


@WAYS
def test_a_model_that_saves_in_a_way_of_its_own(fit: Callable[..., Any], tmp_path: Path, data: Data) -> None:
    model = Saves([keras.layers.Input((4,)), Words(1)])
    model.compile("sgd", "mse", metrics=["accuracy"], run_eagerly=True)
    callbacks = [
        ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1),
        ModelCheckpoint(tmp_path / "best.weights.h5", "loss", save_best_only=True, save_weights_only=True),
    ]
    fit(model, *data, callbacks=callbacks, epochs=2, batch_size=20, shuffle=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.json", "2.keras", "best.npz"]
    loaded = keras.models.load_model(tmp_path / "2.keras", custom_objects={"Saves": Saves, "Words": Words})
    assert same(loaded.get_weights(), model.get_weights())
    assert loaded.layers[0].words == ["a", "b"]


@pytest.mark.parametrize("end", [".keras", ".weights.h5"])
def test_an_address_is_written_where_keras_writes_it(end: str, model: Any, data: Data) -> None:
    path = f"ram://folder/{{epoch}}/model{end}"
    checkpoint = ModelCheckpoint(path, save_weights_only=end != ".keras")
    model.fit(*data, callbacks=[checkpoint], verbose=0)
    assert tf.io.gfile.listdir("ram://folder/1") == [f"model{end}"]
    tf.io.gfile.rmtree("ram://folder")


def test_training_goes_on_from_a_checkpoint_as_if_it_had_not_stopped(
    tmp_path: Path, make_model: Callable[..., Any], data: Data
) -> None:
    whole = make_model()
    whole.fit(*data, callbacks=[ModelCheckpoint(tmp_path / "{epoch}.keras")], verbose=0, **ARGUMENTS)
    resumed = keras.models.load_model(tmp_path / "2.keras")
    resumed.fit(*data, verbose=0, initial_epoch=2, **ARGUMENTS)
    assert same(resumed.get_weights(), whole.get_weights())


@FITS
def test_the_best_is_found_by_a_real_metric_that_is_better_when_it_is_more(
    fit: Callable[..., Any], tmp_path: Path, model: Any, data: Data
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="val_accuracy", save_best_only=True)
    arguments = ARGUMENTS | {"epochs": 30}
    fit(model, *data, callbacks=[checkpoint], validation_split=0.25, **arguments)
    found = model.history.history["val_accuracy"]
    assert checkpoint.best == max(found)
    improved = [number for number, value in enumerate(found) if value > max([-1, *found[:number]])]
    assert sorted(tmp_path.iterdir()) == sorted(tmp_path / f"{number + 1}.keras" for number in improved)
    loaded = keras.models.load_model(tmp_path / f"{improved[-1] + 1}.keras")
    assert loaded.evaluate(data[0][30:], data[1][30:], verbose=0)[1] == checkpoint.best


@FITS
def test_the_best_of_batches(fit: Callable[..., Any], tmp_path: Path, model: Any, data: Data) -> None:
    seen: list[float] = []

    class Watch(epochal.Callback):
        provides = ()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(float(logs["loss"]))

    checkpoint = ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True, save_freq=2)
    fit(model, *data, callbacks=[Watch(), checkpoint], **ARGUMENTS)
    assert checkpoint.best == min(seen[1::2])


@FITS
@pytest.mark.parametrize("each", [1, 3, 4, 5])
def test_several_steps_in_one_execution(
    fit: Callable[..., Any], each: int, tmp_path: Path, make_model: Callable[..., Any], data: Data
) -> None:
    model = make_model(steps_per_execution=each)
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=8)
    fit(model, *data, callbacks=[checkpoint], **ARGUMENTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2-4.weights.h5", "4-4.weights.h5"]
    model.load_weights(tmp_path / "2-4.weights.h5")
    assert int(model.optimizer.iterations) == 8


@FITS
def test_the_best_counts_on_in_a_second_fit(fit: Callable[..., Any], tmp_path: Path, model: Any, data: Data) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", save_best_only=True)
    for losses in ((0.5, 0.25, 0.9, 0.9), (0.4, 0.3, 0.3, 0.3)):
        fit(model, *data, callbacks=[Give(*losses), checkpoint], **ARGUMENTS)
    assert checkpoint.best == 0.25
    assert int(keras.models.load_model(tmp_path / "best.keras").optimizer.iterations) == 8


def test_a_resumed_run_decides_as_one_that_was_never_stopped(
    tmp_path: Path, make_model: Callable[..., Any], data: Data
) -> None:
    losses = (0.5, 0.4, 0.9, 0.3)

    def make(folder: str) -> list[ModelCheckpoint]:
        return [
            ModelCheckpoint(tmp_path / folder / "best-{epoch}.keras", save_best_only=True, keep=1),
            ModelCheckpoint(tmp_path / folder / "{epoch}-{batch}.keras", save_freq=3, keep=2),
        ]

    def run(model: Any, checkpoints: list[ModelCheckpoint], first: int, last: int) -> None:
        arguments = ARGUMENTS | {"initial_epoch": first, "epochs": last}
        epochal.fit(model, *data, callbacks=[Give(*losses), *checkpoints], verbose=0, **arguments)

    model, whole = make_model(), make("whole")
    run(model, whole, 0, 4)
    first, second = make("parts"), make("parts")
    model = make_model()
    run(model, first, 0, 2)
    for before, after in zip(first, second, strict=True):
        after.load_state_dict(parse_state(dump_state(before.state_dict())))
    run(model, second, 2, 4)
    names = {folder: sorted(path.name for path in (tmp_path / folder).iterdir()) for folder in ("whole", "parts")}
    assert names["whole"] == names["parts"] == ["3-4.keras", "4-3.keras", "best-4.keras"]
    for name in names["whole"]:
        loaded = [keras.models.load_model(tmp_path / folder / name).get_weights() for folder in ("whole", "parts")]
        assert same(*loaded)
    assert [each.best for each in second] == [each.best for each in whole]


def test_with_early_stopping_the_last_epoch_is_saved_too(tmp_path: Path, model: Any, data: Data) -> None:
    callbacks = [ModelCheckpoint(tmp_path / "{epoch}.keras"), EarlyStopping(patience=1), Give(0.5, 0.75, 0.9, 0.9)]
    epochal.fit(model, *data, callbacks=callbacks, verbose=0, **ARGUMENTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.keras", "2.keras"]


def test_a_run_that_found_nan_overwrites_nothing(
    tmp_path: Path, model: Any, data: Data, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = data
    checkpoint = ModelCheckpoint(tmp_path / "model.keras")
    epochal.fit(model, x, y, epochs=1, verbose=0, callbacks=[checkpoint])
    kept = model.get_weights()
    epochal.fit(model, x * np.nan, y, epochs=2, verbose=0, callbacks=[checkpoint, TerminateOnNaN()])
    assert np.isnan(model.get_weights()[0]).all()
    assert same(keras.models.load_model(tmp_path / "model.keras").get_weights(), kept)
    assert "Epoch 1: the run has failed, so the model is not saved to" in capsys.readouterr().out


def test_inside_a_strategy(
    tmp_path: Path, make_strategy: Callable[..., Any], make_model: Callable[..., Any], data: Data
) -> None:
    with make_strategy().scope():
        model = make_model(jit_compile=False)
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="loss", save_best_only=True)
    epochal.fit(model, *data, callbacks=[checkpoint], verbose=0, **ARGUMENTS)
    loaded = keras.models.load_model(tmp_path / "4.keras")
    assert same(loaded.get_weights(), model.get_weights())


@FITS
def test_a_field_that_the_model_does_not_report(
    fit: Callable[..., Any], tmp_path: Path, model: Any, data: Data
) -> None:
    model.fit(*data, verbose=0)
    kept = model.get_weights()
    with pytest.raises(epochal.EpochalError, match=r"'val_los'.*Did you mean 'val_loss'"):
        fit(model, *data, callbacks=[ModelCheckpoint(tmp_path / "{val_los}.keras")], validation_data=data)
    assert same(model.get_weights(), kept)


@FITS
def test_the_rate_that_another_callback_gives_may_stand_in_the_path(
    fit: Callable[..., Any], tmp_path: Path, model: Any, data: Data
) -> None:
    callbacks = [LearningRateScheduler(lambda epoch: 0.5), ModelCheckpoint(tmp_path / "{learning_rate}.keras")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where nobody knows what the others give, it warns of the field
        fit(model, *data, callbacks=callbacks, epochs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["0.5.keras"]


CHILD = """
import os, sys
import keras, numpy as np
from epochal_model_checkpoint import ModelCheckpoint

class Pauses(keras.layers.Dense):
    '''Waits for ever in the middle of its third save.'''
    saves = 0

    def save_own_variables(self, store):
        super().save_own_variables(store)
        self.saves += 1
        if self.name == sys.argv[2] and self.saves == 3:
            print("inside", flush=True)
            sys.stdin.read()

keras.utils.set_random_seed(1)
layers = [Pauses(50, name="first"), Pauses(50, name="middle"), Pauses(1, name="last")]
model = keras.Sequential([keras.layers.Input((4,)), *layers])
model.compile("sgd", "mse")

class Note(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:  # what the second save has
            np.savez(sys.argv[3], *self.model.get_weights())

checkpoint = ModelCheckpoint(sys.argv[1], save_weights_only=sys.argv[1].endswith(".weights.h5"))
model.fit(np.ones((8, 4)), np.ones((8, 1)), epochs=3, verbose=0, callbacks=[Note(), checkpoint])
"""


class Pauses(keras.layers.Dense):  # type: ignore[misc]  # Keras has no types
    """The layer of the child, without its pause."""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("name", "layer"),
    [("model.keras", "first"), ("model.keras", "last"), ("model.weights.h5", "first"), ("model.weights.h5", "last")],
)
def test_a_kill_in_the_middle_of_a_save_leaves_the_model_of_before(name: str, layer: str, tmp_path: Path) -> None:
    path, notes = tmp_path / name, tmp_path / "notes.npz"
    command = [sys.executable, "-c", CHILD, str(path), layer, str(notes)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "inside\n"
        (left,) = (each for each in tmp_path.iterdir() if each.name.startswith(".epochal-"))
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL

    layers = [Pauses(50, name="first"), Pauses(50, name="middle"), Pauses(1, name="last")]
    model = keras.Sequential([keras.layers.Input((4,)), *layers])
    model.compile("sgd", "mse")
    if name == "model.keras":
        model = keras.models.load_model(path, custom_objects={"Pauses": Pauses})
    else:
        model.load_weights(path)
    with np.load(notes) as kept:
        assert same(model.get_weights(), [kept[key] for key in kept.files])

    # The next save clears away what the killed one left.
    assert left.exists()
    again = ModelCheckpoint(path, save_weights_only=name != "model.keras")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[again])
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([name, "notes.npz"])


@pytest.mark.parametrize("end", [".keras", ".weights.h5"])
def test_in_a_bare_fit_of_tf_keras(end: str, tmp_path: Path, data: Data) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    model = tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    weights_only = end == ".weights.h5"
    callbacks = [
        ModelCheckpoint(f"{tmp_path}/{{epoch}}-{{batch}}{end}", save_weights_only=weights_only, save_freq=6, keep=1),
        ModelCheckpoint(f"{tmp_path}/best{end}", "val_accuracy", save_best_only=True, save_weights_only=weights_only),
    ]
    model.fit(*data, validation_data=data, verbose=0, callbacks=callbacks, **ARGUMENTS | {"epochs": 3})
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"3-4{end}", f"best{end}"]
    if weights_only:
        kept = model.get_weights()
        model.load_weights(f"{tmp_path}/3-4{end}")
        assert same(model.get_weights(), kept)
    else:
        assert same(tf_keras.models.load_model(f"{tmp_path}/3-4{end}").get_weights(), model.get_weights())


def test_it_deep_copies_before_and_after_a_fit(tmp_path: Path, model: Any, data: Data) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="loss", save_best_only=True)
    epochal.fit(model, *data, verbose=0, callbacks=[copy.deepcopy(checkpoint)])
    assert checkpoint.best is None
    epochal.fit(model, *data, verbose=0, callbacks=[checkpoint])
    assert copy.deepcopy(checkpoint).best == checkpoint.best

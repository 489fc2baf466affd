"""ModelCheckpoint."""

from __future__ import annotations

import math
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from epochal import TemplateError

from . import behaviour

if TYPE_CHECKING:
    from pathlib import Path

X = np.ones((4, 1))


class Give(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Gives one `val_loss` after the other."""

    def __init__(self, *losses: float) -> None:
        super().__init__()
        self.losses = losses

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_loss"] = self.losses[epoch]


class Breaks(keras.layers.Dense):  # type: ignore[misc]
    """A layer that cannot be saved while it is broken, as if the disk were full."""

    broken = False

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        if self.broken:
            raise OSError("No space left on device")


def _model(layer: Any = keras.layers.Dense) -> Any:
    model = keras.Sequential([keras.layers.Input((1,)), layer(1), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def _fit(model: Any, *callbacks: Any, **arguments: Any) -> Any:
    return model.fit(X, X, batch_size=2, verbose=0, callbacks=list(callbacks), **arguments)


def _break_a_save(callback: Any, path: Path) -> Any:
    """Save once, then a second time into a full disk; gives the weights of the first time."""
    model = _model(Breaks)
    _fit(model, callback)
    kept = model.get_weights()
    model.layers[0].broken = True
    with pytest.raises(OSError, match="No space left on device"):
        _fit(model, callback)
    assert path.exists()
    return kept


@behaviour(
    "model_checkpoint",
    "A save that fails or is killed leaves the previous model",
    keras="The file is opened and emptied first, and then written. Whatever ends the save in the middle (a full disk, "
    "Ctrl-C, a kill) leaves a file that cannot be loaded, and the good one is gone.",
    ours="The new file is written beside the old one, brought to the disk, and then takes its name.",
    fails_with=Exception,
)
def a_failed_save_leaves_the_model(ModelCheckpoint: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    kept = _break_a_save(ModelCheckpoint(path), path)
    loaded = keras.models.load_model(path, custom_objects={"Breaks": Breaks})
    assert np.array_equal(loaded.get_weights()[0], kept[0])


@behaviour(
    "model_checkpoint",
    "A save of weights that fails or is killed leaves the previous weights",
    keras="As with whole models: the file is emptied first, and after a save that did not get to its end no weights "
    "are left.",
    ours="The new file is written beside the old one, brought to the disk, and then takes its name.",
    fails_with=Exception,
)
def a_failed_save_leaves_the_weights(ModelCheckpoint: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    kept = _break_a_save(ModelCheckpoint(path, save_weights_only=True), path)
    model = _model(Breaks)
    model.load_weights(path)
    assert np.array_equal(model.get_weights()[0], kept[0])


@behaviour(
    "model_checkpoint",
    "A model with its own save keeps the files of one save together",
    keras="The model's method writes into the folder itself. When it fails or is killed between two of its files, the "
    "new one stands beside the old other one, or beside half of it.",
    ours="The method writes into a temporary folder, under the name that was asked for. When it is done, all of its "
    "files take their places; when it fails, none does.",
)
def files_of_one_save_belong_together(ModelCheckpoint: Any, tmp_path: Path) -> None:
    class Own(keras.Sequential):  # type: ignore[misc]
        saves = 0

        def save(self, filepath: str, overwrite: bool = True, **_: Any) -> None:
            assert type(filepath) is str
            self.saves += 1
            with open(filepath.replace(".keras", ".txt"), "w") as file:
                file.write(f"{self.saves}")
            if self.saves == 2:
                raise OSError("No space left on device")
            super().save(filepath, overwrite=overwrite)

    model = Own([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(OSError, match="No space left"):
        _fit(model, ModelCheckpoint(tmp_path / "model.keras"), epochs=2)
    assert (tmp_path / "model.keras").exists()
    assert (tmp_path / "model.txt").read_text() == "1"


@behaviour(
    "model_checkpoint",
    "A full disk is named",
    keras="With `.h5` a full disk can be a `RuntimeError: Can't destroy cache (slist already enabled?)`: no path, and "
    "no word of the disk.",
    ours="It is an OSError that names the path and the reason, in every format.",
    fails_with=RuntimeError,
)
def a_full_disk_is_named(ModelCheckpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(keras.Sequential):  # type: ignore[misc]
        def save(self, filepath: str, overwrite: bool = True, **_: Any) -> None:
            raise RuntimeError("Can't destroy cache (slist already enabled?)")  # what h5py raises then

    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=0))
    model = Full([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(OSError, match=r"could not write .*model\.h5.*No space left on device"):
        _fit(model, ModelCheckpoint(tmp_path / "model.h5"))


@behaviour(
    "model_checkpoint",
    "save_best_only works with a number of batches",
    keras="The direction of the metric is found out at the end of the first epoch. The second check in the first epoch "
    "raises `TypeError: 'NoneType' object is not callable`.",
    ours="The direction is found out when it is needed.",
    fails_with=TypeError,
)
def best_by_batches(ModelCheckpoint: Any, tmp_path: Path) -> None:
    callback = ModelCheckpoint(tmp_path / "model.keras", monitor="loss", save_best_only=True, save_freq=1)
    _fit(_model(), callback)
    assert callback.best > 0


@behaviour(
    "model_checkpoint",
    "NaN never becomes the best value",
    keras="A NaN in the first epoch becomes the best value. No number is less than NaN, so the model is never saved "
    "again, although it improves with every epoch.",
    ours="NaN is never better than anything.",
)
def nan_is_never_best(ModelCheckpoint: Any, tmp_path: Path) -> None:
    callback = ModelCheckpoint(tmp_path / "{epoch}.keras", save_best_only=True)
    _fit(_model(), Give(math.nan, 2.0, 1.0), callback, epochs=3)
    assert callback.best == 1.0
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["2.keras", "3.keras"]


@behaviour(
    "model_checkpoint",
    "Without the metric save_best_only saves nothing",
    keras="When the metric is missing (misspelt, or no validation data), the model is saved every time: the last one "
    "overwrites the best one.",
    ours="Nothing is saved, and that is said once.",
)
def a_missing_metric_saves_nothing(ModelCheckpoint: Any, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="val_loss"):
        _fit(_model(), ModelCheckpoint(tmp_path / "model.keras", save_best_only=True), epochs=2)
    assert list(tmp_path.iterdir()) == []


@behaviour(
    "model_checkpoint",
    "keep=N removes older files",
    keras="There is no such parameter. A run of 1,000 epochs leaves 1,000 files.",
    ours="`keep=2` keeps the two latest of the files that this object wrote.",
    fails_with=TypeError,
)
def keep_removes_older_files(ModelCheckpoint: Any, tmp_path: Path) -> None:
    _fit(_model(), ModelCheckpoint(tmp_path / "{epoch}.keras", keep=2), epochs=4)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["3.keras", "4.keras"]


@behaviour(
    "model_checkpoint",
    "A resumed run never overwrites a better checkpoint",
    keras="The best value is not part of anything that survives a restart. The first epoch after it counts as the "
    "best, and overwrites the better checkpoint of before.",
    ours="`best` is part of the state that a backup holds.",
    fails_with=AttributeError,
)
def a_resumed_run_keeps_the_better_checkpoint(ModelCheckpoint: Any, tmp_path: Path) -> None:
    path = tmp_path / "best.keras"
    before, after = ModelCheckpoint(path, save_best_only=True), ModelCheckpoint(path, save_best_only=True)
    _fit(_model(), Give(0.1), before)
    saved = path.read_bytes()
    after.load_state_dict(before.state_dict())
    _fit(_model(), Give(0.1, 0.9), after, initial_epoch=1, epochs=2)
    assert path.read_bytes() == saved


@behaviour(
    "model_checkpoint",
    "A field of the path that nobody gives is found before training",
    keras="A misspelt field is a KeyError at the end of the first epoch, which may have taken hours.",
    ours="It is an error before the first batch, in a bare `fit` too. Where another callback or the model's own code "
    "may still add the value, it is a warning.",
)
def a_misspelt_field_is_found_at_once(ModelCheckpoint: Any, tmp_path: Path) -> None:
    batches = []
    watch = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: batches.append(batch))
    callback = ModelCheckpoint(tmp_path / "{epoch}-{val_los:.2f}.keras")
    warnings.simplefilter("error", UserWarning)
    with pytest.raises((UserWarning, KeyError), match="val_los"):
        _fit(_model(), callback, watch, validation_data=(X, X))
    assert batches == []


@behaviour(
    "model_checkpoint",
    "A field of validation without validation data is found before training",
    keras="`{val_loss}` in the path of a fit without validation data is a KeyError at the end of the first epoch.",
    ours="It is an error before the first batch that says so, also for a model with its own `train_step`; and so is "
    "`validation_freq=2`, which leaves the first epoch without it.",
    fails_with=KeyError,
)
def validation_data_is_missed_at_once(ModelCheckpoint: Any, tmp_path: Path) -> None:
    model, path = _model(), tmp_path / "{epoch}-{val_loss:.2f}.keras"
    before = model.get_weights()
    with pytest.raises(TemplateError, match="names 'val_loss', and this fit has no validation data"):
        _fit(model, ModelCheckpoint(path))
    with pytest.raises(TemplateError, match="with validation_freq=2 it has no value in epoch 1"):
        _fit(model, ModelCheckpoint(path), validation_data=(X, X), validation_freq=2, epochs=2)
    assert all(map(np.array_equal, before, model.get_weights()))


@behaviour(
    "model_checkpoint",
    "A save_freq that makes no sense is warned of",
    keras="`save_freq=0` saves the model after every batch, without a word. -5 does the same.",
    ours="It does the same, with a warning.",
    fails_with=pytest.fail.Exception,
)
def save_freq_is_checked(ModelCheckpoint: Any) -> None:
    for save_freq in (0, -5):
        with pytest.warns(UserWarning, match=f"save_freq={save_freq} saves at the end of every batch"):
            ModelCheckpoint("model.keras", save_freq=save_freq)


@behaviour(
    "model_checkpoint",
    "Batches are counted right where one execution has several steps",
    keras="The last execution of an epoch counts in full, also when it had fewer steps: with 5 steps and "
    "`steps_per_execution=4` an epoch counts as 8 batches.",
    ours="It counts the steps that the epoch has.",
)
def steps_per_execution_is_counted_right(ModelCheckpoint: Any, tmp_path: Path) -> None:
    model = _model()
    model.compile("sgd", "mse", steps_per_execution=4)
    callback = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=10)
    model.fit(np.ones((5, 1)), np.ones((5, 1)), batch_size=1, epochs=2, verbose=0, callbacks=[callback])
    assert [path.name for path in tmp_path.iterdir()] == ["2-5.keras"]

"""OrbaxCheckpoint."""

from __future__ import annotations

import copy
import math
import shutil
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

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


def _fit(*callbacks: Any, **arguments: Any) -> None:
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X, batch_size=2, verbose=0, callbacks=list(callbacks), **arguments)


def _numbers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@behaviour(
    "orbax_checkpoint",
    "A background save that fails is an error",
    keras="The last save of a training is waited for inside of `except Exception: pass`. If it fails, as on a full disk, "  # noqa: E501
    "training ends as if all were well, and there is no checkpoint.",
    ours="The error is raised, and says which checkpoint could not be written where.",
    fails_with=pytest.fail.Exception,
)
def errors_are_raised(OrbaxCheckpoint: Any, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"

    class Remove(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            shutil.rmtree(folder)
            folder.touch()  # a file, so that no folder can be made

    with pytest.raises(Exception, match="checkpoint 0 could not be written"):
        _fit(OrbaxCheckpoint(str(folder)), Remove())


@behaviour(
    "orbax_checkpoint",
    "A folder may be given relative to the working directory",
    keras="Orbax takes absolute paths only, and says so in the background, where nobody hears it: with "
    '`OrbaxCheckpoint("checkpoints")` nothing is ever saved, and training ends as if all were well.',
    ours="A relative path counts from the working directory in which the callback is made.",
)
def relative_folders_work(OrbaxCheckpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _fit(OrbaxCheckpoint("checkpoints"))
    assert _numbers(tmp_path / "checkpoints") == ["0"]


@behaviour(
    "orbax_checkpoint",
    "A second fit goes on behind the first",
    keras="A checkpoint has the number of its epoch. In a second fit, or when the script is started again, the folder has "  # noqa: E501
    "that number already, and training ends with `StepAlreadyExistsError`.",
    ours="The next free number is taken, so that the latest checkpoint has the highest number and none is overwritten.",
    fails_with=Exception,
)
def fits_follow_each_other(OrbaxCheckpoint: Any, tmp_path: Path) -> None:
    for _ in range(2):
        _fit(OrbaxCheckpoint(str(tmp_path), max_to_keep=None), epochs=2)
    assert _numbers(tmp_path) == ["0", "1", "2", "3"]


@behaviour(
    "orbax_checkpoint",
    "max_to_keep removes checkpoints only",
    keras="Every folder with a number for a name counts as a checkpoint. With the default `max_to_keep=1` the folders of "  # noqa: E501
    "earlier runs, `runs/1` and `runs/2`, are removed, whatever is in them.",
    ours="A folder that Orbax did not write stays, and does not count.",
)
def folders_of_others_stay(OrbaxCheckpoint: Any, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "results.csv").touch()
    _fit(OrbaxCheckpoint(str(tmp_path)), initial_epoch=2, epochs=4)
    assert _numbers(tmp_path) == ["1", "3"]
    assert (tmp_path / "1" / "results.csv").exists()


@behaviour(
    "orbax_checkpoint",
    "It can be copied",
    keras="Orbax is started when the callback is made, and its locks and threads cannot be copied: "
    "`TypeError: cannot pickle '_thread.RLock' object`. KerasTuner copies callbacks for every trial.",
    ours="Orbax is imported and started when training begins.",
    fails_with=TypeError,
)
def copies_work(OrbaxCheckpoint: Any, tmp_path: Path) -> None:
    callback = copy.deepcopy(OrbaxCheckpoint(str(tmp_path)))
    _fit(callback)
    assert _numbers(tmp_path) == ["0"]


@behaviour(
    "orbax_checkpoint",
    "save_best_only works with a number of batches",
    keras="The direction of the metric is found out at the end of the first epoch. The second check in the first epoch "
    "raises `TypeError: 'NoneType' object is not callable`.",
    ours="The direction is found out when it is needed.",
    fails_with=TypeError,
)
def best_by_batches(OrbaxCheckpoint: Any, tmp_path: Path) -> None:
    callback = OrbaxCheckpoint(str(tmp_path), monitor="loss", save_best_only=True, save_freq=1)
    _fit(callback)
    assert callback.best > 0


@behaviour(
    "orbax_checkpoint",
    "NaN never becomes the best value",
    keras="A NaN in the first epoch becomes the best value. No number is less than NaN, so nothing is saved any more, "
    "although the model improves with every epoch.",
    ours="NaN is never better than anything.",
)
def nan_is_never_best(OrbaxCheckpoint: Any, tmp_path: Path) -> None:
    callback = OrbaxCheckpoint(str(tmp_path), save_best_only=True)
    _fit(Give(math.nan, 2.0, 1.0), callback, epochs=3)
    assert _numbers(tmp_path) == ["2"]


@behaviour(
    "orbax_checkpoint",
    "verbose=1 says what is saved",
    keras="The parameter is there, and nothing reads it.",
    ours="A line for every checkpoint, and for every one that was not worth it.",
)
def verbose_is_heard(OrbaxCheckpoint: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _fit(OrbaxCheckpoint(str(tmp_path), verbose=1))
    assert f"Epoch 1: saving model to {tmp_path}" in capsys.readouterr().out


@behaviour(
    "orbax_checkpoint",
    "Parameters that make no sense are said",
    keras="`max_to_keep=0` saves every checkpoint and removes it again, and `save_freq=0` saves at every batch.",
    ours="The first is a ValueError; the second warns.",
    fails_with=pytest.fail.Exception,
)
def senseless_parameters_are_said(OrbaxCheckpoint: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_to_keep"):
        OrbaxCheckpoint(str(tmp_path), max_to_keep=0)
    with pytest.warns(UserWarning, match="save_freq=0 saves at the end of every batch"):
        OrbaxCheckpoint(str(tmp_path), save_freq=0)


@behaviour(
    "orbax_checkpoint",
    "A Sequential is loaded with its weights",
    keras="`load_model` builds the layers one by one. Their variables have other paths than in the model that was "
    "saved, so no value is found for them, and the model comes back untrained, in silence.",
    ours="The layers are left for the model to build, and everything is found.",
)
def a_sequential_is_loaded(OrbaxCheckpoint: Any, model: Any, data: Any, tmp_path: Any) -> None:
    model.fit(*data, verbose=0, callbacks=[OrbaxCheckpoint(directory=str(tmp_path))])
    loaded = keras.saving.load_model(str(tmp_path))
    for found, saved in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, saved)

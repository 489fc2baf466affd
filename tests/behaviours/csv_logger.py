"""CSVLogger."""

from __future__ import annotations

import copy
import csv
import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from . import behaviour

if TYPE_CHECKING:
    from pathlib import Path


class Add(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Adds values to the logs, those of one epoch to each."""

    def __init__(self, *epochs: dict[Any, Any]) -> None:
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs.update(self.epochs[epoch])


class Replace(Add):
    """Leaves only its own values in the logs."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs.clear()
        super().on_epoch_end(epoch, logs)


def _read(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


@behaviour(
    "csv_logger",
    "A metric that comes later is in the file",
    keras="The columns are those of the first epoch. What comes later is lost, without a word.",
    ours='It gets a column, and "NA" in the rows before.',
)
def later_metrics_are_written(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    model.fit(*data, epochs=2, verbose=0, callbacks=[Add({}, {"f1": 0.5}), CSVLogger(path)])
    header, first, second = _read(path)
    assert header == ["epoch", "accuracy", "loss", "f1"]
    assert (first[3], second[3]) == ("NA", "0.5")


@behaviour(
    "csv_logger",
    "A large array does not fill the file",
    keras="Every value of it is written, in every epoch: 400 by 400 take seconds and a megabyte each time.",
    ours='More than 1,000 values are described, "array of shape (40, 40)"; fewer are written as Keras writes them.',
)
def large_arrays_are_described(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    arrays = {"large": np.zeros((40, 40)), "small": np.zeros((2, 2))}
    model.fit(*data, epochs=1, verbose=0, callbacks=[Add(arrays), CSVLogger(path)])
    (row,) = csv.DictReader(path.read_text().splitlines())
    assert row["small"] == '"[[0. 0.], [0. 0.]]"'
    assert row["large"] == "array of shape (40, 40)"


@behaviour(
    "csv_logger",
    "A key that is not text is in the file",
    keras="Training ends with an AttributeError: the name is asked whether it begins with `val_`.",
    ours="Its text is the name of the column.",
)
def keys_need_not_be_text(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    try:
        model.fit(*data, epochs=1, verbose=0, callbacks=[Replace({3: 0.5}), CSVLogger(path)])
    except AttributeError as error:
        raise AssertionError(error) from error
    assert _read(path)[0] == ["epoch", "3"]


@behaviour(
    "csv_logger",
    "Rows that are appended agree with the header",
    keras="The header is not read. A second fit with another metric writes rows of more fields than there are names, "
    "and its values stand under the wrong ones.",
    ours="The file gets a wider header, and every row has a field for each name.",
)
def appended_rows_agree_with_the_header(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for extra in ({}, {"f1": 0.5}):
        model.fit(*data, validation_split=0.5, verbose=0, callbacks=[Add(extra), CSVLogger(path, append=True)])
    header, first, second = _read(path)
    assert len(header) == len(first) == len(second)
    assert second[header.index("f1")] == "0.5"


@behaviour(
    "csv_logger",
    "There are no columns for what never comes",
    keras="When the first epoch has no validation, each of its keys gets a `val_` column: `val_learning_rate` too, and "
    "all of them where there is no validation at all.",
    ours="A column is there when its metric is.",
)
def no_phantom_columns(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
    model.fit(
        *data,
        epochs=2,
        validation_split=0.5,
        validation_freq=2,
        verbose=0,
        callbacks=[scheduler, CSVLogger(path)],
    )
    assert _read(path)[0] == ["epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"]


@behaviour(
    "csv_logger",
    "Epochs that are trained again after a restart are in the file once",
    keras="With `append=True` their rows are there twice.",
    ours="Their rows are replaced, with a warning; all others stay.",
)
def epochs_are_not_written_twice(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    model.fit(*data, epochs=4, verbose=0, callbacks=[CSVLogger(path)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(*data, initial_epoch=2, epochs=5, verbose=0, callbacks=[CSVLogger(path, append=True)])
    assert [row[0] for row in _read(path)] == ["epoch", "0", "1", "2", "3", "4"]


@behaviour(
    "csv_logger",
    "A row that a crash cut off does not spoil the next one",
    keras="The next row goes on in the same line.",
    ours="The piece is taken out, with a warning that shows it.",
)
def rows_are_whole(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,accuracy,loss\n0,0.5,0.7\n1,0.5")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(*data, initial_epoch=1, epochs=2, verbose=0, callbacks=[CSVLogger(path, append=True)])
    assert [len(row) for row in _read(path)] == [3, 3, 3]


@behaviour(
    "csv_logger",
    "A folder that is missing is made",
    keras="The fit fails.",
    ours="It is made when training begins.",
    fails_with=FileNotFoundError,
)
def folders_are_made(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    model.fit(*data, verbose=0, callbacks=[CSVLogger(tmp_path / "run" / "log.csv")])
    assert len(_read(tmp_path / "run" / "log.csv")) == 2


@behaviour(
    "csv_logger",
    "A fit that has nothing left to train leaves the file alone",
    keras="It is emptied when training begins: a finished script that is started again has lost its log.",
    ours="It is emptied when the first epoch begins.",
)
def a_finished_log_stays(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for first in (0, 2):
        model.fit(*data, initial_epoch=first, epochs=2, verbose=0, callbacks=[CSVLogger(path)])
    assert len(_read(path)) == 3


@behaviour(
    "csv_logger",
    "It can be copied after a fit",
    keras="It holds the closed file, which cannot be copied; KerasTuner copies callbacks for every trial.",
    ours="The file is open only while a row is written.",
    fails_with=TypeError,
)
def it_can_be_copied(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    callback = CSVLogger(tmp_path / "log.csv")
    model.fit(*data, verbose=0, callbacks=[callback])
    model.fit(*data, epochs=2, verbose=0, callbacks=[copy.deepcopy(callback)])
    assert len(_read(tmp_path / "log.csv")) == 3


@behaviour(
    "csv_logger",
    "A fit that goes on with a later epoch keeps the rows of the epochs before",
    keras="Without `append=True` a fit with `initial_epoch=3` empties the file: the rows of epochs 0 to 2 are lost, "
    "without a word.",
    ours="They stay, and a warning says so. A fit that begins with epoch 0 begins with an empty file, as in Keras.",
)
def rows_of_earlier_epochs_stay(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for first, last in [(0, 3), (3, 4)]:
            model.fit(*data, initial_epoch=first, epochs=last, verbose=0, callbacks=[CSVLogger(path)])
    assert [row[0] for row in _read(path)] == ["epoch", "0", "1", "2", "3"]


@behaviour(
    "csv_logger",
    "A file that is deleted while training is noticed",
    keras="It goes on writing to the file that is gone, without a word: every row is lost.",
    ours="A warning says so, and the file begins anew.",
    fails_with=FileNotFoundError,
)
def a_deleted_file_is_noticed(CSVLogger: Any, model: Any, data: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"

    def delete(epoch: int, logs: Any) -> None:
        if epoch == 1:
            path.unlink()

    callbacks = [keras.callbacks.LambdaCallback(on_epoch_begin=delete), CSVLogger(path)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(*data, epochs=3, verbose=0, callbacks=callbacks)
    assert [row[0] for row in _read(path)] == ["epoch", "1", "2"]

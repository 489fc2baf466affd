"""CSVLogger in real training."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import epochal
from epochal.state import dump_state, parse_state
from epochal_csv_logger import CSVLogger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Data = tuple[Any, Any]


class Shapes(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Adds values of all kinds to an epoch's logs."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs.update(
            text="a, b",
            numbers=[1, 2],
            array=np.array([0.5, 0.25]),
            scalar=np.array(3.0),
            half=np.float16(0.1),
            nothing=None,
            nan=float("nan"),
        )


def _bare(model: Any, *arguments: Any, callbacks: list[Any], **others: Any) -> None:
    model.fit(*arguments, callbacks=callbacks, **others)


def _joined(model: Any, *arguments: Any, callbacks: list[Any], **others: Any) -> None:
    model.fit(*arguments, callbacks=epochal.callbacks(*callbacks), **others)


FITS: dict[str, Any] = {"bare": _bare, "epochal.fit": epochal.fit, "epochal.callbacks": _joined}
WAYS = pytest.mark.parametrize("fit", FITS.values(), ids=FITS)


@pytest.mark.parametrize(
    "arguments",
    [
        {"validation_split": 0.25, "validation_freq": 2},
        {"validation_split": 0.25, "steps_per_epoch": 1},
        {"validation_split": 0.25, "initial_epoch": 2},
    ],
    ids=str,
)
def test_the_file_is_byte_for_byte_that_of_keras(
    arguments: dict[str, Any], make_model: Callable[..., Any], data: Data, tmp_path: Path
) -> None:
    theirs = keras.callbacks.CSVLogger(tmp_path / "theirs.csv")
    make_model().fit(*data, epochs=4, verbose=0, shuffle=False, callbacks=[theirs], **arguments)
    for way, fit in FITS.items():
        ours = CSVLogger(tmp_path / f"{way}.csv")
        fit(make_model(), *data, epochs=4, verbose=0, shuffle=False, callbacks=[ours], **arguments)
    written = {path.read_bytes() for path in tmp_path.iterdir()}
    assert len(written) == 1
    assert written.pop().count(b"\n") == 5 - arguments.get("initial_epoch", 0)


def test_values_of_all_kinds_are_written_as_keras_does(
    make_model: Callable[..., Any], data: Data, tmp_path: Path
) -> None:
    for kind in (keras.callbacks.CSVLogger, CSVLogger):
        logger = kind(tmp_path / f"{kind.__module__}.tsv", separator="\t")
        arguments: dict[str, Any] = {"epochs": 2, "verbose": 0, "shuffle": False, "validation_split": 0.25}
        make_model().fit(*data, **arguments, callbacks=[Shapes(), logger])
    one, other = (path.read_bytes() for path in tmp_path.iterdir())
    assert one == other


def test_a_loop_of_ones_own_is_written(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with epochal.loop(None, epochs=2, verbose=0, callbacks=[CSVLogger(path)]) as run:
        for epoch in run.epochs():
            for _, value in run.batches([1.0, 3.0]):
                run.log(loss=value + epoch)
    assert path.read_text() == "epoch,loss\n0,2.0\n1,3.0\n"


def test_what_keras_callbacks_behind_ours_add_is_written(model: Any, data: Data, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    model.fit(*data, epochs=2, verbose=0, callbacks=[*epochal.callbacks(CSVLogger(path)), Shapes()])
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["a, b", "a, b"]
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("way", "append"), [("bare", False), ("bare", True), ("epochal.fit", False), ("epochal.callbacks", False)]
)
def test_a_run_that_goes_on_writes_the_file_of_one_that_was_never_stopped(
    way: str, append: bool, make_model: Callable[..., Any], data: Data, tmp_path: Path
) -> None:
    arguments: dict[str, Any] = {"verbose": 0, "shuffle": False, "validation_split": 0.25, "validation_freq": 2}
    fit, whole, parts = FITS[way], tmp_path / "whole.csv", tmp_path / "parts.csv"
    fit(make_model(), *data, epochs=5, callbacks=[CSVLogger(whole)], **arguments)

    model, first = make_model(), CSVLogger(parts, append=append)
    fit(model, *data, epochs=2, callbacks=[first], **arguments)
    state, weights = dump_state(first.state_dict()), model.get_weights()
    optimizer: dict[str, Any] = {}
    model.optimizer.save_own_variables(optimizer)
    optimizer = {name: np.array(value) for name, value in optimizer.items()}
    fit(model, *data, initial_epoch=2, epochs=4, callbacks=[CSVLogger(parts, append=True)], **arguments)  # is lost

    model, second = make_model(), CSVLogger(parts, append=append)
    model.set_weights(weights)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.load_own_variables(optimizer)
    second.load_state_dict(parse_state(state))
    fit(model, *data, initial_epoch=2, epochs=5, callbacks=[second], **arguments)
    assert parts.read_bytes() == whole.read_bytes()


@WAYS
def test_evaluate_and_predict_leave_the_file_alone(fit: Any, model: Any, data: Data, tmp_path: Path) -> None:
    path, callback = tmp_path / "log.csv", CSVLogger(tmp_path / "log.csv")
    model.evaluate(*data, verbose=0, callbacks=[callback])
    assert not path.exists()
    fit(model, *data, verbose=0, callbacks=[callback])
    written = path.read_bytes()
    model.predict(data[0], verbose=0, callbacks=[callback])
    epochal.evaluate(model, *data, verbose=0, callbacks=[callback])
    assert path.read_bytes() == written


def test_tf_keras(data: Data, tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    files = []
    for kind in (tf_keras.callbacks.CSVLogger, CSVLogger):
        tf_keras.utils.set_random_seed(7)
        model = tf_keras.Sequential([tf_keras.layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        path = tmp_path / f"{kind.__module__}.csv"
        arguments: dict[str, Any] = {"epochs": 3, "verbose": 0, "shuffle": False, "validation_split": 0.25}
        model.fit(*data, **arguments, callbacks=[kind(str(path))])
        files.append(path.read_bytes())
    assert files[0].count(b"\n") == 4
    assert files[1] == files[0]


def test_a_log_at_an_address(model: Any, data: Data) -> None:
    model.fit(*data, epochs=2, verbose=0, callbacks=[CSVLogger("ram://csv_logger/log.csv")])
    with tf.io.gfile.GFile("ram://csv_logger/log.csv") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]

"""Values that are not scalars, in the logs of every host, with every built-in: nothing breaks, files can be read."""

from __future__ import annotations

import csv
import decimal
import fractions
import json
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import epochal
from epochal.state import dump_state, parse_state
from epochal.testing import BareHost, FakeHost
from epochal_base_logger import BaseLogger
from epochal_csv_logger import CSVLogger
from epochal_early_stopping import EarlyStopping
from epochal_history import History
from epochal_lambda_callback import LambdaCallback
from epochal_model_checkpoint import ModelCheckpoint
from epochal_progbar_logger import ProgbarLogger
from epochal_progbar_logger.format import metrics
from epochal_reduce_lr_on_plateau import ReduceLROnPlateau
from epochal_remote_monitor import RemoteMonitor
from epochal_remote_monitor.payload import make_payload
from epochal_tensorboard import TensorBoard
from epochal_terminate_on_nan import TerminateOnNaN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Data = tuple[Any, Any]

# That a value cannot be monitored, drawn or averaged is said once by whoever is asked to.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


class Broken:
    """Whatever is asked of it, it raises."""

    def fail(self, *_: Any) -> Any:
        raise RuntimeError("broken")

    __eq__ = __bool__ = __float__ = __array__ = __repr__ = __str__ = __len__ = __format__ = fail
    __iter__ = fail
    __hash__ = object.__hash__


class BrokenAttributes:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def endless() -> Iterator[int]:
    while True:
        yield 1


def inside_itself() -> list[Any]:
    nested: list[Any] = [1]
    nested.append(nested)
    return nested


def _one(code: str) -> Any:
    return np.ones((), code)[()]


DTYPES = "?bBhHiIlLqQefdgFDGSUO"

VALUES: dict[str, Callable[[], Any]] = {
    "matrix": lambda: np.zeros((2, 2)),
    "vector": lambda: np.arange(3),
    "one": lambda: np.array([0.5]),
    "empty": lambda: np.array([]),
    "large": lambda: np.zeros((400, 400)),
    "strings": lambda: np.array(["a", "b"]),
    "date": lambda: np.datetime64("2026-01-01"),
    "masked": lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
    "record": lambda: np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    "list": lambda: [0.1, 0.2],
    "ragged": lambda: [[1], [1, 2]],
    "long list": lambda: [0.5] * 100_000,
    "inside itself": inside_itself,
    "generator": lambda: (each for each in range(3)),
    "endless": endless,
    "tuple": lambda: (1, "a", None),
    "set": lambda: {1},
    "dict": lambda: {"a": 1, 2: [3]},
    "text": lambda: "high",
    "formula": lambda: "=cmd|' /C calc'!A0",
    "lines": lambda: 'a\r\n"b";\n,c\x00',
    "surrogate": lambda: "\ud800",
    "long text": lambda: "x" * 200_000,
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"12"),
    "none": lambda: None,
    "true": lambda: True,
    "nan": lambda: math.nan,
    "infinite": lambda: -math.inf,
    "huge": lambda: 10**5000,
    "complex": lambda: 1 + 2j,
    "decimal": lambda: decimal.Decimal("0.1"),
    "fraction": lambda: fractions.Fraction(1, 3),
    "broken": Broken,
    "broken attributes": BrokenAttributes,
    "class": lambda: Broken,
    "function": lambda: endless,
    "series": lambda: pd.Series([1.0, 2.0]),
    "series of one": lambda: pd.Series([1.0]),
    "frame": lambda: pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
    "timestamp": lambda: pd.Timestamp("2026-01-01"),
    "missing": lambda: pd.NA,
    "tensor": lambda: tf.constant(0.5),
    "tensor of one": lambda: tf.constant([0.5]),
    "tensor of two": lambda: tf.constant([0.5, 0.25]),
    "tensor of text": lambda: tf.constant("abc"),
    "tensor of half": lambda: tf.constant(0.5, tf.bfloat16),
    "ragged tensor": lambda: tf.ragged.constant([[1], [1, 2]]),
    "sparse tensor": lambda: tf.sparse.from_dense([[0, 1]]),
    "variable": lambda: tf.Variable([1.0, 2.0]),
    "keras variable": lambda: keras.Variable(0.5),
    "symbolic": lambda: keras.Input((3,)),
    **{f"dtype {code}": partial(_one, code) for code in DTYPES},
    **{f"0-d {code}": partial(np.ones, (), code) for code in DTYPES},
}


class Writer(epochal.Callback):
    """Writes values into the logs of everything."""

    priority: int = epochal.Priority.METRICS

    def __init__(self, values: dict[Any, Any]) -> None:
        self.values = values

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        logs.update(self.values)

    on_test_batch_end = on_train_batch_end

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs.update(self.values)

    def on_test_end(self, logs: Any = None) -> None:
        logs.update(self.values)


class LateWriter(Writer):
    """Does it behind all others."""

    priority = 1000


def all_values() -> dict[Any, Any]:
    return {**{name: make() for name, make in VALUES.items()}, 3: 0.5, "=1+1": 0.25, "": 1, "a\n,b": 2, "\udc80": 3}


def seen(logs: Any) -> None:
    dict(logs.items())


def built_ins(folder: Path) -> list[Any]:
    return [
        CSVLogger(folder / "log.csv"),
        EarlyStopping("matrix", mode="min", patience=99),
        ReduceLROnPlateau("ragged", mode="min", patience=99),
        LambdaCallback(on_epoch_end=lambda epoch, logs: seen(logs), on_train_batch_end=lambda batch, logs: seen(logs)),
        ModelCheckpoint(folder / "best.keras", "broken", mode="min", save_best_only=True),
        ModelCheckpoint(folder / "{epoch}.weights.h5", save_weights_only=True),
        TensorBoard(folder / "board", update_freq=1, write_graph=False),
        TerminateOnNaN(),
        RemoteMonitor("http://127.0.0.1:9", timeout=0.01, queue_size=1),
        ProgbarLogger(refresh_per_second=1000),
    ]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        header, *rows = csv.reader(line.replace("\0", "?") for line in file)
    assert all(len(row) == len(header) for row in rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


def check_files(folder: Path, batch_tags: tuple[str, ...] = ("batch_loss", "batch_one")) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    first, second = read_csv(folder / "log.csv")
    assert (first["epoch"], second["epoch"]) == ("0", "1")
    assert first["matrix"] == '"[[0. 0.], [0. 0.]]"'
    assert first["list"] == '"[0.1, 0.2]"'
    assert first["large"] == "array of shape (400, 400)"
    assert first["long list"] == "list of 100000 values"
    assert first["formula"] == "=cmd|' /C calc'!A0"
    assert first["lines"] == 'a\r\n"b";\n,c?'
    assert first["surrogate"] == "\\ud800"
    assert first["=1+1"] == "0.25"
    assert first["broken"].startswith("<Broken, whose text raises RuntimeError")
    assert len(first["long text"]) == 32_767
    assert first["none"] == ""
    accumulator = EventAccumulator(str(folder / "board" / "train"))
    accumulator.Reload()
    for tag in ("epoch_loss", "epoch_one", "epoch_decimal", "epoch_text", "epoch_3", *batch_tags):
        assert len(accumulator.Tensors(tag)) >= 2, tag
    assert {tag for tag in accumulator.Tags()["tensors"] if "matrix" in tag or "broken" in tag} == set()


def check_history(history: History) -> None:
    assert history.epoch == [0, 1]
    assert {"loss", "matrix", 3, "=1+1"} <= set(history.history)
    assert all(len(values) == 2 for values in history.history.values())
    assert history.history["matrix"][0].shape == (2, 2)
    assert isinstance(history.history["frame"][0], pd.DataFrame)
    assert [row["epoch"] for row in history.to_rows()] == [0, 1]
    assert history.to_frame()["decimal"].tolist() == [0.1, 0.1]
    with pytest.raises(ValueError, match="the values of 'matrix' are not numbers"):
        history.plot(["matrix"])
    again = History()
    again.load_state_dict(parse_state(dump_state(history.state_dict())))
    assert again.history["decimal"] == [0.1, 0.1]
    assert again.history["matrix"][0].tolist() == [[0, 0], [0, 0]]


def check_output(printed: str) -> None:
    for trouble in ("Traceback", "CSVLogger", "TensorBoard", "ProgbarLogger"):
        assert trouble not in printed


@pytest.fixture(scope="module")
def shared() -> Any:
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


@pytest.mark.parametrize("kind", [Writer, LateWriter])
def test_any_value_in_a_run(kind: type[Writer], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = History()
    host = FakeHost(BaseLogger(), history, kind(all_values()), *built_ins(tmp_path))
    outcome = host.fit(epochs=2, steps=2, validation_steps=1, verbose=1).outcome
    assert outcome is not None
    assert outcome.status == "completed"
    check_output(capsys.readouterr().out)
    check_files(tmp_path, ("batch_loss", "batch_one") if kind is Writer else ("batch_loss",))
    check_history(history)


def test_any_value_in_a_bare_list(tmp_path: Path) -> None:
    history = History()
    BareHost(history, Writer(all_values()), *built_ins(tmp_path)).fit(epochs=2, steps=2, validation_steps=1, verbose=1)
    check_files(tmp_path)


@pytest.mark.parametrize("value", VALUES)
def test_any_value_may_be_monitored_and_be_the_loss(value: str) -> None:
    odd = {"odd": VALUES[value]()}
    callbacks = [
        TerminateOnNaN(),
        EarlyStopping("odd", mode="min", patience=99),
        ReduceLROnPlateau("odd", mode="min", patience=99),
        ModelCheckpoint("none.keras", "odd", mode="min", save_best_only=True, initial_value_threshold=-math.inf),
    ]
    outcome = FakeHost(Writer({**odd, "loss": odd["odd"]}), *callbacks).fit(epochs=1, steps=1).outcome
    assert outcome is not None
    assert outcome.status == ("failed" if value in ("nan", "infinite") else "completed")


@pytest.mark.parametrize("value", VALUES)
def test_any_value_as_json_and_on_the_bar(value: str) -> None:
    payload = make_payload(0, {"odd": VALUES[value]()})
    assert len(json.dumps(payload, allow_nan=False)) < 50_000
    for name, text in metrics({"odd": VALUES[value]()}):
        assert (name, text.isprintable()) == ("odd", True)


def test_three_thousand_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history, values = History(), {f"metric_{number}": number / 7 for number in range(3000)}
    FakeHost(history, Writer(values), CSVLogger(tmp_path / "log.csv"), ProgbarLogger()).fit(epochs=2, verbose=1)
    rows = read_csv(tmp_path / "log.csv")
    assert [len(row) for row in rows] == [len(history.history) + 1] * 2
    assert float(rows[1]["metric_2999"]) == history.history["metric_2999"][1] == 2999 / 7
    check_output(capsys.readouterr().out)


# With real Keras


class KerasWriter(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """A callback of somebody's that writes values, as it may under Keras."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs.update(all_values())

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        logs.update({"matrix": np.zeros((2, 2)), "none": None, "broken": Broken()})


def loop(model: Any, data: Data, callbacks: list[Any]) -> Any:
    with epochal.loop(model, epochs=2, callbacks=callbacks) as run:
        for _ in run.epochs():
            for _, _ in run.batches(range(2)):
                run.log(loss=0.5, note="text", shape=[1, 2], nothing=None, image=np.zeros((2, 2)))
    assert run.history.history["note"] == ["text", "text"]
    return run.history


HOSTS: dict[str, Callable[[Any, Data, list[Any]], Any]] = {
    "epochal.fit": lambda model, data, callbacks: epochal.fit(model, *data, epochs=2, callbacks=callbacks),
    "epochal.callbacks": lambda model, data, callbacks: model.fit(
        *data, epochs=2, callbacks=epochal.callbacks(*callbacks)
    ),
    "behind ours": lambda model, data, callbacks: model.fit(
        *data, epochs=2, callbacks=[*epochal.callbacks(*callbacks[1:]), callbacks[0]]
    ),
    "bare": lambda model, data, callbacks: model.fit(*data, epochs=2, callbacks=callbacks, verbose=0),
    "loop": loop,
}


@pytest.mark.parametrize("host", HOSTS)
def test_any_value_with_keras(host: str, shared: Any, data: Data, tmp_path: Path) -> None:
    history = HOSTS[host](shared, (data[0][:4], data[1][:4]), [KerasWriter(), *built_ins(tmp_path)])
    assert history.history["list"] == [[0.1, 0.2]] * 2
    rows = read_csv(tmp_path / "log.csv")
    assert [row["matrix"] for row in rows] == ['"[[0. 0.], [0. 0.]]"'] * 2

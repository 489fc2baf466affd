"""CSVLogger: what it writes, and when."""

from __future__ import annotations

import copy
import math
import os
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import epochal
from epochal.testing import FakeHost
from epochal_csv_logger import CSVLogger
from epochal_csv_logger.places import LocalPlace
from epochal_csv_logger.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[..., list[dict[str, str]]]
    Train = Callable[..., None]

_SAME_FILE = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
_NAMES = st.sampled_from(["loss", "accuracy", "val_loss", "learning_rate", 'with "quotes", and a comma'])
_LOGS = st.dictionaries(_NAMES, st.floats() | st.text("a1é√ ,;|\t\"'\r\n\u2028"), max_size=4)


class Adds(epochal.Callback):
    """Writes values into an epoch's logs, as the last callback."""

    priority = 1000

    def __init__(self, **values: Any) -> None:
        self.values = values

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        logs.update(self.values)


def test_the_file_is_as_keras_writes_it(path: Path, train: Train) -> None:
    train(CSVLogger(path), {"loss": 0.5, "accuracy": 0.25}, {"accuracy": 1e-07, "loss": math.nan})
    assert path.read_bytes() == b"epoch,accuracy,loss\r\n0,0.25,0.5\r\n1,1e-07,nan\r\n"


@pytest.mark.usefixtures("no_disk")
@_SAME_FILE
@given(epochs=st.lists(_LOGS, min_size=1, max_size=6), separator=st.sampled_from(",;\t|"))
def test_no_row_ever_disagrees_with_the_header(
    epochs: list[dict[str, Any]], separator: str, path: Path, train: Train, read: Read
) -> None:
    train(CSVLogger(path, separator), *epochs)
    names = ["epoch", *dict.fromkeys(name for logs in epochs for name in sorted(logs))]
    assert read(separator) == [
        {name: str({"epoch": epoch, **logs}.get(name, "NA")) for name in names} for epoch, logs in enumerate(epochs)
    ]


@pytest.mark.usefixtures("no_disk")
@_SAME_FILE
@given(st.lists(_LOGS, min_size=1, max_size=3), st.lists(_LOGS, max_size=3))
def test_to_append_is_the_same_as_to_write_it_all_at_once(
    path: Path, train: Train, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    train(CSVLogger(path), *before, *after)
    at_once = path.read_bytes()
    train(CSVLogger(path), *before)
    train(CSVLogger(path, append=True), *after, first=len(before))
    assert path.read_bytes() == at_once


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([1, 2], '"[1, 2]"'),
        ((0.5,), '"[0.5]"'),
        (np.array([0.1, 0.2]), '"[0.1, 0.2]"'),
        (np.array(0.5), "0.5"),
        (np.float32(0.1), "0.1"),
        (math.inf, "inf"),
        (3, "3"),
        ("text, with a comma", "text, with a comma"),
        (None, ""),
    ],
    ids=repr,
)
def test_values_have_the_form_that_keras_gives_them(
    value: Any, field: str, path: Path, train: Train, read: Read
) -> None:
    train(CSVLogger(path), {"value": value})
    assert read() == [{"epoch": "0", "value": field}]


def test_a_fit_without_validation_has_no_columns_for_it(path: Path) -> None:
    FakeHost(CSVLogger(path)).fit(epochs=2)
    assert path.read_text().splitlines()[0] == "epoch,loss"


def test_a_metric_that_appears_later_gets_a_column_and_na_before(path: Path, read: Read, train: Train) -> None:
    train(CSVLogger(path), {"loss": 3.0}, {"loss": 2.0, "val_loss": 2.5, "learning_rate": 0.1}, {"loss": 1.0})
    assert path.read_text().splitlines()[0] == "epoch,loss,learning_rate,val_loss"
    assert [row["val_loss"] for row in read()] == ["NA", "2.5", "NA"]


def test_what_a_later_callback_adds_or_changes_is_in_the_row_and_there_is_one_row(path: Path, read: Read) -> None:
    FakeHost(CSVLogger(path), Adds(loss=-1.0, late=[1, 2])).fit(epochs=3)
    assert read() == [{"epoch": str(epoch), "loss": "-1.0", "late": '"[1, 2]"'} for epoch in range(3)]


def test_the_file_is_replaced_only_where_a_later_callback_changed_something(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, replaced = LocalPlace.replace, []

    def noted(self: LocalPlace, content: bytes) -> None:
        replaced.append(content)
        replace(self, content)

    monkeypatch.setattr(LocalPlace, "replace", noted)
    nothing_new = Adds(loss=math.nan, per_class=np.array([1, 2]))
    nothing_new.priority = epochal.Priority.METRICS
    FakeHost(CSVLogger(path), nothing_new).fit(epochs=3)
    assert path.read_text().splitlines() == ["epoch,loss,per_class", *(f'{n},nan,"""[1, 2]"""' for n in range(3))]
    assert replaced == [b""]  # when it began


def test_a_row_is_in_the_file_when_its_epoch_ends(path: Path, read: Read) -> None:
    class Reader(epochal.Callback):
        priority = 1000

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            assert len(read()) == epoch + 1

    assert FakeHost(CSVLogger(path), Reader()).fit(epochs=3).outcome is not None


def test_all_rows_are_synced_when_training_ends_and_also_when_it_fails(
    path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def step(epoch: int, batch: int) -> None:
        if epoch == 1:
            raise ZeroDivisionError

    sync = Table.sync

    def counting(table: Table) -> None:
        synced.append(len(read()))
        sync(table)

    monkeypatch.setattr(Table, "sync", counting)
    FakeHost(CSVLogger(path)).fit(epochs=3)
    with pytest.raises(ZeroDivisionError):
        FakeHost(CSVLogger(path)).fit(epochs=3, step=step)
    assert synced == [3, 1]


def test_it_opens_its_file_when_training_begins_and_not_for_evaluate_or_predict(path: Path) -> None:
    class Look(epochal.Callback):
        priority = 1000

        def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
            assert path.exists()

    host = FakeHost(CSVLogger(path), Look())
    host.evaluate()
    host.predict()
    assert not path.exists()
    host.fit()
    before = path.read_bytes()
    host.evaluate()
    host.predict()
    assert path.read_bytes() == before


def test_a_fit_with_no_epoch_left_to_train_leaves_the_file_alone(path: Path) -> None:
    host = FakeHost(CSVLogger(path))
    host.fit(epochs=2)
    before = path.read_bytes()
    host.fit(epochs=2, initial_epoch=2)
    assert path.read_bytes() == before


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    FakeHost(CSVLogger(tmp_path / "a" / "b" / "log.csv")).fit()
    assert (tmp_path / "a" / "b" / "log.csv").read_text() == "epoch,loss\n0,0.9803921568627451\n"


def test_a_second_fit_overwrites_as_in_keras(path: Path, read: Read) -> None:
    host = FakeHost(CSVLogger(path))
    host.fit(epochs=3)
    host.fit(epochs=1)
    assert [row["epoch"] for row in read()] == ["0"]


def test_a_second_fit_appends_where_it_is_told_to(path: Path, read: Read) -> None:
    host = FakeHost(CSVLogger(path, append=True))
    host.fit(epochs=2)
    host.fit(epochs=2)
    assert [row["epoch"] for row in read()] == ["0", "1", "0", "1"]


def test_only_the_chief_of_several_processes_writes(path: Path, monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    monkeypatch.setenv("RANK", "1")
    FakeHost(CSVLogger(path)).fit()
    train(CSVLogger(path), {"loss": 1.0})
    assert not path.exists()


@pytest.mark.parametrize("what", ["the file", "the folder"])
def test_a_file_that_is_deleted_while_training_begins_anew_with_a_warning(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run" / "log.csv"

    class Remover(epochal.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            if epoch == 2:
                path.unlink() if what == "the file" else shutil.rmtree(path.parent)

    with pytest.warns(UserWarning, match=r"log\.csv was deleted while training") as warned:
        FakeHost(CSVLogger(path), Remover()).fit(epochs=4)
    assert len(warned) == 1
    assert [line.split(",")[0] for line in path.read_text().split()] == ["epoch", "2", "3"]


def test_a_file_that_is_deleted_in_the_last_epoch_is_missed(path: Path, train: Train) -> None:
    class Deletes(CSVLogger):
        def on_train_end(self, logs: Any = None) -> None:
            path.unlink()
            super().on_train_end(logs)

    with pytest.warns(UserWarning, match="was deleted while training, and the rows that it held are lost"):
        train(Deletes(path), {"loss": 1.0})


def test_a_file_of_the_same_size_in_its_place_is_noticed(path: Path, read: Read) -> None:
    def step(epoch: int, batch: int) -> None:
        if (epoch, batch) == (1, 0):
            path.write_text(path.read_text().replace("loss", "cost"))
            os.utime(path, (1, 1))

    FakeHost(CSVLogger(path)).fit(epochs=2, step=step, values=lambda epoch, batch: {"loss": 1.0})
    assert [row["cost"] for row in read()] == ["1.0", "NA"]


@pytest.mark.parametrize("name", ["on_epoch_end", "passes others on"])
def test_a_subclass_decides_what_is_written(name: str, path: Path, read: Read) -> None:
    class Decides(CSVLogger):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if name == "on_epoch_end":
                self.on_epoch_begin(epoch)
            elif epoch:
                super().on_epoch_end(epoch, {"mine": 1.0})

    FakeHost(Decides(path)).fit(epochs=2)
    assert path.read_text() == ("" if name == "on_epoch_end" else "epoch,mine\n1,1.0\n")


def test_a_path_that_cannot_be_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    callback = CSVLogger(tmp_path / "folder")
    with pytest.raises(OSError, match="not a regular file"):
        callback.on_train_begin()
    callback.on_run_end()  # there is nothing to close


def test_two_that_write_to_one_file_agree_on_its_header(path: Path, read: Read) -> None:
    first, second = CSVLogger(path, append=True), CSVLogger(path, append=True)
    for callback in (first, second):
        callback.on_train_begin()
        callback.on_epoch_begin(0)
    first.on_epoch_end(0, {"loss": 1.0})
    second.on_epoch_end(0, {"mae": 2.0})
    first.on_epoch_end(1, {"loss": 3.0})
    assert [list(row.values()) for row in read()] == [["0", "1.0", "NA"], ["0", "NA", "2.0"], ["1", "3.0", "NA"]]


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda each: pickle.loads(pickle.dumps(each))])
def test_it_copies_also_while_it_is_at_work(path: Path, read: Read, copied: Any) -> None:
    callback = CSVLogger(path)
    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 1.0})
    made = copied(callback)
    FakeHost(made).fit(epochs=2)
    assert len(read()) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"filename": 3}, TypeError, "filename=3"),
        ({"filename": ""}, ValueError, "filename='' has to be a path"),
        ({"filename": "log.csv", "separator": None}, TypeError, "separator=None"),
        ({"filename": "log.csv", "separator": ""}, ValueError, "one character"),
        ({"filename": "log.csv", "separator": ", "}, ValueError, "one character"),
        ({"filename": "log.csv", "separator": '"'}, ValueError, "quotation mark"),
        ({"filename": "log.csv", "separator": "\n"}, ValueError, "a line break"),
        ({"filename": "log.csv", "seperator": ";"}, TypeError, "seperator"),
        ({}, TypeError, "filename"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_an_error(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        CSVLogger(**arguments)


def test_it_has_kerass_attributes() -> None:
    callback = CSVLogger(Path("log.tsv"), separator="\t", append=True)
    assert (callback.filename, callback.sep, callback.append) == ("log.tsv", "\t", True)

"""CSVLogger with a file that is there already: appended to, gone on with after a restart, or not usable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochal import Callback
from epochal.state import dump_state, parse_state
from epochal.testing import BareHost, FakeHost
from epochal_csv_logger import CSVLogger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Read = Callable[..., list[dict[str, str]]]
    Train = Callable[..., None]

_SAME_FILE = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def _epochs(read: Read) -> list[int]:
    return [int(row["epoch"]) for row in read()]


def _values(epoch: int, batch: int) -> dict[str, Any]:
    return {"loss": 1 / (1 + epoch), **({"mae": 0.5} if epoch > 2 else {})}


def _restarted(callback: CSVLogger, **arguments: Any) -> CSVLogger:
    made = CSVLogger(callback.filename, **arguments)
    made.load_state_dict(parse_state(dump_state(callback.state_dict())))
    return made


@pytest.mark.usefixtures("no_disk")
@_SAME_FILE
@given(
    append=st.booleans(),
    saved=st.integers(0, 6),
    lost=st.integers(0, 3),
    before=st.integers(0, 3),
)
def test_a_run_that_was_killed_and_goes_on_gives_the_file_of_the_run_that_was_not(
    path: Path, append: bool, saved: int, lost: int, before: int
) -> None:
    def begin() -> CSVLogger:
        path.unlink(missing_ok=True)
        FakeHost(CSVLogger(path)).fit(epochs=before, values=_values)
        return CSVLogger(path, append=append)

    FakeHost(begin()).fit(epochs=6, values=_values)
    whole = path.read_bytes()

    first = begin()
    # The state is of the time after `saved` epochs, or after the first one began; the process lived for `lost` more.
    FakeHost(first).fit(epochs=saved, values=_values)
    if saved == 0:
        first.on_train_begin()
        first.on_epoch_begin(0)
    again = _restarted(first, append=append)
    FakeHost(_restarted(first, append=append)).fit(
        epochs=min(6, saved + lost), initial_epoch=saved, values=lambda *_: {"loss": -1.0}
    )
    FakeHost(again).fit(epochs=6, initial_epoch=saved, values=_values)
    assert path.read_bytes() == whole


def test_a_restored_run_that_begins_with_its_first_epoch_again_replaces_all_of_its_rows(
    path: Path, read: Read, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeHost(CSVLogger(path)).fit(epochs=2)
    killed = CSVLogger(path, append=True)
    FakeHost(killed).fit(epochs=1)
    FakeHost(_restarted(killed, append=True)).fit(epochs=3)
    assert _epochs(read) == [0, 1, 0, 1, 2]
    assert capsys.readouterr().out == ""


def test_a_state_of_before_the_first_epoch_takes_nothing_away(path: Path, read: Read) -> None:
    callback = CSVLogger(path, append=True)
    FakeHost(callback).fit(epochs=2)
    callback.on_train_begin()
    FakeHost(_restarted(callback, append=True)).fit(epochs=1)
    assert _epochs(read) == [0, 1, 0]


@pytest.mark.parametrize("host", [BareHost, FakeHost])
def test_a_state_that_comes_after_training_began_counts_too(
    host: type[BareHost] | type[FakeHost], path: Path, read: Read
) -> None:
    class Restore(Callback):
        after = ("csv_logger",)

        def on_train_begin(self, logs: Any = None) -> None:
            made.load_state_dict(killed.state_dict())

    killed = CSVLogger(path, append=True)
    FakeHost(killed).fit(epochs=3)
    made = CSVLogger(path, append=True)
    host(made, Restore()).fit(epochs=1)
    assert _epochs(read) == [0]
    host(made).fit(epochs=1)
    assert _epochs(read) == [0, 0]


def test_the_state_serves_one_fit(path: Path, read: Read) -> None:
    killed = CSVLogger(path, append=True)
    FakeHost(killed).fit(epochs=2)
    host = FakeHost(_restarted(killed, append=True))
    host.fit(epochs=3, initial_epoch=2)
    host.fit(epochs=1)
    assert _epochs(read) == [0, 1, 2, 0]


def test_a_run_that_goes_on_without_state_replaces_the_rows_that_it_trains_again(
    path: Path, read: Read, train: Train
) -> None:
    train(CSVLogger(path), *[{"loss": 9.0}] * 6)
    train(CSVLogger(path, append=True), *[{"loss": 5.0}] * 5)
    with pytest.warns(UserWarning, match="begins with epoch 3, so of the rows of"):
        train(CSVLogger(path, append=True), *[{"loss": 1.0}] * 2, first=3)
    assert _epochs(read) == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4]
    assert [row["loss"] for row in read()][6:] == ["5.0"] * 3 + ["1.0"] * 2


def test_only_rows_of_the_last_run_are_replaced(path: Path, read: Read, train: Train) -> None:
    path.write_text("epoch,loss\n0,5.0\n1,5.0\n2,5.0\n2,7.0\n3,7.0\n")  # as Keras writes it after a restart
    with pytest.warns(UserWarning, match=r"begins with epoch 2, .* \(2\) are replaced\.$"):
        train(CSVLogger(path, append=True), {"loss": 1.0}, first=2)
    assert [row["loss"] for row in read()] == ["5.0", "5.0", "5.0", "1.0"]


def test_a_run_that_begins_where_the_last_one_ended_takes_nothing_away(path: Path, read: Read, train: Train) -> None:
    train(CSVLogger(path), *[{"loss": 1.0}] * 3)
    train(CSVLogger(path, append=True), {"loss": 1.0}, first=3)
    train(CSVLogger(path, append=True), {"loss": 1.0}, first=7)
    assert _epochs(read) == [0, 1, 2, 3, 7]


def test_append_to_no_file_begins_one(path: Path, read: Read) -> None:
    FakeHost(CSVLogger(path, append=True)).fit(epochs=2)
    assert _epochs(read) == [0, 1]


def test_earlier_rows_stay_as_they_are_written(path: Path, train: Train) -> None:
    path.write_bytes(b'\xef\xbb\xbf"loss","epoch","m\xe9"\n"0.50","0","x"\n')
    train(CSVLogger(path, append=True), {"loss": 1.0}, {"loss": 2.0, "mae": 3.0})
    assert path.read_bytes() == (
        b'\xef\xbb\xbf"loss","epoch","m\xe9",mae\r\n"0.50","0","x",NA\r\n1.0,0,NA,NA\r\n2.0,1,NA,3.0\r\n'
    )


def test_empty_lines_are_no_rows(path: Path, read: Read, train: Train) -> None:
    path.write_bytes(b"epoch,loss\r\r\n0,1.0\r\r\n")  # as Keras writes it on Windows
    train(CSVLogger(path, append=True), {"loss": 1.0}, {"mae": 1.0}, first=1)
    assert _epochs(read) == [0, 1, 2]


@pytest.mark.parametrize("cut", ["1,0.5", "1,0.2", "1", '1,"""[1, 2', "epoch,lo"])
def test_a_row_that_was_cut_off_is_taken_out_and_shown(cut: str, path: Path, train: Train) -> None:
    whole = "" if cut.startswith("epoch") else "epoch,loss\r\n0,1.0\r\n"
    path.write_bytes((whole + cut).encode())
    with pytest.warns(UserWarning, match="has no end") as warned:
        train(CSVLogger(path, append=True), {"loss": 2.0}, first=1)
    assert repr(cut) in str(warned[0].message)
    assert path.read_bytes().decode() == (whole or "epoch,loss\r\n") + "1,2.0\r\n"


def test_a_character_that_was_cut_off_is_no_hindrance(path: Path, read: Read, train: Train) -> None:
    path.write_bytes(b"epoch,name\r\n0,a\r\n1,\xc3")
    with pytest.warns(UserWarning, match="has no end"):
        train(CSVLogger(path, append=True), {"name": "b"}, first=1)
    assert read() == [{"epoch": "0", "name": "a"}, {"epoch": "1", "name": "b"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epoch,loss\n0,1.0\n1,2.0,3.0\n", r"a row of 3 fields under a header of 2: 1,2\.0,3\.0"),
        ("epoch;loss\n0;1.0\n", "no column 'epoch' in its header, read with the separator ','"),
        ('epoch,loss\n0,1.0\n1,"2.0\n2,3.0\n', "cannot be read from its line 3"),
        ("\x00\x01\x02\n", "no column 'epoch'|cannot be read"),
    ],
)
def test_a_file_that_is_no_log_is_left_alone_and_the_rows_go_to_another_one(
    content: str, message: str, path: Path, train: Train
) -> None:
    path.write_text(content)
    with pytest.warns(UserWarning, match=message) as warned:
        train(CSVLogger(path, append=True), {"loss": 1.0})
    assert len(warned) == 1
    assert path.read_text() == content
    other = path.with_name("log-2.csv")
    assert str(warned[0].message).endswith(f"The rows of this run go to {other}.")
    assert other.read_text() == "epoch,loss\n0,1.0\n"

    with pytest.warns(UserWarning, match=r"log-3\.csv"):
        FakeHost(CSVLogger(path)).fit(initial_epoch=3, epochs=4)  # to begin with epoch 3 overwrites nothing
    assert path.read_text() == content


def test_a_file_that_becomes_no_log_while_training_is_left_alone(path: Path) -> None:
    def step(epoch: int, batch: int) -> None:
        if (epoch, batch) == (1, 0):
            path.write_text("notes\nmine\n")

    with pytest.warns(UserWarning, match=r"no column 'epoch' .* go to .*log-2\.csv"):
        FakeHost(CSVLogger(path)).fit(epochs=3, step=step)
    assert path.read_text() == "notes\nmine\n"
    assert [line.split(",")[0] for line in path.with_name("log-2.csv").read_text().split()] == ["epoch", "1", "2"]


# A fit that begins with a later epoch, without `append`


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "run"])
def test_rows_of_earlier_epochs_stay(bare: bool, path: Path, read: Read, train: Train) -> None:
    def fit(callback: CSVLogger, first: int, last: int) -> None:
        if bare:
            train(callback, *({"loss": 1.0} for _ in range(first, last)), first=first)
        else:
            FakeHost(callback).fit(initial_epoch=first, epochs=last)

    same = CSVLogger(path)
    fit(same, 0, 3)
    with pytest.warns(UserWarning, match=r"begins with epoch 3, so of the rows of .* \(3\) stay\. Delete the file"):
        fit(same, 3, 5)  # with the same object
    assert _epochs(read) == [0, 1, 2, 3, 4]
    with pytest.warns(UserWarning, match=r"begins with epoch 4.* \(4\) stay and .* \(1\) are replaced\.") as warned:
        fit(CSVLogger(path), 4, 6)  # and with another one
    assert len(warned) == 1
    assert _epochs(read) == [0, 1, 2, 3, 4, 5]
    fit(same, 0, 1)
    assert _epochs(read) == [0]


def test_nothing_is_told_where_there_is_nothing_to_keep(path: Path, read: Read) -> None:
    FakeHost(CSVLogger(path)).fit(initial_epoch=3, epochs=5)  # a warning would be an error here
    assert _epochs(read) == [3, 4]


def test_rows_of_other_runs_stay_too(path: Path, read: Read) -> None:
    for _ in range(2):
        FakeHost(CSVLogger(path, append=True)).fit(epochs=4)
    with pytest.warns(UserWarning, match=r"\(2\) stay and .* \(2\) are replaced"):
        FakeHost(CSVLogger(path)).fit(initial_epoch=2, epochs=3)
    assert _epochs(read) == [0, 1, 2, 3, 0, 1, 2]


# What other programs write


def test_a_file_with_a_byte_order_mark(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbfepoch,loss\r\n0,1.0\r\n")
    FakeHost(CSVLogger(path, append=True)).fit(initial_epoch=1, epochs=2, values=lambda *_: {"loss": 0.5, "mae": 2.0})
    assert path.read_bytes() == b"\xef\xbb\xbfepoch,loss,mae\r\n0,1.0,NA\r\n1,0.5,2.0\r\n"


def test_a_file_of_keras_is_appended_to(path: Path, train: Train) -> None:
    path.write_bytes(b"epoch,loss,val_loss\r\n0,1.0,NA\r\n")  # it has a column for validation that never comes
    train(CSVLogger(path, append=True), {"loss": 0.5}, first=1)
    assert path.read_bytes() == b"epoch,loss,val_loss\r\n0,1.0,NA\r\n1,0.5,NA\r\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", "|", "§"])
def test_separators_quotes_and_line_ends_in_names_and_values(
    separator: str, path: Path, read: Read, train: Train
) -> None:
    names = ["plain", f"a{separator}b", 'say "x"', "two\nlines", "old\rmac", "'single'", " spaced "]
    for epoch in range(2):
        train(CSVLogger(path, separator, append=True), {name: f"{name}{epoch}" for name in names}, first=epoch)
    assert read(separator) == [
        {"epoch": str(epoch), **{name: f"{name}{epoch}" for name in sorted(names)}} for epoch in range(2)
    ]


def test_rows_that_are_gone_when_a_run_goes_on_are_missed(path: Path, read: Read) -> None:
    FakeHost(CSVLogger(path)).fit(epochs=4)
    killed = CSVLogger(path, append=True)
    FakeHost(killed).fit(epochs=2)
    path.write_text("epoch,loss\n0,1.0\n")
    with pytest.warns(UserWarning, match="had 4 rows of other runs when this run began, and has 1"):
        FakeHost(_restarted(killed, append=True)).fit(epochs=3, initial_epoch=2)
    assert _epochs(read) == [0, 2]

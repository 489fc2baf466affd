"""CSVLogger when the disk is full, the path is unusable or the process is killed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from epochal.testing import FakeHost
from epochal_csv_logger import CSVLogger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Read = Callable[..., list[dict[str, str]]]
    Train = Callable[..., None]


def _full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """Make the operating system refuse to let a file of this process grow beyond a size: a write is cut short."""
    resource = pytest.importorskip("resource", reason="Windows has no limits of resources")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_of_a_row_that_does_not_fit_nothing_is_left(path: Path, read: Read) -> None:
    callback = CSVLogger(path)
    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 0.5})
    before = path.read_bytes()
    with _largest_file(len(before) + 3), pytest.raises(OSError, match=r"too large.*log\.csv"):
        callback.on_epoch_end(1, {"loss": 0.25})
    assert path.read_bytes() == before
    callback.on_epoch_end(2, {"loss": 0.125})
    assert [row["epoch"] for row in read()] == ["0", "2"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_of_a_header_that_cannot_be_widened_the_old_file_is_left(
    function: str, path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback = CSVLogger(path)
    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 0.5})
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, function, _full)
        with pytest.raises(OSError, match="No space"):
            callback.on_epoch_end(1, {"loss": 0.25, "mae": 1.0})
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["log.csv"]
    callback.on_epoch_end(2, {"loss": 0.125})
    assert read() == [{"epoch": "0", "loss": "0.5"}, {"epoch": "2", "loss": "0.125"}]


def test_a_file_system_that_cannot_sync_has_the_rows_all_the_same(
    path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(descriptor: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", cannot)
    callback = CSVLogger(path)
    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 0.5})
    callback.on_train_end()
    assert read() == [{"epoch": "0", "loss": "0.5"}]


def test_on_a_full_disk_a_run_goes_on_and_says_so(
    path: Path, read: Read, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def step(epoch: int, batch: int) -> None:
        if epoch == 2:
            monkeypatch.setattr(os, "write", _full)

    run = FakeHost(CSVLogger(path)).fit(epochs=5, step=step)
    assert run.epoch == 4
    assert [row["epoch"] for row in read()] == ["0", "1"]
    printed = capsys.readouterr().out
    assert "out for the rest of the run" in printed
    assert "OSError: [Errno 28] No space left on device: " in printed
    assert "log.csv" in printed


def test_in_a_bare_fit_the_error_is_raised(path: Path, monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    callback = CSVLogger(path)
    train(callback, {"loss": 1.0})
    monkeypatch.setattr(os, "write", _full)
    with pytest.raises(OSError, match="No space"):
        train(callback, {"loss": 1.0})


def test_a_path_that_cannot_be_is_an_error_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, error in [("file/log.csv", OSError), (".", OSError)]:
        with pytest.raises(error, match=r"file|regular"):
            CSVLogger(tmp_path / name).on_train_begin()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes on Windows")
def test_what_is_no_file_is_not_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        CSVLogger(tmp_path / "pipe").on_train_begin()


_ENDLESS = """
import sys
from epochal.testing import FakeHost
from epochal_csv_logger import CSVLogger

def values(epoch, batch):
    print(epoch, flush=True)
    return {"loss": 1.0, **{f"late_{number}": 2.0 for number in range(epoch // 5)}}

FakeHost(CSVLogger(sys.argv[1])).fit(epochs=10**9, steps=1, values=values)
"""


def test_a_killed_process_leaves_whole_rows(path: Path, read: Read) -> None:
    with subprocess.Popen([sys.executable, "-c", _ENDLESS, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(32):
            line = process.stdout.readline()
        process.kill()
    assert line == "31\n"
    epochs = [int(row["epoch"]) for row in read()]
    assert epochs == list(range(len(epochs)))
    assert len(epochs) >= 31


def test_a_path_that_cannot_be_written_is_reported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    run = FakeHost(CSVLogger(tmp_path / "file" / "log.csv")).fit(epochs=2)
    assert run.outcome is not None
    assert run.outcome.status == "completed"
    (line,) = capsys.readouterr().out.splitlines()
    assert "csv_logger" in line

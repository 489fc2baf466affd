"""What goes wrong: folders, disks, exceptions, processes."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard
from epochal_tensorboard.event_file import LocalEventFile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def no_folder(tmp_path: Path) -> Path:
    """Return a path that cannot be a folder, whoever runs the tests."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "logs"


def test_with_a_folder_that_cannot_be_written_it_is_taken_out_before_training(
    model: Any, no_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    FakeHost(TensorBoard(no_folder), model=model).fit(
        steps=1, step=lambda epoch, batch: said.append(capsys.readouterr().out)
    )
    assert "TensorBoard cannot write to log_dir" in said[0]
    assert "failed in preflight and is out for the rest of the run; training goes on" in said[0]


def test_the_same_in_a_bare_fit(model: Any, no_folder: Path, bare_fit: Any) -> None:
    with pytest.raises(OSError, match="TensorBoard cannot write to log_dir") as caught:
        bare_fit(TensorBoard(no_folder), model)
    assert caught.value.errno == errno.ENOTDIR
    assert caught.value.filename == str(no_folder / "train")


def test_a_folder_without_permission(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare_fit: Any
) -> None:
    def refuse(**_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("epochal_tensorboard.folders.tempfile.TemporaryFile", refuse)
    with pytest.raises(PermissionError, match=r"cannot write to log_dir: Permission denied"):
        bare_fit(TensorBoard(tmp_path), model)


def test_an_evaluation_asks_for_no_folder_of_training(model: Any, logs: Path) -> None:
    FakeHost(TensorBoard(logs), model=model).evaluate()
    assert [path.name for path in logs.iterdir()] == ["validation"]


def _fills_up(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Make a disk that takes so many writes."""
    append, calls = LocalEventFile.append, 0

    def full(self: LocalEventFile, records: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls > after:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, records)

    monkeypatch.setattr(LocalEventFile, "append", full)


def test_a_disk_that_fills_up_does_not_end_training(
    model: Any, logs: Path, monkeypatch: pytest.MonkeyPatch, events: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _fills_up(monkeypatch, after=4)
    trained: list[int] = []
    run = FakeHost(TensorBoard(logs, update_freq=1), model=model).fit(
        epochs=4, step=lambda epoch, batch: trained.append(epoch)
    )
    assert run.outcome is not None
    assert run.outcome.status == "completed"
    assert trained == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert "No space left on device" in capsys.readouterr().out
    assert events(logs / "train")  # readable


def test_a_disk_that_fills_up_is_an_error_of_a_bare_fit(
    model: Any, logs: Path, monkeypatch: pytest.MonkeyPatch, bare_fit: Any
) -> None:
    _fills_up(monkeypatch, after=2)
    board = TensorBoard(logs, update_freq=1)
    with pytest.raises(OSError, match="No space left"):
        bare_fit(board, model)
    del board
    gc.collect()  # what was told once is not told again when the object goes


def test_nothing_is_lost_when_a_run_fails(model: Any, logs: Path, scalars: Any) -> None:
    def fails(epoch: int, batch: int) -> None:
        if (epoch, batch) == (1, 2):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        FakeHost(TensorBoard(logs, update_freq=1), model=model).fit(epochs=2, steps=5, step=fails)
    assert [step for step, _ in scalars(logs / "train")["batch_loss"]] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("then", ["the object goes", "another fit begins", "an evaluation begins"])
def test_nothing_is_lost_when_a_bare_fit_fails(model: Any, logs: Path, scalars: Any, bare_fit: Any, then: str) -> None:
    board = TensorBoard(logs, update_freq=1)
    with pytest.raises(ZeroDivisionError):
        bare_fit(board, model, epochs=2, steps=5, fails_at=(1, 2))
    if then == "the object goes":
        del board
        gc.collect()
    else:
        board.set_model(model)
    assert [step for step, _ in scalars(logs / "train")["batch_loss"]] == [1, 2, 3, 4, 5, 6, 7]


def test_nothing_is_lost_when_the_program_ends(tmp_path: Path, scalars: Any) -> None:
    program = (
        "from epochal.testing import FakeModel\n"
        "from epochal_tensorboard import TensorBoard\n"
        "board = TensorBoard('logs', update_freq=1)\n"
        "board.set_model(FakeModel())\n"
        "board.on_train_begin()\n"
        "for batch in range(3):\n"
        "    board.on_train_batch_begin(batch)\n"
        "    board.on_train_batch_end(batch, {'loss': 0.5})\n"
        "raise SystemExit(3)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "")
    assert scalars(tmp_path / "logs" / "train")["batch_loss"] == [(1, 0.5), (2, 0.5), (3, 0.5)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_forked_process_writes_nothing(tmp_path: Path, scalars: Any) -> None:
    program = (
        "import os, sys\n"
        "from epochal.testing import FakeModel\n"
        "from epochal_tensorboard import TensorBoard\n"
        "board = TensorBoard('logs', update_freq=1)\n"
        "board.set_model(FakeModel())\n"
        "board.on_train_begin()\n"
        "board.on_train_batch_begin(0)\n"
        "board.on_train_batch_end(0, {'loss': 0.5})\n"
        "child = os.fork()\n"
        "if child:\n"
        "    os.waitpid(child, 0)\n"
        "sys.exit()\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert scalars(tmp_path / "logs" / "train")["batch_loss"] == [(1, 0.5)]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_killed_process_leaves_a_file_that_can_be_read(tmp_path: Path, scalars: Any) -> None:
    program = (
        "import os, signal\n"
        "import epochal_tensorboard.batches as batches\n"
        "from epochal.testing import FakeModel\n"
        "from epochal_tensorboard import TensorBoard\n"
        "batches.MOST = 4\n"
        "board = TensorBoard('logs', update_freq=1)\n"
        "board.set_model(FakeModel())\n"
        "board.on_train_begin()\n"
        "for batch in range(9):\n"
        "    board.on_train_batch_begin(batch)\n"
        "    board.on_train_batch_end(batch, {'loss': 0.5})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert [step for step, _ in scalars(tmp_path / "logs" / "train")["batch_loss"]] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_who_watches_sees_batches_while_training(
    model: Any, logs: Path, scalars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("epochal_tensorboard.batches.time.monotonic", lambda: now)
    seen: list[int] = []

    def step(epoch: int, batch: int) -> None:
        nonlocal now
        now += 0.75
        seen.append(len(scalars(logs / "train").get("batch_loss", [])))

    FakeHost(TensorBoard(logs, update_freq=1), model=model).fit(steps=10, step=step)
    assert seen == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]


def test_a_process_that_is_not_the_chief_writes_nothing(
    model: Any, logs: Path, monkeypatch: pytest.MonkeyPatch, bare_fit: Any
) -> None:
    monkeypatch.setenv("RANK", "1")
    board = TensorBoard(logs, update_freq=1, histogram_freq=1, embeddings_freq=1, profile_batch=1)
    FakeHost(board, model=model).fit(validation_steps=1)
    FakeHost(board, model=model).evaluate()
    bare_fit(board, model)
    assert not logs.exists()
    assert model.profiled == []


def test_two_of_them_with_one_folder_train_with_a_warning_as_in_keras(model: Any, logs: Path) -> None:
    with pytest.warns(UserWarning, match="both write to"):
        FakeHost(TensorBoard(logs), TensorBoard(logs), model=model).fit()


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no open file")
@pytest.mark.parametrize("what", ["the folder", "the file", "the file is another one"])
def test_a_file_that_was_deleted_while_training_is_followed_by_a_new_one(
    model: Any, logs: Path, scalars: Any, what: str
) -> None:
    def step(epoch: int, batch: int) -> None:
        if (epoch, batch) == (1, 0):
            (file,) = (logs / "train").iterdir()
            if what == "the folder":
                shutil.rmtree(logs)
            else:
                file.unlink()
            if what == "the file is another one":
                file.write_bytes(b"")

    with pytest.warns(UserWarning, match=r"tfevents.* was deleted or replaced while training") as warned:
        FakeHost(TensorBoard(logs), model=model).fit(epochs=4, step=step)
    assert len(warned) == 1
    assert [epoch for epoch, _ in scalars(logs / "train")["epoch_loss"]] == [1, 2, 3]


def test_the_same_in_a_bare_fit_where_the_folder_is_deleted(
    model: Any, logs: Path, scalars: Any, bare_fit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deletes(TensorBoard):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            super().on_epoch_begin(epoch, logs)
            if epoch == 1:
                shutil.rmtree(self.log_dir)

    with pytest.warns(UserWarning, match="was deleted or replaced"):
        bare_fit(Deletes(logs), model, epochs=3)
    assert [epoch for epoch, _ in scalars(logs / "train")["epoch_loss"]] == [1, 2]

"""A folder in which other code writes files under their own names, before all of them take their places."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from epochal.files import NotSyncedError, Staging, write_atomic

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such links, modes and signals")


def tree(folder: Path) -> dict[str, str | None]:
    """Return the files and folders below a folder, each file with its text."""
    found = sorted(folder.rglob("*"))
    return {each.relative_to(folder).as_posix(): each.read_text() if each.is_file() else None for each in found}


def write(folder: Path | str, content: dict[str, str]) -> None:
    for name, text in content.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def save(path: Path, content: dict[str, str]) -> list[str]:
    """Write files of these names as a model's own method would, and deliver them."""
    with Staging(path) as staging:
        write(os.path.dirname(staging.path), content)
        staging.deliver()
    return staging.arrived


def refuse(monkeypatch: pytest.MonkeyPatch, call: str, number: int, when: Any = lambda path: True) -> None:
    """Make a call of the operating system fail."""
    real = getattr(os, call)

    def fail(*arguments: Any, **options: Any) -> Any:
        if when(*arguments):
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    monkeypatch.setattr(os, call, fail)


def is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


# Where to write


def test_the_path_is_absolute_text_with_the_name_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Staging(Path("deep", "model.keras")) as staging:
        assert type(staging.path) is str
        folder, name = os.path.split(staging.path)
        assert name == "model.keras"
        assert os.path.dirname(folder) == str(tmp_path / "deep")
        assert os.listdir(folder) == []
        assert ".keras" not in folder.removeprefix(str(tmp_path))
    assert tree(tmp_path) == {"deep": None}


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    name = "a" * 249 + ".keras"
    assert save(tmp_path / name, {name: "new"}) == [name]
    assert tree(tmp_path) == {name: "new"}


# What takes its place


def test_all_that_was_written_takes_its_place_and_the_file_comes_last(tmp_path: Path) -> None:
    write(tmp_path, {"model.keras": "old", "model.json": "old", "other": "old"})
    content = {"model.keras": "new", "model.json": "new", "vocabulary.txt": "new", "z/deep/file": "new"}
    assert save(tmp_path / "model.keras", content) == ["model.json", "vocabulary.txt", "z/", "model.keras"]
    assert tree(tmp_path) == {"other": "old", "z": None, "z/deep": None} | content


def test_nothing_at_all_is_fine_too(tmp_path: Path) -> None:
    write(tmp_path, {"model.keras": "old"})
    assert save(tmp_path / "model.keras", {}) == []
    assert tree(tmp_path) == {"model.keras": "old"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    write(tmp_path, {"model.keras": "old"})

    def write_half() -> None:
        with Staging(tmp_path / "model.keras") as staging:
            Path(staging.path).write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert tree(tmp_path) == {"model.keras": "old"}


def test_a_folder_comes_as_a_whole_and_later_ones_leave_what_else_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    assert save(path, {"model.keras/a": "1", "model.keras/deep/b": "1"}) == ["model.keras/"]
    assert save(path, {"model.keras/deep/b": "2", "model.keras/deep/c": "2"}) == ["model.keras/"]
    files = {name: text for name, text in tree(tmp_path).items() if text}
    assert files == {"model.keras/a": "1", "model.keras/deep/b": "2", "model.keras/deep/c": "2"}


@pytest.mark.parametrize("name", ["model.keras", "z/file"])
def test_a_file_does_not_take_the_place_of_a_folder_and_nothing_is_replaced(name: str, tmp_path: Path) -> None:
    write(tmp_path, {"a": "old", f"{name}/inside": "old"})
    before = tree(tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder, and a file is to be written there"):
        save(tmp_path / "model.keras", {"a": "new", name: "new"})
    assert tree(tmp_path) == before


@POSIX
def test_the_modes_that_files_have_stay(tmp_path: Path) -> None:
    write(tmp_path, {"model.keras": "old", "model.json": "old"})
    (tmp_path / "model.keras").chmod(0o640)
    (tmp_path / "model.json").chmod(0o600)
    save(tmp_path / "model.keras", {"model.keras": "new", "model.json": "new"})
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("model.keras", "model.json")]
    assert modes == [0o640, 0o600]


# Links


@POSIX
def test_a_link_stays_and_the_others_come_beside_it(tmp_path: Path) -> None:
    write(tmp_path, {"real/file": "old", "here/other": "old"})
    (tmp_path / "here" / "model.keras").symlink_to("../real/file")
    save(tmp_path / "here" / "model.keras", {"model.keras": "new", "model.json": "new"})
    assert (tmp_path / "here" / "model.keras").is_symlink()
    assert tree(tmp_path / "real") == {"file": "new"}
    assert tree(tmp_path / "here") == {"model.json": "new", "model.keras": "new", "other": "old"}


@POSIX
@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_to_the_new_file_points_to_its_place(absolute: bool, tmp_path: Path) -> None:
    for number in ("1", "2"):
        with Staging(tmp_path / f"{number}.keras") as staging:
            Path(staging.path).write_text(number)
            latest = Path(staging.path).with_name("latest")
            latest.symlink_to(staging.path if absolute else os.path.basename(staging.path))
            staging.deliver()
    assert tree(tmp_path) == {"1.keras": "1", "2.keras": "2", "latest": "2"}
    assert (tmp_path / "latest").is_symlink()


def test_a_file_at_a_link_into_another_file_system_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"elsewhere/file": "old"})
    (tmp_path / "model.json").symlink_to("elsewhere/file")
    refuse(monkeypatch, "replace", errno.EXDEV, lambda old, new: Path(old).parent != Path(new).parent)
    with Staging(tmp_path / "model.keras") as staging:
        write(os.path.dirname(staging.path), {"model.json": "new"})
        staging.deliver()
    monkeypatch.undo()
    assert tree(tmp_path) == {"elsewhere": None, "elsewhere/file": "new", "model.json": "new"}


# The disk


def test_everything_reaches_the_disk_before_the_first_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor: int) -> None:
        done.append("folder" if is_folder(descriptor) else "file")
        fsync(descriptor)

    def record_replace(*paths: Any) -> None:
        done.append("rename")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    save(tmp_path / "model.keras", {"model.keras": "new", "z/file": "new"})
    assert done == ["file", "folder", "file", "rename", "rename", "folder"]


@POSIX
def test_a_folder_that_cannot_be_synced_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "fsync", errno.EIO, is_folder)
    with pytest.raises(NotSyncedError, match=f"what was written to {tmp_path} is there, but") as caught:
        save(tmp_path / "model.keras", {"model.keras": "new"})
    assert caught.value.errno == errno.EIO
    with pytest.raises(NotSyncedError):
        write_atomic(tmp_path / "file", b"new")
    assert tree(tmp_path) == {"file": "new", "model.keras": "new"}


@POSIX
@pytest.mark.parametrize("call", ["open", "listdir"])
def test_a_folder_that_takes_files_and_does_not_show_them_is_no_error(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, call, errno.EACCES, lambda path, *_: path == tmp_path)
    save(tmp_path / "model.keras", {"model.keras": "new"})
    write_atomic(tmp_path / "file", b"new")
    monkeypatch.undo()
    assert tree(tmp_path) == {"file": "new", "model.keras": "new"}


def test_an_error_between_two_files_tells_what_has_arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"model.keras": "old"})
    refuse(monkeypatch, "replace", errno.EDQUOT, lambda old, new: str(new).endswith(".keras"))
    staging = Staging(tmp_path / "model.keras")
    with staging:
        write(os.path.dirname(staging.path), {"model.json": "new", "model.keras": "new"})
        with pytest.raises(OSError, match=r"quota|Quota"):
            staging.deliver()
    assert staging.arrived == ["model.json"]
    assert tree(tmp_path) == {"model.json": "new", "model.keras": "old"}


# Processes that are killed

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from epochal.files import Staging

calls = []

def at(function):
    def call(*arguments, **options):
        calls.append(function)
        if len(calls) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

with Staging(sys.argv[1]) as staging:
    os.fsync, os.replace, os.rmdir = at(os.fsync), at(os.replace), at(os.rmdir)
    for name in ("model.keras", "model.json"):
        Path(staging.path).with_name(name).write_text("new")
    staging.deliver()
"""


@POSIX
@pytest.mark.parametrize(
    ("call", "new"), [(1, 0), (2, 0), (3, 0), (4, 1), (5, 2), (6, 2), (7, 2)], ids=lambda value: str(value)
)
def test_a_kill_before_each_of_the_calls_that_matter_leaves_whole_files(call: int, new: int, tmp_path: Path) -> None:
    write(tmp_path, {"model.keras": "old", "model.json": "old"})
    path = tmp_path / "model.keras"
    done = subprocess.run([sys.executable, "-c", KILLED_AT, str(path), str(call)], timeout=60)
    assert done.returncode == (-signal.SIGKILL if call < 7 else 0)
    assert path.read_text() == ("new" if new == 2 else "old")  # where it is new, all are
    assert path.with_name("model.json").read_text() == ("new" if new else "old")
    save(path, {"model.keras": "newer"})
    assert sorted(tree(tmp_path)) == ["model.json", "model.keras"]


def test_what_this_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    with Staging(tmp_path / "model.keras") as staging:
        Path(staging.path).write_text("outer")
        save(tmp_path / "model.keras", {"model.keras": "inner"})
        write_atomic(tmp_path / "file", b"new")
        staging.deliver()
    assert tree(tmp_path) == {"file": "new", "model.keras": "outer"}


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "mkdir", errno.EROFS, lambda path, *_: ".epochal-" in str(path))
    with pytest.raises(OSError, match="Read-only") as caught:
        Staging(tmp_path / "model.keras")
    assert caught.value.filename == str(tmp_path)

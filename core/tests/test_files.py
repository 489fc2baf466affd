"""Files that are never half there: whatever happens, the old one or the new one, whole, and nothing beside it."""

from __future__ import annotations

import builtins
import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from epochal import files
from epochal.files import replacing, sync_folder, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files and signals")
UNIQUE = "0123456789ab"


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# What is written


def test_a_file_is_written_and_replaced_whole_with_the_usual_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.bin"
    for content in (b"one", b"two" * 1000, b""):
        write_atomic(path, content)
        assert path.read_bytes() == content
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert names(path.parent) == ["file.bin"]


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400, 0o200, 0o666])
def test_the_mode_that_a_file_has_stays(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_atomic(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    path.chmod(0o600)
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("kind", [str, os.fspath, lambda path: path])
def test_a_path_may_be_text_or_a_path(kind: Any, tmp_path: Path) -> None:
    write_atomic(kind(tmp_path / "file"), b"new")
    assert names(tmp_path) == ["file"]


def test_a_path_may_be_relative_and_is_where_it_was_when_the_block_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with replacing("file") as temporary:
        monkeypatch.chdir(tmp_path / "elsewhere")
        temporary.write_bytes(b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize(
    "name", ["model.keras", "model.weights.h5", ".hidden", "no end", "a" * 255, "é" * 124 + ".keras"]
)
def test_the_temporary_file_is_beside_it_and_has_the_same_end_of_its_name(name: str, tmp_path: Path) -> None:
    if len(os.fsencode(name)) == 255 and sys.platform == "win32":
        pytest.skip("the path would be too long")
    target = tmp_path / name
    with replacing(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name != name
        assert temporary.name.endswith(name[-12:])
        assert not temporary.exists()
        temporary.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == [name]


def test_every_temporary_file_has_a_name_of_its_own(tmp_path: Path) -> None:
    with replacing(tmp_path / "file") as one, replacing(tmp_path / "file") as other:
        assert one != other
        one.write_bytes(b"one")
        other.write_bytes(b"other")
    assert (tmp_path / "file").read_bytes() == b"one"  # the outer block ended last
    assert names(tmp_path) == ["file"]


@POSIX
def test_what_a_link_points_to_is_written_and_the_link_stays(tmp_path: Path) -> None:
    real = tmp_path / "real"
    for name, end in (("link", "real/file"), ("dangling", "real/new")):
        (tmp_path / name).symlink_to(end)
        write_atomic(tmp_path / name, name.encode())
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / end).read_bytes() == name.encode()
    assert names(real) == ["file", "new"]


# What is not


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    failing: str, old: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    if old is not None:
        write_atomic(path, old)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if failing == "write":
            patch.setattr(builtins, "open", lambda path, _: _Failing(path, fail))
        else:
            patch.setattr(os, failing, fail)
        with pytest.raises(OSError, match="No space left") as raised:
            write_atomic(path, b"new")
    assert raised.value.errno == errno.ENOSPC
    assert raised.value.filename == str(path)
    assert names(tmp_path) == ([] if old is None else ["file"])
    assert old is None or path.read_bytes() == old
    write_atomic(path, b"new")  # there is room again
    assert path.read_bytes() == b"new"


class _Failing:
    """A file that takes a part of what is written, and then fails."""

    def __init__(self, path: Any, fail: Any) -> None:
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        self.fail = fail

    def __enter__(self) -> _Failing:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def write(self, content: bytes) -> None:
        os.write(self.descriptor, content[:1])
        self.fail()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def write_half() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_block_that_writes_nothing_is_an_error_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")
    with pytest.raises(FileNotFoundError, match="file is left as it is: no file was written"), replacing(path):
        pass
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("old", [b"old", None])
@pytest.mark.parametrize("error", [None, ValueError])
def test_a_block_that_makes_a_folder_is_an_error_and_leaves_the_old_file(
    old: bytes | None, error: type[Exception] | None, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    if old is not None:
        write_atomic(path, old)

    def make_folder() -> None:
        with replacing(path) as temporary:
            temporary.mkdir()
            (temporary / "inside").touch()
            if error is not None:
                raise error

    with pytest.raises(error or FileNotFoundError):
        make_folder()
    assert names(tmp_path) == ([] if old is None else ["file"])


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder, and a file is to be written there"):
        write_atomic(tmp_path / "folder", b"new")
    with pytest.raises(IsADirectoryError):
        write_atomic("", b"new")


@POSIX
def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        before = os.stat(path).st_mode
        with pytest.raises(FileExistsError, match="is a device or the like"):
            write_atomic(path, b"new")
        assert os.stat(path).st_mode == before
    assert names(tmp_path) == ["pipe"]


@pytest.mark.parametrize("end", ["file", "deeper/file"])
def test_a_folder_that_cannot_be_made_is_an_error(end: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(OSError, match=r"File exists|Not a directory|cannot find|already exists"):
        write_atomic(tmp_path / "file" / end, b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


@POSIX
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_folders_is_no_error(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_for_folders(number, monkeypatch)
    write_atomic(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


@POSIX
def test_any_other_error_of_a_folder_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_for_folders(errno.EIO, monkeypatch)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        sync_folder(tmp_path)


def _fail_for_folders(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@POSIX
def test_file_and_folder_reach_the_disk_around_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def record_replace(*paths: Any) -> None:
        done.append("rename")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    write_atomic(tmp_path / "file", b"new")
    assert done == ["file", "rename", "folder"]


# Processes that are killed, and what they leave behind

IN_THE_MIDDLE = """
import sys
from epochal.files import replacing

with replacing(sys.argv[1]) as temporary:
    with open(temporary, "wb") as file:
        file.write(b"half of the new")
        file.flush()
        print(temporary.name, flush=True)
        sys.stdin.read()
"""


@contextlib.contextmanager
def in_the_middle(path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a process that is in the middle of writing, and the name of its temporary file."""
    command = [sys.executable, "-c", IN_THE_MIDDLE, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@POSIX
def test_a_kill_in_the_middle_leaves_the_old_file_and_the_next_write_removes_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")
    with in_the_middle(path) as (process, temporary):
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == sorted(["file", temporary])
    write_atomic(tmp_path / "other", b"new")
    assert names(tmp_path) == ["file", "other"]


KILLED_AT = """
import os, signal, sys
from epochal.files import write_atomic

write_atomic(sys.argv[1], b"old")
calls = []

def at(function):
    def call(*arguments):
        calls.append(function)
        if len(calls) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)
    return call

os.fsync, os.replace = at(os.fsync), at(os.replace)
write_atomic(sys.argv[1], b"new")
"""


@POSIX
@pytest.mark.parametrize(("call", "content"), [(1, b"old"), (2, b"old"), (3, b"new"), (4, b"new")])
def test_a_kill_before_each_of_the_calls_that_matter_leaves_the_old_or_the_new_file(
    call: int, content: bytes, tmp_path: Path
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_AT, str(tmp_path / "file"), str(call)], timeout=60)
    assert done.returncode == (-signal.SIGKILL if call < 4 else 0)
    assert (tmp_path / "file").read_bytes() == content
    write_atomic(tmp_path / "other", b"new")
    assert names(tmp_path) == ["file", "other"]


@POSIX
def test_what_a_living_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with in_the_middle(path) as (process, temporary):
        write_atomic(path, b"mine")
        assert names(tmp_path) == sorted(["file", temporary])
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0
    assert path.read_bytes() == b"half of the new"
    assert names(tmp_path) == ["file"]


def test_what_another_thread_is_writing_is_left_alone(tmp_path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with replacing(tmp_path / "file") as temporary:
            temporary.write_bytes(b"other thread")
            inside.set()
            assert go_on.wait(60)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(write)
        assert inside.wait(60)
        write_atomic(tmp_path / "file", b"mine")
        go_on.set()
        other.result()
    assert (tmp_path / "file").read_bytes() == b"other thread"
    assert names(tmp_path) == ["file"]


@POSIX
def test_what_a_process_of_the_same_number_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / f".epochal-{files._host()}-{os.getpid()}-{UNIQUE}-file").touch()
    write_atomic(tmp_path / "file", b"new")
    assert names(tmp_path) == ["file"]


@POSIX
def test_what_the_process_of_another_user_is_writing_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(process: int, _: int) -> None:
        raise PermissionError if process == 123 else ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    for process in (123, 124):
        (tmp_path / f".epochal-{files._host()}-{process}-{UNIQUE}-file").touch()
    write_atomic(tmp_path / "file", b"new")
    assert names(tmp_path) == [f".epochal-{files._host()}-123-{UNIQUE}-file", "file"]


def test_what_another_machine_is_writing_is_left_alone_until_it_is_a_day_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / f".epochal-{'0' * 8}-{os.getpid()}-{UNIQUE}-file"
    left.touch()
    written = left.stat().st_mtime
    write_atomic(tmp_path / "file", b"new")
    assert left.exists()
    os.utime(left, (written, written - 2 * 24 * 60 * 60))
    write_atomic(tmp_path / "file", b"new")
    assert names(tmp_path) == ["file"]


@POSIX
def test_two_machines_whose_names_begin_alike_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for name in ("training-worker-pool-0", "training-worker-pool-1", "training-worker-pool-1"):
        monkeypatch.setattr("socket.gethostname", lambda name=name: name)
        found.add(files._host.__wrapped__())
    assert len(found) == 2


@pytest.mark.parametrize(
    "name", [".epochal", ".epochal-file", "epochal-00000000-1-0123456789ab-file", ".epochal-x-1-0123456789ab-file"]
)
def test_files_of_somebody_else_are_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (0, 0))
    write_atomic(tmp_path / "file", b"new")
    assert name in names(tmp_path)


@POSIX
def test_what_cannot_be_removed_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tmp_path / f".epochal-{files._host()}-{os.getpid()}-{UNIQUE}-file"
    left.touch()

    def fail(path: Any) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(os, "unlink", fail)
    write_atomic(tmp_path / "file", b"new")
    assert names(tmp_path) == [left.name, "file"]


# Several writers of one file


def test_many_threads_that_write_one_file_leave_one_of_theirs_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([number]) * 10_000 for number in range(8)]
    torn = []

    def write(content: bytes) -> None:
        for _ in range(10):
            write_atomic(path, content)
            if path.read_bytes() not in contents:
                torn.append(content)

    with ThreadPoolExecutor(len(contents)) as pool:
        list(pool.map(write, contents))
    assert torn == []
    assert names(tmp_path) == ["file"]


WRITE_OFTEN = """
import sys
from epochal.files import write_atomic

for _ in range(30):
    write_atomic(sys.argv[1], sys.argv[2].encode() * 10_000)
"""


def test_many_processes_that_write_one_file_leave_one_of_theirs_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    letters = "abc"
    processes = [subprocess.Popen([sys.executable, "-c", WRITE_OFTEN, str(path), letter]) for letter in letters]
    assert [process.wait(60) for process in processes] == [0] * len(letters)
    assert path.read_text() in [letter * 10_000 for letter in letters]
    assert names(tmp_path) == ["file"]

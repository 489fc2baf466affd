"""Files that are never half there: one of ours, or a folder in which other code writes several."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import socket
import time
import uuid
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_LEFT = re.compile(r"\.epochal-([0-9a-f]{8})-(\d{1,9})-[0-9a-f]{12}-.")
_TAIL = 80  # bytes of the file's own name in the temporary one: a name has at most 255, in an encrypted folder 143
_DAY = 24 * 60 * 60
_NO_SYNC = (errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.ENOSYS)
"""What a file system answers that has no sync, mostly one behind a network."""
_NOT_ALLOWED = (errno.EACCES, errno.EPERM)
"""The answer for a folder that takes files and does not show them."""
_writing: set[str] = set()
"""The names of the temporary files that this process writes now."""


class NotSyncedError(OSError):
    """The new content has its name, but its folder could not be synced: a power failure may still undo that."""


def write_atomic(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one, whole.

    Args:
        path: The file. Folders that are missing are made.
        content: All of its bytes.

    Raises:
        NotSyncedError: The new file is there, but its name may not have reached the disk.
        OSError: It cannot be written; the old file is as it was.
    """
    with replacing(path) as temporary, open(temporary, "xb") as file:
        file.write(content)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Replace a file, whoever writes it, so that a crash at any moment leaves the old one or the new one, whole.

    The new content goes to a temporary file beside it, reaches the disk, and then takes the file's name and mode; the
    name reaches the disk too. What a killed process of this machine left behind in the folder is removed on the way;
    what was that of another machine or container, or of before this one started, is when it is a day old.

    Args:
        path: The file; where it is a link, what it points to. Folders that are missing are made.

    Yields:
        The path to write to, in the same folder and with the same end of the name. If the block raises, or writes
        no file there, the old file is as it was.

    Raises:
        NotSyncedError: The new file is there, but its name may not have reached the disk.
        OSError: It cannot be written. The old file is as it was. `filename` is the file's.

    Example:
        >>> with replacing("model.keras") as temporary:  # doctest: +SKIP
        ...     model.save(temporary)
    """
    target = Path(os.path.realpath(path))
    check_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(target.parent)
    temporary = target.with_name(_temporary_name(target.name))
    _writing.add(temporary.name)
    try:
        yield temporary
        if not temporary.is_file():
            raise FileNotFoundError(f"{target} is left as it is: no file was written to {temporary}, its new content")
        sync_file(temporary)
        with contextlib.suppress(OSError):  # there is no old file, or the file system has no modes
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError):
            _name(error, temporary, target)
        raise
    finally:
        _writing.discard(temporary.name)
    sync_names(target.parent)


def _name(error: OSError, temporary: Path, target: Path) -> None:
    """Set the file's name in an error: a full disk names none, and the temporary one means nothing to the user."""
    is_about_it = error.filename is None or str(error.filename) == str(temporary)
    if is_about_it and error.filename2 is None and error.errno is not None:
        error.filename = str(target)


class Staging:
    """A temporary folder beside a file, where the file is written under its own name.

    Code that is not ours, a model's own `save` for example, takes the name that was asked for apart, and writes further
    files next to it, or a folder of that name, or nothing. It finds an empty folder. When it is done, `deliver` brings
    all of it to the disk and then to its place.

    Every file is renamed as a whole. A kill between two of several leaves some of them new and others old or missing;
    the file that was asked for comes last, so that where it is new, all are. A folder that is not there yet comes as a
    whole; into one that is there its files come one by one, and what else is in it stays.

    Args:
        path: The file. Where it is a link, what it points to is replaced. Folders that are missing are made.

    Raises:
        OSError: The temporary folder cannot be made; `filename` is the folder in which it was to be.

    Attributes:
        path: Where to write: an absolute path whose last part is the name of the file.
        arrived: What took its place, by its name beside the file, in the order in which it came. A folder's name ends
            in "/".

    Example:
        >>> with Staging("model.keras") as staging:  # doctest: +SKIP
        ...     model.save(staging.path)
        ...     staging.deliver()
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        whole = Path(os.path.abspath(path))
        self._name = whole.name
        self._place = whole.parent
        # Beside what a link points to, as a rename cannot leave its file system.
        parent = Path(os.path.realpath(whole)).parent
        parent.mkdir(parents=True, exist_ok=True)
        _remove_left(parent)
        # Nothing of the file's name is in it: `path.replace(".keras", ".json")` is to change the file's end alone.
        self._folder = parent / _temporary_name("_")
        self.path = str(self._folder / self._name)
        self.arrived: list[str] = []
        _writing.add(self._folder.name)
        try:
            self._folder.mkdir()
        except BaseException as error:
            _writing.discard(self._folder.name)
            if isinstance(error, OSError):
                error.filename = str(parent)  # which the user knows
            raise

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the temporary folder, with what was not delivered."""
        _remove(self._folder)
        _writing.discard(self._folder.name)

    def deliver(self) -> None:
        """Bring everything to the disk, and then to its place.

        Raises:
            IsADirectoryError: There is a folder where a file is to be; nothing was replaced.
            NotSyncedError: All of it is there, but a name may not have reached the disk.
            OSError: It cannot be brought there; `arrived` tells what was.
        """
        names = sorted(os.listdir(self._folder), key=lambda name: (name == self._name, name))
        for name in names:
            _prepare(self._folder / name, self._place / name)
        changed: dict[Path, None] = {}
        for name in names:
            source, place = self._folder / name, self._place / name
            title = f"{name}/" if source.is_dir() and not source.is_symlink() else name
            self._move(source, place, changed)
            self.arrived.append(title)
        for folder in changed:
            sync_names(folder)

    def _move(self, source: Path, place: Path, changed: dict[Path, None]) -> None:
        """Move a file or a folder to its place, and note the folder in which a name changed."""
        if source.is_symlink():
            self._aim(source)
        elif source.is_dir() and place.is_dir():
            for name in sorted(os.listdir(source)):
                self._move(source / name, place / name, changed)
            return
        else:
            place = Path(os.path.realpath(place))
        try:
            os.replace(source, place)
        except OSError as error:
            if error.errno != errno.EXDEV or not source.is_file():
                raise
            with replacing(place) as temporary:  # one of the others, at a link into another file system
                shutil.copyfile(source, temporary)
        changed[place.parent] = None

    def _aim(self, link: Path) -> None:
        """Point a link to what was written here to its place."""
        target = Path(os.readlink(link))
        if target.is_relative_to(self._folder):
            link.unlink()
            link.symlink_to(self._place / target.relative_to(self._folder))


def _prepare(source: Path, place: Path) -> None:
    """Bring a file, or all of a folder, to the disk, and see that it can take its place."""
    if source.is_symlink():
        return
    if source.is_dir():
        for name in os.listdir(source):
            _prepare(source / name, place / name)
        sync_folder(source)
        return
    check_replaceable(place)
    sync_file(source)
    with contextlib.suppress(OSError):  # there is no old file, or the file system has no modes
        shutil.copymode(place, source)


def check_replaceable(target: Path) -> None:
    """Check that a file can take the place of what is there.

    Raises:
        IsADirectoryError: A folder is there.
        FileExistsError: A device or the like is there.
    """
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, and a file is to be written there")
    if target.exists() and not target.is_file():  # to replace /dev/null would be the end of it
        raise FileExistsError(f"{target} is a device or the like, and a file is to be written there")


def _temporary_name(name: str) -> str:
    tail = name
    while len(os.fsencode(tail)) > _TAIL:
        tail = tail[1:]
    return f".epochal-{_host()}-{os.getpid()}-{uuid.uuid4().hex[:12]}-{tail}"


def sync_names(folder: Path) -> None:
    """Bring the names in a folder to the disk, after what they stand for was put there.

    Raises:
        NotSyncedError: The disk refuses; the files are there all the same.
    """
    try:
        sync_folder(folder)
    except OSError as error:
        raise NotSyncedError(
            error.errno, f"what was written to {folder} is there, but the folder could not be synced: {error.strerror}"
        ) from error


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the file system can."""
    if os.name != "nt":  # Windows cannot open a folder
        _sync(folder, *_NO_SYNC, *_NOT_ALLOWED)


def sync_file(path: Path) -> None:
    """Bring the content of a file to the disk, where the file system can."""
    _sync(path, *_NO_SYNC)


def _sync(path: Path, *accepted: int) -> None:
    """Sync a file or a folder, and take errors of these numbers for an answer."""
    try:
        descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in accepted:
            raise


def _remove_left(folder: Path) -> None:
    """Remove the temporary files of processes that are no more."""
    try:
        names = os.listdir(folder)
    except PermissionError:  # it takes files, and does not show them
        return
    for name in names:
        left = _LEFT.match(name)
        if left and name not in _writing and _is_left(folder / name, left[1], int(left[2])):
            _remove(folder / name)


@cache
def _host() -> str:
    """Name the machine, since it started, or the container, in which the numbers of processes count.

    Machines that share a folder may also share a name, "localhost" or that of the image that they were made from, and
    each calls its first space of numbers the same. What one of them writes now would look left behind to the other.
    """
    space = start = ""
    with contextlib.suppress(OSError):  # no Linux
        space = os.readlink("/proc/self/ns/pid")
        start = Path("/proc/sys/kernel/random/boot_id").read_text()
    return hashlib.sha256(f"{socket.gethostname()} {space} {start}".encode()).hexdigest()[:8]


def _is_left(path: Path, host: str, process: int) -> bool:
    if host == _host():
        return process == os.getpid() or not _is_alive(process)  # its number may be ours by now
    try:
        return time.time() - path.stat().st_mtime > _DAY  # of another machine, which cannot be asked
    except OSError:  # it is gone
        return False


def _remove(path: Path) -> None:
    """Remove a temporary file, or the folder that was made in its place. What cannot be removed is left."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # a signal of 0 would end the process there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True

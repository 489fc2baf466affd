"""Files that are never half there."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST = re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())[:16]
_LEFT = re.compile(rf"\.epochal-{_HOST}-(\d+)-[0-9a-f]{{12}}-.")


def write_atomic(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one, whole.

    Args:
        path: The file. Folders that are missing are made.
        content: All of its bytes.

    Raises:
        OSError: It cannot be written; the old file is as it was.
    """
    with replacing(path) as temporary, open(temporary, "xb") as file:
        file.write(content)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Replace a file, whoever writes it, so that a crash at any moment leaves the old one or the new one, whole.

    The new content goes to a temporary file beside it, reaches the disk, and then takes the file's name; the name
    reaches the disk too. What a killed process of this machine left behind in the folder is removed on the way.

    Args:
        path: The file; where it is a link, what it points to. Folders that are missing are made.

    Yields:
        The path to write to, in the same folder and with the same end of the name. If the block raises, or writes
        nothing there, the old file is as it was.

    Raises:
        OSError: It cannot be written; the old file is as it was.

    Example:
        >>> with replacing("model.keras") as temporary:  # doctest: +SKIP
        ...     model.save(temporary)
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, and a file is to be written there")
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(target.parent)
    temporary = target.with_name(f".epochal-{_HOST}-{os.getpid()}-{uuid.uuid4().hex[:12]}-{target.name}")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    if os.name != "nt":  # Windows cannot open a folder
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_left(folder: Path) -> None:
    """Remove the temporary files of processes of this machine that are no more."""
    for name in os.listdir(folder):
        left = _LEFT.match(name)
        if left and not _is_alive(int(left[1])):
            with contextlib.suppress(OSError):  # another process was faster
                os.unlink(folder / name)


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

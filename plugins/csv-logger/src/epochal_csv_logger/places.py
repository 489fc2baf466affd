"""Where a log lies: a file of this machine, or one at an address."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from epochal.files import replacing, sync_file, sync_folder
from epochal.frameworks.remote import RemoteFiles, remote_files
from epochal.paths import is_remote


class Place(Protocol):
    """What is done with the file of a log."""

    path: str

    def check(self) -> None:
        """Raise if the file cannot be written. What is in it stays.

        Raises:
            OSError: It cannot.
        """

    def read(self) -> bytes:
        """Return the content; nothing if there is no file."""

    def state(self) -> object:
        """Return something that changes when somebody writes to the file; None if there is no file."""

    def append(self, content: bytes) -> None:
        """Write at the end of the file; after an error nothing of it is there."""

    def replace(self, content: bytes) -> None:
        """Write the whole file, so that a crash leaves the old content or the new one."""

    def sync(self) -> None:
        """Wait until what was written outlives the machine."""


def place_of(path: str) -> Place:
    """Return the place that a path or an address names."""
    return RemotePlace(path) if is_remote(path) else LocalPlace(path)


class LocalPlace:
    """A file of this machine, open only while it is written to."""

    def __init__(self, path: str) -> None:
        self.path = path

    def check(self) -> None:
        """Raise if the file cannot be written; make it, and its folders, where it is missing."""
        path = Path(self.path)
        if path.exists() and not path.is_file():
            raise OSError(f"CSVLogger: {path} is not a regular file, and rows are written to one")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("ab").close()
            sync_folder(path.parent)
        except OSError as error:
            reason = f"CSVLogger cannot write to {path}: {error.strerror or error}"
            raise OSError(*(reason,) if error.errno is None else (error.errno, reason)) from None

    def read(self) -> bytes:
        """Return the content."""
        try:
            return Path(self.path).read_bytes()
        except FileNotFoundError:
            return b""

    def state(self) -> object:
        """Return which file it is, and when and up to where it was written."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def append(self, content: bytes) -> None:
        """Write at the end of the file, past all buffers of this process."""
        left = memoryview(content)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags, 0o666)
        try:
            before = os.fstat(descriptor).st_size
            try:
                while left:
                    left = left[os.write(descriptor, left) :]
            except BaseException as error:
                with suppress(OSError):
                    os.ftruncate(descriptor, before)
                if isinstance(error, OSError):
                    error.filename = self.path  # for the message; a descriptor has no name
                raise
        finally:
            os.close(descriptor)

    def replace(self, content: bytes) -> None:
        """Write the whole file; its folders are made where they are missing."""
        with replacing(self.path) as temporary:
            temporary.write_bytes(content)

    def sync(self) -> None:
        """Wait for the disk."""
        sync_file(Path(self.path))


class RemotePlace:
    """A file at an address. Object stores have no append, so it is written whole for every row."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._content = b""

    def check(self) -> None:
        """Raise if nothing that is installed reaches the address; make the file where it is missing."""
        files = self._files()
        if files.read(self.path) is None:
            files.make_folder(self.path.rpartition("/")[0])
            files.write(self.path, b"")

    def read(self) -> bytes:
        """Return the content."""
        self._content = self._files().read(self.path) or b""
        return self._content

    def state(self) -> object:
        """Return always the same: to ask would be a transfer for each row, and what is written is the whole file."""
        return self.path

    def append(self, content: bytes) -> None:
        """Write the file with the content at its end."""
        self.replace(self._content + content)

    def replace(self, content: bytes) -> None:
        """Write the whole file."""
        self._files().write(self.path, content)
        self._content = content

    def sync(self) -> None:
        """Do nothing: what is written has arrived."""

    def _files(self) -> RemoteFiles:  # it is asked for each time, since a module cannot be copied with the callback
        return remote_files(self.path, "CSVLogger")

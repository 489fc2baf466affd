"""An event file: records that are appended, each whole."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from epochal.frameworks.remote import remote_files
from epochal.paths import is_remote
from epochal.warn import warn_user

from .checksum import masked_checksum
from .folders import OWNER, joined
from .summaries import file_version

if TYPE_CHECKING:
    from collections.abc import Sequence

UPLOAD_SECONDS = 120.0
"""How long records wait for the next upload; as long as the writers of TensorFlow and TensorBoard let them wait."""
LARGEST_UPLOAD = 16 * 2**20
"""Bytes after which the next file begins, so that an upload does not grow with the training."""

_numbers = itertools.count()


class EventFile(ABC):
    """A file of a folder, new, to which events are appended.

    It is written without the `EventFileWriter` of the `tensorboard` package, which imports TensorFlow where that is
    installed, whether or not anybody else needs it.

    Attributes:
        path: The file.
    """

    path: str

    def write(self, events: Sequence[bytes]) -> None:
        """Append events.

        Args:
            events: Each a serialized `tensorflow.Event`.

        Raises:
            OSError: They cannot be written; the file is as it was.
        """
        self.append(as_records(events))

    @abstractmethod
    def append(self, records: bytes) -> None:
        """Append whole records; errors as of `write`."""

    @abstractmethod
    def is_gone(self) -> bool:
        """Return whether somebody deleted or replaced the file, so that what is appended would be lost."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""


def new_event_file(folder: str) -> EventFile:
    """Return a new event file of a folder, which is made if it is missing.

    Raises:
        OSError: The file cannot be made.
    """
    return RemoteEventFile(folder) if is_remote(folder) else LocalEventFile(folder)


class LocalEventFile(EventFile):
    """An event file of this machine.

    Readers look at it while it grows. What is appended at once goes there in one call of the operating system. If that
    fails, on a full disk for example, the file is cut to what it was, so that the records before stay readable. A
    process that is killed may leave the last record cut off; every reader of event files stops before it.
    """

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self.path = joined(folder, _name())
        self._file = open(self.path, "xb", buffering=0)  # noqa: SIM115  # it is closed by `close`
        self._identity = _identity(os.fstat(self._file.fileno()))
        self._size = 0
        self.append(as_records([file_version()]))

    def append(self, records: bytes) -> None:
        """Append whole records, at once."""
        left = memoryview(records)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._file.truncate(self._size)
            self._file.seek(self._size)
            error.filename = self.path  # for the message; a descriptor has no name
            raise
        self._size += len(records)

    def is_gone(self) -> bool:
        """Return whether another file, or none, has the path by now."""
        try:
            return _identity(os.stat(self.path)) != self._identity
        except OSError:
            return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class RemoteEventFile(EventFile):
    """An event file at an address. Object stores have no append, so it is uploaded whole, now and then.

    The first record goes there at once, later ones every two minutes and when the file is closed. A large file is
    followed by another one; readers take them as one run. An upload that fails is warned of and tried again; the one
    that closes the file raises.
    """

    def __init__(self, folder: str) -> None:
        self._files = remote_files(folder, OWNER)
        self._files.make_folder(folder)
        self._folder = folder
        self._begin()
        self._upload()

    def append(self, records: bytes) -> None:
        """Append whole records, and upload them if it is time."""
        self._content += records
        if time.monotonic() < self._due:
            return
        try:
            self._upload()
        except OSError as error:
            warn_user(f"{error} It is tried again in {UPLOAD_SECONDS:.0f} seconds.")
        else:
            if self._uploaded >= LARGEST_UPLOAD:
                self._begin()

    def _begin(self) -> None:
        self.path = joined(self._folder, _name())
        self._content = bytearray(as_records([file_version()]))
        self._uploaded = 0

    def _upload(self) -> None:
        self._due = time.monotonic() + UPLOAD_SECONDS
        self._files.write(self.path, bytes(self._content))
        self._uploaded = len(self._content)

    def is_gone(self) -> bool:
        """Return False: every upload writes the whole file."""
        return False

    def close(self) -> None:
        """Upload what is left."""
        if self._uploaded < len(self._content):
            self._upload()


def as_records(events: Sequence[bytes]) -> bytes:
    """Return events as an event file has them: each with its length and the checksums of both."""
    parts = []
    for event in events:
        length = struct.pack("<Q", len(event))
        parts += [length, _packed_checksum(length), event, _packed_checksum(event)]
    return b"".join(parts)


def _packed_checksum(record: bytes) -> bytes:
    return struct.pack("<I", masked_checksum(record))


def _name() -> str:
    # Readers go through the files of a folder in the order of their names, so the time comes first.
    return f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_numbers):06d}.v2"


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino

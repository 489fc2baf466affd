"""An event file: records that are appended, each whole."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import tempfile
import time
from typing import TYPE_CHECKING

from .checksum import masked_checksums
from .summaries import file_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_numbers = itertools.count()


class EventFile:
    """A file of a folder, new, to which events are appended.

    Readers look at it while it grows. What is appended at once goes there in one call of the operating system. If that
    fails, on a full disk for example, the file is cut to what it was, so that the records before stay readable. A
    process that is killed may leave the last record cut off; every reader of event files stops before it.

    It is written without the `EventFileWriter` of the `tensorboard` package, which imports TensorFlow where that is
    installed, whether or not anybody else needs it.

    Args:
        folder: The folder. It is made if it is missing.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # Readers go through the files of a folder in the order of their names, so the time comes first.
        number = f"{next(_numbers):06d}"
        self.path = (
            folder / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{number}.v2"
        )
        self._file = open(self.path, "xb", buffering=0)  # noqa: SIM115  # it is closed by `close`
        self._size = 0
        self.write([file_version()])

    def write(self, events: Sequence[bytes]) -> None:
        """Append events.

        Args:
            events: Each a serialized `tensorflow.Event`.

        Raises:
            OSError: They cannot be written; the file is as it was.
        """
        lengths = [struct.pack("<Q", len(event)) for event in events]
        sums = zip(masked_checksums(lengths), masked_checksums(events), strict=True)
        self.append(
            b"".join(
                part
                for event, length, (of_length, of_event) in zip(events, lengths, sums, strict=True)
                for part in (length, struct.pack("<I", of_length), event, struct.pack("<I", of_event))
            )
        )

    def append(self, records: bytes) -> None:
        """Append whole records; errors as of `write`."""
        left = memoryview(records)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._file.truncate(self._size)
            self._file.seek(self._size)
            error.filename = str(self.path)  # for the message; a descriptor has no name
            raise
        self._size += len(records)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def check_folder(folder: Path) -> None:
    """Check that files can be made in a folder, which is made if it is missing.

    Raises:
        OSError: They cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(error.errno, f"TensorBoard cannot write to log_dir: {error.strerror}", str(folder)) from error

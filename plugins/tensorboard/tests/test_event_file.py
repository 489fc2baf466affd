"""Event files: the format, and that no record is ever half there."""

from __future__ import annotations

import errno
import runpy
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New, masked_crc32c

from epochal_tensorboard import checksum, summaries
from epochal_tensorboard.checksum import masked_checksum
from epochal_tensorboard.event_file import LocalEventFile


@given(st.binary(max_size=300))
def test_checksums_are_those_of_tensorboard(record: bytes) -> None:
    assert masked_checksum(record) == masked_crc32c(record)


def test_a_known_checksum() -> None:
    # From RFC 3720, B.4: 32 bytes of zeros have 0x8A9136AA; masked as in TensorFlow's crc32c.h.
    plain = 0x8A9136AA
    assert masked_checksum(bytes(32)) == (((plain >> 15) | (plain << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def test_a_missing_c_extension_is_not_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google_crc32c.cext", None)
    monkeypatch.delitem(sys.modules, "google_crc32c")
    module = runpy.run_path(str(checksum.__file__))
    assert module["google_crc32c"].implementation == "python"
    assert module["masked_checksum"](b"record") == masked_checksum(b"record")


def test_the_first_event_tells_the_version(tmp_path: Path, events: Any) -> None:
    LocalEventFile(str(tmp_path / "a" / "b")).close()
    (event,) = events(tmp_path / "a" / "b")
    assert event.file_version == "brain.Event:2"


def test_tensorboard_s_own_reader_reads_it(tmp_path: Path) -> None:
    file = LocalEventFile(str(tmp_path))
    file.write([summaries.event(step, [summaries.scalar("loss", step / 2)], 1.0) for step in range(3)])
    file.close()
    reader = PyRecordReader_New(file.path)
    found = []
    for _ in range(4):
        reader.GetNext()
        found.append(Event.FromString(reader.record()))
    assert [(each.step, each.summary.value[0].tensor.float_val[0]) for each in found[1:]] == [
        (0, 0.0),
        (1, 0.5),
        (2, 1),
    ]


def test_every_file_has_a_name_of_its_own_in_the_order_of_time(tmp_path: Path) -> None:
    files = [LocalEventFile(str(tmp_path)) for _ in range(12)]
    names = [Path(file.path).name for file in files]
    assert names == sorted(set(names))
    assert all(name.startswith("events.out.tfevents.") for name in names)
    for file in files:
        file.close()


class Disk:
    """A file on a disk that takes so many bytes more, and so many in one call."""

    def __init__(self, file: Any, room: int, at_once: int = 10**9) -> None:
        self.file, self.room, self.at_once = file, room, at_once
        self.calls = 0

    def write(self, content: Any) -> int:
        self.calls += 1
        part = content[: min(self.room, self.at_once)]
        if not len(part):
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(part)
        return int(self.file.write(part))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1, 12, 40, 100])
def test_a_full_disk_leaves_whole_records(tmp_path: Path, events: Any, room: int) -> None:
    file = LocalEventFile(str(tmp_path))
    file.write([summaries.event(1, [summaries.scalar("loss", 0.5)])])
    disk = Disk(file._file, room)
    file._file = disk  # type: ignore[assignment]
    with pytest.raises(OSError, match=r"No space left.*tfevents"):
        file.write([summaries.event(2, [summaries.scalar("loss", 0.25)]) for _ in range(9)])
    assert [event.step for event in events(tmp_path)] == [0, 1]
    disk.room = 10**6  # room was made
    file.write([summaries.event(3, [summaries.scalar("loss", 0.125)])])
    assert [event.step for event in events(tmp_path)] == [0, 1, 3]
    file.close()


def test_many_records_are_one_write(tmp_path: Path) -> None:
    file = LocalEventFile(str(tmp_path))
    disk = Disk(file._file, 10**6)
    file._file = disk  # type: ignore[assignment]
    file.write([summaries.event(step, [summaries.scalar("loss", 0.5)]) for step in range(1000)])
    assert disk.calls == 1
    file.close()


def test_a_write_that_takes_a_part_goes_on(tmp_path: Path, events: Any) -> None:
    file = LocalEventFile(str(tmp_path))
    file._file = Disk(file._file, 10**6, at_once=7)  # type: ignore[assignment]
    file.write([summaries.event(step, [summaries.scalar("loss", 0.5)]) for step in range(5)])
    assert [event.step for event in events(tmp_path)] == [0, 0, 1, 2, 3, 4]
    file.close()


@pytest.mark.parametrize("lost", [1, 4, 20, 60])
def test_readers_stop_before_a_record_that_was_cut_off(tmp_path: Path, lost: int) -> None:
    file = LocalEventFile(str(tmp_path))
    file.write([summaries.event(step, [summaries.scalar("loss", 0.5)]) for step in range(3)])
    file.close()
    content = Path(file.path).read_bytes()
    Path(file.path).write_bytes(content[:-lost])
    reader = PyRecordReader_New(file.path)
    for _ in range(3):  # the version and two of the three
        reader.GetNext()
    with pytest.raises(Exception, match=r"(?i)truncated|no more events"):
        reader.GetNext()


def test_records_of_somebody_else(tmp_path: Path, events: Any) -> None:
    file = LocalEventFile(str(tmp_path))
    record = summaries.event(7, [summaries.scalar("theirs", 0.5)])
    length = struct.pack("<Q", len(record))
    sums = [struct.pack("<I", masked_crc32c(part)) for part in (length, record)]
    file.append(length + sums[0] + record + sums[1])
    assert [event.step for event in events(tmp_path)] == [0, 7]
    file.close()

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from epochal.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_written_and_replaced_whole_with_the_usual_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.bin"
    for content in (b"one", b"two" * 1000):
        write_atomic(path, content)
        assert path.read_bytes() == content
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert [each.name for each in path.parent.iterdir()] == ["file.bin"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]

"""The folder: numbers, what is kept, errors, and kills."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochal import MissingDependencyError, RunError
from epochal_orbax_checkpoint.folder import CheckpointFolder


def _numbers(folder: Path) -> list[int]:
    return sorted(int(name) for name in os.listdir(folder) if name.isdigit())


def _content(value: float) -> dict[str, Any]:
    return {"pytree": {"layer": {"kernel": np.full((2, 3), value, "float32"), "steps": 3}}}


def _load(folder: Path, number: int) -> Any:
    from orbax.checkpoint import v1

    return v1.load_checkpointables(folder / str(number))


def test_a_checkpoint_reads_as_it_was_saved(tmp_path: Path) -> None:
    folder = CheckpointFolder(str(tmp_path), None)
    folder.save(7, {**_content(0.5), "model_config": {"config": "{}"}})
    folder.close()
    loaded = _load(tmp_path, 7)
    layer = loaded["pytree"]["layer"]
    assert layer["kernel"].dtype == np.float32
    assert layer["kernel"].tolist() == [[0.5] * 3] * 2
    assert layer["steps"] == 3
    assert loaded["model_config"] == {"config": "{}"}


def test_folders_of_others_that_have_numbers_stay_and_do_not_count(tmp_path: Path) -> None:
    for name in ("3", "5", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    for kept in (["7", "8"], ["10", "11"]):
        folder = CheckpointFolder(str(tmp_path), 2)
        for _ in range(3):
            folder.save(folder.free(0), _content(0.5))
        folder.close()
        assert sorted(os.listdir(tmp_path)) == sorted(["3", "5", "notes", *kept])
    assert all((tmp_path / name / "file").exists() for name in ("3", "5", "notes"))


def test_what_changes_after_the_call_is_not_saved(tmp_path: Path) -> None:
    content = _content(0.5)
    folder = CheckpointFolder(str(tmp_path), None)
    folder.save(0, content)
    content["pytree"]["layer"]["kernel"][:] = 0.75
    folder.close()
    assert _load(tmp_path, 0)["pytree"]["layer"]["kernel"].max() == 0.5


def test_a_number_that_is_taken_is_not_used_again(tmp_path: Path) -> None:
    folder = CheckpointFolder(str(tmp_path), None)
    for number, free in ((2, 2), (2, 3), (0, 4), (7, 7)):
        assert folder.free(number) == free
        folder.save(free, _content(0.5))
    folder.close()
    again = CheckpointFolder(str(tmp_path), None)
    assert [again.free(number) for number in (0, 7, 8, 9)] == [8, 8, 8, 9]
    again.close()


@pytest.mark.parametrize(("max_to_keep", "kept"), [(1, [3]), (2, [2, 3]), (9, [0, 1, 2, 3]), (None, [0, 1, 2, 3])])
def test_the_latest_are_kept(tmp_path: Path, max_to_keep: int | None, kept: list[int]) -> None:
    folder = CheckpointFolder(str(tmp_path), max_to_keep)
    for number in range(4):
        folder.save(number, _content(number))
    folder.close()
    assert _numbers(tmp_path) == kept


def test_a_file_in_the_place_of_the_folder_is_an_error_at_once(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints"
    path.touch()
    with pytest.raises(NotADirectoryError, match="checkpoints is a file, and a folder of checkpoints is to be there"):
        CheckpointFolder(str(path), 1)


def test_folders_that_are_missing_are_made(tmp_path: Path) -> None:
    CheckpointFolder(str(tmp_path / "a" / "b"), 1).close()
    assert (tmp_path / "a" / "b").is_dir()


def test_what_orbax_refuses_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **keywords: Any) -> None:
        raise ValueError("Cannot save arrays with zero size")

    folder = CheckpointFolder(str(tmp_path), 1)
    monkeypatch.setattr(folder._checkpointer, "save_checkpointables_async", refuse)
    with pytest.raises(RunError, match=r"checkpoint 0 could not be written to .*: ValueError: Cannot save arrays"):
        folder.save(0, _content(0.5))
    folder.close()


def test_saving_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = CheckpointFolder(str(tmp_path), 1)
    folder.save(0, {**_content(0.5), "model_config": {"config": "{}"}})
    folder.close()
    assert "".join(capfd.readouterr()) == ""


def test_orbax_that_is_missing_is_an_error_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with pytest.raises(MissingDependencyError, match=r"Run `pip install orbax-checkpoint`\."):
        CheckpointFolder(str(tmp_path), 1)


def test_several_jax_processes_are_not_covered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jax.process_count", lambda: 2)
    with pytest.raises(RunError, match="2 JAX processes train together"):
        CheckpointFolder(str(tmp_path), 1)


FULL_DISK = """
import resource, signal, sys
import numpy as np
from epochal_orbax_checkpoint.folder import CheckpointFolder

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = CheckpointFolder(sys.argv[1], 1)
folder.save(0, {"pytree": {"a": np.zeros(2)}})
folder.wait()
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))  # no file may be larger
folder.save(1, {"pytree": {"a": np.random.default_rng(0).random(50_000)}})
try:
    folder.close()
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_full_disk_is_an_error_and_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith(f"RunError checkpoint 1 could not be written to {tmp_path}: ")
    assert "File too large" in ended.stdout
    assert "Those before it are as they were." in ended.stdout
    assert _numbers(tmp_path) == [0]
    assert _load(tmp_path, 0)["pytree"]["a"].tolist() == [0, 0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the attempts are forks")
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("killed.py")), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found = ended.stdout.splitlines()
    # Until it has its name the one before is the latest. What is saved afterwards is always later.
    assert set(found) == {"0 0.5 1", "1 0.25 2"}
    assert found == sorted(found)

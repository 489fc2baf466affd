"""A file is whole or not there, whatever goes wrong while it is written."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from epochal.testing import FakeModel
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable


def failing_model(error: BaseException | None = None) -> tuple[FakeModel, Callable[[], None]]:
    """Return a model whose save writes half of the file and raises, once the function that comes with it was called."""
    broken = False

    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)
            save = adapter.save

            def half(path: Any) -> None:
                save(path)
                if broken:
                    Path(path).write_text(Path(path).read_text()[:3])
                    raise error or OSError(errno.ENOSPC, "No space left on device")

            adapter.save = half  # type: ignore[method-assign]
            return adapter

    def begin_to_fail() -> None:
        nonlocal broken
        broken = True

    return Model({"w": 0}), begin_to_fail


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("best", [True, False])
def test_a_save_that_fails_leaves_the_file_of_before(
    fit: Callable[..., FakeModel],
    losses: Callable[..., Any],
    names: Callable[[Path], list[str]],
    weight: Callable[[Path], Any],
    best: bool,
    error: BaseException,
    tmp_path: Path,
) -> None:
    model, begin_to_fail = failing_model(error)
    checkpoint = ModelCheckpoint(tmp_path / "model.keras", "loss", save_best_only=best)
    fit(checkpoint, model=model, values=losses(1.0))
    begin_to_fail()
    with pytest.raises(type(error)):
        fit(checkpoint, model=model, values=losses(0.5))
    assert names(tmp_path) == ["model.keras"]
    assert weight(tmp_path / "model.keras") == 1
    assert checkpoint.best == (1.0 if best else None)  # what is in the file


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_an_error_that_says_what_and_where(
    fit: Callable[..., FakeModel],
    names: Callable[[Path], list[str]],
    weight: Callable[[Path], Any],
    call: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = fit(ModelCheckpoint(tmp_path / "model.keras"))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    path = tmp_path / "model.keras"
    with pytest.raises(
        OSError, match=rf"ModelCheckpoint could not write {path}, and left what was there: No space left on device"
    ) as caught:
        fit(ModelCheckpoint(path), model=model)
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert (names(tmp_path), weight(path)) == (["model.keras"], 1)


def test_a_folder_that_cannot_be_synced_is_a_warning_as_the_file_is_there(
    fit: Callable[..., FakeModel], weight: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fsync = tmp_path / "model.keras", os.fsync
    path.write_text("old")

    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.warns(UserWarning, match=f"wrote {path}, but a power failure may still undo that: .*Input/output"):
        fit(ModelCheckpoint(path))
    assert weight(path) == 1


def test_a_full_disk_is_named_also_where_the_error_does_not(
    fit: Callable[..., FakeModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, words = tmp_path / "model.h5", "Can't destroy cache (slist already enabled?)"  # h5py's, for the older format
    model, begin_to_fail = failing_model(RuntimeError(words))
    begin_to_fail()
    with pytest.raises(RuntimeError, match="Can't destroy cache"):  # there is room, so it is something else
        fit(ModelCheckpoint(path), model=model)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(OSError, match=f"could not write {path}, and left what was there: No space left") as caught:
        fit(ModelCheckpoint(path), model=model)
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value.__cause__) == words


def test_an_error_without_a_number_keeps_its_words(fit: Callable[..., FakeModel], tmp_path: Path) -> None:
    model, begin_to_fail = failing_model(OSError("the words of h5py"))
    begin_to_fail()
    with pytest.raises(OSError, match=r"and left what was there: the words of h5py") as caught:
        fit(ModelCheckpoint(tmp_path / "model.keras"), model=model)
    assert caught.value.errno is None


def test_a_save_that_fails_is_not_counted_by_keep(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    model, begin_to_fail = failing_model()
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1)
    fit(checkpoint, model=model)
    begin_to_fail()
    with pytest.raises(OSError, match="No space left"):
        fit(checkpoint, model=model, epochs=2, initial_epoch=1)
    assert names(tmp_path) == ["1.keras"]
    assert checkpoint.written == [str(tmp_path / "1.keras")]

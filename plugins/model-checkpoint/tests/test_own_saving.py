"""ModelCheckpoint and models that save in a way of their own, without a framework."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from epochal.testing import BareHost, FakeHost, FakeModel
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTS = pytest.mark.parametrize("host", [BareHost, FakeHost])


class Own(FakeModel):
    """A model whose `save` is a function of the path."""

    def __init__(self, save: Callable[[str], None], *, overrides: bool = True) -> None:
        super().__init__({"w": 0})
        self.saves, self.is_own = save, overrides

    def __epochal_adapter__(self, optimizer: Any) -> Any:
        adapter: Any = super().__epochal_adapter__(optimizer)
        adapter.save = self.saves
        adapter.overrides = lambda method: self.is_own
        return adapter


def fit(path: Path | str, save: Callable[[str], None], *, host: Any = BareHost, epochs: int = 2, **options: Any) -> Any:
    checkpoint = ModelCheckpoint(path, **options)
    host(checkpoint, model=Own(save)).fit(epochs=epochs)
    return checkpoint


def save_two(path: str) -> None:
    assert type(path) is str
    Path(path).write_text("model")
    Path(path.replace(".keras", ".json")).write_text("config")


def save_folder(path: str) -> None:
    os.makedirs(path + "/variables", exist_ok=True)
    Path(path, "saved_model.pb").write_text("model")
    Path(path, "variables", "data").write_text("weights")


@HOSTS
def test_files_that_a_model_writes_beside_the_one_that_was_asked_for(
    names: Callable[[Path], list[str]], host: Any, tmp_path: Path
) -> None:
    fit(tmp_path / "{epoch}.keras", save_two, host=host)
    assert names(tmp_path) == ["1.json", "1.keras", "2.json", "2.keras"]


@HOSTS
def test_a_folder_that_a_model_writes(names: Callable[[Path], list[str]], host: Any, tmp_path: Path) -> None:
    for _ in range(2):  # the second time it is there before training
        fit(tmp_path / "model.keras", save_folder, host=host)
    inside = ["model.keras/saved_model.pb", "model.keras/variables", "model.keras/variables/data"]
    assert names(tmp_path) == ["model.keras", *inside]


@HOSTS
def test_a_model_that_writes_nothing_there(
    names: Callable[[Path], list[str]], host: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uploaded: list[str] = []
    checkpoint = fit(tmp_path / "{epoch}.keras", uploaded.append, host=host, epochs=3, keep=1, verbose=1)
    assert [os.path.basename(path) for path in uploaded] == ["1.keras", "2.keras", "3.keras"]
    assert (names(tmp_path), checkpoint.written) == ([], [])
    assert f"Epoch 3: finished saving model to {tmp_path / '3.keras'}" in capsys.readouterr().out


def test_a_model_that_writes_to_an_absolute_path_of_its_own(names: Callable[[Path], list[str]], tmp_path: Path) -> None:
    fit(tmp_path / "models" / "{epoch}.keras", lambda path: (tmp_path / "mine.bin").touch(), keep=1)
    assert names(tmp_path) == ["mine.bin", "models"]


def test_a_model_that_uploads_may_be_asked_for_a_file_in_a_folder_that_takes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _allow_no_folders(monkeypatch, errno.EROFS)
    uploaded: list[str] = []
    fit(tmp_path / "model.keras", uploaded.append)
    assert uploaded == [str(tmp_path / "model.keras")] * 2


def _allow_no_folders(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "mkdir", refuse)


def test_a_file_in_a_folder_that_takes_no_other_is_written_over_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.keras"
    path.write_text("old")
    _allow_no_folders(monkeypatch, errno.EACCES)
    with pytest.warns(UserWarning, match=f"writes over {path}, as its folder takes no other file"):
        BareHost(ModelCheckpoint(path), model=FakeModel({"w": 1})).fit()
    assert path.read_text() == '{"w": 1}'


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC])
def test_a_folder_that_takes_no_file_is_an_error_otherwise(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _allow_no_folders(monkeypatch, number)
    words = f"could not write .*model.keras, and left what was there: {os.strerror(number)}: {tmp_path}$"
    with pytest.raises(OSError, match=words):
        BareHost(ModelCheckpoint(tmp_path / "model.keras"), model=FakeModel({"w": 1})).fit()


def test_where_a_folder_is_in_the_way_of_a_file_nothing_is_replaced(
    names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "model.keras").mkdir()
    with pytest.raises(IsADirectoryError, match="Please specify a non-directory filepath for ModelCheckpoint"):
        fit(tmp_path / "model.keras", save_two)
    assert names(tmp_path) == ["model.keras"]


def test_an_error_between_two_files_names_those_that_are_there(
    names: Callable[[Path], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def full(old: Any, new: Any) -> None:
        if str(new).endswith(".keras"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(old, new)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"1\.keras, and wrote of it only 1\.json: No space left on device"):
        fit(tmp_path / "{epoch}.keras", save_two)
    assert names(tmp_path) == ["1.json"]


def test_the_error_of_an_upload_keeps_its_type(tmp_path: Path) -> None:
    class ConnectionLost(OSError):
        pass

    def upload(path: str) -> None:
        raise ConnectionLost("reset by peer")

    with pytest.raises(ConnectionLost, match=r"^reset by peer$"):
        fit(tmp_path / "model.keras", upload)


def test_an_error_about_another_file_names_it(tmp_path: Path) -> None:
    def read(path: str) -> None:
        (tmp_path / "vocabulary.txt").read_text()

    with pytest.raises(FileNotFoundError, match=r"model\.keras.*: No such file or directory: .*vocabulary\.txt"):
        fit(tmp_path / "model.keras", read)


# What `keep` removes of it


def test_keep_removes_what_has_the_name_of_the_file_with_another_end(
    names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    def save(path: str) -> None:
        save_two(path)
        Path(path + ".index").touch()
        Path(path).with_name("vocabulary.txt").touch()  # all of them have this one
        Path(path).with_name("10.json").touch()  # begins with "1", and is not of the first

    checkpoint = fit(tmp_path / "{epoch}.keras", save, epochs=3, keep=1)
    assert names(tmp_path) == ["10.json", "3.json", "3.keras", "3.keras.index", "vocabulary.txt"]
    assert checkpoint.written == [str(tmp_path / "3.keras")]


def test_keep_removes_folders(names: Callable[[Path], list[str]], tmp_path: Path) -> None:
    fit(tmp_path / "{epoch}.keras", save_folder, epochs=3, keep=1)
    inside = ["3.keras/saved_model.pb", "3.keras/variables", "3.keras/variables/data"]
    assert names(tmp_path) == ["3.keras", *inside]


def test_keep_counts_a_save_whose_files_have_other_ends(names: Callable[[Path], list[str]], tmp_path: Path) -> None:
    fit(tmp_path / "{epoch}.keras", lambda path: Path(path.replace(".keras", ".npz")).touch(), epochs=3, keep=2)
    assert names(tmp_path) == ["2.npz", "3.npz"]

"""What is said of a path before training, and of one that cannot be written to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

import epochal
from epochal.errors import PreflightError
from epochal.testing import BareHost, FakeModel
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


KNOWN = {"loss": "min", "kl_loss": "min"}


def modeled(**options: Any) -> Any:
    return FakeModel({"w": 0}, metrics=KNOWN, **options)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("{epoch}-{los}", "names 'los', and the model does not report it. Did you mean 'loss'"),
        ("{epoch}-{val_loss:.3f}", "names 'val_loss', and this fit has no validation data. Pass validation_data or"),
        ("{batch}", "'batch', which has a value only when save_freq is a number of batches"),
        ("{loss:d}", "names 'loss', and its value does not take the format: Unknown format code 'd'"),
        ("{epoch:x>3.1d}", "names 'epoch', and its value does not take the format"),
    ],
)
def test_a_field_that_is_certain_to_fail_is_an_error_before_training(
    fit: Callable[..., FakeModel], path: str, message: str, tmp_path: Path
) -> None:
    model = modeled()
    with pytest.raises(PreflightError, match=message) as raised:
        fit(ModelCheckpoint(tmp_path / f"{path}.keras"), model=model)
    assert model.weights == {"w": 0}
    assert "kl_loss'?" not in str(raised.value)


def test_a_field_of_validation_is_an_error_also_if_the_models_keys_are_not_known(
    fit: Callable[..., FakeModel], tmp_path: Path
) -> None:
    with pytest.raises(PreflightError, match="names 'val_loss', and this fit has no validation data"):
        fit(ModelCheckpoint(tmp_path / "{val_loss}.keras"))


@pytest.mark.parametrize("save_freq", [1, 10**6])
def test_batches_have_no_values_of_validation(fit: Callable[..., FakeModel], save_freq: int, tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{val_loss}-{batch}.keras", save_freq=save_freq)
    message = "names 'val_loss', and batches have no values of validation"
    if save_freq == 1:
        with pytest.raises(PreflightError, match=message):
            fit(checkpoint, model=modeled(), validation_steps=1)
    else:  # nothing is ever saved
        with pytest.warns(UserWarning, match=message):
            fit(checkpoint, model=modeled(), validation_steps=1)


def test_a_field_that_another_callback_may_give_is_a_warning_and_then_filled(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    class Rate(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["val_rate"] = 0.5

    message = "names 'val_rate', and this fit has no validation data, unless rate adds it"
    with pytest.warns(UserWarning, match=message):
        fit(ModelCheckpoint(tmp_path / "{val_rate}.keras"), Rate(), model=modeled())
    assert names(tmp_path) == ["0.5.keras"]


def test_in_a_bare_fit_of_which_nothing_is_known_a_field_that_does_not_come_is_a_warning(
    bare: Callable[..., ModelCheckpoint], tmp_path: Path
) -> None:
    checkpoint = bare(ModelCheckpoint(tmp_path / "{epoch}-{val_los}.keras"), modeled())
    with pytest.warns(UserWarning, match="names 'val_los'.*Did you mean 'val_loss'"):
        checkpoint.preflight()
    bare(ModelCheckpoint(tmp_path / "{epoch}-{batch}-{loss}.keras", save_freq=1), modeled()).preflight()


def test_a_field_that_did_not_come_is_a_key_error_as_in_keras(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    with pytest.raises(KeyError, match=r"names 'acc', which has no value\. There are: loss, epoch"):
        fit(ModelCheckpoint(tmp_path / "{acc}.keras"))
    assert names(tmp_path) == []


@pytest.mark.parametrize("in_run", [True, False])
def test_a_path_that_is_a_folder_is_found_before_training(
    fit: Callable[..., FakeModel], in_run: bool, tmp_path: Path
) -> None:
    (tmp_path / "model.keras").mkdir()
    checkpoint = ModelCheckpoint(tmp_path / "model.keras")
    with pytest.raises((PreflightError, OSError), match="specify a non-directory filepath for ModelCheckpoint"):
        fit(checkpoint) if in_run else BareHost(checkpoint).fit()


def test_a_path_with_fields_that_becomes_a_folder_is_an_error_when_it_is_written(
    fit: Callable[..., FakeModel], tmp_path: Path
) -> None:
    (tmp_path / "1.keras").mkdir()
    with pytest.raises(OSError, match=r"Filepath used is an existing directory: .*1\.keras"):
        fit(ModelCheckpoint(tmp_path / "{epoch}.keras"))


def test_a_path_below_a_file_is_found_before_training(fit: Callable[..., FakeModel], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PreflightError, match="file is not a folder"):
        fit(ModelCheckpoint(tmp_path / "file" / "{epoch}" / "model.keras"))


def test_a_folder_that_allows_no_writing_is_said_before_training(
    bare: Callable[..., ModelCheckpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.warns(UserWarning, match=f"may not be able to write to .*: {tmp_path} allows no writing"):
        bare(ModelCheckpoint(tmp_path / "new" / "{epoch}.keras")).preflight()


@pytest.mark.parametrize("path", ["gs://bucket/{epoch}.keras", "s3://bucket/model.keras"])
def test_an_address_is_handed_to_the_framework_as_it_is(
    fit: Callable[..., FakeModel],
    names: Callable[[Path], list[str]],
    path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved: list[Any] = []

    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)
            monkeypatch.setattr(adapter, "save", saved.append)
            return adapter

    monkeypatch.chdir(tmp_path)
    fit(ModelCheckpoint(path), model=Model({"w": 0}))
    assert saved == [path.format(epoch=1)]
    assert names(tmp_path) == []

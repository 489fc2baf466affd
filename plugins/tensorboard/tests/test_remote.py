"""Folders at an address, through the file systems that the tensorboard package knows."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from google.protobuf import text_format
from tensorboard.compat.tensorflow_stub.io import gfile
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from epochal.errors import MissingDependencyError
from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard, event_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Store:
    """An object store in memory: without folders, and without a way to append.

    Attributes:
        objects: Address to content.
        writes: The addresses that were written to, in order.
        refuses: Whether it takes nothing.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.writes: list[str] = []
        self.refuses = False

    def exists(self, filename: Any) -> bool:
        return _text(filename) in self.objects

    def makedirs(self, path: Any) -> None:
        if self.refuses:
            raise RuntimeError("403: no bucket of yours")

    def write(self, filename: Any, content: bytes, binary_mode: bool = False) -> None:
        if self.refuses:
            raise RuntimeError("503: later")
        self.objects[_text(filename)] = bytes(content)
        self.writes.append(_text(filename))

    def read(self, filename: Any, binary_mode: bool = False, size: Any = None, continue_from: Any = None) -> Any:
        return self.objects[_text(filename)], None

    def copy_to(self, folder: Path) -> Path:
        """Write what is there to files, for the readers of files."""
        for address, content in self.objects.items():
            path = folder / address.partition("://")[2]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


@pytest.fixture
def store() -> Iterator[Store]:
    kept = Store()
    gfile.register_filesystem("store", kept)
    yield kept
    del gfile._REGISTERED_FILESYSTEMS["store"]


def test_metrics_arrive(model: Any, store: Store, tmp_path: Path, scalars: Any) -> None:
    board = TensorBoard("store://bucket/run", update_freq=1, histogram_freq=1)
    FakeHost(board, model=model).fit(epochs=2, validation_steps=1)
    folder = store.copy_to(tmp_path) / "bucket" / "run"
    assert [step for step, _ in scalars(folder / "train")["epoch_loss"]] == [0, 1]
    assert len(scalars(folder / "train")["batch_loss"]) == 6
    assert [step for step, _ in scalars(folder / "validation")["epoch_loss"]] == [0, 1]


def test_a_file_is_uploaded_at_once_and_then_every_two_minutes(
    model: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("epochal_tensorboard.event_file.time.monotonic", lambda: now)
    seen: list[int] = []

    def step(epoch: int, batch: int) -> None:
        nonlocal now
        now += 50
        seen.append(len(store.writes))

    FakeHost(TensorBoard("store://bucket/run"), model=model).fit(epochs=8, steps=1, step=step)
    assert seen == [1, 1, 1, 2, 2, 2, 3, 3]
    assert len(store.objects) == 1


def test_a_large_file_is_followed_by_another(
    model: Any, store: Store, tmp_path: Path, scalars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_file, "UPLOAD_SECONDS", 0.0)
    monkeypatch.setattr(event_file, "LARGEST_UPLOAD", 500)
    FakeHost(TensorBoard("store://bucket/run"), model=model).fit(epochs=30)
    folder = store.copy_to(tmp_path) / "bucket" / "run" / "train"
    assert len(list(folder.iterdir())) > 2
    assert [step for step, _ in scalars(folder)["epoch_loss"]] == list(range(30))


def test_an_upload_that_fails_is_tried_again(
    model: Any, store: Store, tmp_path: Path, scalars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_file, "UPLOAD_SECONDS", 0.0)

    def step(epoch: int, batch: int) -> None:
        store.refuses = epoch in (1, 2)

    with pytest.warns(UserWarning, match=r"TensorBoard cannot write store://.*503: later"):
        FakeHost(TensorBoard("store://bucket/run"), model=model).fit(epochs=4, step=step)
    folder = store.copy_to(tmp_path) / "bucket" / "run" / "train"
    assert [step for step, _ in scalars(folder)["epoch_loss"]] == [0, 1, 2, 3]


def test_the_last_upload_that_fails_is_an_error(model: Any, store: Store, bare_fit: Any) -> None:
    class Refuses(TensorBoard):
        def on_train_end(self, logs: Any = None) -> None:
            store.refuses = True
            super().on_train_end(logs)

    with pytest.raises(OSError, match="503: later"):
        bare_fit(Refuses("store://bucket/run"), model)


def test_a_store_that_refuses_is_said_before_training(
    model: Any, store: Store, bare_fit: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    store.refuses = True
    said: list[str] = []
    board = TensorBoard("store://bucket/run")
    FakeHost(board, model=model).fit(step=lambda epoch, batch: said.append(capsys.readouterr().out))
    assert "403: no bucket of yours" in said[0]
    with pytest.raises(OSError, match="403: no bucket of yours"):
        bare_fit(board, model)


def test_embeddings_and_their_metadata(model: Any, store: Store) -> None:
    store.objects["store://bucket/run/words.tsv"] = b"a\nb\n"
    model.matrices = {"words": np.zeros((2, 2))}
    board = TensorBoard("store://bucket/run", embeddings_freq=1, embeddings_metadata={"words": "words.tsv"})
    FakeHost(board, model=model).fit()
    config = store.objects["store://bucket/run/train/projector_config.pbtxt"].decode()
    (entry,) = text_format.Parse(config, ProjectorConfig()).embeddings
    assert store.objects[f"store://bucket/run/train/{entry.tensor_path}"] == b"0\t0\n0\t0\n"
    assert store.objects[f"store://bucket/run/train/{entry.metadata_path}"] == b"a\nb\n"


def test_a_profile_is_copied_there(model: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def record(folder: str) -> None:
        from pathlib import Path

        (Path(folder) / "plugins" / "profile").mkdir(parents=True)
        (Path(folder) / "plugins" / "profile" / "host.pb").write_bytes(b"recorded")

    adapter = type(model.__epochal_adapter__(None))
    monkeypatch.setattr(adapter, "start_profiler", lambda self, folder: record(folder))
    FakeHost(TensorBoard("store://bucket/run", profile_batch=2), model=model).fit()
    assert store.objects["store://bucket/run/train/plugins/profile/host.pb"] == b"recorded"


def test_a_scheme_that_nothing_knows_is_an_error_before_training(
    model: Any, bare_fit: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed
    message = r"nothing that is installed writes to 'nix://bucket/run/train' .* Install fsspec"
    said: list[str] = []
    FakeHost(TensorBoard("nix://bucket/run"), model=model).fit(step=lambda *_: said.append(capsys.readouterr().out))
    assert re.search(message, " ".join(said[0].split()))
    with pytest.raises(MissingDependencyError, match=message):
        bare_fit(TensorBoard("nix://bucket/run"), model)

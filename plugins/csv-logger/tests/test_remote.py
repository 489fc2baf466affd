"""A log at an address."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest

from epochal.errors import MissingDependencyError
from epochal.testing import FakeHost
from epochal_csv_logger import CSVLogger, places

ADDRESS = "gs://bucket/run/log.csv"


class Store:
    """An object store, in the place of `RemoteFiles`."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.folders: list[str] = []

    def make_folder(self, address: str) -> None:
        self.folders.append(address)

    def read(self, address: str) -> bytes | None:
        return self.objects.get(address)

    def write(self, address: str, content: bytes) -> None:
        self.objects[address] = content


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(places, "remote_files", lambda address, owner: made)
    return made


def _values(epoch: int, batch: int) -> dict[str, Any]:
    return {"loss": 0.5, **({"mae": 2.0} if epoch else {})}


def test_rows_are_there_when_their_epoch_ends(store: Store) -> None:
    seen: list[bytes | None] = []
    callback = CSVLogger(ADDRESS)
    FakeHost(callback).fit(epochs=3, values=_values, step=lambda *_: seen.append(store.read(ADDRESS)))
    assert store.folders == ["gs://bucket/run"]
    assert seen[3] == b"epoch,loss\r\n0,0.5\r\n"
    assert store.objects == {ADDRESS: b"epoch,loss,mae\r\n0,0.5,NA\r\n1,0.5,2.0\r\n2,0.5,2.0\r\n"}
    assert copy.deepcopy(callback).filename == ADDRESS


def test_rows_are_appended_and_replaced(store: Store) -> None:
    FakeHost(CSVLogger(ADDRESS)).fit(epochs=3)
    with pytest.warns(UserWarning, match="are replaced"):
        FakeHost(CSVLogger(ADDRESS, append=True)).fit(initial_epoch=2, epochs=4)
    assert [line.split(b",")[0] for line in store.objects[ADDRESS].split()] == [b"epoch", b"0", b"1", b"2", b"3"]


def test_an_address_that_nothing_knows_is_an_error_when_training_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("tensorflow", "tensorboard", "tensorboard.compat.tensorflow_stub.io.gfile"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=r"CSVLogger: nothing that is installed writes to 'gs://.*gcsfs"):
        CSVLogger(ADDRESS).on_train_begin()

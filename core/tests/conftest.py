"""What several files share: made-up distributions that are read as installed ones are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import importlib_metadata
import pytest
from hypothesis import settings

from epochal.discovery import AUTOLOAD_GROUP, GROUP, Catalogue, discover

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

settings.register_profile("epochal", deadline=None)  # no test asserts a time
settings.load_profile("epochal")

PINNED_SOURCE = """
import epochal

class BaseLogger(epochal.Callback):
    priority = epochal.Priority.METRICS

class History(epochal.Callback):
    priority = epochal.Priority.METRICS

    def __init__(self):
        self.history = {}
        self.epoch = []

    def on_epoch_finalized(self, epoch, logs):
        self.epoch.append(epoch)
        for key, value in logs.items():
            self.history.setdefault(key, []).append(value)
"""


class Site:
    """A folder of made-up distributions, first on sys.path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: set[str] = set()

    def package(self, name: str, source: str = "") -> None:
        """Write a package of one file."""
        (self.folder / name).mkdir()
        (self.folder / name / "__init__.py").write_text(source)

    def distribution(
        self,
        name: str,
        version: str = "1.0",
        *,
        callbacks: Mapping[str, str] | None = None,
        autoload: Mapping[str, str] | None = None,
        requires: Sequence[str] = (),
    ) -> None:
        """Write the metadata of a distribution, as pip would install it."""
        metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
        groups = {GROUP: callbacks or {}, AUTOLOAD_GROUP: autoload or {}}
        lines = []
        for group, entries in groups.items():
            lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()), ""]
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        self.written.add(name)
        (info / "METADATA").write_text("\n".join(metadata) + "\n")
        (info / "entry_points.txt").write_text("\n".join(lines))
        self.refresh()

    def pinned(self) -> None:
        """Write a distribution each for the pinned two, which hide those that are really installed."""
        self.package("pinned_package", PINNED_SOURCE)
        self.distribution("epochal-base-logger", callbacks={"base_logger": "pinned_package:BaseLogger"})
        self.distribution("epochal-history", callbacks={"history": "pinned_package:History"})

    def refresh(self) -> None:
        """Have the folder read anew."""
        importlib_metadata.MetadataPathFinder().invalidate_caches()  # 6.0 has no class method

    def catalogue(self) -> Catalogue:
        """Give the records of these distributions alone, whatever else is installed."""
        return Catalogue(tuple(record for record in discover().records if record.distribution in self.written))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder of made-up distributions, first on sys.path; what is imported from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]

"""What several files share: made-up distributions, a callback to check, one that notes its events, a driver."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import importlib_metadata
import pytest
from hypothesis import settings

from epochal.installed.discovery import Catalogue, discover
from epochal.installed.metadata import AUTOLOAD_GROUP, GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from epochal.engine.driver import Driver
    from epochal.testing import Subject

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


CAREFUL_SOURCE = """
import os, sys, threading
import epochal

class Careful(epochal.Callback):
    \"\"\"Stops when the loss no longer falls.\"\"\"

    provides = ("waited",)
    state_attributes = ("wait", "best")

    def __init__(self, patience: int = 2) -> None:
        if patience < 1:
            raise ValueError("patience is too small")
        self.patience = patience
        self.wait, self.best, self.file = 0, None, None

    def on_run_begin(self):
        self.file = open("notes", "w")

    def on_train_begin(self, logs=None):
        if self.starts_afresh():
            self.wait, self.best = 0, None

    def on_epoch_end(self, epoch, logs=None):
        loss = logs.get("loss", 0.0)
        self.wait = 0 if self.best is None or loss < self.best else self.wait + 1
        self.best = loss if self.best is None else min(loss, self.best)
        logs["waited"] = self.wait
        if self.wait >= self.patience:
            self.stop_training("enough")

    def on_run_end(self):
        self.file.close()
        self.file = None
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
        """Read the folder anew."""
        importlib_metadata.MetadataPathFinder().invalidate_caches()  # 6.0 has no class method

    def catalogue(self) -> Catalogue:
        """Return the records of these distributions alone, whatever else is installed."""
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


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset all of our environment variables."""
    from epochal.settings.reading import VARIABLES

    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def empty_project(no_variables: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new folder, which is the working directory, with none of our environment variables set."""
    here = tmp_path / "project"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def careful() -> str:
    """The source of a callback that decides by a state, adds to the logs, and has something open while it runs."""
    return CAREFUL_SOURCE


@pytest.fixture
def outcome() -> Callable[[Subject, str], tuple[bool, str]]:
    """Return a function that tells whether a check of the conformance suite holds for a subject, and what it says."""
    from epochal.testing.checks.check import run_check
    from epochal.testing.checks.suite import checks_of

    def outcome(subject: Subject, name: str) -> tuple[bool, str]:
        (check,) = (each for each in checks_of(subject) if each.name == name)
        result = run_check(check, subject)
        return result.holds, result.detail

    return outcome


@pytest.fixture
def recorder(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return a function that makes a callback with every event: it notes them, and raises where told to.

    `recorder("Mine", raises={"on_epoch_end": ValueError()})` is of a class `Mine` of the test's module.
    """
    from epochal import Callback
    from epochal.hookspecs import EVENTS, OWN_EVENTS

    module = request.module.__name__

    def method(event: str) -> Any:
        if event not in OWN_EVENTS:
            return lambda self, *values: self.note(event, values)
        arguments = ", ".join(EVENTS[event])  # taken by name
        return eval(f"lambda self, {arguments}: self.note({event!r}, ({arguments},))")

    def make(name: str, *, raises: dict[str, BaseException] | None = None, critical: bool = True) -> Any:
        def note(self: Any, event: str, values: tuple[Any, ...]) -> None:
            self.events.append(event)
            self.values.append((event, values))
            if raises and event in raises:
                raise raises[event]

        methods = {event: method(event) for event in EVENTS}
        made: Any = type(name, (Callback,), {**methods, "note": note, "critical": critical, "__module__": module})()
        made.events, made.values = [], []
        return made

    return make


@pytest.fixture
def driver() -> Callable[..., Driver]:
    """Return a function that makes the driver of a run with some callbacks, for a test that is its host."""
    from epochal.choosing.selection import arrange
    from epochal.engine.driver import Driver
    from epochal.engine.member import make_member
    from epochal.run import Run

    def make(*callbacks: Any, model: Any = None, stage: str = "train") -> Driver:
        members = [make_member(type(each).__name__.lower(), each, None, i) for i, each in enumerate(callbacks)]
        return Driver(Run(model, stage), arrange(members))

    return make

"""What the tests of other people's callbacks share: the ways in which somebody brings one into a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import importlib_metadata
import pytest
import tomlkit

import epochal
from epochal.settings.names import snake_case

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WAYS = ("object", "object, bare", "config", "config, bare", "entry point")
"""Given in code or named in the config, in `epochal.fit` or in the model's own; or named in code, from a package."""


@dataclass
class Way:
    """One of the ways to bring a callback into a run.

    Args:
        way: Which one.
        folder: Where the config file and the package's metadata are written; first on `sys.path`.
    """

    way: str
    folder: Path

    def fit(self, model: Any, *data: Any, callback: str, parameters: Mapping[str, Any] = {}, **arguments: Any) -> Any:
        """Train with the callback `package.module:Class`, and give the History.

        Parameters have values of TOML; what is code is named by `module:name`.
        """
        return self.call("fit", model, *data, callback=callback, parameters=parameters, **arguments)

    def call(
        self, method: str, model: Any, *data: Any, callback: str, parameters: Mapping[str, Any], **arguments: Any
    ) -> Any:
        """Call `fit`, `evaluate` or `predict` with the callback; give what it gives."""
        given = self._brought(callback, parameters)
        arguments = {"verbose": 0, **arguments}
        if self.way.endswith("bare"):
            return getattr(model, method)(*data, callbacks=epochal.callbacks(*given), **arguments)
        return getattr(epochal, method)(model, *data, callbacks=given, **arguments)

    def _brought(self, callback: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Write what stands outside of the code, and give what the code passes."""
        name = snake_case(callback.rpartition(":")[2])
        if self.way.startswith("object"):
            return [_named(callback)(**{key: _named(value) for key, value in parameters.items()})]
        if self.way == "entry point":
            self._install(name, callback)
            self._configure(name, parameters)
            return [name]
        self._configure(callback, parameters)
        return []

    def _configure(self, key: str, parameters: Mapping[str, Any]) -> None:
        (self.folder / "epochal.toml").write_text(tomlkit.dumps({"callbacks": {key: parameters}}))

    def _install(self, name: str, callback: str) -> None:
        """Write the metadata of a package that ships the callback, as pip would."""
        info = self.folder / "epochal_theirs-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: epochal-theirs\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[epochal.callbacks]\n{name} = {callback}\n")
        importlib_metadata.MetadataPathFinder.invalidate_caches()


def _named(value: Any) -> Any:
    """Return the object for `package.module:name`, and any other value as it is."""
    if not isinstance(value, str) or ":" not in value:
        return value
    return importlib_metadata.EntryPoint("", value, "").load()


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory with an empty config file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("EPOCHAL_CONFIG", str(tmp_path / "epochal.toml"))
    (tmp_path / "epochal.toml").touch()
    return tmp_path


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, _folder: Path) -> Way:
    """Return each of the ways, in a working directory of its own."""
    return Way(request.param, _folder)


@pytest.fixture
def named(_folder: Path) -> Way:
    """Return the one where the config names the callback, for what does not depend on the way."""
    return Way("config", _folder)

"""What only the root knows by hand, held against the folders; and what every package has to have."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
PACKAGES = [ROOT / "core", *PLUGINS]


def _project(folder: Path) -> Any:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=~! ;]", requirement, maxsplit=1)[0]


def test_the_root_names_every_plugin() -> None:
    root = _project(ROOT)
    names = {_project(folder)["project"]["name"] for folder in PLUGINS}
    extras = root["project"]["optional-dependencies"]
    own = {"all", "tensorflow", "demo", "notebook"}
    assert {f"epochal-{extra}" for extra in extras if extra not in own} == names
    assert all([_name(each) for each in extras[extra]] == [f"epochal-{extra}"] for extra in extras if extra not in own)
    assert set(re.findall(r"\[(.*)\]", extras["all"][0])[0].split(",")) == set(extras) - own
    assert set(root["tool"]["uv"]["sources"]) == names | {"epochal-core"}
    assert {_name(each) for each in root["project"]["dependencies"]} <= names | {"epochal-core"}


def test_the_root_depends_on_what_every_run_starts_with() -> None:
    from epochal.engine.ordering import PINNED
    from epochal.installed.discovery import discover

    needed = {record.distribution for record in discover().records if record.name in PINNED or record.autoload}
    assert needed <= {_name(each) for each in _project(ROOT)["project"]["dependencies"]}


def test_nothing_depends_hard_on_a_framework() -> None:
    for folder in (ROOT, *PACKAGES):
        names = {_name(each) for each in _project(folder)["project"]["dependencies"]}
        assert not names & {"tensorflow", "keras", "jax", "torch", "tf-keras"}


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_follows_the_conventions(folder: Path) -> None:
    project = _project(folder)["project"]
    entries = project["entry-points"]["epochal.callbacks"]
    assert project["name"] == f"epochal-{folder.name}"
    package = f"epochal_{folder.name.replace('-', '_')}"
    assert list(entries) == [folder.name.replace("-", "_")]
    assert all(value.startswith(f"{package}:") for value in entries.values())
    assert {_name(each) for each in project["dependencies"]} & {f"epochal-{other.name}" for other in PLUGINS} == set()
    assert "epochal-core" in {_name(each) for each in project["dependencies"]}


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_a_package_is_complete(folder: Path) -> None:
    assert (folder / "README.md").read_text().count("\n") > 10
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert list(folder.glob("src/*/py.typed"))
    assert list(folder.glob("tests/test_*.py"))
    versions = {_project(each)["project"]["version"] for each in (ROOT, *PACKAGES)}
    assert len(versions) == 1


def test_no_plugin_imports_another_or_a_framework_at_import() -> None:
    for folder in PLUGINS:
        own = f"epochal_{folder.name.replace('-', '_')}"
        for path in folder.glob("src/**/*.py"):
            for line in path.read_text().splitlines():
                assert not re.match(r"(import|from) (tensorflow|keras|jax|torch|tf_keras)\b", line), path
                found = re.match(r"\s*(?:import|from) (epochal_\w+)", line)
                assert not found or found[1] == own, path

"""The pages that are written from the code are those of this code, and the page about settings is right."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from epochal.choosing.choice import Choice
from epochal.cli import main
from epochal.reports.plan import make_plan
from epochal.settings.reading import KEYS, VARIABLES, read_file

from .reference_pages import FOLDER, PAGES

if TYPE_CHECKING:
    from pathlib import Path

CHOOSING = (FOLDER.parent / "how-to" / "choosing.md").read_text()
MY_PROJECT = """
import epochal

class LossPrinter(epochal.Callback):
    def on_epoch_end(self, epoch, logs=None): ...

def warmup(epoch, rate):
    return rate
"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "run `nox -s pages`"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", CHOOSING, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "my_project.py").write_text(MY_PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("text", _blocks("toml"))
def test_every_config_of_the_page_is_one_that_a_run_can_begin_with(project: Path, text: str) -> None:
    path = project / ("pyproject.toml" if "[tool." in text else "epochal.toml")
    path.write_text(text)
    layer = read_file(path)
    assert layer.problems == ()
    assert any((layer.enable, layer.tables, layer.prefer, layer.priority))
    assert make_plan(Choice.here(project)).problems == ()


@pytest.mark.parametrize("text", _blocks("sh"))
def test_every_command_of_the_page_works(
    project: Path, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in text.splitlines():
        words = shlex.split(line)
        with monkeypatch.context() as patched:
            while "=" in words[0]:
                name, _, value = words.pop(0).partition("=")
                assert name in VARIABLES
                patched.setenv(name, value)
            if words[0] == "epochal" and words[1] != "run":
                assert main(words[1:]) == 0, capsys.readouterr().err
                assert make_plan(Choice.here(project)).problems == ()


def test_the_page_names_every_way_to_set_something() -> None:
    for word in (*KEYS, *VARIABLES):
        assert word in CHOOSING, word

"""The tutorial does what it says: its files, its commands and its config, in their order."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from epochal.choosing.choice import Choice
from epochal.choosing.selection import select
from epochal.cli import main
from epochal.new.package_names import read_names
from epochal.new.render import render
from epochal.reports.plan import make_plan
from epochal.settings.reading import VARIABLES
from epochal.testing import FakeHost

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parent.parent / "docs/tutorial/writing.md").read_text()
FILES = dict(re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)).split("\n")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        if name != "epochal.toml":
            (tmp_path / name).write_text(text)
    yield tmp_path
    for name in ("my_callback", "loss_printer"):
        sys.modules.pop(name, None)


def test_the_page_has_its_files_and_commands() -> None:
    assert [*FILES] == [
        "train.py",
        "loss_printer.py",
        "patient_printer.py",
        "plain.py",
        "my_callback.py",
        "epochal.toml",
    ]
    assert len([line for line in FILES["train.py"].splitlines() if line.strip()]) <= 10
    assert len([line for line in COMMANDS if line.startswith("epochal ")]) == 7


def test_a_function_an_object_and_a_module_are_callbacks(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(project))
    train = FILES["train.py"]
    exec(compile(train, "train.py", "exec"), {"__name__": "__main__"})
    lines = re.findall(r"^epoch (\d): loss \d\.\d{4}$", capsys.readouterr().out, flags=re.MULTILINE)
    assert lines == ["1", "2", "3", "4"]
    object_ = "from loss_printer import LossPrinter\n" + train.replace("[on_epoch_end]", "[LossPrinter(every=2)]")
    exec(compile(object_, "train.py", "exec"), {"__name__": "__main__"})
    lines = re.findall(r"^epoch (\d): loss \d\.\d{4}$", capsys.readouterr().out, flags=re.MULTILINE)
    assert lines == ["2", "4"]


def test_files_are_switched_on_by_their_path(project: Path) -> None:
    (line,) = (line for line in COMMANDS if "--set" in line)
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(line)], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^epoch (\d): loss$", done.stdout, flags=re.MULTILINE) == ["1", "2", "3", "4"]
    assert re.findall(r"^epoch (\d): loss \d", done.stdout, flags=re.MULTILINE) == ["2", "4"]
    assert re.search(r"^run \S+ begins$", done.stdout, flags=re.MULTILINE)


def test_the_config_switches_the_same_on(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "epochal.toml").write_text(FILES["epochal.toml"])
    plan = make_plan(Choice.here(project))
    assert plan.problems == ()
    assert {"my_callback", "loss_printer"} <= {member.name for member in plan.members}
    run = FakeHost(*(member.callback for member in plan.members if "file" in member.origin)).fit(epochs=2)
    assert run.outcome is not None
    assert run.outcome.status == "completed"
    printed = capsys.readouterr().out.splitlines()
    assert sorted(printed)[:3] == ["epoch 1: loss", "epoch 2: loss", "epoch 2: loss 0.4950"]


def test_every_other_command_does_something(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in COMMANDS:
        words = shlex.split(line)
        if words[:1] == ["epochal"] and words[1] != "run":
            assert main(words[1:]) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert "loss_printer: LossPrinter of file loss_printer.py" in printed
    assert (project / "epochal-loss-printer" / "pyproject.toml").is_file()


def test_the_package_is_the_one_of_the_page(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = render(read_names("loss-printer"))
    (entry,) = re.findall(r'^loss_printer = .*"$', PAGE, flags=re.MULTILINE)
    assert entry in texts["pyproject.toml"]
    assert "src/epochal_loss_printer/loss_printer.py" in texts
    assert "from epochal.testing import FakeHost, conformance\n" in texts["tests/test_loss_printer.py"]
    assert main(["new", "loss-printer", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    commands = [line for line in COMMANDS if line.startswith("python")]
    assert made["next"][:2] == commands


def test_an_object_of_any_class_with_marked_methods_is_a_callback() -> None:
    import epochal

    class Counter:
        epochs = 0

        @epochal.hookimpl
        def on_epoch_end(self, epoch: int) -> None:
            self.epochs = epoch + 1

    counter = Counter()
    assert "counter" in [member.name for member in select(counter)]
    FakeHost(counter).fit(epochs=3)
    assert counter.epochs == 3

"""`epochal list` and `epochal demo`, as typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from epochal.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def _epochal(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "epochal", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_list_shows_every_callback_whole_when_piped_and_imports_no_framework() -> None:
    done = _epochal("list", COLUMNS="20", FORCE_COLOR="1")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines[1:]] == ["base_logger", "history", "progbar_logger"]
    assert lines[1][1:] == ["always", "epochal-base-logger", "0.1.0"]

    script = (
        "import sys, epochal.cli; epochal.cli.main(['list']);"
        "print(sorted({'keras', 'tensorflow', 'numpy'} & {*sys.modules}))"
    )
    imported = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert imported.stdout.splitlines()[-1] == "[]"


def test_demo_trains_evaluates_explains_and_says_where_the_results_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--epochs", "2"]) == 0
    printed = capsys.readouterr().out
    assert "Epoch 2/2" in printed
    assert "val_accuracy" in printed
    order = ["base_logger", "history", "progbar_logger"]
    places = [printed.rindex(name) for name in order]
    assert places == sorted(places)
    assert "pinned: always loaded first" in printed
    results = json.loads((tmp_path / "epochal-demo" / "results.json").read_text())
    assert [row["epoch"] for row in results["history"]] == [0, 1]
    assert "epochal-demo/results.json" in printed
    assert f"{results['test']['accuracy']:.1%}" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lst"], "invalid choice: 'lst'"),
        (["demo", "--epochs", "0"], "--epochs"),
        (["demo", "--epochs", "many"], "'many'"),
        (["list", "extra"], "unrecognized arguments: extra"),
    ],
)
def test_a_wrong_call_is_told_in_a_line_without_a_traceback(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_before_anything_trains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--out", str(tmp_path / "file" / "folder")]) == 1
    assert "Choose another with --out" in capsys.readouterr().err


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "show the installed callbacks" in capsys.readouterr().out

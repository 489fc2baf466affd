"""The README does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_the_first_block_is_two_commands_that_each_set_everything_up() -> None:
    language, text = BLOCKS[0]
    demo, tests = text.splitlines()
    assert language == "sh"
    start = 'python3 -m venv .venv && .venv/bin/pip install -q "nox[uv]" && .venv/bin/nox -s '
    assert demo == f"{start}demo"
    assert tests == f"{start}tests"


def test_the_script_runs_and_says_what_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = [text for language, text in BLOCKS if language == "python"]
    assert len([line for line in scripts[0].splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(tmp_path)
    for script in scripts:
        exec(compile(script, "README.md", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert "Epoch 8/8" in printed
    assert "base_logger: pinned: always loaded first" in printed

"""A whole process on a real pseudo-terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")

SCRIPT = """
import itertools, sys
from epochal.testing import FakeHost
from epochal_progbar_logger import ProgbarLogger

own, fails = sys.stdout, sys.argv[1] == "fails"
bar = ProgbarLogger()
bar._clock = itertools.count().__next__

def step(epoch, batch):
    if batch == 3:
        print("hello", epoch)
        assert sys.stdout is not own
        if fails and epoch == 1:
            raise ValueError("broken")

try:
    FakeHost(bar).fit(2, 20, verbose="auto", step=step, values=lambda *_: {"loss": 0.5})
finally:
    assert sys.stdout is own
    print("behind it")
"""


def run(how: str) -> str:
    """Run the script on a terminal of 90 columns; gives what it wrote."""
    parent, child = pty.openpty()
    environment = {**os.environ, "COLUMNS": "90", "LINES": "24", "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, how], stdin=child, stdout=child, stderr=child, env=environment, close_fds=True
    )
    os.close(child)
    output = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:  # Linux says so at the end of a pseudo-terminal
            break
        if not part:
            break
        output += part
    os.close(parent)
    assert process.wait() == (1 if how == "fails" else 0)
    return output.decode()


def test_live_with_prints_above(show_screen: Callable[[str], list[str]]) -> None:
    output = run("works")
    assert output.count("━") > 100
    assert [line.strip().split("  ")[0].partition(" in ")[0] for line in show_screen(output)] == [
        "hello 0",
        "epoch",
        "1/2",
        "hello 1",
        "2/2",
        "Completed 2 epochs",
        "behind it",
    ]


def test_after_a_failure_the_streams_are_given_back_and_the_cursor_was_never_hidden(
    show_screen: Callable[[str], list[str]],
) -> None:
    output = run("fails")
    shown = show_screen(output)
    assert "behind it" in shown
    assert shown[-1].startswith("ValueError: broken")
    assert any(line.startswith("Failed in epoch 2/2") for line in shown)
    assert "\x1b[?25l" not in output

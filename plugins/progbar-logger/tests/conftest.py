"""A clock that stands still, files and terminals to write to, and what a terminal shows of it."""

from __future__ import annotations

import io
import re
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from epochal_progbar_logger import ProgbarLogger

settings.register_profile("epochal", deadline=None)  # no test asserts a time
settings.load_profile("epochal")


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal, and can tell what the screen shows."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        """Return the lines of the screen, without the empty ones at the end."""
        return screen(self.getvalue())


def screen(output: str) -> list[str]:
    """Play what was written as a terminal of endless size does; what it does not know is an error."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+|\x1b", output):
        if part == "\r":
            column = 0
        elif part == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part == "\x1b[K":
            lines[row] = lines[row][:column]
        elif part == "\x1b[J":
            lines[row] = lines[row][:column]
            del lines[row + 1 :]
        elif part.startswith("\x1b"):
            assert part.endswith("m"), f"unexpected control sequence {part!r}"
        else:
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
    while lines and not lines[-1]:
        lines.pop()
    return [line.rstrip() for line in lines]


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "TF_CONFIG", "RANK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "102")
    monkeypatch.setenv("LINES", "30")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def terminal() -> FakeTerminal:
    """Make standard output a terminal."""
    return FakeTerminal()


@pytest.fixture
def log() -> io.StringIO:
    """Make standard output a file."""
    return io.StringIO()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Redirect standard output for a test that asks for it; a fixture would do so before pytest does it itself."""
    streams: list[Any] = [pyfuncitem.funcargs[name] for name in ("terminal", "log") if name in pyfuncitem.funcargs]
    if not streams:
        return (yield)
    with redirect_stdout(streams[0]):
        result = yield
        assert sys.stdout is streams[0], "standard output was not given back"
    return result


@pytest.fixture
def make_bar(clock: Clock) -> Callable[..., ProgbarLogger]:
    """Return a function that makes a ProgbarLogger with the standing clock."""
    from epochal_progbar_logger import ProgbarLogger

    def make(**arguments: object) -> ProgbarLogger:
        bar = ProgbarLogger(**arguments)  # type: ignore[arg-type]
        bar._clock = clock
        return bar

    return make


@pytest.fixture
def show_screen() -> Callable[[str], list[str]]:
    """Return the function that tells what a terminal shows of what was written to it."""
    return screen

from __future__ import annotations

import builtins
import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from epochal.console import in_notebook, is_live, make_console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delitem(sys.modules, "IPython", raising=False)


@pytest.mark.parametrize("forced", ["1", "0", ""])
def test_a_file_gets_plain_lines_whatever_force_color_says(monkeypatch: pytest.MonkeyPatch, forced: str) -> None:
    monkeypatch.setenv("FORCE_COLOR", forced)
    stream = io.StringIO()
    console = make_console(stream)
    console.print("[bold red]loss[/]")
    assert stream.getvalue() == "loss\n"
    assert not console.is_terminal
    assert not is_live(console)


def test_a_terminal_is_live() -> None:
    console = make_console(Terminal())
    assert console.is_terminal
    assert is_live(console)


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_moves_no_cursor_is_not_live(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    assert not is_live(make_console(Terminal()))


def test_a_stream_that_knows_nothing_of_terminals_is_none() -> None:
    written: list[str] = []
    stream: Any = SimpleNamespace(write=written.append, flush=lambda: None)
    make_console(stream).print("loss")
    assert "".join(written) == "loss\n"


def test_a_closed_stream_is_no_terminal() -> None:
    stream = Terminal()
    stream.isatty = lambda: (_ for _ in ()).throw(ValueError("I/O operation on closed file"))  # type: ignore[method-assign]
    assert not make_console(stream).is_terminal


def test_without_a_stream_it_writes_to_whatever_stdout_is_then(monkeypatch: pytest.MonkeyPatch) -> None:
    console = make_console()
    later = io.StringIO()
    monkeypatch.setattr(sys, "stdout", later)
    console.print("loss")
    assert later.getvalue() == "loss\n"


def test_no_ipython_is_no_notebook() -> None:
    assert not in_notebook()


@pytest.mark.parametrize(
    ("shell", "expected"), [("ZMQInteractiveShell", True), ("TerminalInteractiveShell", False), ("", False)]
)
def test_a_notebook_is_known_by_its_shell(monkeypatch: pytest.MonkeyPatch, shell: str, expected: bool) -> None:
    running = type(shell, (), {})() if shell else None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: running))
    assert in_notebook() is expected


def test_a_shell_that_inherits_from_that_of_a_notebook_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colab's is `google.colab._shell.Shell`."""
    shell = type("Shell", (type("ZMQInteractiveShell", (), {}),), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert in_notebook()


def test_a_stream_that_is_given_is_written_to_in_a_notebook_too(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(builtins, "get_ipython", lambda: shell, raising=False)  # where rich looks
    assert not make_console(io.StringIO()).is_jupyter


def test_a_notebook_is_live() -> None:
    assert is_live(SimpleNamespace(is_jupyter=True, is_terminal=False, is_dumb_terminal=False))  # type: ignore[arg-type]

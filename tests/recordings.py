"""Record what the commands show on a terminal, as the SVGs of the documentation: `python -m tests.recordings`.

Each command runs in a pseudo-terminal of its own, in a temporary folder. What it writes goes to a terminal emulator,
and the emulator's screen is drawn. It needs pyte, Keras with TensorFlow and scikit-learn, which `nox -s recordings`
installs. The numbers differ from one machine to another: record anew when the look has changed, and look at the result.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .terminal_svg import Row, Style, draw

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parents[1] / "docs" / "images"
ROWS = 60

GOOD_CONFIG = """\
enable = ["terminate_on_nan"]

[callbacks.early_stopping]
monitor = "val_loss"
patience = 3
"""
BAD_CONFIG = """\
enabel = ["terminate_on_nan"]

[callbacks.early_stopping]
patience = "three"
"""


@dataclass(frozen=True)
class Recording:
    """A picture of a command's screen.

    Attributes:
        command: What is typed.
        title: What the picture shows.
        until: The picture is taken when the screen matches this; empty: when the command has ended.
        files: The files of the folder that it is typed in, by name.
        columns: How wide the terminal is.
    """

    command: str
    title: str
    until: str = ""
    files: Mapping[str, str] | None = None
    columns: int = 100


RECORDINGS = {
    "demo-middle": Recording(
        "epochal demo", "epochal demo while it trains: a row for each epoch, a bar for the one that runs",
        until=r"Epoch +[4-7]/8 .* [12]\d/36 .* run \d", columns=106,
    ),
    "demo-end": Recording(
        "epochal demo", "epochal demo at its end: every epoch, what ran, in which order and why", columns=106
    ),
    "list": Recording(
        "epochal list", "epochal list: the installed callbacks, which are active and why",
        files={"epochal.toml": GOOD_CONFIG},
    ),
    "plan": Recording(
        "epochal plan", "epochal plan: the order, with the reason for each place",
        files={"epochal.toml": GOOD_CONFIG},
    ),
    "error": Recording(
        "epochal run train.py", "epochal run: all mistakes of the settings are told before anything trains",
        files={"epochal.toml": BAD_CONFIG, "train.py": ""},
    ),
}  # fmt: skip


def record(recording: Recording) -> str:
    """Run the command, and give the picture.

    Raises:
        RuntimeError: The command ended, and the screen never was what was waited for.
    """
    import pyte

    screen = pyte.Screen(recording.columns, ROWS)
    stream = pyte.ByteStream(screen)
    stream.feed(f"\x1b[32m$\x1b[m \x1b[1m{recording.command}\x1b[m\r\n".encode())
    wanted = re.compile(recording.until) if recording.until else None
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (recording.files or {}).items():
            Path(folder, name).write_text(text)
        process, terminal = _start(recording, folder)
        try:
            while chunk := _read(terminal):
                stream.feed(chunk)
                if wanted is not None and wanted.search("\n".join(screen.display)):
                    os.kill(process, signal.SIGKILL)
                    return _picture(screen, recording)
        finally:
            os.close(terminal)
            os.waitpid(process, 0)
    if wanted is not None:
        raise RuntimeError(f"{recording.command} never showed {recording.until}; its last screen:\n{_text(screen)}")
    return _picture(screen, recording)


def _start(recording: Recording, folder: str) -> tuple[int, int]:
    """Start the command in a pseudo-terminal; give its process and the terminal's other side."""
    import fcntl
    import pty
    import struct
    import termios

    environment = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        environment.pop(name, None)
    words = [sys.executable, "-m", *shlex.split(recording.command)]
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, recording.columns, 0, 0))
        os.execve(words[0], words, environment)
    return process, terminal


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so when the other side is closed
        return b""


def _text(screen: Any) -> str:
    return "\n".join(line.rstrip() for line in screen.display).strip()


def _picture(screen: Any, recording: Recording) -> str:
    rows = [[_cell(screen.buffer[line][column]) for column in range(screen.columns)] for line in range(screen.lines)]
    while rows and all(character == " " for character, _ in rows[-1]):
        rows.pop()
    return draw([_stripped(row) for row in rows], recording.columns, recording.title)


def _cell(cell: Any) -> tuple[str, Style]:
    foreground, background = (cell.bg, cell.fg) if cell.reverse else (cell.fg, cell.bg)
    return cell.data, Style(foreground, background, cell.bold, cell.italics, cell.underscore)


def _stripped(row: Row) -> Row:
    plain = (" ", Style())
    while row and row[-1] == plain:
        row.pop()
    return row


def main() -> None:
    """Make the pictures that are named on the command line, or all."""
    for name in sys.argv[1:] or RECORDINGS:
        (FOLDER / f"{name}.svg").write_text(record(RECORDINGS[name]), encoding="utf-8")


if __name__ == "__main__":
    main()

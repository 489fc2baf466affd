"""A real TensorBoard, started on a folder, and asked over HTTP as its page asks it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS = 120.0
"""How long a server may take, on a machine that does other things too."""


class Server:
    """A TensorBoard that runs.

    Args:
        address: Where it answers.
        process: Its process.
    """

    def __init__(self, address: str, process: subprocess.Popen[str]) -> None:
        self.address = address
        self._process = process

    def get(self, path: str, **arguments: str) -> bytes:
        """Ask for what is under a path."""
        query = f"?{urlencode(arguments)}" if arguments else ""
        with urllib.request.urlopen(f"{self.address}/data/{path}{query}", timeout=SECONDS) as answer:
            content: bytes = answer.read()
        return content

    def ask(self, path: str, **arguments: str) -> Any:
        """Ask for JSON."""
        return json.loads(self.get(path, **arguments))

    def wait_for(self, is_there: Callable[[], Any]) -> Any:
        """Ask until there is something; the server reads the folder while it answers already."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(f"TensorBoard has ended with {self._process.returncode}")
            try:
                found = is_there()
            except (urllib.error.URLError, ConnectionError):
                found = None
            if found:
                return found
            time.sleep(0.05)
        raise TimeoutError(f"TensorBoard did not have it within {SECONDS:.0f} seconds")


@contextmanager
def tensorboard(log_dir: Path, *options: str) -> Iterator[Server]:
    """Run TensorBoard on a folder.

    Args:
        log_dir: The folder.
        *options: Further options of its command line.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(log_dir), "--host", "127.0.0.1"]
    with open(log_dir.parent / "tensorboard.txt", "w") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--reload_interval", "1", *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        server = Server(f"http://127.0.0.1:{port}", process)
        server.wait_for(lambda: server.get("runs"))
        yield server
    finally:
        process.terminate()
        process.wait()

"""A server on this machine that notes what it gets, and answers when and as it is told to."""

from __future__ import annotations

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Semaphore, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server(ThreadingHTTPServer):
    """Notes the requests; answers only while `answers` is set."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = f"http://127.0.0.1:{self.server_port}"
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.arrived = Semaphore(0)
        self.answers = Event()
        self.answers.set()
        self.status = 200
        self.location = ""

    @property
    def epochs(self) -> list[int]:
        """Return the epochs of the requests."""
        return [payload["epoch"] for _, _, payload in self.requests]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_json = self.headers["Content-Type"] == "application/json"
        text = body if is_json else parse_qs(body, strict_parsing=True)["data"][0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, json.loads(text, parse_constant=_no_constant)))
        self.server.arrived.release()
        self.server.answers.wait()
        self._answer(self.server.status)

    def do_GET(self) -> None:
        self._answer(200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not in JSON")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Yield a server that runs."""
    monkeypatch.setenv("NO_PROXY", "*")
    with Server() as made:
        thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.answers.set()
        made.shutdown()
        thread.join()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return an address at which nobody listens."""
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"

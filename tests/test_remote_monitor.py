"""RemoteMonitor in real training, with a real server."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import keras
import pytest

import epochal
from epochal_remote_monitor import RemoteMonitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Data = tuple[Any, Any]


class Server(ThreadingHTTPServer):
    """Notes the content of every request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = f"http://127.0.0.1:{self.server_port}"
        self.payloads: list[Any] = []


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_json = self.headers["Content-Type"] == "application/json"
        self.server.payloads.append(json.loads(body if is_json else parse_qs(body)["data"][0]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Yield a server that runs."""
    monkeypatch.setenv("NO_PROXY", "*")
    with Server() as made:
        thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def _bare(model: Any, *arguments: Any, callbacks: list[Any], **others: Any) -> None:
    model.fit(*arguments, callbacks=callbacks, **others)


def _joined(model: Any, *arguments: Any, callbacks: list[Any], **others: Any) -> None:
    model.fit(*arguments, callbacks=epochal.callbacks(*callbacks), **others)


@pytest.mark.parametrize("fit", [_bare, epochal.fit, _joined], ids=["bare", "epochal.fit", "epochal.callbacks"])
@pytest.mark.parametrize("send_as_json", [False, True])
def test_a_server_gets_what_keras_sends(
    fit: Any, send_as_json: bool, make_model: Callable[..., Any], data: Data, server: Server
) -> None:
    arguments: dict[str, Any] = {"epochs": 2, "verbose": 0, "shuffle": False, "validation_split": 0.25}
    theirs = keras.callbacks.RemoteMonitor(server.root, send_as_json=send_as_json)
    make_model().fit(*data, callbacks=[theirs], **arguments)
    sent_by_keras = list(server.payloads)
    server.payloads.clear()
    ours = RemoteMonitor(server.root, send_as_json=send_as_json, timeout=60)
    fit(make_model(), *data, callbacks=[ours], **arguments)
    assert server.payloads == sent_by_keras
    assert len(sent_by_keras) == ours.delivered == 2


def test_in_a_loop(server: Server) -> None:
    with epochal.loop(None, epochs=2, verbose=0, callbacks=[RemoteMonitor(server.root, timeout=60)]) as run:
        for epoch in run.epochs():
            for _, value in run.batches([1.0, 3.0]):
                run.log(loss=value + epoch)
    assert server.payloads == [{"epoch": 0, "loss": 2.0}, {"epoch": 1, "loss": 3.0}]


def test_a_server_that_is_not_there_is_told_of_and_training_is_not_held_up(
    model: Any, data: Data, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.shutdown()
    server.server_close()
    epochal.fit(model, *data, epochs=2, verbose=0, callbacks=[RemoteMonitor(server.root, timeout=60)])
    assert model.history.run.outcome.status == "completed"
    assert "RemoteMonitor: 2 of 2 epochs were not delivered to" in capsys.readouterr().out


def test_tf_keras(data: Data, server: Server) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    history = model.fit(*data, epochs=2, verbose=0, callbacks=[RemoteMonitor(server.root, timeout=60)])
    assert server.payloads == [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate(history.history["loss"])]

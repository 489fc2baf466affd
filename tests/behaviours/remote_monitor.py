"""RemoteMonitor."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import requests

import epochal

from . import behaviour

if TYPE_CHECKING:
    import pytest


class Posts:
    """Takes the place of `requests.post`, and notes how it is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, status: int = 200) -> None:
        self.status = status
        self.threads: list[threading.Thread] = []
        self.bodies: list[Any] = []
        self.options: list[dict[str, Any]] = []
        monkeypatch.setattr(requests, "post", self)

    def __call__(self, url: str, data: Any = None, **options: Any) -> requests.Response:
        self.threads.append(threading.current_thread())
        self.bodies.append(data)
        self.options.append(options)
        response = requests.Response()
        response.status_code, response.reason = self.status, "as it was told to"
        response.request = requests.Request("POST", url).prepare()
        return response


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not in JSON")


@behaviour(
    "remote_monitor",
    "Training does not wait for the server",
    keras="Every epoch waits for the answer, and a server that never answers stops the training for ever: there is no "
    "limit to the time.",
    ours="A thread sends, each request has a limit, and only the end of training waits, for no longer than that.",
)
def training_does_not_wait(RemoteMonitor: Any, model: Any, data: Any, monkeypatch: Any) -> None:
    posts = Posts(monkeypatch)
    model.fit(*data, verbose=0, callbacks=[RemoteMonitor()])
    assert posts.threads[0] is not threading.current_thread()
    assert posts.options[0]["timeout"] > 0


@behaviour(
    "remote_monitor",
    "What was not delivered is told",
    keras="The answer is not looked at. A server may refuse every request, and nobody learns of it.",
    ours="It is counted, and said at the end of training with the reason.",
)
def refusals_are_told(RemoteMonitor: Any, model: Any, data: Any, monkeypatch: Any, capsys: Any) -> None:
    Posts(monkeypatch, status=403)
    model.fit(*data, epochs=2, verbose=0, callbacks=[RemoteMonitor()])
    assert "2 of 2 epochs were not delivered" in capsys.readouterr().out


@behaviour(
    "remote_monitor",
    "What is sent is JSON, also with NaN",
    keras="`NaN` and `Infinity` are written as such, which JSON does not have. With `send_as_json` such an epoch is "
    "not sent at all, and the warning says that the server was not reached.",
    ours="They are `null`.",
)
def nan_is_null(RemoteMonitor: Any, monkeypatch: Any) -> None:
    posts = Posts(monkeypatch)
    monitor = RemoteMonitor()
    monitor.on_epoch_end(0, {"loss": float("nan")})
    monitor.on_train_end()
    assert json.loads(posts.bodies[0]["data"], parse_constant=_no_constant) == {"epoch": 0, "loss": None}


@behaviour(
    "remote_monitor",
    "An array among the metrics does not end the training",
    keras="An array of more than one element is a ValueError, after an epoch of training.",
    ours="It is sent as a list.",
    fails_with=ValueError,
)
def arrays_are_lists(RemoteMonitor: Any, monkeypatch: Any) -> None:
    posts = Posts(monkeypatch)
    monitor = RemoteMonitor()
    monitor.on_epoch_end(0, {"per_class": np.array([0.5, 1.0])})
    monitor.on_train_end()
    assert json.loads(posts.bodies[0]["data"])["per_class"] == [0.5, 1.0]


@behaviour(
    "remote_monitor",
    "An error of its own does not end the training",
    keras="Whatever it raises ends the training, for the sake of a report.",
    ours="It is not critical: in a run the error is shown, and training goes on without it.",
    fails_with=ConnectionRefusedError,
)
def it_is_not_critical(RemoteMonitor: Any, model: Any, data: Any, monkeypatch: Any) -> None:
    monitor = RemoteMonitor()

    def refuse(epoch: int, logs: Any = None) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(monitor, "on_epoch_end", refuse)
    x, y = data
    history = epochal.fit(model, x, y, epochs=2, verbose=0, callbacks=[monitor])
    assert history.epoch == [0, 1]
